"""WebRTC VAD: Gaussian mixtures over six bands; almost free, good on clean recordings, lost under music."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Gather
from mediaclean.backends.detector import DETECTOR_RATE, FRAME, whole_frames
from mediaclean.errors import BackendError

_DECISION = 160
_CYCLE = 2560
"""The shortest stretch that is whole in decisions (16 of 10 ms) and in frames (5 of 32 ms)."""


def _overlaps() -> NDArray[np.float32]:
    """The share of each frame (rows) that each decision of a cycle (columns) covers."""
    starts, frames = np.arange(0, _CYCLE, _DECISION), np.arange(0, _CYCLE, FRAME)[:, None]
    covered = np.minimum(starts + _DECISION, frames + FRAME) - np.maximum(starts, frames)
    return np.asarray(np.maximum(covered, 0) / FRAME, np.float32)


class Webrtc:
    """One stream through the detector; the probability of a frame is the share of it that was called speech."""

    def __init__(self, mode: int) -> None:
        import webrtcvad

        self.name = f"webrtcvad {webrtcvad.__version__} mode {mode}"
        self._vad = webrtcvad.Vad(mode)
        self._gather = Gather(_CYCLE)
        self._overlaps = _overlaps()

    def add(self, mono16k: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take samples (n,), give the probabilities of the cycles that are full."""
        return np.concatenate([np.zeros(0, np.float32), *map(self._run, self._gather.add(mono16k))])

    def flush(self) -> NDArray[np.float32]:
        """The probabilities of the last cycle."""
        rest = whole_frames(self._gather.rest())
        return self._run(np.pad(rest, (0, _CYCLE - rest.size)))[: rest.size // FRAME] if rest.size else rest

    def _run(self, cycle: NDArray[np.float32]) -> NDArray[np.float32]:
        pcm = np.clip(np.rint(cycle * 32768.0), -32768, 32767).astype("<i2").reshape(-1, _DECISION)
        decisions = [self._vad.is_speech(block.tobytes(), DETECTOR_RATE) for block in pcm]
        return self._overlaps @ np.array(decisions, np.float32)


def load(mode: int = 2) -> Webrtc:
    """A fresh detector for one stream.

    Args:
        mode: 0 calls most things speech, 3 the fewest.

    Raises:
        BackendError: if webrtcvad is missing.
    """
    try:
        return Webrtc(mode)
    except ImportError as exc:
        raise BackendError("webrtcvad is not installed", "pip install webrtcvad-wheels") from exc
