"""The short human summary after a run: what was found, what was done and why, how loud it is now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from mediaclean.bed.judging import TREATMENTS
from mediaclean.cli.batch import fails
from mediaclean.cli.terminal import amount, clock, facts
from mediaclean.cli.verdicts import verdict_table
from mediaclean.ledger import WORDS, Ledger
from mediaclean.report import Report


def summary(report: Report) -> RenderableType:
    """A finished run in some ten lines."""
    head = _heading([report])
    verdict = [verdict_table(report.verdict)] if report.verdict else []
    return Group(head, facts(_rows(report)), *verdict)


def _heading(reports: Sequence[Report]) -> Text:
    """The result's name: with a tick, or a cross and the specification that it fails."""
    name = (str(reports[0].target), "bold")
    specs = dict.fromkeys(report.verdict.spec for report in fails(reports) if report.verdict)
    if specs:
        return Text.assemble(("✗ ", "bold red"), name, (f" fails {', '.join(specs)}", "bold red"))
    return Text.assemble(("✓ ", "bold green"), name)


def _rows(report: Report) -> Iterable[tuple[str, str]]:
    yield "found", _found(report)
    yield "done", _done(report)
    if report.engine is not None:
        yield "engine", f"{report.engine.identity.split()[0]} on {report.engine.device}: {report.engine.reason}"
    if report.tone is not None:
        origin = f"learned from {report.tone.learned_s:.1f} s" if report.tone.learned_s else "a neutral stand-in"
        yield "room tone", f"{origin}, {report.tone.level_dbfs:.0f} dBFS"
    if report.ledger is not None:
        yield "ledger", ledger_line(report.ledger)
    yield "loudness", _loudness(report)
    if report.level is not None and report.level.reason:
        yield "level", report.level.reason
    for note in (*report.plan.notes, *report.notes, *report.faults):
        yield "note", note
    for dropped in report.dropped:
        yield "left out", dropped
    if report.receipt:
        verdict = "identical, sound in sync" if report.receipt.get("ok") else "NOT identical: see --report"
        yield "picture", verdict
    total_s = sum(report.timings_s.values())
    yield "took", f"{total_s:.1f} s for {clock(report.duration_s)} ({report.duration_s / max(total_s, 1e-3):.1f}x)"


def ledger_line(ledger: Ledger) -> str:
    """The marks in a line: how many, the first few with their times, and what was done again."""
    count = len(ledger.marks)
    shown = ", ".join(f"{WORDS[mark.kind]} at {clock(mark.span.start / ledger.rate)}" for mark in ledger.marks[:3])
    more = ", …" if count > 3 else ""
    parts = [f"{_counted(count, 'mark')} ({shown}{more})" if count else "no artefacts found"]
    again = sum(repair.raised_db > 0.0 for repair in ledger.repairs)
    if again:
        parts.append(f"{_counted(again, 'passage')} done again with a lighter dose")
    other = sum(bool(repair.engine) for repair in ledger.repairs)
    if other:
        parts.append(f"{_counted(other, 'passage')} separated again by another engine")
    return ", ".join(parts)


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _found(report: Report) -> str:
    phrases = _counted(len(report.plan.phrases), "phrase")
    return f"{clock(report.duration_s)}, {report.plan.speech_share:.0%} speech in {phrases} ({report.track})"


def _done(report: Report) -> str:
    if report.copied:
        return "nothing to change: the sound was copied as it is"
    parts = []
    if report.plan.cuts:
        parts.append(f"separated {report.separated_share:.0%}{_why(report)}")
    lowered = [-dip.gain_db for dip in report.plan.dips if dip.gain_db is not None and dip.gain_db < 0.0]
    if lowered:
        parts.append(f"bed lowered by {_range(lowered, 'dB')} in {_counted(len(lowered), 'place')}")
    if report.plan.choices:
        parts.append(_chosen(report))
    parts.extend(_voice(report))
    if report.plan.holes:
        parts.append(f"{len(report.plan.holes)} holes filled with room tone")
    if report.level is not None:
        limited = f", limiter at most {report.level.limiter_db:.1f} dB" if report.level.limiter_db > 0.05 else ""
        ridden = f", phrases moved by up to {report.level.ride_db:.1f} dB" if report.level.ride_db else ""
        parts.append(f"gain {round(report.level.gain_db, 1) + 0.0:+.1f} dB{limited}{ridden}")
    return "; ".join(parts) or "re-encoded only"


def _chosen(report: Report) -> str:
    """What auto chose, the lightest first."""
    chosen = [choice.treatment for choice in report.plan.choices]
    counts = [f"{chosen.count(name)} {DONE[name]}" for name in TREATMENTS if name in chosen]
    return f"phrases {', '.join(counts)}"


DONE = {"leave": "left", "duck": "ducked", "reduce": "reduced", "remove": "removed"}

VOICE = {
    "breath": ("breath", "softened"),
    "deess": ("sibilant", "softened"),
    "presence": ("stretch", "given back consonants"),
    "phrases": ("phrase", "moved"),
}


def _voice(report: Report) -> Iterable[str]:
    """What was done to the voice itself, process by process."""
    for process, (one, done) in VOICE.items():
        gains = [abs(row.gain_db) for row in report.plan.voice_gains or () if row.process == process]
        if gains:
            many = one if len(gains) == 1 else "stretches" if one == "stretch" else f"{one}s"
            yield f"{len(gains)} {many} {done} by up to {max(gains):.1f} dB"


def _why(report: Report) -> str:
    """Why anything was separated: how close the bed came in those phrases."""
    cuts = [cut.span for cut in report.plan.cuts]
    over = [p for p in report.plan.phrases if any(p.span.overlaps(cut) for cut in cuts)]
    if not over:
        return ""
    return f" (speech stands only {_range([p.speech_lufs - p.bed_lufs for p in over], 'LU')} above the bed there)"


def _range(values: list[float], unit: str) -> str:
    low, high = f"{min(values):.0f}", f"{max(values):.0f}"
    return f"{low} {unit}" if low == high else f"{low} to {high} {unit}"


def _loudness(report: Report) -> str:
    before, after = report.before, report.after
    return (
        f"{amount(before.integrated_lufs, 'LUFS')} → {amount(after.integrated_lufs, 'LUFS')}, "
        f"true peak {before.true_peak_dbtp:.1f} → {after.true_peak_dbtp:.1f} dBTP"
    )
