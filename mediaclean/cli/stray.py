"""Errors of the system that nobody expected, and words of the command line that are empty."""

from __future__ import annotations

import errno
import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mediaclean.errors import NO_SPACE, MediacleanError, MediaError, OutputError, PresetError

_SHUT = {errno.EACCES, errno.EPERM}


@contextmanager
def told_plainly(inputs: Sequence[Path] = ()) -> Iterator[None]:
    """Make a sentence of whatever the system refuses and no stage has put into words.

    Args:
        inputs: what the command reads; an error about anything else is one of the output.
    """
    try:
        yield
    except OSError as error:
        raise as_error(error, inputs) from error


def as_error(error: OSError, inputs: Sequence[Path] = ()) -> MediacleanError:
    """The path, the system's reason and what to do."""
    reason = error.strerror or str(error) or type(error).__name__
    if error.filename is None or isinstance(error.filename, int):
        return OutputError(f"the system refuses to go on: {reason}", _hint(error.errno, None))
    path = Path(os.fsdecode(error.filename))
    is_input = any(path == each or each in path.parents for each in inputs)
    kind: type[MediacleanError] = MediaError if is_input else OutputError
    return kind(f"{path}: cannot be {'read' if is_input else 'used'} ({reason[:1].lower()}{reason[1:]})",
                _hint(error.errno, path))  # fmt: skip


def _hint(number: int | None, path: Path | None) -> str:
    if number in NO_SPACE:
        return "free some space, then run the command again"
    if path is None:
        return "run the command again"
    if number in _SHUT:
        return f"chmod u+rwx {shlex.quote(str(path.parent))}"
    return "check the path, or choose another name"


def refuse_empty(params: Sequence[Any], args: Sequence[str]) -> None:
    """Refuse words that are empty, as a variable of the shell that is not set: a path of that kind would be the
    current folder.

    Args:
        params: of the command.
        args: its words, before they are parsed.

    Raises:
        PresetError: naming the option or the argument.
    """
    options = {name: param for param in params for name in getattr(param, "opts", ()) if name.startswith("-")}
    for number, word in enumerate(args):
        before = args[number - 1] if number and "--" not in args[:number] else ""
        named, equals, value = word.partition("=")
        if equals and not value and named in options and word.startswith("--") and "--" not in args[:number]:
            raise _empty(named)
        if not word:
            takes_it = before in options and not getattr(options[before], "is_flag", False)
            raise _empty(before if takes_it else _argument(params))


def _argument(params: Sequence[Any]) -> str:
    names = [str(param.metavar or param.name) for param in params if param.param_type_name == "argument"]
    return names[0] if len(names) == 1 else " or ".join(names)


def _empty(name: str) -> PresetError:
    if name.startswith("-"):
        return PresetError(f"{name} is empty: is a variable not set?", f"{name} VALUE, or leave {name} out")
    return PresetError(f"{name} is empty: is a variable not set?", "give the name of a file, for example interview.mp4")
