"""A track's sound as float32 blocks on an exact sample clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.stream import Discard

from mediaclean.audio import Samples, reblock
from mediaclean.errors import MediaError
from mediaclean.media.borders import open_input, reading
from mediaclean.media.clock import Clock
from mediaclean.media.frames import FrameReader
from mediaclean.media.packets import PacketEar
from mediaclean.media.records import AudioTrack, Fault, Media
from mediaclean.media.wave_length import wave_length_s

Report = Callable[[Fault], None]

_LONGEST_FRAME = 4608

# +60 dBFS: no converter and no mixer gives this; damaged floats do.
_ABSURD = 1000.0
# A header may promise a little more than there is (edit lists, padding); this much less is a truncated file.
_MISSING_S = 0.5


def decode(
    media: Media,
    track: AudioTrack,
    *,
    block: int | None = None,
    faults: Report | None = None,
    packets: PacketEar | None = None,
) -> Iterator[Samples]:
    """The track from its first sample to its last, in consecutive blocks of shape (channels, n).

    The samples do not depend on `block` (one second by default; the last block may be shorter). Integer PCM maps
    by 1 / 2^(bits-1), so up to 24 bits nothing is lost; priming that the container declares is left out.

    Args:
        media: the probed file.
        track: one of its tracks.
        block: samples per block.
        faults: called once for every gap, overlap, damage and stretch of NaN.
        packets: hears the packets on the way.

    Raises:
        MediaError: the file went away, or nothing of the track decodes.
    """
    report = faults if faults is not None else _unheard
    if not track.rate:
        raise MediaError(f"{media.path}: track {track.number} cannot be decoded (codec {track.codec})", "--track N")
    with reading(media.path), open_input(media.path) as container:
        chunks = _without_padding(_chunks(container, track, report, packets), _exact_length(container, track))
        yield from _numbers(reblock(chunks, block or track.rate), track.rate, report)


def _unheard(fault: Fault) -> None:
    """Where nobody asked for faults."""


def _chunks(
    container: InputContainer, track: AudioTrack, report: Report, packets: PacketEar | None
) -> Iterator[Samples]:
    stream = container.streams[track.stream]
    for other in container.streams:
        if other.index != track.stream:
            other.discard = Discard.all
    reader = FrameReader(track)
    clock = Clock(track.rate, track.length, report, tick=int((stream.time_base or 0) * track.rate))
    wanted = _place(stream, track)
    for frame in _frames(_packets(container, stream, packets), clock):
        want = wanted(frame.pts)
        before_zero = want is not None and want < 0 and clock.position == 0
        if not before_zero and reader.is_plain(frame) and clock.fits(want, frame.samples):
            reader.gather(frame)
            if reader.gathered >= track.rate:
                yield from reader.release()
            continue
        yield from reader.release()
        for chunk in reader.read(frame):
            if want is not None and want < 0 and clock.position == 0:
                chunk, want = chunk[:, -want:], 0
            yield from clock.place(want, chunk)
            want = None
    yield from reader.release()
    for chunk in reader.flush():
        yield from clock.place(None, chunk)
    yield from clock.finish()
    if clock.position == 0:
        raise MediaError(
            f"{container.name.removeprefix('file:')}: track {track.number} has no sound that decodes", "--track N"
        )
    _check_end(container, stream, track, clock.position, report)


def _exact_length(container: InputContainer, track: AudioTrack) -> int | None:
    """The track's length where the container gives it to the sample, which only MP4 and MOV do."""
    return track.length if "mov" in container.format.name.split(",") else None


def _without_padding(chunks: Iterator[Samples], length: int | None) -> Iterator[Samples]:
    """Leave out what a lossy codec added to fill its last frame; a track that goes on for longer is left whole."""
    position, beyond, held = 0, 0, list[Samples]()
    for chunk in chunks:
        inside = chunk.shape[1] if length is None or beyond > _LONGEST_FRAME else max(0, length - position)
        position += chunk.shape[1]
        if chunk[:, :inside].size:
            yield chunk[:, :inside]
        if chunk[:, inside:].size:
            held.append(chunk[:, inside:])
            beyond += held[-1].shape[1]
        if beyond > _LONGEST_FRAME:
            yield from held
            held = []


def _place(stream: Any, track: AudioTrack) -> Callable[[int | None], int | None]:
    """From a timestamp in the stream's time base to the nearest sample of the track's clock."""
    scale = stream.time_base * track.rate
    start = track.start_s * track.rate
    # floor((pts * scale - start) + 1/2), in integers
    top, bottom = scale.numerator * start.denominator * 2, scale.denominator * start.denominator * 2
    offset = (start * bottom).numerator - bottom // 2

    def place(pts: int | None) -> int | None:
        return None if pts is None else (pts * top - offset) // bottom

    return place


def _packets(container: InputContainer, stream: Any, ear: PacketEar | None) -> Iterator[Any]:
    """The packets of a stream, heard on the way."""
    if ear is None:
        yield from container.demux(stream)
        return
    ear.begin(container)
    for packet in container.demux(stream):
        ear.take(packet)
        yield packet
    ear.end()


def _frames(packets: Iterator[Any], clock: Clock) -> Iterator[Any]:
    try:
        for packet in packets:
            if packet.is_corrupt:
                clock.note_damage("a packet is marked as corrupt")
            try:
                frames = packet.decode()
            except (av.error.FFmpegError, ValueError) as exc:
                clock.note_damage(f"packets do not decode ({getattr(exc, 'strerror', None) or exc})")
                continue
            yield from frames
    except av.error.EOFError:
        return
    except (av.error.FFmpegError, ValueError) as exc:
        clock.note_damage(f"the file breaks off ({getattr(exc, 'strerror', None) or exc})")


def _check_end(container: InputContainer, stream: Any, track: AudioTrack, position: int, report: Report) -> None:
    promised_s = _promised_s(stream, track)
    if track.codec.startswith("pcm_") and container.format.name == "wav":
        promised_s = wave_length_s(Path(container.name.removeprefix("file:"))) or promised_s
    missing_s = 0.0 if promised_s is None else promised_s - position / track.rate
    if missing_s > _MISSING_S:
        report(Fault("damage", position / track.rate, missing_s, "the file ends before the length it promises"))


def _promised_s(stream: Any, track: AudioTrack) -> float | None:
    """The length that the container tells; Matroska writes the time of the track's end into a tag."""
    if stream.duration is not None and stream.duration > 0:
        return float(stream.duration * stream.time_base)
    tag = next((value for key, value in stream.metadata.items() if key.lower() == "duration"), "")
    found = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", tag)
    if found is None:
        return None
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3]) - float(track.start_s)


def _numbers(blocks: Iterator[Samples], rate: int, report: Report) -> Iterator[Samples]:
    """Blocks with NaN, infinite and absurd values set to silence; one report for all of them."""
    first, count, position = -1, 0, 0
    for block in blocks:
        if not (block.max() <= _ABSURD and block.min() >= -_ABSURD):  # false for NaN, too
            bad = ~(np.abs(block) <= _ABSURD)
            block = np.where(bad, np.float32(0), block)
            where = np.flatnonzero(bad.any(axis=0))
            first = position + int(where[0]) if first < 0 else first
            count += where.size
        position += block.shape[1]
        yield block
    if count:
        detail = f"{count} samples are not a number or absurdly large; set to silence"
        report(Fault("not-a-number", first / rate, count / rate, detail))
