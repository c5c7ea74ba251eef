"""Synthesised speech for the sample: flite sentences, brought to 48 kHz and placed in a room."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _sound import RATE, Samples, amplitude, convolve, loudness_lufs, room_response, shape, spread
from numpy.typing import NDArray

_EDGE_HZ = 7200.0


@dataclass(frozen=True)
class Speaker:
    """One person: flite voice, length of sounds, loudness (from both channels), nearness to the microphone."""

    name: str
    flite_voice: str
    stretch: float
    level_lufs: float
    direct_to_room_db: float


@dataclass(frozen=True)
class Utterance:
    """One spoken sentence; `audio` has `speech_n` samples of speech, then the tail of the room."""

    speaker: Speaker
    text: str
    audio: Samples
    speech_n: int


def speak(speaker: Speaker, text: str, rng: np.random.Generator) -> Utterance:
    """Synthesise one sentence, trim it to its sound, put it in the room and set its loudness."""
    dry = _trim(_open_up(_flite(speaker, text)))
    response = room_response(rng, direct_to_room_db=speaker.direct_to_room_db)
    wet = convolve(np.pad(dry, (0, len(response))), response)
    wet *= amplitude(speaker.level_lufs - loudness_lufs(spread(wet[: len(dry)])))
    return Utterance(speaker, text, wet, len(dry))


def _flite(speaker: Speaker, text: str) -> Samples:
    if shutil.which("flite") is None:
        raise SystemExit("flite is not installed; try: apt install flite")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line.wav"
        command = ["flite", "-voice", speaker.flite_voice, "--setf", f"duration_stretch={speaker.stretch}"]
        subprocess.run([*command, "-t", text, "-o", str(path)], check=True, capture_output=True)
        with wave.open(str(path)) as file:
            if file.getframerate() * 3 != RATE:
                raise SystemExit(f"voice {speaker.flite_voice} is not at 16 kHz")
            pcm = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    return np.asarray(pcm / 32768.0)


def _open_up(narrow: Samples) -> Samples:
    """From 16 to 48 kHz; above the voice's own 7.2 kHz goes a fainter mirror image of its sibilants."""

    def own_band(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
        rumble = 1 / (1 + (70 / np.maximum(frequency, 1.0)) ** 8)
        return np.asarray(rumble * _below(frequency, _EDGE_HZ))

    def sibilants(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((1 - _below(frequency, 3600.0)) * _below(frequency, _EDGE_HZ))

    def air(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
        slope = 10 ** (-(3 + (frequency - _EDGE_HZ) / 250) / 20)
        return np.asarray((1 - _below(frequency, _EDGE_HZ)) * slope)

    stuffed = np.zeros(len(narrow) * 3)
    stuffed[::3] = narrow * 3
    mirror = 2 * np.cos(2 * np.pi * 2 * _EDGE_HZ / RATE * np.arange(len(stuffed)))
    return shape(stuffed, own_band) + shape(shape(stuffed, sibilants) * mirror, air)


def _below(frequency: NDArray[np.float64], edge_hz: float, width_hz: float = 200.0) -> NDArray[np.float64]:
    """A low-pass gain with a cosine edge."""
    return np.asarray(np.cos(((frequency - edge_hz) / width_hz + 0.5).clip(0, 1) * np.pi / 2) ** 2)


def _trim(speech: Samples, *, floor_db: float = -42.0, fade_s: float = 0.01) -> Samples:
    """Cut to what is louder than `floor_db` under the loudest 10 ms, and fade the two edges."""
    frame = RATE // 100
    power = np.square(speech[: len(speech) // frame * frame]).reshape(-1, frame).mean(axis=1)
    loud = np.flatnonzero(power > power.max() * 10 ** (floor_db / 10))
    cut = speech[max(loud[0] - 1, 0) * frame : (loud[-1] + 2) * frame].copy()
    edge = np.sin(np.linspace(0, np.pi / 2, int(fade_s * RATE))) ** 2
    cut[: len(edge)] *= edge
    cut[-len(edge) :] *= edge[::-1]
    return cut
