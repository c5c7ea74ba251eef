"""Plans as JSON: written for people to read and edit, read back strictly."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from mediaclean.audio import Span
from mediaclean.errors import PresetError
from mediaclean.plan import Cut, Level, Phrase, Plan, PlannedDip, seconds
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
    }


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
    """See `from_json`."""
    reader = _Reader(data, "plan", set(_KEYS))
    if reader.take("version") != VERSION:
        raise PresetError(f"plan.version: this mediaclean reads version {VERSION}", HINT)
    rate = reader.number("rate_hz")
    if rate != int(rate) or rate <= 0:
        raise PresetError(f"plan.rate_hz = {rate}: must be a whole number above 0", HINT)
    spans = _Spans(int(rate), round(reader.number("length_s") * rate))
    level = reader.take("level")
    plan = Plan(
        rate=spans.rate,
        length=spans.length,
        phrases=tuple(_phrase(row, spans) for row in reader.rows("phrases", {"confidence", "speech_lufs", "bed_lufs"})),
        cuts=tuple(Cut(spans.of(row), str(row.take("reason"))) for row in reader.rows("cuts", {"reason"})),
        dips=tuple(_dip(row, spans) for row in reader.rows("dips", {"gain_db", "reason"})),
        tone_sources=tuple(spans.span(pair, "plan.tone_sources_s") for pair in reader.take("tone_sources_s")),
        floor_dbfs=reader.number("floor_dbfs"),
        holes=tuple(spans.span(pair, "plan.holes_s") for pair in reader.take("holes_s")),
        level=None if level is None else _level(level),
        notes=tuple(map(str, reader.take("notes"))),
    )
    _disjoint([cut.span for cut in plan.cuts], "plan.cuts")
    _disjoint([dip.span for dip in plan.dips], "plan.dips")
    return plan


_KEYS = (
    "version", "rate_hz", "length_s", "phrases", "cuts", "dips",
    "tone_sources_s", "floor_dbfs", "holes_s", "level", "notes",
)  # fmt: skip


class _Reader:
    """A mapping whose every key is known and present; messages name the path."""

    def __init__(self, data: Any, path: str, keys: set[str]) -> None:
        if not isinstance(data, Mapping):
            raise PresetError(f"{path}: expected a table, found {data!r:.40}", HINT)
        for key in data:
            if key not in keys:
                raise PresetError(f"{path}.{key}: no such entry{suggest(str(key), keys)}", HINT)
        self.data, self.path = data, path

    def take(self, key: str) -> Any:
        if key not in self.data:
            raise PresetError(f"{self.path}.{key} is missing", HINT)
        return self.data[key]

    def number(self, key: str) -> float:
        value = self.take(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            raise PresetError(f"{self.path}.{key} = {value!r}: must be a number", HINT)
        return float(value)

    def rows(self, key: str, fields: set[str]) -> list[_Reader]:
        rows = self.take(key)
        if not isinstance(rows, Sequence) or isinstance(rows, str):
            raise PresetError(f"{self.path}.{key}: expected a list", HINT)
        return [_Reader(row, f"{self.path}.{key}[{i}]", {*fields, "span_s"}) for i, row in enumerate(rows)]


class _Spans:
    """Seconds to spans on one clock."""

    def __init__(self, rate: int, length: int) -> None:
        self.rate, self.length = rate, length

    def of(self, row: _Reader) -> Span:
        return self.span(row.take("span_s"), f"{row.path}.span_s")

    def span(self, pair: Any, path: str) -> Span:
        try:
            start, stop = (round(float(value) * self.rate) for value in pair)
        except (TypeError, ValueError, OverflowError) as error:
            raise PresetError(f"{path} = {pair!r}: expected [start, stop] in seconds", HINT) from error
        if not 0 <= start < stop <= self.length:
            raise PresetError(f"{path} = {pair!r}: must run forward inside 0 to {self.length / self.rate:.3f} s", HINT)
        return Span(start, stop)


def _phrase(row: _Reader, spans: _Spans) -> Phrase:
    return Phrase(spans.of(row), row.number("confidence"), row.number("speech_lufs"), row.number("bed_lufs"))


def _dip(row: _Reader, spans: _Spans) -> PlannedDip:
    gain_db = None if row.take("gain_db") is None else row.number("gain_db")
    if gain_db is not None and not -200.0 <= gain_db <= 0.0:
        raise PresetError(f"{row.path}.gain_db = {gain_db:g}: the bed is never raised; give 0 or less", HINT)
    return PlannedDip(spans.of(row), gain_db, str(row.take("reason")))


def _level(data: Any) -> Level:
    reader = _Reader(data, "plan.level", {"target_lufs", "ceiling_dbtp"})
    return Level(reader.number("target_lufs"), reader.number("ceiling_dbtp"))


def _disjoint(spans: Sequence[Span], path: str) -> None:
    ordered = sorted(spans)
    for earlier, later in pairwise(ordered):
        if later.start < earlier.stop:
            raise PresetError(f"{path}: two spans overlap at sample {later.start}", HINT)
