"""What is promised of the weights that ship, on the voice and the music of the sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from mediaclean.backends import dialogue
from mediaclean.backends.dialogue import DialogueSeparator, load

RATE = 48_000
STEMS = Path(__file__).parent.parent / "samples" / "stems"


@pytest.fixture(scope="module")
def real() -> DialogueSeparator:
    return load()


def level_db(signal: NDArray[np.float32]) -> float:
    return float(10 * np.log10(np.mean(np.square(signal, dtype=np.float64))))


def test_shipped_weights_are_small() -> None:
    assert dialogue.WEIGHTS.stat().st_size < 10_000_000


def stems(seconds: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Voice (n,) and music (2, n) of the sample interview, where it has both."""
    count = int(seconds * RATE)
    voice = soundfile.read(STEMS / "voice.flac", dtype="float32", start=33 * RATE, frames=count)[0]
    music = soundfile.read(STEMS / "music.flac", dtype="float32", start=33 * RATE, frames=count)[0]
    return voice, np.ascontiguousarray(music.T)


def si_sdr(estimate: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019)."""
    along = (estimate @ truth) / (truth @ truth) * truth
    return float(10 * np.log10((along @ along) / ((estimate - along) @ (estimate - along))))


def test_voice_over_music_gains_and_keeps_its_image(real: DialogueSeparator) -> None:
    """At 5 dB, with the voice panned by 4 dB: less music, and level and level difference of the voice kept."""
    mono, music = stems(8.0)
    voice = np.stack([mono, mono * np.float32(10 ** (-4 / 20))])
    music = music * np.float32(10 ** ((level_db(voice) - 5.0 - level_db(music)) / 20))
    found = real.separate([voice + music])[0]
    for side in (0, 1):
        assert si_sdr(found[side], voice[side]) > si_sdr(voice[side] + music[side], voice[side]) + 2.0
    levels = [20 * np.log10((found[side] @ mono) / (mono @ mono)) for side in (0, 1)]
    assert levels[0] - levels[1] == pytest.approx(4.0, abs=0.5)


def test_a_voice_that_comes_later_in_one_channel_is_heard_again(
    real: DialogueSeparator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0.5 ms later in the right channel, over music 5 dB under the voice."""
    mono, music = stems(8.0)
    voice = np.stack([np.pad(mono, (0, 24)), np.pad(mono, (24, 0))])[:, :-24]
    mix = voice + music * np.float32(10 ** ((level_db(voice) - 5.0 - level_db(music)) / 20))
    twice = real.separate([mix])[0]
    monkeypatch.setattr(dialogue, "lags_of", lambda spectra, _: [0] * len(spectra))
    once = real.separate([mix])[0]
    for side in (0, 1):
        assert si_sdr(twice[side], voice[side]) > si_sdr(once[side], voice[side]) + 0.3


def test_a_microphone_may_be_wired_either_way_round(real: DialogueSeparator) -> None:
    mono, music = stems(8.0)
    mix = mono + music * np.float32(10 ** ((level_db(mono) - 5.0 - level_db(music)) / 20))
    straight, turned = (real.separate([sign * mix])[0][0] for sign in (1, -1))
    assert si_sdr(-turned, mono) == pytest.approx(si_sdr(straight, mono), abs=0.7)


def test_a_clean_voice_is_left_alone(real: DialogueSeparator) -> None:
    mono, _ = stems(8.0)
    found = real.separate([mono[None]])[0][0]
    assert si_sdr(found, mono) > 20
    assert 20 * np.log10((found @ mono) / (mono @ mono)) == pytest.approx(0.0, abs=0.3)


def test_music_alone_is_turned_down(real: DialogueSeparator) -> None:
    _, music = stems(8.0)
    assert level_db(real.separate([music])[0]) < level_db(music) - 6
