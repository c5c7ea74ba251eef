"""What becomes of every stream: copied, replaced, converted or dropped; decided before anything is written."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any, Literal

import av
import av.error
from av.container import InputContainer, OutputContainer
from av.stream import Discard

from mediaclean.counted import counted
from mediaclean.errors import OutputError
from mediaclean.media.borders import codec_of, open_input, path_of
from mediaclean.media.formats import Format, family_of, format_of, without
from mediaclean.media.shape import PLAIN_LAYOUTS, can_keep, only_in_container

Action = Literal["copy", "replace", "original", "extra", "subtitle", "attach", "chapters", "timecode", "drop"]

_TEXT = {"subrip", "mov_text", "webvtt"}
_COVERS = {"mjpeg", "png", "bmp", "tiff"}


@dataclass(frozen=True)
class Route:
    """One stream's way into the result.

    copy: packet for packet. replace: new audio in its place. original: a replaced track's copy behind it.
    extra: new audio without a source. subtitle: text converted to `codec`. attach: cover art that becomes an
    attachment, or a tag in Ogg. chapters, timecode: the target's muxer makes this track again from the chapters or
    the tag. drop: left out on demand.
    """

    action: Action
    source: int | None
    codec: str = ""
    what: str = ""


def routes(
    container: InputContainer,
    form: Format,
    target: Path,
    *,
    replace: Collection[int] = (),
    keep_original: bool = False,
    extra: int = 0,
    drop_unsupported: bool = False,
) -> tuple[Route, ...]:
    """The way of every stream, in the order of the result.

    Args:
        container: the opened source.
        form: the target's container.
        target: for messages.
        replace: indices of the audio streams that are replaced.
        keep_original: whether their source follows behind.
        extra: how many new audio tracks come at the end of the audio.
        drop_unsupported: leave out what the target cannot hold instead of refusing.

    Raises:
        OutputError: the target cannot hold something.
    """
    found: list[Route] = []
    for stream in container.streams:
        if stream.index in replace:
            found.append(Route("replace", stream.index))
            if keep_original:
                found.append(_original(stream, form))
        else:
            found.append(_route(container, stream, form))
    last_audio = max((i for i, route in enumerate(found) if _is_audio(container, route)), default=len(found) - 1)
    found[last_audio + 1 : last_audio + 1] = [Route("extra", None)] * extra
    if not form.several:
        found = _only_sound(found, container)
    found += _without_place(container, form)
    lost = [route for route in found if route.action == "drop"]
    if lost and not drop_unsupported:
        listed = "; ".join(route.what for route in lost)
        other = conversion(container) if form.video else ""
        if other:
            other = f", or {other}"
        elif form.muxer != "matroska":
            suffix = "mkv" if container.streams.video else "mka"
            other = f", -o {target.stem}.{suffix} holds nearly everything"
        raise OutputError(
            f"{target.name}: {form.muxer} cannot hold {listed}", f"--drop-unsupported leaves it out{other}"
        )
    return tuple(found)


def conversion(container: InputContainer) -> str:
    """How to keep a picture that not even Matroska holds, "" where there is none: in another codec."""
    mkv = format_of(Path("any.mkv"))
    if all(is_picture(stream) or _copied(stream, mkv) for stream in container.streams.video):
        return ""
    path = path_of(container)
    words = f"-map 0:v -map 0:a -c:v libx264 -crf 16 -c:a copy {quote(path.stem + '.h264.mkv')}"
    return f"convert the picture first: ffmpeg -i {quote(str(path))} {words}"


def _without_place(container: InputContainer, form: Format) -> list[Route]:
    """What belongs to no stream, or to one that is copied, and yet has no place in the target."""
    missing = without(form.family)
    lost = []
    chapters = container.chapters()
    if chapters and "chapters" in missing and not are_markers(container, form):
        lost.append(chapters_in_words(container))
    if "rotation" in missing and form.video:
        lost += [f"the rotation of stream {index}" for index in _rotated(container)]
    for stream in container.streams.video:
        moving = form.video and not is_picture(stream) and stream.codec_context is not None
        if moving and only_in_container(stream) and not can_keep(stream, form):
            lost.append(f"the pixel shape of stream {stream.index}")
    return [Route("drop", None, what=what) for what in lost]


def are_markers(container: InputContainer, form: Format) -> bool:
    """Whether chapters are a recorder's marks in a WAV that becomes one again, with its chunks."""
    return form.family == "wav" and family_of(container.format.name) == "wav"


def chapters_in_words(container: InputContainer) -> str:
    """How many chapters there are."""
    return counted(len(container.chapters()), "chapter")


def _rotated(container: InputContainer) -> list[int]:
    """Pictures with a display matrix; it shows in the first decoded frame only."""
    found = []
    for stream in container.streams.video:
        if is_picture(stream) or stream.codec_context is None:
            continue
        with contextlib.suppress(av.error.FFmpegError, ValueError), open_input(path_of(container)) as again:
            frame = next(again.decode(again.streams.video[container.streams.video.index(stream)]), None)
            if frame is not None and frame.rotation:
                found.append(stream.index)
    return found


def describe(stream: Any) -> str:
    """A stream in words: its index, kind and codec."""
    return f"stream {stream.index} ({stream.type}, {codec_of(stream) or 'unknown codec'})"


