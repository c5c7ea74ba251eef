"""Progress bars for a terminal: one per stage, with speed and time left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.text import Text

from mediaclean.progress import Progress, Watch


class _Speed(ProgressColumn):
    """Seconds of media per second of work."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.0f}x" if speed and speed >= 10 else f"{speed:.1f}x" if speed else "", style="dim")


@contextmanager
def live_bars(console: Console, words: Callable[[str], str]) -> Iterator[Watch]:
    """A watch that draws bars on `console`, and takes them away at the end.

    Args:
        words: what a stage is called.
    """
    columns = (
        TextColumn("{task.description:<26}"),
        BarColumn(bar_width=32),
        TextColumn("{task.percentage:>3.0f}%"),
        _Speed(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        yield _LiveBars(bars, words)


class _LiveBars:
    """One bar per stage, below each other in the order in which they begin."""

    def __init__(self, bars: Bars, words: Callable[[str], str]) -> None:
        self._bars = bars
        self._words = words
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, progress: Progress) -> None:
        stage = progress.stage
        if progress.message:
            self._bars.console.print(progress.message, soft_wrap=True)
            return
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(self._words(stage), total=progress.total_s)
        self._bars.update(self._tasks[stage], completed=progress.done_s, total=progress.total_s)
