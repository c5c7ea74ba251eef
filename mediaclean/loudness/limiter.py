"""The true-peak limiter: a look-ahead gain that is known before it is needed.

The whole stream is at hand, so there is no reaction time to hide. The gain curve in dB is the highest one that

1. keeps every point of the 8 times oversampled waveform under the threshold,
2. falls by no more than `attack_db_per_ms` and rises by no more than `release_db_per_s`,
3. has no corner: it is smoothed by a raised cosine over which the minimum was held before.

A reduction of R dB therefore begins R / attack milliseconds ahead of its peak (15 ms for 6 dB), and the slope
holds for reductions up to 90 dB; a deeper one, which only a broken file asks for, falls faster and still
stays under the ceiling. Where nothing exceeds the threshold the gain is exactly one and the samples
pass as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples, db_to_gain, reblock
from mediaclean.loudness.truepeak import AFTER, BEFORE, STRETCH, between
from mediaclean.settings import Settings, setting

OVERSAMPLING = 8
_DEEPEST_DB = 90.0
JOIN_S = 0.25
"""Reductions that lie closer together are one in the statistics."""
_STEP_S = 0.5
"""Samples are worked on in steps of this length, whatever the chunks that come in."""


@dataclass(frozen=True)
class LimiterSettings(Settings):
    """The true-peak limiter."""

    attack_db_per_ms: float = setting(0.4, "dB/ms", "steepest fall of the gain ahead of a peak", low=0.05, high=0.5)
    release_db_per_s: float = setting(80.0, "dB/s", "steepest rise of the gain behind a peak", low=10, high=500)
    smoothing_s: float = setting(0.005, "s", "length of the window that rounds the gain curve", low=0.001, high=0.02)
    margin_db: float = setting(0.25, "dB", "distance kept from the ceiling", low=0.0, high=1.0)


@dataclass(frozen=True)
class Reduction:
    """A stretch in which the limiter acted, short pauses included, in samples, and how deep at most, in dB."""

    start: int
    stop: int
    depth_db: float

    def to_json(self, rate: int) -> dict[str, float]:
        """As a plain table; times in seconds."""
        depth_db = round(self.depth_db, 2)
        return {"start_s": round(self.start / rate, 3), "stop_s": round(self.stop / rate, 3), "depth_db": depth_db}


@dataclass
class LimiterStats:
    """What a limiter did; filled while the stream runs.

    Attributes:
        max_reduction_db: deepest gain reduction, as a positive number.
        reductions: where it acted.
    """

    max_reduction_db: float = 0.0
    reductions: list[Reduction] = field(default_factory=list)
    _position: int = 0

    def add(self, gain_db: NDArray[np.float64], rate: int) -> None:
        """Count in a stretch of gains (dB, never positive)."""
        deepest_db = -float(gain_db.min(initial=0.0))
        if deepest_db > 1e-9:
            self.max_reduction_db = max(self.max_reduction_db, deepest_db)
            self._note(gain_db, round(JOIN_S * rate))
        self._position += len(gain_db)

    def _note(self, gain_db: NDArray[np.float64], join: int) -> None:
        """Write down where a stretch of gains is reduced; what lies closer than `join` samples is one."""
        at = np.flatnonzero(gain_db < -1e-9)
        for run in np.split(at, np.flatnonzero(np.diff(at) > join) + 1):
            start, stop = int(run[0]) + self._position, int(run[-1]) + 1 + self._position
            depth_db = -float(gain_db[run].min())
            if self.reductions and start - self.reductions[-1].stop <= join:
                before = self.reductions.pop()
                start, depth_db = before.start, max(before.depth_db, depth_db)
            self.reductions.append(Reduction(start, stop, depth_db))


def limit(
    chunks: Iterable[Samples],
    rate: int,
    *,
    ceiling_dbtp: float,
    settings: LimiterSettings | None = None,
    stats: LimiterStats | None = None,
) -> Iterator[Samples]:
    """The same sound with no true peak over the ceiling: as many samples, no delay, all channels by one gain.

    Args:
        chunks: shape (channels, n), any n; the result does not depend on how they are cut.
        rate: sample rate in Hz.
        ceiling_dbtp: the ceiling in dBTP.
        settings: the limiter's.
        stats: filled while the stream runs.
    """
    settings = settings or LimiterSettings()
    threshold = float(db_to_gain(ceiling_dbtp - settings.margin_db))
    curve = _GainCurve(rate, settings)
    needed = _Needed(threshold)
    waiting = np.zeros((0, 0), dtype=np.float32)
    for chunk in reblock(chunks, round(_STEP_S * rate)):
        waiting = np.concatenate([waiting, chunk], axis=1) if waiting.size else chunk
        gain_db = curve.add(needed.add(chunk))
        if len(gain_db):
            yield _apply(waiting[:, : len(gain_db)], gain_db, rate, stats)
            waiting = waiting[:, len(gain_db) :]
    gain_db = curve.finish(needed.finish())
    if waiting.shape[1]:
        yield _apply(waiting, gain_db[: waiting.shape[1]], rate, stats)


def _apply(samples: Samples, gain_db: NDArray[np.float64], rate: int, stats: LimiterStats | None) -> Samples:
    if stats is not None:
        stats.add(gain_db, rate)
    if not gain_db.any():
        return samples
    return np.asarray(samples * db_to_gain(gain_db).astype(np.float32))


class _Needed:
    """The gain in dB, at most 0, that each sample needs for itself: all points from the sample before to the
    sample after lie under the threshold then. Runs behind its input by the interpolator's reach."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._held: Samples | None = None
        self._last_between = 0.0

    def add(self, samples: Samples) -> NDArray[np.float64]:
        if self._held is None:
            self._held = np.zeros((samples.shape[0], BEFORE), dtype=np.float32)
        held = np.concatenate([self._held, samples], axis=1)
        count = max(0, (held.shape[1] - BEFORE - AFTER) // STRETCH)
        self._held = held[:, count * STRETCH :]
        if not count:
            return np.zeros(0)
        peaks = np.abs(held[:, BEFORE : BEFORE + count * STRETCH]).max(axis=0)
        kept, points = between(held[:, : BEFORE + count * STRETCH + AFTER], OVERSAMPLING, self._threshold)
        if not len(kept) and max(float(peaks.max()), self._last_between) <= self._threshold:
            self._last_between = 0.0
            return np.zeros(len(peaks))  # the usual case, and a logarithm of every sample saved
        after = np.zeros((count, STRETCH), dtype=np.float32)
        after[kept] = points.max(axis=(0, 3), initial=0.0)
        after = after.reshape(-1)
        before = np.concatenate([[self._last_between], after[:-1]])
        self._last_between = float(after[-1])
        peaks = np.maximum(np.maximum(peaks, before), after).astype(np.float64)
        return np.asarray(20 * np.log10(self._threshold / np.maximum(peaks, self._threshold)))

    def finish(self) -> NDArray[np.float64]:
        if self._held is None:
            return np.zeros(0)
        return self.add(np.zeros((self._held.shape[0], STRETCH + AFTER), dtype=np.float32))


class _GainCurve:
    """Needed gains to the smooth curve under them, behind its input by the look-ahead.

    Held minimum, then the lower envelope with bounded slopes, computed as running minima of the curve sheared
    by the slope, then the raised cosine. Every step only ever lowers a value that the window is to average,
    so the result lies on or under what is needed.
    """

    def __init__(self, rate: int, settings: LimiterSettings) -> None:
        self._fall = settings.attack_db_per_ms * 1000 / rate
        self._rise = settings.release_db_per_s / rate
        self._half = max(1, round(settings.smoothing_s * rate / 2))
        self._ahead = int(np.ceil(_DEEPEST_DB / self._fall))
        window = np.hanning(2 * self._half + 3)[1:-1]
        self._window = window / window.sum()
        self._needed = np.zeros(2 * self._half)
        self._sheared = np.zeros(0)
        self._last = 0.0
        self._envelope = np.zeros(0)

    def add(self, needed: NDArray[np.float64]) -> NDArray[np.float64]:
        """The next gains in dB; fewer come out at first, and the rest with `finish`."""
        joined = np.concatenate([self._needed, needed])
        if len(joined) <= 2 * self._half:
            self._needed = joined
            return np.zeros(0)
        self._needed = joined[-2 * self._half :]
        held = np.concatenate([self._sheared, self._lowest(joined)])
        count = len(held) - self._ahead
        if count <= 0:
            self._sheared = held
            return np.zeros(0)
        self._sheared = held[count:]
        return self._smooth(self._bound(held, count))

    def _lowest(self, needed: NDArray[np.float64]) -> NDArray[np.float64]:
        """The least of every 2 half + 1 values."""
        if not needed.any():
            return needed[2 * self._half :]
        from scipy.ndimage import minimum_filter1d  # takes a quarter of a second, and few files need it

        lowest: NDArray[np.float64] = minimum_filter1d(needed, 2 * self._half + 1)[self._half : -self._half]
        return lowest

    def finish(self, needed: NDArray[np.float64]) -> NDArray[np.float64]:
        """The last gains, after which nothing more is needed."""
        return self.add(np.concatenate([needed, np.zeros(2 * self._half + self._ahead)]))

    def _bound(self, held: NDArray[np.float64], count: int) -> NDArray[np.float64]:
        if not held.any() and self._last == 0.0:
            return held[:count]
        steps = np.arange(len(held))
        falling = np.minimum.accumulate((held + self._fall * steps)[::-1])[::-1] - self._fall * steps
        falling = np.minimum(falling, held)[:count]
        shear = self._rise * (steps[:count] + 1)
        rising = np.minimum.accumulate(falling - shear) + shear
        bounded: NDArray[np.float64] = np.minimum(np.minimum(rising, self._last + shear), falling)
        self._last = float(bounded[-1])
        return bounded

    def _smooth(self, envelope: NDArray[np.float64]) -> NDArray[np.float64]:
        joined = np.concatenate([self._envelope, envelope])
        if len(joined) <= 2 * self._half:
            self._envelope = joined
            return np.zeros(0)
        self._envelope = joined[-2 * self._half :]
        if not joined.any():
            return joined[2 * self._half :]
        gain_db: NDArray[np.float64] = np.convolve(joined, self._window, mode="valid")
        return gain_db
