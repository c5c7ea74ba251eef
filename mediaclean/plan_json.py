"""Plans as JSON: written for people to read and edit, read back strictly."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any, TypeVar

from mediaclean.audio import Span
from mediaclean.errors import PresetError
from mediaclean.plan import Cut, Level, Phrase, Plan, PlannedDip
from mediaclean.polish.records import PROCESSES, RANGE_DB, VoiceGain
from mediaclean.repair.records import PROCESSES as REPAIRS
from mediaclean.repair.records import HumLine, Repair, Repairs
from mediaclean.roomtone_shots import ShotTone
from mediaclean.settings import suggest

VERSION = 1
HINT = "mediaclean clean INPUT --plan-only prints a valid plan"


def to_dict(plan: Plan) -> dict[str, Any]:
    """A plan as plain lists and numbers; times in seconds."""
    rate = plan.rate
    return {
        "version": VERSION,
        "rate_hz": rate,
        "length_s": round(plan.length / rate, 6),
        "phrases": [
            {
                "span_s": seconds(p.span, rate),
                "confidence": p.confidence,
                "speech_lufs": p.speech_lufs,
                "bed_lufs": p.bed_lufs,
            }
            for p in plan.phrases
        ],
        "cuts": [{"span_s": seconds(c.span, rate), "reason": c.reason} for c in plan.cuts],
        "dips": [{"span_s": seconds(d.span, rate), "gain_db": d.gain_db, "reason": d.reason} for d in plan.dips],
        "tone_sources_s": [seconds(span, rate) for span in plan.tone_sources],
        "floor_dbfs": plan.floor_dbfs,
        "holes_s": [seconds(span, rate) for span in plan.holes],
        "level": None if plan.level is None else vars(plan.level).copy(),
        "notes": list(plan.notes),
        "shots": [_shot_row(shot, rate) for shot in plan.shots],
        "repairs": [_repair_row(row, rate) for row in plan.repairs.rows],
        "hum": [vars(line).copy() for line in plan.repairs.hum],
        "voice_gains": None if plan.voice_gains is None else [_gain_row(row, rate) for row in plan.voice_gains],
    }


def seconds(span: Span, rate: int) -> list[float]:
    """A span as [start, stop] in seconds with microseconds, which is exact for every rate in use."""
    return [round(span.start / rate, 6), round(span.stop / rate, 6)]


def _gain_row(row: VoiceGain, rate: int) -> dict[str, Any]:
    return {"span_s": seconds(row.span, rate), "gain_db": row.gain_db, "process": row.process, "reason": row.reason}


def to_json(plan: Plan) -> str:
    return json.dumps(to_dict(plan), indent=2)


def from_json(text: str) -> Plan:
    """The plan that `to_json` wrote, or one edited by hand.

    Raises:
        PresetError: if it is no plan; the message names the place.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise PresetError(f"the plan is not JSON: {error.msg} in line {error.lineno}", HINT) from error
    return from_dict(data)


def from_dict(data: Any) -> Plan:
    """See `from_json`. Rows may come in any order; the plan has them in order of time."""
    reader = _Reader(data, "plan", set(_KEYS))
    if reader.take("version") != VERSION:
        raise PresetError(f"plan.version: this mediaclean reads version {VERSION}", HINT)
    rate = reader.number("rate_hz", low=1, high=MOST_HZ)
    if rate != int(rate):
        raise PresetError(f"plan.rate_hz = {rate}: must be a whole number", HINT)
    spans = _Spans(int(rate), round(reader.number("length_s", low=0, high=MOST_S) * rate))
    phrases = [_phrase(row, spans) for row in reader.rows("phrases", {"confidence", "speech_lufs", "bed_lufs"})]
    cuts = [Cut(spans.of(row), row.text("reason")) for row in reader.rows("cuts", {"reason"})]
    dips = [_dip(row, spans) for row in reader.rows("dips", {"gain_db", "reason"})]
    level = reader.take("level")
    return Plan(
        rate=spans.rate,
        length=spans.length,
        phrases=_ordered(phrases, spans.rate, "plan.phrases"),
        cuts=_ordered(cuts, spans.rate, "plan.cuts"),
        dips=_ordered(dips, spans.rate, "plan.dips"),
        tone_sources=tuple(spans.span(pair, path) for path, pair in reader.items("tone_sources_s")),
        floor_dbfs=reader.number("floor_dbfs"),
        holes=tuple(spans.span(pair, path) for path, pair in reader.items("holes_s")),
        level=None if level is None else _level(level),
        notes=tuple(_text(note, path) for path, note in reader.items("notes")),
        shots=_shots(reader, spans),
        repairs=_repairs(reader, spans),
        voice_gains=_voice_gains(reader, spans),
    )


