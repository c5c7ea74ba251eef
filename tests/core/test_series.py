"""A series is what was put in, in order, whatever the sizes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaclean.series import PIECE, Series

SIZES = st.lists(st.one_of(st.integers(0, 40), st.integers(PIECE - 2, 2 * PIECE + 2)), max_size=6)


@pytest.mark.parametrize("width", [None, 3])
@given(sizes=SIZES)
def test_what_comes_out_is_what_went_in(width: int | None, sizes: list[int]) -> None:
    random = np.random.default_rng(1)
    parts = [random.standard_normal((size,) if width is None else (size, width)).astype(np.float32) for size in sizes]
    series = Series(np.float32, width)
    for part in parts:
        series.add(part)
    whole = np.concatenate([np.zeros((0,) if width is None else (0, width), np.float32), *parts])
    assert series.result().dtype == np.float32
    assert np.array_equal(series.result(), whole)


def test_what_came_out_stays_when_more_comes_in() -> None:
    series = Series(np.float64)
    series.add(np.arange(5.0))
    early = series.result()
    series.add(np.arange(PIECE, dtype=np.float64))
    assert np.array_equal(early, np.arange(5.0))


def test_it_keeps_its_own_copy() -> None:
    part = np.arange(5.0)
    series = Series(np.float64)
    series.add(part)
    part[:] = 0.0
    assert np.array_equal(series.result(), np.arange(5.0))
