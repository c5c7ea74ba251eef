"""Which passages of a plan are done again because of the ledger's marks, and what the plan is then.

A passage is the phrase around a mark, as far as the bed is lowered there. Pure, and only ever lighter: nothing here
lowers a bed further.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from mediaclean.audio import Span, merge
from mediaclean.ledger import Mark
from mediaclean.plan.make import Plan, PlannedDip

AROUND_S = 0.25
"""Around a mark that lies in no phrase."""
LEAST_S = 1.0
"""What would be left of a dip beside a passage, if shorter than this, is done again with it."""


def passages(marks: Sequence[Mark], plan: Plan) -> list[Span]:
    """What would be done again: the phrases that the marks touch, or the surroundings of a mark between phrases, where
    the bed is lowered at the mark; whole dips if little of them would be left."""
    around, least = round(AROUND_S * plan.rate), round(LEAST_S * plan.rate)
    wanted: list[Span] = []
    for mark in marks:
        touched = [phrase.span for phrase in plan.phrases if phrase.span.overlaps(mark.span)]
        wanted.extend(touched or [Span(max(0, mark.span.start - around), min(plan.length, mark.span.stop + around))])
    found: list[Span] = []
    for span in merge(wanted):
        for dip in plan.dips:
            part = dip.span.clip(span.start, span.stop)
            if part is None or not dip.gain_db or dip.lighter_db or dip.engine:
                continue
            start = dip.span.start if part.start - dip.span.start < least else part.start
            stop = dip.span.stop if dip.span.stop - part.stop < least else part.stop
            if any(mark.span.overlaps(Span(start, stop)) for mark in marks):
                found.append(Span(start, stop))
    return merge(found)


def with_raised(plan: Plan, raised: Mapping[Span, float], reasons: Mapping[Span, str] | None = None) -> Plan:
    """The plan with the bed raised by so many dB in some spans, at most to its own level; dips are divided there."""

    def lighter(part: PlannedDip, span: Span) -> PlannedDip:
        before_db = part.gain_db or 0.0
        gain_db = round(min(0.0, before_db + raised[span]), 2)
        lighter_db = round(gain_db - before_db, 2)
        reason = f"{part.reason}; {lighter_db:g} dB lighter{_why(part, reasons)}"
        return replace(part, gain_db=gain_db, reason=reason, lighter_db=lighter_db)

    return _divided(plan, list(raised), lighter)


def given_up_s(plan: Plan, span: Span, raised_db: float) -> float:
    """For how many seconds of a span its dips are taken away if the bed is raised: half of a dip counts as half."""
    parts = ((dip.span.clip(span.start, span.stop), -dip.gain_db) for dip in plan.dips if dip.gain_db)
    shares = ((part.length, min(1.0, raised_db / depth_db)) for part, depth_db in parts if part is not None)
    return sum(length * share for length, share in shares) / plan.rate


def with_engine(plan: Plan, spans: Sequence[Span], engine: str, reasons: Mapping[Span, str] | None = None) -> Plan:
    """The plan with another engine's voice under the dips in some spans; dips are divided there."""

    def other(part: PlannedDip, _: Span) -> PlannedDip:
        reason = f"{part.reason}; separated again by {engine}{_why(part, reasons)}"
        return replace(part, engine=engine, reason=reason)

    return _divided(plan, spans, other)


def _divided(plan: Plan, spans: Sequence[Span], change: Callable[[PlannedDip, Span], PlannedDip]) -> Plan:
    """The plan with the parts of its settled dips inside the spans changed."""
    dips: list[PlannedDip] = []
    for dip in plan.dips:
        at = dip.span.start
        for span in sorted(spans):
            part = dip.span.clip(span.start, span.stop)
            if part is None or dip.gain_db is None:
                continue
            if at < part.start:
                dips.append(replace(dip, span=Span(at, part.start)))
            dips.append(change(replace(dip, span=part), span))
            at = part.stop
        if at < dip.span.stop:
            dips.append(replace(dip, span=Span(at, dip.span.stop)))
    return replace(plan, dips=tuple(dips))


def _why(part: PlannedDip, reasons: Mapping[Span, str] | None) -> str:
    return next((f": {text}" for marked, text in (reasons or {}).items() if marked.overlaps(part.span)), "")
