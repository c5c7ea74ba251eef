"""What the ledger holds against a mix is done again, lighter or by another engine, and kept only if that helps.

A passage is the phrase around a mark. Its bed comes up by a step at a time; a passage stays at the lightest change that
takes enough of the severity away, and as much as what it gives up of the dip is worth. Where none does, another engine
separates it, if there is one; and where that does not help either it stays as it was. All else keeps its gain and its
voice, so outside of the passages, their ramps and the gaps bridged from them to the next dip the samples are the same
bit by bit.

The sound goes by twice, however many passages and steps there are: once to be judged, and once more for the passages,
each of which is held in memory while its steps are tried. Another engine's passages take it by again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mediaclean.audio import Block, Span, gaps
from mediaclean.bed.duck import DuckSettings, duck, reach_of
from mediaclean.job import Job
from mediaclean.ledger import WORDS, Grounds, Ledger, LedgerSettings, Repair, judge, pages_of, sound_of
from mediaclean.other_engine import Beds, OtherEngine, passages_of, replaced, with_voice
from mediaclean.passages import given_up_s, passages, with_engine, with_raised
from mediaclean.plan.make import Plan
from mediaclean.render import bed_curve

HELD_PAGES = 6
"""Passages whose pages touch are tried together, up to so many pages: about a minute of one channel, twice, and the
grounds of its pages."""

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

    def judge(self, plan: Plan, pages: Collection[int] | None = None, grounds: Grounds | None = None) -> Ledger:
        return self._of(self._separated(plan), plan, self.start, pages, grounds)

    def judge_held(self, held: Sequence[Block], plan: Plan, pages: Collection[int], grounds: Grounds) -> Ledger:
        """The same from blocks that `holding` gave."""
        return self._of(held, plan, held[0].start, pages, grounds)

    def holding(self, plan: Plan, stretches: Iterable[Span]) -> Iterator[list[Block]]:
        """The sound of stretches in order, as far as there is any; one at a time is in memory."""
        blocks, held = self._separated(plan), deque[Block]()
        for stretch in stretches:
            while held and held[0].stop <= stretch.start:
                held.popleft()
            while not held or held[-1].stop < stretch.stop:
                block = next(blocks, None)
                if block is None:
                    break
                if block.stop > stretch.start:
                    held.append(block)
            yield list(held)

    def _of(
        self, blocks: Iterable[Block], plan: Plan, start: int, pages: Collection[int] | None, grounds: Grounds | None
    ) -> Ledger:
        ledger = judge(
            duck(blocks, bed_curve(plan, self.job.preset.duck, self.job.rate)),
            [phrase.span for phrase in plan.phrases],
            rate=plan.rate,
            length=plan.length,
            settings=self.settings,
            start=start,
            pages=pages,
            grounds=grounds,
        )
        return ledger if self.inside is None else ledger.over([self.inside])

    def _separated(self, plan: Plan) -> Iterator[Block]:
        """One channel: that of the voice, or the mean of all."""
        beds: Beds = self.other.beds(passages_of(plan)) if self.other else {}
        downmix = self.job.downmix
        for block in replaced(self.blocks("judge"), beds, self.job.fade):
            yield Block(block.start, downmix(block.mix)[None], downmix(block.voice)[None])


def heal(
    job: Job,
    plan: Plan,
    blocks: Blocks,
    settings: LedgerSettings | None,
    *,
    start: int = 0,
    inside: Span | None = None,
    other: OtherEngine | None = None,
    grounds: Grounds | None = None,
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
        grounds: for a short sound of which several plans are judged: what they share, kept from one to the next.

    Returns:
        the plan to use, and what the ledger says of it; no ledger where nothing was judged.
    """
    if settings is None:
        return plan, None
    if not len(bed_curve(plan, job.preset.duck, job.rate).positions):
        return plan, Ledger(plan.rate)
    ear = _Ear(job, blocks, settings, start, inside, other)
    first = ear.judge(plan, grounds=grounds)
    spans = passages(first.marks, plan) if settings.repair == "lighter" and not plan.mended else []
    if not spans:
        return plan, first
    before = {span: first.over([span]).score for span in spans}
    raised, last = _lighter(ear, plan, first, before, grounds)
    changed = with_raised(plan, raised, _reasons(first))
    swapped = _by_other(ear, changed, {span: score for span, score in before.items() if span not in raised})
    if other is not None and swapped:
        changed = with_engine(changed, swapped, other.name, _reasons(first))
        touched = pages_changed(job, plan, swapped)
        last = _combined(last, ear.judge(changed, touched), touched)
    if last.score >= first.score:
        unhelped = tuple(Repair(span, 0.0, before[span], before[span]) for span in spans)
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


