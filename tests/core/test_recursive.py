"""A recursive filter by matrices is the filter sample by sample."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from mediaclean.loudness.kweight import sections
from mediaclean.loudness.recursive import STRETCH, RecursiveFilter


@pytest.mark.parametrize("rate", [8000, 44100, 48000, 192000])
@pytest.mark.parametrize("size", [1, STRETCH - 1, STRETCH, STRETCH + 1, 1000, 48_000])
def test_it_is_the_filter_sample_by_sample(rate: int, size: int) -> None:
    """In pieces of any size, with an offset that the high pass must take out over tens of thousands of samples."""
    rng = np.random.default_rng(3)
    sound = (rng.standard_normal((2, min(60_000, 700 * size))) + 3.0).astype(np.float32)
    filter_ = RecursiveFilter(sections(rate), 2)
    got = np.concatenate([filter_(sound[:, start : start + size]) for start in range(0, sound.shape[1], size)], axis=1)
    assert np.abs(got - sosfilt(sections(rate), sound.astype(np.float64), axis=1)).max() < 1e-10


@pytest.mark.parametrize("order", [2, 4, 8])
def test_any_cascade_will_do(order: int) -> None:
    cascade = butter(order, 300.0, fs=48_000, output="sos")
    impulse = np.zeros((1, 20_000), np.float32)
    impulse[0, 5] = 1.0
    assert np.abs(RecursiveFilter(cascade, 1)(impulse) - sosfilt(cascade, impulse, axis=1)).max() < 1e-12


def test_nothing_in_nothing_out() -> None:
    filter_ = RecursiveFilter(sections(48_000), 3)
    assert filter_(np.zeros((3, 0), np.float32)).shape == (3, 0)
    assert not filter_(np.zeros((3, 777), np.float32)).any()
