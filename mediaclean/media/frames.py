"""Decoded frames to float32 arrays, whatever their format, layout or rate."""

from __future__ import annotations

import numpy as np
from av import AudioFrame, AudioResampler

from mediaclean.audio import Samples
from mediaclean.media.records import AudioTrack

# FFmpeg's sample format -> (numpy type, offset, scale to full scale ±1.0). The scales are powers of two,
# so integers of up to 24 bits are carried without loss.
_FORMATS: dict[str, tuple[str, float, float]] = {
    "u8": ("u1", -128.0, 2.0**-7),
    "s16": ("i2", 0.0, 2.0**-15),
    "s32": ("i4", 0.0, 2.0**-31),
    "flt": ("f4", 0.0, 1.0),
    "dbl": ("f8", 0.0, 1.0),
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

    def read(self, frame: AudioFrame) -> list[Samples]:
        """The sound of `frame` as arrays of shape (channels, n); with what a resampler still held before it."""
        key = (frame.format.name, frame.layout.name, frame.rate)
        before: list[Samples] = []
        if key != self._key:
            before = self.flush()
            self._key = key
            self._resampler = self._needed(key, frame)
        if self._resampler is None:
            return [*before, _direct(frame, self._channels)]
        frame.pts = None  # the clock has looked at it; the filter must not act on it a second time
        return [*before, *(_direct(part, self._channels) for part in self._resampler.resample(frame))]

    def flush(self) -> list[Samples]:
        """What the resampler still holds."""
        if self._resampler is None:
            return []
        rest = self._resampler.resample(None)
        self._resampler = None
        return [_direct(part, self._channels) for part in rest if part is not None]

    def _needed(self, key: tuple[str, str, int], frame: AudioFrame) -> AudioResampler | None:
        name, layout, rate = key
        known = name.removesuffix("p") in _FORMATS
        planes = frame.layout.nb_channels if frame.format.is_planar else 1
        if known and planes < _PLANES and (layout, rate) == (self._layout, self._rate):
            return None
        return AudioResampler(format="flt", layout=self._layout, rate=self._rate)


def _direct(frame: AudioFrame, channels: int) -> Samples:
    name = frame.format.name
    count = frame.samples
    planar = name.endswith("p")
    dtype, offset, scale = _FORMATS[name[:-1] if planar else name]
    out = np.empty((channels, count), dtype=np.float32)
    if planar:
        for channel, plane in enumerate(frame.planes):
            out[channel] = np.frombuffer(memoryview(plane), dtype, count)
    else:
        out[:] = np.frombuffer(memoryview(frame.planes[0]), dtype, count * channels).reshape(count, channels).T
    if scale != 1.0:
        out += np.float32(offset)
        out *= np.float32(scale)
    return out
