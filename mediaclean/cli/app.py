"""The command line. Each command imports what it needs when it runs, so that --help answers at once."""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from mediaclean.cli import clean, delivery, info, listen, preview, remix
from mediaclean.cli.memory import one_thread_per_product, reuse_blocks
from mediaclean.cli.terminal import report_error, report_interrupt
from mediaclean.errors import MediacleanError


class Commands(TyperGroup):
    """Runs a command, and turns an error into one sentence, a hint and its exit code.

    Here rather than around `app`, because Typer swallows Ctrl-C on its way out.
    """

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except MediacleanError as error:
            raise typer.Exit(report_error(error)) from error
        except KeyboardInterrupt as stop:
            raise typer.Exit(report_interrupt()) from stop


app = typer.Typer(
    name="mediaclean",
    cls=Commands,
    help="Clean an interview video with one command: dialogue clear, music ducked, room tone kept, loudness on target, "
    "picture untouched.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def root(
    version: bool = typer.Option(False, "--version", help="Print the version and stop.", is_eager=True),
) -> None:
    if version:
        from mediaclean import __version__

        typer.echo(f"mediaclean {__version__}")
        raise typer.Exit
    reuse_blocks()
    one_thread_per_product()


for command in (
    clean.clean,
    listen.analyze,
    listen.dialogue,
    preview.preview,
    remix.remix,
    delivery.measure,
    delivery.verify,
    info.presets,
    info.settings,
    info.models,
    info.doctor,
):
    app.command()(command)


def main() -> None:
    """The entry point."""
    try:
        app()
    except KeyboardInterrupt:  # before a command began, or after it ended
        sys.exit(report_interrupt())
