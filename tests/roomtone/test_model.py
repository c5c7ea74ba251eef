"""A synthesised tone has the spectrum, level and coherence of what it was learned from, and no loop, event or seam."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import csd, lfilter, welch

from mediaclean.audio import Samples, rms_dbfs
from mediaclean.roomtone.model import ToneSynth, floor_model, frame_length, learn

RATE = 16000


def room(seconds: float, *, share: float = 0.0, seed: int = 0) -> Samples:
    """Stereo low-passed noise at about -50 dBFS; the channels cohere by `share`."""
    white = np.random.default_rng(seed).standard_normal((2, int(seconds * RATE)))
    white[1] = share * white[0] + np.sqrt(1.0 - share**2) * white[1]
    return np.asarray(1e-3 * lfilter([1.0, 0.3], [1.0, -0.8], white, axis=1), dtype=np.float32)


def third_octaves(sound: Samples) -> NDArray[np.float64]:
    frequency, power = welch(sound, RATE, nperseg=4096)
    centres = 1000.0 * 2.0 ** (np.arange(-10, 9) / 3.0)
    bands = [
        power[:, (frequency >= centre * 2 ** (-1 / 6)) & (frequency < centre * 2 ** (1 / 6))].sum(axis=1)
        for centre in centres
    ]
    return 10.0 * np.log10(np.array(bands))


def coherence(sound: Samples) -> float:
    _, cross = csd(sound[0], sound[1], RATE, nperseg=1024)
    _, power = welch(sound, RATE, nperseg=1024)
    return float(np.abs(cross[10:-10] / np.sqrt(power[0] * power[1])[10:-10]).mean())


TONE = ToneSynth(learn([room(10.0, share=0.5)], RATE), seed=3)


@pytest.mark.parametrize(("seconds", "largest"), [(1.0, 2.0), (3.0, 1.5), (10.0, 1.0)])
def test_third_octaves_are_those_of_the_recording(seconds: float, largest: float) -> None:
    made = ToneSynth(learn([room(seconds)], RATE)).read(0, 30 * RATE)
    error = np.abs(third_octaves(made) - third_octaves(room(30.0, seed=9)))
    assert error.max() < largest
    assert error.mean() < 0.5


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.95])
def test_stereo_width_is_that_of_the_recording(share: float) -> None:
    made = ToneSynth(learn([room(5.0, share=share)], RATE)).read(0, 20 * RATE)
    # Welch's estimate of a coherence of zero is 0.05 here, hence the comparison with the same estimate of the truth.
    assert coherence(made) == pytest.approx(coherence(room(20.0, share=share, seed=9)), abs=0.05)


def test_a_tone_made_of_drops_keeps_its_level() -> None:
    """Rain: bursts of 64 ms at any pitch. Most bins are empty most of the time, yet every third octave is steady."""
    rng = np.random.default_rng(0)
    rain, time = np.zeros(10 * RATE + 1024), np.arange(1024)
    for _ in range(15000):
        at, pitch, turn = rng.integers(10 * RATE), rng.uniform(0.02, 0.48), rng.uniform(0.0, 2.0 * np.pi)
        rain[at : at + 1024] += 1e-3 * np.hanning(1024) * np.sin(2.0 * np.pi * pitch * time + turn)
    sound = rain[None, 512:-512].astype(np.float32)
    assert learn([sound], RATE).level_dbfs == pytest.approx(rms_dbfs(sound), abs=0.5)


def test_two_equal_channels_stay_equal() -> None:
    mono = room(3.0)[:1]
    made = ToneSynth(learn([np.concatenate([mono, mono])], RATE)).read(0, RATE)
    np.testing.assert_allclose(made[0], made[1], atol=1e-3 * np.abs(made).max())


def test_a_delay_between_channels_is_kept() -> None:
    """Complex coherence: a second channel that is three samples late is three samples late in the tone."""
    mono = room(5.0)[:1]
    made = ToneSynth(learn([np.concatenate([mono, np.roll(mono, 3)])], RATE)).read(0, 5 * RATE)
    lags = [float(np.dot(made[0, 10:-10], np.roll(made[1], -lag)[10:-10])) for lag in range(-8, 9)]
    assert int(np.argmax(lags)) - 8 == 3


def test_clicks_in_the_source_are_not_learned() -> None:
    source = room(5.0)
    clicked = source.copy()
    clicked[:, RATE // 3 :: RATE] += 0.5
    assert rms_dbfs(clicked) > rms_dbfs(source) + 6.0
    assert learn([clicked], RATE).level_dbfs == pytest.approx(rms_dbfs(source), abs=0.8)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**9), st.lists(st.integers(1, 3000), min_size=1, max_size=8))
def test_the_tone_is_a_function_of_the_position_alone(start: int, sizes: list[int]) -> None:
    whole = TONE.read(start, sum(sizes))
    starts = start + np.concatenate([[0], np.cumsum(sizes)[:-1]])
    pieces = [TONE.read(int(at), size) for at, size in zip(starts, sizes, strict=True)]
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), whole)


def test_a_long_read_equals_its_parts() -> None:
    whole = TONE.read(0, 60 * RATE)
    np.testing.assert_array_equal(TONE.read(41 * RATE + 7, 5 * RATE), whole[:, 41 * RATE + 7 : 46 * RATE + 7])


def test_nothing_repeats() -> None:
    mono = TONE.read(0, 60 * RATE)[0].astype(np.float64)
    value = np.fft.irfft(np.square(np.abs(np.fft.rfft(mono, 2 * len(mono)))))[: len(mono)]
    assert np.abs(value[RATE // 2 : 30 * RATE]).max() / value[0] < 0.05


def test_power_is_the_same_at_every_phase_of_the_frames() -> None:
    """The squares of the windows add to one: folded over 1000 frames, no hop shows."""
    hop = frame_length(RATE) // 2
    folded = np.square(ToneSynth(floor_model(-40.0, RATE, 1)).read(0, 1000 * hop)[0].reshape(1000, hop)).mean(axis=0)
    smooth = folded.reshape(16, -1).mean(axis=1)
    assert np.abs(10.0 * np.log10(smooth / smooth.mean())).max() < 0.3


def test_seeds_are_different_tones_of_one_sound() -> None:
    model = floor_model(-60.0, RATE, 1)
    one, two = (ToneSynth(model, seed).read(0, 10 * RATE) for seed in (1, 2))
    assert abs(float(np.corrcoef(one[0], two[0])[0, 1])) < 0.05
    assert rms_dbfs(one) == pytest.approx(rms_dbfs(two), abs=0.2)
    np.testing.assert_array_equal(one, ToneSynth(model, 1).read(0, 10 * RATE))


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (44100, 2), (48000, 6), (192000, 1)])
def test_the_floor_has_the_level_it_was_asked_for(rate: int, channels: int) -> None:
    synth = ToneSynth(floor_model(-60.0, rate, channels), gain_db=-6.0)
    made = synth.read(5, 5 * rate)
    assert made.shape == (channels, 5 * rate)
    assert made.dtype == np.float32
    assert [rms_dbfs(made[c : c + 1]) for c in range(channels)] == pytest.approx([-66.0] * channels, abs=0.3)
    assert floor_model(-60.0, rate, channels).level_dbfs == pytest.approx(-60.0, abs=0.01)


def test_the_floor_is_pink() -> None:
    bands = third_octaves(ToneSynth(floor_model(-60.0, RATE, 1)).read(0, 60 * RATE))[3:16, 0]
    assert np.abs(bands - bands.mean()).max() < 1.0


def test_the_level_is_what_the_samples_measure() -> None:
    model = learn([room(10.0)], RATE)
    assert model.level_dbfs == pytest.approx(rms_dbfs(ToneSynth(model).read(0, 20 * RATE)), abs=0.1)
    assert model.learned_s == pytest.approx(10.0)


def test_direct_current_is_not_learned() -> None:
    made = ToneSynth(learn([room(3.0) + np.float32(0.05)], RATE)).read(0, 10 * RATE)
    assert abs(float(made.mean())) < 1e-4


def test_silence_stays_silent() -> None:
    assert np.abs(ToneSynth(learn([np.zeros((2, RATE), np.float32)], RATE)).read(0, RATE)).max() < 1e-9


@pytest.mark.parametrize(
    ("sources", "what"),
    [
        ([], "at least"),
        ([np.zeros((1, 100), np.float32)], "at least"),
        ([np.zeros((1, RATE), np.float32), np.zeros((2, RATE), np.float32)], "channels"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(sources: list[Samples], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        learn(sources, RATE)
