"""`measure` and `verify`: is the result what was promised?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from mediaclean.cli.terminal import amount, emit, facts, out, use_json_lines, watching


def measure(
    inputs: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files to measure.")],
    track: Annotated[str | None, typer.Option("--track", help="Audio track: number, language or title.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="As JSON lines.")] = False,
) -> None:
    """Measure loudness: integrated, range, maxima, true peak."""
    if json_:
        use_json_lines()
    from mediaclean.run import measure_file

    for path in inputs:
        with watching() as watch:
            loudness = measure_file(path, track=track, watch=watch)
        if json_:
            emit("loudness", source=str(path), **loudness.to_json())
            continue
        rows = (
            ("integrated", amount(loudness.integrated_lufs, "LUFS")),
            ("range", amount(loudness.range_lu, "LU")),
            ("max short-term", amount(loudness.short_term_max_lufs, "LUFS")),
            ("max momentary", amount(loudness.momentary_max_lufs, "LUFS")),
            ("true peak", amount(loudness.true_peak_dbtp, "dBTP")),
            ("sample peak", amount(loudness.sample_peak_dbfs, "dBFS")),
        )
        out().print(Text(str(path), style="bold"), facts(rows))


def verify(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="The original.")],
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="What was made of it.")],
    json_: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Compare a result with its source: every copied stream by hash, all that must be kept, and sync. Exit 5 if not."""
    if json_:
        use_json_lines()
    from mediaclean.cli.summary import receipt_table
    from mediaclean.media import verify as compare
    from mediaclean.report import to_receipt_dict

    receipt = compare(source, result)
    if json_:
        emit("receipt", **to_receipt_dict(receipt))
    else:
        out().print(receipt_table(receipt))
    if not receipt.ok:
        raise typer.Exit(5)
