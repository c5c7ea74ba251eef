"""Does everything that mediaclean stands on work here? Each finding is one line."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from mediaclean.errors import BackendError, MediacleanError

NEEDED = ("av", "numpy", "scipy", "soxr", "soundfile", "onnxruntime", "torch")
SPEECH = 0.5
"""From this probability on, a detector says that there is speech."""
AGAIN = "install mediaclean again"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str
    hint: str = ""


def examine() -> list[Finding]:
    """Look at packages, detector, network, device, codecs, presets and the temporary folder."""
    return [*_packages(), *(_tried(name, attempt) for name, attempt in CHECKS.items())]


def _packages() -> Iterator[Finding]:
    for name in NEEDED:
        try:
            yield Finding(name, find_spec(name) is not None, version(name))
        except PackageNotFoundError:
            yield Finding(name, ok=False, detail="missing", hint=f"pip install {name}")


def _tried(name: str, attempt: Callable[[], str]) -> Finding:
    try:
        return Finding(name, ok=True, detail=attempt())
    except MediacleanError as error:
        return Finding(name, ok=False, detail=error.message, hint=error.hint)
    except ImportError as error:
        return Finding(name, ok=False, detail=str(error), hint=AGAIN)
    except Exception as error:
        # Whatever breaks is what was looked for, and the checks that follow are still to be made.
        return Finding(name, ok=False, detail=f"{type(error).__name__}: {error}")


def _detector() -> str:
    import numpy as np

    from mediaclean.backends.detector import load_detector

    detector = load_detector("silero")
    heard = np.concatenate([detector.add(np.zeros(16_000, dtype=np.float32)), detector.flush()])
    if heard.max() >= SPEECH:
        raise BackendError(f"{detector.name} hears speech in silence ({heard.max():.2f})", AGAIN)
    return f"{detector.name}, silent on silence ({heard.max():.2f})"


def _network() -> str:
    import numpy as np

    from mediaclean.analysis import TrackStats
    from mediaclean.backends.registry import load_separator

    separator, _ = load_separator("dialogue", stats=TrackStats(0.0, 1.0), device="cpu")
    (voice,) = separator.separate([np.zeros((1, separator.window), dtype=np.float32)])
    if voice.any():
        raise BackendError(f"{separator.identity} sounds on silence", AGAIN)
    return separator.identity


def _device() -> str:
    from mediaclean.backends.device import choose_device

    return choose_device("auto")


def _codecs() -> str:
    from mediaclean.media import encoder_names

    return ", ".join(encoder_names())


def _presets() -> str:
    from mediaclean.preset import load_preset, preset_names

    return ", ".join(load_preset(name).name for name in preset_names())


def _temporary() -> str:
    with tempfile.NamedTemporaryFile(prefix="mediaclean-") as file:
        file.write(b"x")
        return str(Path(file.name).parent)


CHECKS: dict[str, Callable[[], str]] = {
    "speech detector": _detector,
    "dialogue network": _network,
    "device": _device,
    "encoders": _codecs,
    "presets": _presets,
    "temporary folder": _temporary,
}
