"""Phrases against a slow state machine, and the promises about their borders."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from numpy.typing import NDArray

from mediaclean.audio import Span, frame_count, frame_edges
from mediaclean.speech import SpeechSettings, confidence, hysteresis, phrases, runs

from .making import spoken

RATE = 16_000
FRAME = 512

probabilities = st.lists(st.sampled_from([0.0, 0.1, 0.15, 0.2, 0.34, 0.35, 0.5, 0.9]), max_size=120).map(
    lambda values: np.array(values, dtype=np.float32)
)


def bare(**changes: Any) -> SpeechSettings:
    """No minimum, no joining, no padding, save what is asked for."""
    return SpeechSettings(
        **{"minimum_s": 0.0, "gap_s": 0.0, "pad_before_s": 0.0, "pad_after_s": 0.0, "on": 0.35, "off": 0.15, **changes}
    )


@given(probabilities, st.sampled_from([0.15, 0.35, 0.5]), st.sampled_from([0.1, 0.15, 0.35, 0.6]))
def test_hysteresis_is_a_switch_with_two_thresholds(probability: NDArray[np.float32], on: float, off: float) -> None:
    talking, expected = False, []
    for value in probability:
        if value >= on:
            talking = True
        elif value < min(on, off):
            talking = False
        expected.append(talking)
    assert hysteresis(probability, on, off).tolist() == expected


@given(st.lists(st.booleans(), max_size=60))
def test_runs_are_all_that_is_active_and_as_long_as_can_be(active: list[bool]) -> None:
    found = runs(np.array(active, dtype=bool))
    assert {t for start, stop in found for t in range(start, stop)} == {t for t, on in enumerate(active) if on}
    assert all(later[0] > earlier[1] for earlier, later in pairwise(found))


@examples(deadline=None, max_examples=200)
@given(
    probabilities,
    st.floats(0.0, 0.5),
    st.floats(0.0, 0.5),
    st.floats(0.0, 0.4),
    st.floats(0.0, 0.4),
    st.sampled_from([8_000, 44_100, 48_000]),
    st.integers(0, FRAME * 3),
)
def test_phrases_are_sorted_disjoint_and_inside_the_track(
    probability: NDArray[np.float32],
    minimum_s: float,
    gap_s: float,
    before_s: float,
    after_s: float,
    rate: int,
    short: int,
) -> None:
    length = max(0, int(frame_edges(len(probability), len(probability), rate)[0]) - short)
    wanted = bare(minimum_s=minimum_s, gap_s=gap_s, pad_before_s=before_s, pad_after_s=after_s)
    found = phrases(probability, wanted, rate, length)
    assert all(0 <= span.start < span.stop <= length for span in found)
    assert all(later.start > earlier.stop for earlier, later in pairwise(found))
    padding = round(before_s * rate) + round(after_s * rate)
    inner = [span for span in found if span.start > 0 and span.stop < length]
    assert all(span.length >= minimum_s * rate - 1 + padding for span in inner)


@pytest.mark.parametrize("frames", [7, 8, 9])
def test_bursts_shorter_than_the_minimum_are_dropped(frames: int) -> None:
    found = phrases(spoken(100, [(40, 40 + frames)]), bare(minimum_s=8 * 0.032), RATE, 100 * FRAME)
    assert found == ([Span(40 * FRAME, (40 + frames) * FRAME)] if frames >= 8 else [])


@pytest.mark.parametrize("pause", [9, 10, 11])
def test_pauses_up_to_the_gap_are_part_of_the_phrase(pause: int) -> None:
    probability = spoken(100, [(20, 30), (30 + pause, 60)])
    found = phrases(probability, bare(gap_s=10 * 0.032), RATE, 100 * FRAME)
    assert len(found) == (1 if pause <= 10 else 2)


def test_short_bursts_that_lie_close_make_a_phrase_together() -> None:
    probability = spoken(100, [(20, 24), (26, 30), (80, 84)])
    assert phrases(probability, bare(minimum_s=0.3, gap_s=0.1), RATE, 100 * FRAME) == [Span(20 * FRAME, 30 * FRAME)]


def test_pads_are_kept_on_either_side_and_end_at_the_track() -> None:
    wanted = bare(pad_before_s=0.1, pad_after_s=0.2)
    found = phrases(spoken(100, [(1, 10), (50, 60), (97, 100)]), wanted, RATE, 100 * FRAME)
    assert found == [
        Span(0, 10 * FRAME + 3200),
        Span(50 * FRAME - 1600, 60 * FRAME + 3200),
        Span(97 * FRAME - 1600, 100 * FRAME),
    ]


def test_pads_that_meet_join_their_phrases() -> None:
    wanted = bare(pad_before_s=0.5, pad_after_s=0.5)
    assert len(phrases(spoken(100, [(20, 40), (60, 80)]), wanted, RATE, 100 * FRAME)) == 1


@pytest.mark.parametrize("rate", [44_100, 11_025, 48_000, 192_000])
def test_the_clock_is_right_after_an_hour(rate: int) -> None:
    frames = frame_count(3700 * rate, rate)
    begin = 112_500  # frame 112500 is 3600 s to the sample
    found = phrases(spoken(frames, [(begin, begin + 125)]), bare(), rate, 3700 * rate)
    assert found == [Span(3600 * rate, 3604 * rate)]


def test_no_speech_and_no_frames_are_no_phrases() -> None:
    assert phrases(spoken(100, []), SpeechSettings(), RATE, 100 * FRAME) == []
    assert phrases(spoken(0, []), SpeechSettings(), RATE, 0) == []


def test_confidence_is_that_of_the_phrase_and_not_of_its_surroundings() -> None:
    probability = np.concatenate([np.full(50, 0.9), np.full(50, 0.4), np.full(50, 0.1)]).astype(np.float32)
    levels = [confidence(probability, Span(a * FRAME, (a + 50) * FRAME), RATE) for a in (0, 50, 100)]
    assert levels == pytest.approx([0.9, 0.4, 0.1])
    assert confidence(probability, Span(200 * FRAME, 210 * FRAME), RATE) == 0.0
