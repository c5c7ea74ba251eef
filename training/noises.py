"""Noise by formula: what hums, hisses, ticks, knocks, beeps and works in strokes, without end and without a recording.

Recorded noise is scarce, and a network that has never heard a kind of sound takes it for voice. Each function draws
`n` samples at 48 kHz of one made-up sound, at any level.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from mediaclean.backends.dialogue_mask import RATE
from training import equaliser

Signal = NDArray[np.float32]


def hiss(rng: np.random.Generator, n: int) -> Signal:
    """Of a machine, a room or an amplifier: steady or swelling, falling by 0 to 9 dB per octave."""
    spectrum = fft.rfft(rng.standard_normal(n, dtype=np.float32))
    bins = np.arange(1, len(spectrum) + 1, dtype=np.float32)
    spectrum *= bins ** np.float32(-rng.uniform(0, 1.5)) * _coloured(rng, len(spectrum), 12)
    return np.asarray(fft.irfft(spectrum, n) * _swelling(rng, n, 4 * (rng.random() < 0.5)), np.float32)


def motor(rng: np.random.Generator, n: int) -> Signal:
    """Harmonics of a shaft at 15 to 180 Hz that runs a little unsteadily, over hiss."""
    count = int(rng.integers(8, 30))
    wobble = np.cumsum(np.interp(np.linspace(0, 11, n), np.arange(12), rng.uniform(-0.02, 0.02, 12)) + 1.0)
    phase = (2 * np.pi * np.exp(rng.uniform(np.log(15), np.log(180))) / RATE * wobble).astype(np.float32)
    levels_db = -rng.uniform(0.3, 1.5) * np.arange(count) + rng.uniform(-10, 10, count)
    made = np.zeros(n, np.float32)
    for harmonic, level_db in enumerate(levels_db, start=1):
        made += np.float32(10 ** (level_db / 20)) * np.sin(harmonic * phase + np.float32(rng.uniform(0, 7)))
    rough = hiss(rng, n)
    made += rough * np.float32(_rms(made) / _rms(rough) * 10 ** (rng.uniform(-20, 5) / 20))
    return made * _swelling(rng, n, 6)


def taps(rng: np.random.Generator, n: int) -> Signal:
    """Keys, steps, dishes, drops: short knocks of one or two kinds, regular or not."""
    kinds = [_knock(rng) for _ in range(int(rng.integers(1, 4)))]
    step_s, regular = float(np.exp(rng.uniform(np.log(0.06), np.log(0.8)))), rng.random() < 0.4
    made, at = np.zeros(n + RATE, np.float32), rng.uniform(0, step_s)
    while at * RATE < n:
        knock = kinds[int(rng.integers(len(kinds)))]
        start = int(at * RATE)
        made[start : start + len(knock)] += knock * np.float32(10 ** (rng.uniform(-12, 0) / 20))
        at += step_s * (rng.uniform(0.95, 1.05) if regular else rng.exponential() + 0.05)
    return made[:n] + hiss(rng, n) * np.float32(1e-3)


def beeps(rng: np.random.Generator, n: int) -> Signal:
    """Alarms, machines that report, telephones: one to three notes with few harmonics, over and over."""
    count = int(rng.integers(1, 4))
    notes_hz = np.exp(rng.uniform(np.log(350), np.log(4500), count))
    long_s, pause_s = rng.uniform(0.04, 0.6), rng.uniform(0.02, 1.2)
    length, fade = int(long_s * RATE), int(rng.uniform(0.002, 0.02) * RATE)
    at = np.arange(length, dtype=np.float32) / RATE
    ramp = np.minimum(1.0, np.minimum(at, at[::-1]) * (RATE / fade)) * np.exp(-at * rng.uniform(0, 6))
    shape = 10 ** (-rng.uniform(8, 40) / 20 * np.arange(4))
    warble = 1.0 + rng.uniform(0, 0.01) * np.sin(2 * np.pi * rng.uniform(3, 30) * at) * (rng.random() < 0.3)
    sounds = [
        sum(a * np.sin(2 * np.pi * hz * k * warble * at) for k, a in enumerate(shape, start=1) if hz * k < 20_000)
        * ramp
        for hz in notes_hz
    ]
    made, start, number = np.zeros(n + length, np.float32), int(rng.uniform(0, pause_s) * RATE), 0
    while start < n:
        made[start : start + length] += np.asarray(sounds[number % count], np.float32)
        number += 1
        start += length + int(pause_s * RATE * (1.0 if number % count == 0 else 0.15))
    return made[:n] + hiss(rng, n) * np.float32(1e-3)


def tools(rng: np.random.Generator, n: int) -> Signal:
    """Drills, saws, pumps, printers: a machine that idles, and over it strokes of work with a sound of their own."""
    idle = motor(rng, n) if rng.random() < 0.7 else hiss(rng, n)
    work = motor(rng, n) if rng.random() < 0.5 else hiss(rng, n)
    at_s = np.arange(n, dtype=np.float32) / RATE
    work *= 1 + np.float32(rng.uniform(0, 0.9)) * np.sin(np.float32(2 * np.pi * rng.uniform(8, 90)) * at_s)
    made = work * (_strokes(rng, n) / np.float32(_rms(work)))
    made += idle * np.float32(10 ** (rng.uniform(-30, 0) / 20) / _rms(idle))
    return made


KINDS: tuple[Callable[[np.random.Generator, int], Signal], ...] = (hiss, motor, taps, beeps, tools)
CHANCES = (0.3, 0.15, 0.2, 0.12, 0.23)


def draw(rng: np.random.Generator, n: int) -> Signal:
    """One of the kinds."""
    return KINDS[int(rng.choice(len(KINDS), p=CHANCES))](rng, n)


def _knock(rng: np.random.Generator) -> Signal:
    """A burst of noise and some resonances that die away within 10 to 300 ms."""
    length_s = float(np.exp(rng.uniform(np.log(0.01), np.log(0.3))))
    at = np.arange(int(1.5 * length_s * RATE), dtype=np.float32) / RATE
    made = rng.standard_normal(len(at)) * np.exp(-at * 7 / (length_s * rng.uniform(0.1, 1.0)))
    for _ in range(int(rng.integers(0, 5))):
        hz = np.exp(rng.uniform(np.log(120), np.log(7000)))
        made += rng.uniform(0.2, 2) * np.sin(2 * np.pi * hz * at) * np.exp(-at * 7 / (length_s * rng.uniform(0.3, 1.0)))
    spectrum = fft.rfft(made)
    coloured: Signal = fft.irfft(spectrum * _coloured(rng, len(spectrum), 15), len(made)).astype(np.float32)
    return coloured / np.float32(_rms(coloured))


def _strokes(rng: np.random.Generator, n: int) -> Signal:
    """A gain that opens for strokes of one length, at one pace or at none, each at its own level."""
    long_s, pause_s = np.exp(rng.uniform(np.log(0.05), np.log(1.2), 2))
    regular, ramp_s = rng.random() < 0.5, rng.uniform(0.003, 0.05)
    times_s, gains = [0.0], [0.0]
    while times_s[-1] < n / RATE:
        stretch = (1.0, 1.0) if regular else rng.uniform(0.4, 2.0, 2)
        level = 10 ** (rng.uniform(-9, 0) / 20)
        for step_s, gain in ((pause_s * stretch[0], 0.0), (ramp_s, level), (long_s * stretch[1], level), (ramp_s, 0.0)):
            times_s.append(times_s[-1] + float(step_s))
            gains.append(gain)
    return np.interp(np.arange(n) / RATE, times_s, gains).astype(np.float32)


def _coloured(rng: np.random.Generator, bins: int, range_db: float) -> Signal:
    """A smooth random gain over log frequency."""
    return equaliser.response(rng.uniform(-range_db, range_db, equaliser.KNOTS), bins)


def _swelling(rng: np.random.Generator, n: int, range_db: float) -> Signal:
    swell_db = np.interp(np.linspace(0, 7, n), np.arange(8), rng.uniform(-range_db, range_db, 8))
    return np.asarray(10 ** (swell_db / 20), np.float32)


def _rms(sound: Signal) -> float:
    return float(np.sqrt(np.mean(np.square(sound)) + 1e-12))
