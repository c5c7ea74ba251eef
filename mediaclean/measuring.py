"""Measure a finished file for delivery: loudness, its dialogue, levels, and the verdict of each specification."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediaclean.analysis import Ear
from mediaclean.audio import Samples, Span, frame_count, reblock
from mediaclean.backends.detector import load_detector
from mediaclean.bed.duck import DuckSettings
from mediaclean.downmix import first_downmix
from mediaclean.job import CleanOptions, Job
from mediaclean.listening import listen, open_job
from mediaclean.loudness.delivery import Measured, Spec, Verdict, verdict
from mediaclean.loudness.gate import DialogueLoudness, dialogue_loudness
from mediaclean.loudness.kweight import FrameLevels
from mediaclean.loudness.levels import LevelMeter
from mediaclean.loudness.meter import LoudnessSeries, Meter
from mediaclean.plan.make import Engine, SeparateSettings, make_plan
from mediaclean.preset import Preset
from mediaclean.progress import Watch, ignore
from mediaclean.render import split
from mediaclean.speech import SpeechSettings, phrases
from mediaclean.voices import separate_voices


@dataclass(frozen=True, eq=False)
class Measurement:
    """A file's figures, and whether it may be delivered.

    Attributes:
        series: loudness over time.
        speech: where the dialogue is, in samples at `rate`.
        verdicts: one per specification.
    """

    path: Path
    rate: int
    measured: Measured
    series: LoudnessSeries
    speech: tuple[Span, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def ok(self) -> bool:
        """Whether every specification that was asked for holds."""
        return all(verdict.ok for verdict in self.verdicts)

    def to_json(self) -> dict[str, Any]:
        measured = self.measured
        return {
            "source": str(self.path),
            "loudness": measured.loudness.to_json(),
            "dialogue": measured.dialogue and measured.dialogue.to_json(),
            "levels": measured.levels and measured.levels.to_json(),
            "verdicts": {verdict.spec: verdict.to_json() for verdict in self.verdicts},
        }


def measure_file(
    source: Path | str,
    *,
    specs: Sequence[Spec] = (),
    track: str | None = None,
    engine: Engine = "none",
    watch: Watch = ignore,
) -> Measurement:
    """Measure one track of a file and hold it against specifications.

    Args:
        engine: a network that tells the voice from the bed where the bed is loud, for the loudness of the speech
            itself; with ``none`` the bed is estimated in the pauses.

    Raises:
        MediaError: if it cannot be read.
    """
    job = open_job(source, Preset(name="measure"), CleanOptions(track=track), watch)
    rate, layout, channels = job.rate, job.track.layout, job.track.channels
    frames = FrameLevels(rate, layout, channels)
    meter = Meter(rate, layout, channels, frames=frames)
    levels = LevelMeter(rate)
    length = 0
    with Ear(rate, load_detector("silero"), first_downmix(job.track.centre)) as ear:
        for chunk in _each(reblock(job.first_chunks(), rate), meter.add, levels.add, ear.add):
            length += chunk.shape[1]
    loudness = meter.result()
    speech: NDArray[np.float32] = ear.result(frame_count(length, rate))[0]
    dialogue = dialogue_loudness(speech, frames.result())
    if engine != "none" and dialogue.lufs is not None:
        dialogue = separated_dialogue(source, engine, track=track, watch=watch)
    measured = Measured(loudness, channels, dialogue, levels.result())
    return Measurement(
        job.media.path,
        rate,
        measured,
        meter.series(),
        tuple(phrases(speech, SpeechSettings(), rate, length)),
        tuple(verdict(spec, measured) for spec in specs),
    )


def _each(chunks: Iterator[Samples], *listeners: Any) -> Iterator[Samples]:
    for chunk in chunks:
        for hear in listeners:
            hear(chunk)
        yield chunk


def separated_dialogue(
    source: Path | str, engine: Engine, *, track: str | None = None, watch: Watch = ignore
) -> DialogueLoudness:
    """The loudness of the dialogue from its separated voice, which needs no pauses and no steady bed."""
    preset = Preset(name="measure", separate=SeparateSettings(), duck=DuckSettings())
    job = open_job(source, preset, CleanOptions(track=track, engine=engine), watch)
    analysis = listen(job)
    plan = make_plan(analysis, preset, engine=engine)
    with tempfile.TemporaryDirectory(prefix="mediaclean-") as folder:
        voices, _ = separate_voices(job, plan, analysis.stats, Path(folder) / "voices", _no_note)
        mix, voice, bed = _levels(job), _levels(job), _levels(job)
        for block in split(job.chunks("measure", plan.length), plan, voices, round(FADE_S * job.rate)):
            for meter, sound in ((mix, block.mix), (voice, block.voice), (bed, block.bed)):
                meter.add(sound)
    return dialogue_loudness(analysis.speech, mix.result(), voice_powers=voice.result(), bed_powers=bed.result())


FADE_S = SeparateSettings().fade_s


def _levels(job: Job) -> FrameLevels:
    return FrameLevels(job.rate, job.track.layout, job.track.channels)


def _no_note(message: str) -> None:
    """The network's device and fallbacks matter to a run, not to a figure."""
