"""The mixdown: two parts that always add up to the input, and no trace of how it was cut into blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from mediaclean.audio import Block, Samples, Span
from mediaclean.bed.duck import DuckSettings, GainCurve
from mediaclean.plan.make import Cut, Phrase, Plan, PlannedDip
from mediaclean.render import CleanSpeech, bed_curve, mixdown, split, trapezoid
from mediaclean.roomtone.fill import ToneFiller
from mediaclean.roomtone.model import ToneSynth, floor_model
from mediaclean.roomtone.sources import RoomToneSettings

from .making import disjoint_spans, noise, pieces, sine

RATE = 8_000
LENGTH = 60_000
FADE = 160
SIZES = (1, 7, 480, 48_000)


def plan_of(
    phrases: Sequence[Span] = (), cuts: Sequence[Span] = (), dips: Sequence[tuple[Span, float | None]] = ()
) -> Plan:
    return Plan(
        RATE,
        LENGTH,
        phrases=tuple(Phrase(span, 0.9, -23.0, -30.0) for span in phrases),
        cuts=tuple(Cut(span, "") for span in cuts),
        dips=tuple(PlannedDip(span, gain, "") for span, gain in dips),
    )


PLAN = plan_of(
    [Span(2_000, 9_000), Span(20_000, 30_000), Span(40_000, 50_000)],
    [Span(20_000, 26_000), Span(26_000, 31_000)],
    [(Span(20_000, 30_000), -12.0)],
)
MIX = noise(2, LENGTH)
CLEAN = CleanSpeech.of(PLAN, FADE)
VOICES = [noise(2, cut.span.length, seed=10 + i) for i, cut in enumerate(PLAN.cuts)]


def blocks_of(plan: Plan = PLAN, sizes: Sequence[int] = (LENGTH,), mix: Samples = MIX) -> list[Block]:
    return list(split(pieces(mix, sizes), plan, VOICES.__getitem__, FADE))


def joined(parts: Iterable[Samples]) -> Samples:
    return np.concatenate(list(parts), axis=1)


def voice_of(plan: Plan = PLAN, sizes: Sequence[int] = (LENGTH,), mix: Samples = MIX) -> Samples:
    return joined(block.voice for block in blocks_of(plan, sizes, mix))


def test_blocks_touch_and_carry_the_mix_as_it_came() -> None:
    start = 0
    for block, piece in zip(blocks_of(sizes=[700]), pieces(MIX, [700]), strict=True):
        assert block.start == start
        assert block.mix is piece or np.shares_memory(block.mix, piece)
        assert np.array_equal(block.bed, block.mix - block.voice)
        assert np.abs(block.voice + block.bed - block.mix).max() <= 1e-7
        start = block.stop
    assert start == LENGTH


def test_a_clean_phrase_is_all_voice() -> None:
    voice = voice_of()
    for phrase in (PLAN.phrases[0], PLAN.phrases[2]):
        inside = slice(phrase.span.start + FADE, phrase.span.stop - FADE)
        assert np.array_equal(voice[:, inside], MIX[:, inside])


def test_where_nobody_speaks_all_is_bed() -> None:
    voice = voice_of()
    for start, stop in ((0, 2_000), (9_000, 20_000), (31_000, 40_000), (50_000, LENGTH)):
        assert not voice[:, start:stop].any()


def test_inside_a_cut_the_voice_is_the_network_s() -> None:
    voice = voice_of()
    assert np.allclose(voice[:, 20_000 + FADE : 26_000 - FADE], VOICES[0][:, FADE:-FADE], atol=1e-7)
    assert np.allclose(voice[:, 26_000 + FADE : 31_000 - FADE], VOICES[1][:, FADE:-FADE], atol=1e-7)


def test_a_voice_that_is_the_mix_leaves_no_bed_in_its_cut() -> None:
    plan = plan_of([Span(10_000, 20_000)], [Span(10_000, 20_000)])
    (block,) = split([MIX], plan, lambda index: MIX[:, 10_000:20_000], FADE)
    assert not block.bed[:, 10_000 + FADE : 20_000 - FADE].any()


def test_the_joins_are_cross_fades_without_a_jump() -> None:
    """With a constant sound every change of the voice is the fade's: one part in FADE per sample, no more."""
    constant = np.full((1, LENGTH), 0.5, np.float32)
    plan = plan_of([Span(5_000, 30_000)], [Span(12_000, 20_000)])
    (block,) = split([constant], plan, lambda index: np.full((1, 8_000), 0.1, np.float32), FADE)
    assert np.abs(np.diff(block.voice)).max() <= 0.5 / FADE + 1e-6