def is_picture(stream: Any) -> bool:
    """Cover art rather than a moving picture."""
    return stream.type == "video" and bool(stream.disposition & av.stream.Disposition.attached_pic)


def is_named_by_mp4_alone(tag: str, codec: str) -> bool:
    """Whether MP4 knows a track as MPEG-4 sound whose codec has another name in MOV, as MP3 has."""
    return tag == "mp4a" and codec != "aac"


def tag_of(stream: Any) -> str:
    """The codec tag (such as hvc1) where it has four printable characters, else nothing."""
    try:
        tag = str(stream.codec_context.codec_tag)
    except (UnicodeError, AttributeError):
        return ""
    return tag if len(tag) == 4 and tag.isascii() and tag.isprintable() else ""


def holds(form: Format, add: Callable[[OutputContainer], object]) -> bool:
    """Whether the container writes a header with what `add` adds; tried in memory."""
    made = av.open(io.BytesIO(), "w", format=form.muxer, options={"strict": "experimental"})
    try:
        add(made)
        made.start_encoding()
    except (av.error.FFmpegError, ValueError, OSError, RuntimeError):
        return False
    finally:
        _close_quietly(made)
    return True


def _close_quietly(made: OutputContainer) -> None:
    # A file without packets is no file; only its header was of interest.
    with contextlib.suppress(av.error.FFmpegError, ValueError, OSError, RuntimeError):
        made.close()


def _original(stream: Any, form: Format) -> Route:
    copied = _copied(stream, form)
    return Route("original", stream.index, what=describe(stream)) if copied else _dropped(stream)


def _route(container: InputContainer, stream: Any, form: Format) -> Route:
    index = stream.index
    if stream.type == "data":
        if stream.discard == Discard.all and container.chapters():
            return Route("chapters", index, what=f"{describe(stream)}: chapters, written from the container's list")
        if form.family in {"mp4", "matroska"} and "timecode" in {key.lower() for key in stream.metadata}:
            return Route("timecode", index, what=f"{describe(stream)}: timecode, written from its tag")
    if is_picture(stream):
        if form.family == "matroska" and form.pictures:
            return Route("attach", index)
        if form.family == "ogg" and codec_of(stream) in _COVERS:
            return _cover_of_ogg(container, stream)
        return Route("copy", index) if form.pictures and _holds_picture(stream, form) else _dropped(stream)
    if stream.type == "subtitle" and stream.codec_context is not None:
        return _subtitle(stream, form)
    return Route("copy", index) if _copied(stream, form) else _dropped(stream)


def _cover_of_ogg(container: InputContainer, stream: Any) -> Route:
    """A tag of the sound, which can be there once: the first picture."""
    first = next(each for each in container.streams if is_picture(each) and codec_of(each) in _COVERS)
    if first.index == stream.index:
        return Route("attach", stream.index)
    return Route("drop", stream.index, what=f"{describe(stream)}, a further picture: mediaclean writes one")


def _holds_picture(stream: Any, form: Format) -> bool:
    """A file of one sound has no header to try without it; it holds the pictures that it has a media type for."""
    return _copied(stream, form) if form.several else codec_of(stream) in _COVERS


def _subtitle(stream: Any, form: Format) -> Route:
    codec = stream.codec_context.codec.canonical_name
    if (not form.subtitles or codec in form.subtitles or codec not in _TEXT) and _copied(stream, form):
        return Route("copy", stream.index)
    if codec in _TEXT and form.subtitles:
        return Route("subtitle", stream.index, form.subtitles[0], f"{describe(stream)} to {form.subtitles[0]}")
    return _dropped(stream)


def _copied(stream: Any, form: Format) -> bool:
    same = stream.container.format.name == form.muxer  # what one AVI holds another does
    if form.streams and not same and codec_of(stream) not in form.streams:
        return False
    if not form.video and stream.type == "video" and not is_picture(stream):
        return False
    if form.muxer == "webm" and stream.type == "attachment":  # whose muxer passes over them
        return False
    if form.muxer == "mp4" and codec_of(stream).startswith("pcm_") and _is_counted(stream):
        return False
    return holds(form, lambda made: made.add_stream_from_template(stream, opaque=True))


def _is_counted(stream: Any) -> bool:
    """Whether a track says how many channels it has, and not which; MP4 refuses that of PCM when it is closed."""
    context = stream.codec_context
    return str(context.layout.name).endswith("channels") and context.layout.name not in PLAIN_LAYOUTS


def _dropped(stream: Any) -> Route:
    return Route("drop", stream.index, what=describe(stream))


def _is_audio(container: InputContainer, route: Route) -> bool:
    return route.source is not None and container.streams[route.source].type == "audio"


def _only_sound(found: list[Route], container: InputContainer) -> list[Route]:
    """Most audio files hold one track, the clean one first of all; what else there is goes, or the run is refused."""
    sounds = [route for route in found if route.action == "extra" or _is_audio(container, route)]
    held = next((route for route in sounds if route.action == "replace"), sounds[0] if sounds else None)
    kept: list[Route] = []
    for route in found:
        if route in sounds and route is not held:
            source = container.streams[route.source] if route.source is not None else None
            route = Route("drop", route.source, what=describe(source) if source else "a second audio track")
        kept.append(route)
    return kept
