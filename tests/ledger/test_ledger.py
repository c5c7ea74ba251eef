"""Every detector on sounds of which theory says what must be found; nothing where nothing was done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ledger.making import LENGTH, PHRASES, RATE, Case, chopped, click, ghost, hollow, ledger, lost, musical, pumping
from mediaclean.audio import Block, Span
from mediaclean.ledger import KINDS, Grounds, Ledger, LedgerSettings, Mark, judge, pages_of
from mediaclean.ledger.ground import column_quantile
from mediaclean.ledger.motion import turning_points
from mediaclean.ledger.pages import join

SPOILED: dict[str, tuple[Callable[[Case], Case], tuple[float, float]]] = {
    "musical": (musical, (5.9, 6.6)),
    "ghost": (ghost, (5.9, 6.5)),
    "chopped": (chopped, (5.5, 6.0)),
    "lost": (lost, (4.9, 5.1)),
    "hollow": (hollow, (4.5, 7.9)),
    "pumping": (pumping, (4.0, 7.0)),
    "click": (click, (5.29, 5.31)),
}


@pytest.mark.parametrize("shape", [(1,), (2, 3), (7,), (500, 4)])
@pytest.mark.parametrize("quantile", [0.0, 0.75, 0.97, 1.0])
def test_the_quantile_of_columns_is_that_of_the_library(shape: tuple[int, ...], quantile: float) -> None:
    values = np.random.default_rng(1).gamma(1.0, size=shape)
    np.testing.assert_allclose(column_quantile(values, quantile), np.quantile(values, quantile, axis=0), rtol=1e-12)


def test_every_kind_is_tried() -> None:
    assert set(SPOILED) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_an_artefact_is_found_where_it_is_and_nowhere_else(clean: Case, kind: str) -> None:
    spoil, (start, stop) = SPOILED[kind]
    marks = [mark for mark in ledger(spoil(clean)).marks if mark.kind == kind]
    assert marks
    for mark in marks:
        assert mark.severity >= 1.0
        assert mark.span.overlaps(Span(round((start - 0.1) * RATE), round((stop + 0.1) * RATE))), mark


def test_a_voice_that_was_found_whole_has_no_marks(clean: Case) -> None:
    assert ledger(clean).marks == ()


@pytest.mark.parametrize("kind", KINDS)
def test_a_bed_at_its_level_gives_no_marks_whatever_the_voice(clean: Case, kind: str) -> None:
    """The result is the original then, bit by bit, so there is nothing to object to."""
    spoil, _ = SPOILED[kind]
    case = replace(spoil(clean), gain_db=np.zeros(LENGTH))
    assert ledger(case).marks == ()


@pytest.mark.parametrize("gain", [0.25, 0.7, 2.0])
def test_a_change_of_level_is_no_artefact(clean: Case, gain: float) -> None:
    mix = clean.voice + clean.bed
    whole = Block(0, mix[None], (np.float32(gain) * mix)[None])
    heard = [(whole, np.full(LENGTH, 10 ** (-18 / 20), np.float32), whole.voice)]
    assert judge(heard, PHRASES, rate=RATE, length=LENGTH).marks == ()


@pytest.mark.parametrize("size", [997, 32_000, LENGTH])
def test_the_size_of_a_block_does_not_matter(clean: Case, size: int) -> None:
    case = click(chopped(ghost(clean)))
    assert ledger(case, size=size) == ledger(case)


def test_a_page_alone_has_the_marks_that_it_has_in_the_whole(clean: Case) -> None:
    case = click(hollow(ghost(clean)))
    whole = ledger(case)
    touched = pages_of([Span(0, 8 * RATE)], RATE, LENGTH)
    assert {0} <= touched
    assert len(whole.marks) >= 3
    assert ledger(case, pages=touched).marks == whole.marks
    assert ledger(case, pages=set()).marks == ()


def test_results_over_a_shared_ground_are_judged_as_each_alone(clean: Case) -> None:
    """The same separation with several doses of the bed, in any order and over a part of the pages too."""
    grounds: Grounds = {}
    spoiled = chopped(lost(hollow(clean)))
    for gain_db in (-18.0, -6.0, -12.0):
        case = replace(spoiled, gain_db=np.full(LENGTH, gain_db))
        assert ledger(case, grounds=grounds) == ledger(case)
        assert ledger(case, pages={0}, grounds=grounds) == ledger(case, pages={0})
    assert ledger(replace(spoiled, gain_db=np.full(LENGTH, -18.0))).marks


def test_no_detector_reads_the_arrays_away(clean: Case) -> None:
    heard = ghost(clean).heard()
    for block, gain, result in heard:
        for array in (block.mix, block.voice, gain, result):
            array.setflags(write=False)
    assert judge(heard, PHRASES, rate=RATE, length=LENGTH).marks


def test_a_limit_out_of_reach_leaves_a_kind_out(clean: Case) -> None:
    settings = LedgerSettings(ghost_db=40.0)
    marks = judge(ghost(clean).heard(), PHRASES, rate=RATE, length=LENGTH, settings=settings).marks
    assert "ghost" not in {mark.kind for mark in marks}


def test_silence_and_speechless_sound_are_judged_without_a_mark() -> None:
    empty = np.zeros((1, LENGTH), np.float32)
    noise = np.random.default_rng(5).standard_normal((1, LENGTH)).astype(np.float32)
    for mix in (empty, noise):
        heard = [(Block(0, mix, empty), np.full(LENGTH, 0.1, np.float32), 0.1 * mix)]
        assert judge(heard, PHRASES, rate=RATE, length=LENGTH).marks == ()


def test_turning_points_of_a_sine_are_its_peaks() -> None:
    level = 6.0 * np.sin(2 * np.pi * np.arange(400) / 100)
    assert turning_points(level, 4.0)[:-1] == pytest.approx([0, 25, 75, 125, 175, 225, 275, 325, 375], abs=1)
    assert turning_points(level, 13.0) == []


def test_marks_that_touch_are_one_as_bad_as_the_worse() -> None:
    marks = [
        Mark("ghost", Span(10, 20), 2.0, "b"),
        Mark("ghost", Span(0, 10), 1.0, "a"),
        Mark("lost", Span(5, 6), 1.0, "c"),
    ]
    assert join(marks) == [Mark("ghost", Span(0, 20), 2.0, "b"), Mark("lost", Span(5, 6), 1.0, "c")]


def test_the_ledger_as_plain_tables() -> None:
    found = Ledger(RATE, (Mark("ghost", Span(RATE, 2 * RATE), 1.5, "why"), Mark("click", Span(0, 32), 1.0, "what")))
    assert found.counts == {"ghost": 1, "click": 1}
    assert found.score == 2.5
    assert found.over([Span(0, 100)]).score == 1.0
    assert found.to_json()["marks"][0] == {
        "kind": "ghost", "start_s": 1.0, "stop_s": 2.0, "severity": 1.5, "detail": "why",
    }  # fmt: skip
