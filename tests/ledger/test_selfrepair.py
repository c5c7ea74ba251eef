"""What is marked is done again, lighter, where that helps; everything else stays as it was, bit by bit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from ledger.making import LENGTH, PHRASES, RATE, Case, chopped, ghost, hollow
from mediaclean import CleanOptions, load_preset
from mediaclean.audio import Block, Span
from mediaclean.bed.duck import DuckSettings, duck
from mediaclean.job import Job
from mediaclean.ledger import LedgerSettings, pages_of
from mediaclean.listening import open_job
from mediaclean.passages import given_up_s, passages, with_raised
from mediaclean.plan.as_json import from_json, to_json
from mediaclean.plan.make import Phrase, Plan, PlannedDip
from mediaclean.progress import ignore
from mediaclean.render import bed_curve
from mediaclean.selfrepair import heal, pages_changed

DUCK = DuckSettings(mode="remove", attack_s=0.2, release_s=0.3)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory, clean: Case) -> Job:
    path = tmp_path_factory.mktemp("repair") / "mix.wav"
    soundfile.write(path, clean.voice + clean.bed, RATE, subtype="FLOAT")
    preset = replace(load_preset("podcast"), duck=DUCK)
    return open_job(path, preset, CleanOptions(engine="none"), ignore)


def plan(gain_db: float = -18.0) -> Plan:
    phrases = tuple(Phrase(span, 1.0, -23.0, -38.0) for span in PHRASES)
    return Plan(RATE, LENGTH, phrases=phrases, dips=(PlannedDip(Span(0, LENGTH), gain_db, "bed removed"),))


def blocks(case: Case, passes: list[str] | None = None):
    def start(stage: str) -> Iterator[Block]:
        if passes is not None:
            passes.append(stage)
        for block, _, _ in case.heard():
            yield block

    return start


def sound(job: Job, case: Case, settled: Plan) -> NDArray[np.float32]:
    gains = bed_curve(settled, job.preset.duck, RATE)
    return np.concatenate([mixed[0] for _, _, mixed in duck(blocks(case)("mix"), gains)])


def test_nothing_is_judged_without_settings(job: Job, clean: Case) -> None:
    passes: list[str] = []
    settled = plan()
    assert heal(job, settled, blocks(clean, passes), None) == (settled, None)
    assert passes == []


def test_nothing_is_heard_where_nothing_is_lowered(job: Job, clean: Case) -> None:
    passes: list[str] = []
    settled = replace(plan(), dips=())
    _, ledger = heal(job, settled, blocks(clean, passes), LedgerSettings())
    assert ledger is not None
    assert ledger.marks == ()
    assert passes == []


def test_a_clean_result_takes_one_pass_and_stays(job: Job, clean: Case) -> None:
    passes: list[str] = []
    healed, ledger = heal(job, plan(), blocks(clean, passes), LedgerSettings())
    assert healed == plan()
    assert ledger is not None
    assert ledger.marks == ledger.repairs == ()
    assert passes == ["judge"]


def test_marks_are_only_written_down_if_that_is_asked_for(job: Job, clean: Case) -> None:
    healed, ledger = heal(job, plan(), blocks(ghost(clean)), LedgerSettings(repair="none"))
    assert healed == plan()
    assert ledger is not None
    assert ledger.counts["ghost"] == 1


@pytest.mark.parametrize("spoil", [ghost, chopped, hollow])
def test_repair_lowers_the_severity_and_touches_nothing_else(job: Job, clean: Case, spoil) -> None:
    case = spoil(clean)
    settings = LedgerSettings(steps=4, step_db=4.0)
    _, before = heal(job, plan(), blocks(case), replace(settings, repair="none"))
    healed, after = heal(job, plan(), blocks(case), settings)
    assert before is not None
    assert after is not None
    assert after.score < before.score
    raised = [repair for repair in after.repairs if repair.raised_db > 0]
    assert raised
    old, new = sound(job, case, plan()), sound(job, case, healed)
    inside = np.zeros(LENGTH, dtype=bool)
    for repair in raised:
        inside[repair.span.start : repair.span.stop] = True
    assert np.array_equal(old[~inside], new[~inside]), "a divided dip has its ramps inside the passage"
    assert not np.array_equal(old[inside], new[inside])
    assert inside.mean() < 0.5


def test_the_sound_goes_by_twice_however_many_steps_are_tried(job: Job, clean: Case) -> None:
    passes: list[str] = []
    case = hollow(ghost(chopped(clean)))
    _, ledger = heal(job, plan(-30.0), blocks(case, passes), LedgerSettings(steps=6, step_db=2.0))
    assert ledger is not None
    assert len(ledger.repairs) > 1
    assert passes == ["judge", "judge"]


def test_what_the_ledger_says_after_repair_is_what_it_says_of_the_result(job: Job, clean: Case) -> None:
    case = hollow(ghost(clean))
    healed, after = heal(job, plan(), blocks(case), LedgerSettings())
    _, again = heal(job, healed, blocks(case), LedgerSettings())
    assert after is not None
    assert again is not None
    assert [(mark.kind, mark.span) for mark in after.marks] == [(mark.kind, mark.span) for mark in again.marks]


def test_a_dip_far_from_every_mark_is_not_done_again(job: Job, clean: Case) -> None:
    """A phrase over which the bed was lowered twice: only the part with the mark is to blame."""
    _, ledger = heal(job, plan(), blocks(ghost(clean)), LedgerSettings(repair="none"))
    assert ledger is not None
    (mark,) = ledger.marks
    cut = mark.span.stop + round(1.5 * RATE)
    long = replace(plan(), phrases=(Phrase(Span(0, LENGTH), 1.0, -23.0, -38.0),))
    halves = (PlannedDip(Span(0, cut), -18.0, ""), PlannedDip(Span(cut, LENGTH), -18.0, ""))
    assert passages(ledger.marks, replace(long, dips=halves)) == [Span(0, cut)]


def test_a_whole_dip_changes_its_ramps_and_no_more(job: Job, clean: Case) -> None:
    dip = PlannedDip(Span(round(4.5 * RATE), round(7.0 * RATE)), -18.0, "bed removed")
    settled = replace(plan(), dips=(dip,))
    healed, ledger = heal(job, settled, blocks(ghost(clean)), LedgerSettings(steps=5))
    assert ledger is not None
    assert any(repair.raised_db for repair in ledger.repairs)
    changed = np.flatnonzero(sound(job, clean, settled) != sound(job, clean, healed))
    assert changed.min() >= dip.span.start - 0.2 * RATE
    assert changed.max() < dip.span.stop + 0.3 * RATE


def test_a_gap_that_is_bridged_is_judged_again_to_its_end(job: Job, clean: Case) -> None:
    """A dip's gain is heard to the next dip where the gap between them is bridged, so the marks there are new ones."""
    bridging = replace(job, preset=replace(job.preset, duck=DuckSettings(mode="remove", bridge_s=10.0)))
    first, second = Span(round(4.5 * RATE), round(7.0 * RATE)), Span(round(14.0 * RATE), LENGTH)
    settled = replace(plan(), dips=tuple(PlannedDip(span, -18.0, "bed removed") for span in (first, second)))
    healed, _ = heal(bridging, settled, blocks(ghost(clean)), LedgerSettings(steps=5))
    changed = np.flatnonzero(sound(bridging, clean, settled) != sound(bridging, clean, healed))
    assert changed.max() > 13.5 * RATE
    far = Span(int(changed.max()), int(changed.max()) + 1)
    assert pages_of([far], RATE, LENGTH) <= pages_changed(bridging, settled, [first])


