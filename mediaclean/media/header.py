"""The output's header: streams made from those of the source, options, chapters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import lcm
from pathlib import Path
from typing import Any, cast

from av import Packet
from av.container import InputContainer, OutputContainer
from av.stream import Disposition

from mediaclean.media.borders import codec_of, open_input
from mediaclean.media.formats import Format, family_of
from mediaclean.media.routes import is_named_by_mp4_alone, tag_of
from mediaclean.media.shape import PLAIN_LAYOUTS, keep_shape
from mediaclean.media.tags import global_tags, is_broadcast_wave, needs_free_form, stream_tags

# ISO 639-2 has two codes for some languages; QuickTime's list has the older one, and its own for Swedish.
BIBLIOGRAPHIC = {
    "deu": "ger",
    "nld": "dut",
    "ell": "gre",
    "isl": "ice",
    "zho": "chi",
    "swe": "sve",
    "sqi": "alb",
    "hye": "arm",
    "eus": "baq",
    "mya": "bur",
    "kat": "geo",
    "mkd": "mac",
    "fas": "per",
    "msa": "may",
    "bod": "tib",
    "cym": "wel",
}


def add_copy(made: OutputContainer, source: Any, container: InputContainer, form: Format) -> Any:
    """An output stream for the packets of `source`, with everything that a header holds about it."""
    stream: Any = made.add_stream_from_template(source, opaque=True)
    stream.time_base = source.time_base
    context = stream.codec_context
    if context is not None:
        if source.type == "video" and source.average_rate:
            context.framerate = source.average_rate
        if source.type == "video":
            keep_shape(stream, source, form)
        if source.type == "audio" and form.family == "mp4" and context.layout.name in PLAIN_LAYOUTS:
            context.layout = PLAIN_LAYOUTS[context.layout.name]
        tag = _tag(source, container, form)
        if tag:
            context.codec_tag = tag
    fill_tags(stream, source, form)
    return stream


def number_streams(made: OutputContainer, of: Mapping[int, Any]) -> None:
    """In a transport stream made of another one every stream keeps its number (PID); further ones get free ones.

    Left to itself FFmpeg counts from 256 on, which may be the number of another stream.

    Args:
        made: all of its streams are there.
        of: the source's stream, by the index of what takes its place.
    """
    taken = {stream.id for stream in of.values()}
    free = (number for number in range(_FIRST_PID, _LAST_PID) if number not in taken)
    for stream in made.streams:
        source = of.get(stream.index)
        stream.id = next(free) if source is None else source.id


_FIRST_PID, _LAST_PID = 0x100, 0xFFF
_TABLE_PIDS = range(0x1000, 0x1FF0)


def _table_pid(source: InputContainer) -> int:
    """The number of the table that lists the streams: FFmpeg's own, or the next one that none of the source has."""
    taken = {stream.id for stream in source.streams}
    return next(number for number in _TABLE_PIDS if number not in taken)


def fill_tags(stream: Any, source: Any, form: Format) -> None:
    """Metadata and dispositions of the source stream."""
    tags = stream_tags(source)
    if form.family == "ogg":  # whose only sound has the tags of the file
        tags = {key: value for key, value in tags.items() if key == "language" and value != "und"}
    stream.metadata.clear()
    stream.metadata.update(tags)
    if form.muxer == "mov" and "language" in stream.metadata:
        language = stream.metadata["language"]
        stream.metadata["language"] = BIBLIOGRAPHIC.get(language, language)
    stream.disposition = int(source.disposition)


def add_subtitle(
    made: OutputContainer, source: Any, codec: str, form: Format
) -> tuple[Any, Callable[[Packet[Any]], Packet[Any] | None]]:
    """A text subtitle stream in another codec, and the function that converts its packets."""
    decoder = source.codec_context
    decoder.open(strict=False)
    stream: Any = made.add_stream(codec)
    encoder = stream.codec_context
    encoder.subtitle_header = decoder.subtitle_header
    encoder.time_base = Fraction(1, 1000)
    fill_tags(stream, source, form)

    def convert(packet: Packet[Any]) -> Packet[Any] | None:
        cue = decoder.decode2(packet)
        if cue is None or not len(cue):
            return None
        made_packet: Packet[Any] = encoder.encode_subtitle(cue)
        if not made_packet.size:
            return None
        made_packet.pts, made_packet.dts, made_packet.duration = packet.pts, packet.pts, packet.duration
        made_packet.time_base = packet.time_base
        return made_packet

    return stream, convert


def add_picture(made: OutputContainer, path: Path, source: Any) -> None:
    """Cover art as an attachment, as Matroska keeps it."""
    codec = source.codec_context.codec.canonical_name
    kind = {"mjpeg": "jpeg", "png": "png"}.get(codec, codec)
    suffix = {"jpeg": "jpg"}.get(kind, kind)
    name = source.metadata.get("filename", f"cover.{suffix}")
    stream = made.add_attachment(name, source.metadata.get("mimetype", f"image/{kind}"), picture(path, source.index))
    stream.metadata.update(source.metadata)
    stream.metadata.setdefault("filename", name)
    stream.metadata.setdefault("mimetype", f"image/{kind}")


def picture(path: Path, index: int) -> bytes:
    """The bytes of a cover picture: the only packet of its stream."""
    with open_input(path) as container:
        for packet in container.demux(container.streams[index]):
            if packet.size:
                return bytes(packet)
    return b""


