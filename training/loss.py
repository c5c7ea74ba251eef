"""What the network is trained to do: little error in power, little error as heard, and above all no voice lost."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mediaclean.backends.dialogue_net import BINS, LOW_BINS, RATE


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms; see `dialogue_loss`."""

    snr: float = 0.05
    magnitude: float = 7.0
    complex: float = 3.0
    lost_voice: float = 3.0
    high: float = 3.0
    compress: float = 0.3
    floor: float = 1e-4  # the SNR term stops rewarding at 40 dB


def _compressed(spectrum: Tensor, power: float) -> tuple[Tensor, Tensor]:
    """Compressed magnitude, and the factor that compresses the complex spectrum itself."""
    square = spectrum.real.square() + spectrum.imag.square() + 1e-5
    return square ** (power / 2), square ** ((power - 1) / 2)


def dialogue_loss(
    estimate: Tensor, voice: Tensor, mix: Tensor, bandwidth: Tensor, weights: LossWeights | None = None
) -> tuple[Tensor, dict[str, float]]:
    """The loss of spectrograms (batch, frames, BINS), level-normalised, and its terms.

    The SNR term is the log error power over the whole example, below 8 kHz, so that quiet errors count in clean
    examples. The others compare power-compressed spectra (Ephrat et al. 2018): magnitude, complex value, and once
    more whatever magnitude of the voice was lost. Above the voice's own bandwidth (Hz, per example) the target is
    unknown while somebody speaks, and the error there is not counted.
    """
    w = weights or LossWeights()
    low, low_voice, low_mix = estimate[..., :LOW_BINS], voice[..., :LOW_BINS], mix[..., :LOW_BINS]
    hz = torch.arange(BINS, device=mix.device) * (RATE / 2 / (BINS - 1))
    known = (hz < bandwidth[:, None] * 0.97).float()[:, None]
    known_low, known_high = known[..., :LOW_BINS], known[..., LOW_BINS:]

    def energy(x: Tensor) -> Tensor:
        return (x.real.square() + x.imag.square()).sum((1, 2))

    margin = w.floor * energy(low_mix)
    snr = 10 * torch.log10((energy((low - low_voice) * known_low) + margin) / (energy(low_voice) + margin + 1e-9))

    magnitude, turn = _compressed(low, w.compress)
    target, target_turn = _compressed(low_voice, w.compress)
    gap = (target - magnitude) * known_low
    difference = low * turn - low_voice * target_turn
    complex_error = (difference.real.square() + difference.imag.square()) * known_low
    lost = gap.clamp_min(0).square()

    high, _ = _compressed(estimate[..., LOW_BINS:], w.compress)
    high_target, _ = _compressed(voice[..., LOW_BINS:], w.compress)
    speaking = (low_voice.real.square() + low_voice.imag.square()).mean(-1, keepdim=True) > 1e-3
    counted = torch.maximum(known_high, (~speaking).float())
    high_error = (high - high_target).square() * counted

    terms = {
        "snr": w.snr * snr.mean(),
        "magnitude": w.magnitude * gap.square().mean(),
        "complex": w.complex * complex_error.mean(),
        "lost_voice": w.lost_voice * lost.mean(),
        "high": w.high * high_error.mean(),
    }
    return torch.stack(list(terms.values())).sum(), {name: float(term.detach()) for name, term in terms.items()}
