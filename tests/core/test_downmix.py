"""Where dialogue is heard in one channel: nothing that is in several of them cancels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mediaclean.advice.faults import ChannelEar, source_faults
from mediaclean.downmix import Downmix, in_step, signs_of

from .making import analysis

ONE, TWO = np.random.default_rng(0).standard_normal((2, 4000)).astype(np.float32)


@pytest.mark.parametrize("gains", [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, -0.2), (-0.2, 1.0)])
def test_one_sound_in_two_channels_never_cancels(gains: tuple[float, float]) -> None:
    sound = np.float32(gains)[:, None] * ONE + np.float32(0.05) * np.stack([TWO, TWO[::-1]])
    heard = in_step(sound)
    wanted = np.abs(gains).mean() * np.sign(gains[0]) * ONE
    assert np.dot(heard, wanted) / np.dot(wanted, wanted) == pytest.approx(1.0, abs=0.05)
    assert signs_of(sound)[0] == 1.0


@pytest.mark.parametrize("sound", [np.stack([ONE, TWO]), np.stack([ONE, 0 * ONE]), np.stack([0 * ONE, ONE]), ONE[None]])
def test_what_is_not_inverted_is_the_plain_mean(sound: np.ndarray) -> None:
    assert np.array_equal(in_step(sound), sound.mean(axis=0))


def test_the_centre_is_taken_as_it_is() -> None:
    sound = np.stack([ONE, -ONE, TWO, ONE])
    assert np.array_equal(Downmix(2)(sound), TWO)
    assert Downmix(2).weights(4) == [0.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize("downmix", [Downmix(), Downmix(None, (1.0, -1.0))])
def test_the_weights_are_those_of_the_sum(downmix: Downmix) -> None:
    sound = np.stack([ONE, TWO])
    assert np.allclose(downmix(sound), np.array(downmix.weights(2)) @ sound, atol=1e-6)


@pytest.mark.parametrize("right", [-1.0, 1.0])
@pytest.mark.parametrize("size", [100, 4000])
def test_a_track_knows_how_it_is_wired(right: float, size: int) -> None:
    ear = ChannelEar(2)
    for at in range(0, 4000, size):
        ear.add(np.stack([ONE, np.float32(0.9 * right) * ONE])[:, at : at + size])
    heard = ear.result()
    assert heard.signs == ((1.0, -1.0) if right < 0 else ())
    faults = " ".join(source_faults(replace(analysis(), heard=heard), np.zeros(len(analysis().level_db), bool)))
    assert ("inverted" in faults) == (right < 0)


@pytest.mark.parametrize(("level", "is_named"), [(1e-4, True), (0.3, False)])
def test_a_silent_centre_is_named(level: float, is_named: bool) -> None:
    ear = ChannelEar(6)
    ear.add(np.stack([ONE, TWO, np.float32(level) * ONE, 0 * ONE, ONE, TWO]))
    track = replace(analysis(), heard=ear.result(), channels=6, layout="5.1")
    faults = " ".join(source_faults(track, np.zeros(len(track.level_db), bool)))
    assert ("the centre is silent" in faults) == is_named
