"""The choice of a treatment: pure, in proportion, never against the voice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from numpy.typing import NDArray

from mediaclean.analysis import Analysis
from mediaclean.audio import Span
from mediaclean.bed.auto import HOLD_S, MOST_ERROR_LU, TRUST_LU, Measured, settle, settle_plan
from mediaclean.bed.dips import DipLevels
from mediaclean.bed.duck import DuckSettings
from mediaclean.bed.judging import BEDS, TREATMENTS, Bed, Choice, choose, costs, predicted_error_lu
from mediaclean.plan.make import Plan, PlannedDip, make_plan
from mediaclean.preset import Preset, load_preset

from .making import analysis

Signal = NDArray[np.float64]

GOAL = DuckSettings(mode="auto")
SPAN = Span(0, 48_000)
RATE = 48_000

goals = st.builds(
    DuckSettings,
    mode=st.just("auto"),
    target_lu=st.floats(0.0, 40.0),
    reduce_db=st.floats(-30.0, 0.0),
    floor_db=st.floats(-80.0, 0.0),
)
levels = st.floats(-30.0, 60.0)
errors = st.floats(-10.0, 30.0)
beds = st.sampled_from(BEDS)


def weight(choice: Choice) -> int:
    return TREATMENTS.index(choice.treatment)


@examples(deadline=None, max_examples=300)
@given(levels, st.floats(0.0, 20.0), errors, goals, beds)
def test_a_louder_bed_never_gets_a_lighter_treatment(
    difference_lu: float, louder: float, error_lu: float, goal: DuckSettings, bed: Bed
) -> None:
    soft = choose(SPAN, difference_lu, error_lu, goal, bed=bed)
    loud = choose(SPAN, difference_lu - louder, error_lu, goal, bed=bed)
    assert weight(loud) >= weight(soft)
    assert loud.gain_db <= soft.gain_db


@examples(deadline=None, max_examples=200)
@given(levels, st.floats(0.0, 20.0), goals, beds, st.one_of(st.none(), st.floats(0.0, 1.0)))
def test_nor_does_it_where_the_error_is_predicted(
    difference_lu: float, louder: float, goal: DuckSettings, bed: Bed, covered: float | None
) -> None:
    each = [
        choose(SPAN, level, predicted_error_lu(level, covered), goal, bed=bed, coverage=covered)
        for level in (difference_lu, difference_lu - louder)
    ]
    assert weight(each[1]) >= weight(each[0])


@examples(deadline=None, max_examples=200)
@given(levels, errors, goals, beds)
def test_the_choice_is_the_lightest_that_is_enough_and_gains(
    difference_lu: float, error_lu: float, goal: DuckSettings, bed: Bed
) -> None:
    chosen = choose(SPAN, difference_lu, error_lu, goal, bed=bed)
    cost = chosen.costs[weight(chosen)]
    assert chosen == choose(SPAN, difference_lu, error_lu, goal, bed=bed)
    assert goal.floor_db - 0.01 <= chosen.gain_db <= 0.0
    assert chosen.gain_db == cost.gain_db
    if chosen.treatment != "leave":
        assert cost.clear_lu > chosen.costs[0].clear_lu
        reached = difference_lu - chosen.gain_db >= goal.target_lu - 0.01
        assert reached or chosen.treatment == "remove" or chosen.gain_db <= goal.floor_db + 0.01
    if bed == "steady":
        assert chosen.treatment != "duck"


@examples(deadline=None, max_examples=200)
@given(levels, errors, goals)
def test_the_further_the_bed_goes_down_the_more_error_enters_the_voice(
    difference_lu: float, error_lu: float, goal: DuckSettings
) -> None:
    each = sorted(costs(difference_lu, error_lu, goal).values(), key=lambda cost: -cost.gain_db)
    damage = [np.inf if cost.damage_lu is None else cost.damage_lu for cost in each]
    assert damage == sorted(damage, reverse=True)
    assert costs(difference_lu, error_lu, goal)["leave"].damage_lu is None


def check_what_is_left(voice: Signal, bed: Signal, estimate: Signal, error_lu: float) -> None:
    """What is left beside the voice, where the rest of an estimate is lowered, is what was predicted."""
    rest = voice + bed - estimate
    difference = 10.0 * np.log10(np.mean(voice**2) / np.mean(bed**2))
    for gain_db in (-3.0, -10.0, -20.0):
        goal = DuckSettings(mode="auto", reduce_db=gain_db, target_lu=0.0, floor_db=-80.0)
        left = estimate + 10.0 ** (gain_db / 20.0) * rest - voice
        clear_lu = 10.0 * np.log10(np.mean(voice**2) / np.mean(left**2))
        assert costs(difference, error_lu, goal)["reduce"].clear_lu == pytest.approx(clear_lu, abs=0.15)


def test_what_is_left_beside_a_clean_voice_is_what_the_theory_says() -> None:
    """Wiener's estimate of a signal in independent noise has the least mean square error that it is about."""
    rng = np.random.default_rng(5)
    scale = 0.1 + rng.random(200_000) * 2.0  # the estimate knows how loud both are at every instant
    voice, bed = scale * rng.standard_normal(scale.size), 0.6 * rng.standard_normal(scale.size)
    estimate = (voice + bed) * scale**2 / (scale**2 + 0.36)
    rest = voice + bed - estimate
    error = 10.0 * np.log10(np.mean(voice**2) / np.mean(estimate * rest))
    check_what_is_left(voice, bed, estimate, error)


