"""`duck.mode = "auto"`: a treatment for every phrase, predicted from the mix, settled on separated voice and bed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mediaclean.advice.acoustics import coverage
from mediaclean.audio import Span, merge, power_to_db
from mediaclean.bed.duck import DuckSettings
from mediaclean.bed.judging import Bed, Choice, choose, costs, predicted_error_lu
from mediaclean.bed.level import PROOF_LU, Section, overlapping
from mediaclean.bed.singing import SINGS

if TYPE_CHECKING:
    from mediaclean.analysis import Analysis
    from mediaclean.bed.dips import DipLevels
    from mediaclean.plan.records import Plan, PlannedDip

HOLD_S = 6.0
"""A bed that is reduced or removed under two phrases stays down in a gap between them that is no longer than this."""
TRUST_LU = 6.0
"""A separated bed that is louder than the mix showed it by more than this holds voice: lowering it would lower that.
Where the mix showed none (more than PROOF_LU under the speech), it may have hidden between words."""
LEAST_ERROR_LU, MOST_ERROR_LU = -10.0, 30.0
ALIKE = 0.6
"""Voice and bed that correlate more than this are two copies of one sound: lowering one would only lower the other."""
SAME = "the separated bed is the voice again: lowering it would lower both"
NO_SPEECH = "no speech was found in the separated voice"


@dataclass(frozen=True)
class Measured:
    """What the separated sound says of a stretch.

    Attributes:
        difference_lu: speech above bed.
        error_lu: speech above the error of its separation.
        likeness: the correlation of separated voice and bed: 0 for a good separation, 1 where both are the same sound.
        sung: whether the voice sings.
    """

    difference_lu: float
    error_lu: float
    likeness: float = 0.0
    sung: bool = False

    @staticmethod
    def of(levels: DipLevels) -> Measured:
        """The same from levels."""
        error_lu = min(max(levels.voice_lufs - levels.error_lufs, LEAST_ERROR_LU), MOST_ERROR_LU)
        return Measured(levels.voice_lufs - levels.bed_lufs, error_lu, levels.likeness, levels.sung)


def plan_choices(
    phrases: Sequence[Span],
    sections: Sequence[Section],
    over_bed: Sequence[Section],
    noise_lufs: float,
    analysis: Analysis,
    settings: DuckSettings,
) -> tuple[Choice, ...]:
    """What is predicted to be best, one choice for every phrase or every stretch of it over a bed. Pure.

    Args:
        phrases: where speech is.
        sections: of the phrases, with their levels.
        over_bed: those that will be separated.
        noise_lufs: a bed up to this level is the recording's own steady noise.
        analysis: of the track.
        settings: the goal.
    """
    separated = merge(section.span for section in over_bed)
    clear = [phrase for phrase in phrases if not any(phrase.overlaps(span) for span in separated)]
    found = []
    for span in sorted([*separated, *clear]):
        own = overlapping(sections, span)
        if own:
            found.append(_choice(span, own, noise_lufs, analysis, settings, is_separated=span in separated))
    return tuple(found)


def _choice(
    span: Span,
    sections: Sequence[Section],
    noise_lufs: float,
    analysis: Analysis,
    settings: DuckSettings,
    *,
    is_separated: bool,
) -> Choice:
    weights = [section.span.length for section in sections]
    speech_lufs = _mean_db([section.speech_lufs for section in sections], weights)
    bed_lufs = _mean_db([section.bed_lufs for section in sections], weights)
    difference_lu, bed = speech_lufs - bed_lufs, _bed(bed_lufs, noise_lufs)
    covered = coverage(analysis, span)
    error_lu = predicted_error_lu(difference_lu, covered)
    if is_separated:
        return choose(span, difference_lu, error_lu, settings, bed=bed, coverage=covered)
    reason = f"the bed lies {difference_lu:.0f} LU under the speech: not worth separating"
    each = costs(difference_lu, error_lu, settings)
    return Choice(span, "leave", 0.0, round(difference_lu, 1), bed, covered, "mix", tuple(each.values()), reason)


def _bed(bed_lufs: float, noise_lufs: float) -> Bed:
    return "steady" if bed_lufs <= noise_lufs else "changing"


def _mean_db(levels: Sequence[float], weights: Sequence[int]) -> float:
    return float(power_to_db(np.average(10.0 ** (np.array(levels) / 10.0), weights=weights)))


def settle(predicted: Choice | None, span: Span, measured: Measured | None, settings: DuckSettings) -> Choice:
    """The choice for a stretch from what was measured. Pure.

    Args:
        predicted: what the plan says of it, if anything.
        span: the stretch.
        measured: None where the separated voice is no speech.
        settings: the goal.
    """
    covered, bed = (predicted.coverage, predicted.bed) if predicted else (None, "changing")
    if measured is None:
        difference_lu = predicted.difference_lu if predicted else 0.0
        each = costs(difference_lu, MOST_ERROR_LU, settings)
        return Choice(span, "leave", 0.0, difference_lu, bed, covered, "separated", tuple(each.values()), NO_SPEECH)
    song = measured.sung and settings.singing == "leave"
    if song or measured.likeness > ALIKE:
        each = costs(measured.difference_lu, measured.error_lu, settings)
        difference_lu, reason = round(measured.difference_lu, 1), SINGS if song else SAME
        return Choice(span, "leave", 0.0, difference_lu, bed, covered, "separated", tuple(each.values()), reason)
    difference_lu, error_lu = measured.difference_lu, measured.error_lu
    holds_voice = False
    if predicted is not None and predicted.basis == "mix" and predicted.difference_lu <= PROOF_LU:
        holds_voice = difference_lu < predicted.difference_lu - TRUST_LU
        difference_lu = max(difference_lu, predicted.difference_lu - TRUST_LU)
    chosen = choose(span, difference_lu, error_lu, settings, bed=bed, coverage=covered, basis="separated")
    return replace(chosen, reason=f"{chosen.reason}; the separated bed holds voice") if holds_voice else chosen


def settle_plan(plan: Plan, parts: Sequence[Span], measured: Sequence[Measured | None], settings: DuckSettings) -> Plan:
    """The plan with what was measured under its dips: gains, and the choices that they come from. Pure.

    A dip that has its gain already keeps it, and so does its choice.

    Args:
        plan: with a dip for every phrase.
        parts: the phrase in each dip.
        measured: under each.
        settings: the goal.
    """
    riding = [dip.span for dip in plan.dips if dip.gain_db is None]
    settled = [choice for choice in plan.choices if not any(choice.span.overlaps(span) for span in riding)]
    dips: list[PlannedDip] = []
    down: list[bool] = []
    for dip, part, each in zip(plan.dips, parts, measured, strict=True):
        if dip.gain_db is not None:
            dips.append(dip)
            down.append(False)
            continue
        chosen = settle(_nearest(plan.choices, part), part, each, settings)
        settled.append(chosen)
        dips.append(replace(dip, gain_db=chosen.gain_db, reason=f"{chosen.treatment}: {chosen.reason}"))
        down.append(chosen.treatment in {"reduce", "remove"})
    choices = tuple(sorted(settled, key=lambda choice: choice.span))
    return replace(plan, dips=tuple(_held(dips, down, round(HOLD_S * plan.rate))), choices=choices)


def _nearest(choices: Sequence[Choice], span: Span) -> Choice | None:
    """The choice that shares most with a span."""
    shared = [(part.length, choice) for choice in choices if (part := choice.span.clip(span.start, span.stop))]
    return max(shared, key=lambda pair: pair[0])[1] if shared else None


def _held(dips: Sequence[PlannedDip], down: Sequence[bool], longest: int) -> list[PlannedDip]:
    """The dips, of which neighbours that stay down meet in the middle of a gap that is not too long."""
    found = list(dips)
    for number in range(1, len(found)):
        before, after = found[number - 1], found[number]
        gap = after.span.start - before.span.stop
        if down[number - 1] and down[number] and 0 < gap <= longest:
            middle = before.span.stop + gap // 2
            found[number - 1] = replace(before, span=Span(before.span.start, middle))
            found[number] = replace(after, span=Span(middle, after.span.stop))
    return found
