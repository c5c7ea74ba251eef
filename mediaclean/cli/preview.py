"""`preview`: the hardest passages with every dose, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from mediaclean.cli.options import DEVICES, ENGINES, Device, Engine, Models, Track, check_model, models_in, one_of
from mediaclean.cli.paths import is_there
from mediaclean.cli.terminal import emit, out, use_json_lines, watching
from mediaclean.times import clock


def preview(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A video or sound file.", readable=False)],
    seconds: Annotated[float, typer.Option("--seconds", help="Length of a passage, 5 to 60.")] = 30.0,
    doses: Annotated[
        str, typer.Option("--doses", help="Which to compare with the original.")
    ] = "leave,duck,reduce,remove,auto",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The page. Default: NAME.preview.html beside INPUT.", readable=False),
    ] = None,
    preset: Annotated[
        str | None, typer.Option("--preset", "-p", help="Name or TOML file; 'mediaclean presets' lists them.")
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", "-s", help="One setting; repeatable.")] = None,
    engine: Engine = None,
    device: Device = None,
    track: Track = None,
    models: Models = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a page that exists.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Progress and result as JSON lines.")] = False,
) -> None:
    """See and hear the hardest passages with every dose before cleaning: one HTML page that works from disk."""
    if json_:
        use_json_lines()
    from mediaclean.job import CleanOptions
    from mediaclean.preset import DEFAULT, check_no_cues
    from mediaclean.preview import page_path
    from mediaclean.preview import preview as run_preview
    from mediaclean.result.keep import check_name
    from mediaclean.sources import load_preset_or_report

    options = CleanOptions(
        engine=one_of("engine", engine or "auto", ENGINES),
        device=one_of("device", device or "auto", DEVICES),
        track=track,
        overwrite=overwrite,
        models=models_in(models),
    )
    check_no_cues(set_ or [])
    check_model(options.engine, set_)
    record = load_preset_or_report(preset or DEFAULT, set_ or [])
    folder = None if models is None else str(models)
    typed = [("--preset", preset), *(("--set", each) for each in set_ or [])]
    typed += [("--engine", engine), ("--device", device), ("--track", track), ("--models", folder)]
    words = [word for option, value in typed if value is not None for word in (option, value)]
    target = output if output is not None else page_path(source)
    if is_there(source):  # else that is what is wrong
        check_name(target, f"a shorter name: -o SHORTER{target.suffix}")
    wanted = [part.strip() for part in doses.split(",") if part.strip()]
    with watching() as watch:
        made = run_preview(source, target, record, options, seconds=seconds, doses=wanted, words=words, watch=watch)
    if json_:
        emit("preview", source=str(source), **made.to_json())
        return
    out().print(Text.assemble(("✓ ", "bold green"), str(made.target)), soft_wrap=True)
    for number, passage in enumerate(made.passages, 1):
        start, stop = (clock(edge / made.rate) for edge in (passage.span.start, passage.span.stop))
        out().print(f"  {number}  {start} to {stop}  {passage.reason}", soft_wrap=True)
    out().print("open it in a browser: it needs nothing else", style="dim")
