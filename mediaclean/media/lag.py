"""How late one recording of a sound is against another, in samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples

_STANDS_OUT = 7.0
"""The whitened correlation where it belongs, over its spread around: of one sound, even 26 dB down under a room of its
own, 12 and more; of two sounds 3 to 6."""
_EMPTY = 1e-3  # 60 dB under the mean
_IN_PLACE = 64  # samples around no lag at all

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


def is_heard_in(source: Samples, result: Samples, *, reach: int) -> bool:
    """Whether `source` is in `result`, in its place and however faintly: too little, perhaps, to read a lag from it.

    Only the phases are compared, each frequency counting the same (Knapp and Carter, 1976), so that a trace shows under
    a louder sound. The spread is taken within ±`reach` samples, without those in which the sound is in its place.
    """
    count = min(source.shape[1], result.shape[1])
    taper = np.hanning(count)  # or what both windows have in common would be their ends
    ours, theirs = _flattened(source)[:count] * taper, _flattened(result)[:count] * taper
    size = 1 << (2 * count - 1).bit_length()
    cross = np.conj(_phases(ours, size)) * _phases(theirs, size)
    found = np.fft.irfft(cross, size)
    around = np.concatenate([found[-reach:-_IN_PLACE], found[_IN_PLACE + 1 : reach + 1]])
    in_place = np.concatenate([found[-_IN_PLACE:], found[: _IN_PLACE + 1]])
    return bool(np.abs(in_place).max() > _STANDS_OUT * float(around.std()))


def _phases(sound: NDArray[np.float64], size: int) -> NDArray[np.complex128]:
    """The spectrum with every frequency at 1, or 0 where there is nothing: what codecs leave there is much the same."""
    spectrum = np.fft.rfft(sound, size)
    strength = np.abs(spectrum)
    sounds = strength > _EMPTY * strength.mean()
    return np.divide(spectrum, strength, out=np.zeros_like(spectrum), where=sounds)


def _flattened(samples: Samples) -> NDArray[np.float64]:
    mono: NDArray[np.float64] = np.asarray(np.sum(samples, axis=0, dtype=np.float64))
    return np.diff(mono, prepend=mono[:1])
