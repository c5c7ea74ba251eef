"""A sound kept on disk while a run lasts, for everything that plays it again: raw float32 in a file without a name.

The operating system removes the file as soon as nobody holds it, so that no end of a run can leave it behind.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock
from types import TracebackType

import numpy as np

from mediaclean.audio import Samples, reblock

SPARE = 2
"""A disk must have room for this many times the sound: the results are to be written as well."""


class Tape:
    """Record once with `through`, then play as often as wanted, from any thread; leaving the context lets go of it.

    A disk that cannot hold the sound is no error: then `complete` stays false, and the sound must be made anew.

    Args:
        folder: whose disk takes it.
        channels: of the sound.
        length: of the sound in samples.
        block: samples that come back in one piece.
    """

    def __init__(self, folder: Path, channels: int, length: int, block: int) -> None:
        self._channels, self._block, self._length, self._lock = channels, block, 0, Lock()
        self._file = None
        self.complete = False
        with suppress(OSError):
            if shutil.disk_usage(folder).free > SPARE * 4 * channels * length:
                # opened here and closed by __exit__: the file must outlive this call
                self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115

    def __enter__(self) -> Tape:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._give_up()

    def _give_up(self) -> None:
        self.complete = False
        if self._file is not None:
            with suppress(OSError):  # what could not be written is not wanted any more
                self._file.close()
        self._file = None

    def through(self, chunks: Iterable[Samples]) -> Iterator[Samples]:
        """Pass the sound on in blocks and keep it; chunks have the shape (channels, n)."""
        for chunk in reblock(chunks, self._block):
            if self._file is not None:
                try:
                    self._file.write(np.ascontiguousarray(chunk, "<f4").data)
                except OSError:
                    self._give_up()
            self._length += chunk.shape[1]
            yield chunk
        self.complete = self._file is not None

    def chunks(self) -> Iterator[Samples]:
        """The sound from its first sample to its last, in blocks of shape (channels, n).

        Raises:
            ValueError: if it was not recorded to its end.
        """
        if not self.complete:
            raise ValueError("the tape was not recorded to its end")
        for start in range(0, self._length, self._block):
            yield self._read(start, min(self._block, self._length - start))

    def _read(self, start: int, count: int) -> Samples:
        sound = np.empty((self._channels, count), dtype="<f4")
        with self._lock:
            assert self._file is not None
            self._file.seek(start * self._channels * 4)
            got = self._file.readinto(sound.data.cast("B"))
        if got != sound.nbytes:
            raise OSError("the disk gave back less than it took")
        return sound.astype(np.float32, copy=False)
