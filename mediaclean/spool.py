"""The voices of the cuts on disk, between separation and the finished file.

One folder beside the target holds one file per cut. A file is written whole under a temporary name, synced, and then
renamed, so what has its final name is complete: the spool is also the checkpoint of a run that was stopped.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from glob import escape
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from mediaclean.audio import Samples
from mediaclean.errors import OutputError
from mediaclean.locks import FolderLock, taken

_KEY = "key.json"
_VOICE = re.compile(r"cut-(\d{6})\.npy")
_OURS = re.compile(r"(key\.json|cut-\d{6}\.npy)(\.part)?")


class Spool:
    """Voices by the index of their cut; make one with `Spool.open`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock: FolderLock | None = None

    @classmethod
    def open(cls, folder: Path, key: Mapping[str, Any], *, needed: int = 0) -> Spool:
        """Resume the spool in `folder`, or begin it.

        Args:
            folder: where it lies; its parent exists.
            key: all that the voices depend on (source, cuts, separator), as JSON values. A spool with an equal key
                is taken up again, one with another key is replaced.
            needed: bytes that all voices together will take; what is there already counts.

        Raises:
            OutputError: if the folder cannot be written, the disk has not enough room, or another run is at work on it.
        """
        spool = cls(folder)
        text = json.dumps(key, sort_keys=True, indent=1)
        with _disk_errors(folder):
            folder.mkdir(exist_ok=True)
            spool._lock = taken(folder)
            if spool._lock is None:
                raise OutputError(
                    f"{folder}: another run is at work on the same result",
                    "wait for it, or choose another name with -o",
                )
            if not spool._holds(text):
                spool._clear()
                spool._write(folder / _KEY, text.encode())
            for part in folder.glob("*.part"):
                part.unlink()
            there = sum(spool._path(index).stat().st_size for index in spool.done)
            free = shutil.disk_usage(folder).free
        if needed - there > free:
            if not spool.done:
                spool.remove()
            raise OutputError(
                f"{folder.parent} has {_size(free)} free, the separated voice takes {_size(needed - there)}: "
                f"{_size(needed - there - free)} more are needed",
                "choose another folder with -o",
            )
        return spool

    @classmethod
    def open_beside(cls, folder: Path, key: Mapping[str, Any], *, needed: int = 0) -> Spool:
        """A further spool of the run whose first lies in `folder`, named by its key; else as `open`."""
        label = sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:12]
        return cls.open(folder.with_name(f"{folder.name}.{label}"), key, needed=needed)

    @property
    def done(self) -> set[int]:
        """The indices of the cuts whose voice is there."""
        matches = (_VOICE.fullmatch(path.name) for path in self.folder.iterdir())
        return {int(match[1]) for match in matches if match}

    def put(self, index: int, voice: Samples) -> None:
        """Keep the voice (channels, n) of a cut; it is there whole or not at all.

        Raises:
            OutputError: if it cannot be written.
        """
        path = self._path(index)
        part = path.with_suffix(".npy.part")
        with _disk_errors(self.folder), part.open("wb") as file:
            header = {"descr": "<f4", "fortran_order": False, "shape": voice.shape}
            np.lib.format.write_array_header_1_0(file, header)
            for row in voice:
                # Silent channels, all but the centre of a surround track, become holes that take no room.
                if row.any():
                    file.write(np.ascontiguousarray(row, "<f4").data)
                else:
                    file.seek(row.size * 4, os.SEEK_CUR)
            file.truncate(file.tell())
            file.flush()
            os.fsync(file.fileno())
        with _disk_errors(self.folder):
            part.replace(path)

    def get(self, index: int) -> Samples:
        """The voice of a cut, (channels, n), mapped from the disk and read-only.

        Raises:
            OutputError: if it is not there or was damaged.
        """
        path = self._path(index)
        try:
            voice: Samples = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, EOFError, ValueError) as exc:
            raise OutputError(f"{path} cannot be read: {exc}", "run the command again") from exc
        return voice

    def remove(self) -> None:
        """Delete the spool; files that are not its own stay, and all does where another run is at work on it.

        Raises:
            OutputError: if it cannot be deleted.
        """
        if not self.folder.is_dir():
            return
        with _disk_errors(self.folder):
            lock = taken(self.folder)
            if lock is None:
                return
            self._clear()
            if not any(self.folder.iterdir()):
                self.folder.rmdir()

    def _clear(self) -> None:
        for path in list(self.folder.iterdir()):
            if _OURS.fullmatch(path.name):
                path.unlink()

    @classmethod
    def all_of(cls, folder: Path) -> list[Spool]:
        """The spool in `folder` and those beside it, as far as they are there, of this run or one that was stopped."""
        found = sorted(folder.parent.glob(f"{escape(folder.name)}.*"))
        return [cls(path) for path in (folder, *found) if path.is_dir()]

    def _path(self, index: int) -> Path:
        return self.folder / f"cut-{index:06d}.npy"

    def _holds(self, text: str) -> bool:
        try:
            return (self.folder / _KEY).read_text(encoding="utf-8") == text
        except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
            return False

    def _write(self, path: Path, content: bytes) -> None:
        part = path.with_name(path.name + ".part")
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        reason = exc.strerror or str(exc)
        raise OutputError(
            f"{folder} cannot be written: {reason[:1].lower()}{reason[1:]}", "choose another folder with -o"
        ) from exc


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.0f} MB"
