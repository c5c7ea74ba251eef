"""How judgements look: the picture lock of a result, and what a specification says of it."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mediaclean.cli.terminal import facts
from mediaclean.counted import counted
from mediaclean.loudness.delivery import Verdict
from mediaclean.media import Receipt

MARKS = {"pass": "✓", "fail": "✗", "advice": "!", "skipped": "–"}


def mark(ok: bool) -> Text:
    """A tick or a cross."""
    return Text("✓", "green") if ok else Text("✗", "red")


def receipt_table(receipt: Receipt) -> RenderableType:
    """The picture lock, line by line."""
    table = Table.grid(padding=(0, 2))
    for proof in receipt.proofs:
        where = "left out" if proof.result is None else f"stream {proof.result}"
        kept = f"{counted(proof.packets, 'packet')}, sha256 {proof.sha256_source[:16]}… by {proof.by}"
        table.add_row(mark(proof.ok), f"stream {proof.stream} {proof.kind} {proof.codec}", where, proof.note or kept)
    for field in receipt.fields:
        kept = "kept" if field.ok else f"{field.source!r} became {field.result!r}"
        table.add_row(mark(field.ok), field.what, "", kept)
    for track in receipt.lags:
        lags = ", ".join("–" if lag.samples is None else str(lag.samples) for lag in track.lags)
        if not track.known:
            table.add_row("–", f"track {track.track}", "", "nothing in it tells whether it is late")
            continue
        table.add_row(mark(track.ok), f"track {track.track}", "", f"late by {lags} samples at start, middle, end")
    return Group(
        table, Text("all holds" if receipt.ok else "does not hold", "bold green" if receipt.ok else "bold red")
    )


def verdict_table(verdict: Verdict) -> RenderableType:
    """What a specification says of a file, rule by rule."""
    result = ("PASS", "bold green") if verdict.ok else ("FAIL", "bold red")
    rows = []
    for rule in verdict.rules:
        measured = "–" if rule.measured is None else f"{rule.measured:.1f}"
        note = f" ({rule.note})" if rule.note else ""
        grade = "" if rule.grade == "primary" else f" [{rule.grade}]"
        rows.append((f"{MARKS[rule.status]} {rule.name}", f"{measured}, asked {rule.limit}{grade}{note}"))
    return Group(Text.assemble((f"{verdict.spec}: ", "bold"), result), facts(rows))
