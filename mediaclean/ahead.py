"""Work ahead in a thread: what one stage of a stream computes while the next one is still busy.

A stage is a generator that spends its time in libraries which let other threads run. Two of them with a short queue
between them keep two processor cores busy; what comes out, and in what order, stays the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, Queue
from threading import Event, Thread
from typing import Generic, Self, TypeVar

T = TypeVar("T")

DEPTH = 3
"""Items that wait at most: blocks of a second, so this holds little and evens out what varies."""


def ahead(items: Iterable[T], depth: int = DEPTH) -> Generator[T, None, None]:
    """The same items in the same order, made in a thread, at most `depth` of them before they are asked for.

    The thread begins with the first item and has ended when this generator has: exhausted, closed or failed. It closes
    `items` itself where that is a generator. An error in it is raised here, behind the items that came before it.
    """
    producer = _Producer(iter(items), depth)
    try:
        yield from producer.take()
    finally:
        producer.stop()


class _Producer(Generic[T]):
    """A thread that empties an iterator into a queue; None behind the last item."""

    def __init__(self, items: Iterator[T], depth: int) -> None:
        self._items = items
        self._queue: Queue[tuple[T] | None] = Queue(max(1, depth))
        self._unwanted = Event()
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, name="ahead", daemon=True)
        self._thread.start()

    def take(self) -> Iterator[T]:
        while (held := self._queue.get()) is not None:
            yield held[0]
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Wait until the thread has ended; what it still holds is dropped."""
        self._unwanted.set()
        while self._thread.is_alive():
            # one slot more may be filled by a producer that did not see the sign yet
            try:
                self._queue.get_nowait()
            except Empty:
                self._thread.join(0.01)

    def _run(self) -> None:
        try:
            for item in self._items:
                if self._unwanted.is_set():
                    break
                self._queue.put((item,))
        except BaseException as error:
            self._error = error
        try:
            close = getattr(self._items, "close", None)
            if close is not None:
                close()
        except BaseException as error:
            self._error = self._error or error
        self._queue.put(None)


class Aside(Generic[T]):
    """Something that is done with one item after the other in a thread of its own, while the caller goes on.

    A context manager: on leaving, all is done and no thread is left. An error in the work is raised where the next
    item is given, or on leaving; if the caller fails, what has not begun is dropped. Pays where an item is much work
    in few calls: two threads that keep handing each other the interpreter are slower than one.

    Args:
        work: called with every item, in order.
        depth: items that wait at most; then the caller waits too.
    """

    def __init__(self, work: Callable[[T], object], depth: int = DEPTH) -> None:
        self._work, self._depth = work, depth
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="aside")
        self._given: deque[Future[object]] = deque()

    def give(self, item: T) -> None:
        self._given.append(self._pool.submit(self._work, item))
        while self._given and (len(self._given) > self._depth or self._given[0].done()):
            self._given.popleft().result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)
        given, self._given = self._given, deque()
        # Who listens to a whole film holds this, and is held by what it does: without the knot it goes with its owner.
        self._work = _over
        if kind is None:
            for done in given:
                done.result()


def _over(_: object) -> object:
    raise RuntimeError("the work is over; a new stream needs a new thread")
