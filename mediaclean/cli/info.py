"""`presets`, `settings`, `models` and `doctor`: what there is, and whether it works."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from mediaclean.cli.terminal import emit, out, say, use_json_lines, watching
from mediaclean.errors import PresetError


def presets(
    name: Annotated[str | None, typer.Argument(metavar="NAME|FILE", help="Print this one, resolved.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", "-s", help="One setting, applied before printing.")] = None,
) -> None:
    """List the presets, or print one with every setting, ready to be saved and edited."""
    from mediaclean.preset import DEFAULT, load_preset, preset_names, to_toml
    from mediaclean.sources import load_preset_or_report

    if name is not None:
        say(to_toml(load_preset_or_report(name, set_ or [])))
        return
    table = Table.grid(padding=(0, 2))
    for known in preset_names():
        use = load_preset(known).about + (" (the default)" if known == DEFAULT else "")
        table.add_row(Text(known, style="bold"), use)
    out().print(table)


def settings(
    stage: Annotated[str | None, typer.Argument(metavar="STAGE", help="Only this stage.")] = None,
) -> None:
    """Every setting with its default, unit and range, for --set and for preset files."""
    from mediaclean.preset import STAGES
    from mediaclean.settings import describe, suggest

    if stage is not None and stage not in STAGES:
        raise PresetError(f"{stage}: no such stage{suggest(stage, STAGES)}", f"known stages: {', '.join(STAGES)}")
    for name, record in STAGES.items():
        if stage in {None, name}:
            table = Table(title=f"[{name}]", title_justify="left", title_style="bold", box=None, pad_edge=False)
            for column in ("setting", "default", "unit", "allowed", "what it does"):
                table.add_column(column, no_wrap=column in {"setting", "default", "unit"}, header_style="dim")
            for row in describe(record):
                table.add_row(f"{name}.{row.name}", row.default_text, row.unit, row.allowed, row.help)
            out().print(table, "")


def models(
    action: Annotated[str, typer.Argument(metavar="list|fetch", help="What to do.")] = "list",
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="For fetch: which model.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="As JSON lines.")] = False,
) -> None:
    """List the networks and where their weights are, or fetch one before it is needed."""
    from mediaclean import models as library

    if json_:
        use_json_lines()
    if action == "list":
        _list_models(json_)
    elif action == "fetch" and name is not None:
        with watching() as watch:
            places = [str(file.path) for file in library.fetch(name, watch=watch).files]
        emit("fetched", model=name, files=places) if json_ else out().print(f"{name}: {', '.join(places)}")
    elif action == "fetch":
        names = ", ".join(model.name for model in library.known())
        raise PresetError(f"models fetch: which one? There are {names}", "mediaclean models fetch htdemucs")
    else:
        raise PresetError(
            f"models {action} {name or ''}".rstrip() + ": it is list or fetch", "mediaclean models fetch htdemucs"
        )


def _list_models(json_: bool) -> None:
    from mediaclean.models import known

    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("model", "engine", "size", "licence", "weights"):
        table.add_column(column)
    for model in known():
        sizes = [file.size_bytes for file in model.files]
        total = sum(size for size in sizes if size is not None) if None not in sizes else None
        if json_:
            emit(
                "model", name=model.name, engine=model.engine, bytes=total, licence=model.licence,
                present=model.present, note=model.note,
            )  # fmt: skip
        size = "–" if total is None else f"{total / 1e6:.0f} MB"
        state = model.note or ("here" if model.present else f"mediaclean models fetch {model.name}")
        table.add_row(model.name, model.engine, size, model.licence, state)
    if not json_:
        out().print(table)


def doctor(json_: Annotated[bool, typer.Option("--json", help="As JSON lines.")] = False) -> None:
    """Check packages, codecs, weights, device, presets. Exit code 4 if anything is missing."""
    from mediaclean.doctor import examine

    if json_:
        use_json_lines()
    findings = examine()
    table = Table.grid(padding=(0, 2))
    for finding in findings:
        if json_:
            emit("finding", name=finding.name, ok=finding.ok, detail=finding.detail, hint=finding.hint)
        mark = Text("✓", style="green") if finding.ok else Text("✗", style="red")
        table.add_row(mark, finding.name, finding.detail + (f" — {finding.hint}" if finding.hint else ""))
    if not json_:
        out().print(table)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(4)
