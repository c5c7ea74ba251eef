"""Sound of the sample: loudness, filters, room, beep. Arrays are (channels, n) or (n,), full scale ±1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

RATE = 48_000
"""Sample rate of everything, in Hz."""

Samples = NDArray[np.float64]


def amplitude(level_db: float) -> float:
    return float(10 ** (level_db / 20))


def rms_dbfs(signal: Samples) -> float:
    """Root mean square over all channels in dB, where a full-scale square wave is 0 dB."""
    return float(10 * np.log10(np.mean(np.square(signal)) + 1e-20))


def shape(signal: Samples, gain: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Samples:
    """Filter with zero phase: `gain` maps Hz to a linear factor. A second of padding stops wrap-around."""
    n = signal.shape[-1]
    spectrum = np.fft.rfft(signal, n + RATE)
    frequency = np.asarray(np.fft.rfftfreq(n + RATE, 1 / RATE), dtype=np.float64)
    shaped: Samples = np.fft.irfft(spectrum * gain(frequency), n + RATE)[..., :n]
    return shaped


def convolve(signal: Samples, response: Samples) -> Samples:
    """Linear convolution on the last axis, cut to the length of the signal."""
    n = signal.shape[-1]
    size = n + response.shape[-1]
    wet: Samples = np.fft.irfft(np.fft.rfft(signal, size) * np.fft.rfft(response, size), size)[..., :n]
    return wet


def _k_weight(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
    """Magnitude of the two BS.1770-5 filters at 48 kHz (its tables 1 and 2)."""
    z = np.exp(-2j * np.pi * frequency / RATE)
    shelf = np.polyval([1.19839281085285, -2.69169618940638, 1.53512485958697], z)
    shelf /= np.polyval([0.73248077421585, -1.69065929318241, 1.0], z)
    high_pass = np.polyval([1.0, -2.0, 1.0], z)
    high_pass /= np.polyval([0.99007225036621, -1.99004745483398, 1.0], z)
    magnitude: NDArray[np.float64] = np.abs(shelf * high_pass)
    return magnitude


def loudness_lufs(stereo: Samples) -> float:
    """Integrated loudness with both gates (BS.1770-5) of (2, n); at least 400 ms."""
    power = np.square(shape(stereo, _k_weight)).sum(axis=0)
    step = RATE // 10
    tenths = np.add.reduceat(power, np.arange(0, len(power) // step * step, step))[: len(power) // step] / step
    blocks = np.convolve(tenths, np.full(4, 0.25), "valid")
    blocks = blocks[blocks > 10 ** ((-70 + 0.691) / 10)]
    if not len(blocks):
        return -np.inf
    blocks = blocks[blocks > blocks.mean() / 10]
    return float(-0.691 + 10 * np.log10(blocks.mean()))


def spread(mono: Samples) -> Samples:
    """The same signal in both channels."""
    return np.stack([mono, mono])


def room_tone(n: int, rng: np.random.Generator, *, level_dbfs: float = -60.0) -> Samples:
    """Stationary air of a small room: 6 dB less per octave, a fan around 240 Hz, channels 3/4 alike."""

    def colour(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
        low_cut = 1 / (1 + (45 / np.maximum(frequency, 1.0)) ** 4)
        slope = 1 / (1 + (frequency / 110) ** 2) ** 0.5
        fan = 1 + 1.2 * np.exp(-((np.log2(np.maximum(frequency, 1.0) / 240) / 0.25) ** 2))
        return np.asarray(low_cut * slope * fan)

    common, left, right = rng.standard_normal((3, n))
    tone = shape(np.sqrt(0.75) * common + 0.5 * np.stack([left, right]), colour)
    return tone * amplitude(level_dbfs - rms_dbfs(tone))


def room_response(rng: np.random.Generator, *, direct_to_room_db: float, decay_s: float = 0.28) -> Samples:
    """Mono impulse response: the direct sound, five early reflections, a darkening tail of the given RT60."""
    time = np.arange(int(decay_s * RATE)) / RATE
    tail = rng.standard_normal(len(time)) * 10 ** (-3 * time / decay_s) * (time > 0.008)
    tail = shape(tail, lambda frequency: 1 / (1 + (frequency / 3500) ** 2))
    for delay_s in (0.0031, 0.0057, 0.0083, 0.0127, 0.0171):
        tail[int(delay_s * RATE)] += rng.choice([-1.0, 1.0]) * 0.5 * (1 - delay_s * 30)
    tail *= amplitude(-direct_to_room_db) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return tail


def beep(*, level_dbfs: float = -18.0, length_s: float = 0.08, pitch_hz: float = 1000.0) -> Samples:
    """A whole number of cycles that starts at phase zero; the level is its peak."""
    time = np.arange(round(length_s * RATE)) / RATE
    return np.asarray(amplitude(level_dbfs) * np.sin(2 * np.pi * pitch_hz * time))
