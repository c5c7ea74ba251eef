"""Difficulty is a pure function that finds what was made hard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mediaclean.analysis import Analysis, TrackStats
from mediaclean.audio import FRAME_S, Span
from mediaclean.bed.difficulty import difficulties, hardest, windows
from mediaclean.bed.level import Section
from mediaclean.loudness.meter import Loudness
from mediaclean.roomtone.sources import ToneFeatures

RATE = 48_000
NONE = Loudness(None, None, None, None, -120.0, -120.0, 0.0)


def section(start_s: float, stop_s: float, difference_lu: float, speech_lufs: float = -20.0) -> Section:
    return Section(Span(round(start_s * RATE), round(stop_s * RATE)), speech_lufs, speech_lufs - difference_lu)


def recording(bed_lufs: list[float], *, minute_s: float = 20.0, talks: bool = True, seed: int = 0) -> Analysis:
    """Stretches of `minute_s` seconds: syllables at -20 LUFS over a bed, in three of every four seconds."""
    random = np.random.default_rng(seed)
    per = round(minute_s / FRAME_S)
    levels, speech = [], []
    for bed in bed_lufs:
        time = np.arange(per) * FRAME_S
        talking = (time % 4.0 < 3.0) & talks
        syllable = np.where(talking & (time * 4 % 1.0 < 0.6), -20.0, -90.0)
        power = 10 ** (syllable / 10) + 10 ** ((bed + random.normal(0, 0.5, per)) / 10)
        levels.append(10 * np.log10(power))
        speech.append(np.where(talking, 0.95, 0.02))
    level_db = np.concatenate(levels).astype(np.float32)
    length = int(len(level_db) * FRAME_S * RATE)
    flat = np.full(len(level_db), 5.0, dtype=np.float32)
    return Analysis(
        rate=RATE,
        channels=1,
        layout="mono",
        length=length,
        speech=np.concatenate(speech).astype(np.float32),
        level_db=level_db,
        features=ToneFeatures(flat, flat),
        loudness=NONE,
        stats=TrackStats(0.0, 0.1),
        holes=(),
        clipped=0,
        bandwidth_hz=20_000.0,
    )


@pytest.mark.parametrize("order", [(-60, -20, -40, -28), (-20, -28, -40, -60), (-40, -60, -28, -20)])
def test_the_loudest_bed_is_the_hardest_wherever_it_stands(order: tuple[int, ...]) -> None:
    found = hardest(recording([float(level) for level in order]), seconds=20.0, count=4)
    places = [order[round(passage.span.start / RATE / 20.0)] for passage in found]
    assert places[:2] == [-20, -28]
    scores = [passage.difficulty for passage in found]
    assert scores == sorted(scores, reverse=True)


def test_it_is_pure() -> None:
    analysis = recording([-30.0, -22.0])
    before = analysis.level_db.copy(), analysis.speech.copy()
    first = hardest(analysis, seconds=10.0)
    assert hardest(analysis, seconds=10.0) == first
    np.testing.assert_array_equal(analysis.level_db, before[0])
    np.testing.assert_array_equal(analysis.speech, before[1])


@pytest.mark.parametrize("seconds", [5.0, 11.3, 17.3])
def test_passages_do_not_overlap_and_lie_in_the_track(seconds: float) -> None:
    analysis = recording([-30.0, -22.0, -40.0, -25.0, -35.0])
    found = [passage.span for passage in hardest(analysis, seconds=seconds)]
    assert len(found) == 3
    for index, span in enumerate(found):
        assert 0 <= span.start < span.stop <= analysis.length
        assert span.length == round(seconds * RATE)
        assert not any(span.overlaps(other) for other in found[:index])


def test_a_short_track_is_one_passage() -> None:
    analysis = recording([-30.0], minute_s=8.0)
    (passage,) = hardest(analysis, seconds=30.0)
    assert passage.span == Span(0, analysis.length)


def test_without_speech_nothing_is_hard() -> None:
    assert hardest(recording([-20.0, -30.0], talks=False), seconds=10.0) == []


def test_the_windows_cover_the_track_to_its_end() -> None:
    spans = windows(10 * RATE + 7, RATE, 4.0)
    assert spans[0].start == 0
    assert spans[-1].stop == 10 * RATE + 7
    assert spans == sorted(set(spans))


@pytest.mark.parametrize(("near", "far"), [(0.0, 5.0), (5.0, 10.0), (-5.0, 0.0), (10.0, 20.0)])
def test_a_closer_bed_is_harder(near: float, far: float) -> None:
    window = [Span(0, 10 * RATE)]
    hard, easy = (difficulties(window, [section(0, 10, gap)])[0] for gap in (near, far))
    assert hard > easy


def test_the_level_of_the_recording_does_not_matter() -> None:
    window = [Span(0, 10 * RATE)]
    loud, quiet = (difficulties(window, [section(0, 10, 6.0, lufs)])[0] for lufs in (-12.0, -40.0))
    assert loud == pytest.approx(quiet)


def test_a_part_of_a_section_counts_as_a_part() -> None:
    """Half hard, half clear: the error's energy is half of what it is in the hard half, 3 dB less."""
    both = [section(0, 10, 0.0), section(10, 20, 60.0)]
    alone, half = difficulties([Span(0, 10 * RATE), Span(5 * RATE, 15 * RATE)], both)
    assert alone - half == pytest.approx(10 * np.log10(2), abs=0.01)


def test_clear_speech_has_no_difficulty() -> None:
    assert difficulties([Span(0, 10 * RATE)], [section(0, 10, 40.0)])[0] == 0.0


@pytest.mark.parametrize(("bed", "words"), [(-60.0, "clear"), (-20.0, "speech is"), (-28.0, "LU above the bed")])
def test_the_reason_is_in_words(bed: float, words: str) -> None:
    (passage,) = hardest(recording([bed]), seconds=20.0)
    assert words in passage.reason


def test_a_changing_bed_and_a_tonal_one_are_named() -> None:
    analysis = recording([-30.0, -20.0], minute_s=10.0)
    tonal = replace(analysis, features=ToneFeatures(analysis.features.flux_db, analysis.features.tonality_db + 9.0))
    (passage,) = hardest(tonal, seconds=20.0)
    assert "changes by up to" in passage.reason
    assert "tonal" in passage.reason
