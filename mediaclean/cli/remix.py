"""`remix`: a finished result at another dose, or some spans of it with other settings."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from mediaclean.cli.batch import Tally
from mediaclean.cli.beside import preset_files
from mediaclean.cli.options import DEVICES, ENGINES, Device, Models, check_model, models_in, one_of, specs_of
from mediaclean.cli.paths import is_folder
from mediaclean.cli.results import Making, deliveries_of
from mediaclean.cli.terminal import use_json_lines
from mediaclean.errors import OutputError, PresetError


def remix(
    result: Annotated[
        Path,
        typer.Argument(
            metavar="RESULT", help="A result with its stems, its stems' folder, or its report.", readable=False
        ),
    ],
    dose: Annotated[
        str | None,
        typer.Option("--dose", help="How to treat the bed, all but the voice: leave, duck, reduce, remove or auto."),
    ] = None,
    preset: Annotated[
        str | None, typer.Option("--preset", "-p", help="Another preset. Default: the result's own.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", "-s", help="One setting, for example duck.target_lu=15; repeatable.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Only this span, for example 00:12:30-00:13:05; repeatable. All else stays."),
    ] = None,
    spec: Annotated[list[str] | None, typer.Option("--spec", help="Deliver to this specification; repeatable.")] = None,
    source: Annotated[Path | None, typer.Option("--source", help="The original, if it moved.", readable=False)] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The new result. Default: RESULT, with --overwrite.", readable=False),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option("--engine", help="For spans that must be separated again: auto, demucs, dialogue or none."),
    ] = None,
    device: Device = None,
    models: Models = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write the full report as JSON.", readable=False)
    ] = None,
    record: Annotated[bool, typer.Option("--record", help="Write what was changed, and prove it.")] = False,
    page: Annotated[bool, typer.Option("--page", help="Write a page to hear and see the new result.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a result that exists.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Progress and report as JSON lines.")] = False,
) -> None:
    """Make a finished result again at another dose, without separating again; or, with --only, some spans of it.

    The whole needs the stems that `mediaclean clean --residual` keeps. Spans also go with the result's report; they
    keep its level, and outside of them, but for a cross-fade of 20 ms, nothing moves.
    """
    if json_:
        use_json_lines()
    from mediaclean.job import CleanOptions
    from mediaclean.loudness.delivery import load_spec, spec_names
    from mediaclean.preset import check_heard, check_levelled, check_no_cues
    from mediaclean.result.base import load_base
    from mediaclean.sources import aimed

    base = load_base(result, source)
    if only and (spec or _of_the_level(set_ or [])):
        other = "--spec" if spec else f"--set {_of_the_level(set_ or [])[0]}"
        raise PresetError(f"--only keeps the level of the result, {other} sets another", "give one of them")
    if not (dose or preset or set_ or spec):
        raise PresetError("nothing is to be different", "for example --dose remove, or --set duck.floor_db=-18")
    told = base.options
    overrides = [*([f"duck.mode={dose}"] if dose else []), *(set_ or [])]
    check_no_cues(overrides)
    settings = _settings(base, preset, overrides, whole=not only)
    check_heard(settings, overrides, "--dose ", alone=not (preset or spec))
    specs = [load_spec(name) for name in specs_of(spec)]
    if not (spec or preset) and told.get("spec") in spec_names():
        specs = [_with_aim(load_spec(str(told["spec"])), base.preset.loudness)]
    if not specs:
        check_levelled(settings.loudness, set_ or [])
    options = CleanOptions(
        engine=one_of("engine", engine or str(told.get("engine", "auto")), ENGINES),
        device=one_of("device", device or "auto", DEVICES),
        track=str(told["track"]) if "track" in told else None,
        keep_original=bool(told.get("keep_original")),
        dialogue_track=bool(told.get("dialogue_track")),
        codec=told.get("codec"),
        bit_rate=told.get("bit_rate"),
        overwrite=overwrite,
        drop_unsupported=bool(told.get("drop_unsupported")),
        models=models_in(models),
        record=record,
        page=page,
        base=base,
        only=tuple(only or ()),
    )
    target = output or _target(result, base)
    if is_folder(target):
        raise OutputError(f"{target}: is a folder", f"-o {shlex.quote(str(target / base.target.name))}")
    deliveries = deliveries_of(target, [aimed(each, set_ or []) for each in specs])
    check_model(engine or "auto", set_)
    making = Making(settings=settings, options=options, report=report, is_batch=False, json=json_)
    read = {"what it is made from": [result, *_stems(base)], "the preset": preset_files(preset)}
    making.check([base.source], [deliveries], read)
    Tally(is_batch=False, json=json_, done=[making.make(base.source, deliveries)]).close()


def _of_the_level(overrides: list[str]) -> list[str]:
    """Those that are about the loudness of the whole."""
    return [text for text in overrides if text.partition("=")[0].strip().partition(".")[0] == "loudness"]


def _settings(base: Any, preset: str | None, overrides: list[str], *, whole: bool) -> Any:
    """The result's own preset or another one; for the whole, what came before separation stays as it was."""
    from mediaclean.preset import override
    from mediaclean.result.again import same_before
    from mediaclean.sources import load_preset_or_report

    if preset is None:
        return override(base.preset, overrides)
    chosen = load_preset_or_report(preset)
    return override(same_before(chosen, base) if whole else chosen, overrides)


def _stems(base: Any) -> list[Path]:
    """The files of the stems that it starts from."""
    folder = None if base.stems is None else base.stems.voice.parent
    return [] if folder is None else sorted(folder.iterdir())


def _with_aim(spec: Any, aim: Any) -> Any:
    """The specification with the level that the result was made at, which `--set` may have moved."""
    return spec if aim is None else replace(spec, aim=aim)


def _target(result: Path, base: Any) -> Path:
    """The result itself; for its stems or its report, the file that they say, beside them."""
    if result.is_dir() or result.suffix.lower() == ".json":
        beside = result.absolute().parent
        if result.is_file() and base.stems is not None:
            beside = beside.parent
        return Path(beside / base.target.name)
    return result
