import dataclasses

import numpy as np
import pytest

from mediaclean.errors import PresetError
from mediaclean.loudness.limiter import LimiterStats
from mediaclean.loudness.meter import Loudness, measure
from mediaclean.loudness.normalise import MAX_TRIES, LoudnessSettings, correct, gain_to_target, normalise, shortfall

RATE = 48000


def heard(integrated=-20.0, peak=-8.0):
    return Loudness(integrated, -15.0, -17.0, 5.0, peak, peak, 60.0)


def speech(seed=0, seconds=12):
    """Gliding harmonics in syllables of uneven loudness: peaks 15 dB above the mean, as a voice has them."""
    rng = np.random.default_rng(seed)
    time = np.arange(RATE * seconds) / RATE
    glide = 2 * np.pi * np.cumsum(110 + 20 * np.sin(2 * np.pi * 0.7 * time)) / RATE
    voice = sum(np.cos(k * glide + rng.uniform(0, 2)) / k for k in range(1, 30))
    accents = np.repeat(rng.uniform(0.3, 1, seconds * 4), RATE // 4)
    return (0.1 * np.tanh(voice) * accents * np.maximum(0, np.sin(2 * np.pi * 2 * time)) ** 2)[None].astype(np.float32)


def rounds(sound, settings, codec=lambda sound: sound):
    """What a run does: render, measure, correct."""
    gain = gain_to_target(measure([sound], RATE, "mono"), settings)
    tries = []
    while gain is not None:
        after = measure([codec(np.concatenate(list(normalise([sound], RATE, gain)), axis=1))], RATE, "mono")
        tries.append((gain, after))
        gain = correct(gain, after, settings)
    return tries


@pytest.mark.parametrize("target", [-27.0, -23.0, -16.0, -14.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_target_is_met_under_the_ceiling_in_few_rounds(target, seed):
    settings = LoudnessSettings(target_lufs=target, ceiling_dbtp=-1.0, max_limiting_db=30)
    tries = rounds(speech(seed), settings)
    after = tries[-1][1]
    assert abs(after.integrated_lufs - target) <= 0.2
    assert after.true_peak_dbtp <= -1.0
    assert len(tries) <= 3


def test_a_codec_that_lifts_peaks_gets_a_lower_ceiling():
    settings = LoudnessSettings(target_lufs=-16.0, ceiling_dbtp=-1.0, max_limiting_db=30)
    tries = rounds(speech(), settings, codec=lambda sound: np.where(np.abs(sound) > 0.5, sound * 1.08, sound))
    assert tries[0][1].true_peak_dbtp > -1.0
    assert tries[-1][1].true_peak_dbtp <= -0.99
    assert abs(tries[-1][1].integrated_lufs + 16) <= 0.2
    assert tries[-1][0].ceiling_dbtp < -1.4


def test_a_target_that_no_limiter_can_meet_is_said_so():
    rng = np.random.default_rng(0)
    crackle = (rng.standard_normal((1, RATE * 5)) * 0.01 * (1 + 30 * (rng.random(RATE * 5) < 0.001))).astype(np.float32)
    settings = LoudnessSettings(target_lufs=-14.0, max_limiting_db=30)
    gain, after = rounds(crackle, settings)[-1]
    assert after.integrated_lufs < -15
    assert after.true_peak_dbtp <= -1.0
    assert "under the target" in shortfall(gain, after, settings)


def test_a_met_target_has_no_shortfall():
    settings = LoudnessSettings(target_lufs=-16.0)
    gain, after = rounds(speech(), settings)[-1]
    assert shortfall(gain, after, settings) == ""
    assert "over the ceiling" in shortfall(gain, dataclasses.replace(after, true_peak_dbtp=-0.4), settings)


def test_the_static_gain_is_the_distance_to_the_target():
    gain = gain_to_target(heard(-20), LoudnessSettings(target_lufs=-23))
    assert (gain.gain_db, gain.reason, gain.note) == (-3.0, "target", "")


@pytest.mark.parametrize("measured", [heard(None), heard(-60.0, -120.0)])
def test_silence_is_left_alone(measured):
    gain = gain_to_target(measured, LoudnessSettings())
    assert (gain.gain_db, gain.reason, gain.changes) == (0.0, "silent", False)
    assert correct(gain, measured, LoudnessSettings()) is None


def test_a_very_quiet_file_gets_the_largest_gain_and_a_note():
    settings = LoudnessSettings(max_gain_db=20)
    gain = gain_to_target(heard(-60, -50), settings)
    assert (gain.gain_db, gain.reason) == (20, "max-gain")
    assert "+44.0 dB" in gain.note
    assert correct(gain, heard(-40, -30), settings) is None


@pytest.mark.parametrize("after", [-31.5, -30.3, -33.0])
@pytest.mark.parametrize("peak_after", [-5.0, 0.5])
def test_no_try_goes_over_the_largest_gain(after, peak_after):
    """Limiting took loudness away, and the next tries would give it back."""
    settings = LoudnessSettings(max_gain_db=10)
    for measured in (heard(-40, -12), heard(-25.5, -6)):  # held at the largest gain, and just under it
        gain = gain_to_target(measured, settings)
        while gain is not None:
            assert gain.gain_db <= 10
            gain = correct(gain, heard(after, peak_after), settings)


def test_what_the_preset_ranks_first_wins():
    measured = heard(-30, -4)
    target = gain_to_target(measured, LoudnessSettings(target_lufs=-16, max_limiting_db=6))
    sound = gain_to_target(measured, LoudnessSettings(target_lufs=-16, max_limiting_db=6, rank_first="sound"))
    assert (target.gain_db, target.reason) == (14, "max-limiting")
    assert sound.gain_db == pytest.approx(14 - (-4 + 14 + 1 - 6))
    assert "5.0 LU under" in sound.note
    assert sound.target == pytest.approx(-21)


def test_dialogue_mode_sets_dialogue_to_the_target_and_falls_back_below_its_share():
    settings = LoudnessSettings(target_lufs=-27, mode="dialogue", fallback_lufs=-24)
    spoken = gain_to_target(heard(-20), settings, dialogue_lufs=-25, dialogue_share=0.5)
    rare = gain_to_target(heard(-20), settings, dialogue_lufs=-25, dialogue_share=0.1)
    assert (spoken.gain_db, spoken.anchor, spoken.reason) == (-2, "dialogue", "target")
    assert (rare.gain_db, rare.anchor, rare.reason) == (-4, "programme", "fallback")
    assert correct(spoken, heard(-22), settings, dialogue_lufs=-27.05) is None
    assert correct(spoken, heard(-22), settings, dialogue_lufs=-27.5).gain_db == pytest.approx(-1.36, abs=0.2)


def test_a_file_that_is_right_needs_no_second_try():
    settings = LoudnessSettings(target_lufs=-16)
    gain = gain_to_target(heard(-20, -10), settings)
    assert correct(gain, heard(-16.05, -1.0), settings) is None
    assert correct(gain, heard(-16.05, -0.5), settings) is not None
    assert correct(gain, heard(-16.3, -2.0), settings) is not None
    assert correct(dataclasses.replace(gain, tries=MAX_TRIES - 1), heard(-18, -2.0), settings) is None


def test_a_ceiling_lowered_too_far_comes_back_where_loudness_is_missing():
    settings = LoudnessSettings(target_lufs=-14)
    first = gain_to_target(heard(-14, -1), settings)
    lower = correct(first, heard(-14.1, 1.4), settings)
    assert lower.ceiling_dbtp == pytest.approx(-3.45)
    again = correct(lower, heard(-15.4, -2.0), settings)
    assert lower.ceiling_dbtp < again.ceiling_dbtp <= -1
    assert again.gain_db > lower.gain_db + 1


def test_a_stubborn_overshoot_is_never_accepted():
    settings = LoudnessSettings(target_lufs=-16)
    gain = gain_to_target(heard(-16, -1), settings)
    assert correct(gain, heard(-16, -0.999), settings) is not None
    steps = []
    while gain is not None:
        steps.append(gain.ceiling_dbtp)
        gain = correct(gain, heard(-16, -0.4), settings)
    assert len(steps) == MAX_TRIES
    assert np.diff(steps) == pytest.approx(-0.65)


def test_gain_zero_under_the_ceiling_gives_the_sound_back():
    sound = speech()
    gain = gain_to_target(heard(-16, -3), LoudnessSettings(target_lufs=-16))
    stats = LimiterStats()
    out = np.concatenate(list(normalise([sound], RATE, gain, stats=stats)), axis=1)
    assert np.array_equal(out, sound)
    assert stats.max_reduction_db == 0


def test_bad_settings_are_refused():
    with pytest.raises(PresetError, match="target_lufs"):
        LoudnessSettings(target_lufs=3.0)


def test_rms_mode_goes_by_the_plain_level():
    settings = LoudnessSettings(mode="rms", target_rms_dbfs=-20, ceiling_dbtp=-3, tolerance_lu=0.5)
    gain = gain_to_target(heard(-20, -14), settings, rms_dbfs=-25)
    assert (gain.gain_db, gain.anchor, gain.target) == (5, "rms", -20)
    assert correct(gain, heard(-15, -9), settings, rms_dbfs=-20.05) is None
    assert correct(gain, heard(-15, -9), settings, rms_dbfs=-21).gain_db > 5
    assert "dB under" in shortfall(gain, heard(-15, -9), settings, rms_dbfs=-21)
    assert gain_to_target(heard(-20, -14), settings).reason == "silent"
