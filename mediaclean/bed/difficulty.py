"""Where is a recording hardest to clean? Predicted from the analysis alone, before anything is separated.

A network that separates a voice leaves an error under it. How far under follows from how far the bed lies under the
speech: the closer the bed, the worse. The error's energy is added up over a passage and compared with the speech's,
just as the SI-SDR of the whole passage would, so that one loud bad phrase counts for more than many quiet ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediaclean.analysis import Analysis
from mediaclean.audio import Span, frames_of
from mediaclean.bed.level import Section, measure_sections, overlapping, quiet_frames
from mediaclean.speech import SpeechSettings, phrases

STEP_S = 1.0
"""Passages begin on this grid."""

ERROR_AT_EVEN_DB = 9.0
ERROR_SLOPE = 0.72
"""A small network's voice stands about 9 + 0.72 d dB over its error where the speech is d LU over the bed."""

CLEAR_DB = 30.0
"""An error this far under the voice is not heard: such a passage has the difficulty 0."""

ENOUGH_SPEECH = 0.25
"""With less speech than this share, there is less to lose."""

MOVING_LU = 6.0
TONAL_DB = 7.5
"""Height of spectral peaks over their surroundings from which a bed is music (as in the choice of room tone)."""


@dataclass(frozen=True)
class Passage:
    """A stretch of the track with its predicted difficulty.

    Attributes:
        span: in samples of the track.
        difficulty: predicted error of a separated voice in dB, from 0 for clear to about 30 for hopeless.
        speech_share: 0 to 1.
        reason: in an editor's words.
    """

    span: Span
    difficulty: float
    speech_share: float
    reason: str


def hardest(
    analysis: Analysis, *, seconds: float, count: int = 3, speech: SpeechSettings | None = None
) -> list[Passage]:
    """The hardest passages of a track, the worst first. Pure.

    Args:
        analysis: of the whole track.
        seconds: how long a passage is; a shorter track is one passage.
        count: how many at most; they do not overlap.
        speech: what counts as a phrase.

    Returns:
        Fewer than `count` where the track is too short, and none where there is no speech.
    """
    spans = phrases(analysis.speech, speech or SpeechSettings(), analysis.rate, analysis.length)
    sections = measure_sections(analysis.level_db, spans, analysis.rate)
    candidates = windows(analysis.length, analysis.rate, seconds)
    scores = difficulties(candidates, sections)
    chosen: list[Passage] = []
    for index in np.argsort(-scores, kind="stable"):
        span, share = candidates[int(index)], _share(candidates[int(index)], spans)
        if share > 0.0 and not any(span.overlaps(other.span) for other in chosen):
            chosen.append(
                Passage(span, round(float(scores[index]), 2), round(share, 4), _reason(span, sections, analysis))
            )
        if len(chosen) == count:
            break
    return chosen


def windows(length: int, rate: int, seconds: float) -> list[Span]:
    """All passages of `seconds` on the grid, and the one that ends with the track."""
    size, step = round(seconds * rate), round(STEP_S * rate)
    last = max(0, length - size)
    return [Span(start, min(start + size, length)) for start in sorted({*range(0, last + 1, step), last})]


def difficulties(spans: Sequence[Span], sections: Sequence[Section]) -> NDArray[np.float64]:
    """The predicted difficulty of each span, shape (spans,); 0 for spans without speech.

    Each section of speech has the energy of its voice and of the error under it; a span takes the part of both that
    lies inside. With the sections in order this is one running sum, so that an hour has its answer at once.
    """
    if not sections or not spans:
        return np.zeros(len(spans))
    power = 10.0 ** (np.array([section.speech_lufs for section in sections]) / 10.0)
    error = power * 10.0 ** (-np.array([_over_error_db(section) for section in sections]) / 10.0)
    edges = np.array([edge for section in sections for edge in (section.span.start, section.span.stop)])
    starts, stops = np.array([span.start for span in spans]), np.array([span.stop for span in spans])

    def inside(density: NDArray[np.float64]) -> NDArray[np.float64]:
        per_section = density * (edges[1::2] - edges[::2])
        grown = np.concatenate([[0.0], np.cumsum(per_section)])
        running = np.repeat(grown, 2)[1:-1]
        return np.asarray(np.interp(stops, edges, running) - np.interp(starts, edges, running))

    voice = np.maximum(inside(power), 1e-30)
    under_db = 10.0 * np.log10(np.maximum(inside(error), 1e-30) / voice)
    share = inside(np.ones(len(sections))) / np.maximum(stops - starts, 1)
    enough = np.minimum(1.0, share / ENOUGH_SPEECH)
    return np.where(share > 0.0, np.maximum(0.0, CLEAR_DB + under_db) * enough, 0.0)


def _over_error_db(section: Section) -> float:
    """How far the separated voice stands over its error."""
    return ERROR_AT_EVEN_DB + ERROR_SLOPE * section.difference_lu


def _share(span: Span, speech: Sequence[Span]) -> float:
    inside = (phrase.clip(span.start, span.stop) for phrase in speech)
    return sum(part.length for part in inside if part) / max(1, span.length)


def _reason(span: Span, sections: Sequence[Section], analysis: Analysis) -> str:
    """What makes this passage hard, most important first."""
    own = overlapping(sections, span)
    differences = np.array([section.difference_lu for section in own])
    low, high = (float(np.percentile(differences, share)) for share in (10, 90))
    if low >= 20.0:
        return f"clear: the bed lies at least {low:.0f} LU under the speech"
    tonal = _is_tonal(span, [section.span for section in own], analysis)
    moves = np.abs(np.diff([section.bed_lufs for section in own])).max(initial=0.0)
    changing = f", which changes by up to {moves:.0f} LU" if moves >= MOVING_LU else ""
    return _closeness(low, high, "a bed tonal like music" if tonal else "the bed") + changing


def _closeness(low: float, high: float, bed: str) -> str:
    if high < 1.0:
        return f"speech is no louder than {bed}"
    if round(low) == round(high):
        return f"speech is {high:.0f} LU above {bed}"
    if low < 0.5:
        return f"speech is at most {high:.0f} LU, at worst not at all, above {bed}"
    return f"speech is {low:.0f} to {high:.0f} LU above {bed}"


def _is_tonal(span: Span, speech: Sequence[Span], analysis: Analysis) -> bool:
    frames = frames_of(span, analysis.rate)
    quiet = quiet_frames(speech, len(analysis.level_db), analysis.rate)[frames]
    heard = analysis.features.tonality_db[frames][quiet & (analysis.level_db[frames] > -60.0)]
    return bool(heard.size >= 15 and np.median(heard) > TONAL_DB)
