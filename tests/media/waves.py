"""WAV files with chunks that FFmpeg does not write."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.media.films import Film, Sound, make, noise


def packed(letters: bytes, body: bytes) -> bytes:
    return letters + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def wave(path: Path, *, before: bytes = b"", behind: bytes = b"") -> Path:
    """A second of sound with chunks before and behind its samples."""
    plain = make(path, Film((Sound(noise(1.0), "pcm_s24le"),), video="")).read_bytes()
    whole = plain[8:12] + before + plain[12:] + behind
    path.write_bytes(b"RIFF" + struct.pack("<I", len(whole)) + whole)
    return path
