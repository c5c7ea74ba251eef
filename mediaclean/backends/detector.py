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


def whole_frames(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """The last sound of a stream, filled with silence to whole frames."""
    return np.pad(sound, (0, -len(sound) % FRAME))


def load_detector(name: DetectorName) -> Vad:
    """A fresh detector for one stream.

    Raises:
        BackendError: if its package is not installed.
    """
    from mediaclean.backends import silero, webrtc

    return silero.load() if name == "silero" else webrtc.load()
