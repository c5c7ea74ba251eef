"""Plans as JSON: written for people to read and edit, read back strictly."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, TypeVar

from mediaclean.audio import Span
from mediaclean.bed.judging import BASES, BEDS, TREATMENTS, Choice, Cost, Treatment
from mediaclean.errors import PresetError
from mediaclean.plan.make import Cut, Level, Phrase, Plan, PlannedDip
from mediaclean.plan.reader import HINT, Reader, Spans, number_of, text_of
from mediaclean.polish.records import PROCESSES, RANGE_DB, VoiceGain
from mediaclean.repair.records import PROCESSES as REPAIRS
from mediaclean.repair.records import HumLine, Repair, Repairs
from mediaclean.roomtone.shots import ShotTone
from mediaclean.settings import suggest

VERSION = 1


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
        "dips": [_dip_row(dip, rate) for dip in plan.dips],
        "tone_sources_s": [seconds(span, rate) for span in plan.tone_sources],
        "floor_dbfs": plan.floor_dbfs,
        "holes_s": [seconds(span, rate) for span in plan.holes],
        "level": None if plan.level is None else vars(plan.level).copy(),
        "notes": list(plan.notes),
        "shots": [_shot_row(shot, rate) for shot in plan.shots],
        "repairs": [_repair_row(row, rate) for row in plan.repairs.rows],
        "hum": [vars(line).copy() for line in plan.repairs.hum],
        "voice_gains": None if plan.voice_gains is None else [_gain_row(row, rate) for row in plan.voice_gains],
        "choices": [choice_row(choice, rate) for choice in plan.choices],
        **({"silent_channels": [number + 1 for number in plan.silent_channels]} if plan.silent_channels else {}),
        **({"mended": True} if plan.mended else {}),
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
    """See `from_json`. Rows may come in any order; the plan has them in order of time.

    The preset that a printed plan has beside them is not looked at.
    """
    reader = Reader(data, "plan", set(_KEYS))
    if reader.take("version") != VERSION:
        raise PresetError(f"plan.version: this mediaclean reads version {VERSION}", HINT)
    rate = reader.number("rate_hz", low=1, high=MOST_HZ)
    if rate != int(rate):
        raise PresetError(f"plan.rate_hz = {rate}: must be a whole number", HINT)
    spans = Spans(int(rate), round(reader.number("length_s", low=0, high=MOST_S) * rate))
    phrases = [_phrase(row, spans) for row in reader.rows("phrases", {"confidence", "speech_lufs", "bed_lufs"})]
    cuts = [Cut(spans.of(row), row.text("reason")) for row in reader.rows("cuts", {"reason"})]
    dips = [_dip(row, spans) for row in reader.rows("dips", {"gain_db", "reason", "lighter_db", "engine"})]
    level = reader.take("level")
    return Plan(
        rate=spans.rate,
        length=spans.length,
        phrases=_ordered(phrases, spans.rate, "plan.phrases"),
        cuts=_ordered(cuts, spans.rate, "plan.cuts"),
        dips=_ordered(dips, spans.rate, "plan.dips"),
        tone_sources=tuple(spans.span(pair, path) for path, pair in reader.items("tone_sources_s")),
        floor_dbfs=reader.number("floor_dbfs"),
        silent_channels=_channels(reader),
        holes=tuple(spans.span(pair, path) for path, pair in reader.items("holes_s")),
        level=None if level is None else _level(level),
        notes=tuple(text_of(note, path) for path, note in reader.items("notes")),
        shots=_shots(reader, spans),
        repairs=_repairs(reader, spans),
        voice_gains=_voice_gains(reader, spans),
        choices=_choices(reader, spans),
        mended=reader.flag("mended"),
    )


_KEYS = (
    "version", "rate_hz", "length_s", "phrases", "cuts", "dips",
    "tone_sources_s", "floor_dbfs", "holes_s", "level", "notes", "shots", "repairs", "hum", "voice_gains",
    "choices", "mended", "preset", "silent_channels",
)  # fmt: skip
MOST_HZ = 768_000.0
MOST_S = 1e6


def _channels(reader: Reader) -> tuple[int, ...]:
    """Channels, counted from 1 in JSON as tracks are; none where nothing is said."""
    if "silent_channels" not in reader.data:
        return ()
    found = {number_of(number, path): path for path, number in reader.items("silent_channels")}
    for number, path in found.items():
        if number < 1 or number != int(number):
            raise PresetError(f"{path} = {number:g}: must be the number of a channel, from 1", HINT)
    return tuple(int(number) - 1 for number in sorted(found))


def _phrase(row: Reader, spans: Spans) -> Phrase:
    return Phrase(spans.of(row), row.number("confidence"), row.number("speech_lufs"), row.number("bed_lufs"))


def _dip(row: Reader, spans: Spans) -> PlannedDip:
    gain_db = None if row.take("gain_db") is None else row.number("gain_db")
    if gain_db is not None and not -200.0 <= gain_db <= 0.0:
        raise PresetError(f"{row.path}.gain_db = {gain_db:g}: the bed is never raised; give 0 to -200", HINT)
    lighter_db = row.number("lighter_db", low=0.0, high=200.0) if "lighter_db" in row.data else 0.0
    engine = row.text("engine") if "engine" in row.data else ""
    return PlannedDip(spans.of(row), gain_db, row.text("reason"), lighter_db, engine)


def _dip_row(dip: PlannedDip, rate: int) -> dict[str, Any]:
    row = {"span_s": seconds(dip.span, rate), "gain_db": dip.gain_db, "reason": dip.reason}
    if dip.lighter_db:
        row["lighter_db"] = dip.lighter_db
    return {**row, "engine": dip.engine} if dip.engine else row


def _voice_gains(reader: Reader, spans: Spans) -> tuple[VoiceGain, ...] | None:
    """What is done to the voice; nothing in a plan that does not speak of it, None where it is yet to be settled."""
    if reader.data.get("voice_gains", ()) is None:
        return None
    known = reader.rows("voice_gains", {"gain_db", "process", "reason"}) if "voice_gains" in reader.data else []
    rows = [_voice_gain(row, spans) for row in known]
    for process in PROCESSES:
        _ordered([row for row in rows if row.process == process], spans.rate, f"plan.voice_gains ({process})")
    return tuple(sorted(rows, key=lambda row: (row.span, PROCESSES.index(row.process))))


def _voice_gain(row: Reader, spans: Spans) -> VoiceGain:
    name = row.text("process")
    process = next((known for known in PROCESSES if known == name), None)
    if process is None:
        raise PresetError(f"{row.path}.process: no such process{suggest(name, PROCESSES)}", HINT)
    low, high = RANGE_DB[process]
    return VoiceGain(spans.of(row), row.number("gain_db", low=low, high=high), process, row.text("reason"))


def _repair_row(row: Repair, rate: int) -> dict[str, Any]:
    return {"span_s": seconds(row.span, rate), "process": row.process, "amount": row.amount, "reason": row.reason}


def _repairs(reader: Reader, spans: Spans) -> Repairs:
    """None in a plan that was written before there were any."""
    rows = reader.rows("repairs", {"process", "amount", "reason"}) if "repairs" in reader.data else []
    found = [_repair(row, spans) for row in rows]
    for process in REPAIRS:
        _ordered([row for row in found if row.process == process], spans.rate, f"plan.repairs ({process})")
    return Repairs(tuple(found), tuple(_hum(reader)) if "hum" in reader.data else ())


def _repair(row: Reader, spans: Spans) -> Repair:
    process = row.text("process")
    if process not in REPAIRS:
        raise PresetError(f"{row.path}.process = {process}: no such repair{suggest(process, REPAIRS)}", HINT)
    return Repair(spans.of(row), process, row.number("amount", low=0.0, high=1.0), row.text("reason"))


def _hum(reader: Reader) -> Iterator[HumLine]:
    for path, line in reader.items("hum"):
        row = Reader(line, path, {"frequency_hz", "reduce_db", "reason"})
        top = reader.number("rate_hz") * 0.45
        yield HumLine(
            row.number("frequency_hz", low=10.0, high=top),
            row.number("reduce_db", low=0.0, high=60.0),
            row.text("reason"),
        )


def _shot_row(shot: ShotTone, rate: int) -> dict[str, Any]:
    return {"span_s": seconds(shot.span, rate), "tone_sources_s": [seconds(span, rate) for span in shot.sources]}


def _shots(reader: Reader, spans: Spans) -> tuple[ShotTone, ...]:
    """None in a plan that was written before there were any."""
    rows = reader.rows("shots", {"tone_sources_s"}) if "shots" in reader.data else []
    shots = [
        ShotTone(spans.of(row), tuple(spans.span(pair, path) for path, pair in row.items("tone_sources_s")))
        for row in rows
    ]
    return _ordered(shots, spans.rate, "plan.shots")


def choice_row(choice: Choice, rate: int) -> dict[str, Any]:
    """What was chosen for a phrase and what each treatment would do, as a plain table."""
    return {
        "span_s": seconds(choice.span, rate),
        "treatment": choice.treatment,
        "gain_db": choice.gain_db,
        "speech_over_bed_lu": choice.difference_lu,
        "bed": choice.bed,
        "covered": choice.coverage,
        "basis": choice.basis,
        "costs": {name: vars(cost).copy() for name, cost in zip(TREATMENTS, choice.costs, strict=True)},
        "reason": choice.reason,
    }


def _choices(reader: Reader, spans: Spans) -> tuple[Choice, ...]:
    """None in a plan without them: only `duck.mode = "auto"` chooses."""
    fields = {"treatment", "gain_db", "speech_over_bed_lu", "bed", "covered", "basis", "costs", "reason"}
    rows = reader.rows("choices", fields) if "choices" in reader.data else []
    return _ordered([_choice(row, spans) for row in rows], spans.rate, "plan.choices")


def _choice(row: Reader, spans: Spans) -> Choice:
    costs = Reader(row.take("costs"), f"{row.path}.costs", set(TREATMENTS))
    covered = None if row.take("covered") is None else row.number("covered", low=0.0, high=1.0)
    return Choice(
        spans.of(row),
        row.one_of("treatment", TREATMENTS),
        row.number("gain_db", low=-200.0, high=0.0),
        row.number("speech_over_bed_lu"),
        row.one_of("bed", BEDS),
        covered,
        row.one_of("basis", BASES),
        tuple(_cost(costs, name) for name in TREATMENTS),
        row.text("reason"),
    )


def _cost(costs: Reader, name: Treatment) -> Cost:
    row = Reader(costs.take(name), f"{costs.path}.{name}", {"gain_db", "over_bed_lu", "damage_lu", "clear_lu"})
    damage_lu = None if row.take("damage_lu") is None else row.number("damage_lu")
    return Cost(row.number("gain_db", high=0.0), row.number("over_bed_lu"), damage_lu, row.number("clear_lu"))


def _level(data: Any) -> Level:
    reader = Reader(data, "plan.level", {"target_lufs", "ceiling_dbtp"})
    return Level(reader.number("target_lufs"), reader.number("ceiling_dbtp"))


Row = TypeVar("Row", Choice, Phrase, Cut, PlannedDip, Repair, ShotTone, VoiceGain)


def _ordered(rows: Sequence[Row], rate: int, path: str) -> tuple[Row, ...]:
    """Rows in order of time, no two of which overlap: the mixdown looks spans up by bisection."""
    ordered = sorted(rows, key=lambda row: row.span)
    for earlier, later in pairwise(ordered):
        if later.span.start < earlier.span.stop:
            raise PresetError(f"{path}: two spans overlap at {later.span.start / rate:.3f} s", HINT)
    return tuple(ordered)