def _lighter(
    ear: _Ear, plan: Plan, first: Ledger, before: Mapping[Span, float], grounds: Grounds | None
) -> tuple[dict[Span, float], Ledger]:
    """By how many dB each passage is best raised, without those that no step helps; and the ledger then.

    Args:
        first: the ledger of the plan as it was.
        before: the severity in each passage by it.
    """
    raised: dict[Span, float] = {}
    ledger = first
    groups = _groups(ear.job, plan, before)
    sounds = ear.holding(plan, [sound_of(pages, plan.rate) for _, pages in groups])
    for (group, pages), held in zip(groups, sounds, strict=True):
        severities = {span: before[span] for span in group}
        known = {} if grounds is None else grounds
        best, found = _best_steps(ear, held, with_raised(plan, raised), pages, severities, known)
        if found is not None:
            ledger = _combined(ledger, found, pages)
            raised |= best
    return raised, ledger


def _best_steps(
    ear: _Ear,
    held: Sequence[Block],
    plan: Plan,
    pages: Collection[int],
    before: Mapping[Span, float],
    grounds: Grounds,
) -> tuple[dict[Span, float], Ledger | None]:
    """The same for passages whose sound is held; no ledger where no step helps any of them."""
    limits, best, open_spans = dict(before), dict[Span, float](), list(before)
    prices = dict.fromkeys(before, 0.0)
    tried: list[tuple[dict[Span, float], Ledger]] = []
    for step in range(1, ear.settings.steps + 1):
        raised_db = step * ear.settings.step_db
        trial = {**best, **dict.fromkeys(open_spans, raised_db)}
        found = ear.judge_held(held, with_raised(plan, trial), pages, grounds)
        tried.append((trial, found))
        for span in list(open_spans):
            score = found.over([span]).score
            price = _price(plan, span, raised_db, ear.settings)
            worth_it = score + price <= limits[span] + prices[span]
            if score <= (1.0 - ear.settings.better) * limits[span] and score < limits[span] and worth_it:
                best[span], limits[span], prices[span] = raised_db, score, price
            if score == 0.0:
                open_spans.remove(span)
        if not open_spans:
            break
    if not best:
        return best, None
    known = next((found for trial, found in tried if trial == best), None)
    return best, known or ear.judge_held(held, with_raised(plan, best), pages, grounds)


def _price(plan: Plan, span: Span, raised_db: float, settings: LedgerSettings) -> float:
    """How much severity must go for a bed that is raised in a span: an artefact of 30 ms is no reason to give up ten
    seconds of what was asked for, but some reason to give up a little of it."""
    if settings.undone_s == 0.0:
        return 0.0
    return given_up_s(plan, span, raised_db) / settings.undone_s


def _groups(job: Job, plan: Plan, spans: Iterable[Span]) -> list[tuple[list[Span], set[int]]]:
    """Passages in order of time, together where they share pages; and those pages."""
    groups: list[tuple[list[Span], set[int]]] = []
    for span in sorted(spans):
        own = pages_changed(job, plan, [span])
        last = groups[-1][1] if groups else set()
        if last and min(own) <= max(last) and max(own | last) - min(own | last) < HELD_PAGES:
            groups[-1][0].append(span)
            last |= own
        else:
            groups.append(([span], own))
    return groups


def _by_other(ear: _Ear, plan: Plan, before: Mapping[Span, float]) -> list[Span]:
    """The passages that another engine's voice helps enough; `before` is the severity in each as it was."""
    if ear.other is None or not before:
        return []
    wanted = worst(before, round(ear.settings.other_engine_s * plan.rate))
    if not wanted or not ear.other.name:
        return []
    wanted = with_voice(ear.blocks("judge"), ear.other.try_beds(wanted))
    if not wanted:
        return []
    found = ear.judge(with_engine(plan, wanted, ear.other.name), pages_changed(ear.job, plan, wanted))
    scores = {span: found.over([span]).score for span in wanted}
    least = 1.0 - ear.settings.better
    return [span for span in wanted if scores[span] <= least * before[span] and scores[span] < before[span]]


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


def _reasons(ledger: Ledger) -> dict[Span, str]:
    return {mark.span: WORDS[mark.kind] for mark in sorted(ledger.marks, key=lambda mark: -mark.severity)}


def pages_changed(job: Job, plan: Plan, spans: Iterable[Span]) -> set[int]:
    """The pages that can hear a change of the gain in these spans, ramps and bridged gaps included."""
    reach = reach_of(job.preset.duck or DuckSettings(), plan.rate)
    wide = (Span(max(0, span.start - reach), min(plan.length, span.stop + reach)) for span in spans)
    return pages_of(wide, plan.rate, plan.length)


def _combined(first: Ledger, again: Ledger, pages: Collection[int]) -> Ledger:
    """The marks of the pages that were judged again, and the first ones elsewhere."""
    from mediaclean.ledger.pages import join, page_span

    judged = [page_span(page, first.rate) for page in pages]
    free = gaps(judged, max((mark.span.stop for mark in first.marks), default=0))
    parts = ((mark, mark.span.clip(gap.start, gap.stop)) for mark in first.marks for gap in free)
    kept = [replace(mark, span=part) for mark, part in parts if part is not None]
    return Ledger(first.rate, tuple(join([*kept, *again.marks])))
