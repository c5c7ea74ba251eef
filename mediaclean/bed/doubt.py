"""How much error a separated voice holds, from voice and bed alone.

A network that shares out every cell of time and frequency gives voice and bed the same phase there, and the better it
knows whose the cell is, the less of it goes to the lesser of the two. Of a cell of power X with the voice's share g,
the error that must be expected is g (1 - g) X (the variance of a Bernoulli guess, and of Wiener's estimate, 1949): the
product of both amplitudes. Sounds that are truly apart but meet in a cell have any phase to each other. So the product
counts by the cosine of twice the angle between the two, which is 1 in step and 0 on average over all angles.

Where a mask exceeds 1 the two are in opposition. A network that is taught to keep the level of the voice does that to
make up for what it loses elsewhere, so that the plain scalar product of voice and bed, which for a least-squares
estimate would do by itself, comes out four times too small. Such cells are left out, and `SHARE` makes up for them.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mediaclean.audio import Samples
from mediaclean.loudness.kweight import channel_weights, power_response
from mediaclean.series import Series

WINDOW_S = 0.032
"""That of the dialogue network."""
SHARE = 2.1
"""Power of the error over what voice and bed have in step: the median for our dialogue network over music and noise up
to 26 LU under the voice and 8 LU over it, with a standard deviation of 1.6 dB (`python -m benchmarks.doubt`)."""


class DoubtMeter:
    """K-weighted power of the error for every 32 ms frame of a stream, on the grid of `audio.frame_edges`.

    Args:
        rate: in Hz.
        layout, channels: FFmpeg's name for the layout and its number of channels.
    """

    def __init__(self, rate: int, layout: str, channels: int) -> None:
        self._rate = rate
        self._weights = channel_weights(layout, channels)
        self._width = round(WINDOW_S * rate)
        self._window = np.sin(np.pi * (np.arange(self._width) + 0.5) / self._width).astype(np.float32)
        scale = 2.0 * SHARE / (self._width * float(np.square(self._window).sum()))
        hz = np.fft.rfftfreq(self._width, 1.0 / rate).astype(np.float64)
        self._scale = (power_response(rate, hz) * scale).astype(np.float32)
        self._held = np.zeros((2, channels, self._width), np.float32)
        self._start = -self._width
        self._powers = Series(np.float64)
        self._count = 0

    def add(self, voice: Samples, bed: Samples) -> None:
        """The stream's next samples, (channels, n) each."""
        held = np.concatenate([self._held, np.stack([voice, bed])], axis=2)
        stop = self._start + held.shape[2]
        starts = self._starts(stop)
        if len(starts) and held[0].any() and held[1].any():
            self._powers.add(self._shared(held, starts))
        else:  # most of a recording is not separated at all: it has no bed
            self._powers.add(np.zeros(len(starts)))
        self._count += len(starts)
        keep = int(self._firsts(np.array([self._count], dtype=np.int64))[0]) - self._start
        self._held, self._start = held[:, :, keep:], self._start + keep

    def result(self) -> NDArray[np.float64]:
        """Mean square per frame, (frames,); of what was added until now, as if silence followed.

        A single frame may be negative: only the mean over many angles is a power.
        """
        behind = np.zeros((2, len(self._weights), 3 * self._width), np.float32)
        held = np.concatenate([self._held, behind], axis=2)
        starts = self._starts(self._start + held.shape[2])
        powers = np.concatenate([self._powers.result(), self._shared(held, starts)])
        return np.asarray(powers[: len(powers) // 2 * 2].reshape(-1, 2).mean(axis=1))

    def _firsts(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """First samples of windows; two of them have their middles a quarter and three quarters into each frame."""
        return (2 * numbers + 1) * self._rate // 125 - self._width // 2

    def _starts(self, stop: int) -> NDArray[np.int64]:
        """First samples of the windows due that end before a sample."""
        last = ((stop - self._width + self._width // 2 + 1) * 125 - 1) // self._rate  # 2 number + 1 at most
        return self._firsts(np.arange(self._count, max(self._count, (last + 1) // 2), dtype=np.int64))

    def _shared(self, held: NDArray[np.float32], starts: NDArray[np.int64]) -> NDArray[np.float64]:
        """The power of the error, (count,), in the windows of voice and bed (2, channels, n) that begin at `starts`."""
        from scipy.fft import rfft

        at = sliding_window_view(held, self._width, axis=2)
        windows = np.stack([at[:, :, start - self._start] for start in starts.tolist()], axis=2)
        windows *= self._window
        voice, bed = rfft(windows, overwrite_x=True)
        product = voice * bed.conj()
        along, across = np.square(product.real), np.square(product.imag)
        size = np.sqrt(along + across)
        in_step = (along - across) / np.maximum(size, 1e-30)  # twice the cosine's square less one, times the size
        in_step *= product.real > 0.0
        return np.asarray(self._weights @ (in_step @ self._scale).astype(np.float64))
