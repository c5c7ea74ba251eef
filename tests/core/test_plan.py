"""Decisions: pure, the lightest that works, and never a network on clean speech."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from mediaclean.analysis import Analysis
from mediaclean.audio import Span, merge
from mediaclean.bed.duck import DuckSettings
from mediaclean.bed.level import measure_sections
from mediaclean.loudness.normalise import LoudnessSettings
from mediaclean.plan.as_json import seconds, to_json
from mediaclean.plan.make import Level, Plan, PlannedDip, SeparateSettings, make_plan, with_gains
from mediaclean.preset import Preset, load_preset, preset_names
from mediaclean.roomtone.sources import RoomToneSettings
from mediaclean.speech import SpeechSettings

from .making import FRAME_S, analysis

NEUTRAL = Preset("neutral")


def preset(mode: str = "duck", **separate: Any) -> Preset:
    return Preset(
        "test",
        speech=SpeechSettings(),
        separate=SeparateSettings(**separate),
        duck=DuckSettings(mode=mode),  # type: ignore[arg-type]
        room_tone=RoomToneSettings(),
        loudness=LoudnessSettings(),
    )


scenes = st.builds(
    analysis,
    st.lists(st.integers(0, 59), min_size=0, max_size=10, unique=True).map(
        lambda edges: [(float(a), float(b)) for a, b in zip(*[iter(sorted(edges))] * 2, strict=False)]
    ),
    seconds=st.just(60.0),
    rate=st.sampled_from([16_000, 44_100, 48_000]),
    bed_lufs=st.one_of(
        st.sampled_from([-70.0, -45.0, -34.0, -28.0, -23.0]),
        st.just([(0.0, 20.0, -28.0)]),
        st.just([(10.0, 25.0, -26.0), (40.0, 41.5, -30.0)]),
    ),
    room_lufs=st.sampled_from([-75.0, -50.0, -35.0]),
    is_tonal=st.booleans(),
    seed=st.integers(0, 3),
)
modes = st.sampled_from(["leave", "duck", "reduce", "remove"])


@examples(deadline=None, max_examples=40)
@given(scenes, modes)
def test_the_same_goes_in_and_the_same_comes_out(heard: Analysis, mode: str) -> None:
    before = (heard.speech.copy(), heard.level_db.copy(), heard.features.flux_db.copy())
    one, other = make_plan(heard, preset(mode)), make_plan(heard, preset(mode))
    assert one == other
    assert to_json(one) == to_json(other)
    for array, kept in zip((heard.speech, heard.level_db, heard.features.flux_db), before, strict=True):
        assert np.array_equal(array, kept)


@examples(deadline=None, max_examples=60)
@given(scenes, modes, st.sampled_from([5, 8, 60]))
def test_cuts_and_dips_are_sorted_disjoint_and_inside_the_track(heard: Analysis, mode: str, longest_s: float) -> None:
    plan = make_plan(heard, preset(mode, longest_s=longest_s))
    for parts in (plan.phrases, plan.cuts, plan.dips):
        spans = [part.span for part in parts]
        assert all(0 <= span.start < span.stop <= heard.length for span in spans)
        assert all(earlier.stop <= later.start for earlier, later in pairwise(spans))
    assert all(cut.span.length <= longest_s * heard.rate for cut in plan.cuts)
    assert all(cut.reason for cut in plan.cuts)
    assert 0.0 <= plan.speech_share <= 1.0


@examples(deadline=None, max_examples=60)
@given(scenes, modes)
def test_what_is_separated_is_treated(heard: Analysis, mode: str) -> None:
    """A network whose result changes nothing would be waste, and a covered phrase left alone a failure."""
    plan = make_plan(heard, preset(mode))
    assert bool(plan.cuts) == bool(plan.dips)
    for phrase in plan.phrases:
        cut = [span for cut in plan.cuts if (span := cut.span.clip(phrase.span.start, phrase.span.stop))]
        dipped = merge([dip.span for dip in plan.dips])
        separated_and_near = measure_sections(heard.level_db, [phrase.span], heard.rate)
        if cut and len(separated_and_near) == 1:  # one section: all of it is over the bed, or none
            assert any(dip.start <= phrase.span.start and phrase.span.stop <= dip.stop for dip in dipped)


@examples(deadline=None, max_examples=30)
@given(scenes)
def test_nothing_is_separated_with_the_engine_none(heard: Analysis) -> None:
    plan = make_plan(heard, preset("remove"), engine="none")
    assert (plan.cuts, plan.dips) == ((), ())


@examples(deadline=None, max_examples=30)
@given(scenes)
def test_a_neutral_preset_changes_nothing(heard: Analysis) -> None:
    plan = make_plan(dataclasses.replace(heard, holes=(Span(100, 2000),)), NEUTRAL)
    assert (plan.cuts, plan.dips, plan.holes, plan.level) == ((), (), (), None)
    assert not plan.changes_sound


@pytest.mark.parametrize("off", [{"separate": None}, {"duck": None}, {"duck": DuckSettings(mode="leave")}])
def test_without_its_stage_the_bed_is_left_alone(off: dict[str, Any]) -> None:
    heard = analysis(bed_lufs=-28.0)
    assert make_plan(heard, preset()).cuts
    plan = make_plan(heard, dataclasses.replace(preset(), **off))
    assert (plan.cuts, plan.dips) == ((), ())
    assert any("as you asked" in note for note in plan.notes)
    assert not any("closer" in note for note in plan.notes)


@pytest.mark.parametrize("name", preset_names())
@pytest.mark.parametrize("seed", range(4))
def test_clean_speech_never_meets_a_network(name: str, seed: int) -> None:
    plan = make_plan(analysis(bed_lufs=-75.0, room_lufs=-68.0, seed=seed), load_preset(name))
    assert len(plan.phrases) == 2
    assert (plan.cuts, plan.dips) == ((), ())
    assert any("nothing to separate" in note for note in plan.notes)


@pytest.mark.parametrize(("bed_lufs", "words"), [(-43.0, "never closer than"), (-90.0, "no bed under the speech")])
def test_a_note_says_how_far_the_bed_lies_if_there_is_one(bed_lufs: float, words: str) -> None:
    plan = make_plan(analysis(bed_lufs=bed_lufs, room_lufs=-95.0), preset())
    assert not plan.cuts
    assert any(words in note for note in plan.notes), plan.notes


@pytest.mark.parametrize("name", preset_names())
def test_speech_over_loud_music_does(name: str) -> None:
    plan = make_plan(analysis(bed_lufs=-26.0), load_preset(name))
    assert plan.cuts
    assert plan.dips


def test_only_the_phrase_over_the_music_is_separated() -> None:
    heard = analysis([(3.0, 11.0), (25.0, 33.0)], seconds=40.0, bed_lufs=[(0.0, 13.0, -28.0)])
    plan = make_plan(heard, preset())
    first, second = plan.phrases
    assert all(cut.span.overlaps(first.span) and not cut.span.overlaps(second.span) for cut in plan.cuts)
    assert plan.dips == (PlannedDip(first.span, None, "bed rides 10 LU under each phrase"),)


def test_what_lies_beside_a_bed_is_listened_to_but_no_further() -> None:
    """Music with rests sounds like none for a while; the separated voice tells, where it is asked."""
    heard = analysis([(3.0, 57.0)], seconds=60.0, bed_lufs=[(0.0, 7.0, -28.0)])
    plan = make_plan(heard, preset())
    sections = measure_sections(heard.level_db, [phrase.span for phrase in plan.phrases], heard.rate)
    stop = max(section.span.stop for section in sections if section.difference_lu < 13.0) + 5 * heard.rate
    last = [section for section in sections if section.span.start < stop][-1]
    assert last.span.stop < 30 * heard.rate
    (dip,) = plan.dips
    assert dip.span == Span(sections[0].span.start, last.span.stop)
    (cut,) = plan.cuts
    assert cut.span == Span(dip.span.start - round(1.5 * heard.rate), dip.span.stop), "up to the clear speech"


def test_speech_near_to_a_bed_is_lowered_only_if_one_is_heard() -> None:
    """Where the bed goes throughout, what was not seen in the mix waits for the separated voice."""
    heard = analysis([(3.0, 57.0)], seconds=60.0, bed_lufs=[(0.0, 7.0, -28.0)])
    lowered, waiting = make_plan(heard, preset("remove")).dips
    assert lowered.gain_db == DuckSettings().floor_db
    assert waiting.gain_db is None
    assert waiting.span.start == lowered.span.stop
    assert 12 * heard.rate < waiting.span.stop < 20 * heard.rate


def test_the_reason_of_a_cut_is_a_number() -> None:
    heard = analysis(bed_lufs=-28.0)
    (low, high) = np.percentile(
        [
            s.difference_lu
            for s in measure_sections(heard.level_db, [p.span for p in make_plan(heard, preset()).phrases], heard.rate)
        ],
        [0, 100],
    )
    reasons = " ".join(cut.reason for cut in make_plan(heard, preset()).cuts)
    assert f"{low:.0f}" in reasons
    assert f"{high:.0f}" in reasons
    assert "LU above the bed" in reasons


@pytest.mark.parametrize("difference_lu", [4.0, 11.0, 18.0])
def test_the_threshold_is_the_preset_s(difference_lu: float) -> None:
    heard = analysis(bed_lufs=-23.0 - difference_lu)
    for within_lu in (8.0, 14.5, 30.0):
        cuts = make_plan(heard, preset(within_lu=within_lu)).cuts
        if abs(within_lu - difference_lu) > 3.0:
            assert bool(cuts) == (difference_lu < within_lu)


@pytest.mark.parametrize("seed", range(3))
def test_steady_noise_is_left_alone_longer_than_music(seed: int) -> None:
    """The same difference of some 10 LU: music is separated, the recording's own noise is not."""
    music = analysis(bed_lufs=-33.5, room_lufs=-75.0, seed=seed)
    noise = analysis(bed_lufs=-75.0, room_lufs=-33.5, is_tonal=False, seed=seed)
    wanted = preset(within_lu=13.0, noise_within_lu=8.0)
    assert make_plan(music, wanted).cuts
    assert not make_plan(noise, wanted).cuts
    assert make_plan(noise, preset(within_lu=13.0, noise_within_lu=13.0)).cuts


