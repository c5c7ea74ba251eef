"""Clipped peaks: runs of samples at full scale, made up from the sound around them.

The samples of a run are taken as missing (`interpolate`), with the one thing that is known of them: they were at least
as large as what is left of them. Peaks come back above full scale, which floats hold and the level stage settles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples, Span
from mediaclean.repair.interpolate import Signal, fill, order_for
from mediaclean.repair.records import Repair
from mediaclean.settings import Settings, setting

SHORTEST = 3
"""Full-scale samples in a row that no microphone gives: fewer may be a peak that just fits."""
LONGEST_S = 0.01
"""What was cut off for longer cannot be told from its surroundings."""
JOIN_S, ROW_S = 0.02, 1.0
"""Runs this close are one row of the plan; no row becomes longer than this, which bounds the memory."""
CLUSTER, MARGIN = 1024, 1024
"""Runs within so many samples are made up together, from so many samples on either side."""
FULL = 0.9999
HIGHEST = 4.0
"""Of the clipping level: a peak that was cut by more than 12 dB is not believed."""


@dataclass(frozen=True)
class DeclipSettings(Settings):
    """Clipped peaks rebuilt."""

    amount: float = setting(1.0, "", "how much of the rebuilt peak is taken; 0 leaves all as it is", low=0.0, high=1.0)
    level_dbfs: float = setting(
        0.0, "dBFS", "where the recording clips; lower where it was turned down afterwards", low=-24.0, high=0.0
    )


def _level(settings: DeclipSettings) -> float:
    return float(FULL * 10.0 ** (settings.level_dbfs / 20.0))


def runs(full: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Start and stop of every run of true values in (n,); shape (runs, 2)."""
    return np.flatnonzero(np.diff(full, prepend=False, append=False)).reshape(-1, 2)


@dataclass
class _Row:
    start: int
    stop: int
    count: int
    longest: int

    def take(self, other: _Row) -> None:
        self.start, self.stop = min(self.start, other.start), max(self.stop, other.stop)
        self.count, self.longest = self.count + other.count, max(self.longest, other.longest)


class ClipFinder:
    """Hears a track and remembers where it is clipped."""

    def __init__(self, rate: int, settings: DeclipSettings) -> None:
        self._rate, self._settings, self._level = rate, settings, _level(settings)
        self._position = 0
        self._open: dict[int, int] = {}  # channel -> where the run began that reaches the end of the last chunk
        self._rows: list[_Row] = []

    def add(self, samples: Samples) -> None:
        if self._open or max(samples.max(initial=0.0), -samples.min(initial=0.0)) >= self._level:
            found = [run for channel, sound in enumerate(samples) for run in self._closed(channel, sound)]
            for start, stop in sorted(found):
                self._join(start, stop)
        self._position += samples.shape[1]

    def result(self) -> list[Repair]:
        """A row for every stretch with clipped peaks."""
        for start in sorted(self._open.values()):
            self._join(start, self._position)
        self._open = {}
        apart: list[_Row] = []
        for row in self._rows:
            if apart and row.start < apart[-1].stop:  # a run of another channel that began earlier and ended later
                apart[-1].take(row)
            else:
                apart.append(row)
        return [Repair(Span(row.start, row.stop), "declip", self._settings.amount, self._reason(row)) for row in apart]

    def _closed(self, channel: int, sound: NDArray[np.float32]) -> Iterator[tuple[int, int]]:
        """The runs that end in this chunk."""
        found = runs(np.abs(sound) >= self._level) + self._position
        begun = self._open.pop(channel, None)
        if begun is not None:
            if len(found) and found[0, 0] == self._position:
                found[0, 0] = begun
            else:
                yield begun, self._position
        if len(found) and found[-1, 1] == self._position + len(sound):
            self._open[channel] = int(found[-1, 0])
            found = found[:-1]
        yield from ((int(start), int(stop)) for start, stop in found)

    def _join(self, start: int, stop: int) -> None:
        if not SHORTEST <= stop - start <= LONGEST_S * self._rate:
            return
        last = self._rows[-1] if self._rows else None
        together = last is not None and max(stop, last.stop) - last.start <= ROW_S * self._rate
        if last and (start < last.stop or (together and start - last.stop <= JOIN_S * self._rate)):
            last.take(_Row(start, stop, 1, stop - start))
        else:
            self._rows.append(_Row(start, stop, 1, stop - start))

    def _reason(self, row: _Row) -> str:
        peaks = "1 clipped peak" if row.count == 1 else f"{row.count} clipped peaks"
        return f"{peaks}, up to {1000.0 * row.longest / self._rate:.2f} ms"


def margin(rate: int) -> int:
    """How much sound around a row is asked for."""
    return MARGIN + round(LONGEST_S * rate)


def declipped(around: Samples, here: slice, row: Repair, rate: int, settings: DeclipSettings) -> Samples:
    """The row's samples with their peaks rebuilt; see `patches.Mend`."""
    out = around[:, here].copy()
    for channel, sound in enumerate(around):
        full = np.abs(sound) >= _level(settings)
        found = runs(full)
        lengths = found[:, 1] - found[:, 0]
        inside = (found[:, 0] >= here.start) & (found[:, 1] <= here.stop)
        found = found[inside & (lengths >= SHORTEST) & (lengths <= LONGEST_S * rate)]
        for group in _clusters(found):
            rebuilt, places = _rebuilt(sound, group, order_for(rate))
            old = sound[places]
            out[channel, places - here.start] = (old + row.amount * (rebuilt - old)).astype(np.float32)
    return out


def _clusters(found: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Runs that are near enough to be made up together."""
    first = 0
    for number in range(1, len(found) + 1):
        if number == len(found) or found[number, 1] - found[first, 0] > CLUSTER:
            yield found[first:number]
            first = number


def _rebuilt(sound: NDArray[np.float32], group: NDArray[np.int64], order: int) -> tuple[Signal, NDArray[np.int64]]:
    """New values of a group of runs, and their places."""
    low = max(0, int(group[0, 0]) - MARGIN)
    window = sound[low : int(group[-1, 1]) + MARGIN].astype(np.float64)
    missing = np.zeros(len(window), dtype=bool)
    for start, stop in group - low:
        missing[start:stop] = True
    made = fill(window, missing, order)[missing]
    left = window[missing]
    return np.sign(left) * np.clip(np.sign(left) * made, np.abs(left), HIGHEST * np.abs(left)), (
        np.flatnonzero(missing) + low
    )
