import dataclasses

import numpy as np
import pytest

from mediaclean.audio import Span
from mediaclean.loudness.kweight import lufs_to_power
from mediaclean.loudness.meter import Loudness, Meter, integrated, loudness_range, measure
from mediaclean.loudness.normalise import LoudnessSettings, gain_to_target, normalise
from mediaclean.loudness.ride import plan_ride, ride

RATE = 48000
LEVELS = (-20, -30, -22, -34, -19, -28, -24, -31)
PHRASE_S, PAUSE_S = 6.0, 1.6


def phrases():
    step = PHRASE_S + PAUSE_S
    return [Span(round(i * step * RATE), round((i * step + PHRASE_S) * RATE)) for i in range(len(LEVELS))]


def powers(levels=LEVELS, room=-62.0):
    rng = np.random.default_rng(0)
    phrase, pause = round(PHRASE_S * 10), round(PAUSE_S * 10)
    parts = [
        [lufs_to_power(level) * rng.gamma(6, 1 / 6, phrase), np.full(pause, lufs_to_power(room))] for level in levels
    ]
    return np.concatenate([part for pair in parts for part in pair])


def settings(**values):
    return LoudnessSettings(target_lufs=-23.0, mode="range", **values)


@pytest.mark.parametrize("limit", [12.0, 9.0, 7.0, 5.0])
def test_the_range_comes_under_its_limit_and_no_further(limit):
    before = powers()
    assert loudness_range(before) > 13
    plan = plan_ride(before, phrases(), RATE, settings(max_range_lu=limit))
    assert limit - 0.8 <= plan.range_lu <= limit
    assert plan.note == ""


def test_a_phrase_moves_as_one_and_never_fast():
    plan = plan_ride(powers(), phrases(), RATE, settings(max_range_lu=6.0, max_ride_db=8.0))
    for span in phrases():
        core = plan.gain_db[span.start // 4800 + 10 : span.stop // 4800 - 10]
        assert np.ptp(core) < 0.05
    assert np.abs(plan.gain_db).max() <= 8.0
    assert np.abs(np.diff(plan.gain_db)).max() / 0.1 <= 16.0
    assert plan.gain_db[:50].mean() < 0 < plan.gain_db[80:130].mean()


@pytest.mark.parametrize("options", [{}, {"max_range_lu": 20.0}, {"max_short_term_lufs": -10.0}])
def test_a_programme_within_its_limits_is_not_moved(options):
    plan = plan_ride(powers(), phrases(), RATE, settings(**options))
    assert not plan.changes
    sound = [np.ones((2, 100), np.float32)]
    assert next(iter(ride(sound, RATE, plan))) is sound[0]


def test_the_loudest_moment_comes_under_its_limit():
    levels = (-24, -24, -24, -17, -24, -24, -24, -24)
    before = powers(levels)
    options = settings(max_short_term_lufs=-20.0, max_momentary_lufs=-17.5)
    plan = plan_ride(before, phrases(), RATE, options)
    heard = Loudness(integrated(before), 0, 0, 0, -3.0, -3.0, 60)
    after = plan.expected(heard)
    gain_db = gain_to_target(after, options).gain_db
    assert after.short_term_max_lufs + gain_db <= -20.0
    assert after.momentary_max_lufs + gain_db <= -17.5
    untouched = [i for i in range(8) if i not in (2, 3, 4)]
    assert all(plan.gain_db[i * 76 + 20] == 0 for i in untouched)


def test_what_moving_phrases_cannot_do_is_said():
    plan = plan_ride(powers(), phrases(), RATE, settings(max_range_lu=3.0, max_ride_db=2.0))
    assert "range stays" in plan.note
    assert np.abs(plan.gain_db).max() <= 2.0
    plan = plan_ride(powers(), phrases(), RATE, settings(max_short_term_lufs=-23.0, max_ride_db=1.0))
    assert "too loud" in plan.note


def test_room_tone_is_not_a_phrase():
    quiet = np.concatenate([powers(), np.full(100, lufs_to_power(-62.0))])
    plan = plan_ride(quiet, phrases(), RATE, settings(max_range_lu=6.0))
    assert plan.gain_db[-1] == pytest.approx(plan.gain_db[-130], abs=1e-6)


@pytest.mark.parametrize("empty", [np.zeros(0), np.zeros(50)])
def test_silence_is_not_ridden(empty):
    assert not plan_ride(empty, phrases(), RATE, settings(max_range_lu=6.0)).changes


@pytest.mark.parametrize("block", [4096, 100000])
def test_the_sound_gets_what_the_plan_foretold(block):
    rng = np.random.default_rng(1)
    rate, spans = 16000, [Span(s.start // 3, s.stop // 3) for s in phrases()]
    envelope = np.full(round(len(LEVELS) * (PHRASE_S + PAUSE_S) * rate), 10 ** (-62 / 20))
    for span, level in zip(spans, LEVELS, strict=True):
        envelope[span.start : span.stop] = 10 ** (level / 20)
    sound = (0.5 * envelope * rng.standard_normal(len(envelope)))[None].astype(np.float32)
    meter = Meter(rate, "mono", 1)
    meter.add(sound)
    before = meter.result()
    options = dataclasses.replace(settings(max_range_lu=7.0))
    plan = plan_ride(meter.series().powers, spans, rate, options)
    expected = plan.expected(before)
    ridden = list(ride((sound[:, i : i + block] for i in range(0, sound.shape[1], block)), rate, plan))
    after = measure(ridden, rate, "mono")
    assert after.integrated_lufs == pytest.approx(expected.integrated_lufs, abs=0.05)
    assert after.range_lu == pytest.approx(expected.range_lu, abs=0.2)
    assert after.range_lu <= 7.0 < before.range_lu
    assert after.true_peak_dbtp <= expected.true_peak_dbtp
    finished = measure(normalise(ridden, rate, gain_to_target(expected, options)), rate, "mono")
    assert finished.integrated_lufs == pytest.approx(-23.0, abs=0.1)
