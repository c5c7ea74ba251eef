"""What is separated: the speech over a bed, what lies near to it, and in parts that are not too long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mediaclean.audio import Span, frame_edges, frames_of, merge
from mediaclean.bed.level import Section, overlapping
from mediaclean.plan.records import Cut

if TYPE_CHECKING:
    from mediaclean.analysis import Analysis
    from mediaclean.preset import Preset


def plan_cuts(
    over_bed: Sequence[Section],
    listened: Sequence[Section],
    sections: Sequence[Section],
    analysis: Analysis,
    preset: Preset,
) -> list[Cut]:
    """The spans to separate. Pure.

    Args:
        over_bed: sections with a bed, which are the reason.
        listened: these, and what lies near to them.
        sections: all of them.
        analysis: of the track.
        preset: how cuts are joined, widened and split.
    """
    if not listened or preset.separate is None:
        return []
    rate, settings = analysis.rate, preset.separate
    joined = merge([section.span for section in listened], gap=round(settings.bridge_s * rate))
    inside = set(listened)
    clear = [section.span for section in sections if section not in inside]
    wide = merge(_widened(span, clear, round(settings.edge_s * rate), analysis.length) for span in joined)
    parts = [part for span in wide for part in _split(span, analysis, round(settings.longest_s * rate))]
    return [Cut(part, _reason(overlapping(over_bed, part))) for part in parts]


def _widened(span: Span, clear: Sequence[Span], edge: int, length: int) -> Span:
    """A cut with its surroundings, up to the next clear speech: in loud noise the detector hears words late, and to
    let the bed fall before them, the voice must be known there."""
    before = max((part.stop for part in clear if part.stop <= span.start), default=0)
    after = min((part.start for part in clear if part.start >= span.stop), default=length)
    return Span(max(before, span.start - edge), min(after, span.stop + edge))


def _reason(sections: Sequence[Section]) -> str:
    if not sections:
        return "near to speech over a bed"
    differences = [section.difference_lu for section in sections]
    low, high = min(differences), max(differences)
    spread = f"{low:.0f} LU" if round(low) == round(high) else f"{low:.0f} to {high:.0f} LU"
    return f"speech is only {spread} above the bed"


def _split(span: Span, analysis: Analysis, longest: int) -> list[Span]:
    """Parts of at most `longest` samples, split where the detector is least sure of speech, in the last third."""
    parts = []
    while span.length > longest:
        window = Span(span.start + longest * 2 // 3, span.start + longest)
        frames = frames_of(window, analysis.rate)
        weakest = int(np.argmin(analysis.speech[frames])) + frames.start
        at = int(np.clip(frame_edges(weakest, weakest, analysis.rate)[0], window.start, window.stop))
        parts.append(Span(span.start, at))
        span = Span(at, span.stop)
    return [*parts, span]
