"""Rumble as loud as a voice is no voice; a voice, however deep, and the rumble of a room are left alone."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mediaclean.backends.dialogue_mask import HOP, LOW_BINS, RATE, Mask, analyse, apply_mask, synthesise  # noqa: E402
from mediaclean.backends.rumble import without_rumble  # noqa: E402


def through(sound: np.ndarray) -> np.ndarray:
    """A sound that the network took for voice as a whole, without its rumble."""
    spectrum = analyse(torch.from_numpy(sound.astype(np.float32))[None])
    shape = spectrum.shape[:2]
    mask = Mask(torch.ones(*shape, 1, LOW_BINS), torch.zeros(*shape, 1, LOW_BINS), torch.ones(*shape, 8))
    return synthesise(apply_mask(without_rumble(mask, spectrum), spectrum))[0].numpy()


def tone(hz: float, dbfs: float) -> np.ndarray:
    return 10 ** (dbfs / 20) * np.sin(2 * np.pi * hz * np.arange(250 * HOP) / RATE)


def voice(pitch_hz: float) -> np.ndarray:
    """Ten harmonics that fall by 3 dB each."""
    return sum(tone(pitch_hz * number, -20.0 - 3.0 * number) for number in range(1, 11))


@pytest.mark.parametrize("pitch_hz", [75.0, 90.0, 120.0, 250.0])
def test_a_voice_is_left_alone(pitch_hz: float) -> None:
    sound = voice(pitch_hz)
    assert np.abs(through(sound) - sound)[HOP:-HOP].max() < 1e-4


@pytest.mark.parametrize("under_db", [6.0, 20.0])
def test_the_rumble_of_a_room_is_left_alone(under_db: float) -> None:
    sound = voice(120.0)
    level_db = 10 * np.log10(np.mean(np.square(sound)))
    sound = sound + tone(30.0, level_db + 3.0 - under_db)
    assert np.abs(through(sound) - sound)[HOP:-HOP].max() < 1e-4


@pytest.mark.parametrize("over_db", [3.0, 12.0])
def test_rumble_as_loud_as_the_voice_is_taken_out_of_it(over_db: float) -> None:
    said = voice(120.0)
    rumble = tone(30.0, 10 * np.log10(np.mean(np.square(said))) + 3.0 + over_db)
    got = through(said + rumble)
    left = np.mean(np.square(got - said)[2 * HOP : -2 * HOP])
    assert 10 * np.log10(left / np.mean(np.square(said))) < -2.5


def test_silence_stays_silence() -> None:
    assert not through(np.zeros(20 * HOP)).any()