def test_cuts_close_together_are_joined_and_long_ones_split_at_the_weakest_speech() -> None:
    talks = [(1.0, 9.0), (10.2, 20.0)]
    heard = analysis(talks, seconds=24.0, bed_lufs=-26.0)
    assert len(make_plan(heard, preset(bridge_s=2.0, edge_s=0.0)).cuts) == 1
    assert len(make_plan(heard, preset(bridge_s=0.0, edge_s=0.0)).cuts) == 2
    assert len(make_plan(heard, preset(bridge_s=0.0, edge_s=1.5)).cuts) == 1
    parts = make_plan(heard, preset(longest_s=12.0, edge_s=0.0)).cuts
    assert len(parts) == 2
    assert parts[0].span.stop == parts[1].span.start
    assert 8.9 * heard.rate < parts[0].span.stop < 10.3 * heard.rate  # in the pause, not in a word


def test_music_alone_is_lowered_too_where_the_bed_is_reduced_throughout() -> None:
    heard = analysis([(8.0, 16.0)], seconds=40.0, bed_lufs=[(2.0, 25.0, -28.0)])
    ducked, removed = (make_plan(heard, preset(mode)) for mode in ("duck", "remove"))
    assert [dip.span for dip in ducked.dips] == [ducked.phrases[0].span]
    (dip,) = removed.dips
    assert dip.gain_db == DuckSettings().floor_db
    assert dip.span.start / heard.rate == pytest.approx(2.0, abs=0.3)
    assert dip.span.stop / heard.rate == pytest.approx(25.0, abs=0.3)
    assert make_plan(heard, preset("reduce")).dips[0].gain_db == DuckSettings().reduce_db


