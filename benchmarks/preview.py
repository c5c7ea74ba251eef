"""What a preview costs: `python -m benchmarks.preview [--minutes 60] [--htdemucs] [--write]`.

The sample's sound over and over, to the length asked for; `mediaclean preview` with all five doses, and `mediaclean
clean` of the same file, each a process of its own: with the dialogue network, and if asked for with HTDemucs, whose
weights are random, which costs the same. Its full run takes hours, so it is made of a part and scaled by length.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.demucs_compare import NAME, make_network
from benchmarks.speed import repeated, run, stages

TABLE = Path(__file__).parent / "PREVIEW.md"
PART_MINUTES = 4.0
"""Of a file whose full run is scaled."""


def rows(folder: Path, minutes: float, title: str, part: float, *engine: str) -> Iterator[str]:
    """The table of one engine; the full run is made of `part` of the minutes and scaled."""
    source, page = repeated(folder / "long.m4a", minutes), folder / "page.html"
    command = [sys.executable, "-m", "mediaclean", "preview", str(source), "-o", str(page), "--overwrite", *engine]
    start = time.perf_counter()
    said = subprocess.run([*command, "--json"], check=True, capture_output=True, text=True).stdout
    preview_s = time.perf_counter() - start
    shown = json.loads(said.splitlines()[-1])
    whole = run(repeated(folder / "part.m4a", part * minutes), folder / "clean.flac", *engine)
    full_s = whole.wall_s / part
    scaled = "" if part == 1.0 else f", scaled from {part * minutes:g} minutes of it"
    yield f"## {title}\n"
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


def main() -> None:
    """Run both and print what they took."""
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
        lines += rows(folder, args.minutes, "Dialogue network", 1.0, "--engine", "dialogue")
        if args.htdemucs:
            make_network(folder)
            own = ("--engine", "demucs", "--models", str(folder), "--set", f"separate.model={NAME}")
            lines += rows(folder, args.minutes, "HTDemucs", min(1.0, PART_MINUTES / args.minutes), *own)
    print("\n".join(lines))
    if args.write:
        TABLE.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
