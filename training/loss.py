"""What the network is trained to do: little error in power, little error as heard, and above all no voice lost."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from mediaclean.backends.dialogue_mask import (
    BINS,
    FFT,
    HIGH_EDGES,
    LOW_BINS,
    RATE,
    Mask,
    analyse,
    apply_mask,
    high_power,
    synthesise,
)
from mediaclean.backends.rumble import RUMBLE_BINS
from training.perception import Disturbance

QUARTER = 16
"""Frames in a quarter of a second."""
LOUD = 10**-1.5
"""Of the power of the loudest quarter of an example."""
KEPT = 0.7
"""Share of its amplitude, 3 dB less, from which on a word counts as there."""


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms; see `dialogue_loss`."""

    snr: float = 0.05
    magnitude: float = 7.0
    complex: float = 3.0
    lost_voice: float = 3.0
    level: float = 0.15  # per dB
    high: float = 3.0
    gone: float = 5.0  # per share of the amplitude
    heard: float = 0.2  # per point of P.862
    bands: float = 0.35  # per dB
    band_floor: float = 2e-4  # of a band's mean power
    compress: float = 0.3
    floor: float = 1e-4  # the SNR term stops rewarding at 40 dB


@functools.cache
def _disturbance(device: torch.device) -> Disturbance:
    return Disturbance().to(device)


def _power(spectrum: Tensor) -> Tensor:
    return spectrum.real.square() + spectrum.imag.square()


def _heard(low: Tensor) -> Tensor:
    """The spectrogram of the sound that is made of a spectrogram, below 8 kHz: what frames that overlap do not agree on
    is never heard (Wisdom et al., "Differentiable consistency constraints", ICASSP 2019)."""
    return analyse(synthesise(F.pad(low, (0, BINS - LOW_BINS))))[..., :LOW_BINS]


