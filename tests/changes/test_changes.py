"""The list of changes says neither too little nor too much, and the null test sees what is not in it."""

from __future__ import annotations

import numpy as np
import pytest

from mediaclean.audio import Span
from mediaclean.bed.duck import Dip, DuckSettings, curve
from mediaclean.plan.make import Plan, PlannedDip
from mediaclean.polish.records import VoiceGain
from mediaclean.result.changes import Change, declared, planned, prove, replaced

RATE, LENGTH = 1_000, 60_000


def plan_of(dips: list[Dip], length: int = LENGTH, **more: object) -> Plan:
    rows = tuple(PlannedDip(dip.span, dip.gain_db, f"dip {number}") for number, dip in enumerate(dips))
    return Plan(rate=RATE, length=length, dips=rows, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(12))
def test_every_sample_with_a_lowered_bed_is_declared_and_no_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    edges = np.sort(rng.choice(np.arange(1, LENGTH), 2 * int(rng.integers(1, 9)), replace=False)).tolist()
    dips = [Dip(Span(a, b), -float(rng.integers(1, 25))) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    settings = DuckSettings(attack_s=float(rng.uniform(0.02, 1)), release_s=float(rng.uniform(0.05, 2)))
    gains = curve(dips, settings, RATE)
    rows = planned(plan_of(dips), gains, ())
    inside = np.zeros(LENGTH, dtype=bool)
    for span in declared(rows):
        inside[span.start : span.stop] = True
    lowered = gains.at(0, LENGTH) < 1.0
    assert not (lowered & ~inside).any()
    assert (inside & ~lowered).sum() <= 2 * len(dips), "but for the corners themselves"
    assert sum(row.span.length for row in rows) == inside.sum(), "rows of one process do not overlap"
    by_dip = {row.detail: row for row in rows}
    for number, dip in enumerate(dips):
        row = by_dip[f"dip {number}"]
        assert row.amount_db == dip.gain_db
        assert row.span.overlaps(dip.span)


def test_holes_and_the_voice_s_gains_are_changes_and_rows_that_do_nothing_are_none() -> None:
    gains = (
        VoiceGain(Span(100, 200), -6.0, "breath", "breath"),
        VoiceGain(Span(300, 400), 0.0, "deess", "none"),
    )
    plan = plan_of([Dip(Span(10, 20), 0.0)], voice_gains=gains)
    rows = planned(plan, curve([], DuckSettings(), RATE), [Span(LENGTH - 50, LENGTH + 50)])
    assert [(row.process, row.span) for row in rows] == [
        ("breath", Span(100, 200)),
        ("room tone", Span(LENGTH - 50, LENGTH)),
    ]
    assert rows[0].to_json(RATE)["start_s"] == 0.1


def test_where_it_was_done_again_the_new_changes_hold() -> None:
    old = [Change(Span(0, 500), "bed", -6.0, "old")]
    new = [Change(Span(0, 1_000), "bed", -12.0, "new")]
    rows = replaced(old, new, [Span(200, 300)], 20, 1_000)
    assert [(row.detail, row.span.start, row.span.stop) for row in rows] == [
        ("old", 0, 200), ("new", 180, 320), ("old", 300, 500),
    ]  # fmt: skip


def test_at_the_very_start_the_old_is_heard_inside_the_span() -> None:
    old = [Change(Span(0, 500), "bed", -6.0, "old")]
    new = [Change(Span(0, 1_000), "bed", -12.0, "new")]
    rows = replaced(old, new, [Span(0, 300)], 20, 1_000)
    assert [(row.detail, row.span.start, row.span.stop) for row in rows] == [
        ("old", 0, 20), ("new", 0, 320), ("old", 300, 500),
    ]  # fmt: skip


@pytest.mark.parametrize("step", [7, 64, 1_000, 5_000])
def test_the_null_test_counts_what_no_change_declares(step: int) -> None:
    before = np.random.default_rng(0).normal(size=(2, 4_000)).astype(np.float32)
    after = before.copy()
    after[0, 1_000:1_100] += np.float32(1e-6)
    after[1, 2_500] *= np.float32(1.0 + 2e-7)
    rows = [Change(Span(990, 1_090), "bed", -1.0, "")]
    proof = prove([before[:, :1_234], before[:, 1_234:]], [after], rows, step)
    assert (proof.samples, proof.changed, proof.undeclared, proof.first) == (4_000, 101, 11, 1_090)
    assert not proof.ok
    assert prove([before], [before], [], step).ok
    assert prove([before], [after], [Change(Span(0, 4_000), "bed", None, "")], step).ok
