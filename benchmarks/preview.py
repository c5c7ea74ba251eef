"""What a preview costs: `python -m benchmarks.preview [--minutes 60] [--htdemucs] [--write]`.

The sample's sound over and over, to the length asked for: all of it, of which two fifths are separated, and its speech
over loud music alone, as in a talk with music under every word. `mediaclean preview` with all five doses, and `clean`
of the same file, each a process of its own: with the dialogue network, and if asked for with HTDemucs, whose weights
are random, which costs the same, and whose answers are the dialogue network's (voiced.py says why). Its full run takes
up to an hour and more, so it is made of a part and scaled by length.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.demucs_compare import NAME, make_network
from benchmarks.speed import repeated, run, stages

TABLE = Path(__file__).parent / "PREVIEW.md"
PART_MINUTES = 4.0
"""Of a file whose full run is scaled."""
WHOLE_S, OVER_MUSIC_S = (0.0, math.inf), (32.7, 44.5)
"""The sample, and its speech over loud music."""


@dataclass(frozen=True)
class Case:
    """What is previewed: minutes of a passage of the sample, with an engine; a `part` is run whole and scaled.

    `program` is the module that has mediaclean's command line.
    """

    title: str
    passage_s: tuple[float, float]
    engine: tuple[str, ...]
    program: str = "mediaclean"
    part: float = 1.0


def rows(folder: Path, minutes: float, case: Case) -> Iterator[str]:
    """The table of one case."""
    engine, part = case.engine, case.part
    source, page = repeated(folder / "long.m4a", minutes, case.passage_s), folder / "page.html"
    command = [sys.executable, "-m", case.program, "preview", str(source), "-o", str(page), "--overwrite", *engine]
    start = time.perf_counter()
    said = subprocess.run([*command, "--json"], check=True, capture_output=True, text=True).stdout
    preview_s = time.perf_counter() - start
    shown = json.loads(said.splitlines()[-1])
    piece = repeated(folder / "part.m4a", part * minutes, case.passage_s)
    whole = run(piece, folder / "clean.flac", *engine, program=case.program)
    full_s = whole.wall_s / part
    scaled = "" if part == 1.0 else f", scaled from {part * minutes:g} minutes of it"
    yield f"## {case.title}\n"
    yield (
        f"The page has {page.stat().st_size / 1e6:.1f} MB, and {shown['separated_s']:.0f} s were separated for it.\n"
    )
    yield "| | s | of a full run |"
    yield "|---|---|---|"
    for what, seconds in (
        (f"preview, five doses of {len(shown['passages'])} passages", preview_s),
        ("of which listening to the whole file", shown["timings_s"]["listen"]),
        ("of which separating", shown["timings_s"]["separate"]),
        ("of which mixing and judging the doses", shown["timings_s"]["mix"]),
        (f"full run{scaled}", full_s),
    ):
        yield f"| {what} | {seconds:.0f} | {seconds / full_s:.1%} |"
    yield f"\nThe full run per stage: {stages(whole.report['timings_s'], float(whole.report['duration_s']))}.\n"


def cases(folder: Path, args: argparse.Namespace) -> Iterator[Case]:
    """Both engines, on the whole sample and on its speech over music."""
    own = ("--engine", "dialogue")
    yield Case("Dialogue network, the whole sample", WHOLE_S, own)
    yield Case("Dialogue network, music under every word", OVER_MUSIC_S, own)
    if args.htdemucs:
        make_network(folder)
        other = ("--engine", "demucs", "--models", str(folder), "--set", f"separate.model={NAME}")
        part = min(1.0, PART_MINUTES / args.minutes)
        yield Case("HTDemucs, the whole sample", WHOLE_S, other, "benchmarks.voiced", part)
        yield Case("HTDemucs, music under every word", OVER_MUSIC_S, other, "benchmarks.voiced", part)


def main() -> None:
    """Run all and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--htdemucs", action="store_true", help="with HTDemucs too (random weights)")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    options = f"--minutes {args.minutes:g}" + (" --htdemucs" if args.htdemucs else "")
    lines = [
        "# What a preview costs\n",
        f"`python -m benchmarks.preview {options} --write`\n",
        f"{args.minutes:g} minutes of AAC, two processor cores, no GPU.\n",
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for case in cases(folder, args):
            lines += rows(folder, args.minutes, case)
    print("\n".join(lines))
    if args.write:
        TABLE.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
