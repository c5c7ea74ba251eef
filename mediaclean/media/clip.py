"""A short stretch of sound as the bytes of an MP3 file, which every browser decodes by itself."""

from __future__ import annotations

import io
from typing import Any

import av
import numpy as np

from mediaclean.audio import Samples

CLIP_RATES = (32_000, 44_100, 48_000)
"""Sample rates that are kept; others are to be resampled before."""

_BLOCK = 1152 * 64
_QUALITY = "5"
"""Of LAME, 0 (best) to 9: the last one that still shapes its noise by what is heard."""


def encode_clip(samples: Samples, rate: int, *, bit_rate: int) -> bytes:
    """An MP3 file in memory with the delay of its encoder declared, so that it starts at the first sample.

    Args:
        samples: mono or stereo, (channels, n).
        rate: one of `CLIP_RATES`.
        bit_rate: in bits per second.
    """
    if rate not in CLIP_RATES or samples.shape[0] not in (1, 2):
        raise ValueError(f"no clip of {samples.shape[0]} channels at {rate} Hz")
    layout = "stereo" if samples.shape[0] == 2 else "mono"
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as made:
        stream: Any = made.add_stream("libmp3lame", rate, layout=layout, format="fltp")
        stream.bit_rate = bit_rate
        stream.codec_context.options = {"compression_level": _QUALITY}
        for start in range(0, samples.shape[1], _BLOCK):
            part = np.ascontiguousarray(samples[:, start : start + _BLOCK], dtype=np.float32)
            frame = av.AudioFrame.from_ndarray(part, "fltp", layout)
            frame.sample_rate, frame.pts = rate, start
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    return file.getvalue()
