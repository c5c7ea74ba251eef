"""Working ahead changes when things are computed, never what comes out; and no thread outlives its generator."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from mediaclean.ahead import ahead, spread


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


class Wrong(Exception):
    pass


def numbers(count: int, closed: list[str], fail_at: int | None = None) -> Iterator[int]:
    try:
        for number in range(count):
            if number == fail_at:
                raise Wrong(f"at {number}")
            yield number
    finally:
        closed.append(threading.current_thread().name)


@pytest.mark.parametrize("depth", [1, 2, 7])
@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_the_same_items_in_the_same_order(count: int, depth: int) -> None:
    closed: list[str] = []
    assert list(ahead(numbers(count, closed), depth)) == list(range(count))
    assert closed == ["ahead"]  # where it ran


def test_it_works_ahead_but_only_as_far_as_it_may() -> None:
    made: list[int] = []

    def making() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    stream = ahead(making(), 3)
    assert not made  # nothing begins before somebody asks
    assert next(stream) == 0
    deadline = time.monotonic() + 5
    while len(made) < 5 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.02)
    assert made == [0, 1, 2, 3, 4]  # one taken, three waiting, one in hand
    stream.close()
    assert len(made) <= 6


@pytest.mark.parametrize("at", [0, 1, 5])
def test_an_error_comes_behind_the_items_before_it(at: int) -> None:
    closed: list[str] = []
    heard: list[int] = []
    with pytest.raises(Wrong, match=f"at {at}"):
        heard.extend(ahead(numbers(10, closed, fail_at=at), 2))
    assert heard == list(range(at))
    assert len(closed) == 1


@pytest.mark.parametrize("taken", [1, 3])
def test_closing_early_closes_the_producer(taken: int) -> None:
    closed: list[str] = []
    stream = ahead(numbers(10_000, closed), 2)
    for _ in range(taken):
        next(stream)
    stream.close()
    assert closed == ["ahead"]


def test_streams_in_streams_close_from_the_outside_in() -> None:
    closed: list[str] = []
    stream = ahead((2 * number for number in ahead(numbers(10_000, closed))), 1)
    assert [next(stream), next(stream)] == [0, 2]
    stream.close()
    assert len(closed) == 1


def test_every_listener_hears_everything_in_order() -> None:
    heard: list[list[int]] = [[], [], []]

    def slow(number: int) -> None:
        time.sleep(0.0005)
        heard[2].append(number)

    spread(range(40), [heard[0].append, heard[1].append, slow], depth=2)
    assert heard == [list(range(40))] * 3


@pytest.mark.parametrize("who", [0, 1])
def test_a_listener_that_fails_ends_the_pass(who: int) -> None:
    heard: list[int] = []

    def failing(number: int) -> None:
        if number == 5:
            raise Wrong("five")

    listeners = [heard.append, failing] if who else [failing, heard.append]
    with pytest.raises(Wrong, match="five"):
        spread(range(1_000_000_000), listeners, depth=2)
    assert heard[:5] == [0, 1, 2, 3, 4]


def test_a_source_that_fails_ends_the_listeners() -> None:
    heard: list[int] = []
    with pytest.raises(Wrong, match="at 3"):
        spread(numbers(10, [], fail_at=3), [heard.append])
    assert heard == [0, 1, 2]