def test_what_is_left_is_the_same_for_an_estimate_that_keeps_the_level_of_the_voice() -> None:
    rng = np.random.default_rng(6)
    scale = 0.1 + rng.random(200_000) * 2.0
    voice, bed = scale * rng.standard_normal(scale.size), 0.6 * rng.standard_normal(scale.size)
    estimate = (voice + bed) * scale**2 / (scale**2 + 0.36)
    estimate *= np.mean(voice**2) / np.mean(estimate * voice)
    rest, wrong = voice + bed - estimate, estimate - voice
    assert abs(np.mean(estimate * rest)) < 0.03 * np.mean(wrong**2)  # the scalar product tells nothing now
    error = 10.0 * np.log10(np.mean(voice**2) / np.mean(wrong**2))
    check_what_is_left(voice, bed, estimate, error)


def test_levels_become_ratios_within_what_an_error_can_be() -> None:
    levels = DipLevels(-20.0, -30.0, error_lufs=-34.0, likeness=0.2)
    assert Measured.of(levels) == Measured(10.0, 14.0, 0.2)
    assert Measured.of(replace(levels, error_lufs=-120.0)).error_lu == MOST_ERROR_LU


def test_what_was_measured_settles_what_was_predicted() -> None:
    predicted = choose(SPAN, 8.0, 14.0, GOAL, bed="changing", coverage=0.5)
    assert predicted.treatment == "duck"
    settled = settle(predicted, SPAN, Measured(9.0, 14.0), GOAL)
    assert (settled.basis, settled.bed, settled.coverage) == ("separated", "changing", 0.5)
    assert settled.treatment == "duck"
    voiceless = settle(predicted, SPAN, None, GOAL)
    assert (voiceless.treatment, voiceless.gain_db) == ("leave", 0.0)


def test_a_bed_that_is_the_voice_again_is_left_alone() -> None:
    same = settle(None, SPAN, Measured(0.0, 3.0, likeness=0.9), GOAL)
    assert (same.treatment, same.gain_db) == ("leave", 0.0)
    assert "would lower both" in same.reason


def test_a_separated_bed_louder_than_the_mix_showed_holds_voice() -> None:
    predicted = choose(SPAN, 12.0, 17.0, GOAL, bed="changing")
    trusted = settle(predicted, SPAN, Measured(-3.0, 8.0), GOAL)
    assert trusted.difference_lu == 12.0 - TRUST_LU
    assert "holds voice" in trusted.reason
    assert settle(None, SPAN, Measured(-3.0, 8.0), GOAL).gain_db < trusted.gain_db


def _plan(*dips: PlannedDip, choices: tuple[Choice, ...] = ()) -> Plan:
    return Plan(RATE, 60 * RATE, dips=dips, choices=choices)


