"""How long a wave file says that it is: FFmpeg tells what is there, and that is less where the file was cut off."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

_UNKNOWN = {0, 0xFFFF_FFFF}
"""Sizes that a program writes which does not know the length, as into a pipe."""
_MOST_CHUNKS = 1000


def wave_length_s(path: Path) -> float | None:
    """Seconds of sound that the header of a RIFF or RF64 file promises (EBU Tech 3306); None where it tells none."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
            if head[:4] not in {b"RIFF", b"RF64"} or head[8:] != b"WAVE":
                return None
            return _length_s(file)
    except (OSError, struct.error):
        return None


def _length_s(file: BinaryIO) -> float | None:
    bytes_per_s, long_size = 0, 0
    for _ in range(_MOST_CHUNKS):
        name, size = struct.unpack("<4sI", file.read(8))
        if name == b"data":
            whole = long_size if size == 0xFFFF_FFFF and long_size else size
            return None if whole in _UNKNOWN or not bytes_per_s else whole / bytes_per_s
        body = file.read(min(size, 64)) if name in {b"fmt ", b"ds64"} else b""
        if name == b"fmt ":
            _, _, rate, _, block = struct.unpack_from("<HHIIH", body)
            bytes_per_s = rate * block
        elif name == b"ds64":
            (long_size,) = struct.unpack_from("<Q", body, 8)
        file.seek(size + size % 2 - len(body), 1)
    return None