@pytest.mark.parametrize("sizes", [[LENGTH], [25_990], [7]])
def test_where_cuts_touch_there_is_no_step(sizes: list[int]) -> None:
    """Two answers to the same tone, of which the second is off by a constant and a little louder."""
    mix = sine(100.0, RATE, LENGTH / RATE, dbfs_peak=-12.0)
    plan = plan_of([Span(20_000, 31_000)], [Span(20_000, 26_000), Span(26_000, 31_000)])
    voices = [mix[:, 20_000:26_000], np.float32(1.1) * mix[:, 26_000:31_000] + np.float32(0.05)]
    voice = joined(block.voice for block in split(pieces(mix, sizes), plan, voices.__getitem__, FADE))
    own = np.abs(np.diff(mix)).max()
    assert np.abs(voices[1][:, 0] - voices[0][:, -1]).max() > 1.9 * own
    near = voice[:, 26_000 - 2 * FADE : 26_000 + 2 * FADE]
    assert np.abs(np.diff(near)).max() < 1.2 * own
    unmended = np.concatenate([voices[0][:, :-FADE], voices[1][:, FADE:]], axis=1)
    kept = np.concatenate([voice[:, 20_000 : 26_000 - FADE], voice[:, 26_000 + FADE : 31_000]], axis=1)
    assert np.allclose(kept[:, FADE:-FADE], unmended[:, FADE:-FADE], atol=1e-7)


def test_where_the_answers_agree_nothing_is_mended() -> None:
    mix = sine(100.0, RATE, LENGTH / RATE, dbfs_peak=-12.0)
    plan = plan_of([Span(20_000, 31_000)], [Span(20_000, 26_000), Span(26_000, 31_000)])
    voices = [mix[:, 20_000:26_000], mix[:, 26_000:31_000]]
    (block,) = split([mix], plan, voices.__getitem__, FADE)
    assert np.abs(block.bed[:, 20_000 + FADE : 31_000 - FADE]).max() < 1e-4


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("filled", [False, True])
def test_blocks_of_any_size_give_the_same_sound(size: int, filled: bool) -> None:
    """Sample by sample: a clean phrase, touching cuts, the lowered bed, its ramps, a hole, and the room's tone."""
    rate, fade, sound = 500, 10, MIX[:, :3_000]
    plan = Plan(
        rate,
        3_000,
        phrases=(Phrase(Span(50, 400), 0.9, -23.0, -30.0), Phrase(Span(1_000, 1_700), 0.9, -23.0, -30.0)),
        cuts=(Cut(Span(1_000, 1_300), ""), Cut(Span(1_300, 1_801), "")),
        dips=(PlannedDip(Span(1_000, 1_700), -12.0, ""), PlannedDip(Span(1_900, 2_200), -18.0, "")),
    )
    voices = [VOICES[0][:, :300], VOICES[1][:, :501]]
    gains = bed_curve(plan, DuckSettings(), rate)
    filler = ToneFiller(ToneSynth(floor_model(-50.0, 8_000, 2), 3, 0.0), [Span(450, 600)], RoomToneSettings())

    clean = CleanSpeech.of(plan, fade)

    def rendered(sizes: Sequence[int]) -> tuple[Samples, Samples]:
        blocks = list(split(pieces(sound, sizes), plan, voices.__getitem__, fade))
        return joined(block.voice for block in blocks), joined(
            mixdown(blocks, gains, filler if filled else None, clean)
        )

    for one, other in zip(rendered([size]), rendered([3_000]), strict=True):
        assert np.array_equal(one, other)


@examples(deadline=None, max_examples=40)
@given(disjoint_spans(LENGTH, 4), disjoint_spans(LENGTH, 4), st.lists(st.integers(500, 20_000), min_size=1, max_size=3))
def test_whatever_is_spoken_and_separated_the_parts_add_up(
    phrases: list[Span], cuts: list[Span], sizes: list[int]
) -> None:
    plan = plan_of(phrases, cuts)
    voices = [noise(2, span.length, seed=i) for i, span in enumerate(cuts)]
    blocks = list(split(pieces(MIX, sizes), plan, voices.__getitem__, FADE))
    whole = next(iter(split([MIX], plan, voices.__getitem__, FADE)))
    voice = joined(block.voice for block in blocks)
    assert np.array_equal(joined(block.mix for block in blocks), MIX)
    assert np.array_equal(voice, whole.voice)
    assert np.abs(voice + joined(block.bed for block in blocks) - MIX).max() <= 1e-7
    assert voice.dtype == np.float32


