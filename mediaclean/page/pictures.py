"""What a passage looks like, in bytes that a canvas can draw: waveform and spectrogram."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples, power_to_db
from mediaclean.downmix import in_step

COLUMNS = 720
BANDS = 112
LOWEST_HZ, HIGHEST_HZ = 60.0, 14_000.0
DARK_DB, BRIGHT_DB = -88.0, -20.0
TILT_DB = 4.0
"""What is shown at 1 kHz, in dB of a full-scale sine per bin; per octave above it, where voices and music are
weaker, the picture is brightened by the tilt."""
SIZE = 2048


def waveform(samples: Samples) -> NDArray[np.int8]:
    """The lowest and highest sample of every column over all channels, full scale 127, shape (COLUMNS, 2)."""
    edges = np.linspace(0, samples.shape[1], COLUMNS + 1).astype(int)
    starts = np.minimum(edges[:-1], max(0, samples.shape[1] - 1))
    lows = np.minimum.reduceat(samples.min(axis=0), starts)
    highs = np.maximum.reduceat(samples.max(axis=0), starts)
    return np.asarray(np.clip(np.rint(np.stack([lows, highs], axis=1) * 127), -127, 127), dtype=np.int8)


def spectrogram(samples: Samples, rate: int) -> NDArray[np.uint8]:
    """Brightness per band, from the lowest up, and column, shape (BANDS, COLUMNS); bands are even in octaves."""
    mono = np.pad(in_step(samples), (SIZE // 2, SIZE))
    return shades(np.lib.stride_tricks.sliding_window_view(mono, SIZE)[centres(samples.shape[1])], rate)


def centres(length: int) -> NDArray[np.int64]:
    """The samples around which a spectrogram of `length` samples is looked at, two per column, sorted."""
    return np.linspace(0, length, 2 * COLUMNS, endpoint=False).astype(np.int64)


def shades(frames: NDArray[np.float32], rate: int) -> NDArray[np.uint8]:
    """What `spectrogram` gives, from stretches of `SIZE` samples around its `centres`, shape (2 * COLUMNS, SIZE)."""
    window = np.hanning(SIZE).astype(np.float32)
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2 / (0.5 * window.sum()) ** 2
    power = power.reshape(COLUMNS, 2, -1).mean(axis=1)
    grown = np.concatenate([np.zeros((COLUMNS, 1)), np.cumsum(power, axis=1)], axis=1)
    bins = np.geomspace(LOWEST_HZ, min(HIGHEST_HZ, rate / 2), BANDS + 1) * SIZE / rate + 0.5
    whole = np.minimum(bins.astype(int), grown.shape[1] - 2)
    part = np.minimum(bins - whole, 1.0)
    at = grown[:, whole] * (1.0 - part) + grown[:, whole + 1] * part
    octaves = np.log2(np.sqrt(bins[1:] * bins[:-1]) * rate / SIZE / 1000.0)
    level_db = power_to_db(np.diff(at, axis=1) / np.diff(bins)) + TILT_DB * octaves
    shade = np.clip((level_db - DARK_DB) / (BRIGHT_DB - DARK_DB), 0.0, 1.0)
    return np.asarray(np.rint(255 * shade.T), dtype=np.uint8)


class Overview:
    """Waveform and spectrogram of a whole track from one pass, whatever its length."""

    def __init__(self, length: int, rate: int) -> None:
        self._rate, self._position = rate, 0
        self._edges = np.linspace(0, length, COLUMNS + 1).astype(np.int64)
        self._peaks = np.zeros((COLUMNS, 2), dtype=np.float32)
        self._centres = centres(length)
        self._frames = np.zeros((2 * COLUMNS, SIZE), dtype=np.float32)
        self._next = 0
        self._held = np.zeros(SIZE, dtype=np.float32)  # the last samples before `_position`

    def add(self, chunk: Samples) -> None:
        """Look at the next samples, (channels, n)."""
        start, stop = self._position, self._position + chunk.shape[1]
        first = max(0, int(np.searchsorted(self._edges, start, side="right")) - 1)
        for column in range(first, COLUMNS):
            low, high = max(int(self._edges[column]), start), min(int(self._edges[column + 1]), stop)
            if low >= stop:
                break
            if low < high:
                part = chunk[:, low - start : high - start]
                self._peaks[column, 0] = min(self._peaks[column, 0], part.min())
                self._peaks[column, 1] = max(self._peaks[column, 1], part.max())
        self._look(chunk.mean(axis=0, dtype=np.float32))
        self._position = stop

    def _look(self, mono: NDArray[np.float32]) -> None:
        known = np.concatenate([self._held, mono])
        base, stop = self._position - SIZE, self._position + mono.size
        while self._next < len(self._centres) and self._centres[self._next] + SIZE // 2 <= stop:
            at = int(self._centres[self._next]) - SIZE // 2 - base
            self._frames[self._next] = known[at : at + SIZE]
            self._next += 1
        self._held = known[-SIZE:]

    def finish(self) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
        """What `waveform` and `spectrogram` would give."""
        self._look(np.zeros(SIZE, dtype=np.float32))
        peaks = np.clip(np.rint(self._peaks * 127), -127, 127)
        return np.asarray(peaks, dtype=np.int8), shades(self._frames, self._rate)
