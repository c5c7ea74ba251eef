"""Silero VAD: a small recurrent network that finds speech even under music.

The network and its weights come with the package ``silero-vad``. That package is not imported, because doing so
imports torch and sets its count of threads to one for the whole process; only its file is used.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Gather
from mediaclean.backends.detector import FRAME, whole_frames
from mediaclean.errors import BackendError

_FILE = "silero_vad_16k_sequence.onnx"
_CONTEXT = 64
_FRAMES = 512
_HINT = "pip install silero-vad onnxruntime, or take the other detector with --set speech.detector=webrtc"


class Silero:
    """One stream through the network, in blocks of 512 frames (16.4 s).

    Every frame goes in behind the last 64 samples of the frame before it; the recurrent state is carried on.
    """

    def __init__(self, session: Any, name: str) -> None:
        self.name = name
        self._session = session
        self._gather = Gather(_FRAMES * FRAME)
        self._context = np.zeros(_CONTEXT, np.float32)
        self._hidden = np.zeros((1, 1, 128), np.float32)
        self._cell = np.zeros((1, 1, 128), np.float32)

    def add(self, mono16k: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take samples (n,), give the probabilities of the blocks that are full."""
        return np.concatenate([np.zeros(0, np.float32), *map(self._run, self._gather.add(mono16k))])

    def flush(self) -> NDArray[np.float32]:
        """The probabilities of the last block."""
        rest = whole_frames(self._gather.rest())
        return self._run(rest) if rest.size else np.zeros(0, np.float32)

    def _run(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        frames = sound.reshape(-1, FRAME)
        before = np.concatenate([self._context[None], frames[:-1, -_CONTEXT:]])
        self._context = frames[-1, -_CONTEXT:]
        probabilities, self._hidden, self._cell = self._session.run(
            ["speech_probs", "hn", "cn"],
            {"input": np.concatenate([before, frames], axis=1), "h": self._hidden, "c": self._cell},
        )
        return np.asarray(probabilities, np.float32).reshape(-1)


def load() -> Silero:
    """A fresh detector for one stream.

    Raises:
        BackendError: if silero-vad or onnxruntime is missing, or the network cannot be read.
    """
    return Silero(_session(weights()), f"silero-vad {_version('silero-vad')}")


def weights() -> Path:
    """Where the installed package keeps the network.

    Raises:
        BackendError: if it is not there.
    """
    spec = find_spec("silero_vad")
    places = [Path(place) / "data" / _FILE for place in spec.submodule_search_locations or ()] if spec else []
    for place in places:
        if place.is_file():
            return place
    lacking = f"silero-vad {_version('silero-vad')} has no {_FILE}" if spec else "silero-vad is not installed"
    raise BackendError(lacking, _HINT)


@cache
def _session(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as exc:
        raise BackendError(f"onnxruntime cannot be imported: {exc}", _HINT) from exc
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as exc:
        # onnxruntime's exceptions share no base class but Exception.
        raise BackendError(f"{path} cannot be read: {exc}", _HINT) from exc


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
