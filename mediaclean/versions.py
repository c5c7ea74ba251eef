"""What a result was made with."""

from __future__ import annotations

import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("mediaclean", "av", "numpy", "scipy", "soxr", "onnxruntime", "torch", "demucs", "silero-vad")


def versions() -> dict[str, str]:
    """Of mediaclean and of what the sound depends on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
