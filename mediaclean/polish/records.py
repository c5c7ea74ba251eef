"""What is decided about the voice after separation, as rows of the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from mediaclean.audio import Span

Process = Literal["breath", "deess", "presence", "phrases"]
PROCESSES: tuple[Process, ...] = get_args(Process)
"""In the order in which the voice meets them: what takes away first, what moves levels last."""

RANGE_DB: dict[Process, tuple[float, float]] = {
    "breath": (-12.0, 0.0),
    "deess": (-12.0, 0.0),
    "presence": (0.0, 3.0),
    "phrases": (-6.0, 6.0),
}
"""What each may do at most. A breath is lowered, never removed."""


@dataclass(frozen=True)
class VoiceGain:
    """A span of the voice that one process moves by `gain_db`, ramps included: outside the span nothing changes."""

    span: Span
    gain_db: float
    process: Process
    reason: str


def gains_of(gains: Sequence[VoiceGain], process: Process) -> list[VoiceGain]:
    """Those of one process that do anything, in order of time."""
    return sorted((row for row in gains if row.process == process and row.gain_db), key=lambda row: row.span)
