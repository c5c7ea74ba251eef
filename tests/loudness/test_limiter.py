import numpy as np
import pytest
from scipy.signal import butter, resample_poly, sosfilt

from mediaclean.loudness.limiter import LimiterSettings, LimiterStats, limit

RATE = 48000
CEILING = -1.0


def run(sound, rate=RATE, block=10**9, **options):
    chunks = (sound[:, start : start + block] for start in range(0, sound.shape[1], block))
    return np.concatenate(list(limit(chunks, rate, ceiling_dbtp=CEILING, **options)), axis=1)


def peak_8x_dbtp(sound):
    return 20 * np.log10(np.abs(resample_poly(sound.astype(np.float64), 8, 1, axis=1)).max())


def noise(seed=0, seconds=2.0, channels=1):
    return np.random.default_rng(seed).standard_normal((channels, int(RATE * seconds)))


def clicks():
    sound = np.zeros((1, 2 * RATE))
    rng = np.random.default_rng(2)
    sound[0, rng.integers(0, 2 * RATE, 100)] = rng.standard_normal(100) * 2
    return sound


def talking():
    """Bursts of harmonics at syllable rate: peaky, asymmetric, with pauses."""
    time = np.arange(3 * RATE) / RATE
    voice = sum(np.cos(2 * np.pi * 120 * k * time + 0.3 * k) / k for k in range(1, 40))
    return (voice * np.maximum(0, np.sin(2 * np.pi * 2.5 * time)) ** 2)[None] * 0.6


SOUNDS = {
    "white noise": noise() * 0.4,
    "noise below 20 kHz": sosfilt(butter(8, 18000, fs=RATE, output="sos"), noise(1)) * 0.7,
    "noise in bursts": noise(3) * (np.sin(2 * np.pi * 3 * np.arange(2 * RATE) / RATE) > 0) * 0.5,
    "clicks": clicks(),
    "square": 1.5 * np.sign(np.sin(2 * np.pi * 437.3 * np.arange(2 * RATE) / RATE))[None],
    "quarter-rate sine": 1.3 * np.sin(np.pi / 2 * np.arange(RATE) + np.pi / 4)[None],
    "bass": 1.5 * np.sin(2 * np.pi * 40 * np.arange(RATE) / RATE)[None],
    "speech-like": talking(),
}
sounds = pytest.mark.parametrize("sound", [s.astype(np.float32) for s in SOUNDS.values()], ids=list(SOUNDS))


@sounds
def test_no_true_peak_passes_the_ceiling(sound):
    limited = run(sound)
    assert limited.shape == sound.shape
    assert limited.dtype == np.float32
    assert peak_8x_dbtp(sound) > CEILING
    assert peak_8x_dbtp(limited) <= CEILING


@sounds
def test_the_result_does_not_depend_on_the_blocks(sound):
    assert np.array_equal(run(sound), run(sound, block=777))


@sounds
def test_the_gain_moves_slowly_and_only_down(sound):
    limited = run(sound)
    heard = np.abs(sound[0]) > 0.01
    gain_db = 20 * np.log10(limited[0, heard] / sound[0, heard])
    steps_ms = np.diff(np.flatnonzero(heard)) * 1000 / RATE
    assert gain_db.max() <= 1e-6
    assert (np.abs(np.diff(gain_db)) <= 0.5 * steps_ms + 1e-4).all()


def test_a_deep_reduction_keeps_to_the_slope():
    sound = (noise(4) * 0.01).astype(np.float32)
    sound[0, RATE] = 30.0
    limited = run(sound)
    gain_db = 20 * np.log10(limited[0] / sound[0])
    assert -32 < gain_db.min() < -30
    assert np.abs(np.diff(gain_db)).max() * RATE / 1000 <= 0.5
    assert peak_8x_dbtp(limited) <= CEILING


def test_below_the_threshold_nothing_is_touched():
    sound = (noise(5) * 0.1).astype(np.float32)
    stats = LimiterStats()
    assert np.array_equal(run(sound, block=5000, stats=stats), sound)
    assert (stats.max_reduction_db, stats.reductions) == (0, [])


def test_around_a_peak_the_rest_is_untouched():
    sound = (noise(6, 4) * 0.1).astype(np.float32)
    sound[0, 2 * RATE] = 1.5
    limited = run(sound)
    changed = np.flatnonzero(limited[0] != sound[0])
    assert 1.98 * RATE < changed[0] < 2 * RATE < changed[-1] < 2.1 * RATE


def test_channels_keep_their_balance():
    sound = np.concatenate([noise(7) * 0.4, noise(8) * 0.02]).astype(np.float32)
    limited = run(sound)
    gain = limited / sound
    assert np.allclose(gain[0], gain[1], rtol=1e-5)
    assert gain.min() < 0.9


@pytest.mark.parametrize("rate", [8000, 44100, 192000])
def test_other_rates_hold_the_ceiling_too(rate):
    sound = (np.random.default_rng(9).standard_normal((2, rate)) * 0.4).astype(np.float32)
    assert peak_8x_dbtp(run(sound, rate)) <= CEILING


@pytest.mark.parametrize("count", [0, 1, 31, 100, 30000])
def test_short_sounds_keep_their_length(count):
    sound = np.full((2, count), 1.2, np.float32)
    out = list(limit([sound] if count else [], RATE, ceiling_dbtp=CEILING))
    assert sum(chunk.shape[1] for chunk in out) == count
    if count:
        assert np.abs(np.concatenate(out, axis=1)).max() < 0.9


def test_stats_tell_what_was_done():
    sound = np.full((1, RATE), 0.1, np.float32)
    sound[0, RATE // 2] = 2.0
    stats = LimiterStats()
    run(sound, stats=stats, settings=LimiterSettings(margin_db=0.0))
    assert stats.max_reduction_db == pytest.approx(20 * np.log10(2.0) + 1, abs=0.4)
    (reduction,) = stats.reductions
    assert reduction.depth_db == stats.max_reduction_db
    assert reduction.start < RATE // 2 < reduction.stop < reduction.start + 0.2 * RATE
