"""The tables of a result's page: level, verdict, artefacts, changes."""

from __future__ import annotations

from collections import Counter
from typing import Any

from mediaclean.ledger import WORDS
from mediaclean.loudness.meter import Loudness
from mediaclean.report import Report
from mediaclean.result.changes import PROCESSES

MOST_ROWS = 500
"""Of a table; the report has them all."""


def tables(report: Report) -> dict[str, Any]:
    """What result.js puts into tables."""
    rows = [
        {
            **change.to_json(report.plan.rate),
            "what": PROCESSES.get(change.process, change.process),
        }
        for change in report.changes[:MOST_ROWS]
    ]
    gain = report.level
    left_out = len(report.changes) - len(rows)
    about = (
        "Outside of these spans every sample is the source's, but for the level." if rows else "Nothing but the level."
    )
    more = f" {left_out} more are in the report." if left_out > 0 else ""
    proof = report.proof
    proven = f" Proven on {proof.samples} samples." if proof is not None and proof.ok else ""
    verdict = report.verdict
    return {
        "level": _level_rows(report.before, report.after),
        "level_about": (
            "The level was left as it was."
            if gain is None
            else f"Gain {gain.gain_db:+.1f} dB, limiter at most {gain.limiter_db:.1f} dB. {gain.reason}".strip()
        ),
        "verdict": verdict
        and {
            "spec": verdict.spec,
            "ok": verdict.ok,
            "rules": [
                {
                    "name": rule.name,
                    "measured": "–" if rule.measured is None else f"{rule.measured:.1f}",
                    "limit": rule.limit,
                    "status": rule.status,
                }
                for rule in verdict.rules
            ],
        },
        "marks": _marks(report),
        "marks_about": _marks_about(report),
        "changes": rows,
        "changes_about": f"{about}{proven}{more}",
    }


def _marks(report: Report) -> list[dict[str, Any]]:
    """What the ledger holds against the mix, the worst first if there are too many."""
    if report.ledger is None:
        return []
    rate, worst = report.ledger.rate, sorted(report.ledger.marks, key=lambda mark: -mark.severity)[:MOST_ROWS]
    return [
        {
            "start_s": round(mark.span.start / rate, 3),
            "stop_s": round(mark.span.stop / rate, 3),
            "what": WORDS[mark.kind],
            "severity": round(mark.severity, 1),
            "detail": mark.detail,
        }
        for mark in sorted(worst, key=lambda mark: mark.span)
    ]


def _marks_about(report: Report) -> str:
    """What the ledger says in one sentence or two; empty where nothing was judged."""
    if report.ledger is None:
        return ""
    counts = report.ledger.counts
    kinds = ", ".join(f"{WORDS[kind]} {count}" for kind, count in counts.items())
    left_out = len(report.ledger.marks) - MOST_ROWS
    more = f" The worst {MOST_ROWS} are listed; the report has them all." if left_out > 0 else ""
    said = f"Found in the result, beside the original: {kinds}." if counts else "None found in the result."
    lighter = sum(repair.raised_db > 0.0 for repair in report.ledger.repairs)
    engines = Counter(repair.engine.split()[0] for repair in report.ledger.repairs if repair.engine)
    again = [f"{_passages(lighter)} done again, lighter."] if lighter else []
    again += [f"{_passages(count)} separated again by {engine}." for engine, count in engines.items()]
    return " ".join([said, *again]) + more


def _passages(count: int) -> str:
    return f"{count} {'passage was' if count == 1 else 'passages were'}"


def _level_rows(before: Loudness, after: Loudness) -> list[list[str]]:
    figures = (
        ("integrated", "integrated_lufs", "LUFS"),
        ("range", "range_lu", "LU"),
        ("max short-term", "short_term_max_lufs", "LUFS"),
        ("max momentary", "momentary_max_lufs", "LUFS"),
        ("true peak", "true_peak_dbtp", "dBTP"),
    )
    tables = before.to_json(), after.to_json()

    def shown(value: float | None, unit: str) -> str:
        return "–" if value is None else f"{value:.1f} {unit}".replace("-", "−")

    return [[name, *(shown(table.get(key), unit) for table in tables)] for name, key, unit in figures]
