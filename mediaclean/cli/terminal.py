"""How the terminal looks: errors, progress, and small tables."""

from __future__ import annotations

import io
import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, TypeAlias, cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mediaclean.cli.memory import between_passes
from mediaclean.errors import MediacleanError
from mediaclean.progress import Progress, Watch

INTERRUPTED = 130
WORDS = {
    "listen": "Listening",
    "decode": "Reading",
    "separate": "Separating the voice",
    "mix": "Mixing the doses",
    "polish": "Weighing the voice",
    "ride": "Weighing the bed",
    "judge": "Looking for artefacts",
    "measure": "Measuring",
    "write": "Writing",
    "check": "Checking the result",
    "verify": "Comparing with the source",
    "download": "Downloading weights",
    "dialogue": "Writing the dialogue track",
    "restore": "Reading the stems",
    "prove": "Proving the record",
    "stems": "Writing the stems",
    "page": "Drawing the page",
}
_json_lines = False


def stage_words(stage: str) -> str:
    """What a stage is called; tracks after the first have their numbers.

    >>> stage_words("write"), stage_words("write track 2")
    ('Writing', 'Writing track 2')
    """
    name, _, rest = stage.partition(" ")
    return f"{WORDS.get(name, name)} {rest}".rstrip()


def out() -> Console:
    """Where results go. Names of files and tracks may hold brackets, so text is never read as markup."""
    return _console(stderr=False)


def err() -> Console:
    """Where progress, notices and errors go."""
    return _console(stderr=True)


UNWRAPPED = 100_000


def _console(*, stderr: bool) -> Console:
    """A terminal wraps lines and aligns with blanks; in a file or a pipe a line is a line, for grep."""
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if console.is_terminal:
        return console
    stream = _Trimmed(sys.stderr if stderr else sys.stdout)
    return Console(file=cast(TextIO, stream), width=UNWRAPPED, highlight=False, markup=False, emoji=False)


class _Trimmed(io.TextIOBase):
    """A text stream that loses the blanks at the ends of lines; rich writes whole lines."""

    encoding = "utf-8"

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(re.sub(r" +(?=\n)", "", text))
        return len(text)

    def flush(self) -> None:
        self._stream.flush()


Row: TypeAlias = tuple[str | Text, str | Text]


def facts(rows: Iterable[Row]) -> Table:
    """What is known, one label and its value per line."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True, min_width=LABEL)
    table.add_column()
    for label, value in rows:
        table.add_row(label, value)
    return table


LABEL = 9
"""Least width of a label, so that tables below each other are aligned."""


def use_json_lines() -> None:
    """From now on everything is one JSON object per line on standard output."""
    global _json_lines
    _json_lines = True


def emit(event: str, **fields: Any) -> None:
    """One JSON line."""
    sys.stdout.write(json.dumps({"event": event, **fields}, allow_nan=False) + "\n")
    sys.stdout.flush()


def report_error(error: MediacleanError, *, source: Path | None = None) -> int:
    """Say what is wrong (of many inputs, with which) and what to type next; returns the exit code."""
    if _json_lines:
        which = {} if source is None else {"source": str(source)}
        emit("error", **which, message=error.message, hint=error.hint, exit_code=error.exit_code)
        return error.exit_code
    console = err()
    console.print(Text.assemble(("error: ", "bold red"), error.message), soft_wrap=True)
    if error.hint:
        console.print(Text.assemble(("  try: ", "dim"), error.hint), soft_wrap=True)
    return error.exit_code


def report_interrupt() -> int:
    """Ctrl-C: nothing half written is left; what was separated waits for the next run."""
    if _json_lines:
        emit("error", message="interrupted", hint="run the same command again to go on", exit_code=INTERRUPTED)
    else:
        err().print("\ninterrupted; run the same command again to go on")
    return INTERRUPTED


@contextmanager
def watching() -> Iterator[Watch]:
    """The progress display that fits: JSON lines, bars on a terminal, plain lines elsewhere."""
    if _json_lines:
        yield between_passes(_JsonLines())
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from mediaclean.cli.bars import live_bars

        with live_bars(err(), stage_words) as bars:
            yield between_passes(bars)
    else:
        yield between_passes(_PlainLines())


class _JsonLines:
    """At most two progress lines a second and stage, and always the last one."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        final = progress.total_s is not None and progress.done_s >= progress.total_s
        if progress.message:
            emit("notice", stage=progress.stage, message=progress.message)
        elif final or now - self._last.get(progress.stage, -1.0) >= 0.5:
            self._last[progress.stage] = now
            total_s = None if progress.total_s is None else round(progress.total_s, 3)
            emit("progress", stage=progress.stage, done_s=round(progress.done_s, 3), total_s=total_s)


class _PlainLines:
    """For logs: a line when a stage begins, and one when it is through."""

    def __init__(self) -> None:
        self._begun: dict[str, float] = {}
        self._finished: set[str] = set()

    def __call__(self, progress: Progress) -> None:
        stage, word = progress.stage, stage_words(progress.stage)
        if progress.message:
            err().print(f"{word}: {progress.message}", soft_wrap=True)
            return
        if stage not in self._begun or (progress.done_s == 0.0 and stage in self._finished):
            self._begun[stage] = time.monotonic()
            self._finished.discard(stage)
        if progress.total_s is not None and progress.done_s >= progress.total_s > 0.0 and stage not in self._finished:
            self._finished.add(stage)
            took = max(1e-3, time.monotonic() - self._begun[stage])
            err().print(f"{word}: {progress.total_s:.1f} s of sound in {took:.1f} s ({progress.total_s / took:.0f}x)")


def amount(value: float | None, unit: str) -> str:
    """A figure with its unit, or a dash where there is none."""
    return "–" if value is None else f"{value:.1f} {unit}"
