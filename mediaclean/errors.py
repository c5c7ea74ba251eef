"""The tree of errors. One class per thing that the user can do something about.

    MediacleanError            exit code
    ├─ PresetError             2   unknown preset, setting or specification, bad value, bad plan
    ├─ MediaError              3   missing, unreadable, no audio, odd layout, no such track
    ├─ BackendError            4   package or weights missing or corrupt, no such model
    │  └─ DeviceError          4   no such device, out of memory at the minimum
    └─ OutputError             5   exists, no space, no such codec, container refuses it
       └─ MismatchError        5   the result is not what its source asks for, so it gets no name

The message says what is wrong and where, with the value; the hint says what to type next.
"""

from __future__ import annotations

import errno
from typing import ClassVar

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system calls a disk that takes no more."""


class MediacleanError(Exception):
    """Base of every error that mediaclean raises on purpose.

    Args:
        message: one sentence: what is wrong, where, with the value.
        hint: the next thing to type or do, or "" where nothing helps.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class PresetError(MediacleanError):
    """An unknown preset, setting, engine or plan, or a value out of range."""

    exit_code = 2


class MediaError(MediacleanError):
    """The input is missing, unreadable, without audio, or of a kind that cannot be cleaned."""

    exit_code = 3


class BackendError(MediacleanError):
    """A package or its weights are missing or corrupt."""

    exit_code = 4


class DeviceError(BackendError):
    """The device does not exist, or ran out of memory at the smallest batch."""


class OutputError(MediacleanError):
    """The target exists, cannot be written, or its container refuses what it should hold."""

    exit_code = 5


class MismatchError(OutputError):
    """The finished file does not hold what its source does; the same command would end the same."""
