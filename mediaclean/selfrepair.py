"""What the ledger holds against a mix is done again with a lighter dose, and kept only if the ledger improves.

A passage is the phrase around a mark. Its bed comes up by a step at a time; a passage stays at the lightest change that
takes enough of the severity away, and where none does it stays as it was. All else keeps its gain, so outside of the
passages and their ramps the samples are the same bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from mediaclean.audio import Block, Span, gaps, merge
from mediaclean.duck import duck
from mediaclean.job import Job
from mediaclean.ledger import WORDS, Ledger, LedgerSettings, Mark, Repair, judge, pages_of
from mediaclean.plan import Plan, PlannedDip
from mediaclean.render import bed_curve

AROUND_S = 0.25
"""Around a mark that lies in no phrase."""
LEAST_S = 1.0
"""What would be left of a dip beside a passage, if shorter than this, is done again with it."""

Blocks = Callable[[str], Iterator[Block]]


@dataclass(frozen=True)
class _Ear:
    """Judges plans of one job over the same separated sound."""

    job: Job
    blocks: Blocks
    settings: LedgerSettings
    start: int
    inside: Span | None

    def judge(self, plan: Plan, pages: Collection[int] | None = None) -> Ledger:
        gains = bed_curve(plan, self.job.preset.duck, self.job.rate)
        heard = ((block, gain, mixed) for block, gain, mixed in duck(self.blocks("judge"), gains))
        ledger = judge(
            heard,
            [phrase.span for phrase in plan.phrases],
            rate=plan.rate,
            length=plan.length,
            centre=self.job.track.centre,
            settings=self.settings,
            start=self.start,
            pages=pages,
        )
        return ledger if self.inside is None else ledger.over([self.inside])


def heal(
    job: Job,
    plan: Plan,
    blocks: Blocks,
    settings: LedgerSettings | None,
    *,
    start: int = 0,
    inside: Span | None = None,
) -> tuple[Plan, Ledger | None]:
    """Judge a settled plan, and make it lighter where that helps.

    Args:
        job: gives the rate, the layout and how dips are joined.
        plan: all its dips have gains.
        blocks: starts the separated sound anew, under the name of a stage.
        settings: None for neither judging nor repair.
        start: position of the first block, for a part of a track.
        inside: only marks that touch it count; None for all.

    Returns:
        the plan to use, and what the ledger says of it; no ledger where nothing was judged.
    """
    if settings is None:
        return plan, None
    if not len(bed_curve(plan, job.preset.duck, job.rate).positions):
        return plan, Ledger(plan.rate)
    ear = _Ear(job, blocks, settings, start, inside)
    first = ear.judge(plan)
    spans = passages(first.marks, plan) if settings.repair == "lighter" else []
    if not spans:
        return plan, first
    raised = _try(ear, plan, first, spans)
    before = {span: first.over([span]).score for span in spans}
    unhelped = tuple(Repair(span, 0.0, before[span], before[span]) for span in spans)
    if not raised:
        return plan, replace(first, repairs=unhelped)
    lighter = with_raised(plan, raised, _reasons(first))
    last = _combined(first, ear.judge(lighter, _pages(job, plan, raised)), _pages(job, plan, raised))
    if last.score >= first.score:
        return plan, replace(first, repairs=unhelped)
    repairs = tuple(Repair(span, raised.get(span, 0.0), before[span], last.over([span]).score) for span in spans)
    return lighter, replace(last, repairs=repairs)


def _try(ear: _Ear, plan: Plan, first: Ledger, spans: Sequence[Span]) -> dict[Span, float]:
    """By how many dB each passage is best raised; those that no step helps are left out."""
    settings = ear.settings
    before = {span: first.over([span]).score for span in spans}
    best: dict[Span, tuple[float, float]] = {}
    open_spans = list(spans)
    for step in range(1, settings.steps + 1):
        trial = {**{span: db for span, (db, _) in best.items()}, **dict.fromkeys(open_spans, step * settings.step_db)}
        found = ear.judge(with_raised(plan, trial), _pages(ear.job, plan, open_spans))
        for span in list(open_spans):
            score = found.over([span]).score
            limit = best[span][1] if span in best else before[span]
            if score <= (1.0 - settings.better) * limit and score < limit:
                best[span] = (step * settings.step_db, score)
            if score == 0.0:
                open_spans.remove(span)
        if not open_spans:
            break
    return {span: db for span, (db, _) in best.items()}


def passages(marks: Iterable[Mark], plan: Plan) -> list[Span]:
    """What would be done again: the phrases that the marks touch, or the surroundings of a mark between phrases, where
    the bed is lowered; whole dips if little of them would be left."""
    around, least = round(AROUND_S * plan.rate), round(LEAST_S * plan.rate)
    wanted: list[Span] = []
    for mark in marks:
        touched = [phrase.span for phrase in plan.phrases if phrase.span.overlaps(mark.span)]
        wanted.extend(touched or [Span(max(0, mark.span.start - around), min(plan.length, mark.span.stop + around))])
    found: list[Span] = []
    for span in merge(wanted):
        for dip in plan.dips:
            part = dip.span.clip(span.start, span.stop)
            if part is None or not dip.gain_db or dip.lighter_db:
                continue
            start = dip.span.start if part.start - dip.span.start < least else part.start
            stop = dip.span.stop if dip.span.stop - part.stop < least else part.stop
            found.append(Span(start, stop))
    return merge(found)


def with_raised(plan: Plan, raised: dict[Span, float], reasons: dict[Span, str] | None = None) -> Plan:
    """The plan with the bed raised by so many dB in some spans, at most to its own level; dips are divided there."""
    dips = [part for dip in plan.dips for part in _divided(dip, raised, reasons or {})]
    return replace(plan, dips=tuple(dips))


def _divided(dip: PlannedDip, raised: dict[Span, float], reasons: dict[Span, str]) -> Iterator[PlannedDip]:
    at = dip.span.start
    for span in sorted(raised):
        part = dip.span.clip(span.start, span.stop)
        if part is None or dip.gain_db is None:
            continue
        if at < part.start:
            yield replace(dip, span=Span(at, part.start))
        gain_db = round(min(0.0, dip.gain_db + raised[span]), 2)
        why = next((text for marked, text in reasons.items() if marked.overlaps(span)), "")
        lighter_db = round(gain_db - dip.gain_db, 2)
        reason = f"{dip.reason}; {lighter_db:g} dB lighter{f': {why}' if why else ''}"
        yield replace(dip, span=part, gain_db=gain_db, reason=reason, lighter_db=lighter_db)
        at = part.stop
    if at < dip.span.stop:
        yield replace(dip, span=Span(at, dip.span.stop))


def _reasons(ledger: Ledger) -> dict[Span, str]:
    return {mark.span: WORDS[mark.kind] for mark in sorted(ledger.marks, key=lambda mark: -mark.severity)}


def _pages(job: Job, plan: Plan, spans: Iterable[Span]) -> set[int]:
    """The pages that can hear a change of the gain in these spans, ramps included."""
    settings = job.preset.duck
    ramp = round(((settings.attack_s + settings.release_s) if settings else 2.0) * plan.rate)
    wide = (Span(max(0, span.start - ramp), min(plan.length, span.stop + ramp)) for span in spans)
    return pages_of(wide, plan.rate, plan.length)


def _combined(first: Ledger, again: Ledger, pages: Collection[int]) -> Ledger:
    """The marks of the pages that were judged again, and the first ones elsewhere."""
    from mediaclean.ledger.pages import join, page_span

    judged = [page_span(page, first.rate) for page in pages]
    free = gaps(judged, max((mark.span.stop for mark in first.marks), default=0))
    parts = ((mark, mark.span.clip(gap.start, gap.stop)) for mark in first.marks for gap in free)
    kept = [replace(mark, span=part) for mark, part in parts if part is not None]
    return Ledger(first.rate, tuple(join([*kept, *again.marks])))
