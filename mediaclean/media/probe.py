"""What is inside a file, and which of its audio tracks is meant."""

from __future__ import annotations

import errno
import shlex
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

from mediaclean.errors import MediaError
from mediaclean.media.borders import codec_of, open_input, reading
from mediaclean.media.heads import first_frames
from mediaclean.media.records import AudioTrack, Chapter, Media, StreamInfo
from mediaclean.media.routes import tag_of

LATE_S = 60
"""A first packet so late is no late start but another clock."""
# What a file that only counts its channels is played as.
_USUAL = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


def probe(path: Path) -> Media:
    """List streams, tracks, chapters and tags; the first frame of every audio track is decoded.

    Raises:
        MediaError: missing, a folder, empty, not media, without an audio track, or none that decodes.
    """
    path = Path(path)
    _check_file(path)
    with reading(path), _opened(path) as container:
        heads = first_frames(container)
        streams = tuple(_stream(stream) for stream in container.streams)
        tracks = tuple(
            _track(container, stream, number, heads.get(stream.index))
            for number, stream in enumerate(container.streams.audio, start=1)
        )
        media = Media(
            path=path,
            container=container.format.name,
            duration_s=_duration_s(container),
            tracks=tracks,
            streams=streams,
            chapters=tuple(_chapter(chapter) for chapter in container.chapters()),
            tags=_readable(container.metadata),
            zero_s=_zero_s(container),
            begin_s=_begin_s(container),
        )
    if not tracks:
        kinds = ", ".join(sorted({stream.kind for stream in streams})) or "no streams"
        raise MediaError(f"{path}: has no audio track (only {kinds})", "choose a file with sound")
    if not heads and _is_empty(path):
        raise MediaError(f"{path}: there is no sound in its audio track", "choose a file with sound")
    if not heads:
        codecs = ", ".join(sorted({track.codec for track in tracks}))
        raise MediaError(
            f"{path}: the audio cannot be decoded (codec {codecs})",
            f"convert the audio first: ffmpeg -i {_quoted(path)} -c copy -c:a pcm_s24le {_quoted(_converted(path))}",
        )
    return media


def _is_empty(path: Path) -> bool:
    """Whether no audio track has a single packet."""
    with _opened(path) as container:
        audio = container.streams.audio
        return not any(packet.size for packet in container.demux(audio))


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


def _converted(path: Path) -> Path:
    """A name beside it that is not its own; Matroska holds nearly everything."""
    return path.with_name(f"{path.stem}.pcm.mkv")


def choose_track(media: Media, choice: str | None = None) -> AudioTrack:
    """The audio track by number (from 1), language or title; the default one for None.

    Raises:
        MediaError: no such track, or a language that several share; the hint lists the tracks.
    """
    hint = "--track " + " | ".join(track.label for track in media.tracks)
    if choice is None:
        usable = [track for track in media.tracks if track.rate]
        return next((track for track in usable if track.default), usable[0])
    wanted = choice.strip().casefold()
    if wanted.isdecimal():
        found = [track for track in media.tracks if track.number == int(wanted)]
    else:
        found = [t for t in media.tracks if t.title.casefold() == wanted] or [
            t for t in media.tracks if t.language.casefold() == wanted
        ]
    if not found:
        raise MediaError(f"{media.path}: has no audio track {choice!r}", hint)
    if len(found) > 1:
        numbers = ", ".join(str(track.number) for track in found)
        raise MediaError(f"{media.path}: {choice!r} means several audio tracks ({numbers})", hint)
    if not found[0].rate:
        raise MediaError(f"{media.path}: track {found[0].number} cannot be decoded (codec {found[0].codec})", hint)
    return found[0]


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise MediaError(f"{path}: is a folder, not a media file", f"name the files in it: {_quoted(path)}/*")
    if not path.exists():
        raise MediaError(f"{path}: no such file", "check the path")
    if not path.is_file():
        raise MediaError(
            f"{path}: is a pipe or a device, which cannot be read twice",
            "save it to a file first, for example with cat > film.mp4, and name that file",
        )
    if path.stat().st_size == 0:
        raise MediaError(f"{path}: is empty (0 bytes)", "copy or download the file again")


