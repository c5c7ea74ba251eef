"""A benchmark that is one table: printed row by row, and written beside its notes if that is asked for."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path


def print_or_write(rows: Iterable[str], target: Path, title: str, command: str, about: str) -> None:
    """The command line of such a benchmark, whose only option is `--write`.

    Args:
        rows: lines of the table; they are made only once the options are known to be right.
        target: the document.
        title: its heading.
        command: what repeats it.
        about: the module's docstring; what follows its first line stands above the table.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    lines = []
    for line in rows:
        print(line, flush=True)
        lines.append(line)
    if args.write:
        notes = about.split("\n\n", 1)[1].strip()
        target.write_text(f"# {title}\n\n`{command}`\n\n{notes}\n\n" + "\n".join(lines) + "\n", "utf-8")
