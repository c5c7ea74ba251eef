"""What the ledger holds against a mix is done again, lighter or by another engine, and kept only if that helps.

A passage is the phrase around a mark. Its bed comes up by a step at a time; a passage stays at the lightest change that
takes enough of the severity away. Where none does, another engine separates it, if there is one; and where that does
not help either it stays as it was. All else keeps its gain and its voice, so outside of the passages and their ramps
the samples are the same bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mediaclean.audio import Block, Span, gaps, merge
from mediaclean.duck import duck
from mediaclean.job import Job
from mediaclean.ledger import WORDS, Ledger, LedgerSettings, Mark, Repair, judge, pages_of
from mediaclean.other_engine import Beds, OtherEngine, passages_of, replaced, with_voice
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
    other: OtherEngine | None

    def judge(self, plan: Plan, pages: Collection[int] | None = None) -> Ledger:
        gains = bed_curve(plan, self.job.preset.duck, self.job.rate)
        heard = ((block, gain, mixed) for block, gain, mixed in duck(self._separated(plan), gains))
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

    def _separated(self, plan: Plan) -> Iterator[Block]:
        beds: Beds = self.other.beds(passages_of(plan)) if self.other else {}
        return replaced(self.blocks("judge"), beds, self.job.fade)


def heal(
    job: Job,
    plan: Plan,
    blocks: Blocks,
    settings: LedgerSettings | None,
    *,
    start: int = 0,
    inside: Span | None = None,
    other: OtherEngine | None = None,
) -> tuple[Plan, Ledger | None]:
    """Judge a settled plan, and mend it where that helps. A plan that was mended before is only judged.

    Args:
        job: gives the rate, the layout and how dips are joined.
        plan: all its dips have gains.
        blocks: starts the separated sound anew, under the name of a stage.
        settings: None for neither judging nor repair.
        start: position of the first block, for a part of a track.
        inside: only marks that touch it count; None for all.
        other: separates passages again that no lighter dose helps.

    Returns:
        the plan to use, and what the ledger says of it; no ledger where nothing was judged.
    """
    if settings is None:
        return plan, None
    if not len(bed_curve(plan, job.preset.duck, job.rate).positions):
        return plan, Ledger(plan.rate)
    ear = _Ear(job, blocks, settings, start, inside, other)
    first = ear.judge(plan)
    spans = passages(first.marks, plan) if settings.repair == "lighter" and not plan.mended else []
    if not spans:
        return plan, first
    raised = _try(ear, plan, first, spans)
    before = {span: first.over([span]).score for span in spans}
    unhelped = tuple(Repair(span, 0.0, before[span], before[span]) for span in spans)
    changed = with_raised(plan, raised, _reasons(first))
    left = [span for span in spans if span not in raised]
    swapped = _by_other(ear, changed, first, left)
    if other is not None and swapped:
        changed = with_engine(changed, swapped, other.name, _reasons(first))
    touched = _pages(job, plan, [*raised, *swapped])
    last = _combined(first, ear.judge(changed, touched), touched) if touched else first
    if last.score >= first.score:
        return plan, replace(first, repairs=unhelped)
    repairs = tuple(
        Repair(
            span,
            raised.get(span, 0.0),
            before[span],
            last.over([span]).score,
            other.name if other is not None and span in swapped else "",
        )
        for span in spans
    )
    return replace(changed, mended=True), replace(last, repairs=repairs)


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


def _by_other(ear: _Ear, plan: Plan, first: Ledger, spans: Sequence[Span]) -> list[Span]:
    """The passages of these that another engine's voice helps enough."""
    if ear.other is None or not spans:
        return []
    before = {span: first.over([span]).score for span in spans}
    wanted = worst(before, round(ear.settings.other_engine_s * plan.rate))
    if not wanted or not ear.other.name:
        return []
    wanted = with_voice(ear.blocks("judge"), ear.other.beds(wanted))
    if not wanted:
        return []
    found = ear.judge(with_engine(plan, wanted, ear.other.name), _pages(ear.job, plan, wanted))
    limits = {span: (1.0 - ear.settings.better) * before[span] for span in wanted}
    scores = {span: found.over([span]).score for span in wanted}
    return [span for span in wanted if scores[span] <= limits[span] and scores[span] < before[span]]


def worst(scores: Mapping[Span, float], length: int) -> list[Span]:
    """The passages with the highest scores that together are at most so many samples long, in order of time.

    >>> worst({Span(0, 10): 1.0, Span(20, 30): 3.0, Span(40, 45): 2.0}, 15)
    [Span(start=20, stop=30), Span(start=40, stop=45)]
    """
    chosen: list[Span] = []
    for span in sorted(scores, key=lambda span: -scores[span]):
        if span.length + sum(each.length for each in chosen) <= length:
            chosen.append(span)
    return sorted(chosen)


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
            if part is None or not dip.gain_db or dip.lighter_db or dip.engine:
                continue
            start = dip.span.start if part.start - dip.span.start < least else part.start
            stop = dip.span.stop if dip.span.stop - part.stop < least else part.stop
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
