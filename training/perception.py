"""A disturbance as it is heard, for training: a differentiable approximation of the model inside PESQ.

Spectra become powers in critical bands and those become loudness; what differs in loudness is masked in part by what
is there, and what was added disturbs more than what was taken away. After ITU-T Rec. P.862 (2001) and P.862.2 (2007),
as a loss after Martín-Doñas et al., "A deep learning loss function based on the perceptual evaluation of the speech
quality", IEEE Signal Processing Letters 25, 2018 (doi:10.1109/LSP.2018.2871419). Left out are time alignment, which a
mask does not need, and the tables: bands follow Traunmüller's formula, the threshold of hearing Terhardt's.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mediaclean.backends.dialogue_mask import BINS, LOW_BINS, RATE

BAND_BARK = 0.45
LEVEL_DB_SPL = 83.6
"""Speech is compared at the level (300 to 3000 Hz) of P.862's calibration: 10^7 where 436 are 40 dB."""
LOUDNESS_SCALE = 0.1866
ZWICKER = 0.23
SYLLABLE_FRAMES = 20  # 320 ms, half overlapping
DISTURBANCE, ADDED = 0.1, 0.0309
"""Of P.862's score, per unit of the symmetric and of the asymmetric disturbance."""


class Disturbance(torch.nn.Module):
    """How far a voice is from another, in units of P.862's score before its mapping: 0 is no difference, 4 the worst.

    Works on power spectra below 8 kHz of frames that overlap by half, as from `dialogue_mask.analyse`.
    """

    bands: Tensor
    width_bark: Tensor
    threshold: Tensor
    power: Tensor
    speech: Tensor

    def __init__(self) -> None:
        super().__init__()
        hz = torch.arange(LOW_BINS) * (RATE / 2 / (BINS - 1))
        bark = (26.81 * hz / (1960 + hz) - 0.53).clamp_min(0)
        number = torch.div(bark, BAND_BARK, rounding_mode="floor").long()
        _, number = torch.unique(number, return_inverse=True)
        bands = F.one_hot(number).float()
        count = bands.sum(0)
        centre_hz, centre_bark = (hz @ bands / count).clamp_min(20), bark @ bands / count
        khz = centre_hz / 1000
        threshold_db = 3.64 * khz**-0.8 - 6.5 * torch.exp(-0.6 * (khz - 3.3) ** 2) + 1e-3 * khz**4
        self.register_buffer("bands", bands)
        edges = torch.cat((torch.zeros(1), (centre_bark[1:] + centre_bark[:-1]) / 2, bark[-1:]))
        self.register_buffer("width_bark", edges.diff())
        self.register_buffer("threshold", 10 ** (threshold_db.clamp(max=60) / 10))
        steeper = torch.where(centre_bark < 4, (6 / (centre_bark + 2)).clamp(max=2), torch.ones(1))
        self.register_buffer("power", ZWICKER * steeper**0.15)
        self.register_buffer("speech", ((hz >= 300) & (hz <= 3000)).float())

    def forward(self, got: Tensor, voice: Tensor, known: Tensor) -> Tensor:
        """(batch,) of power spectra (batch, frames, LOW_BINS).

        `known` (batch, 1, LOW_BINS) is 0 where nothing counts.
        """
        got, voice = (self._banded(power * known) for power in (got, voice))
        with torch.no_grad():
            audible = (voice > 100 * self.threshold).float()
            loud = (voice.sum(-1, keepdim=True) > 1e7).float()
            means = [
                (power * audible * loud).sum(1, keepdim=True) / (loud.sum(1, keepdim=True) + 1e-3)
                for power in (got, voice)
            ]
            colour = ((means[0] + 1000) / (means[1] + 1000)).clamp(0.01, 100)
        voice = voice * colour
        with torch.no_grad():
            sums = [(power * (power > self.threshold)).sum(-1, keepdim=True) + 5e3 for power in (voice, got)]
            gain = (sums[0] / sums[1]).clamp(3e-4, 5)
            gain[:, 1:] = 0.8 * gain[:, 1:] + 0.2 * gain[:, :-1]
        got = got * gain
        heard, wanted = self._loudness(got), self._loudness(voice)
        gap = heard - wanted
        gap = gap.sign() * (gap.abs() - 0.25 * torch.minimum(heard, wanted)).clamp_min(0)
        with torch.no_grad():
            added = ((got + 50) / (voice + 50)) ** 1.2
            added = torch.where(added < 3, 0.0, added.clamp(max=12))
            emphasis = ((sums[0][..., 0] + 1e5) / 1e7) ** 0.04
        total = self.width_bark.sum()
        weighted = gap.abs() * self.width_bark
        symmetric = total.sqrt() * (weighted.square().sum(-1) + 1e-9).sqrt()
        asymmetric = (weighted * added).sum(-1)
        parts = [_over_time((each / emphasis).clamp(max=45)) for each in (symmetric, asymmetric)]
        return DISTURBANCE * parts[0] + ADDED * parts[1]

    def _banded(self, power: Tensor) -> Tensor:
        """In critical bands, each signal at the level at which it is listened to."""
        level = (power @ self.speech).mean(1)[:, None, None]
        return (power @ self.bands) * (10 ** (LEVEL_DB_SPL / 10) / (level + 1e-9))

    def _loudness(self, power: Tensor) -> Tensor:
        scale = LOUDNESS_SCALE * (self.threshold / 0.5) ** self.power
        return scale * ((0.5 + 0.5 * power / self.threshold).clamp_min(1) ** self.power - 1)


def _over_time(frames: Tensor) -> Tensor:
    """From frames to the whole: the loud disturbances count most within a syllable, all syllables alike."""
    padded = F.pad(frames, (0, max(0, SYLLABLE_FRAMES - frames.shape[1])))
    syllables = padded.unfold(1, SYLLABLE_FRAMES, SYLLABLE_FRAMES // 2)
    sixth = ((syllables / 10 + 1e-6) ** 6).mean(-1) ** (1 / 6) * 10
    return (sixth.square().mean(-1) + 1e-9).sqrt()
