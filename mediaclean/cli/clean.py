"""`mediaclean clean`: one or many files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from mediaclean.cli.batch import Tally
from mediaclean.cli.beside import preset_files
from mediaclean.cli.inputs import check_inputs_stay, expand, folders_below, targets_of
from mediaclean.cli.options import (
    DEVICES,
    ENGINES,
    MODES,
    Device,
    Engine,
    Models,
    Track,
    bit_rate_of,
    check_model,
    models_in,
    one_of,
    specs_of,
    tracks_of,
)
from mediaclean.cli.paths import is_folder, is_there
from mediaclean.cli.results import Making, deliveries_of
from mediaclean.cli.stray import told_plainly
from mediaclean.cli.terminal import emit, say, use_json_lines, watching
from mediaclean.errors import MediacleanError, OutputError, PresetError


def clean(
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT", help="Files, or folders of files.", readable=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The result, for one input. Default: NAME.clean.SUFFIX.", readable=False),
    ] = None,
    out_dir: Annotated[Path | None, typer.Option("--out-dir", help="Folder for the results.", readable=False)] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset", "-p", help="Name ('mediaclean presets' lists them) or TOML file; documentary by default."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", "-s", help="One setting, for example duck.target_lu=15; repeatable.")
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            "--mode",
            "-m",
            help="How to treat the bed, all but the voice: leave, duck, reduce, remove, or auto (by phrase).",
        ),
    ] = None,
    spec: Annotated[
        list[str] | None,
        typer.Option("--spec", help="Deliver to this specification; repeatable: one separation, many deliveries."),
    ] = None,
    engine: Engine = None,
    device: Device = None,
    track: Track = None,
    tracks: Annotated[str | None, typer.Option("--tracks", help="Several tracks, for example 1,3 or all.")] = None,
    keep_original: Annotated[
        bool, typer.Option("--keep-original", help="Keep the source's track beside the clean one.")
    ] = False,
    dialogue_track: Annotated[
        bool, typer.Option("--dialogue-track", help="Add a mono dialogue track for captioners.")
    ] = False,
    audio_codec: Annotated[str | None, typer.Option("--audio-codec", help="For example aac, flac, pcm_s24le.")] = None,
    bitrate: Annotated[str | None, typer.Option("--bitrate", help="Of the clean track, for example 256k.")] = None,
    drop_unsupported: Annotated[
        bool, typer.Option("--drop-unsupported", help="Leave out what the target's container cannot hold.")
    ] = False,
    models: Models = None,
    plan: Annotated[
        Path | None, typer.Option("--plan", help="Run this plan, or a report's, with its own preset.", readable=False)
    ] = None,
    plan_only: Annotated[bool, typer.Option("--plan-only", help="Print the plan as JSON and stop.")] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            help="Write the full report as JSON; for several inputs, a folder with one for each.",
            readable=False,
        ),
    ] = None,
    residual: Annotated[
        bool, typer.Option("--residual", help="Keep voice, bed and residue as FLAC in NAME.clean.stems/, for remix.")
    ] = False,
    record: Annotated[
        bool,
        typer.Option("--record", help="Write what was changed beside the result, and prove that nothing else was."),
    ] = False,
    page: Annotated[
        bool, typer.Option("--page", help="Write NAME.clean.html: hear and see the result beside the source.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a result that exists.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Progress and report as JSON lines.")] = False,
) -> None:
    """Clean the dialogue of a video or sound file; the picture and all else stay as they are.

    The source is never changed. Many inputs: each is done, failures are named at the end, finished ones are
    skipped when the command is run again.
    """
    if json_:
        use_json_lines()
    from mediaclean.job import CleanOptions
    from mediaclean.loudness.delivery import load_spec
    from mediaclean.preset import DEFAULT, check_heard, check_levelled, check_no_cues
    from mediaclean.sources import aimed, load_plan_and_preset, load_preset_or_report

    options = CleanOptions(
        engine=one_of("engine", engine or "auto", ENGINES),
        device=one_of("device", device or "auto", DEVICES),
        track=track,
        tracks=tracks_of(track, tracks),
        keep_original=keep_original,
        dialogue_track=dialogue_track,
        codec=audio_codec,
        bit_rate=bit_rate_of(bitrate),
        overwrite=overwrite,
        drop_unsupported=drop_unsupported,
        models=models_in(models),
        residual=residual,
        record=record,
        page=page,
    )
    overrides = [*(set_ or []), *_mode(mode, plan)]
    check_no_cues(overrides)
    check_model(options.engine, overrides)
    if plan is None:
        settings = load_preset_or_report(preset or DEFAULT, overrides)
        check_heard(settings, overrides, "--mode ")
    else:
        settled, settings = load_plan_and_preset(plan, preset, overrides)
        options = replace(options, plan=settled)
    specs = [aimed(load_spec(name), overrides) for name in specs_of(spec)]
    if not specs and plan is None:
        check_levelled(settings.loudness, overrides)

    files = expand(inputs)
    if len(files) > 1 and (plan is not None or (plan_only and not json_)):
        raise PresetError(f"a plan is for one input, here are {len(files)}", "give one input, or --plan-only --json")
    if plan_only:
        _check_alone({"-o": output, "--report": report, "--bitrate": bitrate,
                      "--audio-codec": audio_codec, "--page": page, "--record": record, "--residual": residual,
                      "--keep-original": keep_original, "--dialogue-track": dialogue_track})  # fmt: skip
        _print_plans(files, settings, options, json_)
        return
    targets = targets_of(files, inputs, output, out_dir)
    is_batch = len(files) > 1 or any(is_folder(path) for path in inputs)
    wanted = [deliveries_of(target, specs) for target in targets]
    check_inputs_stay(files, wanted)
    making = Making(settings=settings, options=options, report=report, is_batch=is_batch, json=json_)
    making.check(files, wanted, {"the preset": preset_files(preset), "the plan": [] if plan is None else [plan]})
    _make_folder(out_dir)
    tally = Tally(is_batch=is_batch, json=json_)
    tally.pass_over(folders_below(inputs))
    for file, deliveries in zip(files, wanted, strict=True):
        if not _skips(file, deliveries, making, tally):
            try:
                tally.done.append(making.make(file, deliveries))
            except MediacleanError as error:
                tally.fail(file, error)
    tally.close()


def _skips(file: Path, deliveries: Sequence[Any], making: Making, tally: Tally) -> bool:
    """Whether one of many inputs has all of its results, none of them from this very run that was stopped.

    Those that are there are named; a single input that has all goes on, to be refused.
    """
    from mediaclean.job import wish_of
    from mediaclean.unfinished import is_unfinished

    def is_finished(each: Any) -> bool:
        wish = wish_of(file, making.settings, making.options, each.spec)
        return is_there(each.target) and not is_unfinished(each.target, wish)

    there = [] if making.options.overwrite else [each.target for each in deliveries if is_finished(each)]
    is_done = len(there) == len(deliveries)
    if making.is_batch or not is_done:
        for target in there:
            tally.skip(target, file)
    if making.is_batch and is_done:
        tally.skipped += 1
        return True
    return False


def _check_alone(given: Mapping[str, object]) -> None:
    """Refuse what is about a result where none is made."""
    for option, value in given.items():
        if value:
            raise PresetError(f"--plan-only makes no result, so {option} has no effect", "--plan-only > plan.json")


def _print_plans(files: list[Path], settings: Any, options: Any, json_: bool) -> None:
    tally = Tally(is_batch=len(files) > 1, json=json_)
    for file in files:
        try:
            with told_plainly([file]):
                made = _plan_of(file, settings, options)
        except MediacleanError as error:
            tally.fail(file, error)
            continue
        if json_:
            emit("plan", source=str(file), plan=made)
        else:
            say(json.dumps(made, indent=2) + "\n")
    tally.close()


def _plan_of(file: Path, settings: Any, options: Any) -> dict[str, Any]:
    from mediaclean.run import dry_run
    from mediaclean.sources import plan_to_dict

    with watching() as watch:
        return plan_to_dict(dry_run(file, settings, options, watch=watch), settings)


def _mode(mode: str | None, plan: Path | None) -> list[str]:
    """The mode as a setting; a plan has made its choice already."""
    if mode is None:
        return []
    if plan is not None:
        raise PresetError("--mode and --plan together: the plan says what becomes of the bed", "give one of them")
    return [f"duck.mode={one_of('mode', mode, MODES)}"]


def _make_folder(out_dir: Path | None) -> None:
    if out_dir is None:
        return
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out_dir} cannot be made: {error.strerror}", "choose another --out-dir") from error
