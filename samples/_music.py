"""The sample's music: a small tune in D major for guitar, bass, strings, flute, brushes. Additive synthesis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from _sound import RATE, Samples, convolve, shape
from numpy.typing import NDArray

BEAT_S = 60 / 92
BAR_S = 4 * BEAT_S


@dataclass(frozen=True)
class Chord:
    """MIDI numbers: the bass note and four voices from low to high."""

    bass: int
    voices: tuple[int, int, int, int]


@dataclass(frozen=True)
class Note:
    """A note of the melody; time and length in beats since the start of its phrase."""

    beat: float
    length: float
    pitch: int


D, BM, G, A = (
    Chord(38, (57, 62, 64, 66)),
    Chord(35, (57, 62, 66, 71)),
    Chord(43, (55, 59, 62, 66)),
    Chord(45, (57, 61, 64, 69)),
)
EM, FSM = Chord(40, (55, 59, 64, 67)), Chord(42, (57, 61, 66, 69))
PROGRESSION = (D, BM, G, A, D, FSM, EM, A)
PICKING = (0, 2, 1, 3, 2, 1, 3, 2)
MELODY = tuple(
    Note(*note)
    for note in (
        (0, 1.5, 78), (1.5, 0.5, 76), (2, 2, 74), (4, 1, 71), (5, 1, 74), (6, 1.5, 78), (7.5, 0.5, 76),
        (8, 1.5, 74), (9.5, 0.5, 71), (10, 1, 69), (11, 1, 71), (12, 2, 73), (14, 2, 76),
        (16, 1.5, 78), (17.5, 0.5, 79), (18, 2, 81), (20, 1, 78), (21, 1, 76), (22, 2, 73),
        (24, 1.5, 71), (25.5, 0.5, 73), (26, 1, 74), (27, 1, 79), (28, 2, 76), (30, 2, 73),
    )
)  # fmt: skip
PHRASE_BEATS = 32


def render_cue(n: int, rng: np.random.Generator, *, brushes: bool) -> Samples:
    """Stereo music of exactly n samples, at no particular level, starting on a downbeat."""
    dry = np.zeros((2, n + 4 * RATE))
    for bar in range(int(n / RATE / BAR_S) + 1):
        start_s = bar * BAR_S
        chord = PROGRESSION[bar % len(PROGRESSION)]
        for voice, pitch in enumerate(chord.voices):
            _add(dry, start_s, 0.05 * _pad(pitch, BAR_S + 0.8), pan=(-0.6, 0.5, -0.3, 0.7)[voice])
        for eighth, voice in enumerate(PICKING):
            late_s = 0.004 * rng.random()
            level = (0.30 if eighth % 4 == 0 else 0.21) * (0.9 + 0.2 * rng.random())
            _add(
                dry,
                start_s + eighth * BEAT_S / 2 + late_s,
                level * _pluck(chord.voices[voice], 1.8),
                pan=-0.35,
            )
        for beat, length_s in ((0.0, 1.3), (1.5, 0.5), (2.0, 1.3)):
            _add(dry, start_s + beat * BEAT_S, 0.34 * _bass(chord.bass, length_s), pan=0.0)
        if brushes:
            _add_brushes(dry, start_s, rng)
    for phrase_start_s in np.arange(0, n / RATE, PHRASE_BEATS * BEAT_S):
        for note in MELODY:
            sound = 0.20 * _flute(note.pitch, note.length * BEAT_S, rng)
            _add(dry, phrase_start_s + note.beat * BEAT_S, sound, pan=0.25)
    return (dry + 0.35 * convolve(dry, _hall(rng)))[:, :n]


def _add(track: Samples, at_s: float, sound: Samples, *, pan: float) -> None:
    """Mix a mono sound into the track; pan runs from -1 (left) to 1 (right) at constant power."""
    start = round(at_s * RATE)
    sound = sound[: max(track.shape[1] - start, 0)]
    angle = (pan + 1) * np.pi / 4
    track[:, start : start + len(sound)] += np.outer([np.cos(angle), np.sin(angle)], sound)


def _time(length_s: float) -> Samples:
    return np.asarray(np.arange(int(length_s * RATE)) / RATE)


def _hertz(pitch: int) -> float:
    return float(440 * 2 ** ((pitch - 69) / 12))


def _ramps(time: Samples, attack_s: float, release_s: float) -> Samples:
    """An envelope of one with smooth ends."""
    edge = np.minimum(time / attack_s, (time[-1] - time) / release_s).clip(0, 1)
    return np.asarray(np.sin(edge * np.pi / 2) ** 2)


def _pluck(pitch: int, length_s: float) -> Samples:
    """A nylon string plucked at a fifth of its length; high partials die sooner and lie slightly sharp."""
    time = _time(length_s)
    sound = np.zeros_like(time)
    for k in range(1, 19):
        partial_hz = k * _hertz(pitch) * np.sqrt(1 + 6e-5 * k * k)
        weight = np.sin(np.pi * k / 5) / k**1.4
        sound += weight * np.sin(2 * np.pi * partial_hz * time) * np.exp(-time * (1.6 + 0.5 * k))
    return sound * _ramps(time, 0.002, 0.1)


def _bass(pitch: int, length_s: float) -> Samples:
    time = _time(length_s)
    weights = ((1, 1.0), (2, 0.45), (3, 0.18), (4, 0.07))
    tone = [w * np.sin(2 * np.pi * k * _hertz(pitch) * time) * np.exp(-time * 0.9 * k) for k, w in weights]
    return np.asarray(np.sum(tone, axis=0) * _ramps(time, 0.008, 0.12))


def _pad(pitch: int, length_s: float) -> Samples:
    """Soft strings: three players a few cents apart, six partials each."""
    time = _time(length_s)
    players = [
        np.sin(2 * np.pi * k * _hertz(pitch) * 2 ** (cents / 1200) * time + k * cents) / k**1.6
        for cents in (-5.0, 0.7, 6.0)
        for k in range(1, 7)
    ]
    return np.asarray(np.sum(players, axis=0) * _ramps(time, 0.7, 0.8))


def _flute(pitch: int, length_s: float, rng: np.random.Generator) -> Samples:
    """Four partials with a vibrato that comes in late, and a little breath."""
    time = _time(length_s + 0.12)
    vibrato = 0.09 * np.sin(2 * np.pi * 5.1 * time) * (time / 0.5).clip(0, 1)
    phase = 2 * np.pi * _hertz(pitch) * time + vibrato * _hertz(pitch) / 5.1 * 0.06
    tone = [w * np.sin(k * phase) for k, w in ((1, 1.0), (2, 0.3), (3, 0.12), (4, 0.04))]
    breath = shape(rng.standard_normal(len(time)), lambda f: 1 / (1 + ((f - 2500) / 1500) ** 2))
    return np.asarray((np.sum(tone, axis=0) + 0.06 * breath) * _ramps(time, 0.07, 0.16))


def _add_brushes(track: Samples, bar_start_s: float, rng: np.random.Generator) -> None:
    """Felt kick on one and three, brushed snare on two and four, shaker on the eighths."""
    time = _time(0.22)
    kick = np.sin(2 * np.pi * (46 * time - 0.9 * np.exp(-time * 38))) * np.exp(-time * 17)
    for beat in range(4):
        at_s = bar_start_s + beat * BEAT_S
        if beat % 2 == 0:
            _add(track, at_s, 0.6 * kick, pan=0.0)
        else:
            _add(track, at_s, 0.22 * _hiss(0.2, 22, 1800, rng), pan=0.1)
        for half in range(2):
            _add(track, at_s + half * BEAT_S / 2, (0.10, 0.06)[half] * _hiss(0.09, 60, 6500, rng), pan=0.5)


def _hiss(length_s: float, decay_per_s: float, centre_hz: float, rng: np.random.Generator) -> Samples:
    def band(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(1 / (1 + (np.log2(np.maximum(frequency, 1.0) / centre_hz) / 0.7) ** 4))

    time = _time(length_s)
    noise = shape(rng.standard_normal(len(time)), band)
    return np.asarray(noise * np.exp(-time * decay_per_s) * _ramps(time, 0.006, 0.02))


def _hall(rng: np.random.Generator, decay_s: float = 1.4) -> Samples:
    """Stereo impulse response of unit energy: dark noise after 18 ms."""
    time = _time(decay_s)
    tail = rng.standard_normal((2, len(time))) * 10 ** (-3 * time / decay_s) * (time > 0.018)
    tail = shape(tail, lambda frequency: 1 / (1 + (frequency / 4000) ** 2))
    return np.asarray(tail / np.sqrt(np.sum(tail**2, axis=1, keepdims=True)))
