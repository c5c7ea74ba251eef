"""What became of the inputs of a run: said at its end, and told by the exit code."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mediaclean.cli.terminal import Unheard, emit, err, report_error
from mediaclean.errors import MediacleanError

if TYPE_CHECKING:
    from mediaclean.report import Report

FAILS_ITS_SPEC = 1
MOST_FOLDERS = 3
"""So many are named in one line."""


@dataclass(kw_only=True)
class Tally:
    """What was done, failed and skipped so far."""

    is_batch: bool
    json: bool
    done: list[Sequence[Report]] = field(default_factory=list)
    failed: list[tuple[Path, MediacleanError]] = field(default_factory=list)
    skipped: int = 0

    def pass_over(self, folders: Sequence[Path]) -> None:
        """Folders that hold media and lie inside of what was given."""
        if not folders:
            return
        more = f" and {len(folders) - MOST_FOLDERS} more" if len(folders) > MOST_FOLDERS else ""
        listed = ", ".join(f"{folder}{os.sep}" for folder in folders[:MOST_FOLDERS])
        said = f"{listed}{more} not entered: give {'it' if len(folders) == 1 else 'them'} too"
        if self.json:
            emit("notice", stage="inputs", message=said)
        else:
            err().print(said, soft_wrap=True)

    def skip(self, target: Path, source: Path) -> None:
        """A result that is there already, perhaps without what a run that was stopped had still to write beside it."""
        from mediaclean.voices import was_stopped

        stopped = was_stopped(target)
        if self.json:
            emit("skipped", source=str(source), target=str(target), stopped=stopped)
            return
        why = "but a run for it was stopped before its end" if stopped else "skipped"
        advice = "takes that run up" if stopped else "does it again"
        err().print(f"{target} is there already, {why} (--overwrite {advice})", soft_wrap=True)

    def fail(self, source: Path, error: MediacleanError) -> None:
        """One of many inputs could not be cleaned; the only one ends the command.

        Raises:
            MediacleanError: that one.
        """
        if not self.is_batch or isinstance(error, Unheard):  # the next one would be unheard as well
            raise error
        self.failed.append((source, error))
        report_error(error, source=source)

    def close(self) -> None:
        """Say what became of many inputs, and end the command if not all is well.

        Raises:
            typer.Exit: with the code of the failures, 1 if they differ or a result fails its specification.
        """
        if self.is_batch and not self.json:
            self._say()
        codes = {error.exit_code for _, error in self.failed}
        if any(fails(reports) for reports in self.done):
            codes.add(FAILS_ITS_SPEC)
        if codes:
            raise typer.Exit(codes.pop() if len(codes) == 1 else 1)

    def _say(self) -> None:
        console = err()
        below = [f"  {report.target}: {report.verdict.spec}" for reports in self.done for report in fails(reports)
                 if report.verdict]  # fmt: skip
        damaged = dict.fromkeys(
            f"  {report.source}: {fault}" for reports in self.done for report in reports for fault in report.faults
        )
        errors = [f"  {source}: {without_name(error.message, source)}" for source, error in self.failed]
        said = (
            ("something is wrong with the source:", [*damaged], "bold yellow"),
            ("fails its specification:", below, "bold red"),
            ("failed:", errors, "bold red"),
        )
        for title, lines, style in said:
            if lines:
                console.print(title, style=style)
                console.print("\n".join(lines), soft_wrap=True)
        counts = {"done": len(self.done), "failed": len(self.failed), "skipped": self.skipped}
        console.print(", ".join(f"{count} {word}" for word, count in counts.items() if count), soft_wrap=True)


def fails(reports: Sequence[Report]) -> list[Report]:
    """Those whose result fails the specification that it was made for."""
    return [report for report in reports if report.verdict is not None and not report.verdict.ok]


def without_name(message: str, source: Path) -> str:
    """A message without the file that it begins with, for where that is said already."""
    for name in (str(source), source.name):
        if message.startswith(f"{name}: "):
            return message[len(name) + 2 :]
    return message
