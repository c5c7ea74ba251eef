"""The level of one track, try by try: ride, gain and limiter towards the target, judged on what came out.

Loudness is promised for the *finished* file. The limiter takes a little away and a lossy codec overshoots, so what came
out is measured as a listener will decode it; where it misses, gain and ceiling are corrected for the next try.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediaclean.ahead import ahead
from mediaclean.analysis import Analysis
from mediaclean.audio import Samples
from mediaclean.job import QUIET, Job
from mediaclean.loudness.delivery import Measured, Spec, Verdict, verdict
from mediaclean.loudness.gate import DialogueLoudness, dialogue_loudness
from mediaclean.loudness.kweight import FrameLevels, lufs_to_power
from mediaclean.loudness.levels import LevelMeter, Levels
from mediaclean.loudness.limiter import LimiterStats
from mediaclean.loudness.meter import Loudness, LoudnessSeries, Meter
from mediaclean.loudness.normalise import Gain, LoudnessSettings, correct, gain_to_target, normalise, shortfall
from mediaclean.loudness.ride import Ride, plan_ride, ride
from mediaclean.media import AudioTrack
from mediaclean.mixing import Mix
from mediaclean.progress import watched
from mediaclean.report import LevelUse
from mediaclean.tape import Tape


@dataclass(frozen=True, eq=False)
class Held:
    """The level of an earlier result, kept so that what was not done again does not move.

    Attributes:
        gain_db: static gain; None where the level was left alone.
        ceiling_dbtp: what the limiter held.
        mix: that result's, by which its phrases were moved.
    """

    gain_db: float | None
    ceiling_dbtp: float
    mix: Mix


HELD = "The level stays that of the result before."


@dataclass(frozen=True, eq=False)
class Take:
    """One track of a source, mixed and ready to be levelled, or at a level that is `held`.

    `figures` are those of the mix, from one pass for all deliveries, and `tape` is the mix as that pass played it; None
    where no delivery goes by them.
    """

    job: Job
    mix: Mix
    analysis: Analysis
    held: Held | None = None
    figures: Heard | None = None
    tape: Tape | None = None

    def sound(self) -> Iterator[Samples]:
        """The mix from its first sample on."""
        return self.tape.chunks() if self.tape is not None and self.tape.complete else self.mix.chunks(QUIET)


@dataclass(frozen=True, eq=False)
class Heard:
    """The figures of a sound: of the programme, of its dialogue, and over time."""

    programme: Loudness
    dialogue: DialogueLoudness
    series: LoudnessSeries | None = None
    levels: Levels | None = None

    def verdict(self, spec: Spec, channels: int) -> Verdict:
        """Whether a file with these figures may be delivered."""
        measured = Measured(self.programme, channels, self.dialogue, self.levels)
        return verdict(spec, measured)

    @property
    def anchors(self) -> dict[str, Any]:
        """The dialogue's figures under the names that `gain_to_target` knows them by."""
        return {**self.corrections, "dialogue_share": self.dialogue.share}

    @property
    def corrections(self) -> dict[str, Any]:
        """Those of them that `correct` and `shortfall` know."""
        levels = self.levels or Levels(None, None)
        return {
            "dialogue_lufs": self.dialogue.gated_lufs,
            "rms_dbfs": levels.rms_dbfs,
            "floor_dbfs": levels.floor_dbfs,
        }


def hear(chunks: Iterable[Samples], track: AudioTrack, speech: NDArray[np.float32]) -> Heard:
    """Measure a sound that has its speech where `speech` says (probability per frame)."""
    frames = FrameLevels(track.rate, track.layout, track.channels)
    meter, levels = Meter(track.rate, track.layout, track.channels, frames=frames), LevelMeter(track.rate)
    for chunk in chunks:
        meter.add(chunk)
        levels.add(chunk)
    return Heard(meter.result(), dialogue_loudness(speech, frames.result()), meter.series(), levels.result())


def source_level(analysis: Analysis) -> Heard:
    """The source's figures, from the pass that listened to it."""
    return Heard(analysis.loudness, dialogue_loudness(analysis.speech, lufs_to_power(analysis.level_db)))


NEEDS_MEASURING = ("range", "rms")
"""Modes that go by figures which the pass that listens does not take."""


def is_on_target(heard: Heard, settings: LoudnessSettings | None) -> bool:
    """Whether the level may stay as it is: within the tolerance and under the ceiling, or nothing to measure."""
    if settings is None:
        return True
    gain = gain_to_target(heard.programme, settings, **heard.anchors)
    return (
        settings.mode not in NEEDS_MEASURING
        and abs(gain.gain_db) <= settings.tolerance_lu
        and heard.programme.true_peak_dbtp <= settings.ceiling_dbtp
    )


