"""The spectrogram that the dialogue network hears, and the mask that it answers with.

Below 8 kHz a mask has a complex factor for each bin of 31 Hz and one for each of the eight around it, in time and in
frequency: a tone of music can be cancelled by what it was and will be, and an onset shaped within a frame (Mack and
Habets, "Deep filtering", IEEE Signal Processing Letters 27, 2020, doi:10.1109/LSP.2019.2955818). Above 8 kHz it has
eight real gains.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

RATE = 48_000
FFT = 1536
HOP = 768
BINS = FFT // 2 + 1
LOW_BINS = 256  # below 8 kHz: complex factors for every bin
HIGH_EDGES = (256, 288, 320, 368, 416, 480, 560, 656, 769)  # eight real gains above 8 kHz
HIGH_BANDS = len(HIGH_EDGES) - 1
TAPS = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))
"""Frames and bins from a bin of the voice to those that it is made of; itself first."""


class Mask(NamedTuple):
    """What makes a voice of a spectrogram.

    Attributes:
        real: of the factors of every bin below 8 kHz, (batch, frames, taps, LOW_BINS): all TAPS, or the first of them.
        imag: the same.
        gains: of the bands above 8 kHz, (batch, frames, HIGH_BANDS).
    """

    real: Tensor
    imag: Tensor
    gains: Tensor


def high_bands() -> Tensor:
    """Which bin above 8 kHz belongs to which band: (BINS - LOW_BINS, HIGH_BANDS), ones and zeros."""
    bins = torch.arange(LOW_BINS, BINS)[:, None]
    edges = torch.tensor(HIGH_EDGES)
    return ((bins >= edges[:-1]) & (bins < edges[1:])).float()


def high_power(spectrum: Tensor) -> Tensor:
    """Mean power in each band above 8 kHz: (..., BINS) complex -> (..., HIGH_BANDS)."""
    belongs, top = high_bands().to(spectrum.device), spectrum[..., LOW_BINS:]
    power: Tensor = top.real.square() + top.imag.square()
    return power @ (belongs / belongs.sum(0))


def window(like: Tensor) -> Tensor:
    """The square root of a periodic Hann window: its square sums to one at half overlap (Princen-Bradley)."""
    hann: Tensor = torch.hann_window(FFT, periodic=True, dtype=like.dtype, device=like.device)
    return hann.sqrt()


def analyse(signal: Tensor) -> Tensor:
    """(..., samples), samples a multiple of HOP -> (..., samples / HOP + 1, BINS), scaled to keep the mean power."""
    framed = F.pad(signal, (HOP, HOP)).unfold(-1, FFT, HOP)
    spectrum: Tensor = torch.fft.rfft(framed * (window(signal) / HOP**0.5))
    return spectrum


def synthesise(spectrum: Tensor) -> Tensor:
    """The inverse of `analyse`: (..., frames, BINS) -> (..., (frames - 1) * HOP)."""
    frames: Tensor = torch.fft.irfft(spectrum, FFT)
    frames = frames * (window(frames) * HOP**0.5)
    joined = frames[..., :-1, HOP:] + frames[..., 1:, :HOP]
    signal: Tensor = joined.flatten(-2)
    return signal


def around(spectrum: Tensor, taps: int) -> list[Tensor]:
    """What each of a mask's taps is a factor of: (..., frames, bins) -> the same for every tap; silence outside."""
    frames, bins = spectrum.shape[-2:]
    padded = F.pad(spectrum, (1, 1, 1, 1))
    return [padded[..., 1 + frame :, 1 + number :][..., :frames, :bins] for frame, number in TAPS[:taps]]


def whole_mask(mask: Mask, bins: int = BINS) -> Tensor:
    """The factor of each of the first bins itself, without those beside it: complex, (..., frames, bins)."""
    own = torch.complex(mask.real[..., 0, :bins].float(), mask.imag[..., 0, :bins].float())
    if bins <= LOW_BINS:
        return own
    spread = mask.gains.float() @ high_bands().t().to(mask.gains.device)
    return torch.cat((own, spread.to(torch.complex64)), -1)[..., :bins]


def beside(mask: Mask, spectrum: Tensor) -> Tensor:
    """What bins add to those beside them: (..., frames, bins) complex -> the same; nothing above 8 kHz."""
    bins = min(LOW_BINS, spectrum.shape[-1])
    added = torch.zeros_like(spectrum[..., :bins])
    for tap, sound in enumerate(around(spectrum[..., :bins], mask.real.shape[-2])[1:], 1):
        added += torch.complex(mask.real[..., tap, :bins].float(), mask.imag[..., tap, :bins].float()) * sound
    return F.pad(added, (0, spectrum.shape[-1] - bins))


def apply_mask(mask: Mask, spectrum: Tensor) -> Tensor:
    """The voice's spectrogram, of a mask for it and a spectrogram (..., frames, BINS) or its first bins."""
    return whole_mask(mask, spectrum.shape[-1]) * spectrum + beside(mask, spectrum)
