"""Where to split a phrase that is too long for one subtitle cue."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import FRAME_S

_PIECE = 1.0
"""What one more piece costs; a split in the best place of a phrase gains up to twice that."""

_AFTER_PAUSE = -2.0


def split_points(
    start: int,
    stop: int,
    places: NDArray[np.int64],
    costs: NDArray[np.float64],
    *,
    least: int,
    most: int,
    gap: int,
) -> list[int]:
    """The cheapest starts of the second and later pieces of ``start <= t < stop``.

    Every piece but the last ends `gap` before the next begins; all last from `least` to `most`. The best of all
    choices is found by dynamic programming; where `places` allow none, the pieces are equally long.

    Args:
        start, stop: the phrase, in ticks.
        places: where a piece may begin, ascending, inside the phrase.
        costs: of beginning there; low is good.
        least, most: length of a piece.
        gap: between pieces.

    Raises:
        ValueError: when no number of pieces fits, which needs ``most < 2 * least + gap``.
    """
    # With an end that is one gap later, every piece is (next position - gap - own position) long.
    nodes = np.concatenate([[start], places, [stop + gap]])
    price = np.concatenate([[0.0], costs, [0.0]])
    best = np.full(len(nodes), np.inf)
    best[0] = 0.0
    came = np.zeros(len(nodes), dtype=np.int64)
    low = np.searchsorted(nodes, nodes - gap - most, side="left")
    high = np.searchsorted(nodes, nodes - gap - least, side="right")
    comfort = 3.0 * least
    for node in range(1, len(nodes)):
        begin, end = int(low[node]), min(int(high[node]), node)
        if begin >= end:
            continue
        length = nodes[node] - gap - nodes[begin:end]
        hurried = np.square(np.maximum(0.0, 1.0 - length / comfort))
        total = best[begin:end] + price[node] + _PIECE + hurried
        pick = int(np.argmin(total))
        best[node], came[node] = total[pick], begin + pick
    if np.isinf(best[-1]):
        return _equal(start, stop, least=least, most=most, gap=gap)
    points: list[int] = []
    node = int(came[-1])
    while node:
        points.append(int(nodes[node]))
        node = int(came[node])
    return points[::-1]


def _equal(start: int, stop: int, *, least: int, most: int, gap: int) -> list[int]:
    whole = stop - start + gap
    pieces = -(-whole // (most + gap))
    if whole // pieces - gap < least:
        raise ValueError(f"no pieces of {least} to {most} ticks fill {stop - start} ticks")
    return [start + whole * index // pieces for index in range(1, pieces)]


class Places:
    """Where a long phrase may be split, and what it costs: little where the voice is weak, least after a pause."""

    def __init__(self, tick_s: Fraction, levels: NDArray[np.floating] | None, origin_s: Fraction) -> None:
        self._tick = float(tick_s)
        self._origin = float(origin_s)
        self._cost = np.zeros(0)
        self._low = np.zeros(0, dtype=bool)  # no higher than the neighbours: the only places worth weighing
        if levels is not None and len(levels):
            value = np.asarray(levels, dtype=np.float64)
            around = np.convolve(np.pad(value, (3, 0), mode="edge")[:-1], np.full(3, 1 / 3), mode="valid")
            usual = float(np.percentile(value, 90) - np.percentile(value, 10))
            spread = max(usual, 0.25 * float(np.ptp(value)), 1e-9)
            self._cost = np.clip(2.0 * (around - np.median(value)) / spread, -2.0, 2.0)
            sides = np.pad(self._cost, 1, constant_values=np.inf)
            self._low = (self._cost <= sides[:-2]) & (self._cost <= sides[2:])

    def of(self, voices: Sequence[tuple[int, int]], stop: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Ticks after the first voice's start and before `stop` where a cue may begin, ascending, and their costs."""
        tick = self._tick
        costs: dict[int, float] = {}
        for start, end in voices:
            first = int((start * tick - self._origin) / FRAME_S) + 1
            last = int((end * tick - self._origin) / FRAME_S)
            for frame in range(max(first, 0), last):
                if frame < len(self._low) and not self._low[frame]:
                    continue
                place = int((frame * FRAME_S + self._origin) / tick)
                cost = float(self._cost[frame]) if frame < len(self._cost) else 0.0
                costs[place] = min(cost, costs.get(place, cost))
        costs.update({start: _AFTER_PAUSE for start, _ in voices})
        places = sorted(place for place in costs if voices[0][0] < place < stop)
        return np.array(places, dtype=np.int64), np.array([costs[place] for place in places])
