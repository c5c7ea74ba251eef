"""`analyze` and `dialogue`: what is inside, and the dialogue track for captioners."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from mediaclean.cli.options import DEVICES, ENGINES, Models, Track, check_model, models_in, one_of
from mediaclean.cli.paths import is_there
from mediaclean.cli.terminal import amount, emit, facts, out, use_json_lines, watching
from mediaclean.counted import counted
from mediaclean.times import clock

if TYPE_CHECKING:
    from mediaclean.advice.advise import Advice


def analyze(
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT", help="Files to listen to.", readable=False)],
    track: Track = None,
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
            *((("phrases", _phrases(advice.counts())),) if advice.phrases else ()),
            *(("", line) for line in _worst(advice)),
            ("bed", _bed(advice)),
            ("noise floor", f"{advice.floor_dbfs:.0f} dBFS, {NOISE[advice.noise]}"),
            *((("room", f"rings for about {advice.reverberation_s:.1f} s"),) if advice.reverberation_s else ()),
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
        out().print(f"  try: {_command(path, advice, track)}", soft_wrap=True, markup=False, highlight=False)


NOISE = {
    "unheard": "speech never stops",
    "none": "quiet between phrases",
    "steady": "steady noise between phrases",
    "changing": "a changing bed between phrases",
    "impulsive": "knocks or clicks between phrases",
}


def _phrases(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} to {name}" for name, count in counts.items() if count)


MOST_PHRASES = 6


def _worst(advice: Advice) -> list[str]:
    """The phrases that call for something, in order of time; of many those with the loudest bed."""
    treated = [choice for choice in advice.phrases if choice.treatment != "leave"]
    worst = sorted(treated, key=lambda choice: choice.difference_lu)[:MOST_PHRASES]
    lines = [
        f"{clock(choice.span.start / advice.rate)} to {clock(choice.span.stop / advice.rate)}  "
        f"{choice.treatment}: speech {choice.difference_lu:.0f} LU over the bed"
        for choice in sorted(worst, key=lambda choice: choice.span)
    ]
    return [*lines, f"and {len(treated) - len(worst)} more (--json has all)"] if len(treated) > len(worst) else lines


def _command(path: Path, advice: Advice, track: str | None) -> str:
    """What does as advised, for every phrase by itself where they differ."""
    from mediaclean.advice.advise import GOAL
    from mediaclean.commands import clean_command

    kinds = {choice.treatment for choice in advice.phrases}
    mode = advice.treatment if len(kinds) < 2 else "auto"
    goal = ["--set", f"duck.target_lu={GOAL.target_lu:g}"] if mode in {"duck", "auto"} else []
    return clean_command(path, [*(["--track", track] if track else []), "--mode", mode, *goal])


def _bed(advice: Advice) -> str:
    if advice.difference_lu is None:
        return "–"
    median, worst = advice.difference_lu
    covered = "" if advice.coverage is None else f", where it covers {advice.coverage:.0%} of the speech band"
    return f"{median:.0f} LU under speech, {worst:.0f} LU in the worst tenth{covered}"


def dialogue(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A video or sound file.", readable=False)],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Path and base name of the results. Default: INPUT without its suffix.",
            readable=False,
        ),
    ] = None,
    preset: Annotated[str, typer.Option("--preset", "-p", help="Name or TOML file.")] = "transcript",
    set_: Annotated[list[str] | None, typer.Option("--set", "-s", help="One setting; repeatable.")] = None,
    engine: Annotated[str, typer.Option("--engine", help="auto, demucs, dialogue or none.")] = "auto",
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")] = "auto",
    models: Models = None,
    track: Track = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Progress and result as JSON lines.")] = False,
) -> None:
    """Write a dialogue track for captioners and recognisers: BASE.dialogue.wav, .vtt, .srt and .json."""
    if json_:
        use_json_lines()
    from mediaclean.dialogue import write_dialogue
    from mediaclean.job import CleanOptions
    from mediaclean.preset import check_heard, check_levelled
    from mediaclean.sources import load_preset_or_report

    options = CleanOptions(
        engine=one_of("engine", engine, ENGINES),
        device=one_of("device", device, DEVICES),
        track=track,
        overwrite=overwrite,
        models=models_in(models),
    )
    record = load_preset_or_report(preset, set_ or [])
    check_model(engine, set_)
    check_heard(record, set_ or [], "--set duck.mode=")
    check_levelled(record.loudness, set_ or [])
    base = output if output is not None else source.parent / source.stem
    if is_there(source):  # else that is what is wrong
        _check_files(base, overwrite=overwrite)
    with watching() as watch:
        made = write_dialogue(source, base, record, options, watch=watch)
    if json_:
        emit("dialogue", **made.to_json())
        return
    out().print(
        Text.assemble(("✓ ", "bold green"), f"{counted(len(made.cues), 'cue')} for {made.speech_share:.0%} speech")
    )
    for path in made.files:
        out().print(f"  {path}", soft_wrap=True)


def _check_files(base: Path, *, overwrite: bool) -> None:
    """Refuse names that are too long, and links that lead nowhere, before any work."""
    from mediaclean.cli.beside import check_free
    from mediaclean.dialogue import SUFFIXES
    from mediaclean.result.keep import check_name

    for path in (Path(f"{base}{suffix}") for suffix in SUFFIXES):
        check_name(path, "a shorter name: -o SHORTER")
        if path.is_symlink():
            check_free("-o", path, overwrite=overwrite)