_KEYS = (
    "version", "rate_hz", "length_s", "phrases", "cuts", "dips",
    "tone_sources_s", "floor_dbfs", "holes_s", "level", "notes", "shots", "repairs", "hum", "voice_gains",
)  # fmt: skip
MOST_HZ = 768_000.0
MOST_S = 1e6


class _Reader:
    """A mapping whose every key is known and present; messages name the path."""

    def __init__(self, data: Any, path: str, keys: set[str]) -> None:
        if not isinstance(data, Mapping):
            raise PresetError(f"{path}: expected a table, found {_shown(data)}", HINT)
        for key in data:
            if key not in keys:
                raise PresetError(f"{path}.{key}: no such entry{suggest(str(key), keys)}", HINT)
        self.data, self.path = data, path

    def take(self, key: str) -> Any:
        if key not in self.data:
            raise PresetError(f"{self.path}.{key} is missing", HINT)
        return self.data[key]

    def number(self, key: str, *, low: float = -math.inf, high: float = math.inf) -> float:
        value = _number(self.take(key), f"{self.path}.{key}")
        if not low <= value <= high:
            raise PresetError(f"{self.path}.{key} = {value:g}: must be {low:g} to {high:g}", HINT)
        return value

    def text(self, key: str) -> str:
        return _text(self.take(key), f"{self.path}.{key}")

    def items(self, key: str) -> list[tuple[str, Any]]:
        """The entries of a list, each with its path."""
        return [(f"{self.path}.{key}[{i}]", item) for i, item in enumerate(_list(self.take(key), f"{self.path}.{key}"))]

    def rows(self, key: str, fields: set[str]) -> list[_Reader]:
        return [_Reader(row, path, {*fields, "span_s"}) for path, row in self.items(key)]


class _Spans:
    """Seconds to spans on one clock."""

    def __init__(self, rate: int, length: int) -> None:
        self.rate, self.length = rate, length

    def of(self, row: _Reader) -> Span:
        return self.span(row.take("span_s"), f"{row.path}.span_s")

    def span(self, pair: Any, path: str) -> Span:
        values = _list(pair, path)
        if len(values) != 2:
            raise PresetError(f"{path} = {_shown(pair)}: expected [start, stop] in seconds", HINT)
        start, stop = (self._sample(_number(value, path)) for value in values)
        if not 0 <= start < stop <= self.length:
            inside = f"0 to {self.length / self.rate:.3f} s"
            raise PresetError(f"{path} = {_shown(pair)}: must run forward inside {inside}", HINT)
        return Span(start, stop)

    def _sample(self, second: float) -> int:
        return round(min(max(second * self.rate, -1.0), self.length + 1.0))  # one past either end is past it