@pytest.mark.parametrize(("raised_db", "seconds"), [(0.0, 0.0), (9.0, 2.0), (18.0, 4.0), (30.0, 4.0)])
def test_half_of_a_dip_counts_as_half_and_no_more_can_be_given_up_than_all(raised_db: float, seconds: float) -> None:
    assert given_up_s(plan(-18.0), Span(2 * RATE, 6 * RATE), raised_db) == pytest.approx(seconds)
    dips = (PlannedDip(Span(0, 3 * RATE), -18.0, ""), PlannedDip(Span(3 * RATE, LENGTH), 0.0, ""))
    assert given_up_s(replace(plan(), dips=dips), Span(2 * RATE, 6 * RATE), raised_db) == pytest.approx(seconds / 4)


def test_a_long_dip_is_not_given_up_for_a_short_mark(job: Job, clean: Case) -> None:
    """One syllable that ends at once, in a phrase as long as the track."""
    case = chopped(clean)
    long = replace(plan(-12.0), phrases=(Phrase(Span(0, LENGTH), 1.0, -23.0, -38.0),))
    settings = LedgerSettings(steps=1, step_db=9.0)
    freely, _ = heal(job, long, blocks(case), replace(settings, undone_s=0.0))
    assert [dip.lighter_db for dip in freely.dips] == [9.0], "that would help"
    healed, ledger = heal(job, long, blocks(case), settings)
    assert ledger is not None
    (mark,) = ledger.marks
    assert mark.severity < given_up_s(long, Span(0, LENGTH), 9.0) / settings.undone_s
    assert healed == long


