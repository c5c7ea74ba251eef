"""Works done side by side: results in order, errors as if done one after the other, one progress."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

import mediaclean.side_by_side as module
from mediaclean.errors import MediaError
from mediaclean.progress import Progress, Watch, ignore
from mediaclean.side_by_side import side_by_side


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "cores", lambda: 2)


def waits(name: str, seconds: float, log: list[str]) -> Callable[[Watch], str]:
    def work(watch: Watch) -> str:
        log.append(name)
        time.sleep(seconds)
        return name

    return work


def fails(error: BaseException, seconds: float = 0.0) -> Callable[[Watch], str]:
    def work(watch: Watch) -> str:
        time.sleep(seconds)
        raise error

    return work


def steps(count: int) -> Callable[[Watch], str]:
    def work(watch: Watch) -> str:
        for done in range(count + 1):
            watch(Progress("write", float(done), float(count)))
            time.sleep(0.001)
        return "done"

    return work


def test_results_come_in_order_and_two_run_at_a_time() -> None:
    log: list[str] = []
    works = [waits("slow", 0.1, log), waits("quick", 0.0, log), waits("last", 0.0, log)]
    assert side_by_side(works, ignore) == ["slow", "quick", "last"]
    assert set(log) == {"slow", "quick", "last"}
    assert threading.active_count() < 10


def test_an_error_lets_those_that_began_finish_and_begins_no_more() -> None:
    log: list[str] = []
    works = [waits("began", 0.1, log), fails(MediaError("first", "")), *[waits("never", 0.3, log)] * 6]
    with pytest.raises(MediaError, match="first"):
        side_by_side(works, ignore)
    assert "began" in log
    assert log.count("never") <= 2  # those that a free core took before anybody knew


def test_of_two_errors_the_first_in_order_is_told() -> None:
    with pytest.raises(MediaError, match="one"):
        side_by_side([fails(MediaError("one", ""), 0.05), fails(MediaError("two", ""))], ignore)


def test_a_watch_that_raises_stops_all_of_them() -> None:
    class Enough(Exception):
        pass

    def watch(progress: Progress) -> None:
        if progress.done_s > 3:
            raise Enough

    with pytest.raises(Enough):
        side_by_side([steps(1_000_000), steps(1_000_000), steps(1_000_000)], watch)


def test_progress_is_one_that_never_falls_and_ends_at_the_end() -> None:
    heard: list[Progress] = []
    side_by_side([steps(30), steps(20), steps(30)], heard.append)
    done = [progress.done_s for progress in heard]
    assert done == sorted(done)
    assert done[0] == 0.0
    assert heard[-1].done_s == pytest.approx((30 + 20 + 30) / 3)
    assert all(progress.total_s is None or progress.done_s <= progress.total_s for progress in heard)


def test_one_work_is_simply_done() -> None:
    here = threading.current_thread()
    assert side_by_side([lambda watch: threading.current_thread()], ignore) == [here]
