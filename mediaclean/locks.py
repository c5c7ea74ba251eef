"""Folders that a run keeps to itself while it is at work in them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from weakref import WeakValueDictionary


@dataclass(eq=False)
class FolderLock:
    """A folder is locked as long as one of these is alive; a process that is killed leaves none behind."""

    descriptor: int

    def __del__(self) -> None:
        os.close(self.descriptor)


_held: WeakValueDictionary[tuple[int, int], FolderLock] = WeakValueDictionary()
_guard = Lock()


def taken(folder: Path) -> FolderLock | None:
    """Lock a folder for this process; None where another one has it.

    Where the system or the file system knows no locks, everybody may have the folder.
    """
    with _guard:
        status = folder.stat()
        place = status.st_dev, status.st_ino
        lock = _held.get(place)
        if lock is None:
            lock = FolderLock(os.open(folder if sys.platform != "win32" else os.devnull, os.O_RDONLY))
            if not _is_free(lock.descriptor):
                return None
            _held[place] = lock
        return lock


def _is_free(descriptor: int) -> bool:
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
