"""What a plan is made of: phrases, cuts, dips, level. Records only; `plan.make` decides what stands in them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mediaclean.audio import Span
from mediaclean.bed.judging import Choice
from mediaclean.polish.records import VoiceGain
from mediaclean.repair.records import NO_REPAIRS, Repairs
from mediaclean.roomtone.shots import ShotTone
from mediaclean.settings import Settings, setting

Engine = Literal["auto", "dialogue", "demucs", "none"]


@dataclass(frozen=True)
class SeparateSettings(Settings):
    """Where a network is asked for the voice."""

    within_lu: float = setting(
        13.0, "LU", "speech is separated where the bed comes this close to it", low=0.0, high=40.0
    )
    noise_within_lu: float = setting(
        8.0, "LU", "the same for the recording's own steady noise, which is better left alone", low=0.0, high=40.0
    )
    around_s: float = setting(
        5.0, "s", "speech this near to such speech is separated too, and what is heard then decides: sparse music "
        "hides between words", low=0.0, high=60.0,
    )  # fmt: skip
    edge_s: float = setting(
        1.5, "s", "separated before and after such speech: words that the detector misses there", low=0.0, high=10.0
    )
    bridge_s: float = setting(2.0, "s", "cuts closer together are joined", low=0.0, high=30.0)
    longest_s: float = setting(
        60.0, "s", "longer cuts are split at a pause; each part is a checkpoint", low=5, high=600
    )
    fade_s: float = setting(0.02, "s", "cross-fade at the borders of a cut", low=0.005, high=0.5)
    model: str = setting("htdemucs", "", "which network the demucs engine runs")


@dataclass(frozen=True)
class Phrase:
    """A stretch of speech: how loud it and the bed under it are (estimated from the mix), and how sure that is."""

    span: Span
    confidence: float
    speech_lufs: float
    bed_lufs: float


@dataclass(frozen=True)
class Cut:
    """A span that is separated, with the reason in an editor's words."""

    span: Span
    reason: str


@dataclass(frozen=True)
class PlannedDip:
    """A span in which the bed is lowered. A `gain_db` of None rides: it is set from the separated voice and bed; where
    the bed is reduced or removed throughout, to that if it is loud enough, else to 0.

    `lighter_db` says how much lighter it was made because of artefacts; such a dip is not made lighter again.
    `engine` names another network than the rest's, whose voice is heard under this dip.
    """

    span: Span
    gain_db: float | None
    reason: str
    lighter_db: float = 0.0
    engine: str = ""


@dataclass(frozen=True)
class Level:
    """Where the programme's loudness goes."""

    target_lufs: float
    ceiling_dbtp: float


@dataclass(frozen=True)
class Plan:
    """What will be done to a track. Spans are in samples at `rate` Hz; `length` is the track's."""

    rate: int
    length: int
    phrases: tuple[Phrase, ...] = ()
    cuts: tuple[Cut, ...] = ()
    dips: tuple[PlannedDip, ...] = ()
    tone_sources: tuple[Span, ...] = ()
    floor_dbfs: float = -66.0
    silent_channels: tuple[int, ...] = ()  # from 0: in which no floor stands in for a room's tone
    holes: tuple[Span, ...] = ()
    level: Level | None = None
    notes: tuple[str, ...] = ()
    shots: tuple[ShotTone, ...] = ()  # where other tone than that of `tone_sources` is heard
    repairs: Repairs = NO_REPAIRS
    voice_gains: tuple[VoiceGain, ...] | None = ()  # None: set from the separated voice, as a riding dip is
    mended: bool = False  # some dips were made lighter, or have another engine's voice, because of artefacts
    choices: tuple[Choice, ...] = ()  # of auto, with their reasons: a record, the dips say what is done

    @property
    def speech_share(self) -> float:
        """How much of the track is speech, 0 to 1."""
        return sum(phrase.span.length for phrase in self.phrases) / max(1, self.length)

    @property
    def changes_sound(self) -> bool:
        """Whether anything but the level changes."""
        voice = self.voice_gains is None or bool(self.voice_gains)
        return bool(self.cuts or self.dips or self.holes or self.repairs or voice)


def with_gains(plan: Plan, gains_db: Sequence[float]) -> Plan:
    """The plan with the riding dips set to what was measured, one gain per dip."""
    dips = [dataclasses.replace(dip, gain_db=gain) for dip, gain in zip(plan.dips, gains_db, strict=True)]
    return dataclasses.replace(plan, dips=tuple(dips))