def _number(value: Any, path: str) -> float:
    """A finite number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        with suppress(OverflowError):
            if math.isfinite(value):
                return float(value)
    raise PresetError(f"{path} = {_shown(value)}: must be a number", HINT)


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise PresetError(f"{path} = {_shown(value)}: must be text", HINT)
    return value


def _list(value: Any, path: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise PresetError(f"{path} = {_shown(value)}: expected a list", HINT)
    return value


def _shown(value: Any) -> str:
    return reprlib.repr(value)


def _phrase(row: _Reader, spans: _Spans) -> Phrase:
    return Phrase(spans.of(row), row.number("confidence"), row.number("speech_lufs"), row.number("bed_lufs"))


def _dip(row: _Reader, spans: _Spans) -> PlannedDip:
    gain_db = None if row.take("gain_db") is None else row.number("gain_db")
    if gain_db is not None and not -200.0 <= gain_db <= 0.0:
        raise PresetError(f"{row.path}.gain_db = {gain_db:g}: the bed is never raised; give 0 to -200", HINT)
    return PlannedDip(spans.of(row), gain_db, row.text("reason"))


def _voice_gains(reader: _Reader, spans: _Spans) -> tuple[VoiceGain, ...] | None:
    """What is done to the voice; nothing in a plan that does not speak of it, None where it is yet to be settled."""
    if reader.data.get("voice_gains", ()) is None:
        return None
    known = reader.rows("voice_gains", {"gain_db", "process", "reason"}) if "voice_gains" in reader.data else []
    rows = [_voice_gain(row, spans) for row in known]
    for process in PROCESSES:
        _ordered([row for row in rows if row.process == process], spans.rate, f"plan.voice_gains ({process})")
    return tuple(sorted(rows, key=lambda row: (row.span, PROCESSES.index(row.process))))


def _voice_gain(row: _Reader, spans: _Spans) -> VoiceGain:
    name = row.text("process")
    process = next((known for known in PROCESSES if known == name), None)
    if process is None:
        raise PresetError(f"{row.path}.process: no such process{suggest(name, PROCESSES)}", HINT)
    low, high = RANGE_DB[process]
    return VoiceGain(spans.of(row), row.number("gain_db", low=low, high=high), process, row.text("reason"))


def _repair_row(row: Repair, rate: int) -> dict[str, Any]:
    return {"span_s": seconds(row.span, rate), "process": row.process, "amount": row.amount, "reason": row.reason}


def _repairs(reader: _Reader, spans: _Spans) -> Repairs:
    """None in a plan that was written before there were any."""
    rows = reader.rows("repairs", {"process", "amount", "reason"}) if "repairs" in reader.data else []
    found = [_repair(row, spans) for row in rows]
    for process in REPAIRS:
        _ordered([row for row in found if row.process == process], spans.rate, f"plan.repairs ({process})")
    return Repairs(tuple(found), tuple(_hum(reader)) if "hum" in reader.data else ())


def _repair(row: _Reader, spans: _Spans) -> Repair:
    process = row.text("process")
    if process not in REPAIRS:
        raise PresetError(f"{row.path}.process = {process}: no such repair{suggest(process, REPAIRS)}", HINT)
    return Repair(spans.of(row), process, row.number("amount", low=0.0, high=1.0), row.text("reason"))


def _hum(reader: _Reader) -> Iterator[HumLine]:
    for path, line in reader.items("hum"):
        row = _Reader(line, path, {"frequency_hz", "reduce_db", "reason"})
        top = reader.number("rate_hz") * 0.45
        yield HumLine(
            row.number("frequency_hz", low=10.0, high=top),
            row.number("reduce_db", low=0.0, high=60.0),
            row.text("reason"),
        )


def _shot_row(shot: ShotTone, rate: int) -> dict[str, Any]:
    return {"span_s": seconds(shot.span, rate), "tone_sources_s": [seconds(span, rate) for span in shot.sources]}


def _shots(reader: _Reader, spans: _Spans) -> tuple[ShotTone, ...]:
    """None in a plan that was written before there were any."""
    rows = reader.rows("shots", {"tone_sources_s"}) if "shots" in reader.data else []
    shots = [
        ShotTone(spans.of(row), tuple(spans.span(pair, path) for path, pair in row.items("tone_sources_s")))
        for row in rows
    ]
    return _ordered(shots, spans.rate, "plan.shots")


def _level(data: Any) -> Level:
    reader = _Reader(data, "plan.level", {"target_lufs", "ceiling_dbtp"})
    return Level(reader.number("target_lufs"), reader.number("ceiling_dbtp"))


Row = TypeVar("Row", Phrase, Cut, PlannedDip, Repair, ShotTone, VoiceGain)


def _ordered(rows: Sequence[Row], rate: int, path: str) -> tuple[Row, ...]:
    """Rows in order of time, no two of which overlap: the mixdown looks spans up by bisection."""
    ordered = sorted(rows, key=lambda row: row.span)
    for earlier, later in pairwise(ordered):
        if later.span.start < earlier.span.stop:
            raise PresetError(f"{path}: two spans overlap at {later.span.start / rate:.3f} s", HINT)
    return tuple(ordered)
