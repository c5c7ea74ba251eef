"""Tags of files and streams: which of them say something about the film, and where each container keeps them."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

from av.container import InputContainer, OutputContainer
from av.stream import Disposition

from mediaclean.media.borders import path_of
from mediaclean.media.formats import Format, family_of
from mediaclean.media.wave_chunks import bext_description

# What a container says about itself; the new one says its own.
_STRUCTURAL = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration", "vendor_id"}
# Statistics of mkvtoolnix; true for the source's packets only.
_STATISTICS = ("bps", "number_of_frames", "number_of_bytes", "_statistics_")
# Global tags that muxers write under names of their own; all others need the free form.
_ANYWHERE = {
    *("title", "artist", "album", "comment", "copyright", "creation_time", "date", "genre", "location"),
    *("location-eng", "timecode"),
}
_ITUNES_TAGS = _ANYWHERE | {
    *("album_artist", "composer", "grouping", "lyrics", "description", "synopsis", "show", "episode_id", "network"),
    *("keywords", "track", "disc", "tmpo", "season_number", "episode_sort", "media_type", "hd_video"),
    *("gapless_playback", "compilation", "author", "performer", "year"),
}
_OWN_NAMES = {"mov": _ANYWHERE | {"make", "model"}}
# What players turn the sound up or down by, and where its encoder's padding ends: true of that sound alone.
_OF_THE_SOUND = ("replaygain_", "r128_", "mp3gain_", "itunnorm", "itunsmpb")


def tags_for(
    source: InputContainer, more: Mapping[str, str], form: Format, *, is_new: bool
) -> tuple[dict[str, str], list[str]]:
    """The global tags of the result, and one line for each kind that it goes without.

    Args:
        source: whose tags are kept.
        more: further ones.
        form: of the result.
        is_new: whether any sound is another than the source's.
    """
    tags = {**global_tags(source), **more}
    left_out = []
    if is_new and (stale := forget_old_sound(tags)):
        left_out.append(f"{', '.join(stale)} left out: true of the sound before")
    if nameless := _nameless(source, form):
        tags = {key: value for key, value in tags.items() if key not in nameless}
        left_out.append(f"{', '.join(nameless)} left out: beside a cover MP4 has no names for such tags")
    if form.family == "wav" or family_of(source.format.name) != form.family:
        tags = _with_date(tags, as_wav=form.family == "wav")
    if form.family == "wav" and (description := bext_description(path_of(source))):
        tags = {**tags, "description": description}
    if form.family == "avi":  # whose muxer knows the program by this name alone
        tags = {"ISFT" if key.lower() == "software" else key: value for key, value in tags.items()}
    return tags, left_out


def forget_old_sound(tags: MutableMapping[str, str]) -> list[str]:
    """Take out what is true of the sound before alone, and tell what that was."""
    stale = [key for key in tags if is_of_the_sound(key)]
    for key in stale:
        del tags[key]
    return stale


def is_of_the_sound(key: str) -> bool:
    """Whether a tag tells of the samples or their level: players would still turn a clean sound by it.

    >>> is_of_the_sound("REPLAYGAIN_TRACK_GAIN"), is_of_the_sound("title")
    (True, False)
    """
    return key.lower().startswith(_OF_THE_SOUND)


def _with_date(tags: dict[str, str], *, as_wav: bool) -> dict[str, str]:
    """The tags of a Broadcast Wave (EBU Tech 3285) for where they go.

    FFmpeg reads the date and the time of its origin as `date` and `creation_time`, which elsewhere is a whole moment.
    """
    time = tags.get("creation_time", "")
    if not _TIME.fullmatch(time):
        return tags
    date = tags.get("date", "")
    if as_wav:
        own = {"description": "comment", "originator": "encoded_by"}
        tags = {**tags, **{name: tags[key] for name, key in own.items() if key in tags}, "origination_time": time}
        return {**tags, "origination_date": date} if _DATE.fullmatch(date) else tags
    rest = {key: value for key, value in tags.items() if key != "creation_time"}
    return {**rest, "creation_time": f"{date}T{time}Z"} if _DATE.fullmatch(date) else rest


def is_broadcast_wave(container: InputContainer) -> bool:
    """Whether a file says what only the `bext` chunk of a WAV has room for, above all where its sound begins."""
    tags = container.metadata
    return not _BEXT.isdisjoint(tags) or bool(_TIME.fullmatch(tags.get("creation_time", "")))


_BEXT = {"time_reference", "originator_reference", "coding_history", "umid"}
_TIME, _DATE = re.compile(r"\d\d.\d\d.\d\d"), re.compile(r"\d{4}.\d\d.\d\d")


def global_tags(container: InputContainer | OutputContainer) -> dict[str, str]:
    """The tags that say something about the film, not about its container."""
    sound = _only_sound(container)
    tags = {**({} if sound is None else sound.metadata), **container.metadata}
    heard = {} if sound is None else {"language"}
    return {key: value for key, value in tags.items() if not _is_its_own(key.lower(), value) and key not in heard}


def _only_sound(container: InputContainer | OutputContainer) -> Any:
    """The stream whose comments are those of the file: the only sound of an Ogg file without a moving picture."""
    moving = [each for each in container.streams.video if not each.disposition & Disposition.attached_pic]
    sounds = container.streams.audio
    return sounds[0] if family_of(container.format.name) == "ogg" and len(sounds) == 1 and not moving else None


def _is_its_own(key: str, value: str) -> bool:
    """Whether a tag says something about the container; AVI calls what wrote it its software, FFmpeg's stamp too."""
    return key in _STRUCTURAL or (key == "software" and value.startswith("Lavf"))


def needs_free_form(source: InputContainer, form: Format) -> bool:
    """Whether MP4 or MOV would lose a tag of the source, were it not written in the free form that QuickTime has."""
    return form.family == "mp4" and not has_cover(source) and bool(_unknown(source, form))


def _nameless(source: InputContainer, form: Format) -> list[str]:
    """The tags that MP4 has no place for: the free form has none for covers, which go before."""
    found = _unknown(source, form) if form.family == "mp4" and has_cover(source) else []
    return [key for key in found if not is_of_the_sound(key)]


def _unknown(source: InputContainer, form: Format) -> list[str]:
    known = _OWN_NAMES.get(form.muxer, _ITUNES_TAGS)
    return [key for key in global_tags(source) if key.lower() not in known]


def is_known_to_mp4(key: str) -> bool:
    """Whether MP4 has a name of its own for a tag."""
    return key.lower() in _ITUNES_TAGS


def has_cover(container: InputContainer | OutputContainer) -> bool:
    """Whether a file has cover art."""
    return any(each.disposition & Disposition.attached_pic for each in container.streams.video)


def stream_tags(source: Any) -> dict[str, str]:
    """The tags of a stream that stay true for a copy of it; what MP4 reads as `name` is its title."""
    kept = {}
    if source is _only_sound(source.container):
        return {key: value for key, value in source.metadata.items() if key == "language"}
    for key, value in source.metadata.items():
        low = key.lower()
        if low in _STRUCTURAL or low.startswith(_STATISTICS):
            continue
        kept["title" if low == "name" else key] = value
    return kept
