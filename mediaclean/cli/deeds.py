"""What a run did, and why, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mediaclean.audio import Span
from mediaclean.bed.judging import TREATMENTS
from mediaclean.bed.singing import SINGS
from mediaclean.counted import counted
from mediaclean.plan.make import Plan
from mediaclean.preset import Preset
from mediaclean.report import Report
from mediaclean.result.patch import Patch
from mediaclean.times import clock

CHOSEN = {"leave": "left", "duck": "ducked", "reduce": "reduced", "remove": "removed"}

VOICE = {
    "breath": ("breath", "softened"),
    "deess": ("sibilant", "softened"),
    "presence": ("stretch", "given back consonants"),
    "phrases": ("phrase", "moved"),
}


def done(report: Report) -> str:
    """What became of the whole track."""
    parts = []
    if report.plan.cuts:
        parts.append(f"separated {report.separated_share:.0%}{_why(report)}")
    parts.extend(_bed(report))
    if report.copied:
        return "; ".join([*parts, "nothing to change: the sound was copied as it is"])
    parts.extend(_voice(report.plan))
    if report.plan.holes:
        parts.append(f"{counted(len(report.plan.holes), 'hole')} filled with room tone")
    if report.level is not None:
        limited = f", limiter at most {report.level.limiter_db:.1f} dB" if report.level.limiter_db > 0.05 else ""
        ridden = f", phrases moved by up to {report.level.ride_db:.1f} dB" if report.level.ride_db else ""
        parts.append(f"gain {round(report.level.gain_db, 1) + 0.0:+.1f} dB{limited}{ridden}")
    return "; ".join(parts) or "re-encoded only"


def done_again(patch: Patch) -> str:
    """Where a later run did something else, and its dose there."""
    rate = patch.plan.rate
    where = ", ".join(f"{clock(span.start / rate)}-{clock(span.stop / rate)}" for span in patch.spans)
    gains = lowered_db(patch.plan, patch.spans)
    bed = f"bed lowered by {_range(gains, 'dB')}" if gains else "bed as it was recorded"
    return f"{where}: {'; '.join([f'{mode_of(patch.preset)}, {bed}', *_voice(patch.plan, patch.spans)])}"


def mode_of(preset: Preset) -> str:
    """What a preset does to the bed."""
    return "leave" if preset.duck is None else preset.duck.mode


def lowered_db(plan: Plan, spans: Sequence[Span] | None = None) -> list[float]:
    """By how many dB the bed was lowered, dip by dip; with `spans`, only what touches them."""
    return [
        -dip.gain_db for dip in plan.dips if dip.gain_db is not None and dip.gain_db < 0.0 and _touches(dip.span, spans)
    ]


def _touches(span: Span, spans: Sequence[Span] | None) -> bool:
    return spans is None or any(span.overlaps(each) for each in spans)


def _bed(report: Report) -> Iterable[str]:
    gains = lowered_db(report.plan)
    if gains:
        yield f"bed lowered by {_range(gains, 'dB')} in {counted(len(gains), 'place')}"
    if report.plan.choices:
        chosen = [choice.treatment for choice in report.plan.choices]
        counts = [f"{chosen.count(name)} {CHOSEN[name]}" for name in TREATMENTS if name in chosen]
        yield f"phrases {', '.join(counts)}"  # the lightest first
    elif report.plan.cuts and not gains:
        yield f"bed left{_why_left(report)}"


def _why_left(report: Report) -> str:
    """Why something was separated, and yet nothing was lowered."""
    duck = report.preset.duck
    if duck is None or duck.mode == "leave":
        return " as you asked"
    if any(dip.lighter_db > 0.0 for dip in report.plan.dips):
        return ": lowered, it would have cost the voice too much"
    if duck.mode not in {"duck", "auto"} or not report.plan.dips:
        return ""
    if any(dip.reason == SINGS for dip in report.plan.dips):
        return ": somebody sings there"
    least_lu = min(_differences_lu(report), default=0.0)
    already = f"{least_lu:.0f} LU" if least_lu >= duck.target_lu else f"{duck.target_lu:g} LU or more, once separated,"
    return f": already {already} under the speech (goal {duck.target_lu:g}); for less: --mode reduce"


def _voice(plan: Plan, spans: Sequence[Span] | None = None) -> Iterable[str]:
    """What was done to the voice itself, process by process."""
    rows = [row for row in plan.voice_gains or () if _touches(row.span, spans)]
    for process, (thing, what) in VOICE.items():
        gains = [abs(row.gain_db) for row in rows if row.process == process]
        if gains:
            yield f"{counted(len(gains), thing)} {what} by up to {max(gains):.1f} dB"


def _why(report: Report) -> str:
    """Why anything was separated: how close the bed came in those phrases."""
    over = _differences_lu(report)
    return f" (speech stands as little as {min(over):.0f} LU above the bed there)" if over else ""


def _differences_lu(report: Report) -> list[float]:
    """Speech above bed, as the mix tells, in the phrases that were separated."""
    cuts = [cut.span for cut in report.plan.cuts]
    return [p.speech_lufs - p.bed_lufs for p in report.plan.phrases if any(p.span.overlaps(cut) for cut in cuts)]


def _range(values: Sequence[float], unit: str) -> str:
    low, high = f"{min(values):.0f}", f"{max(values):.0f}"
    return f"{low} {unit}" if low == high else f"{low} to {high} {unit}"
