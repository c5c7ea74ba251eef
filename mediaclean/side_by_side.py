"""Results of one run finished side by side: each in a thread, one progress for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from threading import Event, Lock
from typing import TypeVar

from mediaclean.cores import cores
from mediaclean.errors import MediacleanError
from mediaclean.progress import Progress, Watch

R = TypeVar("R")


class _Stopped(Exception):
    """Another of the works was stopped, and so is this one."""


def side_by_side(works: Sequence[Callable[[Watch], R]], watch: Watch) -> list[R]:
    """Do all of them, as many at a time as there are cores, and give their results in order.

    Where one fails with an error of ours, those that have begun are finished, the others are not begun, and the error
    that is first in order is raised. Anything else, and whatever `watch` raises, stops all of them.

    Args:
        works: each is given a watch of its own.
        watch: hears how far a stage has come in the mean; one call at a time.
    """
    if len(works) == 1:
        return [works[0](watch)]
    joint = _Joint(len(works), watch)
    with ThreadPoolExecutor(min(len(works), cores()), thread_name_prefix="delivery") as pool:
        futures = [pool.submit(work, joint.watch_of(index)) for index, work in enumerate(works)]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
            if any(error and not isinstance(error, MediacleanError) for error in map(_error, futures)):
                joint.stopped.set()
        except BaseException:  # somebody at the keyboard
            joint.stopped.set()
            raise
        finally:
            for future in futures:
                future.cancel()
    errors = [error for error in map(_error, futures) if error is not None]
    for error in sorted(errors, key=lambda error: isinstance(error, _Stopped)):
        raise error
    return [future.result() for future in futures]


def _error(future: Future[R]) -> BaseException | None:
    return future.exception() if future.done() and not future.cancelled() else None


class _Joint:
    """One watch for many: a stage is as far as the mean of all, and never falls back."""

    def __init__(self, count: int, watch: Watch) -> None:
        self._count, self._watch = count, watch
        self._done: dict[str, list[float]] = {}
        self._lock = Lock()
        self.stopped = Event()

    def watch_of(self, index: int) -> Watch:
        def hear(progress: Progress) -> None:
            if self.stopped.is_set():
                raise _Stopped
            with self._lock:
                self._watch(progress if progress.message else self._mean(index, progress))

        return hear

    def _mean(self, index: int, progress: Progress) -> Progress:
        done = self._done.setdefault(progress.stage, [0.0] * self._count)
        done[index] = max(done[index], progress.done_s)
        mean_s = sum(done) / self._count
        return replace(progress, done_s=mean_s if progress.total_s is None else min(mean_s, progress.total_s))
