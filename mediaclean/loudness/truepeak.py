"""True peaks: what the samples reach between them (ITU-R BS.1770-5, annex 2).

A polyphase interpolator of windowed sincs estimates the waveform at 1/factor, 2/factor, … of a sample after
every sample. It runs as a matrix product over short stretches and only on those that could matter: no
interpolated value exceeds the largest sample under the filter times the filter's L1 norm, so a stretch
that cannot reach the threshold is skipped without changing the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples

STRETCH = 32
TAPS = 32
"""Filter length in samples; the interpolated point lies between taps 15 and 16."""

BEFORE = TAPS // 2 - 1
AFTER = TAPS // 2
_BETA = 7.0
_SMALL = 4 * 65536
"""Multiplications up to which OpenBLAS stays on its caller's thread."""


@dataclass(frozen=True)
class Interpolator:
    """`matrix` takes STRETCH + TAPS - 1 samples to the STRETCH * (factor - 1) points between STRETCH of them."""

    factor: int
    matrix: NDArray[np.float32]
    bound: float


@lru_cache
def interpolator(factor: int) -> Interpolator:
    """The interpolator for an oversampling factor of at least 2; the samples themselves are not among its
    points."""
    phases = np.arange(1, factor) / factor
    offsets = np.arange(TAPS) - BEFORE - phases[:, None]
    taps = np.sinc(offsets) * np.i0(_BETA * np.sqrt(np.maximum(0.0, 1 - (offsets / (TAPS / 2)) ** 2)))
    taps /= taps.sum(axis=1, keepdims=True)
    matrix = np.zeros((STRETCH + TAPS - 1, STRETCH, factor - 1))
    for sample in range(STRETCH):
        matrix[sample : sample + TAPS, sample, :] = taps.T
    return Interpolator(
        factor, matrix.reshape(len(matrix), -1).astype(np.float32), float(np.abs(taps).sum(axis=1).max()) + 1e-4
    )


def meter_factor(rate: int) -> int:
    """Oversampling of the meter: to at least the 192 kHz that the standard's 4 times 48 kHz come to."""
    return max(1, -(-192000 // rate))


def between(samples: Samples, factor: int, threshold: float) -> tuple[NDArray[np.intp], Samples]:
    """The points between the samples, where they may exceed a threshold.

    Args:
        samples: shape (channels, BEFORE + n * STRETCH + AFTER): n stretches with their neighbours.
        factor: oversampling, at least 2.
        threshold: stretches whose points surely lie below it (full scale 1.0) in every channel are left out.

    Returns:
        The indices of the k kept stretches, and the absolute values of their points, of shape
        (channels, k, STRETCH, factor - 1).
    """
    filter_ = interpolator(factor)
    channels, length = samples.shape
    count = (length - BEFORE - AFTER) // STRETCH
    whole = (length // STRETCH) * STRETCH
    peaks = np.abs(samples[:, :whole]).max(axis=0, initial=0.0).reshape(-1, STRETCH).max(axis=1)
    rest = np.abs(samples[:, whole:]).max(initial=0.0)
    peaks = np.concatenate([peaks, [rest, 0.0]])
    kept = np.flatnonzero(np.maximum(peaks[:count], peaks[1 : count + 1]) * filter_.bound > threshold)
    windows = np.lib.stride_tricks.sliding_window_view(samples, STRETCH + TAPS - 1, axis=1)[:, ::STRETCH]
    points = _product(windows[:, kept].reshape(-1, STRETCH + TAPS - 1), filter_.matrix)
    return kept, np.abs(points, out=points).reshape(channels, len(kept), STRETCH, factor - 1)


def _product(rows: Samples, matrix: NDArray[np.float32]) -> Samples:
    """The matrix product in pieces too small for the linear algebra library to wake its threads for, which cost more
    than they bring here."""
    piece = max(1, _SMALL // matrix.size)
    padded = np.zeros((-(-len(rows) // piece) * piece, rows.shape[1]), dtype=np.float32)
    padded[: len(rows)] = rows
    product: Samples = np.matmul(padded.reshape(-1, piece, rows.shape[1]), matrix)
    return product.reshape(-1, matrix.shape[1])[: len(rows)]


class PeakMeter:
    """Largest sample and largest true peak of one stream, over all channels.

    Args:
        channels: number of channels.
        factor: oversampling; 1 measures sample peaks only.
    """

    def __init__(self, channels: int, factor: int) -> None:
        self._factor = factor
        self._held = np.zeros((channels, BEFORE), dtype=np.float32)
        self.sample_peak = 0.0
        self.true_peak = 0.0

    def add(self, samples: Samples) -> None:
        """The stream's next samples, of shape (channels, n)."""
        self.sample_peak = max(
            self.sample_peak, float(np.max(samples, initial=0.0)), -float(np.min(samples, initial=0.0))
        )
        self.true_peak = max(self.true_peak, self.sample_peak)
        if self._factor == 1:
            return
        held = np.concatenate([self._held, samples.astype(np.float32, copy=False)], axis=1)
        count = max(0, (held.shape[1] - BEFORE - AFTER) // STRETCH)
        if count:
            _, points = between(held[:, : BEFORE + count * STRETCH + AFTER], self._factor, self.true_peak)
            self.true_peak = max(self.true_peak, float(points.max(initial=0.0)))
        self._held = held[:, count * STRETCH :]

    def finish(self) -> None:
        """End of the stream: silence follows the last sample."""
        self.add(np.zeros((self._held.shape[0], STRETCH + AFTER), dtype=np.float32))
