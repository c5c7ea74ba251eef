"""A voice that comes later in one channel is brought in step, and nothing else is moved."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from mediaclean.backends.dialogue_mask import HOP, RATE, analyse  # noqa: E402
from mediaclean.backends.in_step import LEAST, LEAST_FRAMES, MOST, in_step, lags_of, out_of_step  # noqa: E402

LENGTH = 100 * HOP
Sound = NDArray[np.float32]


def noise(seed: int, count: int = LENGTH) -> Sound:
    return np.random.default_rng(seed).standard_normal(count).astype(np.float32)


def late(sound: Sound, lags: Sequence[int]) -> Sound:
    """One channel for every lag in samples, none of them before the first sample."""
    return np.stack([np.roll(np.pad(sound, MOST), lag)[MOST:-MOST] for lag in lags]).astype(np.float32)


def lags_in(channels: Sound, turn: Sequence[float] | None = None) -> list[int]:
    signs = np.ones(len(channels), np.float32) if turn is None else np.array(turn, np.float32)
    return lags_of(analyse(torch.from_numpy(np.ascontiguousarray(channels))), signs)


@given(
    lags=st.lists(st.integers(-MOST, MOST), min_size=1, max_size=6),
    count=st.integers(1, 500),
    seed=st.integers(0, 2**31),
)
def test_shifting_back_undoes_the_shift(lags: list[int], count: int, seed: int) -> None:
    channels = np.random.default_rng(seed).standard_normal((len(lags), count)).astype(np.float32)
    shifted = in_step(channels, lags)
    assert shifted.shape == (len(lags), count + max(lags) - min(lags))
    assert np.array_equal(out_of_step(shifted, lags), channels)


@pytest.mark.parametrize("lag", [LEAST, -LEAST, 24, -MOST + 1])
def test_a_lag_is_found_and_taken_out(lag: int) -> None:
    channels = late(noise(1), [0, lag]) * np.array([[1.0], [0.6]], np.float32)
    lags = lags_in(channels)
    assert lags == [0, lag]
    first, second = in_step(channels, lags)
    inside = slice(2 * MOST, -2 * MOST)
    np.testing.assert_allclose(second[inside], 0.6 * first[inside], rtol=1e-6)


def test_lags_are_against_the_loudest_channel() -> None:
    assert lags_in(late(noise(1), [0, 24]) * np.array([[0.6], [1.0]], np.float32)) == [-24, 0]
    assert lags_in(late(noise(1), [0, 24, -10]) * np.array([[1.0], [0.6], [0.3]], np.float32)) == [0, 24, -10]


def test_a_channel_that_is_wired_the_other_way_round_has_its_lag_too() -> None:
    channels = late(noise(1), [0, 24]) * np.array([[1.0], [-0.6]], np.float32)
    assert lags_in(channels, [1.0, -1.0]) == [0, 24]
    assert lags_in(channels, [1.0, 1.0]) == [0, 0]


@pytest.mark.parametrize("lag", [0, 1, -LEAST + 1, MOST, 3 * MOST])
def test_what_is_in_step_or_far_apart_stays(lag: int) -> None:
    assert lags_in(np.stack([noise(1), np.roll(noise(1), lag)])) == [0, 0]


def test_a_lag_is_found_through_a_room_and_a_rest_of_music() -> None:
    """6 dB under the voice, each channel has what the other has not."""
    rest = np.stack([noise(2), noise(3)]) * np.float32(0.5)
    assert lags_in(late(noise(1), [0, 24]) + rest) == [0, 24]


def test_channels_without_anything_in_common_stay() -> None:
    assert lags_in(np.stack([noise(1), noise(2)])) == [0, 0]


def test_two_people_on_two_sides_stay() -> None:
    half = np.arange(LENGTH) < LENGTH // 2
    assert lags_in(late(noise(1) * half, [0, 24]) + late(noise(2) * ~half, [24, 0])) == [0, 0]


def test_silence_and_what_is_too_short_to_tell_stay() -> None:
    assert lags_in(np.zeros((2, LENGTH), np.float32)) == [0, 0]
    assert lags_in(np.stack([noise(1), np.zeros(LENGTH, np.float32)])) == [0, 0]
    assert lags_in(late(noise(1, (LEAST_FRAMES - 2) * HOP), [0, 24])) == [0, 0]
    assert RATE == 48_000, "lags are counted in samples"