def test_a_laugh_by_itself_stays() -> None:
    heard = analysis([(8.0, 16.0)], seconds=40.0, bed_lufs=[(7.0, 17.0, -28.0), (30.0, 30.5, -22.0)])
    for dip in make_plan(heard, preset("remove")).dips:
        assert not dip.span.overlaps(Span(29 * heard.rate, 32 * heard.rate))


def test_words_of_a_clean_phrase_are_never_lowered() -> None:
    """Music up to a phrase that is clean: the dip keeps a distance, for the word may begin before it was heard."""
    heard = analysis([(4.0, 10.0), (20.0, 28.0)], seconds=32.0, bed_lufs=[(3.0, 19.6, -27.0)])
    plan = make_plan(heard, preset("remove"))
    clean = plan.phrases[1].span
    lowered = [dip for dip in plan.dips if dip.gain_db is not None]
    assert lowered
    assert all(dip.span.stop <= clean.start - 0.5 * heard.rate for dip in lowered)


def test_room_tone_is_learned_in_the_quiet_and_holes_are_filled() -> None:
    holes = (Span(0, 4000),)
    heard = analysis([(6.0, 12.0)], seconds=24.0, room_lufs=-55.0, holes=holes)
    plan = make_plan(heard, preset())
    assert plan.tone_sources
    assert not any(source.overlaps(Span(6 * heard.rate, 12 * heard.rate)) for source in plan.tone_sources)
    assert plan.holes == holes
    assert plan.changes_sound
    assert make_plan(heard, dataclasses.replace(preset(), room_tone=None)).holes == ()


