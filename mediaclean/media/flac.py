"""A FLAC file of 24 bits that is written chunk by chunk, several of them side by side."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np

from mediaclean.audio import Samples
from mediaclean.errors import OutputError
from mediaclean.media.borders import open_output, writing
from mediaclean.media.codecs import resolve_codec
from mediaclean.media.encode import set_up
from mediaclean.media.records import AudioTrack

_FULL_SCALE = float(1 << 23)


class FlacFile:
    """Use it as a context manager; what is added comes out of `decode` as it went in, on a grid of 24 bits."""

    def __init__(self, path: Path, track: AudioTrack) -> None:
        """Begin the file at `path` with the rate and layout of a track.

        Raises:
            OutputError: if FLAC has no room for its channels, or the file cannot be written.
        """
        if track.channels > 8:
            raise OutputError(f"{path.name}: FLAC holds 8 channels, the track has {track.channels}", "leave them out")
        codec = replace(resolve_codec(track, path, codec="flac"), rate=track.rate, bits=24)
        self.path, self._layout, self._rate, self._position = path, codec.layout, track.rate, 0
        with writing(path):
            self._file = open_output(path, "flac", {})
            self._stream: Any = self._file.add_stream("flac", track.rate)
            set_up(self._stream.codec_context, codec)

    def add(self, samples: Samples) -> None:
        """The next samples, (channels, n), full scale ±1; rounded to 24 bits and clipped."""
        whole = np.clip(np.rint(samples * np.float64(_FULL_SCALE)), -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int32)
        packed = np.ascontiguousarray((whole << 8).T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, "s32", self._layout)
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._position, Fraction(1, self._rate)
        self._position += samples.shape[1]
        with writing(self.path):
            self._file.mux(self._stream.encode(frame))

    def __enter__(self) -> FlacFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            with suppress(Exception):  # what went wrong first is what counts
                self._file.close()
            return
        with writing(self.path):
            try:
                self._file.mux(self._stream.encode(None))
            finally:
                self._file.close()
