"""Vary and render MIDI files with fluidsynth: other instruments, key and tempo, so that one piece becomes many.

Only what is needed of the Standard MIDI File format is read: note, program, tempo; everything else is copied through.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mediaclean.backends.dialogue_mask import RATE

DRUMS = 9  # the drum channel, counted from 0
# General MIDI programs to draw from; piano is the hardest bed under a voice and is drawn most.
FAMILIES = (
    ((0, 1, 2, 3, 4, 5), 0.36),  # pianos
    ((6, 7, 8, 11, 12, 13, 14), 0.07),  # harpsichord, celesta, vibraphone
    ((16, 18, 19, 21, 22), 0.07),  # organs
    ((24, 25, 26, 27), 0.12),  # guitars
    ((40, 41, 42, 44, 45, 46, 48, 49, 50), 0.16),  # strings
    ((52, 53, 54), 0.05),  # choirs
    ((56, 57, 60, 61, 65, 66, 68, 71, 73), 0.10),  # brass and woodwind
    ((80, 81, 88, 89, 90, 91, 95), 0.07),  # synthesisers
)
BASSES = (32, 33, 34, 35, 36, 38, 43)


def _read_variable(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    while True:
        byte = data[at]
        at += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at


def _draw_program(old: int, rng: np.random.Generator) -> int:
    if 32 <= old < 40 and rng.random() < 0.8:  # a bass stays a bass
        return int(rng.choice(BASSES))
    family = FAMILIES[int(rng.choice(len(FAMILIES), p=[chance for _, chance in FAMILIES]))][0]
    return int(rng.choice(family))


def _vary_track(track: bytes, transpose: int, tempo: float, change: float, rng: np.random.Generator) -> bytes:
    """One track's events with notes moved, tempo scaled and some instruments exchanged; delta times are kept."""
    out, at, status = bytearray(), 0, 0
    while at < len(track):
        start = at
        _, at = _read_variable(track, at)
        out += track[start:at]
        if track[at] >= 0x80:
            status = track[at]
            at += 1
        kind, channel = status & 0xF0, status & 0x0F
        if status == 0xFF:
            meta = track[at]
            length, body = _read_variable(track, at + 1)
            payload = track[body : body + length]
            if meta == 0x51 and length == 3:
                payload = min(0xFFFFFF, int(int.from_bytes(payload, "big") / tempo)).to_bytes(3, "big")
            out += bytes((0xFF, meta)) + track[at + 1 : body] + payload
            at = body + length
        elif status in (0xF0, 0xF7):
            length, body = _read_variable(track, at)
            out += bytes((status,)) + track[at : body + length]
            at = body + length
        elif kind in (0xC0, 0xD0):
            value = track[at]
            if kind == 0xC0 and channel != DRUMS and rng.random() < change:
                value = _draw_program(value, rng)
            out += bytes((status, value))
            at += 1
        else:
            first, second = track[at], track[at + 1]
            if kind in (0x80, 0x90, 0xA0) and channel != DRUMS:
                first = min(127, max(0, first + transpose))
            out += bytes((status, first, second))
            at += 2
    return bytes(out)


def vary(data: bytes, rng: np.random.Generator, change: float = 0.6) -> bytes:
    """A MIDI file's bytes, transposed by up to 6 semitones, 0.8 to 1.25 times as fast, with other instruments.

    Files without a program change of their own keep the piano. Raises ValueError if it is not a MIDI file.
    """
    if data[:4] != b"MThd":
        raise ValueError("not a Standard MIDI File")
    transpose, tempo = int(rng.integers(-6, 7)), float(np.exp(rng.uniform(np.log(0.8), np.log(1.25))))
    at = 8 + int.from_bytes(data[4:8], "big")
    out = bytearray(data[:at])
    while at + 8 <= len(data):
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
        body = data[at + 8 : at + 8 + length]
        if name == b"MTrk":
            body = _vary_track(body, transpose, tempo, change, rng)
        out += name + len(body).to_bytes(4, "big") + body
        at += 8 + length
    return bytes(out)


def render(data: bytes, soundfont: Path, seconds: float, limit_s: float = 20.0) -> NDArray[np.int16]:
    """The first `seconds` of a MIDI file as mono int16 at 48 kHz; shorter if the piece is, or if `limit_s` is over.

    The renderer is stopped after that much sound, so that a file whose notes never end cannot hang it.
    """
    wanted = int(seconds * RATE) * 4
    with tempfile.NamedTemporaryFile(suffix=".mid") as file:
        file.write(data)
        file.flush()
        # Reverberation and chorus are left out: they take half of the time, and rooms are added when mixing.
        sound = ["-g", "0.5", "-R", "no", "-C", "no", "-r", str(RATE), "-T", "raw", "-O", "s16", "-F", "/dev/stdout"]
        process = subprocess.Popen(
            ["timeout", str(limit_s), "fluidsynth", "-ni", *sound, str(soundfont), file.name],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdout is not None
        raw = process.stdout.read(wanted)
        process.stdout.close()
        process.kill()
        process.wait()
    stereo = np.frombuffer(raw[: len(raw) // 4 * 4], np.int16).reshape(-1, 2)
    mono: NDArray[np.int16] = (stereo.astype(np.int32).sum(1) // 2).astype(np.int16)
    return mono
