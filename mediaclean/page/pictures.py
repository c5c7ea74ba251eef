"""What a passage looks like, in bytes that a canvas can draw: waveform and spectrogram."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples, power_to_db

COLUMNS = 720
BANDS = 112
LOWEST_HZ, HIGHEST_HZ = 60.0, 14_000.0
DARK_DB, BRIGHT_DB = -88.0, -20.0
TILT_DB = 4.0
"""What is shown at 1 kHz, in dB of a full-scale sine per bin; per octave above it, where voices and music are
weaker, the picture is brightened by the tilt."""
_SIZE = 2048


def waveform(samples: Samples) -> NDArray[np.int8]:
    """The lowest and highest sample of every column over all channels, full scale 127, shape (COLUMNS, 2)."""
    edges = np.linspace(0, samples.shape[1], COLUMNS + 1).astype(int)
    starts = np.minimum(edges[:-1], max(0, samples.shape[1] - 1))
    lows = np.minimum.reduceat(samples.min(axis=0), starts)
    highs = np.maximum.reduceat(samples.max(axis=0), starts)
    return np.asarray(np.clip(np.rint(np.stack([lows, highs], axis=1) * 127), -127, 127), dtype=np.int8)


def spectrogram(samples: Samples, rate: int) -> NDArray[np.uint8]:
    """Brightness per band, from the lowest up, and column, shape (BANDS, COLUMNS); bands are even in octaves."""
    mono = np.pad(samples.mean(axis=0), (_SIZE // 2, _SIZE))
    window = np.hanning(_SIZE).astype(np.float32)
    centres = np.linspace(0, samples.shape[1], 2 * COLUMNS, endpoint=False).astype(int)
    frames = np.lib.stride_tricks.sliding_window_view(mono, _SIZE)[centres] * window
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 / (0.5 * window.sum()) ** 2
    power = power.reshape(COLUMNS, 2, -1).mean(axis=1)
    grown = np.concatenate([np.zeros((COLUMNS, 1)), np.cumsum(power, axis=1)], axis=1)
    bins = np.geomspace(LOWEST_HZ, min(HIGHEST_HZ, rate / 2), BANDS + 1) * _SIZE / rate + 0.5
    whole = np.minimum(bins.astype(int), grown.shape[1] - 2)
    part = np.minimum(bins - whole, 1.0)
    at = grown[:, whole] * (1.0 - part) + grown[:, whole + 1] * part
    octaves = np.log2(np.sqrt(bins[1:] * bins[:-1]) * rate / _SIZE / 1000.0)
    level_db = power_to_db(np.diff(at, axis=1) / np.diff(bins)) + TILT_DB * octaves
    shade = np.clip((level_db - DARK_DB) / (BRIGHT_DB - DARK_DB), 0.0, 1.0)
    return np.asarray(np.rint(255 * shade.T), dtype=np.uint8)
