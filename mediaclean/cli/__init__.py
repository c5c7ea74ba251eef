"""The terminal: Typer commands, rich output, exit codes. The only part that prints or exits; nothing imports it."""

from mediaclean.cli.app import main

__all__ = ["main"]