def _opened(path: Path) -> InputContainer:
    try:
        return open_input(path)
    except (av.error.InvalidDataError, av.error.EOFError) as exc:
        if b"ftyp" in _head_bytes(path):
            message = f"{path}: an MP4 or MOV without its index, so it was cut short or never finished"
            raise MediaError(message, "copy the file again, or repair it with untrunc") from exc
        raise MediaError(f"{path}: is not a media file, or damaged from its first byte", f"file {path}") from exc
    except OSError as exc:
        if getattr(exc, "errno", None) == errno.EINVAL:
            raise MediaError(f"{path}: is not a media file, or damaged from its first byte", f"file {path}") from exc
        raise


def _head_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)


def _track(container: InputContainer, stream: Any, number: int, head: Any) -> AudioTrack:
    context = stream.codec_context
    start = stream.start_time or 0
    if head is not None and head.pts is not None:
        # What lies before zero is not played, but a broadcast clock may have passed its end and begun anew.
        start = head.pts if _zero_s(container) < 0 else max(0, head.pts)
    rate = head.rate if head is not None else 0
    seconds = _stream_seconds(container, stream)
    layout = _layout(head.layout) if head is not None else None
    info = _stream(stream)
    return AudioTrack(
        number=number,
        stream=stream.index,
        codec=info.codec,
        rate=rate,
        channels=layout.nb_channels if layout else 0,
        layout=layout.name if layout else "",
        channel_names=tuple(channel.name for channel in layout.channels) if layout else (),
        bit_rate=(context.bit_rate if context is not None else None) or None,
        bits_per_sample=_bits(context, head),
        language=info.language,
        title=info.title,
        default=info.default,
        start_s=Fraction(start) * (stream.time_base or Fraction(1)),
        length=round(seconds * rate) if seconds is not None and rate else None,
    )


def _layout(layout: av.AudioLayout) -> av.AudioLayout:
    """The layout; where the file only counts channels, the one that players take for that count."""
    named = _USUAL.get(layout.nb_channels) if layout.name.endswith("channels") else None
    return av.AudioLayout(named) if named else layout


def _bits(context: Any, head: Any) -> int | None:
    """Bits per sample of lossless sound: 16, 24, 32; None for lossy codecs."""
    if context is None or head is None or (context.codec.lossy and not context.codec.lossless):
        return None
    if context.name.startswith("pcm_"):
        digits = "".join(letter for letter in context.name if letter.isdecimal())
        return int(digits) if digits else 16
    return {"s16": 16, "s32": 24, "flt": 32, "dbl": 64, "u8": 8}.get(head.format.name.rstrip("p"))


def _stream_seconds(container: InputContainer, stream: Any) -> Fraction | None:
    if stream.duration is not None and stream.duration > 0 and stream.time_base:
        return Fraction(stream.duration * stream.time_base)
    return Fraction(container.duration or 0, 1_000_000) or None


def _duration_s(container: InputContainer) -> float | None:
    if container.duration:
        return container.duration / 1_000_000
    lengths = [s.duration * s.time_base for s in container.streams if s.duration and s.time_base]
    return float(max(lengths)) if lengths else None


def _zero_s(container: InputContainer) -> Fraction:
    """Where on its clock a film begins: transport and program streams count from anywhere."""
    if container.format.name not in {"mpegts", "mpeg"} or container.start_time is None:
        return Fraction(0)
    return Fraction(container.start_time, 1_000_000)


def _begin_s(container: InputContainer) -> Fraction:
    """The same; in other containers the first packet, where it lies later than any edit would put it."""
    start_s = Fraction(container.start_time or 0, 1_000_000)
    return start_s if start_s >= LATE_S else _zero_s(container)


def _stream(stream: Any) -> StreamInfo:
    context = stream.codec_context
    tags = _readable(stream.metadata)
    moving = stream.type == "video" and context is not None
    return StreamInfo(
        index=stream.index,
        kind=stream.type,
        codec=codec_of(stream) or "unknown",
        tag=tag_of(stream),
        language=tags.get("language", ""),
        title=tags.get("title", "") or tags.get("name", ""),
        dispositions=tuple(flag.name for flag in stream.disposition if flag.name),
        frame_rate=(stream.average_rate or stream.guessed_rate) if moving else None,
        width=context.width if moving else 0,
        height=context.height if moving else 0,
        timecode=tags.get("timecode", ""),
    )


def _chapter(chapter: Mapping[str, Any]) -> Chapter:
    base = chapter["time_base"] or Fraction(1)
    title = _readable(chapter["metadata"]).get("title", "")
    return Chapter(chapter["start"] * base, chapter["end"] * base, title)


def _readable(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags with lower-case keys, for people and JSON: bytes that are not UTF-8 become question marks."""
    return {key.lower(): readable(value) for key, value in tags.items()}


def readable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
