"""The bed's gain: complete at the first sample of a phrase, smooth, never a boost, a function of the position alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from numpy.typing import NDArray

from mediaclean.audio import Block, Span
from mediaclean.bed.duck import Dip, DuckSettings, GainCurve, curve, duck, gain_for_difference, heard_db

from .making import disjoint_spans, noise, pieces

RATE = 1000
LENGTH = 12_000
WANTED = DuckSettings(attack_s=0.3, release_s=0.8, bridge_s=1.5)


@st.composite
def dip_lists(draw: st.DrawFn) -> list[Dip]:
    spans = draw(disjoint_spans(LENGTH, 6))
    return [Dip(span, draw(st.sampled_from([-3.0, -6.5, -10.0, -17.3, -24.0, -80.0]))) for span in spans]


wishes = st.builds(
    DuckSettings,
    attack_s=st.sampled_from([0.02, 0.3, 1.0]),
    release_s=st.sampled_from([0.05, 0.8, 3.0]),
    bridge_s=st.sampled_from([0.0, 1.5, 6.0]),
)


def gain_db(gains: GainCurve, start: int = 0, length: int = LENGTH) -> NDArray[np.float64]:
    return 20.0 * np.log10(gains.at(start, length).astype(np.float64))


@examples(deadline=None, max_examples=100)
@given(dip_lists(), wishes)
def test_the_bed_is_down_in_the_whole_of_every_dip(dips: list[Dip], wanted: DuckSettings) -> None:
    level = gain_db(curve(dips, wanted, RATE))
    for dip in dips:
        assert level[dip.span.start : dip.span.stop].max() <= dip.gain_db + 1e-4
    assert level.max() <= 0.0
    assert level.min() >= min((dip.gain_db for dip in dips), default=0.0) - 1e-4


@examples(deadline=None, max_examples=100)
@given(dip_lists(), wishes)
def test_the_gain_never_moves_faster_than_attack_and_release(dips: list[Dip], wanted: DuckSettings) -> None:
    """A raised cosine of depth d over n samples moves by at most d * pi / 2n per sample.

    Only a dip that is itself too short to come up and go down in is crossed faster.
    """
    roomy = [dip for dip in dips if dip.span.length >= 2 * max(wanted.attack_s, wanted.release_s) * RATE]
    level = gain_db(curve(roomy, wanted, RATE), -5 * RATE, LENGTH + 10 * RATE)
    depth = max((-dip.gain_db for dip in roomy), default=0.0)
    steps = np.diff(level)
    assert -steps.min() <= depth * np.pi / 2 / (wanted.attack_s * RATE) + 1e-3
    assert steps.max() <= depth * np.pi / 2 / (wanted.release_s * RATE) + 1e-3


@given(dip_lists(), wishes)
def test_corners_rise_strictly_in_time_and_end_at_zero(dips: list[Dip], wanted: DuckSettings) -> None:
    gains = curve(dips, wanted, RATE)
    assert (np.diff(gains.positions) > 0).all()
    assert (gains.gains_db <= 0.0).all()
    assert not len(gains.gains_db) or gains.gains_db[0] == gains.gains_db[-1] == 0.0


@examples(max_examples=40)
@given(dip_lists(), wishes)
def test_the_order_of_the_dips_does_not_matter(dips: list[Dip], wanted: DuckSettings) -> None:
    one, other = curve(dips, wanted, RATE), curve(dips[::-1], wanted, RATE)
    assert np.array_equal(one.positions, other.positions)
    assert np.array_equal(one.gains_db, other.gains_db)


@examples(deadline=None, max_examples=50)
@given(dip_lists(), wishes, st.lists(st.integers(50, 3000), min_size=1, max_size=5))
def test_the_gain_depends_on_the_position_only(dips: list[Dip], wanted: DuckSettings, sizes: list[int]) -> None:
    gains = curve(dips, wanted, RATE)
    whole = gains.at(0, LENGTH)
    edges = [0]
    while edges[-1] < LENGTH:
        edges.append(min(LENGTH, edges[-1] + sizes[len(edges) % len(sizes)]))
    assert np.array_equal(np.concatenate([gains.at(a, b - a) for a, b in pairwise(edges)]), whole)
    for position in range(0, LENGTH, 499):
        assert gains.at(position, 1)[0] == whole[position]


@pytest.mark.parametrize("attack_s", [0.1, 0.3, 1.0])
@pytest.mark.parametrize("release_s", [0.2, 0.8, 2.0])
def test_attack_and_release_last_as_long_as_they_say(attack_s: float, release_s: float) -> None:
    span = Span(4000, 6000)
    wanted = DuckSettings(attack_s=attack_s, release_s=release_s)
    level = gain_db(curve([Dip(span, -12.0)], wanted, RATE))
    moving = np.flatnonzero((level < 0.0) & (level > -12.0 + 1e-4))
    falling, rising = moving[moving < span.start], moving[moving >= span.stop]
    assert span.start - falling[0] == pytest.approx(attack_s * RATE, abs=2)
    assert rising[-1] - span.stop == pytest.approx(release_s * RATE, abs=2)
    assert level[span.start - round(attack_s * RATE)] == 0.0
    assert level[span.start] == pytest.approx(-12.0, abs=1e-5)
    assert level[span.stop + round(release_s * RATE)] == 0.0
    assert level[span.start - round(attack_s * RATE / 2)] == pytest.approx(-6.0, abs=0.01)
    assert np.diff(level[: span.start]).max() <= 0.0
    assert np.diff(level[span.stop :]).min() >= 0.0


@pytest.mark.parametrize(("gap", "stays_down"), [(1499, True), (1500, False), (5000, False)])
def test_the_bed_stays_down_in_gaps_shorter_than_the_bridge(gap: int, stays_down: bool) -> None:
    level = gain_db(curve([Dip(Span(2000, 3000), -10.0), Dip(Span(3000 + gap, 9000), -10.0)], WANTED, RATE))
    between = level[3000 : 3000 + gap]
    assert (between.max() < -9.99) == stays_down
    assert stays_down or between.max() == 0.0


def test_a_gap_too_short_to_come_up_in_is_bridged_even_with_no_bridge() -> None:
    wanted = DuckSettings(attack_s=0.3, release_s=0.8, bridge_s=0.0)
    level = gain_db(curve([Dip(Span(2000, 3000), -10.0), Dip(Span(4099, 6000), -10.0)], wanted, RATE))
    assert level[3000:4099].max() == pytest.approx(-10.0, abs=1e-4)


@pytest.mark.parametrize(("first", "second"), [(-6.0, -18.0), (-18.0, -6.0)])
@pytest.mark.parametrize("gap", [0, 1, 100, 500, 1400])
def test_across_a_bridge_the_gain_goes_straight_from_one_dip_to_the_next(first: float, second: float, gap: int) -> None:
    dips = [Dip(Span(2000, 5000), first), Dip(Span(5000 + gap, 9000), second)]
    level = gain_db(curve(dips, WANTED, RATE))
    change = np.diff(level[3000:8000])
    assert level[3000] == pytest.approx(first, abs=1e-4)
    assert level[7999] == pytest.approx(second, abs=1e-4)
    assert (change <= 1e-5).all() if second < first else (change >= -1e-5).all()
    least_s = WANTED.attack_s if second < first else WANTED.release_s
    assert np.count_nonzero(np.abs(change) > 1e-6) >= 0.9 * least_s * RATE  # no jump, however short the gap


def test_no_dips_are_a_gain_of_one() -> None:
    gains = curve([], WANTED, RATE)
    assert np.array_equal(gains.at(-50, 100), np.ones(100, np.float32))
    assert np.array_equal(curve([Dip(Span(5, 5), -10.0)], WANTED, RATE).at(0, 50), np.ones(50, np.float32))


def test_a_dip_at_the_very_start_is_complete_at_the_first_sample() -> None:
    level = gain_db(curve([Dip(Span(0, 1000), -10.0)], WANTED, RATE))
    assert level[0] == pytest.approx(-10.0, abs=1e-5)


def test_after_hours_the_curve_is_as_exact_as_at_the_start() -> None:
    shift = 5 * 3600 * 48_000
    one = curve([Dip(Span(30_000, 60_000), -10.0)], WANTED, 48_000)
    other = curve([Dip(Span(30_000 + shift, 60_000 + shift), -10.0)], WANTED, 48_000)
    assert np.array_equal(one.at(0, 120_000), other.at(shift, 120_000))


@given(st.floats(-120, 0), st.floats(-120, 0), st.floats(0, 40), st.floats(-80, 0))
def test_the_gain_reaches_the_target_or_the_floor_and_never_boosts(
    voice: float, bed: float, target: float, floor: float
) -> None:
    gain = gain_for_difference(voice, bed, DuckSettings(target_lu=target, floor_db=floor))
    reached = voice - (bed + gain)
    assert floor <= gain <= 0.0
    assert gain == floor or reached >= target - 1e-9  # deep enough, or as deep as is allowed
    assert gain == 0.0 or reached <= target + 1e-9 or gain == floor  # and no deeper than asked for
    assert not (gain == floor < 0.0) or reached <= target + 1e-9


@given(st.floats(-60, 0), st.floats(-60, 0), st.floats(0, 40), st.floats(0, 1))
@example(-49.0, 0.0, 31.0, 3e-6)
def test_what_leaked_into_the_voice_is_made_up_for_by_at_most_six_db(
    voice: float, bed: float, target: float, leak: float
) -> None:
    settings = DuckSettings(target_lu=target, floor_db=-80.0)
    plain = gain_for_difference(voice, bed, settings)
    gain = gain_for_difference(voice, bed, settings, leak=leak)
    assert plain - 6.03 <= gain <= plain + 1e-9
    if leak <= 0.5 * 10 ** (plain / 20) and gain > settings.floor_db:  # at the floor nothing can be made up for
        assert heard_db(gain, leak) == pytest.approx(plain, abs=1e-6)
    else:
        assert heard_db(gain, leak) >= plain - 1e-6  # as near as may be, never past it


@given(st.floats(0, 40), st.floats(0, 20), st.floats(0, 1), st.floats(0, 1))
def test_a_louder_bed_or_a_larger_leak_never_gets_a_higher_gain(
    difference: float, louder: float, leak: float, more: float
) -> None:
    settings = DuckSettings(target_lu=20.0, floor_db=-80.0)
    gain = gain_for_difference(difference, 0.0, settings, leak=leak)
    assert gain_for_difference(difference - louder, 0.0, settings, leak=leak) <= gain + 1e-9
    assert gain_for_difference(difference, 0.0, settings, leak=min(1.0, leak + more)) <= gain + 1e-9


def test_a_gain_of_one_gives_the_input_back_bit_by_bit() -> None:
    mix, voice = noise(2, LENGTH), noise(2, LENGTH, seed=1)
    gains = curve([Dip(Span(5000, 6000), -20.0)], WANTED, RATE)
    out = np.concatenate([new for _, _, new in duck([Block(0, mix, voice)], gains)], axis=1)
    untouched = gains.at(0, LENGTH) == 1.0
    assert untouched.sum() > LENGTH // 2
    assert np.array_equal(out[:, untouched], mix[:, untouched])
    assert not np.array_equal(out, mix)
    ((_, _, same),) = duck([Block(0, mix, voice)], curve([], WANTED, RATE))
    assert same is mix


def test_the_bed_and_only_the_bed_is_lowered() -> None:
    voice, bed = noise(2, LENGTH), noise(2, LENGTH, seed=1)
    gains = curve([Dip(Span(3000, 9000), -20.0)], WANTED, RATE)
    mix = voice + bed
    for block, gain, new in duck([Block(0, mix, voice)], gains):
        assert np.allclose(new, block.voice + gain * block.bed, atol=1e-6)
    assert np.allclose(new[:, 3000:9000], voice[:, 3000:9000] + 0.1 * bed[:, 3000:9000], atol=1e-6)


@examples(deadline=None, max_examples=30)
@given(st.lists(st.integers(40, 4000), min_size=1, max_size=4))
def test_ducked_sound_does_not_depend_on_the_size_of_blocks(sizes: list[int]) -> None:
    mix, voice = noise(2, LENGTH), noise(2, LENGTH, seed=1)
    gains = curve([Dip(Span(1000, 2000), -7.0), Dip(Span(6000, 6400), -15.0)], WANTED, RATE)
    ((_, _, whole),) = duck([Block(0, mix, voice)], gains)
    start, blocks = 0, []
    for piece in pieces(mix, sizes):
        blocks.append(Block(start, piece, voice[:, start : start + piece.shape[1]]))
        start += piece.shape[1]
    assert np.array_equal(np.concatenate([new for _, _, new in duck(blocks, gains)], axis=1), whole)
    assert np.array_equal(mix, noise(2, LENGTH))  # the caller's sound is left alone
