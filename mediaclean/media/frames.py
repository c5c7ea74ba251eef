"""Decoded frames to float32 arrays, whatever their format, layout or rate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from av import AudioFifo, AudioFrame, AudioLayout, AudioResampler

from mediaclean.audio import Samples
from mediaclean.media.records import AudioTrack

# FFmpeg's sample format -> (numpy type, offset, scale to full scale ±1.0). The scales are powers of two,
# so integers of up to 24 bits are carried without loss.
_FORMATS: dict[str, tuple[np.dtype[Any], float, float]] = {
    "u8": (np.dtype("u1"), -128.0, 2.0**-7),
    "s16": (np.dtype("i2"), 0.0, 2.0**-15),
    "s32": (np.dtype("i4"), 0.0, 2.0**-31),
    "flt": (np.dtype("f4"), 0.0, 1.0),
    "dbl": (np.dtype("f8"), 0.0, 1.0),
}

# PyAV 18 walks past the end of the plane pointers of a planar frame with this many channels or more.
_PLANES = 8


class FrameReader:
    """Frames of one track as arrays of its first rate and layout; a change in mid-stream is resampled."""

    def __init__(self, track: AudioTrack) -> None:
        self._rate = track.rate
        self._channels = track.channels
        self._layout = track.layout
        self._key: tuple[str, str, int] | None = None
        self._resampler: AudioResampler | None = None
        self._plain = ""
        self._like: AudioLayout | None = None
        self._kind = ""
        self._fifo = AudioFifo()
        self.gathered = 0

    def is_plain(self, frame: AudioFrame) -> bool:
        """Whether a frame is like the last one and needs no filter."""
        return frame.format.name == self._plain and frame.rate == self._rate and frame.layout == self._like

    def gather(self, frame: AudioFrame) -> None:
        """Hold a plain frame, to convert many at once: at a thousand times real time every call counts."""
        frame.pts = None
        self._fifo.write(frame)
        self.gathered += frame.samples

    def release(self) -> Iterator[Samples]:
        """The sound of the gathered frames, as one array."""
        if self.gathered:
            whole = self._fifo.read(0)
            assert whole is not None
            self._fifo, self.gathered = AudioFifo(), 0
            yield _direct(whole, self._channels, self._kind)

    def read(self, frame: AudioFrame) -> list[Samples]:
        """The sound of any frame as arrays of shape (channels, n), behind what a resampler still held."""
        key = (frame.format.name, frame.layout.name, frame.rate)
        before: list[Samples] = []
        if key != self._key:
            before = self.flush()
            self._key = key
            self._resampler = self._needed(key, frame)
            self._kind = key[0]
            self._plain = key[0] if self._resampler is None else ""
            self._like = frame.layout
        if self._resampler is None:
            return [*before, _direct(frame, self._channels, self._kind)]
        frame.pts = None  # the clock has looked at it; the filter must not act on it a second time
        return [*before, *(_direct(part, self._channels, "flt") for part in self._resampler.resample(frame))]

    def flush(self) -> list[Samples]:
        """What the resampler still holds."""
        if self._resampler is None:
            return []
        rest = self._resampler.resample(None)
        self._resampler = None
        return [_direct(part, self._channels, "flt") for part in rest if part is not None]

    def _needed(self, key: tuple[str, str, int], frame: AudioFrame) -> AudioResampler | None:
        name, layout, rate = key
        known = name.removesuffix("p") in _FORMATS
        planes = frame.layout.nb_channels if frame.format.is_planar else 1
        counted = layout.endswith("channels") and frame.layout.nb_channels == self._channels
        if known and planes < _PLANES and rate == self._rate and (counted or layout == self._layout):
            return None
        return AudioResampler(format="flt", layout=self._layout, rate=self._rate)


def _direct(frame: AudioFrame, channels: int, name: str) -> Samples:
    count = frame.samples
    planar = name.endswith("p")
    dtype, offset, scale = _FORMATS[name[:-1] if planar else name]
    out = np.empty((channels, count), dtype=np.float32)
    if planar:
        for channel, plane in enumerate(frame.planes):
            out[channel] = np.frombuffer(plane, dtype, count)  # type: ignore[call-overload]
    else:
        flat = np.frombuffer(frame.planes[0], dtype, count * channels)  # type: ignore[call-overload]
        out[:] = flat.reshape(count, channels).T
    if scale != 1.0:
        out += np.float32(offset)
        out *= np.float32(scale)
    return out
