"""Field by field: what must be the same in the result, and what it is on both sides."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av.error
from av.container import InputContainer
from av.stream import Disposition

from mediaclean.counted import counted
from mediaclean.media.borders import codec_of
from mediaclean.media.formats import family_of, without
from mediaclean.media.header import BIBLIOGRAPHIC
from mediaclean.media.probe import readable
from mediaclean.media.routes import chapters_in_words, is_named_by_mp4_alone, is_picture, tag_of
from mediaclean.media.shape import PLAIN_LAYOUTS
from mediaclean.media.tags import global_tags, has_cover, is_known_to_mp4, is_of_the_sound, stream_tags
from mediaclean.media.wave_chunks import NAMES, chunks_of

# Tags of a stream that every family keeps in its own way; others are compared within one family.
_WORDS = {"language", "title", "timecode"}
_CHAPTER_S = Fraction(1, 1000)
_TEXT = {"subrip", "mov_text", "webvtt"}
_MPEG_AUDIO = {"mp2", "mp3"}
_ROTATION = {"rotation", "side data displaymatrix"}
_NO_PLACE = "the container has no place for it"
_OLD = "true of the sound before"


@dataclass(frozen=True)
class Field:
    """One row of the receipt: a property, its value on both sides, whether that is as it must be, and why."""

    what: str
    source: str
    result: str
    ok: bool
    note: str = ""


def stream_fields(source: Any, result: Any, families: tuple[str, str]) -> Iterator[Field]:
    """The rows for a copied stream; `families` are those of the two containers."""
    name = f"stream {source.index}"
    same = families[0] == families[1]
    ours, theirs = _properties(source), _properties(result)
    renamed = is_named_by_mp4_alone(tag_of(source), ours.get("codec", "")) if same else False
    if same and source.type != "attachment" and not renamed:
        ours["tag"], theirs["tag"] = tag_of(source), tag_of(result)
    for key, value in ours.items():
        other = theirs[key]
        converted = key == "codec" and {value, other} <= _TEXT
        alike = key == "codec" and families[1] == "mp4" and {value, other} <= _MPEG_AUDIO
        if value or other:
            note = "converted" * converted or "MP4 calls both MPEG audio" * (alike and value != other)
            yield Field(f"{name} {key}", value, other, value == other or converted or alike, note)
    yield _disposition_field(name, source, result, families)
    ours, theirs = _lowered(stream_tags(source)), _lowered(stream_tags(result))
    missing = without(families[1])
    for key, value in ours.items():
        if source.type == "data" and key == "handler_name":
            continue  # a timecode track made again takes over its picture's
        lost = f"{key}s" in missing or ("tags" in missing and key not in _WORDS)
        lost |= key == "language" and source.type != "audio" and families[1] == "mpegts"
        lost |= key == "title" and families[1] == "mp4" and is_picture(source)  # covers there are bare pictures
        if same or key in _WORDS:
            why = _NO_PLACE if lost else _OLD * is_of_the_sound(key)
            yield _tag_field(f"{name} {key}", key, value, theirs.get(key, ""), lost=why)


def global_fields(source: InputContainer, result: InputContainer, dropped: Collection[str]) -> Iterator[Field]:
    """The rows for global tags and chapters."""
    families = family_of(source.format.name), family_of(result.format.name)
    ours, theirs = _lowered(global_tags(source)), _lowered(global_tags(result))
    nowhere, beside_cover = "tags" in without(families[1]), families[1] == "mp4" and has_cover(result)
    for key, value in ours.items():
        if families[0] == families[1] or key == "title":
            lost = _NO_PLACE if nowhere or (beside_cover and not is_known_to_mp4(key)) else _OLD * is_of_the_sound(key)
            yield _tag_field(f"file {key}", key, value, theirs.get(key, ""), lost=lost)
    if families == ("wav", "wav"):  # marks of a recorder: `chunk_fields` holds their bytes against each other
        return
    mine: Any = source.chapters()
    other: Any = result.chapters()
    if families[1] == "mp4" and len(other) == len(mine) + 1 and not _title(other[0]):
        other = other[1:]  # what comes before the first one (`header.set_chapters`)
    gone = chapters_in_words(source) in dropped
    ok = len(mine) == len(other) or gone
    yield Field("chapters", str(len(mine)), str(len(other)), ok, "left out on demand" * gone)
    for number, (before, after) in enumerate(zip(mine, other, strict=False), start=1):
        titles = _title(before), _title(after)
        times = before["start"] * before["time_base"], after["start"] * after["time_base"]
        shown = [f"{float(time):.3f} s {title}" for time, title in zip(times, titles, strict=True)]
        ok = titles[0] == titles[1] and abs(times[0] - times[1]) <= _CHAPTER_S
        yield Field(f"chapter {number}", shown[0], shown[1], ok)


def chunk_fields(source: Path, result: Path) -> Iterator[Field]:
    """The rows for what a recorder wrote beside the sound of a WAV, where the result is one too."""
    other = {chunk.kind: chunk.body for chunk in chunks_of(result)}
    for chunk in chunks_of(source):
        there = other.get(chunk.kind, b"")
        sizes = [counted(len(body), "byte") if body else "" for body in (chunk.body, there)]
        yield Field(NAMES[chunk.kind], sizes[0], sizes[1], chunk.body == there)


def picture_fields(
    source: InputContainer, result: InputContainer, indices: tuple[int, int], dropped: Collection[str]
) -> Iterator[Field]:
    """The rows for what the first decoded picture carries: rotation, colours, HDR and other side data."""
    name = f"stream {indices[0]}"
    mine, other = _first_picture(source, indices[0]), _first_picture(result, indices[1])
    for key in sorted(mine.keys() | other.keys()):
        gone = key in _ROTATION and f"the rotation of {name}" in dropped
        ok = mine.get(key) == other.get(key) or gone
        yield Field(f"{name} {key}", mine.get(key, ""), other.get(key, ""), ok, "left out on demand" * gone)


def _properties(stream: Any) -> dict[str, str]:
    context = stream.codec_context
    if stream.type == "attachment":
        return {"file": str(stream.name or "")}
    found = {"codec": codec_of(stream)}
    if stream.type == "video" and context is not None:
        found["size"] = f"{context.width}x{context.height}"
        found["sample aspect"] = str(stream.sample_aspect_ratio or "1")
        found["pixels"] = str(context.pix_fmt or "")
        # Limited range is what unmarked YUV is taken for.
        limited = (context.pix_fmt or "").startswith("yuv") and context.color_range == 0
        range_ = 1 if limited else context.color_range
        found["colour"] = f"{range_} {context.color_primaries} {context.color_trc} {context.colorspace}"
        found["profile"] = str(context.profile or "")
    if stream.type == "audio" and context is not None:
        found["sound"] = f"{context.sample_rate} Hz {_layout(context.layout)}"
    return found


def _layout(layout: Any) -> str:
    """Its name; Matroska has no place for the layout of PCM, so mono and stereo may be known by their count alone."""
    return PLAIN_LAYOUTS.get(layout.name) or str(layout.name)


def _disposition_field(name: str, source: Any, result: Any, families: tuple[str, str]) -> Field:
    ours, theirs = ({flag.name or "" for flag in Disposition(stream.disposition)} for stream in (source, result))
    note = ""
    ok = ours == theirs
    if not ok and "dispositions" in without(families[1]):
        ok, note = True, _NO_PLACE
    elif not ok and families[0] != families[1] and ours ^ theirs <= {"default"}:
        ok, note = True, "containers choose their own default"
    return Field(f"{name} dispositions", ", ".join(sorted(ours)), ", ".join(sorted(theirs)), ok, note)


def _tag_field(what: str, key: str, value: str, other: str, *, lost: str) -> Field:
    """The row for a tag; `lost` says why it may be missing, "" that it must not."""
    ok = value == other
    if key == "language":
        names = {BIBLIOGRAPHIC.get(name, name) for name in (value or "und", other or "und")}
        ok = len(names) == 1
    elif key.startswith("location"):
        ok = ok or _numbers(value) == _numbers(other)
    note = lost if not ok and not other else ""
    return Field(what, readable(value), readable(other), ok or bool(note), note)


def _lowered(tags: Mapping[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in tags.items()}


def _numbers(text: str) -> list[float]:
    """A position's coordinates; muxers write them with their own count of digits."""
    return [float(number) for number in re.findall(r"[+-]?\d+(?:\.\d+)?", text)]


def _first_picture(container: InputContainer, index: int) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        for frame in container.decode(container.streams[index]):
            picture: Any = frame
            found["rotation"] = str(picture.rotation)
            for data in picture.side_data:
                if data.type.name not in {"SEI_UNREGISTERED", "S12M_TIMECODE", "A53_CC", "REGIONS_OF_INTEREST"}:
                    found[f"side data {data.type.name.lower()}"] = bytes(data).hex()
            break
    except (av.error.FFmpegError, ValueError, AttributeError):
        pass  # an undecodable picture is compared by its packets alone
    return found


def _title(chapter: Mapping[str, Any]) -> str:
    return readable(str(chapter["metadata"].get("title", ""))).strip()
