"""How late one recording of a sound is against another, in samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples

# Below this correlation the two windows do not show the same sound, and no lag can be read from them.
_RECOGNISED = 0.25


@dataclass(frozen=True)
class Lag:
    """The lag of a result against its source in one window, None where the window has nothing to compare."""

    where: str
    at_s: float
    samples: int | None
    correlation: float


def measure_lag(source: Samples, result: Samples, *, reach: int) -> tuple[int | None, float]:
    """Samples by which `result` is late (negative: early) against `source`, and the correlation there.

    Both have shape (channels, n) at the same rate. The channels are summed, the spectra flattened by a first
    difference, and the peak of the cross-correlation within ±`reach` samples is taken. The lag is None where
    the correlation coefficient stays under 0.25: silence, or another sound.
    """
    ours, theirs = _flattened(source), _flattened(result)
    count = max(len(ours), len(theirs))
    energy = float(np.sqrt(np.dot(ours, ours) * np.dot(theirs, theirs)))
    if not count or energy < 1e-12:
        return None, 0.0
    size = 1 << (2 * count - 1).bit_length()
    cross = np.fft.irfft(np.conj(np.fft.rfft(ours, size)) * np.fft.rfft(theirs, size), size)
    reach = min(reach, count - 1)
    near = np.concatenate([cross[size - reach :], cross[: reach + 1]]) if reach else cross[:1]
    place = int(np.argmax(near))
    correlation = float(near[place] / energy)
    return (place - reach if correlation >= _RECOGNISED else None), correlation


def _flattened(samples: Samples) -> NDArray[np.float64]:
    mono: NDArray[np.float64] = np.asarray(np.sum(samples, axis=0, dtype=np.float64))
    return np.diff(mono, prepend=mono[:1])