@pytest.mark.parametrize(("gap_s", "meets"), [(HOLD_S - 1, True), (HOLD_S + 1, False)])
def test_a_bed_that_stays_down_is_held_in_short_gaps(gap_s: float, meets: bool) -> None:
    gap = round(gap_s * RATE)
    first, second = Span(RATE, 5 * RATE), Span(5 * RATE + gap, 9 * RATE + gap)
    plan = _plan(PlannedDip(first, None, ""), PlannedDip(second, None, ""))
    deep, light = Measured(-5.0, 5.0), Measured(6.0, 14.0)
    before, after = settle_plan(plan, [first, second], [deep, deep], GOAL).dips
    assert (before.span.stop == after.span.start) == meets
    assert [dip.span for dip in settle_plan(plan, [first, second], [deep, light], GOAL).dips] == [first, second]


def test_a_gain_that_somebody_set_is_kept_and_so_is_its_choice() -> None:
    kept = choose(Span(0, RATE), 3.0, 10.0, GOAL, bed="changing")
    plan = _plan(
        PlannedDip(Span(0, RATE), -2.0, "by hand"), PlannedDip(Span(2 * RATE, 3 * RATE), None, ""), choices=(kept,)
    )
    settled = settle_plan(plan, [dip.span for dip in plan.dips], [Measured(5.0, 9.0)] * 2, GOAL)
    assert settled.dips[0] == plan.dips[0]
    assert settled.choices[0] == kept
    assert settled.dips[1].gain_db == settled.choices[1].gain_db
    assert settled.dips[1].reason == f"{settled.choices[1].treatment}: {settled.choices[1].reason}"
    assert settle_plan(settled, [dip.span for dip in settled.dips], [None, None], GOAL) == settled


def auto(name: str = "documentary") -> Preset:
    return load_preset(name, ["duck.mode=auto"])


def test_clean_speech_is_left_and_nothing_stands_in_its_plan() -> None:
    plan = make_plan(analysis(bed_lufs=-75.0), auto())
    assert {choice.treatment for choice in plan.choices} == {"leave"}
    assert len(plan.choices) == len(plan.phrases)
    assert (plan.cuts, plan.dips, plan.changes_sound) == ((), (), False)


def test_only_auto_chooses() -> None:
    heard = analysis(bed_lufs=-30.0)
    for mode in ("leave", "duck", "reduce", "remove"):
        assert make_plan(heard, load_preset("documentary", [f"duck.mode={mode}"])).choices == ()
    assert make_plan(heard, auto(), engine="none").choices == ()
    assert make_plan(heard, replace(auto(), separate=None)).choices == ()


@pytest.mark.parametrize("bed_lufs", [-36.0, -28.0, -20.0, -8.0])
def test_a_plan_is_pure_and_every_phrase_has_its_choice(bed_lufs: float) -> None:
    heard: Analysis = analysis(bed_lufs=bed_lufs, room_lufs=-80.0)
    plan = make_plan(heard, auto())
    assert plan == make_plan(heard, auto())
    assert all(any(choice.span.overlaps(phrase.span) for choice in plan.choices) for phrase in plan.phrases)
    assert all(dip.gain_db is None for dip in plan.dips)


def test_steady_noise_is_held_and_music_is_ducked() -> None:
    wind = make_plan(analysis(bed_lufs=-80.0, room_lufs=-27.0, is_tonal=False), auto())
    music = make_plan(analysis(bed_lufs=-27.0, room_lufs=-80.0), auto())
    assert {choice.treatment for choice in wind.choices} == {"reduce"}
    assert {choice.treatment for choice in music.choices} == {"duck"}


def test_auto_rides_the_same_dips_and_cuts_as_duck() -> None:
    heard = analysis(bed_lufs=-28.0)
    by_phrase, ducked = make_plan(heard, auto()), make_plan(heard, load_preset("documentary"))
    assert by_phrase.cuts == ducked.cuts
    assert [dip.span for dip in by_phrase.dips] == [dip.span for dip in ducked.dips]
