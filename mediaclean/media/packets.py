"""What the packets of a file are, in numbers that two files can be compared by."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediaclean.media.borders import codec_of, open_input, reading
from mediaclean.media.columns import Column
from mediaclean.media.subtitles import text_of

_TEXT = {"subrip", "mov_text", "webvtt"}
# NAL units that containers move between the stream and its header: parameter sets, delimiters, filler.
_H264_LOOSE = {7, 8, 9, 12}
_HEVC_LOOSE = {32, 33, 34, 35, 38}
_HEVC_MESSAGES = {39, 40}
_PLAIN_PCM = re.compile(r"pcm_(?:[suf](\d+)(?:le|be)?|alaw|mulaw)")
"""PCM whose bytes are samples and nothing else, channel by channel."""


@dataclass
class StreamPackets:
    """One stream's packets: how many, their SHA-256 in order, their times in ticks, which of them are key frames.

    `content` is the SHA-256 of what the packets mean where containers wrap it differently: H.264 and HEVC by
    their picture units without start codes or lengths, AAC without its transport header, text by its words.
    Plain PCM has no packets of its own, containers cut it as they like: so of it the `sizes` in bytes are kept, and
    `bytes_per_s`, which is 0 for all else.
    """

    index: int
    kind: str
    codec: str
    count: int = 0
    sha256: str = ""
    content: str = ""
    tick_s: float = 0.0
    ticks: Column = field(default_factory=Column)
    marks: Column = field(default_factory=Column)
    bytes_per_s: float = 0.0
    sizes: Column = field(default_factory=Column)

    @property
    def times_s(self) -> NDArray[np.float64]:
        """Of each packet, in seconds, of shape (count,)."""
        return self.ticks.values().astype(np.float64) * self.tick_s

    @property
    def starts(self) -> NDArray[np.int64]:
        """How many bytes lie before each packet of plain PCM, of shape (count,)."""
        sizes = self.sizes.values()
        return np.cumsum(sizes) - sizes

    def times_at(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """When bytes of plain PCM sound, in seconds, by the packets that they are in."""
        starts = self.starts
        packet = np.searchsorted(starts, places, side="right") - 1
        return np.asarray(self.times_s[packet] + (places - starts[packet]) / self.bytes_per_s)

    @property
    def keys(self) -> NDArray[np.bool_]:
        """Whether a decoder can start at a packet, of shape (count,)."""
        return self.marks.values().astype(np.bool_)


def lateness_s(mine: StreamPackets, other: StreamPackets) -> NDArray[np.float64]:
    """How much later each packet of a copy comes, in seconds; of plain PCM, wherever a packet of either begins."""
    if not (mine.bytes_per_s and other.bytes_per_s):
        return other.times_s - mine.times_s
    places = np.union1d(mine.starts, other.starts)
    return other.times_at(places) - mine.times_at(places)


def packet_hashes(path: Path, *, header: bytes = b"", unwanted: Event | None = None) -> dict[int, StreamPackets]:
    """Read every packet of every stream once; attachments count as one packet.

    Args:
        path: the file.
        header: HEVC messages in here are taken for part of the header, wherever this file has them.
        unwanted: once it is set the rest is not read, and what comes back is worth nothing.

    Raises:
        MediaError: the file cannot be read.
    """
    with reading(path), open_input(path) as container:
        gatherers = {stream.index: _Gatherer(stream, header) for stream in container.streams}
        for packet in container.demux():
            if unwanted is not None and unwanted.is_set():
                break
            if packet.size:
                gatherers[packet.stream_index].take(packet)
        return {index: gatherer.done() for index, gatherer in gatherers.items()}


class PacketEar:
    """The packets of a file's only stream, heard while a pass decodes it, so that it need not be read for them.

    Of a file with more streams it hears nothing: what decodes one of them never sees the others.
    """

    def __init__(self) -> None:
        self._gatherer: _Gatherer | None = None
        self._whole = False

    def begin(self, container: Any) -> None:
        """A pass begins."""
        streams = container.streams
        self._gatherer = _Gatherer(streams[0], b"") if len(streams) == 1 else None
        self._whole = False

    def take(self, packet: Any) -> None:
        """The next packet of the container."""
        if self._gatherer is not None and packet.size:
            self._gatherer.take(packet)

    def end(self) -> None:
        """The pass has read all there is."""
        self._whole = self._gatherer is not None

    def result(self) -> dict[int, StreamPackets] | None:
        """As `packet_hashes`; None where no pass went from the first packet to the last."""
        if self._gatherer is None or not self._whole:
            return None
        heard = self._gatherer.done()
        return {heard.index: heard}


def headers_of(path: Path) -> bytes:
    """The codec headers of a file's pictures, one after the other."""
    with reading(path), open_input(path) as container:
        contexts = [stream.codec_context for stream in container.streams.video]
        return b"".join(context.extradata or b"" for context in contexts if context is not None)


