"""Samples to packets, on the sample: the first sample that a player plays is the first one put in."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import av
import numpy as np
from av import AudioFrame, AudioResampler, Packet
from av.codec import Codec

from mediaclean.audio import Samples
from mediaclean.media.codecs import AudioCodec
from mediaclean.media.formats import Format
from mediaclean.media.quantise import quantise

# Frames of lead-in before the first sample where the priming is cut off: time for the encoder to settle.
_LEAD_FRAMES = 2


@dataclass(frozen=True)
class Lead:
    """What an encoder puts before the sound: `padding` samples of priming, in frames of `frame` samples."""

    padding: int
    frame: int

    @property
    def samples(self) -> int:
        """How much sound to put before the first sample so that the cut falls between two packets."""
        return _LEAD_FRAMES * self.frame + (-self.padding) % self.frame


def trims(codec: AudioCodec, form: Format, start_s: Fraction) -> bool:
    """Whether the priming must be cut off, because the container has no (or no widely obeyed) way to declare it.

    MP4 and MOV have edit lists (but FFmpeg writes none for the priming of a late track), Opus its pre-skip, MP3
    files the LAME header. Matroska's CodecDelay is obeyed by some readers only, MPEG-TS and AVI have nothing. There
    the encoder starts on a mirrored lead-in, whose packets are thrown away; the decoder then fades in over the
    first frame, and every reader is in sync.
    """
    if codec.lossless or codec.name == "opus":
        return False
    return start_s > 0 if form.family == "mp4" else form.family not in {"mp3", "ogg"}


def new_context(codec: AudioCodec, *, reservoir: bool = True) -> Any:
    """An encoder, not opened yet. Without `reservoir` MP3 frames do not lean on frames before them."""
    context: Any = av.CodecContext.create(codec.encoder, "w")
    set_up(context, codec)
    if codec.name == "mp3" and not reservoir:
        context.options = {"reservoir": "0"}
    return context


def set_up(context: Any, codec: AudioCodec) -> None:
    """Rate, layout, format and bit rate of an encoder or an output stream."""
    context.sample_rate = codec.rate
    context.layout = codec.layout
    context.format = _format(codec)
    context.time_base = Fraction(1, codec.rate)
    if codec.bit_rate:
        context.bit_rate = codec.bit_rate
    if codec.name == "flac" and codec.bits == 24:
        context.options = {"bits_per_raw_sample": "24"}


def encoded(
    codec: AudioCodec, chunks: Iterable[Samples], rate: int, layout: str, *, trim: bool
) -> Iterator[Packet[Any]]:
    """Packets whose pts count samples at `codec.rate`; sample 0 of `chunks` is played at pts 0.

    The samples come at `rate` Hz in `layout`, whose channels are in the order of the codec's layout.

    Without `trim` the first packets carry the priming at negative pts; with it they are left out.
    """
    context = new_context(codec, reservoir=not trim)
    start = 0
    if trim:
        lead = lead_of(codec)
        chunks, start = _led_in(_resampled(chunks, codec, rate, layout), lead.samples), -lead.samples
    elif rate != codec.rate:
        chunks = _resampled(chunks, codec, rate, layout)
    for frame in _frames(codec, chunks, codec.layout):
        frame.rate, frame.pts, frame.time_base = codec.rate, start, Fraction(1, codec.rate)
        start += frame.samples
        yield from _kept(context.encode(frame), trim=trim)
    tail: list[Packet[Any]] = []
    if not context.codec.delay and not codec.lossless:
        # Such encoders do not give back what they delayed: push it out with silence.
        rest = np.zeros((context.layout.nb_channels, lead_of(codec).padding), dtype=np.float32)
        for frame in _frames(codec, [rest], codec.layout):
            frame.rate, frame.pts, frame.time_base = codec.rate, start, Fraction(1, codec.rate)
            tail += context.encode(frame)
    tail += context.encode(None)
    yield from _kept(_clipped(tail, start), trim=trim)


@lru_cache(maxsize=32)
def lead_of(codec: AudioCodec) -> Lead:
    """The encoder's priming and frame, by encoding a moment of silence."""
    context = new_context(codec)
    silence = np.zeros((av.AudioLayout(codec.layout).nb_channels, codec.rate // 4), dtype=np.float32)
    packets = []
    for start, frame in enumerate(_frames(codec, [silence], codec.layout)):
        frame.rate, frame.pts, frame.time_base = codec.rate, start, Fraction(1, codec.rate)
        packets += context.encode(frame)
    packets += context.encode(None)
    return Lead(-(packets[0].pts or 0), context.frame_size)


@lru_cache(maxsize=32)
def template(codec: AudioCodec) -> Any:
    """A stream with this codec's parameters but without its priming, to copy into a container (see `trims`)."""
    file = io.BytesIO()
    container = "mp2" if codec.name == "mp2" else "mp4"  # which calls MP2 what it calls MP3
    with av.open(file, "w", format=container) as made:
        stream: Any = made.add_stream(codec.encoder, codec.rate)
        set_up(stream.codec_context, codec)
        silence = np.zeros((stream.codec_context.layout.nb_channels, codec.rate // 4), dtype=np.float32)
        for frame in _frames(codec, [silence], codec.layout):
            frame.rate, frame.pts, frame.time_base = codec.rate, 0, Fraction(1, codec.rate)
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    file.seek(0)
    return av.open(file).streams.audio[0]


def _format(codec: AudioCodec) -> str:
    """The encoder's sample format: float for lossy codecs where it has one, else by depth."""
    names = [known.name for known in Codec(codec.encoder, "w").audio_formats or []]
    if codec.bits is None:
        wishes = ["fltp", "flt"]
    elif codec.bits <= 16:
        wishes = ["s16", "s16p", "u8"]
    else:
        wishes = ["s32", "s32p"]
    return next((name for name in wishes if name in names), names[0])


def _frames(codec: AudioCodec, chunks: Iterable[Samples], layout: str) -> Iterator[AudioFrame]:
    """Packed frames, since PyAV 18 cannot fill a planar one of eight channels."""
    name = _format(codec).removesuffix("p")
    if name in {"flt", "dbl"}:
        dtype = np.float32 if name == "flt" else np.float64
        for chunk in chunks:
            yield _frame(chunk.astype(dtype, copy=False), name, layout)
        return
    depth, wide = {"u8": (8, np.uint8), "s16": (16, np.int16), "s32": (32, np.int32)}[name]
    bits = min(codec.bits or 16, depth)
    if bits == 32:
        for chunk in chunks:
            whole = np.clip(np.rint(chunk * 2.0**31), -(2.0**31), 2.0**31 - 1)
            yield _frame(whole.astype(np.int32), name, layout)
        return
    for whole_numbers in quantise(chunks, bits):
        shifted = whole_numbers + 128 if name == "u8" else whole_numbers << (depth - bits)
        yield _frame(shifted.astype(wide), name, layout)


def _frame(chunk: Any, name: str, layout: str) -> AudioFrame:
    return AudioFrame.from_ndarray(np.ascontiguousarray(chunk.T).reshape(1, -1), name, layout)


def _resampled(chunks: Iterable[Samples], codec: AudioCodec, rate: int, layout: str) -> Iterator[Samples]:
    if rate == codec.rate:
        yield from chunks
        return
    resampler = AudioResampler(format="flt", layout=layout, rate=codec.rate)
    position = 0
    for chunk in chunks:
        frame = _frame(chunk.astype(np.float32, copy=False), "flt", layout)
        frame.rate, frame.pts, frame.time_base = rate, position, Fraction(1, rate)
        position += frame.samples
        yield from map(_packed, resampler.resample(frame))
    yield from map(_packed, resampler.resample(None))


def _packed(frame: AudioFrame) -> Samples:
    flat = np.frombuffer(memoryview(frame.planes[0]), np.float32, frame.samples * frame.layout.nb_channels)
    return flat.reshape(frame.samples, -1).T.copy()


def _led_in(chunks: Iterable[Samples], count: int) -> Iterator[Samples]:
    """The chunks behind `count` samples that mirror their beginning, so that nothing starts out of silence."""
    first: list[Samples] = []
    rest = iter(chunks)
    for chunk in rest:
        first.append(chunk)
        if sum(part.shape[1] for part in first) > count:
            break
    if not first:
        return
    head = np.concatenate(first, axis=1)
    mirrored = head[:, 1 : count + 1][:, ::-1]
    silence = np.zeros((head.shape[0], count - mirrored.shape[1]), dtype=np.float32)
    yield np.concatenate([silence, mirrored, head], axis=1)
    yield from rest


def _clipped(packets: Iterable[Packet[Any]], stop: int) -> Iterator[Packet[Any]]:
    """The last packets, none of them longer than the sound: so the track's length stays what it was."""
    for packet in packets:
        pts = packet.pts
        if pts is not None and packet.size:
            if pts >= stop:
                continue
            packet.duration = min(packet.duration or stop - pts, stop - pts)
        yield packet


def _kept(packets: Iterable[Packet[Any]], *, trim: bool) -> Iterator[Packet[Any]]:
    for packet in packets:
        # FLAC's last packet is empty but for the checksum that belongs into the header.
        if (packet.size or packet.has_sidedata("new_extradata")) and not (trim and (packet.pts or 0) < 0):
            yield packet
