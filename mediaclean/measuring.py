"""Measure a finished file for delivery: loudness, its dialogue, levels, and the verdict of each specification."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediaclean.analysis import Ear, speech_downmix
from mediaclean.audio import Samples, Span, frame_count
from mediaclean.backends.detector import load_detector
from mediaclean.delivery import Measured, Spec, Verdict, verdict
from mediaclean.gate import dialogue_loudness
from mediaclean.job import CleanOptions
from mediaclean.kweight import FrameLevels
from mediaclean.levels import LevelMeter
from mediaclean.listening import open_job
from mediaclean.loudness import LoudnessSeries, Meter
from mediaclean.preset import Preset
from mediaclean.progress import Watch, ignore
from mediaclean.speech import SpeechSettings, phrases


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
    source: Path | str, *, specs: Sequence[Spec] = (), track: str | None = None, watch: Watch = ignore
) -> Measurement:
    """Measure one track of a file and hold it against specifications.

    Raises:
        MediaError: if it cannot be read.
    """
    job = open_job(source, Preset(name="measure"), CleanOptions(track=track), watch)
    rate, layout, channels = job.rate, job.track.layout, job.track.channels
    frames = FrameLevels(rate, layout, channels)
    meter = Meter(rate, layout, channels, frames=frames)
    levels = LevelMeter(rate)
    ear = Ear(rate, load_detector("silero"), speech_downmix(job.track.centre))
    length = 0
    for chunk in _each(job.first_chunks(), meter.add, levels.add, ear.add):
        length += chunk.shape[1]
    loudness = meter.result()
    speech: NDArray[np.float32] = ear.result(frame_count(length, rate))[0]
    measured = Measured(loudness, channels, dialogue_loudness(speech, frames.result()), levels.result())
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
        for listen in listeners:
            listen(chunk)
        yield chunk
