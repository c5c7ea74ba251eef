"""The dialogue track: exact length and time, never silent, independent of chunks, honest 16 bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from mediaclean.audio import Samples, power_to_db, reblock
from mediaclean.dialogue_track import ASR_RATE, FLOOR_DBFS, to_asr, write_asr_wav
from mediaclean.errors import OutputError


def track(sound: Samples, rate: int, **more: object) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.concatenate([np.zeros(0, np.int16), *to_asr([sound], rate, **more)])  # type: ignore[arg-type]


def bursts(seconds: float, rate: int, channels: int = 2) -> Samples:
    """Noise that comes and goes, with digital silence between."""
    rng = np.random.default_rng(3)
    sound = 0.05 * rng.standard_normal((channels, int(seconds * rate)))
    sound *= np.sin(2.0 * np.pi * np.arange(sound.shape[1]) / rate) > 0.0
    return sound.astype(np.float32)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100, 48000, 96000])
@pytest.mark.parametrize("length", [0, 1, 159, 16001, 50021])
def test_length_is_that_of_the_source(rate: int, length: int) -> None:
    made = track(np.zeros((1, length), np.float32), rate)
    assert made.dtype == np.int16
    assert made.shape == (round(length * ASR_RATE / rate),)


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_no_lag(rate: int) -> None:
    """A tone burst's envelope lies where it lay, to a tenth of a sample."""
    time = np.arange(4 * rate) / rate
    sound = 0.5 * np.exp(-0.5 * ((time - 2.0) / 0.002) ** 2)
    made = track(sound[None].astype(np.float32), rate).astype(np.float64)
    made[np.abs(made) < 100] = 0.0
    centre = float(made @ np.arange(len(made)) / made.sum())
    assert centre == pytest.approx(2.0 * ASR_RATE, abs=0.1)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 60000), st.sampled_from([16000, 44100]))
def test_chunks_do_not_matter(size: int, rate: int) -> None:
    sound = bursts(3.3, rate)
    pieces = np.concatenate(list(to_asr(reblock([sound], size), rate)))
    np.testing.assert_array_equal(pieces, track(sound, rate))


def test_nothing_is_digital_silence_and_speech_is_left_alone() -> None:
    sound = bursts(5.0, ASR_RATE, 1)
    made = track(sound, ASR_RATE) / 32768.0
    step = power_to_db(np.square(made.reshape(-1, 160)).mean(axis=1))
    assert step.min() > FLOOR_DBFS - 3.0
    silent = np.abs(sound[0]).reshape(-1, 160).max(axis=1) == 0.0
    assert np.median(step[silent]) == pytest.approx(FLOOR_DBFS, abs=0.5)
    # Away from the pauses there is dither alone: at most one and a half steps of 16 bits.
    away = np.repeat(~(silent | np.roll(silent, 1) | np.roll(silent, -1)), 160)
    assert np.abs(made - sound[0])[away].max() <= 1.5 / 32768.0 + 1e-7


def test_dither_makes_the_error_independent_of_the_signal() -> None:
    """A ramp over one step of 16 bits keeps its mean, and the noise its power, everywhere on the step."""
    rest = np.linspace(0.0, 1.0, 9)[:-1]
    sound = np.repeat((1000 + rest) / 32768.0, 20000).astype(np.float32)[None]
    made = track(sound, ASR_RATE).reshape(8, 20000).astype(np.float64)
    np.testing.assert_allclose(made.mean(axis=1), 1000 + rest, atol=0.03)
    np.testing.assert_allclose(made.var(axis=1), 0.25, atol=0.02)


def test_weights_choose_the_centre() -> None:
    sound = np.zeros((6, ASR_RATE), np.float32)
    sound[2], sound[0] = 0.25, 0.5
    made = track(sound, ASR_RATE, weights=[0, 0, 1, 0, 0, 0])
    assert made.mean() == pytest.approx(8192, abs=1)
    assert track(sound[:1], ASR_RATE).mean() == pytest.approx(16384, abs=1)


def test_beyond_full_scale_is_clipped_not_wrapped() -> None:
    assert track(np.full((1, 1600), 1.5, np.float32), ASR_RATE).min() == 32767
    assert track(np.full((1, 1600), -1.5, np.float32), ASR_RATE).max() == -32768


def test_the_same_seed_gives_the_same_track() -> None:
    sound = bursts(1.0, 48000)
    np.testing.assert_array_equal(track(sound, 48000, seed=4), track(sound, 48000, seed=4))
    assert np.any(track(sound, 48000, seed=4) != track(sound, 48000, seed=5))


def test_the_file_is_mono_16_khz_16_bit(tmp_path: Path) -> None:
    sound = bursts(1.5, 48000)
    path = tmp_path / "talk.dialogue.wav.part"
    assert write_asr_wav(path, [sound], 48000) == 24000
    info = soundfile.info(path)
    assert (info.samplerate, info.channels, info.subtype, info.format) == (16000, 1, "PCM_16", "WAV")
    read, _ = soundfile.read(path, dtype="int16")
    np.testing.assert_array_equal(read, track(sound, 48000))


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="dialogue track cannot be written") as caught:
        write_asr_wav(tmp_path / "none" / "talk.wav", [bursts(0.1, 48000)], 48000)
    assert caught.value.hint
