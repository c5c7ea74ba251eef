"""What was found, what was done and why, how loud it is, how long it took: as a record, and as JSON.

A report holds the resolved preset and the resolved plan, so ``--plan REPORT`` repeats its run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mediaclean.ledger import Ledger
from mediaclean.loudness.delivery import Verdict
from mediaclean.loudness.limiter import Reduction
from mediaclean.loudness.meter import Loudness
from mediaclean.media import Receipt
from mediaclean.plan.as_json import to_dict
from mediaclean.plan.make import Plan
from mediaclean.preset import Preset, to_tables
from mediaclean.result.changes import Change, Proof
from mediaclean.result.patch import Patch

VERSION = 1


@dataclass(frozen=True)
class EngineUse:
    """Which network ran, where, and why that one; `weights` are SHA-256 of the files with its weights."""

    identity: str
    device: str
    reason: str
    weights: tuple[str, ...] = ()


@dataclass(frozen=True)
class ToneUse:
    """The room tone: how much of the recording it was learned from, and how loud it is; 0 s for a stand-in.

    `ambiences` is above 1 where it changes at cuts of the picture.
    """

    learned_s: float
    level_dbfs: float
    ambiences: int = 1


@dataclass(frozen=True)
class LevelUse:
    """What was done to reach the level: static gain, deepest limiting, and how far phrases were moved at most.

    `exact_db` and `ceiling_dbtp` are what the last try was rendered with, so that a later run can keep the level;
    `limited` has where the limiter acted, in samples, and how deep.
    """

    gain_db: float
    limiter_db: float
    tries: int
    reason: str = ""
    ride_db: float = 0.0
    exact_db: float = 0.0
    ceiling_dbtp: float = 0.0
    limited: tuple[Reduction, ...] = ()


@dataclass(frozen=True)
class Report:
    """A finished run.

    Attributes:
        source, target: the files.
        track: the cleaned audio track in words.
        copied: True if nothing had to change and the audio packets were copied.
        plan: with the gains that were really applied.
        before, after: loudness of the source track and of the finished file, decoded again.
        faults: damage, gaps and overlaps in the source, one sentence each.
        changed_s: where anything but the level was changed, in seconds.
        changes: the same by process, with decibels and reason.
        ledger: artefacts that are left in the mix, and what was done again because of some.
        patches: spans that were done again with other settings; `plan` and `preset` hold elsewhere.
        fingerprint: of the source: size, time, and a hash of both its ends.
        options: what the run was told beside its preset, as far as the result depends on it.
        proof: that every changed sample lies in a declared change, where it was asked for.
        timings_s: wall-clock seconds per stage.
        verdict: of the specification that it was delivered to, on the finished file.
        receipt: the picture lock: what was compared, and whether it holds.
        made: index of the clean track among the result's audio tracks.
        versions: of mediaclean and of what it stands on.
    """

    source: Path
    target: Path
    track: str
    preset: Preset
    plan: Plan
    duration_s: float
    copied: bool
    codec: str
    before: Loudness
    after: Loudness
    engine: EngineUse | None = None
    tone: ToneUse | None = None
    level: LevelUse | None = None
    ledger: Ledger | None = None
    faults: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    changed_s: tuple[tuple[float, float], ...] = ()
    changes: tuple[Change, ...] = ()
    patches: tuple[Patch, ...] = ()
    fingerprint: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    proof: Proof | None = None
    timings_s: Mapping[str, float] = field(default_factory=dict)
    verdict: Verdict | None = None
    receipt: Mapping[str, Any] = field(default_factory=dict)
    made: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def separated_share(self) -> float:
        """How much of the track went through a network, 0 to 1."""
        return sum(cut.span.length for cut in self.plan.cuts) / max(1, self.plan.length)


def to_report_dict(report: Report) -> dict[str, Any]:
    """A report as plain tables and lists."""
    rows: dict[str, Any] = {
        "version": VERSION,
        "source": str(report.source),
        "target": str(report.target),
        "track": report.track,
        "duration_s": round(report.duration_s, 6),
        "speech_share": round(report.plan.speech_share, 4),
        "separated_share": round(report.separated_share, 4),
        "copied": report.copied,
        "codec": report.codec,
        "engine": report.engine and asdict(report.engine),
        "tone": report.tone and asdict(report.tone),
        "level": report.level and _level(report.level, report.plan.rate),
        "ledger": report.ledger and report.ledger.to_json(),
        "before": _rounded(report.before),
        "after": _rounded(report.after),
        "faults": list(report.faults),
        "dropped": list(report.dropped),
        "notes": [*report.plan.notes, *report.notes],
        "changed_s": [list(span) for span in report.changed_s],
        "changes": [change.to_json(report.plan.rate) for change in report.changes],
        "patches": [patch.to_json() for patch in report.patches],
        "fingerprint": dict(report.fingerprint),
        "options": dict(report.options),
        "proof": report.proof and report.proof.to_json(),
        "timings_s": {stage: round(seconds, 3) for stage, seconds in report.timings_s.items()},
        "verdict": report.verdict and {"spec": report.verdict.spec, **report.verdict.to_json()},
        "receipt": dict(report.receipt),
        "versions": dict(report.versions),
        "preset": {"name": report.preset.name, **to_tables(report.preset)},
        "plan": to_dict(report.plan),
    }
    return rows


def _level(level: LevelUse, rate: int) -> dict[str, Any]:
    rows = [reduction.to_json(rate) for reduction in level.limited]
    return {**{key: value for key, value in vars(level).items() if key != "limited"}, "limited": rows}


def to_receipt_dict(receipt: Receipt) -> dict[str, Any]:
    """The picture lock as plain tables: every stream's hashes, what was kept, and the sound's lag."""
    return {
        "ok": receipt.ok,
        "failures": list(receipt.failures),
        "streams": [asdict(proof) for proof in receipt.proofs],
        "fields": [
            {"what": field.what, "source": str(field.source), "result": str(field.result), "ok": field.ok}
            for field in receipt.fields
        ],
        "lags": [asdict(track) for track in receipt.lags],
    }


def to_report_json(report: Report) -> str:
    return json.dumps(to_report_dict(report), indent=2, allow_nan=False)


def _rounded(loudness: Loudness) -> dict[str, float | None]:
    return {name: None if value is None else round(value, 2) for name, value in loudness.to_json().items()}
