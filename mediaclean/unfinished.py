"""Results that have their name while something is still to be written beside them: the same command goes on there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mediaclean.media.fingerprint import fingerprint, is_same


@contextmanager
def noting(target: Path, wish: str, stems: Path | None) -> Iterator[Callable[[Path], None]]:
    """A function that notes that the run of this wish is about to give a whole file the name of `target`.

    An empty wish notes nothing. If the file does not get its name, nothing stays of the note.

    Args:
        target: the result.
        wish: what the run was told.
        stems: the table of the stems that the result is made from, None where it is made from its source.
    """

    def mark(part: Path) -> None:
        if wish:
            known = {"result": fingerprint(part), "wish": wish, "stems": fingerprint(stems) if stems else None}
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
    known = _noted(target)
    return known is not None and known.get("wish") == wish


def is_made_from(target: Path, stems: Path) -> bool:
    """Whether the file that is there was made from these stems, as they are, by a run that was stopped thereafter.

    Args:
        target: the result.
        stems: their table, which tells only of the result before it.
    """
    known = _noted(target)
    if known is None or not isinstance(known.get("stems"), dict):
        return False
    try:
        return is_same(stems, known["stems"])
    except OSError:
        return False


def _noted(target: Path) -> dict[str, Any] | None:
    """What was noted of the file that is there; None where nothing was, or of another file."""
    try:
        known = json.loads(_note(target).read_text(encoding="utf-8"))
        return known if is_same(target, known["result"]) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _note(target: Path) -> Path:
    return target.with_name(f".{target.name}.0.mediaclean")
