"""Detectors give one probability per 32 ms, whatever pieces the sound comes in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from mediaclean.backends import silero, webrtc
from mediaclean.backends.detector import FRAME, load_detector
from mediaclean.errors import BackendError
from mediaclean.resample import Resampler, resample

VOICE = Path(__file__).parents[2] / "samples" / "stems" / "voice.flac"


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    """The first 20 s of the sample's voice at 16 kHz mono."""
    sound, rate = soundfile.read(VOICE, frames=20 * 48_000, dtype="float32", always_2d=True)
    resampler = Resampler(rate)
    return np.concatenate([resampler.add(sound.mean(axis=1)), resampler.flush()])


def detect(name: str, sound: np.ndarray, cuts: list[int]) -> np.ndarray:
    detector = load_detector(name)
    return np.concatenate([*(detector.add(piece) for piece in np.split(sound, cuts)), detector.flush()])


@pytest.mark.parametrize("name", ["silero", "webrtc"])
@pytest.mark.parametrize("length", [0, 1, 511, 512, 513, 2_560, 100_000, 512 * 512, 512 * 512 + 1])
def test_every_begun_frame_has_a_probability(name: str, length: int) -> None:
    probabilities = detect(name, np.zeros(length, np.float32), [])
    assert probabilities.shape == (-(-length // FRAME),)
    assert probabilities.dtype == np.float32


@pytest.mark.parametrize("name", ["silero", "webrtc"])
@settings(max_examples=5, deadline=None)
@given(cuts=st.lists(st.integers(0, 20 * 16_000), max_size=6).map(sorted))
def test_the_pieces_change_no_bit(voice: np.ndarray, name: str, cuts: list[int]) -> None:
    np.testing.assert_array_equal(detect(name, voice, cuts), detect(name, voice, []))


@pytest.mark.parametrize(("name", "floor"), [("silero", 0.9), ("webrtc", 0.6)])
def test_probability_follows_the_voice(voice: np.ndarray, name: str, floor: float) -> None:
    """Loud frames are speech, digital silence is none."""
    probabilities = detect(name, voice, [])
    frames = np.pad(voice, (0, -len(voice) % FRAME)).reshape(-1, FRAME)
    level = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
    assert np.mean(probabilities[level > -30] > 0.5) > floor
    assert np.mean(probabilities[level < -90] < 0.5) > 0.9


@pytest.mark.parametrize("name", ["silero", "webrtc"])
def test_a_later_start_shifts_the_probabilities(voice: np.ndarray, name: str) -> None:
    """Frame i belongs to its own 32 ms: silence of n frames in front moves the onset by n frames."""
    active = int(np.argmax(np.abs(voice) > 0.1))
    piece = voice[active - active % FRAME :][: 16_000 * 3]
    late = detect(name, np.concatenate([np.zeros(50 * FRAME, np.float32), piece]), [])
    assert 50 <= int(np.argmax(late > 0.5)) <= 58


def test_silero_is_silent_about_torch() -> None:
    """Importing the package silero_vad would import torch and set its threads to one."""
    code = (
        "import sys, numpy as np; from mediaclean.backends.detector import load_detector; "
        "load_detector('silero').add(np.zeros(600_000, np.float32)); "
        "sys.exit('torch' in sys.modules or 'silero_vad' in sys.modules)"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_a_missing_package_is_a_backend_error_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silero, "find_spec", lambda _: None)
    with pytest.raises(BackendError) as missing:
        silero.load()
    assert "pip install silero-vad" in missing.value.hint
    monkeypatch.setitem(sys.modules, "webrtcvad", None)
    with pytest.raises(BackendError) as missing:
        webrtc.load()
    assert "pip install webrtcvad-wheels" in missing.value.hint


def test_a_damaged_network_is_a_backend_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "network.onnx"
    broken.write_bytes(b"nothing")
    monkeypatch.setattr(silero, "weights", lambda: broken)
    with pytest.raises(BackendError, match="cannot be read"):
        silero.load()


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(0, 30_000), max_size=8).map(sorted), length=st.integers(0, 150_000))
def test_the_stream_of_a_resampler_does_not_depend_on_pieces(rate: int, cuts: list[int], length: int) -> None:
    sound = np.random.default_rng(0).uniform(-1, 1, length).astype(np.float32)
    whole, pieces = Resampler(rate), Resampler(rate)
    expected = np.concatenate([whole.add(sound), whole.flush()])
    assert len(expected) == round(length * 16_000 / rate)
    got = np.concatenate([*(pieces.add(piece) for piece in np.split(sound, cuts)), pieces.flush()])
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 192_000])
def test_a_resampler_does_not_delay(rate: int) -> None:
    """A tone at 16 kHz lies where the tone at the other rate does."""
    tone = np.sin(2 * np.pi * 1_000 * np.arange(rate * 3) / rate).astype(np.float32)
    resampler = Resampler(rate)
    got = np.concatenate([resampler.add(tone), resampler.flush()])
    expected = np.sin(2 * np.pi * 1_000 * np.arange(48_000) / 16_000)
    np.testing.assert_allclose(got[1_000:-1_000], expected[1_000:-1_000], atol=1e-3)


def test_a_count_that_is_not_whole_is_refused() -> None:
    with pytest.raises(ValueError, match="no whole count"):
        resample(np.zeros((1, 161), np.float32), 48_000, 44_100)
