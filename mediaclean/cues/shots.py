"""Subtitle cues and picture cuts: a cue begins and ends at a cut, or half a second from it.

The zones are those of the Netflix Subtitle Timing Guidelines, written for 24 frames in a second; half a second is
12 of them, and other rates are scaled.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Protocol


class Timed(Protocol):
    """Anything with an in-cue and an out-cue in ticks."""

    start: int
    stop: int


class Shots:
    """The cuts of a picture.

    Args:
        cuts: ticks of the first frame of every shot, ascending.
        half: ticks in half a second.
    """

    def __init__(self, cuts: Sequence[int], half: int) -> None:
        self._cuts = cuts
        self._half = half
        self._red = round(half * 7 / 12)
        self._near = round(half * 9 / 12)

    def snap(self, cues: Sequence[Timed], *, least: int, most: int, gap: int, end: int) -> None:
        """Move in-cues and out-cues by the rules, wherever order, gap and duration stay kept."""
        for index, cue in enumerate(cues):
            before = cues[index - 1].stop + gap if index else 0
            start = self.in_cue(cue.start)
            if before <= start and least <= cue.stop - start <= most:
                cue.start = start
            after = cues[index + 1].start - gap if index + 1 < len(cues) else end
            stop = self.out_cue(cue.stop, gap)
            if stop <= after and least <= stop - cue.start <= most:
                cue.stop = stop

    def in_cue(self, start: int) -> int:
        """Up to 7 frames before a cut and up to 9 after: onto it; up to 11: half a second away from it."""
        cut = self._nearest(start)
        off = 0 if cut is None else start - cut
        if cut is None or off == 0 or abs(off) >= self._half:
            return start
        if off < 0:
            return cut if -off <= self._red else cut - self._half
        return cut if off <= self._near else cut + self._half

    def out_cue(self, stop: int, gap: int) -> int:
        """Up to 7 frames before or after a cut: two frames before it; up to 11: half a second away from it."""
        cut = self._nearest(stop)
        if cut is None or abs(stop - cut) >= self._half:
            return stop
        if abs(stop - cut) <= self._red:
            return cut - gap
        return cut - self._half if stop < cut else cut + self._half

    def _nearest(self, tick: int) -> int | None:
        place = bisect_left(self._cuts, tick)
        around = self._cuts[max(0, place - 1) : place + 1]
        return min(around, key=lambda cut: abs(cut - tick), default=None)
