"""What is to be in a file beside what is copied, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from mediaclean.audio import Samples
from mediaclean.media.codecs import AudioCodec


@dataclass(frozen=True)
class NewAudio:
    """A new audio track: chunks of shape (channels, n) at `rate` Hz in `layout`.

    `codec` None follows the replaced track. `language` and `title` None keep the replaced track's. An extra track
    starts with the source's track number `beside`, and follows its codec; None is the default track.
    """

    samples: Iterable[Samples]
    rate: int
    layout: str
    codec: AudioCodec | None = None
    language: str | None = None
    title: str | None = None
    role: Literal["clean", "dialogue"] = "clean"
    beside: int | None = None


@dataclass(frozen=True)
class Written:
    """What went into the file: the codec of every new audio track, and what was not copied as it was.

    `notes` are one line each for what was repaired and what found no room; what is converted is known before
    (`target.check_target`). `positions` tells for the number of every replaced track which of the result's audio
    tracks, counted from 0, has taken its place. `extras` tells for the place of every extra track, counted likewise,
    the number of the source's track that it starts with.
    """

    audio: tuple[AudioCodec, ...]
    dropped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    positions: Mapping[int, int] = field(default_factory=dict)
    extras: Mapping[int, int] = field(default_factory=dict)