class _Gatherer:
    def __init__(self, stream: Any, header: bytes) -> None:
        context = stream.codec_context
        codec = codec_of(stream) or "unknown"
        self._result = StreamPackets(stream.index, stream.type, codec, bytes_per_s=_bytes_per_s(codec, context))
        self._base = stream.time_base or Fraction(1)
        self._units = _unit_reader(codec, context, header)
        self._bytes = hashlib.sha256()
        self._content = hashlib.sha256() if self._units else self._bytes
        if stream.type == "attachment":
            self._result.count = 1
            self._bytes.update(stream.data)

    def take(self, packet: Any) -> None:
        view = memoryview(packet)
        if self._units is not None:
            parts = list(self._units(view))
            if not parts:
                return  # an empty cue only says where the last one ends
            for part in parts:
                self._content.update(part)
        self._bytes.update(view)
        self._result.count += 1
        self._result.ticks.add(packet.pts if packet.pts is not None else packet.dts or 0)
        self._result.marks.add(packet.is_keyframe)
        if self._result.bytes_per_s:
            self._result.sizes.add(packet.size)

    def done(self) -> StreamPackets:
        result = self._result
        result.sha256, result.content = self._bytes.hexdigest(), self._content.hexdigest()
        result.tick_s = float(self._base)
        return result


def _bytes_per_s(codec: str, context: Any) -> float:
    """Of plain PCM; 0 for everything else."""
    plain = _PLAIN_PCM.fullmatch(codec)
    if plain is None or context is None:
        return 0.0
    return float(context.sample_rate * context.layout.nb_channels * int(plain[1] or 8) // 8)


_Units = Callable[[memoryview], Iterator[bytes | memoryview]]


def _unit_reader(codec: str, context: Any, header: bytes) -> _Units | None:
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
            return lambda view: _picture_units(_by_length(bytes(view), width), codec, loose, extradata + header)
        return lambda view: _picture_units(_by_start_code(bytes(view)), codec, loose, extradata + header)
    return None


def _without_adts(view: memoryview) -> memoryview:
    if len(view) > 7 and view[0] == 0xFF and view[1] & 0xF6 == 0xF0:
        return view[7 if view[1] & 1 else 9 :]
    return view


def _picture_units(units: Iterator[bytes], codec: str, loose: set[int], header: bytes) -> Iterator[bytes]:
    """The units that make up the pictures, without those that may stand in the header instead."""
    for unit in units:
        if not unit:
            continue
        kind = unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63
        in_header = codec == "hevc" and kind in _HEVC_MESSAGES and unit in header
        if kind not in loose and not in_header:
            yield unit


def _by_length(data: bytes, width: int) -> Iterator[bytes]:
    place = 0
    while place + width <= len(data):
        size = int.from_bytes(data[place : place + width], "big")
        yield data[place + width : place + width + size].rstrip(b"\x00")
        place += width + size


def _by_start_code(data: bytes) -> Iterator[bytes]:
    start = data.find(b"\x00\x00\x01")
    while start >= 0:
        stop = data.find(b"\x00\x00\x01", start + 3)
        # A fourth zero belongs to the next start code; trailing zeros are never part of a unit.
        yield (data[start + 3 :] if stop < 0 else data[start + 3 : stop]).rstrip(b"\x00")
        start = stop
