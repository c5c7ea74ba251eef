"""Numbers that come in by the second for hours, kept without scattering them over memory."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

N = TypeVar("N", bound=np.generic)

PIECE = 8192
"""Rows in a piece: four minutes of frames."""


class Series(Generic[N]):
    """An array that grows at its end, in pieces of equal size.

    A list of the small arrays as they come would do, were it not for what lies between them: each keeps the page that
    it is on, so the blocks of sound around them cannot be put together again, and a process that listens to two hours
    grows by three times what it knows about them.

    Args:
        kind: the type of its numbers.
        width: how many of them make a row; None for a plain series, of shape (rows,).
    """

    def __init__(self, kind: type[N], width: int | None = None) -> None:
        self._shape = () if width is None else (width,)
        self._kind = kind
        self._full: list[NDArray[N]] = []
        self._piece: NDArray[N] = self._empty(0)
        self._used = 0

    def add(self, rows: NDArray[N]) -> None:
        """The next rows, of shape (n,) or (n, width)."""
        while len(rows):
            if self._used == len(self._piece):
                self._turn()
            now = rows[: len(self._piece) - self._used]
            self._piece[self._used : self._used + len(now)] = now
            self._used += len(now)
            rows = rows[len(now) :]

    def result(self) -> NDArray[N]:
        """All rows so far, of shape (rows,) or (rows, width)."""
        return np.concatenate([*self._full, self._piece[: self._used]])

    def _turn(self) -> None:
        if self._used:
            self._full.append(self._piece)
        self._piece, self._used = self._empty(PIECE), 0

    def _empty(self, rows: int) -> NDArray[N]:
        return np.empty((rows, *self._shape), self._kind)
