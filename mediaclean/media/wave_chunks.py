"""What a recorder writes beside the sound of a wave file, and FFmpeg passes over: markers, scene and take.

Chunks of RIFF and RF64 files (Microsoft and IBM, Multimedia Programming Interface 1.0, 1991; EBU Tech 3306). A clean
WAV has the samples of its source one for one, so all of this stays true of it, and is copied byte for byte.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

NAMES = {
    b"cue ": "markers",
    b"adtl": "names of markers",
    b"plst": "a playlist",
    b"smpl": "loops",
    b"iXML": "scene, take and tracks (iXML)",
    b"cart": "radio automation (AES46)",
    b"_PMX": "XMP",
}
"""What is copied, in the words of a note."""
_LARGEST = 16 << 20
"""Bytes of one chunk: what says more is not what it seems."""
_MOST_CHUNKS = 1000
_RIFF_END = 0xFFFF_FFFF


@dataclass(frozen=True)
class Chunk:
    """A chunk: its kind (of a list, that of the list), its four letters in the file, and its body."""

    kind: bytes
    letters: bytes
    body: bytes


def chunks_of(path: Path, kinds: Collection[bytes] = NAMES.keys()) -> list[Chunk]:
    """The chunks of these kinds in a wave file, in their order; none of any other file."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
            is_wave = head[:4] in {b"RIFF", b"RF64", b"BW64"} and head[8:] == b"WAVE"
            return list(_chunks(file, kinds)) if is_wave else []
    except OSError:
        return []


def bext_description(path: Path) -> str:
    """The description in the `bext` chunk of a Broadcast Wave (EBU Tech 3285, 2.3), "" where there is none.

    FFmpeg tells it under the same name as the comment of the file's list of tags, which goes before.
    """
    found = next((chunk.body for chunk in chunks_of(path, [b"bext"])), b"")
    return found[:256].split(b"\0")[0].decode("utf-8", "replace").strip()


def _chunks(file: BinaryIO, kinds: Collection[bytes]) -> Iterator[Chunk]:
    long_size = 0
    for _ in range(_MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return
        letters, size = struct.unpack("<4sI", head)
        start = file.tell()
        if letters == b"ds64":
            long_size = struct.unpack_from("<8xQ", file.read(16).ljust(16, b"\0"))[0]
        elif letters == b"data" and size == _RIFF_END:
            size = long_size
        elif letters in kinds or letters == b"LIST":
            kind = file.read(4) if letters == b"LIST" else letters
            file.seek(start)
            if kind in kinds and size <= _LARGEST:
                body = file.read(size)
                if len(body) == size:
                    yield Chunk(kind, letters, body)
        file.seek(start + size + size % 2)


def carry_chunks(source: Path, result: Path) -> list[str]:
    """Copy the chunks of one wave file behind those of another one that has its samples.

    Returns:
        What had no room, one line for each: a result that is no WAV has none, nor has one that ends at 4 GiB.
    """
    found = chunks_of(source)
    if found and not _append(result, b"".join(_packed(chunk) for chunk in found)):
        kinds = dict.fromkeys(chunk.kind for chunk in found if chunk.kind not in {b"cue ", b"adtl"})
        return [f"{NAMES[kind]} left out: only WAV has a place for it" for kind in kinds]
    return []


def _packed(chunk: Chunk) -> bytes:
    return struct.pack("<4sI", chunk.letters, len(chunk.body)) + chunk.body + b"\0" * (len(chunk.body) % 2)


def _append(path: Path, more: bytes) -> bool:
    """Put chunks at the end of a wave file and tell its header, which holds the size in 32 bits, or in `ds64` in 64."""
    with path.open("r+b") as file:
        head = file.read(20)
        end = file.seek(0, os.SEEK_END)
        more = b"\0" * (end % 2) + more
        size = end + len(more) - 8
        is_long = head[:4] in {b"RF64", b"BW64"} and head[12:16] == b"ds64"
        if head[8:12] != b"WAVE" or not (is_long or (head[:4] == b"RIFF" and size < _RIFF_END)):
            return False
        file.write(more)
        file.seek(20 if is_long else 4)
        file.write(struct.pack("<Q" if is_long else "<I", size))
    return True
