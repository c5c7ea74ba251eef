"""Everything about a target that can be refused before work begins."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from mediaclean.errors import MediaError, OutputError
from mediaclean.media.borders import open_input, reading
from mediaclean.media.codecs import AudioCodec, resolve_codec
from mediaclean.media.formats import Format, format_of
from mediaclean.media.records import AudioTrack, Media
from mediaclean.media.routes import conversion, routes
from mediaclean.media.staged import check_name


def check_target(
    media: Media,
    target: Path,
    *,
    replace: Collection[int] = (),
    keep_original: bool = False,
    extra: int = 0,
    drop_unsupported: bool = False,
    codec: str | None = None,
    bit_rate: int | None = None,
) -> tuple[str, ...]:
    """Refuse what cannot be written, before any work; else say what will not be a plain copy.

    Args:
        media: the probed source.
        target: where the result shall go; whether it exists already is the caller's to decide.
        replace: the numbers of the tracks that get new audio.
        keep_original: whether their sources stay beside them.
        extra: further new tracks.
        drop_unsupported: leave out what the container cannot hold.
        codec: the audio codec asked for, None to follow the source.
        bit_rate: the bit rate asked for.

    Returns:
        One line for every stream that is converted, made anew or left out.

    Raises:
        OutputError: a folder, the source itself, read-only, no space, or a container that refuses something.
        MediaError: the source cannot be read any more.
    """
    form = _format(media, target)
    _check_place(media, target, form)
    for number in replace:
        if not 1 <= number <= len(media.tracks):
            raise MediaError(f"{media.path}: has no audio track {number}", "--track N")
        track = media.tracks[number - 1]
        _check_size(track, resolve_codec(track, target, codec=codec, bit_rate=bit_rate), target, form)
    with reading(media.path), open_input(media.path) as source:
        found = routes(
            source,
            form,
            target,
            replace={media.tracks[number - 1].stream for number in replace},
            keep_original=keep_original,
            extra=extra,
            drop_unsupported=drop_unsupported,
        )
    words = {"drop": "left out: ", "subtitle": "converted: "}
    return tuple(
        words.get(route.action, "") + route.what for route in found if route.what and route.action != "original"
    )


def _format(media: Media, target: Path) -> Format:
    """The target's container; the refusal says what to do where no container holds the picture."""
    try:
        return format_of(target)
    except OutputError as refused:
        with reading(media.path), open_input(media.path) as source:
            instead = conversion(source)
        if not instead:
            raise
        raise OutputError(refused.message, instead) from refused


def _check_place(media: Media, target: Path, form: Format) -> None:
    folder = target.parent
    check_name(target)
    if target.is_dir():
        raise OutputError(f"{target}: is a folder", f"-o {target / (media.path.stem + '.clean' + media.path.suffix)}")
    if not folder.is_dir():
        raise OutputError(f"{folder}: no such folder", f"mkdir -p {folder}")
    if target.exists() and target.samefile(media.path):
        raise OutputError(f"{target}: is the source itself, which is never written to", "choose another name with -o")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{folder}: may not be written (read-only)", "choose another folder with -o")
    needed = media.path.stat().st_size if form.video else 0
    if shutil.disk_usage(folder).free < needed:
        raise OutputError(
            f"{folder}: not enough space, {needed / 1e6:.0f} MB are needed",
            "free some, or choose another folder with -o",
        )


AIFF_BYTES = 2**32 - 2**16
"""Of sound: AIFF counts in 32 bits (Audio Interchange File Format 1.3, 1989), and some of it is header."""


def _check_size(track: AudioTrack, codec: AudioCodec, target: Path, form: Format) -> None:
    """Refuse what an AIFF's header would get a wrong size for; a WAV becomes RF64 there."""
    size = (track.length or 0) * track.channels * (codec.bits or 0) / 8
    if form.family == "aiff" and size > AIFF_BYTES:
        raise OutputError(
            f"{target.name}: AIFF holds 4.29 GB, and this sound has {size / 1e9:.2f}", f"-o {target.stem}.wav"
        )
