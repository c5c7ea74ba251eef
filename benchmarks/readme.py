"""Bring the generated parts of README.md up to date: `python -m benchmarks.readme` (with --check it only compares).

A generated part stands between ``<!-- begin NAME -->`` and ``<!-- end NAME -->``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

from mediaclean.preset import STAGES, load_preset, preset_names
from mediaclean.settings import describe

README = Path(__file__).parent.parent / "README.md"


def settings_table() -> str:
    """Every setting of every stage."""
    rows = ["| setting | default | unit | allowed | what it does |", "|---|---|---|---|---|"]
    for stage, record in STAGES.items():
        for row in describe(record):
            default = (
                "–" if row.default is None else f"{row.default:.4g}" if isinstance(row.default, float) else row.default
            )
            rows.append(f"| `{stage}.{row.name}` | {default} | {row.unit} | {row.allowed} | {row.help} |")
    return "\n".join(rows)


def presets_table() -> str:
    """Every preset with its key figures."""
    rows = ["| preset | loudness | true peak | bed | for |", "|---|---|---|---|---|"]
    for name in preset_names():
        preset = load_preset(name)
        level = preset.loudness
        loudness = f"{level.target_lufs:g} LUFS" if level else "as it is"
        peak = f"{level.ceiling_dbtp:g} dBTP" if level else "–"
        rows.append(f"| `{name}` | {loudness} | {peak} | {_bed(preset.duck)} | {preset.about.partition(':')[0]} |")
    return "\n".join(rows)


def _bed(duck: object) -> str:
    mode = getattr(duck, "mode", "leave")
    if mode == "duck":
        return f"ducked {duck.target_lu:g} LU under speech"  # type: ignore[attr-defined]
    if mode == "remove":
        return f"removed to {duck.floor_db:g} dB"  # type: ignore[attr-defined]
    if mode == "reduce":
        return f"reduced by {-duck.reduce_db:g} dB"  # type: ignore[attr-defined]
    if mode == "auto":
        return f"by phrase, {duck.target_lu:g} LU under speech"  # type: ignore[attr-defined]
    return "left alone"


PARTS: dict[str, Callable[[], str]] = {"settings": settings_table, "presets": presets_table}


def refreshed(text: str) -> str:
    """The README with its generated parts made anew."""
    for name, make in PARTS.items():
        pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        text, count = pattern.subn(lambda match, make=make: f"{match[1]}{make()}\n{match[2]}", text)
        if count != 1:
            raise SystemExit(f"README.md has no part named {name}")
    return text


def main() -> None:
    """Write README.md, or with --check fail if it is out of date."""
    text = README.read_text(encoding="utf-8")
    wanted = refreshed(text)
    if "--check" in sys.argv[1:]:
        if text != wanted:
            raise SystemExit("README.md is out of date: python -m benchmarks.readme")
        return
    README.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()
