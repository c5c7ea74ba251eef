"""The terminal: Typer commands, rich output, exit codes. The only part that prints or exits; nothing imports it."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """The entry point. The commands are loaded in here, because Ctrl-C may come while they are."""
    try:
        from mediaclean.cli.app import run

        run()
    except KeyboardInterrupt:  # before a command began, or after it ended
        from mediaclean.cli.terminal import report_interrupt

        sys.exit(report_interrupt())
