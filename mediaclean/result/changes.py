"""What is changed where: every process with its span, its decibels and its reason, from a settled plan.

One list for all who ask: the report, the change record, the result's page, and the proof that nothing else moved. A
process that gains rows in the plan gets one more function here, added to `planned`. A row's span holds every sample
that the process may touch, ramps and cross-fades included. Level and encoding move everything and have no rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from mediaclean.audio import Samples, Span, gaps, merge, reblock, within
from mediaclean.bed.duck import GainCurve
from mediaclean.plan.make import Plan

PROCESSES = {
    "bed": "bed lowered",
    "room tone": "hole filled with room tone",
    "breath": "breath lowered",
    "deess": "sibilant softened",
    "presence": "presence raised",
    "phrases": "phrase moved",
    "declip": "clipped peak rebuilt",
    "declick": "click mended",
    "hum": "hum lowered",
    "dereverb": "reverberation lowered",
}
"""The processes in an editor's words."""


@dataclass(frozen=True)
class Change:
    """A span in which one process may change samples.

    Attributes:
        span: in samples of the track; outside of all spans the mixdown is the source, bit by bit.
        process: a key of `PROCESSES`.
        amount_db: gain of what the process moves; None where it has no single figure.
        detail: why, in the plan's words.
    """

    span: Span
    process: str
    amount_db: float | None
    detail: str

    def to_json(self, rate: int) -> dict[str, Any]:
        """As a plain table; times in seconds."""
        return {
            "start_s": round(self.span.start / rate, 6),
            "stop_s": round(self.span.stop / rate, 6),
            "process": self.process,
            "amount_db": self.amount_db,
            "detail": self.detail,
        }


@dataclass(frozen=True)
class Proof:
    """The null test: source and mixdown compared sample by sample, before the level.

    Attributes:
        samples: how many instants were compared.
        changed: of them, how many differ in any channel.
        undeclared: of those, how many lie in no declared change; 0 if the record is true.
        first: the first undeclared one, in samples.
    """

    samples: int
    changed: int
    undeclared: int
    first: int | None = None

    @property
    def ok(self) -> bool:
        return self.undeclared == 0

    def to_json(self) -> dict[str, Any]:
        return {"ok": self.ok, **vars(self)}


def prove(before: Iterable[Samples], after: Iterable[Samples], changes: Iterable[Change], step: int) -> Proof:
    """Hold a mixdown against its source: do they differ anywhere but where a change is declared?

    Args:
        before: the source from its first sample on, (channels, n) each.
        after: the mixdown, as long.
        changes: what is declared.
        step: samples that are compared at once.
    """
    spans = declared(changes)
    samples = changed = undeclared = 0
    first: int | None = None
    for old, new in zip(reblock(before, step), reblock(after, step), strict=True):
        differs = (old != new).any(axis=0)
        changed += int(differs.sum())
        for _, span in within(spans, samples, samples + differs.size):
            differs[max(0, span.start - samples) : span.stop - samples] = False
        undeclared += int(differs.sum())
        if first is None and differs.any():
            first = samples + int(differs.argmax())
        samples += differs.size
    return Proof(samples, changed, undeclared, first)


def planned(plan: Plan, gains: GainCurve, filled: Sequence[Span]) -> tuple[Change, ...]:
    """All changes of a settled plan, in order of time.

    Args:
        plan: its dips and the voice's gains are settled.
        gains: the bed's curve, which has the ramps.
        filled: holes with their cross-fades.
    """
    rows = [*_repairs(plan), *_bed(plan, gains), *_holes(filled), *_voice(plan)]
    inside = ((row, row.span.clip(0, plan.length)) for row in rows)
    found = [Change(span, row.process, row.amount_db, row.detail) for row, span in inside if span is not None]
    return tuple(sorted(found, key=lambda change: (change.span, change.process)))


def declared(changes: Iterable[Change]) -> list[Span]:
    """Where any of the changes may change samples: sorted and disjoint."""
    return merge(change.span for change in changes)


def clipped(changes: Iterable[Change], spans: Sequence[Span]) -> Iterator[Change]:
    """The parts of the changes inside the spans."""
    for change in changes:
        for span in spans:
            part = change.span.clip(span.start, span.stop)
            if part is not None:
                yield Change(part, change.process, change.amount_db, change.detail)


def replaced(
    old: Sequence[Change], new: Sequence[Change], spans: Sequence[Span], fade: int, length: int
) -> tuple[Change, ...]:
    """The changes where `new` takes the place of `old` inside the spans, with `fade` samples of both around them."""
    reach = merge(Span(max(0, span.start - fade), span.stop + fade) for span in spans)
    wide = [Span(span.start, min(length, span.stop)) for span in reach]
    # where nothing of the old is heard: at the very start of the track the cross-fade lies inside the span
    alone = [Span(span.start + fade, span.stop - fade) for span in reach if span.length > 2 * fade]
    found = [*clipped(old, gaps(alone, length)), *clipped(new, wide)]
    return tuple(sorted(found, key=lambda change: (change.span, change.process)))


def lowered(gains: GainCurve, length: int) -> list[Span]:
    """Where the bed's gain lies under 0 dB, ramps included."""
    corners = zip(pairwise(gains.positions.tolist()), pairwise(gains.gains_db.tolist()), strict=True)
    low = ((max(0, left), min(length, right)) for (left, right), levels in corners if min(levels) < 0.0)
    return merge(Span(start, stop) for start, stop in low if start < stop)


def _repairs(plan: Plan) -> Iterator[Change]:
    for row in plan.repairs.rows:
        if row.amount:
            yield Change(row.span, row.process, None, row.reason)
    for line in plan.repairs.lines:
        yield Change(Span(0, plan.length), "hum", -line.reduce_db, f"{line.frequency_hz:g} Hz {line.reason}")


def _bed(plan: Plan, gains: GainCurve) -> Iterator[Change]:
    """One row per dip, from where the bed begins to go down to where it is up again; dips that are joined share the
    gap between them."""
    dips = sorted((dip for dip in plan.dips if dip.gain_db), key=lambda dip: dip.span)
    for region in lowered(gains, plan.length):
        own = [dip for dip in dips if dip.span.overlaps(region)]
        joins = ((before.span.stop + after.span.start) // 2 for before, after in pairwise(own))
        for dip, (start, stop) in zip(own, pairwise([region.start, *joins, region.stop]), strict=True):
            yield Change(Span(start, stop), "bed", dip.gain_db, dip.reason)


def _holes(filled: Sequence[Span]) -> Iterator[Change]:
    for span in filled:
        yield Change(span, "room tone", None, "nothing sounded here")


def _voice(plan: Plan) -> Iterator[Change]:
    for row in plan.voice_gains or ():
        if row.gain_db:
            yield Change(row.span, row.process, row.gain_db, row.reason)
