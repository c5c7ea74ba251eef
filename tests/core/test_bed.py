"""The estimated bed against a known one; the truth is in the construction of the levels."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mediaclean.audio import Samples, Span, frame_edges, frames_of
from mediaclean.bed.level import (
    PROOF_LU,
    Section,
    measure_sections,
    overlapping,
    passages,
    quiet_frames,
    sections,
    smooth,
)
from mediaclean.loudness.kweight import FrameLevels, lufs_to_power, power_to_lufs

from .making import bed_levels, decibels, disjoint_spans, power, speech_levels

RATE = 48_000
FRAME = 1536
CORPUS = os.environ.get("MEDIACLEAN_CORPUS")

Levels = NDArray[np.float64]


def scene(difference_lu: float, *, seed: int, spread_db: float = 1.5, room_lufs: float = -72.0) -> tuple[Levels, ...]:
    """Speech and bed per frame: 5 s of bed, 40 s of speech over it, 5 s of bed."""
    speech = np.full(156 + 1250 + 156, -200.0)
    speech[156:1406] = speech_levels(1250, -23.0, seed)
    room = bed_levels(len(speech), room_lufs, 0.3, seed + 1)
    music = bed_levels(len(speech), -23.0 - difference_lu, spread_db, seed + 2)
    return speech, decibels(power(room) + power(music))


TALK = [Span(156 * FRAME, 1406 * FRAME)]


def errors_lu(speech: Levels, bed: Levels, phrases: list[Span], rate: int = RATE) -> Levels:
    mix = decibels(power(speech) + power(bed)).astype(np.float32)
    found = measure_sections(mix, phrases, rate)
    truth = [_truth(speech, bed, section, rate) for section in found]
    return np.array([section.difference_lu for section in found]) - np.array(truth)


def _truth(speech: Levels, bed: Levels, section: Section, rate: int) -> float:
    here = frames_of(section.span, rate)
    return float(decibels(power(speech[here]).mean()) - decibels(power(bed[here]).mean()))


@pytest.mark.parametrize("difference_lu", [0.0, 3.0, 6.0, 10.0, 15.0])
@pytest.mark.parametrize("seed", range(4))
def test_the_bed_is_found_to_within_three_lu(difference_lu: float, seed: int) -> None:
    off = errors_lu(*scene(difference_lu, seed=seed), TALK)
    assert len(off) == 10
    assert abs(np.median(off)) < 3.0


@pytest.mark.parametrize("seed", range(8))
def test_clean_speech_is_never_taken_for_speech_over_a_bed(seed: int) -> None:
    speech, room = scene(60.0, seed=seed)
    mix = decibels(power(speech) + power(room)).astype(np.float32)
    assert min(section.difference_lu for section in measure_sections(mix, TALK, RATE)) >= PROOF_LU


def test_dense_clean_speech_is_believed_to_be_clean_if_its_surroundings_are() -> None:
    """Dips of 18 LU are deeper than a bed alone would prove; the quiet before and after says that there is none."""
    speech, room = scene(60.0, seed=1)
    dense = np.where(speech > -100, np.maximum(speech, -41.0), speech)
    found = measure_sections(decibels(power(dense) + power(room)).astype(np.float32), TALK, RATE)
    assert min(section.difference_lu for section in found) > 30.0


@pytest.mark.parametrize("louder", [0, 1])
def test_of_the_surroundings_the_louder_side_counts(louder: int) -> None:
    """Music that stops when somebody speaks, or starts when he is done, may well go on under him."""
    speech = np.maximum(speech_levels(100, -23.0, 2), -42.0)  # dips of 19 LU: deeper than a bed alone would prove
    sides = [np.full(100, -45.0 if side == louder else -70.0) for side in (0, 1)]
    mix = np.concatenate([sides[0], speech, sides[1]]).astype(np.float32)
    (section,) = measure_sections(mix, [Span(100 * FRAME, 200 * FRAME)], RATE)
    assert section.bed_lufs == pytest.approx(-45.0, abs=0.1)


def test_a_louder_bed_is_never_found_to_be_quieter() -> None:
    speech, _ = scene(60.0, seed=3)
    medians = []
    for difference in range(0, 16, 3):
        bed = scene(float(difference), seed=3)[1]
        mix = decibels(power(speech) + power(bed)).astype(np.float32)
        medians.append(np.median([section.difference_lu for section in measure_sections(mix, TALK, RATE)]))
    assert medians == sorted(medians)


def test_speech_and_bed_add_up_to_the_mix() -> None:
    speech, bed = scene(6.0, seed=2)
    mix = decibels(power(speech) + power(bed)).astype(np.float32)
    for section in measure_sections(mix, TALK, RATE):
        parts = power(np.array([section.speech_lufs, section.bed_lufs])).sum()
        assert decibels(parts) == pytest.approx(decibels(power(mix[frames_of(section.span, RATE)]).mean()), abs=0.01)


def test_levels_shift_with_the_sound() -> None:
    speech, bed = scene(8.0, seed=5)
    mix = decibels(power(speech) + power(bed)).astype(np.float32)
    here, lower = measure_sections(mix, TALK, RATE), measure_sections(mix - 12.0, TALK, RATE)
    for one, other in zip(here, lower, strict=True):
        assert other.difference_lu == pytest.approx(one.difference_lu, abs=0.01)
        assert other.bed_lufs == pytest.approx(one.bed_lufs - 12.0, abs=0.01)


def test_a_phrase_without_surroundings_is_judged_by_its_dips() -> None:
    speech, bed = scene(6.0, seed=4)
    inside = slice(156, 1406)
    off = errors_lu(speech[inside], bed[inside], [Span(0, 1250 * FRAME)])
    assert abs(np.median(off)) < 3.0


def test_digital_silence_gives_numbers() -> None:
    found = measure_sections(np.full(400, -120.0, np.float32), [Span(0, 300 * FRAME)], RATE)
    assert all(np.isfinite([section.speech_lufs, section.bed_lufs, section.difference_lu]).all() for section in found)


@given(disjoint_spans(2_000_000, 6), st.sampled_from([0.5, 4.0, 10.0]))
def test_sections_are_equal_parts_that_cover_the_phrases(phrases: list[Span], longest_s: float) -> None:
    parts = sections(phrases, RATE, longest_s)
    for phrase in phrases:
        own = [part for part in parts if part.overlaps(phrase)]
        assert own[0].start == phrase.start
        assert own[-1].stop == phrase.stop
        assert all(a.stop == b.start for a, b in pairwise(own))
        lengths = [part.length for part in own]
        assert max(lengths) <= longest_s * RATE + 1
        assert max(lengths) - min(lengths) <= 1
    assert sum(part.length for part in parts) == sum(phrase.length for phrase in phrases)


@given(disjoint_spans(5_000, 8), st.integers(0, 5_000), st.integers(1, 2_000))
def test_overlapping_sections_are_found_by_halving_as_by_looking_at_all(
    places: list[Span], start: int, length: int
) -> None:
    known, span = [Section(place, 0.0, 0.0) for place in places], Span(start, start + length)
    assert overlapping(known, span) == [each for each in known if each.span.overlaps(span)]


@given(disjoint_spans(60_000, 6), st.sampled_from([8_000, 44_100, 48_000]))
def test_quiet_frames_are_those_that_no_phrase_touches(phrases: list[Span], rate: int) -> None:
    edges = frame_edges(0, 40, rate)
    slow = [not any(phrase.overlaps(Span(int(a), int(b))) for phrase in phrases) for a, b in pairwise(edges)]
    assert quiet_frames(phrases, 40, rate).tolist() == slow


def test_the_smooth_level_is_a_running_mean_of_power() -> None:
    level = np.random.default_rng(0).uniform(-60, -20, 50).astype(np.float32)
    padded = np.pad(power(level), 4, mode="edge")
    slow = [decibels(padded[i : i + 9].mean()) for i in range(50)]
    assert smooth(level) == pytest.approx(slow, abs=1e-6)


def sounding(*parts: tuple[int, int]) -> NDArray[np.float32]:
    level = np.full(1000, -70.0, np.float32)
    for start, stop in parts:
        level[start:stop] = -30.0
    return level


def found_passages(level: NDArray[np.float32], phrases: list[Span], over_bed: list[Span]) -> list[Span]:
    return passages(level, phrases, over_bed, least_lufs=-45.0, rate=RATE, length=1000 * FRAME)


def test_what_is_separated_is_a_passage_however_short_it_is() -> None:
    short = Span(500 * FRAME, 520 * FRAME)
    assert found_passages(sounding(), [short], [short]) == [short]


@pytest.mark.parametrize(("frames", "is_passage"), [(15, False), (60, True)])
def test_a_short_sound_by_itself_is_an_event_of_the_scene(frames: int, is_passage: bool) -> None:
    assert bool(found_passages(sounding((700, 700 + frames)), [], [])) == is_passage


def test_music_between_separated_phrases_is_one_passage_with_them() -> None:
    phrases = [Span(100 * FRAME, 300 * FRAME), Span(500 * FRAME, 700 * FRAME)]
    (passage,) = found_passages(sounding((50, 800)), phrases, phrases)
    assert abs(passage.start - 50 * FRAME) <= 5 * FRAME
    assert abs(passage.stop - 800 * FRAME) <= 5 * FRAME


def test_no_passage_comes_near_a_clean_phrase() -> None:
    clean = Span(400 * FRAME, 600 * FRAME)
    found = found_passages(sounding((100, 390), (590, 900)), [clean], [])
    assert len(found) == 2
    assert all(span.stop <= clean.start - 0.6 * RATE or span.start >= clean.stop + 0.6 * RATE for span in found)


VOICES = ("librispeech_198.ogg", "librispeech_3436.ogg", "silero_test_60s.flac")
MUSIC = ("vibe_ace.ogg", "hungarian_dance_5.ogg", "sugar_plum_fairy.ogg", "lets_go_fishin_vocals.ogg")

needs_corpus = pytest.mark.skipif(CORPUS is None, reason="MEDIACLEAN_CORPUS is not set")


@pytest.mark.corpus
@needs_corpus
@pytest.mark.parametrize(("difference_lu", "within_lu"), [(0.0, 4.0), (5.0, 1.5), (10.0, 1.5), (15.0, 1.5)])
def test_real_speech_over_real_music(difference_lu: float, within_lu: float) -> None:
    """At 0 LU the music's own dips and the speech's cannot be told apart, and the bed is found a little too low."""
    off = []
    for voice in VOICES:
        speech, rate = _load("speech", voice)
        of_speech = _levels(speech, rate)
        for music in MUSIC:
            bed, _ = _load("music", music, rate)
            length = min(speech.shape[1], bed.shape[1])
            of_bed = _levels(bed, rate)
            gain_db = _mean_lufs(of_speech) - _mean_lufs(of_bed) - difference_lu
            mixed = speech[:, :length] + np.float32(10 ** (gain_db / 20)) * bed[:, :length]
            found = measure_sections(_levels(mixed, rate).astype(np.float32), [Span(0, length)], rate)
            off += [s.difference_lu - _truth(of_speech, of_bed + gain_db, s, rate) for s in found]
    assert abs(np.median(off)) < within_lu


@pytest.mark.corpus
@needs_corpus
@pytest.mark.parametrize("voice", VOICES)
def test_real_clean_speech_is_found_to_be_clean(voice: str) -> None:
    speech, rate = _load("speech", voice)
    found = measure_sections(_levels(speech, rate).astype(np.float32), [Span(0, speech.shape[1])], rate)
    assert min(section.difference_lu for section in found) >= PROOF_LU


def _mean_lufs(levels: Levels) -> float:
    return float(decibels(power(levels).mean()))


def _load(folder: str, name: str, rate: int | None = None) -> tuple[Samples, int]:
    import soundfile
    import soxr

    sound, own = soundfile.read(Path(CORPUS or "") / folder / name, dtype="float32", always_2d=True)
    mono = sound.mean(axis=1)
    start = len(mono) // 4  # past the intros
    mono = mono[start : start + 20 * own] if folder == "music" else mono
    mono = mono if rate is None or rate == own else soxr.resample(mono, own, rate)
    return mono[None].astype(np.float32), rate or own


def _levels(sound: Samples, rate: int) -> Levels:
    frames = FrameLevels(rate, "mono", 1)
    frames.add(sound)
    return power_to_lufs(np.maximum(frames.result(), lufs_to_power(-119.0)))
