"""What an editor would be told about a recording: leave, duck, reduce or remove, and what is wrong with the source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mediaclean.advice.acoustics import NoiseKind, coverage, noise_kind, reverberation_s
from mediaclean.advice.faults import source_faults
from mediaclean.analysis import Analysis
from mediaclean.audio import FLOOR_DB, Span
from mediaclean.bed.auto import plan_choices
from mediaclean.bed.duck import DuckSettings
from mediaclean.bed.judging import TREATMENTS, Choice, Treatment, choose, predicted_error_lu
from mediaclean.bed.level import Section, measure_sections, quiet_frames
from mediaclean.plan.make import NOISE_MARGIN_LU, steady_noise
from mediaclean.roomtone.sources import SILENT_DB, RoomToneSettings
from mediaclean.speech import SpeechSettings, phrases

GOAL = DuckSettings(mode="auto", target_lu=14.0, floor_db=-18.0)
"""For any audience: 10 LU over music and 4 more for lay listeners (Torcoli et al. 2019); a trace is always kept."""
NOISE_GOAL = DuckSettings(mode="auto", target_lu=10.0, floor_db=-18.0)
"""Steady noise disturbs less than what is done against it: a slightly noisy voice beats a robotic one."""
REVERBERANT_S = 0.75
"""From here on words run into one another."""


@dataclass(frozen=True)
class Advice:
    """What was found in a recording, in the terms of an editor.

    Attributes:
        treatment: the lightest that makes the dialogue work, for the worst tenth of the speech.
        reason: why, in one sentence.
        speech_share: 0 to 1.
        difference_lu: speech above the bed, the median and the worst tenth of the sections; None without speech.
        floor_dbfs: K-weighted level of the quietest tenth outside speech.
        warnings: faults of the source, one sentence each.
        coverage: how much of the band of speech the bed covers, 0 to 1; None where it was not heard.
        noise: what sounds where nobody speaks.
        reverberation_s: roughly the reverberation time; None where it does not show.
        phrases: the same judgement for every phrase, with what each treatment would cost it.
        rate: samples per second of the phrases' spans.
    """

    treatment: Treatment
    reason: str
    speech_share: float
    difference_lu: tuple[float, float] | None
    floor_dbfs: float
    warnings: tuple[str, ...]
    coverage: float | None = None
    noise: NoiseKind = "unheard"
    reverberation_s: float | None = None
    phrases: tuple[Choice, ...] = ()
    rate: int = 48_000

    def counts(self) -> dict[str, int]:
        """How many phrases call for each treatment."""
        chosen = [choice.treatment for choice in self.phrases]
        return {name: chosen.count(name) for name in TREATMENTS}

    def to_json(self) -> dict[str, Any]:
        from mediaclean.plan.as_json import choice_row

        return {
            "treatment": self.treatment,
            "reason": self.reason,
            "speech_share": round(self.speech_share, 4),
            "speech_over_bed_lu": None
            if self.difference_lu is None
            else {"median": round(self.difference_lu[0], 1), "worst_tenth": round(self.difference_lu[1], 1)},
            "floor_dbfs": round(self.floor_dbfs, 1),
            "covered": self.coverage,
            "noise": self.noise,
            "reverberation_s": self.reverberation_s,
            "warnings": list(self.warnings),
            "phrases": [choice_row(choice, self.rate) for choice in self.phrases],
        }


def advise(analysis: Analysis) -> Advice:
    """Look at what was heard, and say what to do about it. Pure."""
    spans = phrases(analysis.speech, SpeechSettings(), analysis.rate, analysis.length)
    sections = measure_sections(analysis.level_db, spans, analysis.rate)
    differences = np.array([section.difference_lu for section in sections])
    floor_lufs, _ = steady_noise(analysis, sections, RoomToneSettings())
    noise_lufs = floor_lufs + NOISE_MARGIN_LU
    quiet = quiet_frames(spans, len(analysis.level_db), analysis.rate)
    covered = _covered(analysis, sections)
    treatment, reason = _whole(differences, sections, noise_lufs, covered)
    decay_s = reverberation_s(analysis.level_db)
    return Advice(
        treatment,
        reason,
        sum(span.length for span in spans) / max(1, analysis.length),
        (float(np.median(differences)), float(np.percentile(differences, 10))) if sections else None,
        _floor_dbfs(analysis, spans),
        (*source_faults(analysis, quiet), *_echo(decay_s)),
        covered,
        noise_kind(analysis.level_db, quiet),
        decay_s,
        _by_phrase(analysis, spans, sections, noise_lufs),
        analysis.rate,
    )


def _covered(analysis: Analysis, sections: Sequence[Section]) -> float | None:
    """Of the worst tenth of the speech."""
    if not sections:
        return None
    worst = sorted(sections, key=lambda section: section.difference_lu)[: max(1, len(sections) // 10)]
    known = [share for section in worst if (share := coverage(analysis, section.span)) is not None]
    return round(float(np.mean(known)), 2) if known else None


def _by_phrase(
    analysis: Analysis, spans: Sequence[Span], sections: Sequence[Section], noise_lufs: float
) -> tuple[Choice, ...]:
    near = [
        section
        for section in sections
        if section.difference_lu < (NOISE_GOAL if section.bed_lufs <= noise_lufs else GOAL).target_lu
    ]
    return plan_choices(spans, sections, near, noise_lufs, analysis, GOAL)


def _echo(decay_s: float | None) -> Sequence[str]:
    if decay_s is None or decay_s < REVERBERANT_S:
        return ()
    return (f"the room rings for about {decay_s:.1f} s: set dereverb=on, or place the microphone closer",)


def _floor_dbfs(analysis: Analysis, spans: Sequence[Span]) -> float:
    """Where speech never stops, the quietest tenth of all; digital silence does not count."""
    heard = analysis.level_db > SILENT_DB
    quiet = heard & quiet_frames(spans, len(analysis.level_db), analysis.rate)
    levels = analysis.level_db[quiet if quiet.any() else heard]
    return float(np.percentile(levels, 10)) if levels.size else FLOOR_DB


def _whole(
    differences_lu: Sequence[float] | np.ndarray[Any, Any],
    sections: Sequence[Section],
    noise_lufs: float,
    covered: float | None,
) -> tuple[Treatment, str]:
    """The lightest treatment for the worst tenth of the speech."""
    if not len(differences_lu):
        return "leave", "no speech was found, so there is nothing to clear"
    worst = float(np.percentile(differences_lu, 10))
    bed_lufs = float(np.median([section.bed_lufs for section in sections]))
    error_lu = predicted_error_lu(worst, covered)
    if bed_lufs <= noise_lufs:
        chosen = choose(sections[0].span, worst, error_lu, NOISE_GOAL, bed="steady", coverage=covered)
        if chosen.treatment == "leave":
            return "leave", f"{chosen.reason}; a slightly noisy voice beats a robotic one"
    else:
        chosen = choose(sections[0].span, worst, error_lu, GOAL, bed="changing", coverage=covered)
    return chosen.treatment, chosen.reason
