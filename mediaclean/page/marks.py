"""What the ledger holds against a version of a passage, for the page: marks on its timeline and the same in words."""

from __future__ import annotations

from typing import Any

from mediaclean.audio import Span
from mediaclean.ledger import WORDS, Ledger

MOST_MARKS = 40
"""Of one version of one passage; of more the worst are shown."""


def marks_in(ledger: Ledger | None, span: Span) -> dict[str, Any]:
    """The marks that touch a passage, in order of time, and how many there are in all.

    Args:
        ledger: of the version, on the track's clock; None where nothing was judged.
        span: of the passage.
    """
    if ledger is None:
        return {"marks": [], "marks_in_all": None}
    found = ledger.over([span]).marks
    worst = sorted(found, key=lambda mark: -mark.severity)[:MOST_MARKS]
    rows = []
    for mark in sorted(worst, key=lambda mark: mark.span):
        start, stop = max(mark.span.start, span.start), min(mark.span.stop, span.stop)
        rows.append(
            {
                "at": round((start - span.start) / span.length, 5),
                "to": round((stop - span.start) / span.length, 5),
                "start_s": round(start / ledger.rate, 3),
                "what": WORDS[mark.kind],
                "severity": round(mark.severity, 1),
                "detail": mark.detail,
            }
        )
    return {"marks": rows, "marks_in_all": len(found)}