@pytest.mark.parametrize("undone_s", [0.5, 2.0, 8.0])
@pytest.mark.parametrize("spoil", [ghost, chopped, hollow])
def test_what_a_repair_takes_away_is_worth_what_it_gives_up(job: Job, clean: Case, spoil, undone_s: float) -> None:
    _, ledger = heal(job, plan(), blocks(spoil(clean)), LedgerSettings(undone_s=undone_s))
    assert ledger is not None
    assert ledger.repairs
    for repair in ledger.repairs:
        price = given_up_s(plan(), repair.span, repair.raised_db) / undone_s
        assert repair.before - repair.after >= price


def test_what_no_step_helps_is_rolled_back(job: Job, clean: Case) -> None:
    """A ghost so loud that one small step cannot take a quarter of its severity away."""
    case = replace(
        ghost(clean), found=ghost(clean).found + 0.2 * ghost(clean).bed * (ghost(clean).found != clean.found)
    )
    settings = LedgerSettings(steps=1, step_db=0.5, better=0.9)
    healed, ledger = heal(job, plan(-30.0), blocks(case), settings)
    assert healed == plan(-30.0)
    assert ledger is not None
    assert ledger.repairs
    assert all(repair.raised_db == 0.0 and repair.after == repair.before for repair in ledger.repairs)
    assert np.array_equal(sound(job, case, plan(-30.0)), sound(job, case, healed))


def test_a_plan_that_was_healed_is_left_as_it_is(job: Job, clean: Case) -> None:
    settings = LedgerSettings()
    once, _ = heal(job, plan(), blocks(hollow(ghost(clean))), settings)
    assert once != plan()
    read = from_json(to_json(once))
    assert read.dips == once.dips
    twice, _ = heal(job, read, blocks(hollow(ghost(clean))), settings)
    assert [(dip.span, dip.gain_db) for dip in twice.dips] == [(dip.span, dip.gain_db) for dip in once.dips]


def test_the_bed_is_never_raised_above_its_level() -> None:
    healed = with_raised(plan(-4.0), {Span(2 * RATE, 5 * RATE): 9.0})
    assert [(dip.span.start, dip.gain_db) for dip in healed.dips] == [(0, -4.0), (2 * RATE, 0.0), (5 * RATE, -4.0)]
    assert healed.dips[1].lighter_db == 4.0


def test_short_rests_of_a_dip_go_with_the_passage(job: Job, clean: Case) -> None:
    _, ledger = heal(job, plan(), blocks(ghost(clean)), LedgerSettings(repair="none"))
    assert ledger is not None
    near = PlannedDip(Span(round(5.0 * RATE), round(7.0 * RATE)), -18.0, "")
    (span,) = passages(ledger.marks, replace(plan(), dips=(near,)))
    assert span == near.span


def test_a_run_reports_its_ledger(tmp_path: Path, job: Job) -> None:
    from mediaclean import clean as run
    from mediaclean.cli.summary import ledger_line
    from mediaclean.report import to_report_dict

    report = run(job.media.path, tmp_path / "out.wav", "podcast", CleanOptions(engine="fake:half"))  # type: ignore[arg-type]
    assert report.ledger is not None
    told = to_report_dict(report)["ledger"]
    assert sum(told["counts"].values()) == len(told["marks"]) == len(report.ledger.marks)
    assert ledger_line(report.ledger).startswith("no artefacts" if not told["marks"] else str(len(told["marks"])))
    off = run(job.media.path, tmp_path / "off.wav", load_preset("podcast", ["ledger=off"]), CleanOptions(engine="none"))
    assert off.ledger is None
