"""The change record of a result, for an archive or a compliance desk: as JSON, and as a page of plain text.

It binds two files by their hashes and says what lies between them: which seconds were changed by which process and by
how many decibels, the level and where the limiter acted, the network by the hash of its weights, every setting and
version, and the proof that nothing else changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from mediaclean.counted import counted
from mediaclean.errors import OutputError
from mediaclean.media import staged
from mediaclean.media.probe import readable
from mediaclean.plan.as_json import seconds
from mediaclean.preset import to_tables
from mediaclean.report import Report
from mediaclean.result.changes import PROCESSES

VERSION = 1
SUFFIXES = (".changes.json", ".changes.txt")


def record_paths(target: Path, track: str = "") -> tuple[Path, Path]:
    """Where a result's record goes: the JSON and the text; several tracks of one result have their numbers."""
    middle = f".track{track}" if track else ""
    first, second = (target.with_name(f"{target.stem}{middle}{suffix}") for suffix in SUFFIXES)
    return first, second


def write_record(report: Report, track: str = "") -> tuple[Path, Path]:
    """Write both files beside the result, which is finished; files of an earlier record are replaced.

    Raises:
        OutputError: if they cannot be written.
    """
    record = to_record(report)
    paths = record_paths(report.target, track)
    texts = (json.dumps(record, indent=2, allow_nan=False) + "\n", to_text(record))
    for path, text in zip(paths, texts, strict=True):
        with staged(path, overwrite=True) as part:
            part.write_text(readable(text), encoding="utf-8")
    return paths


def to_record(report: Report) -> dict[str, Any]:
    """The record as plain tables; times in seconds since the track's first sample."""
    rate = report.plan.rate
    return {
        "version": VERSION,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": _file(report.source),
        "result": {**_file(report.target), "codec": report.codec},
        "track": report.track,
        "duration_s": round(report.duration_s, 6),
        "network": report.engine and {**vars(report.engine), "weights_sha256": list(report.engine.weights)},
        "separated": [{"span_s": seconds(cut.span, rate), "reason": cut.reason} for cut in report.plan.cuts],
        "room_tone": report.tone and vars(report.tone),
        "level": _level(report, rate),
        "changes": [change.to_json(rate) for change in report.changes],
        "done_again": [
            {"spans_s": [seconds(span, rate) for span in patch.spans], "settings": to_tables(patch.preset)}
            for patch in report.patches
        ],
        "proof": report.proof and report.proof.to_json(),
        "picture_lock": bool(report.receipt.get("ok")),
        "preset": report.preset.name,
        "settings": to_tables(report.preset),
        "versions": dict(report.versions),
    }


def _level(report: Report, rate: int) -> dict[str, Any] | None:
    level = report.level
    if level is None:
        return None
    rows = {key: value for key, value in vars(level).items() if key not in {"exact_db", "limited", "tries"}}
    return {**rows, "limited": [reduction.to_json(rate) for reduction in level.limited]}


def _file(path: Path) -> dict[str, Any]:
    digest = sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise OutputError(f"{path} cannot be read: {error.strerror}", "run the command again") from error
    return {"file": str(path), "bytes": path.stat().st_size, "sha256": digest.hexdigest()}


def to_text(record: Mapping[str, Any]) -> str:
    """The record to be read by people."""
    return "\n".join(_lines(record)) + "\n"


def _lines(record: Mapping[str, Any]) -> Iterator[str]:
    yield f"Change record, made {record['made']} by mediaclean {record['versions'].get('mediaclean', '')}".rstrip()
    yield ""
    for name in ("source", "result"):
        file = record[name]
        yield f"{name:<9} {file['file']} ({file['bytes']} bytes{', ' + file['codec'] if 'codec' in file else ''})"
        yield f"{'':<9} SHA-256 {file['sha256']}"
    yield f"{'track':<9} {record['track']}, {clock(record['duration_s'])}"
    yield f"{'preset':<9} {record['preset']}"
    yield f"{'picture':<9} {'packet for packet the source' if record['picture_lock'] else 'NOT the same as the source'}"
    yield from _network(record)
    yield from _tone(record)
    yield ""
    yield from _changes(record)
    for again in record["done_again"]:
        yield "Done again with other settings: " + ", ".join(f"{clock(a)} to {clock(b)}" for a, b in again["spans_s"])
    yield ""
    yield from _levelled(record)
    yield from _proof(record)
    yield ""
    yield "Settings"
    yield from _settings(record["settings"])
    yield ""
    yield "Versions: " + ", ".join(f"{name} {number}" for name, number in record["versions"].items())


def _network(record: Mapping[str, Any]) -> Iterator[str]:
    network = record["network"]
    if network is None:
        yield f"{'network':<9} none: nothing was separated"
        return
    yield f"{'network':<9} {network['identity']} on {network['device']} ({network['reason']})"
    for digest in network["weights_sha256"]:
        yield f"{'':<9} weights SHA-256 {digest}"
    heard = sum(row["span_s"][1] - row["span_s"][0] for row in record["separated"])
    parts = len(record["separated"])
    yield f"{'':<9} heard {clock(heard)} of the track, in {parts} part{'s' if parts != 1 else ''}"


def _tone(record: Mapping[str, Any]) -> Iterator[str]:
    tone = record["room_tone"]
    if tone is not None:
        origin = f"learned from {tone['learned_s']:.1f} s of the recording" if tone["learned_s"] else "a stand-in"
        yield f"{'room tone':<9} {origin}, {tone['level_dbfs']:.0f} dBFS, where the bed is lowered and in holes"


def _changes(record: Mapping[str, Any]) -> Iterator[str]:
    rows = record["changes"]
    if not rows:
        yield "Nothing but the level was changed."
        return
    yield f"Changes ({len(rows)}), in time since the first sample of the track"
    for row in rows:
        amount = "" if row["amount_db"] is None else f"{row['amount_db']:+.1f} dB"
        process = PROCESSES.get(row["process"], row["process"])
        yield f"  {clock(row['start_s'])}  {clock(row['stop_s'])}  {process:<26} {amount:>9}  {row['detail']}"


def _levelled(record: Mapping[str, Any]) -> Iterator[str]:
    level, limited = record["level"], (record["level"] or {}).get("limited", [])
    if level is None:
        yield "Level: as it was."
        return
    yield f"Level: {level['gain_db']:+.2f} dB throughout. {level['reason']}".rstrip()
    if level["ride_db"]:
        yield f"Phrases were moved by up to {level['ride_db']:.1f} dB to narrow the range of loudness."
    if limited:
        yield f"The limiter ({level['ceiling_dbtp']:.1f} dBTP) acted in {counted(len(limited), 'place')}:"
        for row in limited:
            yield f"  {clock(row['start_s'])}  {clock(row['stop_s'])}  at most {row['depth_db']:.1f} dB"


def _proof(record: Mapping[str, Any]) -> Iterator[str]:
    proof = record["proof"]
    if proof is None:
        return
    yield f"Proof: {proof['samples']} samples compared before the level, {proof['changed']} differ from the source."
    if proof["ok"]:
        yield "All of them lie in the changes above; every other sample is the source's, bit by bit."
    else:
        yield f"{proof['undeclared']} of them lie in NO change above."


def _settings(tables: Mapping[str, Any]) -> Iterator[str]:
    for stage, table in tables.items():
        if isinstance(table, Mapping):
            yield f"  {stage}: " + ", ".join(f"{key} {value}" for key, value in table.items() if value is not None)


def clock(seconds: float) -> str:
    """A time to the millisecond.

    >>> clock(3725.5)
    '1:02:05.500'
    """
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
