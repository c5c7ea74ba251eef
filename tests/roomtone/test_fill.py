"""Tone comes only where something is missing, keeps the floor where it was, and touches nothing else."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediaclean.audio import Samples, Span, power_to_db, reblock
from mediaclean.roomtone.fill import HoleFinder, ToneFiller
from mediaclean.roomtone.model import ToneSynth, learn
from mediaclean.roomtone.sources import RoomToneSettings

RATE = 16000
SETTINGS = RoomToneSettings()
LSB = np.float32(2.0**-15)


def room(seconds: float, seed: int = 0) -> Samples:
    return (1e-3 * np.random.default_rng(seed).standard_normal((2, int(seconds * RATE)))).astype(np.float32)


SYNTH = ToneSynth(learn([room(10.0)], RATE), seed=1)


def holes_in(chunks: Iterable[Samples]) -> list[Span]:
    finder = HoleFinder(RATE, SETTINGS)
    for chunk in chunks:
        finder.push(chunk)
    return finder.finish()


def level(sound: Samples) -> float:
    return float(power_to_db(np.square(sound, dtype=np.float64).mean()))


def test_neutral_is_the_same_array() -> None:
    sound = room(1.0)
    filler = ToneFiller(SYNTH, [Span(5 * RATE, 6 * RATE)], SETTINGS)
    assert filler.apply(sound, 0) is sound
    assert filler.apply(sound, 0, np.ones(RATE)) is sound
    assert filler.apply(sound, 0, np.full(RATE, 1.5)) is sound


@pytest.mark.parametrize("gain_db", [-60.0, -20.0, -10.0, -3.0, -0.5])
def test_the_floor_stays_where_it_was_under_a_lowered_bed(gain_db: float) -> None:
    gain = np.full(5 * RATE, 10.0 ** (gain_db / 20.0))
    bed = room(5.0, seed=2)
    result = ToneFiller(SYNTH, [], SETTINGS).apply(bed * gain.astype(np.float32), 0, gain)
    assert level(result) == pytest.approx(level(bed), abs=0.25)


def test_only_lowered_samples_are_touched() -> None:
    gain = np.ones(RATE)
    gain[4000:9000] = 0.5
    sound = room(1.0)
    result = ToneFiller(SYNTH, [], SETTINGS).apply(sound, 7000, gain)
    np.testing.assert_array_equal(result[:, :4000], sound[:, :4000])
    np.testing.assert_array_equal(result[:, 9000:], sound[:, 9000:])
    tone = SYNTH.read(11000, 5000) * np.float32(np.sqrt(0.75))
    np.testing.assert_array_equal(result[:, 4000:9000], sound[:, 4000:9000] + tone)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 900), st.booleans()), max_size=12), st.integers(1, 700))
def test_holes_are_the_long_runs_of_near_silence_for_any_chunks(runs: list[tuple[int, bool]], size: int) -> None:
    flags = np.concatenate([np.zeros(0, bool), *(np.full(length, silent) for length, silent in runs)])
    sound = np.where(flags, LSB * 0.9, 0.1).astype(np.float32)[None]
    padded = np.concatenate([[False], flags, [False]])
    edges = np.flatnonzero(np.diff(padded.astype(int)))
    expected = [Span(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= 320]
    assert holes_in(reblock([sound], size)) == expected


def test_sixteen_bit_dither_is_silence_and_one_loud_channel_is_not() -> None:
    dither = LSB * np.random.default_rng(0).integers(-1, 2, (2, RATE)).astype(np.float32)
    assert holes_in([dither]) == [Span(0, RATE)]
    dither[1] = room(1.0)[1]
    assert holes_in([dither]) == []


def holed(seconds: float = 30.0) -> tuple[Samples, list[Span]]:
    sound = room(seconds, seed=4)
    holes = [Span(at, at + RATE // 4) for at in range(RATE // 2, sound.shape[1] - RATE, RATE)]
    for hole in holes:
        sound[:, hole.start : hole.stop] = 0.0
    return sound, holes


def test_filled_holes_have_the_rooms_level_without_a_step_or_dip() -> None:
    """The level, folded over 29 holes, in steps of 5 ms across both edges."""
    sound, holes = holed()
    assert holes_in([sound]) == holes
    filled = ToneFiller(SYNTH, holes, SETTINGS).apply(sound, 0)
    reach, step = RATE // 10, RATE // 200
    for edge in ("start", "stop"):
        folded = np.array([filled[:, getattr(h, edge) - reach : getattr(h, edge) + reach] for h in holes])
        steps = power_to_db(np.square(folded, dtype=np.float64).reshape(len(holes) * 2, -1, step).mean(axis=(0, 2)))
        assert np.abs(steps - level(room(30.0))).max() < 1.0


def test_nothing_outside_the_declared_spans_is_touched() -> None:
    sound, holes = holed()
    filler = ToneFiller(SYNTH, holes, SETTINGS)
    filled = filler.apply(sound, 0)
    outside = np.ones(sound.shape[1], dtype=bool)
    for span in filler.spans():
        outside[span.start : span.stop] = False
    np.testing.assert_array_equal(filled[:, outside], sound[:, outside])
    assert holes_in([filled]) == []


@settings(max_examples=10, deadline=None)
@given(st.integers(50, 20000))
def test_filling_does_not_depend_on_the_size_of_chunks(size: int) -> None:
    sound, holes = holed(3.0)
    filler = ToneFiller(SYNTH, holes, SETTINGS)
    whole = filler.apply(sound, 0)
    pieces = [filler.apply(sound[:, at : at + size], at) for at in range(0, sound.shape[1], size)]
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), whole)


@settings(max_examples=10, deadline=None)
@given(st.integers(50, 20000))
def test_a_lowered_bed_with_holes_does_not_depend_on_the_size_of_chunks(size: int) -> None:
    sound, holes = holed(3.0)
    gain = 0.5 + 0.5 * np.cos(np.linspace(0.0, 20.0, sound.shape[1]))
    filler = ToneFiller(SYNTH, holes, SETTINGS)
    pieces = [filler.apply(sound[:, at : at + size], at, gain[at : at + size]) for at in range(0, sound.shape[1], size)]
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), filler.apply(sound, 0, gain))


def test_a_hole_under_a_lowered_bed_is_filled_once() -> None:
    """Tone for the hole and tone for the lowered bed are the same tone: its power is the room's, not four times it."""
    sound = np.zeros((2, 5 * RATE), np.float32)
    gain = np.full(5 * RATE, 0.1)
    filled = ToneFiller(SYNTH, [Span(0, 5 * RATE)], SETTINGS).apply(sound, 0, gain)
    assert level(filled) == pytest.approx(level(room(5.0)), abs=0.2)


def test_a_silent_file_becomes_tone_from_its_first_sample_to_its_last() -> None:
    sound = np.zeros((2, RATE), np.float32)
    filled = ToneFiller(SYNTH, holes_in([sound]), SETTINGS).apply(sound, 0)
    assert level(filled[:, :400]) == pytest.approx(level(room(1.0)), abs=1.5)
    assert level(filled[:, -400:]) == pytest.approx(level(room(1.0)), abs=1.5)
    assert not sound.any(), "the caller's array is never written to"
