"""Writing the result: every other stream packet for packet, the new audio in step with them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from av import Packet
from av.container import InputContainer, OutputContainer

from mediaclean.media.borders import open_input, open_output, reading, writing
from mediaclean.media.codecs import AudioCodec, resolve_codec
from mediaclean.media.copying import Copier
from mediaclean.media.covers import tag_picture
from mediaclean.media.encode import encoded, lead_of, set_up, template, trims
from mediaclean.media.feed import Feed
from mediaclean.media.formats import Format, family_of, format_of
from mediaclean.media.header import (
    add_copy,
    add_picture,
    add_subtitle,
    fill_tags,
    mux_options,
    number_streams,
    set_chapters,
    text_tags,
)  # fmt: skip
from mediaclean.media.probe import choose_track
from mediaclean.media.records import AudioTrack, Media
from mediaclean.media.routes import Route, routes
from mediaclean.media.tags import forget_old_sound, tags_for
from mediaclean.media.wave_chunks import carry_chunks
from mediaclean.media.written import NewAudio, Written
from mediaclean.progress import Progress, Watch, ignore

# How far the new audio may run behind the copied packets, in seconds.
_AHEAD_S = Fraction(1, 4)


def write(
    media: Media,
    target: Path,
    *,
    replace: Mapping[int, NewAudio] | None = None,
    keep_original: bool = False,
    extra: Sequence[NewAudio] = (),
    drop_unsupported: bool = False,
    tags: Mapping[str, str] | None = None,
    watch: Watch = ignore,
) -> Written:
    """Copy `media` to `target`, with new audio in place of the tracks named in `replace`.

    Copied packets keep their bytes, timestamps, side data, metadata and dispositions. New audio starts when the
    replaced track does, to the sample. It is pulled as the copied packets advance, so memory stays bounded.

    Args:
        media: the probed source.
        target: a new file; its suffix decides the container. Use `staged` for the name.
        replace: track number to new audio; empty copies everything.
        keep_original: the replaced track follows behind the new one, tagged, not default.
        extra: further new tracks behind the last audio track.
        drop_unsupported: leave out what the container cannot hold instead of refusing.
        tags: global tags to add.
        watch: told about progress along the media clock.

    Raises:
        MediaError: the source cannot be read any more.
        OutputError: the container refuses something, or the file cannot be written.
    """
    replace = dict(replace or {})
    form = format_of(target)
    indices = {media.tracks[number - 1].stream: new for number, new in replace.items()}
    with reading(media.path), open_input(media.path) as source:
        ways = routes(
            source,
            form,
            target,
            replace=indices.keys(),
            keep_original=keep_original,
            extra=len(extra),
            drop_unsupported=drop_unsupported,
        )
        with writing(target):
            job = _Job(media, target, form, source, ways, indices, list(extra), tags or {})
            job.run(watch)
            left_out = carry_chunks(media.path, target)
    return Written(
        tuple(job.codecs),
        tuple(way.what for way in ways if way.action == "drop"),
        (*job.notes, *left_out),
        *_places(ways, media, extra),
    )


def _places(ways: Sequence[Route], media: Media, extra: Sequence[NewAudio]) -> tuple[dict[int, int], dict[int, int]]:
    """Where every replaced track stands among the result's audio tracks; what stands beside what."""
    numbers = {track.stream: track.number for track in media.tracks}
    new = {"replace", "original", "extra"}
    sounds = [way for way in ways if way.action in new or (way.action == "copy" and way.source in numbers)]
    positions = {
        numbers[way.source]: at for at, way in enumerate(sounds) if way.action == "replace" and way.source in numbers
    }
    added = (at for at, way in enumerate(sounds) if way.action == "extra")
    return positions, {at: _beside(media, new).number for at, new in zip(added, extra, strict=False)}


def _beside(media: Media, new: NewAudio) -> AudioTrack:
    """The source's track that an extra one goes with."""
    return choose_track(media) if new.beside is None else media.tracks[new.beside - 1]