def with_figures(take: Take, aims: Iterable[LoudnessSettings | None], tape: Tape | None = None) -> Take:
    """The take with the figures of its mix, where a level that some delivery aims at goes by them.

    Args:
        take: mixed.
        aims: the levels of all deliveries.
        tape: takes the mix while it is measured, for deliveries that need not mix it again.
    """
    if not any(_goes_by_figures(take, aim) for aim in aims):
        return take
    if take.held is not None:  # then what is measured is another mix than what will be played
        tape = None
    return replace(take, figures=_figures(take, tape), tape=tape)


def _goes_by_figures(take: Take, settings: LoudnessSettings | None) -> bool:
    """Not where the level is left alone, is known from before, or follows from what the listening pass heard."""
    held = take.held
    if settings is None or (held is not None and (held.gain_db is None or settings.mode != "range")):
        return False
    mix = take.mix if held is None else held.mix
    return mix.changes_sound or settings.mode in NEEDS_MEASURING


def _figures(take: Take, tape: Tape | None = None) -> Heard:
    mix = take.mix if take.held is None else take.held.mix
    with take.job.stopwatch.stage("measure"):
        sound = mix.chunks("measure")
        return hear(sound if tape is None else tape.through(sound), take.job.track, take.analysis.speech)


class Levelling:
    """The tries of one track: `sound` for the next one, `judge` what came of it, until it is good."""

    def __init__(self, take: Take) -> None:
        self.take = take
        self._settings = take.job.preset.loudness
        self._ride: Ride | None = None
        self._gain = self._first_gain()
        self._stats = LimiterStats()
        self._tries = 0
        self.after = source_level(take.analysis)
        self._missed = ""

    def sound(self, stage: str) -> Iterator[Samples]:
        """The mix at its level, for one more try."""
        job, mix = self.take.job, self.take.mix
        sound: Iterator[Samples] = watched(self.take.sound(), stage, job.rate, mix.plan.length, job.watch)
        self._tries += 1
        self._stats = LimiterStats()
        if self._gain is None:
            return sound
        ridden = sound if self._ride is None else ride(sound, job.rate, self._ride)
        return ahead(normalise(ridden, job.rate, self._gain, stats=self._stats))

    def judge(self, after: Heard) -> bool:
        """Take in what came out; True asks for another try."""
        self.after = after
        if self._gain is None or self._settings is None:
            return False
        if self.take.held is not None:
            self._missed = shortfall(self._gain, after.programme, self._settings, **after.corrections)
            return False
        better = correct(self._gain, after.programme, self._settings, **after.corrections)
        if better is None:
            self._missed = shortfall(self._gain, after.programme, self._settings, **after.corrections)
            return False
        self._gain = better
        return True

    def use(self) -> LevelUse | None:
        """What was done, for the report; None where the level was left alone."""
        if self._gain is None:
            return None
        notes = (self._ride.note if self._ride else "", self._gain.note, self._missed)
        return LevelUse(
            gain_db=round(self._gain.gain_db, 2),
            limiter_db=round(self._stats.max_reduction_db, 2),
            tries=self._tries,
            reason=" ".join(note for note in notes if note),
            ride_db=round(float(np.abs(self._ride.gain_db).max(initial=0.0)), 2) if self._ride else 0.0,
            exact_db=self._gain.gain_db,
            ceiling_dbtp=self._gain.ceiling_dbtp,
            limited=tuple(self._stats.reductions),
        )

    def _first_gain(self) -> Gain | None:
        settings, take, held = self._settings, self.take, self.take.held
        if settings is None or (held is not None and held.gain_db is None):
            return None
        mix = take.mix if held is None else held.mix
        heard = source_level(take.analysis)
        if _goes_by_figures(take, settings):
            heard = take.figures or _figures(take)
        programme = heard.programme
        if settings.mode == "range" and heard.series is not None:
            spans = [phrase.span for phrase in mix.plan.phrases]
            planned = plan_ride(heard.series.powers, spans, take.job.rate, settings)
            self._ride = planned if planned.changes or planned.note else None
            programme = planned.expected(programme)
        if held is not None and held.gain_db is not None:
            return Gain(held.gain_db, held.ceiling_dbtp, "target", HELD)
        return gain_to_target(programme, settings, **heard.anchors)
