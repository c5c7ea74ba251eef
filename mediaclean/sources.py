"""Presets and plans from whatever file holds them: TOML, a plan, or the report of an earlier run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mediaclean.errors import PresetError
from mediaclean.plan.as_json import from_dict
from mediaclean.plan.make import Plan
from mediaclean.preset import Preset, from_tables, load_preset, override


def load_preset_or_report(name: str, overrides: Sequence[str] = ()) -> Preset:
    """A preset by name, from a TOML file, or the one that a report in JSON was made with.

    Raises:
        PresetError: if it is none of these.
    """
    if not name.endswith(".json"):
        return load_preset(name, overrides)
    tables = dict(_table(Path(name)).get("preset", {}))
    if not tables:
        raise PresetError(f"{name} holds no preset", "give a report that mediaclean clean --report wrote")
    return override(from_tables(tables, str(tables.pop("name", Path(name).stem))), overrides)


def load_plan(path: Path) -> Plan:
    """The plan in a file that ``--plan-only`` printed, perhaps edited, or in a report.

    Raises:
        PresetError: if there is none.
    """
    table = _table(path)
    return from_dict(table.get("plan", table))


def _table(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PresetError(f"{path} cannot be read: {error.strerror}", "check the path") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise PresetError(f"{path} is not JSON: {error}", "mediaclean clean INPUT --plan-only > plan.json") from error
    if not isinstance(table, dict):
        raise PresetError(f"{path} is no plan and no report", "mediaclean clean INPUT --plan-only > plan.json")
    return table
