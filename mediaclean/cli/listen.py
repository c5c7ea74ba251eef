"""`analyze` and `dialogue`: what is inside, and the dialogue track for captioners."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from mediaclean.cli.terminal import amount, clock, emit, facts, out, use_json_lines, watching


def analyze(
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Files to listen to.")],
    track: Annotated[str | None, typer.Option("--track", help="Audio track: number, language or title.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="As JSON lines.")] = False,
) -> None:
    """Say what is inside, and what to do about it: streams, speech, bed, noise floor, loudness, faults, advice."""
    if json_:
        use_json_lines()
    from mediaclean.listening import analyze as run_analyze

    for path in inputs:
        with watching() as watch:
            found = run_analyze(path, track=track, watch=watch)
        if json_:
            emit("analysis", **found.to_json())
            continue
        advice, loudness = found.advice, found.loudness
        rows: list[tuple[str, str | Text]] = [
            ("advice", Text.assemble((advice.treatment, "bold"), f": {advice.reason}")),
            ("speech", f"{advice.speech_share:.0%} of {clock(found.duration_s)}"),
            ("bed", _bed(advice.difference_lu)),
            ("noise floor", f"{advice.floor_dbfs:.0f} dBFS"),
            (
                "loudness",
                f"{amount(loudness.integrated_lufs, 'LUFS')}, range {amount(loudness.range_lu, 'LU')}, "
                f"true peak {loudness.true_peak_dbtp:.1f} dBTP",
            ),
            ("bandwidth", f"{found.bandwidth_hz / 1000:.1f} kHz"),
            *(("careful", warning) for warning in (*advice.warnings, *found.faults)),
            *(("stream", stream) for stream in found.streams),
        ]
        out().print(Text(str(path), style="bold"), facts(rows))


def _bed(difference_lu: tuple[float, float] | None) -> str:
    if difference_lu is None:
        return "–"
    return f"{difference_lu[0]:.0f} LU under speech, {difference_lu[1]:.0f} LU in the worst tenth"


def dialogue(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A video or sound file.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Base name of the results. Default: INPUT's.")
    ] = None,
    preset: Annotated[str, typer.Option("--preset", "-p", help="Name or TOML file.")] = "transcript",
    set_: Annotated[list[str] | None, typer.Option("--set", "-s", help="One setting; repeatable.")] = None,
    engine: Annotated[str, typer.Option("--engine", help="auto, demucs, dialogue or none.")] = "auto",
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")] = "auto",
    track: Annotated[str | None, typer.Option("--track", help="Audio track: number, language or title.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Progress and result as JSON lines.")] = False,
) -> None:
    """Write a dialogue track for captioners and recognisers: BASE.dialogue.wav, .vtt, .srt and .json."""
    if json_:
        use_json_lines()
    from mediaclean.cli.clean import DEVICES, ENGINES, one_of
    from mediaclean.dialogue import write_dialogue
    from mediaclean.job import CleanOptions
    from mediaclean.sources import load_preset_or_report

    options = CleanOptions(
        engine=one_of("engine", engine, ENGINES),
        device=one_of("device", device, DEVICES),
        track=track,
        overwrite=overwrite,
    )
    record = load_preset_or_report(preset, set_ or [])
    base = output if output is not None else source.with_suffix("")
    with watching() as watch:
        made = write_dialogue(source, base, record, options, watch=watch)
    if json_:
        emit("dialogue", **made.to_json())
        return
    out().print(Text.assemble(("✓ ", "bold green"), f"{len(made.cues)} cues for {made.speech_share:.0%} speech"))
    for path in made.files:
        out().print(f"  {path}", soft_wrap=True)
