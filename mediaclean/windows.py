"""Where the windows of a network lie over the cuts of a track, and how they are gathered into batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Span
from mediaclean.resample import ratio

if TYPE_CHECKING:
    from mediaclean.separate import Separator

Place: TypeAlias = tuple[int, int]
"""One window: the index of its cut, and its own index in that cut's grid."""


@dataclass(frozen=True)
class Grid:
    """Where the windows of one cut lie.

    Attributes:
        cut: the cut itself, at the track's rate.
        start: first sample of the first window, at the track's rate.
        windows: start (counted from the grid's) and length of each window, at the separator's rate.
    """

    cut: Span
    start: int
    windows: tuple[tuple[int, int], ...]

    @property
    def count(self) -> int:
        """Samples at the separator's rate that the windows cover."""
        return sum(self.windows[-1])


def lay(cut: Span, separator: Separator, *, rate: int, length: int) -> Grid:
    """The grid of one cut in a track of `length` samples at `rate`.

    The windows reach at least half an overlap beyond the cut, so that the network is warm where the cut begins. What
    the last window has left over is shared between both sides. Silence stands in only beyond the ends of the track.
    """
    here, there = ratio(rate, separator.rate)
    lead = _ceil((separator.window - separator.hop) // 2 * here, there)
    reach = Span(max(0, cut.start - lead), min(length, cut.stop + lead))
    wanted = _ceil(reach.length * there, here)
    full = _ceil(max(0, wanted - separator.window), separator.hop)
    last = min(separator.window, _ceil(wanted - full * separator.hop, separator.step) * separator.step)
    windows = [(index * separator.hop, separator.window) for index in range(full)]
    windows.append((full * separator.hop, last))
    covered = sum(windows[-1]) * here // there
    start = min(reach.start - (covered - reach.length) // 2, length - covered)
    return Grid(cut, max(0, start), tuple(windows))


def blocks(grids: Sequence[Grid], size: int) -> list[list[Place]]:
    """All windows in order, in blocks of `size`, the last one shorter."""
    places = [(cut, index) for cut, grid in enumerate(grids) for index in range(len(grid.windows))]
    return [places[at : at + size] for at in range(0, len(places), size)]


def triangle(length: int) -> NDArray[np.float32]:
    """Weights of a window: they rise by the same step in every window to its middle, fall again, and are never 0."""
    rise = np.arange(1, length + 1, dtype=np.float32)
    return np.asarray(np.minimum(rise, rise[::-1]) / 65_536, np.float32)


def _ceil(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)
