"""A voice that reaches one microphone later than the other is brought in step before the network hears it.

The network hears the sum of the channels. Two microphones 20 cm apart hear a voice from the side 0.6 ms one after the
other, and their sum has a hole in it at 0.9 kHz and at every odd multiple: a comb filter, which costs 2 to 3 dB of
separation. So once a voice was found, its lag between the channels is measured, by the mean coherence over frequency
with the phase of every lag taken out (the generalised cross-correlation of Knapp and Carter 1976,
doi:10.1109/TASSP.1976.1162830, with the weighting that they call SCOT). Where one lag is clear, the channels are
shifted by it, heard again, and shifted back.

Two people on two sides have two lags: what is in step for one is further out of step for the other, and no peak is
clear. Then nothing is shifted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mediaclean.backends.dialogue_mask import FFT, RATE

LEAST = 3
"""Lag in samples that is worth a second hearing: the first hole of the sum then lies at 8 kHz."""
MOST = 72
"""Lag in samples that is looked for: 1.5 ms, half a metre."""
BAND_HZ = 200.0, 7000.0
CLEAR = 0.65
"""Height of a peak that is one place: 1 for a voice in one place without a room, 0.8 in a room, 0.5 for two people."""
ALONE = 2.0
"""So many times as high as any other peak, more than NEAR samples away."""
NEAR = 6
LEAST_FRAMES = 60
"""A second: over less, anything coheres."""


def lags_of(voice: Tensor, turn: NDArray[np.float32]) -> list[int]:
    """By how many samples each channel is later than the one in which the voice is loudest.

    Args:
        voice: its spectra, (channels, frames, bins).
        turn: 1 or -1 for each channel, as it is wired.

    Returns:
        0 for what is in step, not clear, or not worth it.
    """
    if voice.shape[1] < LEAST_FRAMES:
        return [0] * len(voice)
    first, last = (round(hz * FFT / RATE) for hz in BAND_HZ)
    heard = voice[..., first:last]
    powers = heard.real.square().sum(1) + heard.imag.square().sum(1)
    loudest = int(powers.sum(-1).argmax())
    bins = torch.arange(first, last, device=voice.device)[:, None]
    angles = 2.0 * math.pi / FFT * bins * torch.arange(-MOST, MOST + 1, device=voice.device)
    cosines, sines = angles.cos() / len(bins), angles.sin() / len(bins)
    lags = []
    for each, power, sign in zip(heard, powers, turn, strict=True):
        coherence = (heard[loudest].conj() * each).sum(0) / (powers[loudest] * power).sqrt().clamp_min(1e-20)
        heights = coherence.real @ cosines - coherence.imag @ sines
        lags.append(_clear_lag(heights * (turn[loudest] * sign)))
    return lags


def _clear_lag(heights: Tensor) -> int:
    """The lag of a peak that stands alone, of heights for -MOST to MOST; 0 if there is none."""
    peak = int(heights.argmax())
    height = float(heights[peak])
    others = torch.cat([heights[: max(0, peak - NEAR)], heights[peak + NEAR + 1 :]])
    lag = peak - MOST
    clear = height >= CLEAR and height >= ALONE * float(others.max())
    return lag if clear and LEAST <= abs(lag) < MOST else 0


def in_step(mix: NDArray[np.float32], lags: Sequence[int]) -> NDArray[np.float32]:
    """Channels (channels, n) shifted against each other, (channels, n + the largest lag - the smallest)."""
    starts = _starts(lags)
    padded = np.zeros((len(mix), mix.shape[1] + max(starts)), np.float32)
    for row, channel, start in zip(padded, mix, starts, strict=True):
        row[start : start + len(channel)] = channel
    return padded


def out_of_step(voice: NDArray[np.float32], lags: Sequence[int]) -> NDArray[np.float32]:
    """The inverse of `in_step`."""
    starts = _starts(lags)
    count = voice.shape[1] - max(starts)
    return np.stack([row[start : start + count] for row, start in zip(voice, starts, strict=True)])


def _starts(lags: Sequence[int]) -> list[int]:
    """Where each channel begins once all are in step: the latest at once."""
    return [max(lags) - lag for lag in lags]