class _Job:
    """One remux: the streams of both sides, and the loop that moves packets."""

    def __init__(
        self,
        media: Media,
        target: Path,
        form: Format,
        source: InputContainer,
        ways: Sequence[Route],
        replace: Mapping[int, NewAudio],
        extra: list[NewAudio],
        tags: Mapping[str, str],
    ) -> None:
        self._media = media
        self._target = target
        self._form = form
        self._source = source
        self._ways = ways
        self._replace = replace
        self._extra = extra
        self._tags = tags
        # Broadcast streams count from anywhere; files that count from zero get them shifted there.
        zero_s = media.zero_s if form.family == family_of(media.container) else media.begin_s
        self._shift_s = Fraction(0) if form.family == "mpegts" else -zero_s
        self.codecs: list[AudioCodec] = []
        self.notes: list[str] = []

    def run(self, watch: Watch) -> None:
        news = [*self._replace.values(), *self._extra]
        rate = news[0].codec.rate if news and news[0].codec else (news[0].rate if news else 48_000)
        options = mux_options(self._media.path, self._source, self._form, rate)
        with open_output(self._target, self._form.muxer, options) as made:
            tags, left_out = tags_for(self._source, self._tags, self._form, is_new=bool(self._replace))
            made.metadata.update(tags)
            self.notes += left_out
            copiers, sounds = self._add_streams(made)
            set_chapters(made, self._source, self._shift_s, self._form)
            made.start_encoding()
            if not copiers:
                self._source.close()  # its index, which grows with its length, is not needed any more
            self._move(made, copiers, sounds, watch)
            self.notes += [note for copier in copiers.values() for note in copier.notes]

    def _add_streams(self, made: OutputContainer) -> tuple[dict[int, Copier], list[Feed]]:
        copiers: dict[int, Copier] = {}
        sounds: list[Feed] = []
        covers: list[Any] = []
        extra = iter(self._extra)
        takes_place_of: dict[int, Any] = {}
        for way in self._ways:
            source: Any = None if way.source is None else self._source.streams[way.source]
            if way.action in {"copy", "original"}:
                stream = add_copy(made, source, self._source, self._form)
                if way.action == "original":
                    text_tags(stream, title="original", role="original")
                copiers.setdefault(source.index, Copier(source, self._shift_s)).add(stream)
            elif way.action == "subtitle":
                stream, convert = add_subtitle(made, source, way.codec, self._form)
                copiers[source.index] = Copier(source, self._shift_s, convert)
                copiers[source.index].add(stream)
            elif way.action == "attach" and self._form.family == "ogg":
                covers.append(source)
            elif way.action == "attach":
                add_picture(made, self._media.path, source)
            elif way.action == "replace":
                sounds.append(self._add_sound(made, self._replace[source.index], source))
            elif way.action == "extra":
                sounds.append(self._add_sound(made, next(extra), None))
            if way.action in {"copy", "subtitle", "replace"}:
                takes_place_of[len(made.streams) - 1] = source
        if self._form.family == "mpegts" and family_of(self._source.format.name) == "mpegts":
            number_streams(made, takes_place_of)
        for source in covers:
            tag_picture(made, self._media.path, source)
        return copiers, sounds

    def _add_sound(self, made: OutputContainer, new: NewAudio, source: Any) -> Feed:
        replaced = (t for t in self._media.tracks if source is not None and t.stream == source.index)
        track = next(replaced, None) or _beside(self._media, new)
        codec = new.codec or resolve_codec(track, self._target, rate=new.rate, layout=new.layout)
        self.codecs.append(codec)
        start_s = self._start_s(track)
        trim = trims(codec, self._form, start_s)
        if trim:
            stream: Any = made.add_stream_from_template(template(codec), opaque=True)
        else:
            stream = made.add_stream(codec.encoder, codec.rate)
            set_up(stream.codec_context, codec)
        if source is not None:
            fill_tags(stream, source, self._form)
            forget_old_sound(stream.metadata)
        text_tags(stream, language=new.language, title=new.title, role=new.role, alone=source is None)
        packets = encoded(codec, new.samples, new.rate, new.layout, trim=trim)
        return Feed(stream, packets, start_s + self._nudge_s(codec, start_s), codec.rate)

    def _start_s(self, track: AudioTrack) -> Fraction:
        """When new audio for this track starts on the target's clock."""
        if not self._form.timestamps:
            return Fraction(0)
        if self._timed():
            return track.start_s + self._shift_s
        new = [t for t in self._media.tracks if t.stream in self._replace]
        return track.start_s - min(t.start_s for t in (track, *new))

    def _nudge_s(self, codec: AudioCodec, start_s: Fraction) -> Fraction:
        """Matroska rounds the pre-skip and the time to milliseconds, each for itself; make the sum come out."""
        if self._form.family != "matroska" or codec.name != "opus":
            return Fraction(0)
        padding = Fraction(lead_of(codec).padding, codec.rate)
        return Fraction(round(start_s * 1000) - math.floor(padding * 1000 + Fraction(1, 2)), 1000) - (start_s - padding)

    def _timed(self) -> bool:
        """Whether anything else is on the clock; where all sound is new, the earliest starts at zero."""
        if self._form.family == "mpegts":
            return True
        copied = [way.source for way in self._ways if way.action in {"copy", "subtitle", "original"}]
        sounds = {track.stream for track in self._media.tracks}
        return bool(copied) if self._form.video else not sounds.isdisjoint(copied)

    def _move(self, made: OutputContainer, copiers: Mapping[int, Copier], sounds: list[Feed], watch: Watch) -> None:
        total_s = self._media.duration_s
        told = 0.0

        def tell(time_s: Fraction | None) -> None:
            nonlocal told
            done = float(time_s - self._shift_s) if time_s is not None else told
            if done >= told + 1.0:
                told = done if total_s is None else min(done, total_s)
                watch(Progress("write", told, total_s))

        def catch_up(until_s: Fraction | None) -> None:
            while True:
                waiting = [(s.time_s, i) for i, s in enumerate(sounds) if s.time_s is not None]
                if not waiting or (until_s is not None and min(waiting)[0] > until_s + _AHEAD_S):
                    return
                time_s, index = min(waiting)
                sounds[index].put(made)
                tell(time_s)

        watch(Progress("write", 0.0, total_s))
        streams = [self._source.streams[index] for index in copiers]
        for packet in self._packets(streams) if streams else ():
            copier = copiers[packet.stream.index]  # the index in a flush packet itself is not set
            for ready in copier.copies(packet):
                catch_up(copier.time_s)
                made.mux_one(ready)
                if not sounds:
                    tell(copier.time_s)
        catch_up(None)
        watch(Progress("write", total_s if total_s is not None else told, total_s))

    def _packets(self, streams: list[Any]) -> Iterator[Packet[Any]]:
        """Of the source; a card or a drive that fails is the source's fault, though the target is being written."""
        with reading(self._media.path):
            yield from self._source.demux(streams)
