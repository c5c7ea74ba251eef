"""What an editor would be told, on recordings made to call for each answer."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from mediaclean.advice.advise import advise
from mediaclean.analysis import Analysis
from mediaclean.audio import Span
from mediaclean.bed.judging import TREATMENTS

from .making import analysis


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("treatment", "scene"),
    [
        ("leave", {"bed_lufs": -75.0, "room_lufs": -70.0}),  # clean
        ("leave", {"bed_lufs": -50.0, "room_lufs": -75.0}),  # music far below
        ("leave", {"bed_lufs": -75.0, "room_lufs": -38.0, "is_tonal": False}),  # steady noise, 15 LU
        ("reduce", {"bed_lufs": -75.0, "room_lufs": -29.0, "is_tonal": False}),  # steady noise, 6 LU
        ("duck", {"bed_lufs": -35.0, "room_lufs": -75.0}),  # music, 12 LU
        ("reduce", {"bed_lufs": -23.0, "room_lufs": -75.0}),  # music as loud as the speech
        ("remove", {"bed_lufs": -10.0, "room_lufs": -75.0}),  # music that drowns the speech
    ],
)
def test_every_treatment_has_its_case(treatment: str, scene: dict[str, Any], seed: int) -> None:
    advice = advise(analysis(seed=seed, **scene))
    assert advice.treatment == treatment
    assert advice.difference_lu is not None
    median, worst = advice.difference_lu
    assert worst <= median
    assert f" {worst:.0f} LU" in advice.reason


def test_the_louder_the_music_the_stronger_the_treatment() -> None:
    found = [TREATMENTS.index(advise(analysis(bed_lufs=-23.0 - apart)).treatment) for apart in (50, 20, 12, 5, 0, -13)]
    assert found == sorted(found)
    assert set(found) == set(range(len(TREATMENTS)))


def test_the_level_of_a_recording_does_not_change_the_advice() -> None:
    for lower in (0.0, 8.0, 16.0):
        music = analysis(speech_lufs=-20.0 - lower, bed_lufs=-29.0 - lower)
        noise = analysis(speech_lufs=-20.0 - lower, bed_lufs=-80.0, room_lufs=-27.0 - lower, is_tonal=False)
        assert advise(music).treatment == "duck"
        assert advise(noise).treatment == "reduce"


def test_without_speech_there_is_nothing_to_clear() -> None:
    advice = advise(analysis([], bed_lufs=-25.0))
    assert (advice.treatment, advice.difference_lu, advice.speech_share) == ("leave", None, 0.0)
    assert "no speech" in advice.reason


@pytest.mark.parametrize("room_lufs", [-72.0, -55.0, -40.0])
def test_the_floor_is_the_level_of_the_quiet(room_lufs: float) -> None:
    advice = advise(analysis(bed_lufs=-90.0, room_lufs=room_lufs, is_tonal=False))
    assert advice.floor_dbfs == pytest.approx(room_lufs, abs=1.5)


def test_the_speech_share_counts_the_phrases() -> None:
    assert advise(analysis([(2.0, 10.0)], seconds=20.0)).speech_share == pytest.approx(0.43, abs=0.02)  # with its pads


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"clipped": 1}, "clips once"),
        ({"clipped": 27}, "clips 27 times"),
        ({"bandwidth_hz": 3400.0}, "nothing above 3.4 kHz"),
        ({"rate": 8000, "bandwidth_hz": 3900.0}, "only 8 kHz"),
        ({"holes": (Span(0, 48_000), Span(96_000, 120_000))}, "1.5 s are digital silence in 2 places"),
        ({"integrated_lufs": -45.0}, "very quiet (-45 LUFS)"),
    ],
)
def test_faults_of_the_source_are_warned_of(fault: dict[str, Any], words: str) -> None:
    assert any(words in warning for warning in advise(analysis(**fault)).warnings)
    assert not any(words in warning for warning in advise(analysis()).warnings)


def test_every_phrase_is_judged_by_itself() -> None:
    heard = analysis([(2.0, 10.0), (14.0, 22.0)], bed_lufs=[(0.0, 12.0, -30.0), (12.0, 24.0, -70.0)], room_lufs=-75.0)
    advice = advise(heard)
    over_music, clear = advice.phrases
    assert over_music.treatment == "duck"
    assert over_music.gain_db < 0.0
    assert (clear.treatment, clear.gain_db) == ("leave", 0.0)
    assert advice.counts() == {"leave": 1, "duck": 1, "reduce": 0, "remove": 0}
    rows = advice.to_json()["phrases"]
    assert [row["treatment"] for row in rows] == ["duck", "leave"]
    assert set(rows[0]["costs"]) == set(TREATMENTS)


def test_a_sound_recording_has_no_warnings() -> None:
    assert advise(analysis()).warnings == ()
    assert advise(analysis(rate=16_000, bandwidth_hz=8000.0)).warnings == ()
    assert advise(analysis(bandwidth_hz=0.0, integrated_lufs=None)).warnings == ()  # too short or silent to say


scenes = st.builds(
    analysis,
    st.sampled_from([[], [(0.0, 24.0)], [(2.0, 10.0)], [(0.1, 0.5), (20.0, 24.0)]]),
    bed_lufs=st.sampled_from([-120.0, -60.0, -30.0, -10.0]),
    room_lufs=st.sampled_from([-119.0, -60.0, -20.0]),
    is_tonal=st.booleans(),
    integrated_lufs=st.sampled_from([None, -70.0, -20.0]),
)


@examples(deadline=None, max_examples=40)
@given(scenes)
def test_advice_is_pure_plain_and_has_a_reason(heard: Analysis) -> None:
    one = advise(heard)
    assert one == advise(heard)
    text = json.dumps(one.to_json(), allow_nan=False)
    assert json.loads(text) == one.to_json()
    assert one.reason
    assert not one.reason.endswith(".")
    assert one.difference_lu is None or re.search(r"-?\d+ LU", one.reason)
