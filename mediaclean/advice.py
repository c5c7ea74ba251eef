"""What an editor would be told about a recording: leave, duck, reduce or remove, and what is wrong with the source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mediaclean.analysis import Analysis
from mediaclean.audio import FLOOR_DB, Span
from mediaclean.bed import measure_sections, quiet_frames
from mediaclean.plan import NOISE_MARGIN_LU, steady_noise
from mediaclean.roomtone import RoomToneSettings
from mediaclean.roomtone_sources import SILENT_DB
from mediaclean.speech import SpeechSettings, phrases

Treatment = Literal["leave", "duck", "reduce", "remove"]

CLEAR_LU = 20.0
"""A bed this far under speech disturbs nobody: 15 LU for ambience and 4 more for lay listeners (Torcoli 2019)."""
DUCKED_LU = 10.0
COVERED_LU = 4.0
NARROW_HZ = 7500.0


@dataclass(frozen=True)
class Advice:
    """What was found in a recording, in the terms of an editor.

    Attributes:
        treatment: the lightest that makes the dialogue work.
        reason: why, in one sentence.
        speech_share: 0 to 1.
        difference_lu: speech above the bed, the median and the worst tenth of the sections; None without speech.
        floor_dbfs: K-weighted level of the quietest tenth outside speech.
        warnings: faults of the source, one sentence each.
    """

    treatment: Treatment
    reason: str
    speech_share: float
    difference_lu: tuple[float, float] | None
    floor_dbfs: float
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "treatment": self.treatment,
            "reason": self.reason,
            "speech_share": round(self.speech_share, 4),
            "speech_over_bed_lu": None
            if self.difference_lu is None
            else {"median": round(self.difference_lu[0], 1), "worst_tenth": round(self.difference_lu[1], 1)},
            "floor_dbfs": round(self.floor_dbfs, 1),
            "warnings": list(self.warnings),
        }


def advise(analysis: Analysis) -> Advice:
    """Look at what was heard, and say what to do about it. Pure."""
    spans = phrases(analysis.speech, SpeechSettings(), analysis.rate, analysis.length)
    sections = measure_sections(analysis.level_db, spans, analysis.rate)
    differences = np.array([section.difference_lu for section in sections])
    noise_lufs, _ = steady_noise(analysis, sections, RoomToneSettings())
    steady = bool(sections) and float(np.median([s.bed_lufs for s in sections])) <= noise_lufs + NOISE_MARGIN_LU
    treatment, reason = _treatment(differences, is_steady=steady)
    return Advice(
        treatment,
        reason,
        sum(span.length for span in spans) / max(1, analysis.length),
        (float(np.median(differences)), float(np.percentile(differences, 10))) if sections else None,
        _floor_dbfs(analysis, spans),
        tuple(_warnings(analysis)),
    )


def _floor_dbfs(analysis: Analysis, spans: Sequence[Span]) -> float:
    """Where speech never stops, the quietest tenth of all; digital silence does not count."""
    heard = analysis.level_db > SILENT_DB
    quiet = heard & quiet_frames(spans, len(analysis.level_db), analysis.rate)
    levels = analysis.level_db[quiet if quiet.any() else heard]
    return float(np.percentile(levels, 10)) if levels.size else FLOOR_DB


def _treatment(differences_lu: Sequence[float] | np.ndarray[Any, Any], *, is_steady: bool) -> tuple[Treatment, str]:
    """The lightest treatment for these differences between speech and bed."""
    if not len(differences_lu):
        return "leave", "no speech was found, so there is nothing to clear"
    worst = float(np.percentile(differences_lu, 10))
    if worst >= CLEAR_LU:
        return "leave", f"the bed lies at least {worst:.0f} LU under the speech: it disturbs nobody"
    if is_steady:
        if worst >= DUCKED_LU:
            return "leave", f"steady noise {worst:.0f} LU under the speech: a slightly noisy voice beats a robotic one"
        return "reduce", f"steady noise only {worst:.0f} LU under the speech: lower it by some 10 dB, no more"
    if worst >= COVERED_LU:
        return "duck", f"the bed comes within {worst:.0f} LU of the speech: duck it to {DUCKED_LU:.0f} LU or more"
    return "remove", f"the bed comes within {worst:.0f} LU of the speech and covers words: separate, and keep a trace"


def _warnings(analysis: Analysis) -> Iterable[str]:
    if analysis.clipped:
        times = "once" if analysis.clipped == 1 else f"{analysis.clipped} times"
        yield f"the recording clips {times}"
    if 0.0 < analysis.bandwidth_hz < min(NARROW_HZ, 0.45 * analysis.rate):
        yield f"there is nothing above {analysis.bandwidth_hz / 1000:.1f} kHz: a telephone or a low bit rate"
    if analysis.rate < 16000:
        yield f"the track has only {analysis.rate / 1000:g} kHz"
    silent_s = sum(hole.length for hole in analysis.holes) / analysis.rate
    if silent_s > 0.1:
        yield f"{silent_s:.1f} s are digital silence in {len(analysis.holes)} places"
    if analysis.loudness.integrated_lufs is not None and analysis.loudness.integrated_lufs < -40.0:
        yield f"the recording is very quiet ({analysis.loudness.integrated_lufs:.0f} LUFS)"