def test_the_level_is_the_preset_s() -> None:
    assert make_plan(analysis(), load_preset("podcast")).level == Level(-16.0, -1.0)
    assert make_plan(analysis(), load_preset("broadcast-us")).level == Level(-24.0, -2.0)


def test_no_speech_is_said_and_nothing_is_done() -> None:
    plan = make_plan(analysis([], bed_lufs=-25.0), preset("remove"))
    assert (plan.phrases, plan.cuts, plan.dips) == ((), (), ())
    assert "no speech found" in plan.notes


@pytest.mark.parametrize("integrated_lufs", [None, -63.0])
def test_an_empty_track_gets_neither_hiss_nor_gain(integrated_lufs: float | None) -> None:
    holes = (Span(0, 24 * 48_000),)
    heard = analysis([], bed_lufs=-120.0, room_lufs=-120.0, holes=holes, integrated_lufs=integrated_lufs)
    plan = make_plan(heard, preset())
    assert not plan.changes_sound
    assert plan.level is None
    assert "hardly any sound" in plan.notes[-1]


def test_music_without_speech_is_brought_to_its_level() -> None:
    assert make_plan(analysis([], bed_lufs=-33.0, integrated_lufs=-33.0), preset()).level is not None


@pytest.mark.parametrize("is_tonal", [True, False])
def test_a_bed_under_all_phrases_is_lowered_between_them_whatever_it_is(is_tonal: bool) -> None:
    """Pads that pass for steady noise: they go under every phrase, so they must not jump up between them."""
    heard = analysis([(6.0, 14.0), (22.0, 30.0)], seconds=36.0, bed_lufs=-25.0, is_tonal=is_tonal)
    plan = make_plan(heard, preset("remove"))
    assert len(plan.dips) == 1
    assert plan.dips[0].span.length > 0.97 * heard.length


@pytest.mark.parametrize(
    "heard", [analysis([], seconds=0.01), analysis([(0.0, 0.5)], seconds=0.5), analysis([(0, 24)])]
)
def test_the_shortest_and_the_fullest_tracks_have_a_plan(heard: Analysis) -> None:
    plan = make_plan(heard, preset())
    assert plan.length == heard.length
    assert to_json(plan)


def test_a_scene_too_loud_to_be_spread_is_no_room_tone() -> None:
    plan = make_plan(analysis([(6.0, 12.0)], seconds=24.0, room_lufs=-30.0, is_tonal=False), preset())
    assert plan.tone_sources == ()


@given(st.sampled_from([8_000, 44_100, 48_000, 96_000, 192_000]), st.integers(0, 4_000_000_000), st.integers(1, 10**9))
def test_seconds_are_exact_for_every_rate(rate: int, start: int, length: int) -> None:
    pair = seconds(Span(start, start + length), rate)
    assert [round(value * rate) for value in pair] == [start, start + length]


def test_gains_are_set_one_by_one() -> None:
    dips = (PlannedDip(Span(0, 10), None, "a"), PlannedDip(Span(20, 30), None, "b"))
    plan = Plan(48_000, 100, dips=dips)
    assert [dip.gain_db for dip in with_gains(plan, [-3.0, -6.0]).dips] == [-3.0, -6.0]
    assert plan.dips == dips
    with pytest.raises(ValueError):
        with_gains(plan, [-3.0])


def test_frames_of_the_tests_are_those_of_the_analysis() -> None:
    assert FRAME_S * 16_000 == 512
