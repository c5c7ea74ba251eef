"""Where gain would lift the noise floor over its limit, the level gives way as far as its own rule allows."""

from __future__ import annotations

import numpy as np
import pytest

from mediaclean.loudness.delivery import load_spec
from mediaclean.loudness.floor import lowered, too_noisy
from mediaclean.loudness.levels import LevelMeter, Levels
from mediaclean.loudness.meter import Loudness, measure
from mediaclean.loudness.normalise import Gain, LoudnessSettings, correct, gain_to_target, normalise, shortfall

RATE = 44_100
ACX = load_spec("acx")
AIM = ACX.aim


def levels(sound: np.ndarray) -> Levels:
    meter = LevelMeter(RATE)
    meter.add(sound)
    return meter.result()


def narration(floor_dbfs: float) -> np.ndarray:
    """Ten seconds of a tone at -30 dBFS RMS with two seconds of noise at a floor."""
    time = np.arange(RATE * 10) / RATE
    voice = np.sqrt(2) * 10 ** (-30 / 20) * np.sin(2 * np.pi * 300 * time)
    noise = np.random.default_rng(1).normal(size=len(time)) * 10 ** (floor_dbfs / 20)
    voice[4 * RATE : 6 * RATE] = 0
    return (voice + noise)[None].astype(np.float32)


def rounds(sound: np.ndarray, settings: LoudnessSettings) -> tuple[list[Gain], Levels, Loudness]:
    """What a run does: measure, gain, limit, measure again, correct."""
    before = levels(sound)
    gain: Gain | None = gain_to_target(
        measure([sound], RATE, "mono"), settings, rms_dbfs=before.rms_dbfs, floor_dbfs=before.floor_dbfs
    )
    gains, after, loud = [], before, measure([sound], RATE, "mono")
    while gain is not None:
        gains.append(gain)
        out = np.concatenate(list(normalise([sound], RATE, gain)), axis=1)
        after, loud = levels(out), measure([out], RATE, "mono")
        gain = correct(gain, loud, settings, rms_dbfs=after.rms_dbfs, floor_dbfs=after.floor_dbfs)
    return gains, after, loud


@pytest.mark.parametrize("floor_dbfs", [-90.0, -71.5, -70.5, -69.5])
def test_a_floor_that_the_level_can_keep_down_is_kept_down(floor_dbfs: float) -> None:
    gains, after, _ = rounds(narration(floor_dbfs), AIM)
    assert after.floor_dbfs is not None
    assert after.rms_dbfs is not None
    assert after.floor_dbfs <= -60.3
    assert -22.6 <= after.rms_dbfs <= -19.5
    assert len(gains) <= 2


def test_the_level_gives_way_by_no_more_than_it_must() -> None:
    _, quiet, _ = rounds(narration(-90.0), AIM)
    gains, after, loud = rounds(narration(-70.0), AIM)
    assert quiet.rms_dbfs == pytest.approx(-20.0, abs=0.15)
    assert after.floor_dbfs == pytest.approx(AIM.max_floor_dbfs, abs=0.15)
    assert "to keep the noise floor down" in gains[0].note
    assert shortfall(gains[-1], loud, AIM, rms_dbfs=after.rms_dbfs, floor_dbfs=after.floor_dbfs) == ""


def test_a_floor_beyond_help_moves_nothing_and_is_told() -> None:
    gains, after, loud = rounds(narration(-60.0), AIM)
    assert after.rms_dbfs == pytest.approx(-20.0, abs=0.15)
    said = shortfall(gains[-1], loud, AIM, rms_dbfs=after.rms_dbfs, floor_dbfs=after.floor_dbfs)
    assert "room_tone.level_offset_db" in said


def test_without_the_two_limits_the_floor_is_nobodys_business() -> None:
    free = LoudnessSettings(mode="rms", target_rms_dbfs=-20, ceiling_dbtp=-3.2)
    gain = gain_to_target(measure([narration(-65.0)], RATE, "mono"), free, rms_dbfs=-31, floor_dbfs=-65)
    assert gain.gain_db == 11
    heard = measure([narration(-65.0)], RATE, "mono")
    assert shortfall(gain, heard, free, rms_dbfs=-20, floor_dbfs=-54) == ""


def test_the_two_limits_lie_inside_the_rules_of_their_specification() -> None:
    """`lowered` may go to either; a file that has both is one that passes."""
    high = next(rule.high for rule in ACX.rules if rule.quantity == "floor_dbfs")
    low = next(rule.low for rule in ACX.rules if rule.quantity == "rms_dbfs")
    for bound in (high, low, AIM.max_floor_dbfs, AIM.least_rms_dbfs):
        assert bound is not None
    assert AIM.max_floor_dbfs < high
    assert low < AIM.least_rms_dbfs < AIM.target_rms_dbfs


@pytest.mark.parametrize(
    ("level", "floor", "expected"),
    [(-30, -80, -20), (-30, -70, -20.5), (-20, -59, -21.5), (-30, -68, -22.5), (-30, -67.9, -20), (-18, -58, -20.5)],
)
def test_how_far(level: float, floor: float, expected: float) -> None:
    found = lowered(-20, level, floor, limit_dbfs=-60.5, least_dbfs=-22.5)
    assert found == pytest.approx(expected)
    if found < -20:
        assert floor + found - level == pytest.approx(-60.5)


def test_what_is_within_the_measuring_is_not_told() -> None:
    assert too_noisy(-60.45, -60.5) == too_noisy(None, -60.5) == too_noisy(-30, None) == ""
    assert "-59.0 dBFS" in too_noisy(-59.0, -60.5)
