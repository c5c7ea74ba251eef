"""A report holds its run: numbers that JSON can carry, and the preset and plan that repeat it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from mediaclean.audio import Span
from mediaclean.loudness.meter import Loudness, measure
from mediaclean.plan.as_json import from_dict
from mediaclean.plan.make import Plan, make_plan
from mediaclean.preset import from_tables, load_preset, preset_names
from mediaclean.report import EngineUse, LevelUse, Report, ToneUse, to_report_dict, to_report_json
from mediaclean.sources import load_plan, load_preset_or_report

from .making import analysis, loudness, noise


def report(name: str = "documentary", plan: Plan | None = None, **changes: Any) -> Report:
    preset = load_preset(name, ["duck.target_lu=11.5", "room_tone.seed=7"])
    fields: dict[str, Any] = {
        "source": Path("in/interview.mp4"),
        "target": Path("out/interview.clean.mp4"),
        "track": "track 1, aac, 48 kHz stereo",
        "preset": preset,
        "plan": plan or make_plan(analysis(bed_lufs=-28.0), preset),
        "duration_s": 24.0,
        "copied": False,
        "codec": "aac",
        "before": loudness(-20.123456),
        "after": loudness(-23.0),
        "engine": EngineUse("dialogue-1", "cpu", "no GPU"),
        "tone": ToneUse(4.2, -61.0),
        "level": LevelUse(-2.9, -0.5, 1),
        "faults": ("gap at 3.000 s",),
        "changed_s": ((1.0, 2.5),),
        "timings_s": {"listen": 0.123456},
        "receipt": {"identical": True},
        "versions": {"mediaclean": "0"},
    }
    return Report(**{**fields, **changes})


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for item in value.values() for number in numbers(item)]
    if isinstance(value, list):
        return [number for item in value for number in numbers(item)]
    return [value] if isinstance(value, float) else []


@pytest.mark.parametrize("name", preset_names())
def test_a_report_is_plain_json_without_nan(name: str) -> None:
    made = report(name)
    table = json.loads(to_report_json(made))
    assert table == json.loads(json.dumps(to_report_dict(made)))
    assert all(math.isfinite(number) for number in numbers(table))
    assert table["before"]["integrated_lufs"] == -20.12
    assert table["timings_s"]["listen"] == 0.123
    assert table["changed_s"] == [[1.0, 2.5]]


@pytest.mark.parametrize("name", preset_names())
def test_preset_and_plan_are_read_back_as_they_were(name: str, tmp_path: Path) -> None:
    made = report(name)
    table = json.loads(to_report_json(made))
    tables = dict(table["preset"])
    assert from_tables(tables, tables.pop("name")) == made.preset
    assert from_dict(table["plan"]) == made.plan
    path = tmp_path / "run.json"
    path.write_text(to_report_json(made), encoding="utf-8")
    assert load_preset_or_report(str(path)) == made.preset
    assert load_plan(path) == made.plan


def test_silence_and_a_track_that_was_copied_have_a_report_too() -> None:
    silent: Loudness = measure([noise(1, 100) * 0], 48_000, "mono")
    assert silent.integrated_lufs is None
    made = report(
        plan=Plan(48_000, 0), before=silent, after=silent, engine=None, tone=None, level=None, copied=True, timings_s={}
    )
    table = json.loads(to_report_json(made))
    assert (table["engine"], table["tone"], table["level"]) == (None, None, None)
    assert table["before"]["integrated_lufs"] is None
    assert (table["speech_share"], table["separated_share"]) == (0.0, 0.0)


def test_shares_are_parts_of_the_track() -> None:
    made = report()
    cuts = sum(cut.span.length for cut in made.plan.cuts)
    assert made.separated_share == cuts / made.plan.length
    assert 0.0 < made.separated_share < 1.0
    assert to_report_dict(made)["separated_share"] == pytest.approx(made.separated_share, abs=1e-4)


def test_notes_of_the_plan_come_before_those_of_the_run() -> None:
    plan = Plan(48_000, 480_000, holes=(Span(0, 100),), notes=("planned",))
    assert to_report_dict(report(plan=plan, notes=("done",)))["notes"] == ["planned", "done"]


def test_a_report_does_not_hide_a_number_that_is_none() -> None:
    with pytest.raises(ValueError, match="JSON"):
        to_report_json(report(timings_s={"listen": math.nan}))
