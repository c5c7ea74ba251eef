"""mediaclean: one command cleans an interview video.

    >>> from mediaclean import load_preset
    >>> load_preset("podcast").loudness.target_lufs
    -16.0

`clean` writes a cleaned file and returns a `Report`; `analyze` says what is inside; `dry_run` gives
the plan without doing it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mediaclean.errors import (
    BackendError,
    DeviceError,
    MediacleanError,
    MediaError,
    OutputError,
    PresetError,
)

if TYPE_CHECKING:
    from mediaclean.job import CleanOptions
    from mediaclean.listening import analyze
    from mediaclean.plan.make import Plan
    from mediaclean.preset import Preset, load_preset, preset_names
    from mediaclean.progress import Progress
    from mediaclean.report import Report
    from mediaclean.run import clean, dry_run

__version__ = "0.1.0"

__all__ = [
    "BackendError",
    "CleanOptions",
    "DeviceError",
    "MediaError",
    "MediacleanError",
    "OutputError",
    "Plan",
    "Preset",
    "PresetError",
    "Progress",
    "Report",
    "analyze",
    "clean",
    "dry_run",
    "load_preset",
    "preset_names",
]

_HOME = {
    "CleanOptions": "job",
    "Plan": "plan.make",
    "Preset": "preset",
    "Progress": "progress",
    "Report": "report",
    "analyze": "listening",
    "clean": "run",
    "dry_run": "run",
    "load_preset": "preset",
    "preset_names": "preset",
}


def __getattr__(name: str) -> Any:
    """Public names are loaded when they are first used, so that importing mediaclean costs nothing."""
    if name not in _HOME:
        raise AttributeError(f"module mediaclean has no attribute {name}")
    return getattr(importlib.import_module(f"mediaclean.{_HOME[name]}"), name)
