"""What was found wrong and will be mended, as rows of the plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from mediaclean.audio import Span

RepairProcess = Literal["declip", "declick", "dereverb"]
PROCESSES: tuple[RepairProcess, ...] = get_args(RepairProcess)
"""In the order in which the sound meets them; hum lies between declick and dereverb and has rows of its own."""


@dataclass(frozen=True)
class Repair:
    """A span in which one process may change samples, and how far: an `amount` of 1 takes its result, 0 the source."""

    span: Span
    process: RepairProcess
    amount: float
    reason: str


@dataclass(frozen=True)
class HumLine:
    """A steady line of mains hum that is lowered by `reduce_db`, throughout the track."""

    frequency_hz: float
    reduce_db: float
    reason: str


@dataclass(frozen=True)
class Repairs:
    """All rows of a plan; false where there is nothing to mend."""

    rows: tuple[Repair, ...] = ()
    hum: tuple[HumLine, ...] = ()

    def of(self, process: RepairProcess) -> list[Repair]:
        """The rows of one process that do anything, in order of time."""
        return sorted((row for row in self.rows if row.process == process and row.amount), key=lambda row: row.span)

    def beside(self, rows: tuple[Repair, ...]) -> Repairs:
        """These and further rows."""
        return Repairs((*self.rows, *rows), self.hum)

    @property
    def lines(self) -> list[HumLine]:
        """The lines that are lowered at all, from the lowest up."""
        return sorted((line for line in self.hum if line.reduce_db), key=lambda line: line.frequency_hz)

    def __bool__(self) -> bool:
        return any(row.amount for row in self.rows) or bool(self.lines)


NO_REPAIRS = Repairs()
