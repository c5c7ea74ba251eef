"""Work ahead in a thread: what one stage of a stream computes while the next one is still busy.

A stage is a generator that spends its time in libraries which let other threads run. Two of them with a short queue
between them keep two processor cores busy; what comes out, and in what order, stays the same.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from queue import Empty, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

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


def spread(items: Iterable[T], listeners: Sequence[Callable[[T], object]], depth: int = DEPTH) -> None:
    """Let every listener hear every item in order, each listener in a thread of its own.

    A listener may fall behind by `depth` items; then the others wait for it. No thread is left when this returns. An
    error in a listener or in `items` ends it and is raised here.
    """
    threads = [_Listener(listener, depth) for listener in listeners]
    try:
        for item in items:
            for thread in threads:
                thread.hear(item)
            if any(thread.error for thread in threads):
                break
    finally:
        for thread in threads:
            thread.finish()
    for thread in threads:
        if thread.error is not None:
            raise thread.error


class _Listener(Generic[T]):
    """A thread that calls a function with everything out of its queue, until None, or deaf after an error."""

    def __init__(self, listener: Callable[[T], object], depth: int) -> None:
        self._listener = listener
        self._queue: Queue[tuple[T] | None] = Queue(max(1, depth))
        self.error: BaseException | None = None
        self._thread = Thread(target=self._run, name="listener", daemon=True)
        self._thread.start()

    def hear(self, item: T) -> None:
        self._queue.put((item,))

    def finish(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (held := self._queue.get()) is not None:
            if self.error is None:
                try:
                    self._listener(held[0])
                except BaseException as error:
                    self.error = error
