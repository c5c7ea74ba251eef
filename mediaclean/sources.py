"""Presets, plans and levels from wherever they stand: TOML, a plan, the report of an earlier run, the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mediaclean.errors import PresetError
from mediaclean.loudness.delivery import Spec
from mediaclean.plan.as_json import from_dict, to_dict
from mediaclean.plan.make import Plan
from mediaclean.preset import DEFAULT, Preset, check_levelled, from_tables, load_preset, override, to_tables


def load_preset_or_report(name: str, overrides: Sequence[str] = ()) -> Preset:
    """A preset by name, from a TOML file, or the one that a report in JSON was made with.

    Raises:
        PresetError: if it is none of these.
    """
    if not name.endswith(".json"):
        return load_preset(name, overrides)
    preset = _preset_in(_table(Path(name)), Path(name))
    if preset is None:
        raise PresetError(f"{name} holds no preset", "give a report that mediaclean clean --report wrote")
    return override(preset, overrides)


def load_plan(path: Path) -> Plan:
    """The plan in a file that ``--plan-only`` printed, perhaps edited, or in a report.

    Raises:
        PresetError: if there is none.
    """
    table = _table(path)
    return from_dict(table.get("plan", table))


def load_plan_and_preset(path: Path, preset: str | None = None, overrides: Sequence[str] = ()) -> tuple[Plan, Preset]:
    """The plan in a file, and the preset that it was made with, which the file holds as well.

    A plan has settled most of what a preset says, so another preset or setting is refused rather than half obeyed.
    Only a plan without a preset, as it was once printed, takes the one that is named, or the default.

    Raises:
        PresetError: if there is no plan, or `preset` and `overrides` come to another preset than the plan's own.
    """
    table = _table(path)
    rows = table.get("plan", table)
    plan = from_dict(rows)
    own = _preset_in(rows if "preset" in rows else table, path)
    if own is None:
        return plan, load_preset_or_report(preset or DEFAULT, overrides)
    wanted = override(own, overrides) if preset is None else load_preset_or_report(preset, overrides)
    if replace(wanted, name=own.name, about=own.about) != own:
        given = "--set" if preset is None else f"--preset {preset}"
        raise PresetError(
            f"{given} and --plan together: {path.name} was made with other settings ({own.name}) and keeps those",
            f"leave {given} out and edit {path.name}, or make a new plan with it",
        )
    return plan, own


def plan_to_dict(plan: Plan, preset: Preset) -> dict[str, Any]:
    """A plan as ``--plan-only`` prints it: with the preset that it was made with."""
    return {**to_dict(plan), "preset": {"name": preset.name, **to_tables(preset)}}


def aimed(spec: Spec, overrides: Sequence[str]) -> Spec:
    """The specification with what ``--set loudness.…`` says in place of its own aim; its rules stay.

    Raises:
        PresetError: for a setting that is unknown, or that means nothing for this aim.
    """
    own = [text for text in overrides if text.partition("=")[0].strip().partition(".")[0] == "loudness"]
    aim = override(Preset(spec.name, loudness=spec.aim), own).loudness
    if aim is None:
        raise PresetError(
            f"loudness=off and --spec {spec.name} together: a delivery has a level",
            f"leave one out; mediaclean measure FILE --spec {spec.name} tells whether a file passes as it is",
        )
    check_levelled(aim, own, f"--spec {spec.name}: ")
    return replace(spec, aim=aim)


def _preset_in(table: Mapping[str, Any], path: Path) -> Preset | None:
    tables = table.get("preset")
    if not tables:
        return None
    if not isinstance(tables, dict):
        raise PresetError(f"{path.name}: preset: expected a table, found {tables!r}", "mediaclean presets documentary")
    stages = {key: value for key, value in tables.items() if key != "name"}
    return from_tables(stages, str(tables.get("name", path.stem)))


def _table(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise PresetError(f"{path} cannot be read: {error.strerror}", "check the path") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise PresetError(f"{path} is not JSON: {error}", "mediaclean clean INPUT --plan-only > plan.json") from error
    if not isinstance(table, dict):
        raise PresetError(f"{path} is no plan and no report", "mediaclean clean INPUT --plan-only > plan.json")
    return table
