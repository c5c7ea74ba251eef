"""A file that appears under its name only when it is whole."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from mediaclean.errors import MediacleanError, OutputError
from mediaclean.media.borders import writing

_LONGEST = 255
"""Bytes of a name, on all file systems in use."""
_DIGITS = 10  # of a process's number
_SHORT = 40  # bytes of a name that is short


@contextmanager
def staged(target: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A temporary name beside `target` to write to; renamed to `target` when the block ends without an error.

    The temporary name keeps the suffix, is hidden, and has the process in it, so that what a killed run left
    behind is known as such and removed by the next run. Without `overwrite` a file that appeared under the
    target's name in the meantime is not replaced.

    Raises:
        OutputError: the target exists, the folder is missing or read-only, no space.
    """
    target = Path(target)
    check_name(target)
    if not overwrite and target.exists():
        raise exists(target)
    _sweep(target)
    temporary = target.with_name(f".{_stem(target)}.{os.getpid()}.part{target.suffix}")
    try:
        with writing(target):
            temporary.touch(exist_ok=True)
        try:
            yield temporary
        except MediacleanError as error:
            raise _renamed(error, temporary, target) from error.__cause__
        except OSError as error:
            with writing(target):
                raise error
        with writing(target):
            _finish(temporary, target, overwrite=overwrite)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def exists(target: Path) -> OutputError:
    """The refusal to replace a file that is already there."""
    return OutputError(f"{target}: exists already", "--overwrite replaces it, or choose another name with -o")


def check_name(target: Path) -> None:
    """Refuse a name that no file can have.

    Raises:
        OutputError: it is too long.
    """
    if len(os.fsencode(target.name)) > _LONGEST:
        shorter = f"-o {_cut(target.stem, _SHORT)}{target.suffix}"
        raise OutputError(f"{target}: file name too long", f"a shorter one, for example {shorter}")


def _stem(target: Path) -> str:
    """The target's stem in the temporary name: as it is, or short enough and still its own."""
    room = _LONGEST - len(os.fsencode(f"..{'9' * _DIGITS}.part{target.suffix}"))
    if len(os.fsencode(target.stem)) <= room:
        return target.stem
    return f"{_cut(target.stem, room - 9)}~{sha256(os.fsencode(target.stem)).hexdigest()[:8]}"


def _cut(text: str, room: int) -> str:
    """As much of a text as fits into so many bytes, in whole characters."""
    return os.fsencode(text)[: max(0, room)].decode("utf-8", "ignore")


def _finish(temporary: Path, target: Path, *, overwrite: bool) -> None:
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    if not overwrite:
        try:
            os.link(temporary, target)  # fails where the name is taken, which a rename would not
            return
        except FileExistsError as exc:
            raise exists(target) from exc
        except OSError:
            pass  # no hard links on this file system
    temporary.replace(target)


def _renamed(error: MediacleanError, temporary: Path, target: Path) -> MediacleanError:
    """The same error about the name that the user knows."""
    message = error.message.replace(str(temporary), str(target)).replace(temporary.name, target.name)
    hint = error.hint.replace(temporary.stem, target.stem)
    return type(error)(message, hint)


def _sweep(target: Path) -> None:
    """Remove what killed runs for this target left behind; a living process's file stays."""
    pattern = re.compile(rf"\.{re.escape(_stem(target))}\.(\d+)\.part{re.escape(target.suffix)}")
    with contextlib.suppress(OSError):
        for path in target.parent.iterdir():
            found = pattern.fullmatch(path.name)
            if found and not _alive(int(found[1])):
                path.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    if sys.platform == "win32":  # where signal 0 is Ctrl-C: nobody is asked, and what a dead run left stays
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
