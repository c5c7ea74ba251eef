"""How the terminal looks: errors, progress, and small tables."""

from __future__ import annotations

import io
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO, TypeAlias, cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mediaclean.cli.memory import between_passes
from mediaclean.errors import MediacleanError, OutputError
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
    stream = _Trimmed(sys.stderr, _unsaid) if stderr else _Trimmed(sys.stdout, said)
    return Console(file=cast(TextIO, stream), width=UNWRAPPED, highlight=False, markup=False, emoji=False)


class _Trimmed(io.TextIOBase):
    """A text stream that loses the blanks at the ends of lines; rich writes whole lines."""

    encoding = "utf-8"

    def __init__(self, stream: TextIO, guard: Callable[[], AbstractContextManager[None]]) -> None:
        self._stream = stream
        self._guard = guard

    def write(self, text: str) -> int:
        with self._guard():
            self._stream.write(re.sub(r" +(?=\n)", "", text))
        return len(text)

    def flush(self) -> None:
        with self._guard():
            self._stream.flush()


class Unheard(OutputError):
    """Standard output takes no more: a full disk. Told apart from errors of the files that a run writes."""


class ReaderGone(Unheard):
    """Whoever read standard output has closed it, as `head` does: nothing is wrong, and nobody listens."""

    exit_code = 141  # 128 + SIGPIPE: what a shell says of other tools that wrote into a closed pipe


@contextmanager
def said() -> Iterator[None]:
    """Around whatever is written to standard output.

    Raises:
        Unheard: if it cannot be written.
    """
    try:
        yield
    except BrokenPipeError as error:
        _give_up(sys.stdout)
        raise ReaderGone("nobody reads standard output any more") from error
    except OSError as error:
        _give_up(sys.stdout)
        raise Unheard(
            f"standard output cannot be written: {error.strerror}", "free some space, or send it somewhere else"
        ) from error


@contextmanager
def _unsaid() -> Iterator[None]:
    """Around the log on standard error: a run goes on without it, for there is nowhere to say why not."""
    try:
        yield
    except OSError:
        _give_up(sys.stderr)


def _give_up(stream: TextIO) -> None:
    """Send the rest nowhere: what the stream still holds would fail once more when Python ends, with exit code 120."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def say(text: str) -> None:
    """Plain text on standard output, as it is."""
    with said():
        sys.stdout.write(text)
        sys.stdout.flush()


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
    say(json.dumps({"event": event, **fields}, allow_nan=False) + "\n")


def report_error(error: MediacleanError, *, source: Path | None = None) -> int:
    """Say what is wrong (of many inputs, with which) and what to type next; returns the exit code."""
    if isinstance(error, ReaderGone):
        return error.exit_code
    if _json_lines and not isinstance(error, Unheard):
        which = {} if source is None else {"source": str(source)}
        with suppress(Unheard):  # then it is said on standard error
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
        with suppress(Unheard):
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
