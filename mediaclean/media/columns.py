"""A number for every packet of hours, kept in next to nothing."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_PIECE = 8192
"""Numbers that lie open until they are packed away: three minutes of AAC."""


class Column:
    """Whole numbers in their order, as deflated differences.

    The times of packets go in steps that are all alike or come round again, so of eight bytes a packet, which is
    megabytes for a film, a few hundred bytes stay; where they do not, it is no more than the numbers themselves.
    """

    def __init__(self, values: Iterable[int] = ()) -> None:
        self._packed: list[bytes] = []
        self._open = array("q")
        self._last = 0
        for value in values:
            self.add(value)

    def add(self, value: int) -> None:
        """The next number."""
        self._open.append(value)
        if len(self._open) == _PIECE:
            self._pack()

    def values(self) -> NDArray[np.int64]:
        """All numbers so far, of shape (n,)."""
        steps = b"".join(zlib.decompress(piece) for piece in self._packed)
        packed = np.cumsum(np.frombuffer(steps, np.int64), dtype=np.int64)
        return np.concatenate([packed, np.array(self._open, np.int64)])

    def _pack(self) -> None:
        numbers = np.array(self._open, np.int64)
        self._packed.append(zlib.compress(np.diff(numbers, prepend=self._last).tobytes(), level=1))
        self._last = int(numbers[-1])
        self._open = array("q")
