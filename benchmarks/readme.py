"""Bring the generated parts of the documents up to date: `python -m benchmarks.readme` (with --check it only compares).

A generated part stands between ``<!-- begin NAME -->`` and ``<!-- end NAME -->``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from mediaclean.loudness.delivery import spec_names
from mediaclean.preset import DEFAULT, STAGES, load_preset, preset_names
from mediaclean.settings import describe

ROOT = Path(__file__).parent.parent


def settings_table() -> str:
    """Every setting of every stage."""
    rows = ["| setting | default | unit | allowed | what it does |", "|---|---|---|---|---|"]
    for stage, record in STAGES.items():
        for row in describe(record):
            rows.append(f"| `{stage}.{row.name}` | {row.default_text} | {row.unit} | {row.allowed} | {row.help} |")
    return "\n".join(rows)


def presets_table() -> str:
    """Every preset with its key figures."""
    rows = ["| preset | loudness | true peak | bed | for |", "|---|---|---|---|---|"]
    for name in preset_names():
        preset = load_preset(name)
        level = preset.loudness
        loudness = f"{level.target_lufs:g} LUFS" if level else "as it is"
        peak = f"{level.ceiling_dbtp:g} dBTP" if level else "–"
        use = preset.about.partition(":")[0] + (", the default" if name == DEFAULT else "")
        rows.append(f"| `{name}` | {loudness} | {peak} | {_bed(preset.duck)} | {use} |")
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


def specs_list() -> str:
    """The names that --spec takes."""
    return ", ".join(f"`{name}`" for name in spec_names())


PARTS: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {"presets": presets_table, "specs": specs_list},
    "docs/settings.md": {"settings": settings_table},
}
"""Document to its generated parts."""


def _filled(made: str, part: re.Match[str]) -> str:
    return f"{part[1]}{made}{part[2]}{part[3]}"


def refreshed(document: str) -> str:
    """The text of a document with its generated parts made anew."""
    text = (ROOT / document).read_text(encoding="utf-8")
    for name, make in PARTS[document].items():
        pattern = re.compile(rf"(<!-- begin {name} -->(\n?)).*?(<!-- end {name} -->)", re.DOTALL)
        made = make()
        text, count = pattern.subn(partial(_filled, made), text)
        if count != 1:
            raise SystemExit(f"{document} has no part named {name}")
    return text


def main() -> None:
    """Write the documents, or with --check fail if one is out of date."""
    for document in PARTS:
        path, wanted = ROOT / document, refreshed(document)
        if "--check" not in sys.argv[1:]:
            path.write_text(wanted, encoding="utf-8")
        elif path.read_text(encoding="utf-8") != wanted:
            raise SystemExit(f"{document} is out of date: python -m benchmarks.readme")


if __name__ == "__main__":
    main()
