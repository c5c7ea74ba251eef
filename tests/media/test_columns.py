"""What is kept of hours of packets comes back number by number, and weighs next to nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaclean.media.columns import Column


@given(st.lists(st.integers(-(2**61), 2**61), max_size=50), st.sampled_from([0, 8191, 8192, 20_000]))
def test_numbers_come_back_as_they_were(odd: list[int], before: int) -> None:
    numbers = [*range(before), *odd]
    assert Column(numbers).values().tolist() == numbers


HOURS = 338_000
"""Packets of AAC in two hours, which are also pictures of three."""


@pytest.mark.parametrize(
    ("what", "steps"),
    [("sound", [1024]), ("pictures that refer to later ones", [3600, 10_800, -7200, -3600, 7200]), ("marks", [0])],
)
def test_steps_that_come_round_again_weigh_nothing(what: str, steps: list[int]) -> None:
    column = Column(np.cumsum(np.resize(steps, HOURS)).tolist())
    assert sum(map(len, column._packed)) < 0.01 * 8 * HOURS, what


def test_more_can_be_added_after_a_look() -> None:
    column = Column(range(10_000))
    column.values()
    column.add(7)
    assert column.values()[-2:].tolist() == [9_999, 7]
