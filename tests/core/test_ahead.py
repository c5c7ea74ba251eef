"""Working ahead changes when things are computed, never what comes out; and no thread outlives its generator."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import suppress

import pytest

from mediaclean.ahead import Aside, ahead


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


def test_what_is_done_aside_is_done_in_order_and_done_behind_it() -> None:
    heard: list[int] = []

    def slow(number: int) -> None:
        time.sleep(0.0005)
        heard.append(number)

    with Aside(slow, depth=2) as aside:
        for number in range(40):
            aside.give(number)
    assert heard == list(range(40))


def test_the_caller_waits_for_what_falls_behind() -> None:
    may_go_on, waiting = threading.Event(), 0

    with Aside(lambda _: may_go_on.wait(5), depth=3) as aside:
        for waiting in range(1, 4):
            aside.give(waiting)
        threading.Timer(0.05, may_go_on.set).start()
        aside.give(4)  # one too many
        assert may_go_on.is_set()
    assert waiting == 3


def test_an_error_aside_is_raised_where_the_next_item_is_given() -> None:
    heard: list[int] = []

    def failing(number: int) -> None:
        if number == 5:
            raise Wrong("five")
        heard.append(number)

    def giving() -> None:
        with Aside(failing, depth=2) as aside:
            for number in range(1_000_000_000):
                aside.give(number)

    with pytest.raises(Wrong, match="five"):
        giving()
    assert heard[:5] == [0, 1, 2, 3, 4]


def test_an_error_in_the_last_item_is_raised_on_leaving() -> None:
    with pytest.raises(Wrong, match="late"), Aside(fail, depth=2) as aside:
        aside.give("late")


def fail(what: str) -> None:
    raise Wrong(what)


class Listener:
    """As listeners of a film are: holds the thread that calls it."""

    def __init__(self) -> None:
        self.aside: Aside[int] = Aside(self.hear)

    def hear(self, number: int) -> None:
        self.heard = number


@pytest.mark.parametrize("failing", [False, True])
def test_what_was_listened_with_goes_with_its_owner_and_waits_for_no_collector(failing: bool) -> None:
    def listen() -> weakref.ref[Listener]:
        listener = Listener()
        with suppress(Wrong), listener.aside:
            listener.aside.give(1)
            if failing:
                fail("caller")
        return weakref.ref(listener)

    gc.disable()
    try:
        assert listen()() is None
    finally:
        gc.enable()


def test_nothing_is_taken_after_the_end() -> None:
    with Aside(print) as aside:
        pass
    with pytest.raises(RuntimeError):
        aside.give(1)


def test_a_caller_that_fails_drops_what_has_not_begun() -> None:
    begun, may_end = threading.Event(), threading.Event()
    heard: list[int] = []

    def work(number: int) -> None:
        heard.append(number)
        begun.set()
        may_end.wait(5)

    def giving() -> None:
        with Aside(work, depth=5) as aside:
            for number in range(4):
                aside.give(number)
            begun.wait(5)
            threading.Timer(0.02, may_end.set).start()
            fail("caller")

    with pytest.raises(Wrong, match="caller"):
        giving()
    assert heard == [0]
