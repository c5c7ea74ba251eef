"""Results that have their name while something is still to be written beside them: the same command goes on there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from mediaclean.job import CleanOptions
from mediaclean.media import fingerprint
from mediaclean.media.fingerprint import is_same
from mediaclean.preset import Preset


def wish_of(source: Path, preset: Preset, options: CleanOptions) -> str:
    """A digest of what a run was told, but for whether it may overwrite."""
    told = (source.absolute(), preset, replace(options, overwrite=False))
    return sha256(repr(told).encode("utf-8", "surrogatepass")).hexdigest()


@contextmanager
def noting(target: Path, wish: str) -> Iterator[Callable[[Path], None]]:
    """A function that notes that the run of this wish is about to give a whole file the name of `target`.

    An empty wish notes nothing. If the file does not get its name, nothing stays of the note.
    """

    def mark(part: Path) -> None:
        if wish:
            known = {"result": fingerprint(part), "wish": wish}
            _note(target).write_text(json.dumps(known, sort_keys=True), encoding="utf-8")

    try:
        yield mark
    except BaseException:
        if wish and not is_unfinished(target, wish):
            unmark(target)
        raise


def unmark(target: Path) -> None:
    """All that belongs to the result is there."""
    with suppress(OSError):  # nobody is misled by it: a result that the note does not fit counts as finished
        _note(target).unlink(missing_ok=True)


def is_unfinished(target: Path, wish: str) -> bool:
    """Whether a run of the same wish made the file that is there, and was stopped before it had written all else."""
    try:
        known = json.loads(_note(target).read_text(encoding="utf-8"))
        return bool(known["wish"] == wish and is_same(target, known["result"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _note(target: Path) -> Path:
    return target.with_name(f".{target.name}.0.mediaclean")
