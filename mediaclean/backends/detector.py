"""What a speech detector is, and how its input is framed."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

DETECTOR_RATE = 16_000
FRAME = 512
"""Samples at `DETECTOR_RATE` per probability: 32 ms."""

DetectorName: TypeAlias = Literal["silero", "webrtc"]


class Vad(Protocol):
    """A speech detector for one stream of mono sound at 16 kHz.

    The probability with index i belongs to the samples ``512 i <= t < 512 (i + 1)``. Probabilities come in blocks
    when they are ready, and do not depend on the sizes of the pieces that went in.
    """

    @property
    def name(self) -> str:
        """The detector and its version, for the report."""

    def add(self, mono16k: NDArray[np.float32]) -> NDArray[np.float32]:
        """The next samples (n,) in, the probabilities that are ready out, 0 to 1."""

    def flush(self) -> NDArray[np.float32]:
        """The rest; the last frame is filled with silence. After this the detector is spent."""


class Gather:
    """Collects pieces of any size into blocks of a fixed count of samples."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._held: list[NDArray[np.float32]] = []
        self._count = 0

    def add(self, piece: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """The blocks that this piece completes, each (size,)."""
        self._held.append(piece)
        self._count += len(piece)
        if self._count < self._size:
            return []
        sound = np.concatenate(self._held)
        whole = self._count - self._count % self._size
        self._held, self._count = [sound[whole:]], self._count - whole
        return np.split(sound[:whole], whole // self._size)

    def rest(self) -> NDArray[np.float32]:
        """What is left, filled with silence to whole frames."""
        left = np.concatenate([*self._held, np.zeros(-self._count % FRAME, np.float32)])
        self._held, self._count = [], 0
        return left.astype(np.float32, copy=False)


def load_detector(name: DetectorName) -> Vad:
    """A fresh detector for one stream.

    Raises:
        BackendError: if its package is not installed.
    """
    from mediaclean.backends import silero, webrtc

    return silero.load() if name == "silero" else webrtc.load()
