"""The short human summary after a run: what was found, what was done and why, how loud it is now, what was written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from mediaclean.cli.batch import fails
from mediaclean.cli.deeds import done, done_again
from mediaclean.cli.terminal import Row, amount, facts
from mediaclean.cli.verdicts import verdict_table
from mediaclean.counted import counted
from mediaclean.job import CleanOptions
from mediaclean.ledger import WORDS, Ledger
from mediaclean.report import Report
from mediaclean.result.page import page_path
from mediaclean.result.record import record_paths
from mediaclean.result.stem_files import stems_folder
from mediaclean.times import clock


@dataclass(frozen=True)
class Told:
    """What the summary says beside the reports: what was asked for, and how long all of it took, where it ends here.

    `has_stems`: this result is the one beside which the stems lie.
    """

    options: CleanOptions
    has_stems: bool = False
    took_s: float | None = None


def summary(reports: Sequence[Report], told: Told) -> RenderableType:
    """A finished result in some ten lines; `reports` has one per cleaned track."""
    parts: list[RenderableType] = [_heading(reports)]
    faults = dict.fromkeys(fault for report in reports for fault in report.faults)
    if faults:
        parts.append(facts((Text("warning", "not dim bold yellow"), Text(fault, "yellow")) for fault in faults))
    if len(reports) == 1:
        report = reports[0]
        parts.append(facts([*_own(report, told, ""), *_notes(report.notes), *_shared(reports, told)]))
        parts += [verdict_table(report.verdict)] if report.verdict else []
        return Group(*parts)
    common = [note for note in reports[0].notes if all(note in report.notes for report in reports)]
    for report in reports:
        parts.append(Text(f"track {report.track}", "bold"))
        own = [note for note in report.notes if note not in common]
        parts.append(facts([*_own(report, told, str(report.options["track"])), *_notes(own)]))
        parts += [verdict_table(report.verdict)] if report.verdict else []
    parts.append(facts([*_notes(common), *_shared(reports, told)]))
    return Group(*parts)


def _heading(reports: Sequence[Report]) -> Text:
    """The result's name: with a tick, or a cross and the specification that it fails."""
    name = (str(reports[0].target), "bold")
    specs = dict.fromkeys(report.verdict.spec for report in fails(reports) if report.verdict)
    if specs:
        return Text.assemble(("✗ ", "bold red"), name, (f" fails {', '.join(specs)}", "bold red"))
    return Text.assemble(("✓ ", "bold green"), name)


def _own(report: Report, told: Told, track: str) -> Iterable[Row]:
    """What is known of one track; `track` is its number where there are several."""
    yield "found", _found(report, "" if track else f" ({report.track})")
    if report.patches:
        *earlier, last = report.patches
        for patch in earlier:
            yield "earlier", done_again(patch)
        yield "again", f"{done_again(last)}; all else as before"
    else:
        yield "done", done(report)
    if report.engine is not None:
        yield "engine", _engine(report.engine.identity, report.engine.device, report.engine.reason)
    if report.tone is not None:
        origin = f"learned from {report.tone.learned_s:.1f} s" if report.tone.learned_s else "a neutral stand-in"
        yield "room tone", f"{origin}, {report.tone.level_dbfs:.0f} dBFS"
    if report.ledger is not None:
        yield "ledger", ledger_line(report.ledger)
    yield "loudness", _loudness(report)
    if not report.copied and told.options.codec is None and report.codec.split()[0] not in report.track.split():
        yield "codec", f"{report.codec}: the source's own cannot be written there"
    if report.level is not None and report.level.reason:
        yield "level", report.level.reason
    yield from _notes(report.plan.notes)
    if told.options.page:
        yield "page", str(page_path(report.target, track))
    if told.options.record:
        yield "record", _record(report, track)


def _shared(reports: Sequence[Report], told: Told) -> Iterable[Row]:
    """What is known of the whole file."""
    report = reports[0]
    for dropped in report.dropped:
        yield "left out", dropped
    added = {"original kept": told.options.keep_original, "dialogue added": told.options.dialogue_track}
    if any(added.values()):
        yield "tracks", ", ".join(words for words, is_there in added.items() if is_there)
    if told.has_stems:
        yield "stems", str(stems_folder(report.target))
    if report.receipt:
        has_picture = any(stream["kind"] == "video" for stream in report.receipt.get("streams", ()))
        same = ("picture", "identical, sound in sync") if has_picture else ("sync", "sound in sync")
        yield same if report.receipt.get("ok") else (same[0], "NOT identical: see --report")
    if told.took_s is not None:
        speed = report.duration_s / max(told.took_s, 1e-3)
        yield "took", f"{told.took_s:.1f} s for {clock(report.duration_s)} ({speed:.1f}x)"


FINE = (": chapters, written from", ": timecode, written from")
"""Streams that are not copied because the container makes them again: the report says so, and nobody has to care."""
SAID = "left out: "
"""What the result's own list says again."""


def _notes(notes: Iterable[str]) -> Iterable[Row]:
    for note in notes:
        if not note.startswith(SAID) and not any(words in note for words in FINE):
            yield "note", note


def _engine(identity: str, device: str, reason: str) -> str:
    """The engine; why it is that one only where another was hoped for."""
    name = f"{identity.split()[0]} on {device}"
    is_expected = reason.startswith(("there is a GPU", "there is no GPU")) or reason.endswith("was asked for")
    return name if is_expected else f"{name}: {reason}"


def _record(report: Report, track: str) -> str | Text:
    json, text = record_paths(report.target, track)
    where, proof = f"{text} and {json.suffix}", report.proof
    if proof is None:
        return where
    if proof.ok:
        return f"{where}; null test passed: nothing differs but what is declared"
    return Text(f"{where}; null test FAILED: {proof.undeclared} samples differ and are not declared", "bold red")


def ledger_line(ledger: Ledger) -> str:
    """The marks in a line: how many, the first few with their times, and what was done again."""
    count = len(ledger.marks)
    shown = ", ".join(f"{WORDS[mark.kind]} at {clock(mark.span.start / ledger.rate)}" for mark in ledger.marks[:3])
    more = ", …" if count > 3 else ""
    none = "no artefacts left" if ledger.repairs else "no artefacts found"
    parts = [f"{counted(count, 'mark')} ({shown}{more})" if count else none]
    again = sum(repair.raised_db > 0.0 for repair in ledger.repairs)
    if again:
        parts.append(f"{counted(again, 'passage')} done again with a lighter dose")
    other = sum(bool(repair.engine) for repair in ledger.repairs)
    if other:
        parts.append(f"{counted(other, 'passage')} separated again by another engine")
    return ", ".join(parts)


def _found(report: Report, track: str) -> str:
    phrases = counted(len(report.plan.phrases), "phrase")
    return f"{clock(report.duration_s)}, {report.plan.speech_share:.0%} speech in {phrases}{track}"


def _loudness(report: Report) -> str:
    before, after = report.before, report.after
    return (
        f"{amount(before.integrated_lufs, 'LUFS')} → {amount(after.integrated_lufs, 'LUFS')}, "
        f"true peak {before.true_peak_dbtp:.1f} → {after.true_peak_dbtp:.1f} dBTP"
    )
