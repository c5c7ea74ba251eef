"""One mask for several channels, told apart by where voice and bed stand between them.

The network hears the sum of the channels, so its mask says what share of that sum is voice in a cell of time and
frequency; applied to every channel alike it would give the voice whatever the bed has beside the sum. But voice and bed
seldom stand in the same place: the voice in the middle, the music wide. So for every bin the covariances of the
channels are learned, once over the cells that are voice and once over those that are bed, and the channels are mixed
anew such that both covariances are diagonal. In each of these parts it is known how much louder the voice is against
the bed than in the sum, and each gets a gain of its own. That is the multichannel Wiener filter of the local Gaussian
model (Duong, Vincent and Gribonval 2010, doi:10.1109/TASL.2010.2050716) with a network's mask for the powers (Nugraha,
Liutkus and Vincent 2016, doi:10.1109/TASLP.2016.2580946).

Where both stand in one place the gains are those of the mask; a mask of 0 silences and a mask of 1 passes whatever the
places. The covariances are of full rank, so a voice with the reverberation of its room keeps it, which the sharper
beamformers (one direction for the voice) would take away.
"""

from __future__ import annotations

import torch
from torch import Tensor

SHRINK = 0.03
"""What every cell counts besides: where there is no evidence, both covariances are those of the mix."""
LEAST_HEARD = 0.01
"""Of all channels' power in their sum, lest sound that cancels there count for everything."""
_DIAGONAL = 1e-4
_BINS_AT_ONCE = 128


def told_apart(mask: Tensor, spectra: Tensor, downmix: Tensor, beside: Tensor) -> Tensor:
    """The voice in every channel.

    Args:
        mask: of the sum of the channels, complex, (batch, frames, bins).
        spectra: of the channels, (batch, channels, frames, bins).
        downmix: the factor of each channel in the sum that the mask was found for, (batch, channels).
        beside: what other bins add to the voice in every channel, in the shape of spectra (`dialogue_mask.beside`). A
            part in which there is more voice than in the sum needs no more of it, one with less gets less.

    Returns:
        spectra of the voice, in the same shape.
    """
    voice = torch.empty_like(spectra)
    for start in range(0, spectra.shape[-1], _BINS_AT_ONCE):
        here = slice(start, start + _BINS_AT_ONCE)
        voice[..., here] = _some_bins(mask[..., here], spectra[..., here], downmix, beside[..., here])
    return voice


def _some_bins(mask: Tensor, spectra: Tensor, downmix: Tensor, beside: Tensor) -> Tensor:
    size = mask.abs()
    share = size.clamp(max=1.0)
    rest = 1.0 - share
    voice, bed = (_covariance(spectra, weight, downmix) for weight in (share.square().square(), rest.square()))
    into_parts, ratios, into_channels = (each.to(mask.device) for each in _both_diagonal(voice, bed))
    turned = mask / size.clamp_min(1e-9) * size.clamp_min(1.0)  # its phase; and it may exceed 1
    found = torch.zeros_like(spectra)
    for into, ratio, back in zip(into_parts.unbind(1), ratios.unbind(1), into_channels.unbind(1), strict=True):
        lift = ratio[:, None] / (share * ratio[:, None] + rest)
        part = (spectra * into[:, :, None]).sum(1) * (turned * share * lift)
        part += (beside * into[:, :, None]).sum(1) * lift.clamp(max=1.0)
        found += part[:, None] * back[:, :, None]
    return found


def _covariance(spectra: Tensor, weight: Tensor, downmix: Tensor) -> Tensor:
    """Of the channels, (batch, bins, channels, channels), on the processor; such that the sum of the channels, of which
    the mask speaks, has as much power as one and the same sound of power 1 in all of them would give it."""
    weighted = spectra * (weight + SHRINK)[:, None]
    columns = [(weighted * channel.conj()[:, None]).sum(2) for channel in spectra.unbind(1)]
    found = torch.stack(columns, -1).movedim(1, 2).cpu().to(torch.complex128)
    factors = downmix.cpu().to(torch.complex128)[:, None, :, None]
    heard = (factors.mT @ found @ factors).real
    power = torch.diagonal(found, dim1=2, dim2=3).real.sum(-1)[..., None, None]
    count = spectra.shape[1]
    found = found * (count**2 / torch.maximum(heard, LEAST_HEARD * power).clamp_min(1e-30))
    mean = torch.diagonal(found, dim1=2, dim2=3).real.mean(-1).clamp_min(1.0)[..., None, None]
    return found + _DIAGONAL * mean * torch.eye(count, dtype=found.dtype)


def _both_diagonal(voice: Tensor, bed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For each part (batch, parts, ...): the factors of the channels in it (channels, bins), the ratio of voice to bed
    (bins), and its factors in the channels (channels, bins)."""
    lower = torch.linalg.cholesky(bed)
    upward = torch.linalg.solve_triangular(lower, torch.eye(bed.shape[-1], dtype=bed.dtype).expand_as(bed), upper=False)
    ratios, turn = torch.linalg.eigh(upward @ voice @ upward.mH)
    forth, back = turn.mH @ upward, lower @ turn
    factors = (forth.permute(0, 2, 3, 1), back.permute(0, 3, 2, 1))
    into_parts, into_channels = (each.to(torch.complex64).contiguous() for each in factors)
    return into_parts, ratios.clamp_min(1e-6).float().mT.contiguous(), into_channels
