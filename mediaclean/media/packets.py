"""What the packets of a file are, in numbers that two files can be compared by."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediaclean.media.borders import open_input, reading
from mediaclean.media.subtitles import text_of

_TEXT = {"subrip", "mov_text", "webvtt"}
# NAL units that containers move between the stream and its header: parameter sets, delimiters, filler.
_H264_LOOSE = {7, 8, 9, 12}
_HEVC_LOOSE = {32, 33, 34, 35, 38}


@dataclass
class StreamPackets:
    """One stream's packets: how many, their SHA-256 in order, their times in seconds, their key frames.

    `content` is the SHA-256 of what the packets mean where containers wrap it differently: H.264 and HEVC by
    their picture units without start codes or lengths, AAC without its transport header, text by its words.
    """

    index: int
    kind: str
    codec: str
    count: int = 0
    sha256: str = ""
    content: str = ""
    times_s: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    keys: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    tick_s: float = 0.0


def packet_hashes(path: Path) -> dict[int, StreamPackets]:
    """Read every packet of every stream once; attachments count as one packet.

    Raises:
        MediaError: the file cannot be read.
    """
    with reading(path), open_input(path) as container:
        gatherers = {stream.index: _Gatherer(stream) for stream in container.streams}
        for packet in container.demux():
            if packet.size:
                gatherers[packet.stream_index].take(packet)
        return {index: gatherer.done() for index, gatherer in gatherers.items()}


class _Gatherer:
    def __init__(self, stream: Any) -> None:
        context = stream.codec_context
        codec = context.codec.canonical_name if context is not None else (stream.name or "unknown")
        self._result = StreamPackets(stream.index, stream.type, codec)
        self._base = stream.time_base or Fraction(1)
        self._units = _unit_reader(codec, context)
        self._bytes = hashlib.sha256()
        self._content = hashlib.sha256()
        self._times: list[int] = []
        self._keys: list[bool] = []
        if stream.type == "attachment":
            self._result.count = 1
            self._bytes.update(stream.data)
            self._content.update(stream.data)

    def take(self, packet: Any) -> None:
        view = memoryview(packet)
        parts = [view] if self._units is None else list(self._units(view))
        if not parts:
            return  # an empty cue only says where the last one ends
        self._bytes.update(view)
        for part in parts:
            self._content.update(part)
        self._result.count += 1
        self._times.append(packet.pts if packet.pts is not None else packet.dts or 0)
        self._keys.append(packet.is_keyframe)

    def done(self) -> StreamPackets:
        result = self._result
        result.sha256, result.content = self._bytes.hexdigest(), self._content.hexdigest()
        result.times_s = np.array([time * float(self._base) for time in self._times], dtype=np.float64)
        result.keys = np.array(self._keys, dtype=bool)
        result.tick_s = float(self._base)
        return result


_Units = Callable[[memoryview], Iterator[bytes | memoryview]]


def _unit_reader(codec: str, context: Any) -> _Units | None:
    if codec in _TEXT:
        return lambda view: iter([text.encode()] if (text := text_of(codec, bytes(view))).strip() else [])
    if codec == "aac":
        return lambda view: iter([_without_adts(view)])
    if codec in {"h264", "hevc"} and context is not None:
        loose = _H264_LOOSE if codec == "h264" else _HEVC_LOOSE
        extradata = context.extradata or b""
        # avcC and hvcC begin with version 1; start codes begin with zeros.
        if extradata[:1] == b"\x01" and len(extradata) > 22:
            width = (extradata[4 if codec == "h264" else 21] & 3) + 1
            return lambda view: _picture_units(_by_length(view, width), codec, loose)
        return lambda view: _picture_units(_by_start_code(bytes(view)), codec, loose)
    return None


def _without_adts(view: memoryview) -> memoryview:
    if len(view) > 7 and view[0] == 0xFF and view[1] & 0xF6 == 0xF0:
        return view[7 if view[1] & 1 else 9 :]
    return view


def _picture_units(units: Iterator[bytes | memoryview], codec: str, loose: set[int]) -> Iterator[bytes | memoryview]:
    for unit in units:
        if len(unit):
            kind = unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63
            if kind not in loose:
                yield unit


def _by_length(view: memoryview, width: int) -> Iterator[memoryview]:
    place = 0
    while place + width <= len(view):
        size = int.from_bytes(view[place : place + width], "big")
        yield view[place + width : place + width + size]
        place += width + size


def _by_start_code(data: bytes) -> Iterator[bytes]:
    start = data.find(b"\x00\x00\x01")
    while start >= 0:
        stop = data.find(b"\x00\x00\x01", start + 3)
        # A fourth zero belongs to the next start code; trailing zeros are never part of a unit.
        yield (data[start + 3 :] if stop < 0 else data[start + 3 : stop]).rstrip(b"\x00")
        start = stop