def text_tags(
    stream: Any, *, language: str | None = None, title: str | None = None, role: str = "", alone: bool = False
) -> None:
    """Language, title and dispositions of new and kept audio."""
    flags = Disposition(stream.disposition)
    if role == "original":
        flags = (flags & ~Disposition.default) | Disposition.original
        title = f"{stream.metadata['title']} ({title})" if stream.metadata.get("title") else title
    elif role == "dialogue":
        flags = Disposition(0)
    if language is not None:
        stream.metadata["language"] = language
    if title is not None:
        stream.metadata["title"] = title
        if role in {"original", "dialogue"}:
            stream.metadata["handler_name"] = title  # MP4 and MOV have no other place for a track's title
    if alone and role == "clean":
        flags = flags | Disposition.default
    stream.disposition = int(flags)


def set_chapters(made: OutputContainer, source: InputContainer, shift_s: Fraction, form: Format) -> None:
    """The chapters of the source on the result's clock.

    In MP4 they are a track of their own, in which FFmpeg leaves out those without a name, and whose first sample is
    shown from zero on: names are blank there, and what comes before the first chapter is one too. In Ogg they are
    comments (Xiph.Org, "Chapter Extension"), of which FFmpeg 8 rounds the seconds up and writes the rest beside them.
    """
    found = [_shifted(chapter, shift_s) for chapter in source.chapters()]
    if found and form.family == "ogg":
        made.metadata.update(_as_comments(found))
        return
    if found and form.family == "mp4":
        first = found[0]
        before = {**first, "id": 0, "start": 0, "end": first["start"], "metadata": _BLANK}
        found = [{**each, "metadata": each["metadata"] if each["metadata"].get("title") else _BLANK} for each in found]
        found = [before, *found] if first["start"] > 0 else found
    made.set_chapters(cast(Any, found))


_BLANK = {"title": " "}


def _as_comments(chapters: list[dict[str, Any]]) -> dict[str, str]:
    comments = {}
    for number, chapter in enumerate(chapters):
        minutes, ms = divmod(round(chapter["start"] * chapter["time_base"] * 1000), 60_000)
        time = f"{minutes // 60:02d}:{minutes % 60:02d}:{ms // 1000:02d}.{ms % 1000:03d}"
        comments[f"CHAPTER{number:03d}"] = time
        comments[f"CHAPTER{number:03d}NAME"] = chapter["metadata"].get("title", "")
    return comments


def _shifted(chapter: Mapping[str, Any], shift_s: Fraction) -> dict[str, Any]:
    base = chapter["time_base"] or Fraction(1)
    moved = round(shift_s / base)
    return {**chapter, "start": chapter["start"] + moved, "end": chapter["end"] + moved, "time_base": base}


def mux_options(path: Path, source: InputContainer, form: Format, rate: int) -> dict[str, str]:
    """The muxer's options: nothing shifted, nothing rounded, nothing dropped."""
    if form.family == "mp4":
        flags = ["+faststart"] if _index_first(path) else []
        if needs_free_form(source, form):
            flags.append("+use_metadata_tags")
        # Edit lists count in this unit; at 1/1000 s every generation shifts late tracks by up to half a millisecond.
        options = {"movie_timescale": str(_timescale(source, rate)), "strict": "experimental"}
        options |= {"brand": form.brand} if form.brand else {}
        return options | ({"movflags": "".join(flags)} if flags else {})
    if form.family == "mpegts":
        return {"mpegts_copyts": "1", "mpegts_pmt_start_pid": str(_table_pid(source))}
    if form.family == "avi" and any(key.lower() == "software" for key in global_tags(source)):
        return {"fflags": "+bitexact"}  # or FFmpeg's stamp stands where another program's does
    if form.family == "wav":
        bext = {"write_bext": "1"} if is_broadcast_wave(source) else {}
        return bext | {"rf64": "auto"}  # over 4 GiB a RIFF header has no number for the size, and readers stop short
    return {}


def _timescale(source: InputContainer, rate: int) -> int:
    """A unit in which both the audio's samples and the picture's start are whole."""
    scale = rate
    for stream in source.streams:
        if stream.time_base and stream.start_time:
            both = lcm(scale, stream.time_base.denominator)
            scale = both if both <= 10_000_000 else scale
    return scale


def _tag(source: Any, container: InputContainer, form: Format) -> str:
    """The codec tag to ask for: the source's within one family of containers, hvc1 for HEVC new to MP4."""
    if form.family in {"mp4", "avi"} and family_of(container.format.name) == form.family:
        tag = tag_of(source)
        return "" if form.muxer == "mov" and is_named_by_mp4_alone(tag, codec_of(source)) else tag
    if form.family == "mp4" and source.codec_context.codec.canonical_name == "hevc" and source.codec_context.extradata:
        return "hvc1"
    return ""


def _index_first(path: Path) -> bool:
    """Whether an MP4 has its index before its data, so that it plays while it loads."""
    with path.open("rb") as file:
        while True:
            head = file.read(8)
            size, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if len(head) < 8 or kind == b"mdat":
                return False
            if kind == b"moov":
                return True
            if size == 1:
                size = int.from_bytes(file.read(8), "big") - 8
            if size < 8:
                return False
            file.seek(size - 8, 1)
