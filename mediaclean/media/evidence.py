"""What a picture-lock receipt rests on, gathered while other passes read the same files anyway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType

from mediaclean.media.packets import PacketEar, StreamPackets, headers_of, packet_hashes
from mediaclean.media.receipt import TrackLag

Packets = dict[int, StreamPackets]


@dataclass(frozen=True)
class Evidence:
    """What is known of source and result already; None and missing entries are for `verify` to find out.

    Attributes:
        source, result: their packets.
        lags: of cleaned tracks, by the indices of the source's and the result's stream.
    """

    source: Packets | None = None
    result: Packets | None = None
    lags: Mapping[tuple[int, int], TrackLag] = field(default_factory=dict)


class Hashing:
    """The packets of a file, hashed in a thread while something else is done; leaving the context gives it up.

    Nothing is read before `begin`, which may be called from any thread and as often as one likes: an open container
    holds an index that grows with the length, so a file is not open for longer than it must.

    Args:
        path: the file.
        ear: hears the packets in a pass over the sound, if one is made; what it heard whole is not read again.
        like: its source, whose codec headers may hold what this file has in its packets.
    """

    def __init__(self, path: Path, ear: PacketEar | None = None, *, like: Path | None = None) -> None:
        self._path, self._ear, self._like = path, ear or PacketEar(), like
        self._unwanted, self._lock, self._begun = Event(), Lock(), False
        self._found: Packets = {}
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, name="hashing", daemon=True)

    def __enter__(self) -> Hashing:
        return self

    def begin(self) -> None:
        """Start to read, if nobody did yet."""
        with self._lock:
            if not self._begun and not self._unwanted.is_set():
                self._begun = True
                self._thread.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._lock:
            self._unwanted.set()
        if self._begun:
            self._thread.join()

    def result(self) -> Packets:
        """Wait for them. What `packet_hashes` raises is raised here."""
        heard = None if self._begun else self._ear.result()
        if heard is not None:
            return heard
        self.begin()
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._found

    def _run(self) -> None:
        try:
            header = b"" if self._like is None else headers_of(self._like)
            self._found = packet_hashes(self._path, header=header, unwanted=self._unwanted)
        except BaseException as error:
            self._error = error