@pytest.mark.parametrize("sizes", [[LENGTH], [480], [7_000, 1]])
def test_with_no_dips_the_mixdown_is_the_input_bit_by_bit(sizes: list[int]) -> None:
    gains = bed_curve(plan_of(), None, RATE)
    assert np.array_equal(joined(mixdown(blocks_of(sizes=sizes), gains, None, CLEAN)), MIX)
    for block, mixed in zip(blocks := blocks_of(sizes=sizes), mixdown(blocks, gains, None, CLEAN), strict=True):
        assert mixed is block.mix


def test_far_from_a_dip_the_mixdown_is_the_input_bit_by_bit() -> None:
    wanted = DuckSettings(attack_s=0.3, release_s=0.8)
    mixed = joined(mixdown(blocks_of(), bed_curve(PLAN, wanted, RATE), None, CLEAN))
    assert np.array_equal(mixed[:, : 20_000 - 2_400], MIX[:, : 20_000 - 2_400])
    assert np.array_equal(mixed[:, 30_000 + 6_400 :], MIX[:, 30_000 + 6_400 :])
    assert np.allclose(
        mixed[:, 20_200:25_800],
        voice_of()[:, 20_200:25_800] + 10 ** (-12 / 20) * (MIX - voice_of())[:, 20_200:25_800],
        atol=1e-6,
    )


@pytest.mark.parametrize("release_s", [0.8, 10.0])
def test_room_tone_is_given_where_room_was_taken_and_not_under_clean_speech(release_s: float) -> None:
    """The gain of a dip comes back within the next phrase, in which all is voice: nothing of its room is missing."""
    plan = plan_of([Span(2_000, 9_000), Span(14_000, 50_000)], [Span(1_000, 9_200)], [(Span(2_000, 9_000), -24.0)])
    gains = bed_curve(plan, DuckSettings(release_s=release_s), RATE)
    voice = np.zeros((2, 8_200), np.float32)
    filler = ToneFiller(ToneSynth(floor_model(-30.0, RATE, 2)), [], RoomToneSettings())
    blocks = list(split([MIX], plan, lambda _: voice, FADE))
    bare, filled = (joined(mixdown(blocks, gains, each, CleanSpeech.of(plan, FADE))) for each in (None, filler))
    inside = slice(14_000 + FADE, 50_000 - FADE)
    assert gains.at(14_000 + FADE, 100).max() < 1.0
    assert np.array_equal(filled[:, inside], MIX[:, inside])
    assert np.array_equal(bare[:, inside], MIX[:, inside])
    added = (filled - bare)[:, 3_000:8_000]
    assert 10 * np.log10(np.mean(added**2)) == pytest.approx(-30.0, abs=0.5)


def test_the_caller_s_sound_is_left_alone() -> None:
    kept, voices = MIX.copy(), [voice.copy() for voice in VOICES]
    joined(mixdown(blocks_of(), bed_curve(PLAN, None, RATE), None, CLEAN))
    assert np.array_equal(MIX, kept)
    assert all(np.array_equal(one, other) for one, other in zip(VOICES, voices, strict=True))


@examples(deadline=None)
@given(disjoint_spans(400, 5), st.integers(0, 40), st.integers(0, 400), st.integers(0, 100))
def test_trapezoids_against_their_definition(spans: list[Span], fade: int, start: int, length: int) -> None:
    def weight(t: int) -> float:
        for span in spans:
            if span.start <= t < span.stop:
                slope = max(1, min(fade, span.length // 2))
                return float(np.clip(min(t - span.start + 0.5, span.stop - t - 0.5) / slope, 0.0, 1.0))
        return 0.0

    found = trapezoid(spans, fade, start, length)
    assert found == pytest.approx([weight(t) for t in range(start, start + length)], abs=1e-6)
    assert found.dtype == np.float32


def test_trapezoids_of_touching_parts_do_not_reach_into_each_other() -> None:
    weight = trapezoid([Span(100, 300)], 20, 0, 400)
    assert not weight[:100].any()
    assert not weight[300:].any()
    assert (weight[120:280] == 1.0).all()
    assert np.allclose(weight[100:120] + weight[100:120][::-1], 1.0)  # half way in the middle of the ramp
    assert np.array_equal(weight[100:300], weight[100:300][::-1])


def test_dips_without_a_gain_do_not_move_the_bed() -> None:
    plan = plan_of(dips=[(Span(100, 200), None), (Span(300, 400), 0.0)])
    gains = bed_curve(plan, None, RATE)
    assert isinstance(gains, GainCurve)
    assert not len(gains.positions)
