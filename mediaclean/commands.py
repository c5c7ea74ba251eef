"""Command lines to be copied."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path


def clean_command(source: Path | str, words: Sequence[str]) -> str:
    """`mediaclean clean` for a source, whatever its name holds; `words` are the options behind it.

    >>> clean_command("-my take.wav", ["--mode", "auto"])
    "mediaclean clean './-my take.wav' --mode auto"
    """
    name = str(source)
    return shlex.join(["mediaclean", "clean", f"./{name}" if name.startswith("-") else name, *words])
