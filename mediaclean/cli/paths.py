"""What lies under a path. Names that are too long and places out of reach hold nothing, where `Path` would raise."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from mediaclean.errors import OutputError


def is_folder(path: Path) -> bool:
    """Whether it is a folder, as far as can be seen."""
    with suppress(OSError):
        return path.is_dir()
    return False


def is_file(path: Path) -> bool:
    """Whether it is a plain file, as far as can be seen."""
    with suppress(OSError):
        return path.is_file()
    return False


def is_there(path: Path) -> bool:
    """Whether there is anything, as far as can be seen; not where a link leads nowhere."""
    with suppress(OSError):
        return path.exists()
    return False


def are_same(path: Path, other: Path) -> bool:
    """Whether two paths are one file, or would be."""
    if os.path.realpath(path) == os.path.realpath(other):  # which, unlike Path.resolve, bears a circle of links
        return True
    return is_there(path) and is_there(other) and path.samefile(other)


def check_unshared(owned: Iterable[tuple[Path, Path]], would: str) -> None:
    """Refuse a path that two would write.

    Args:
        owned: paths, each beside the input or result whose it is.
        would: what the two would do to it, in a word.

    Raises:
        OutputError: for the first one, naming both.
    """
    owners: dict[Path, Path] = {}
    for path, owner in owned:
        if path in owners:
            raise OutputError(
                f"{owners[path]} and {owner} would both {would} {path}", "clean one of them by itself, with -o"
            )
        owners[path] = owner
