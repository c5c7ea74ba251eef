"""What the network is trained to do: little error in power, little error as heard, and above all no voice lost."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from mediaclean.backends.dialogue_mask import (
    BINS,
    HIGH_EDGES,
    LOW_BINS,
    RATE,
    Mask,
    analyse,
    apply_mask,
    high_bands,
    synthesise,
)
from training.perception import Disturbance


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms; see `dialogue_loss`."""

    snr: float = 0.05
    magnitude: float = 7.0
    complex: float = 3.0
    lost_voice: float = 3.0
    level: float = 0.15  # per dB
    high: float = 3.0
    heard: float = 0.2  # per point of P.862
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


def _compress(power: Tensor, exponent: float) -> Tensor:
    """Compressed magnitude of a power."""
    return (power + 1e-5) ** (exponent / 2)


def dialogue_loss(
    mask: Mask, voice: Tensor, mix: Tensor, bandwidth: Tensor, weights: LossWeights | None = None
) -> tuple[Tensor, dict[str, float]]:
    """The loss of a mask for the spectrograms (batch, frames, BINS) of a voice and its mix, and its terms.

    Both are level-normalised. The SNR term is the log error power over the whole example, below 8 kHz, so that quiet
    errors count in clean examples. The level term is what the projection on the voice lacks of its level, or exceeds
    it by, in dB: least error alone turns down whatever it is unsure of, which no scale-invariant measure sees. The
    term "heard" is what a listener would be disturbed by (`perception.py`), where there is a voice. The others compare
    power-compressed spectra (Ephrat et al. 2018): magnitude, complex value, and once more whatever magnitude of the
    voice was lost; above 8 kHz, the magnitude of bands. Above the voice's own bandwidth (Hz, per example) the target is
    unknown while somebody speaks, and nothing is counted.
    """
    w = weights or LossWeights()
    low_mix, low_voice = mix[..., :LOW_BINS], voice[..., :LOW_BINS]
    got = _heard(apply_mask(mask, low_mix))
    got_real, got_imag = got.real, got.imag
    got_power, voice_power = _power(got), _power(low_voice)
    hz = torch.arange(LOW_BINS, device=mix.device) * (RATE / 2 / (BINS - 1))
    known = (hz < bandwidth[:, None] * 0.97).float()[:, None]

    error = (got_real - low_voice.real).square() + (got_imag - low_voice.imag).square()
    margin = w.floor * _power(low_mix).sum((1, 2))
    snr = 10 * torch.log10(((error * known).sum((1, 2)) + margin) / (voice_power.sum((1, 2)) + margin + 1e-9))

    along = (got_real * low_voice.real + got_imag * low_voice.imag).sum((1, 2))
    own = voice_power.sum((1, 2))
    level = 20 * torch.log10((along / (own + 1e-9)).clamp_min(0.1)).abs() * (own > 1.0)

    magnitude, target = _compress(got_power, w.compress), _compress(voice_power, w.compress)
    turn, target_turn = magnitude * (got_power + 1e-5).rsqrt(), target * (voice_power + 1e-5).rsqrt()
    gap = (target - magnitude) * known
    complex_error = (
        (got_real * turn - low_voice.real * target_turn).square()
        + (got_imag * turn - low_voice.imag * target_turn).square()
    ) * known
    lost = gap.clamp_min(0).square()

    belongs = high_bands().to(mix.device)
    pool = belongs / belongs.sum(0)
    high_mix, high_voice = _power(mix[..., LOW_BINS:]) @ pool, _power(voice[..., LOW_BINS:]) @ pool
    high_gap = _compress(mask.gains.float().square() * high_mix, w.compress) - _compress(high_voice, w.compress)
    tops = torch.tensor(HIGH_EDGES[1:], device=mix.device) * (RATE / 2 / (BINS - 1))
    silent = (voice_power.mean(-1, keepdim=True) < 1e-3).float()
    counted = torch.maximum((tops < bandwidth[:, None] * 1.03).float()[:, None], silent)

    terms = {
        "snr": w.snr * snr.mean(),
        "magnitude": w.magnitude * gap.square().mean(),
        "complex": w.complex * complex_error.mean(),
        "level": w.level * level.mean(),
        "lost_voice": w.lost_voice * lost.mean(),
        "heard": w.heard * (_disturbance(mix.device)(got_power, voice_power, known) * (own > 1.0)).mean(),
        "high": w.high * (high_gap.square() * counted).mean(),
    }
    return torch.stack(list(terms.values())).sum(), {name: float(term.detach()) for name, term in terms.items()}