def _quarters(values: Tensor) -> Tensor:
    """Means over quarters of a second that overlap by half, (batch, frames) to (batch, quarters)."""
    return F.avg_pool1d(values[:, None], QUARTER, QUARTER // 2)[:, 0]


def _compress(power: Tensor, exponent: float) -> Tensor:
    """Compressed magnitude of a power."""
    return (power + 1e-5) ** (exponent / 2)


class _Pair:
    """The voice that a mask makes and the true one, below 8 kHz: spectra and powers, (batch, frames, LOW_BINS)."""

    def __init__(self, got: Tensor, voice: Tensor, bandwidth: Tensor) -> None:
        self.got, self.voice = got, voice
        self.got_power, self.voice_power = _power(got), _power(voice)
        hz = torch.arange(LOW_BINS, device=got.device) * (RATE / FFT)
        self.known = (hz < bandwidth[:, None] * 0.97).float()[:, None]
        self.own = self.voice_power.sum((1, 2))
        self.there = (self.own > 1.0).float()

    def error_db(self, margin: Tensor) -> Tensor:
        """Error power over the voice's, (batch,); a margin on both stops the reward."""
        error = _power(self.got - self.voice) * self.known
        return 10 * torch.log10((error.sum((1, 2)) + margin + 1e-9) / (self.own + margin + 1e-9))

    def level_db(self) -> Tensor:
        """How far the projection on the voice is from its level, (batch,)."""
        along = (self.got.real * self.voice.real + self.got.imag * self.voice.imag).sum((1, 2))
        return 20 * torch.log10((along / (self.own + 1e-9)).clamp_min(0.1)).abs() * self.there

    def compressed(self, exponent: float) -> tuple[Tensor, Tensor]:
        """What is missing of each compressed magnitude, and the squared error of the compressed complex values."""
        magnitude, target = _compress(self.got_power, exponent), _compress(self.voice_power, exponent)
        turn, target_turn = magnitude * (self.got_power + 1e-5).rsqrt(), target * (self.voice_power + 1e-5).rsqrt()
        complex_error = _power(self.got * turn - self.voice * target_turn) * self.known
        return (target - magnitude) * self.known, complex_error

    def gone(self, mix: Tensor) -> Tensor:
        """Mean share of the amplitude that words lack of `KEPT`, over quarters of a second with a loud voice, (batch,).

        Loud as in `benchmarks/lost.py`: near the loudest, and not under the bed. Linear, so that a word of which
        nothing is left pulls as much as one of which half is.
        """
        along = self.got.real * self.voice.real + self.got.imag * self.voice.imag
        rest = _power(mix - self.voice)
        own, kept, bed = (_quarters((each * self.known).sum(-1)) for each in (self.voice_power, along, rest))
        loud = (own > own.amax(1, keepdim=True) * LOUD) & (own > bed) & (own > 1e-3)
        lack = (KEPT - kept / (own + 1e-9)).clamp_min(0) * loud
        return lack.sum(1) / loud.sum(1).clamp_min(1) * self.there

    def bands_db(self, bands: Tensor, floor: float) -> Tensor:
        """How far the power of each critical band in each frame is from the true one, (batch,) means.

        Rumble does not count, and a floor well under the mean of each band keeps the hiss of a recording out.
        """
        powers = (self.got_power, self.voice_power)
        got, voice = ((power * self.known)[..., RUMBLE_BINS:] @ bands[RUMBLE_BINS:] for power in powers)
        floors = floor * voice.mean(1, keepdim=True) + 1e-4
        return 10 * torch.log10((got + floors) / (voice + floors)).abs().mean((1, 2)) * self.there


def _high_error(gains: Tensor, pair: _Pair, mix: Tensor, voice: Tensor, bandwidth: Tensor, exponent: float) -> Tensor:
    """Squared error of the compressed magnitude of the bands above 8 kHz, where it is known."""
    gap = _compress(gains.float().square() * high_power(mix), exponent) - _compress(high_power(voice), exponent)
    tops = torch.tensor(HIGH_EDGES[1:], device=mix.device) * (RATE / FFT)
    silent = (pair.voice_power.mean(-1, keepdim=True) < 1e-3).float()
    return gap.square() * torch.maximum((tops < bandwidth[:, None] * 1.03).float()[:, None], silent)


def dialogue_loss(
    mask: Mask, voice: Tensor, mix: Tensor, bandwidth: Tensor, weights: LossWeights | None = None
) -> tuple[Tensor, dict[str, float]]:
    """The loss of a mask for the spectrograms (batch, frames, BINS) of a voice and its mix, and its terms.

    Both are level-normalised. The SNR term is the log error power over the whole example, below 8 kHz, so that quiet
    errors count in clean examples. The level term is what the projection on the voice lacks of its level, or exceeds
    it by, in dB: least error alone turns down whatever it is unsure of, which no scale-invariant measure sees. It
    does so most to what is weak, such as the ends of words, and so the term "bands" counts the level of every
    critical band in every frame alike. The term "heard" is what a listener would be disturbed by (`perception.py`),
    where there is a voice. The others compare power-compressed spectra (Ephrat et al. 2018): magnitude, complex
    value, and once more whatever magnitude of the voice was lost; above 8 kHz, the magnitude of bands. "gone" counts
    words of which little is left: too rare to weigh anything in the others. Above the voice's own bandwidth (Hz, per
    example) the target is unknown while somebody speaks, and nothing is counted.
    """
    w = weights or LossWeights()
    low_mix = mix[..., :LOW_BINS]
    pair = _Pair(_heard(apply_mask(mask, low_mix)), voice[..., :LOW_BINS], bandwidth)
    gap, complex_error = pair.compressed(w.compress)
    disturbance = _disturbance(mix.device)
    heard = disturbance(pair.got_power, pair.voice_power, pair.known) * pair.there
    high = _high_error(mask.gains, pair, mix, voice, bandwidth, w.compress)
    terms = {
        "snr": w.snr * pair.error_db(w.floor * _power(low_mix).sum((1, 2))).mean(),
        "magnitude": w.magnitude * gap.square().mean(),
        "complex": w.complex * complex_error.mean(),
        "level": w.level * pair.level_db().mean(),
        "lost_voice": w.lost_voice * gap.clamp_min(0).square().mean(),
        "gone": w.gone * pair.gone(low_mix).mean(),
        "bands": w.bands * pair.bands_db(disturbance.bands, w.band_floor).mean(),
        "heard": w.heard * heard.mean(),
        "high": w.high * high.mean(),
    }
    return torch.stack(list(terms.values())).sum(), {name: float(term.detach()) for name, term in terms.items()}
