"""The last word on a dip: is there speech in the separated voice?"""

from __future__ import annotations

import numpy as np
import pytest

from mediaclean.audio import Block, Samples, Span
from mediaclean.bed.confirm import VoiceEar
from mediaclean.bed.dips import LEAST_SPEECH, DipLevels, ride
from mediaclean.bed.duck import DuckSettings
from mediaclean.downmix import Downmix
from mediaclean.plan.make import PlannedDip

RATE = 48_000


class LoudIsSpeech:
    """Speech is what is not silent; frames of 512 samples, as the real detectors count."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, dtype=np.float32)

    def add(self, mono16k: np.ndarray) -> np.ndarray:
        held = np.concatenate([self._rest, mono16k])
        whole = len(held) // 512 * 512
        self._rest = held[whole:]
        return (np.abs(held[:whole]).reshape(-1, 512).max(axis=1, initial=0.0) > 0.01).astype(np.float32)

    def flush(self) -> np.ndarray:
        rest, self._rest = self._rest, np.zeros(0, dtype=np.float32)
        return np.array([float(np.abs(rest).max(initial=0.0) > 0.01)], dtype=np.float32) if len(rest) else rest


def voice() -> Samples:
    """Two seconds of a tone between two of silence, stereo."""
    sound = np.zeros((2, 6 * RATE), dtype=np.float32)
    sound[:, 2 * RATE : 4 * RATE] = 0.1 * np.sin(np.arange(2 * RATE) * 0.1)
    return sound


@pytest.mark.parametrize("size", [1000, 48_000, 300_000])
def test_shares_tell_speech_from_none_whatever_the_blocks(size: int) -> None:
    sound = voice()
    blocks = [Block(at, sound[:, at : at + size], sound[:, at : at + size]) for at in range(0, sound.shape[1], size)]
    ear = VoiceEar(RATE, Downmix(), LoudIsSpeech())
    assert list(ear.listen(blocks)) == blocks
    spans = [Span(0, int(1.9 * RATE)), Span(2 * RATE, 4 * RATE), Span(RATE, 3 * RATE)]
    none, all_, half = ear.shares(spans)
    assert none == 0.0
    assert all_ == pytest.approx(1.0, abs=0.03)
    assert half == pytest.approx(0.5, abs=0.03)


def test_only_the_centre_of_a_surround_track_is_heard() -> None:
    sound = np.zeros((6, 2 * RATE), dtype=np.float32)
    sound[0] = 0.1 * np.sin(np.arange(2 * RATE) * 0.1)
    ear = VoiceEar(RATE, Downmix(2), LoudIsSpeech())
    assert list(ear.listen([Block(0, sound, sound)]))
    assert ear.shares([Span(0, 2 * RATE)]) == [0.0]


def test_a_voice_without_speech_is_not_ducked_for() -> None:
    dip = PlannedDip(Span(0, RATE), None, "")
    settings = DuckSettings()
    without, with_ = (DipLevels(-30.0, -25.0, share) for share in (LEAST_SPEECH / 2, LEAST_SPEECH * 2))
    assert ride([dip], [without], settings, 8.0) == [0.0]
    assert ride([dip], [with_], settings, 8.0)[0] < -10.0
