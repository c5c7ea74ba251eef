"""One run's givens: the file, the track, the preset, what was asked for, and who watches."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from mediaclean.audio import Samples, Span, pick
from mediaclean.downmix import Downmix
from mediaclean.loudness.delivery import Spec
from mediaclean.media import AudioTrack, Fault, Landmarks, Media, PacketEar, decode, fingerprint
from mediaclean.plan.make import Engine, Plan, SeparateSettings
from mediaclean.preset import Preset
from mediaclean.progress import Watch, ignore, watched
from mediaclean.repair.chain import RepairSettings, mended
from mediaclean.repair.records import NO_REPAIRS, Repairs
from mediaclean.result.base import Base

Device = Literal["auto", "cpu", "cuda", "mps"]
QUIET = ""
"""The stage of a pass that whoever asks for it reports himself."""


@dataclass(frozen=True)
class CleanOptions:
    """What a run may be told beside its preset.

    Attributes:
        engine: which network; ``auto`` takes Demucs on a GPU and the dialogue network elsewhere.
        device: where it runs.
        track: number, language or title of the audio track; None takes the default one.
        tracks: several instead of one, by number, language or title; ``all`` takes every one.
        keep_original: put the source's track beside the clean one.
        dialogue_track: add a mono dialogue track for captioners and recognisers.
        codec, bit_rate: of the clean track; None follows the source.
        overwrite: replace an existing target.
        drop_unsupported: leave out streams that the target's container cannot hold.
        models: a folder with weights, instead of the cache.
        plan: run this one instead of making one.
        residual: keep voice, bed and residue as FLAC files beside the result.
        record: write what was changed beside the result, and prove that nothing else was.
        page: write a page on which the result can be heard and seen beside the source.
        base: start from this finished result.
        only: do only these spans of it again, each FROM-TO in seconds or hours:minutes:seconds.
    """

    engine: Engine = "auto"
    device: Device = "auto"
    track: str | None = None
    tracks: tuple[str, ...] = ()
    keep_original: bool = False
    dialogue_track: bool = False
    codec: str | None = None
    bit_rate: int | None = None
    overwrite: bool = False
    drop_unsupported: bool = False
    models: Path | None = None
    plan: Plan | None = None
    residual: bool = False
    record: bool = False
    page: bool = False
    base: Base | None = None
    only: tuple[str, ...] = ()

    @property
    def keeps_stems(self) -> bool:
        """Whether stems are written: they were asked for, or the result that this one starts from has them."""
        return self.residual or (self.base is not None and self.base.stems is not None)

    @property
    def keeps_anything(self) -> bool:
        """Whether something is written beside the result, after it has its name."""
        return self.record or self.page or self.keeps_stems

    @property
    def made_from(self) -> Path | None:
        """The table of the stems that the run starts from, if it does."""
        return None if self.base is None or self.base.stems is None else self.base.table


def wish_of(source: Path, preset: Preset, options: CleanOptions, spec: Spec | None) -> str:
    """A digest of what a run was told of one of its results, but for whether it may overwrite.

    Args:
        source: of the run.
        preset, options: what it was told.
        spec: what this result is delivered to; None takes the plan's level.
    """
    told = (source.absolute(), preset, replace(options, overwrite=False), spec)
    return sha256(repr(told).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass
class Stopwatch:
    """Wall-clock seconds per stage, added up over all visits."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


@dataclass(frozen=True)
class Job:
    """A track to be cleaned and how. With `repairs`, its sound is heard mended.

    `faults`, `landmarks`, `packets` and `signs` are what the first pass finds: what is wrong with the source, what it
    is recognised by, what it consists of, and which of its channels are inverted.
    """

    media: Media
    track: AudioTrack
    preset: Preset
    options: CleanOptions = CleanOptions()
    watch: Watch = ignore
    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    faults: list[Fault] = field(default_factory=list)
    repairs: Repairs = NO_REPAIRS
    landmarks: Landmarks = field(default_factory=Landmarks)
    packets: PacketEar = field(default_factory=PacketEar)
    signs: list[float] = field(default_factory=list)

    @property
    def rate(self) -> int:
        return self.track.rate

    @property
    def downmix(self) -> Downmix:
        """Where the dialogue is heard in one channel, once the first pass has told how the channels are wired."""
        return Downmix(self.track.centre, tuple(self.signs))

    @property
    def fade(self) -> int:
        """Samples of the cross-fade at the borders of a cut."""
        separate = self.preset.separate or SeparateSettings()
        return round(separate.fade_s * self.rate)

    @property
    def mends(self) -> RepairSettings:
        """How the decoded sound is mended, if it is."""
        return RepairSettings(self.preset.declip, self.preset.declick, self.preset.hum)

    def mending(self, plan: Plan) -> Job:
        """The job with its sound mended where a plan says so."""
        return replace(self, repairs=plan.repairs)

    def sound(self) -> Iterator[Samples]:
        """The track's sound from its first sample on, decoded and mended."""
        return mended(decode(self.media, self.track), self.repairs, self.mends, self.rate)

    def spans(self, spans: Sequence[Span]) -> list[Samples]:
        """The sound of each span, from one pass that ends behind the last; spans past the end come back shorter."""
        return pick(self.sound(), spans, self.track.channels)

    def chunks(self, stage: str, length: int | None = None) -> Iterator[Samples]:
        """The same, reported under the name of a stage; nobody hears of a stage that is `QUIET`."""
        watch = ignore if stage == QUIET else self.watch
        return watched(self.sound(), stage, self.rate, length or self.track.length, watch)

    def first_chunks(self) -> Iterator[Samples]:
        """The sound as it is, for the first pass."""
        sound = decode(self.media, self.track, faults=self.faults.append, packets=self.packets)
        return watched(
            self.landmarks.through(sound, self.track, self.media),
            "listen",
            self.rate,
            self.track.length,
            self.watch,
        )

    def fingerprint(self) -> dict[str, Any]:
        """What tells this source from another or a later one, and which of its tracks is meant."""
        return {**fingerprint(self.media.path), "track": self.track.number}
