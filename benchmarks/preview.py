"""What a preview costs: `python -m benchmarks.preview [--minutes 60] [--write]`.

The sample's sound over and over, to the length asked for; `mediaclean preview` with all five doses, and `mediaclean
clean` of the same file, both with the dialogue network, each a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.speed import repeated, run, stages

TABLE = Path(__file__).parent / "PREVIEW.md"


def main() -> None:
    """Run both and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, page = repeated(folder / "long.m4a", args.minutes), folder / "page.html"
        command = [sys.executable, "-m", "mediaclean", "preview", str(source), "-o", str(page), "--engine", "dialogue"]
        start = time.perf_counter()
        said = subprocess.run([*command, "--json"], check=True, capture_output=True, text=True).stdout
        preview_s = time.perf_counter() - start
        shown = json.loads(said.splitlines()[-1])
        whole = run(source, folder / "clean.flac", "--engine", "dialogue")
        size_mb = page.stat().st_size / 1e6
    lines = [
        f"| {what} | {seconds:.0f} | {seconds / whole.wall_s:.1%} |"
        for what, seconds in (
            (f"preview, five doses of {len(shown['passages'])} passages", preview_s),
            ("of which listening to the whole file", shown["timings_s"]["listen"]),
            ("full run", whole.wall_s),
        )
    ]
    length_s = float(whole.report["duration_s"])
    shape = f"The page has {size_mb:.1f} MB, and {shown['separated_s']:.0f} s were separated for it."
    text = [
        "# What a preview costs",
        "",
        f"`python -m benchmarks.preview --minutes {args.minutes:g} --write`",
        "",
        f"{args.minutes:g} minutes of AAC, dialogue network, two processor cores, no GPU.",
        shape,
        "",
        "| | s | of a full run |",
        "|---|---|---|",
        *lines,
        "",
        f"The full run per stage: {stages(whole.report['timings_s'], length_s)}.",
    ]
    print("\n".join(text))
    if args.write:
        TABLE.write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
