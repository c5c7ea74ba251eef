"""`measure` and `verify`: is the result what was promised?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from mediaclean.cli.beside import check_apart, check_free, check_place
from mediaclean.cli.options import ENGINES, Track, one_of
from mediaclean.cli.results import write_text
from mediaclean.cli.terminal import amount, emit, facts, out, use_json_lines, watching
from mediaclean.errors import PresetError


def measure(
    inputs: Annotated[list[Path], typer.Argument(metavar="FILE", help="Files to measure.", readable=False)],
    spec: Annotated[
        list[str] | None, typer.Option("--spec", help="Hold it against this specification; repeatable; all takes all.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw loudness over time into this SVG.", readable=False)
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            "--engine", help="auto, demucs or dialogue: separate the voice, to measure the speech itself; or none."
        ),
    ] = "none",
    track: Track = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a plot that exists.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="As JSON lines.")] = False,
) -> None:
    """Measure loudness, and say per specification whether the file may be delivered; exit 1 if one fails."""
    if json_:
        use_json_lines()
    from mediaclean.loudness.delivery import load_spec, spec_names
    from mediaclean.measuring import measure_file
    from mediaclean.result.keep import check_name

    names = spec_names() if "all" in (spec or []) else list(dict.fromkeys(spec or []))
    specs = [load_spec(name) for name in names]
    network = one_of("engine", engine, ENGINES)
    if plot is not None and len(inputs) > 1:
        raise PresetError(f"--plot draws one file, here are {len(inputs)}", "give one FILE with --plot")
    if plot is not None:
        check_apart("--plot", plot, {"the media": inputs})
        check_name(plot, f"a shorter name: --plot SHORTER{plot.suffix}")
        check_place("--plot", plot)
        check_free("--plot", plot, overwrite=overwrite)
    fine = True
    for path in inputs:
        with watching() as watch:
            found = measure_file(path, specs=specs, track=track, engine=network, watch=watch)
        fine = fine and found.ok
        if plot is not None:
            _draw(plot, found)
        if json_:
            emit("measurement", **found.to_json())
        else:
            _show(found)
    if not fine:
        raise typer.Exit(1)


def _show(found: Any) -> None:
    loudness, dialogue = found.measured.loudness, found.measured.dialogue
    rows = [
        ("integrated", amount(loudness.integrated_lufs, "LUFS")),
        ("range", amount(loudness.range_lu, "LU")),
        ("max short-term", amount(loudness.short_term_max_lufs, "LUFS")),
        ("max momentary", amount(loudness.momentary_max_lufs, "LUFS")),
        ("true peak", amount(loudness.true_peak_dbtp, "dBTP")),
        ("sample peak", amount(loudness.sample_peak_dbfs, "dBFS")),
    ]
    if dialogue is not None and dialogue.lufs is not None:
        bar = f"{dialogue.low_lufs:.1f} to {dialogue.high_lufs:.1f}"
        rows.append(("dialogue", f"{dialogue.gated_lufs:.1f} LUFS gated, {dialogue.share:.0%} of the file is speech"))
        rows.append(("speech itself", f"{dialogue.lufs:.1f} LUFS ({bar})"))
    from mediaclean.cli.verdicts import verdict_table

    out().print(Text(str(found.path), style="bold"), facts(rows))
    for verdict in found.verdicts:
        out().print(verdict_table(verdict))


def _draw(path: Path, found: Any) -> None:
    from mediaclean.loudness.plot import loudness_svg

    drawing = loudness_svg(
        found.series,
        title=found.path.name,
        speech=[(span.start / found.rate, span.stop / found.rate) for span in found.speech],
        results=[rule for verdict in found.verdicts for rule in verdict.rules],
        true_peak_at_s=found.measured.loudness.true_peak_at_s,
    )
    write_text(path, drawing, "--plot")


def verify(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="The original.", readable=False)],
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="What was made of it.", readable=False)],
    json_: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Compare a result with its source: every copied stream by hash, all that must be kept, and sync. Exit 5 if not."""
    if json_:
        use_json_lines()
    from mediaclean.cli.verdicts import receipt_table
    from mediaclean.media import verify as compare
    from mediaclean.report import to_receipt_dict

    receipt = compare(source, result)
    if json_:
        emit("receipt", **to_receipt_dict(receipt))
    else:
        out().print(receipt_table(receipt))
    if not receipt.ok:
        raise typer.Exit(5)
