"""What is known about a media file: plain records, free of FFmpeg's objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

Kind = Literal["video", "audio", "subtitle", "data", "attachment", "unknown"]
FaultKind = Literal["gap", "overlap", "damage", "not-a-number"]


@dataclass(frozen=True)
class AudioTrack:
    """One audio stream as a player hears it.

    `number` counts audio tracks from 1; `stream` is the index among all streams. `rate` (Hz), `channels` and
    `layout` are what the decoder gives, not what the header claims. `start_s` is when the first sample is
    played on the media clock. `length` is the expected number of samples, None where nothing tells.
    """

    number: int
    stream: int
    codec: str
    rate: int
    channels: int
    layout: str
    channel_names: tuple[str, ...]
    bit_rate: int | None
    bits_per_sample: int | None
    language: str
    title: str
    default: bool
    start_s: Fraction
    length: int | None

    @property
    def centre(self) -> int | None:
        """The index of the front centre channel, None where the layout has none (or is mono)."""
        if self.channels < 3 or "FC" not in self.channel_names:
            return None
        return self.channel_names.index("FC")

    @property
    def label(self) -> str:
        """One line for people: number, language, title, codec, layout."""
        words = [self.language if self.language not in {"", "und"} else "", self.title]
        name = " ".join(word for word in words if word)
        rate = f"{self.rate / 1000:g} kHz"
        return f"{self.number}: {name + ', ' if name else ''}{self.codec} {self.layout} {rate}"


@dataclass(frozen=True)
class StreamInfo:
    """One stream of any kind, as the container lists it."""

    index: int
    kind: Kind
    codec: str
    tag: str
    language: str
    title: str
    dispositions: tuple[str, ...]
    frame_rate: Fraction | None = None
    width: int = 0
    height: int = 0
    timecode: str = ""

    @property
    def default(self) -> bool:
        return "default" in self.dispositions

    @property
    def attached_picture(self) -> bool:
        """Cover art: one still picture, not a moving one."""
        return "attached_pic" in self.dispositions


@dataclass(frozen=True)
class Chapter:
    """A chapter on the media clock, in seconds."""

    start_s: Fraction
    stop_s: Fraction
    title: str


@dataclass(frozen=True)
class Media:
    """What is inside a file. `duration_s` is None where neither header nor streams tell.

    `zero_s` is where on the media clock the film begins: broadcast streams count from anywhere, other files from 0.
    `begin_s` is the same for who knows no such clock: a file that was recorded from a stream may keep the stream's,
    and hours before its first packet are no part of the film.
    """

    path: Path
    container: str
    duration_s: float | None
    tracks: tuple[AudioTrack, ...]
    streams: tuple[StreamInfo, ...]
    chapters: tuple[Chapter, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    zero_s: Fraction = Fraction(0)
    begin_s: Fraction = Fraction(0)

    def offset_s(self, track: AudioTrack) -> Fraction:
        """When a track's first sample is played, counted from where the film begins."""
        return track.start_s - self.begin_s

    @property
    def video(self) -> StreamInfo | None:
        """The first moving picture."""
        for stream in self.streams:
            if stream.kind == "video" and not stream.attached_picture:
                return stream
        return None


@dataclass(frozen=True)
class Fault:
    """Something wrong in the source's sound, and when; times are seconds since the track's first sample.

    gap: timestamps jump forward (filled with silence). overlap: they jump back (the repeated sound is dropped).
    damage: packets that do not decode, or a file that ends too early. not-a-number: samples that were NaN or
    infinite (set to silence).
    """

    kind: FaultKind
    at_s: float
    length_s: float
    detail: str
