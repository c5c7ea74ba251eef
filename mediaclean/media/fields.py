"""Field by field: what must be the same in the result, and what it is on both sides."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av.error
from av.container import InputContainer
from av.stream import Disposition

from mediaclean.media.header import global_tags, stream_tags
from mediaclean.media.probe import readable
from mediaclean.media.routes import tag_of

# Tags that name the handler of a track; Matroska keeps them in capitals, MPEG-TS has no place for them.
_WORDS = ("language", "title", "handler_name", "timecode", "rotate", "filename", "mimetype")
_CHAPTER_S = Fraction(1, 1000)


@dataclass(frozen=True)
class Field:
    """One row of the receipt: a property, its value on both sides, and whether that is as it must be."""

    what: str
    source: str
    result: str
    ok: bool


def stream_fields(source: Any, result: Any, *, same_family: bool) -> Iterator[Field]:
    """The rows for a copied stream."""
    name = f"stream {source.index}"
    ours, theirs = _properties(source), _properties(result)
    if same_family:
        ours["tag"], theirs["tag"] = tag_of(source), tag_of(result)
    for key, value in ours.items():
        if value or theirs[key]:
            yield Field(f"{name} {key}", value, theirs[key], value == theirs[key])
    yield from _tag_fields(name, stream_tags(source), stream_tags(result), same_family=same_family)


def global_fields(source: InputContainer, result: InputContainer, *, same_family: bool) -> Iterator[Field]:
    """The rows for global tags and chapters."""
    yield from _tag_fields("file", global_tags(source), global_tags(result), same_family=same_family)
    ours: Any = source.chapters()
    theirs: Any = result.chapters()
    yield Field("chapters", str(len(ours)), str(len(theirs)), len(ours) == len(theirs))
    for number, (mine, other) in enumerate(zip(ours, theirs, strict=False), start=1):
        titles = _title(mine), _title(other)
        times = mine["start"] * mine["time_base"], other["start"] * other["time_base"]
        ok = titles[0] == titles[1] and abs(times[0] - times[1]) <= _CHAPTER_S
        shown = [f"{float(time):.3f} s {title}" for time, title in zip(times, titles, strict=True)]
        yield Field(f"chapter {number}", shown[0], shown[1], ok)


def picture_fields(source: InputContainer, result: InputContainer, ours: int, theirs: int) -> Iterator[Field]:
    """The rows for what the first decoded picture carries: rotation, colours, HDR and other side data."""
    name = f"stream {ours}"
    mine, other = _first_picture(source, ours), _first_picture(result, theirs)
    for key in sorted(mine.keys() | other.keys()):
        yield Field(f"{name} {key}", mine.get(key, ""), other.get(key, ""), mine.get(key) == other.get(key))


def _properties(stream: Any) -> dict[str, str]:
    context = stream.codec_context
    found = {"codec": context.codec.canonical_name if context is not None else str(stream.name or "")}
    found["dispositions"] = ", ".join(sorted(_dispositions(stream)))
    if stream.type == "video" and context is not None:
        found["size"] = f"{context.width}x{context.height}"
        found["sample aspect"] = str(stream.sample_aspect_ratio or "1")
        found["pixels"] = str(context.pix_fmt or "")
        found["colour"] = f"{context.color_range} {context.color_primaries} {context.color_trc} {context.colorspace}"
        found["profile"] = str(context.profile or "")
    if stream.type == "audio" and context is not None:
        found["sound"] = f"{context.sample_rate} Hz {context.layout.name}"
    return found


def _dispositions(stream: Any) -> set[str]:
    # MP4 has no original, dub and the like; whoever holds them is compared on what both know.
    return {flag.name for flag in Disposition(stream.disposition) if flag.name}


def _tag_fields(name: str, ours: Mapping[str, str], theirs: Mapping[str, str], *, same_family: bool) -> Iterator[Field]:
    low = {key.lower(): value for key, value in theirs.items()}
    for key, value in ours.items():
        if not same_family and key.lower() not in _WORDS:
            continue
        other = low.get(key.lower(), "")
        if key.lower() == "language" and {value, other} <= {"und", ""}:
            continue
        ok = value == other or (key.lower().startswith("location") and _numbers(value) == _numbers(other))
        yield Field(f"{name} tag {key.lower()}", readable(value), readable(other), ok)


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
    return readable(str(chapter["metadata"].get("title", "")))
