"""The command line. Each command imports what it needs when it runs, so that --help answers at once."""

from __future__ import annotations

import sys

import typer

from mediaclean.cli import clean, delivery, info, listen
from mediaclean.cli.terminal import report_error, report_interrupt
from mediaclean.errors import MediacleanError

app = typer.Typer(
    name="mediaclean",
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


for command in (
    clean.clean,
    listen.analyze,
    listen.dialogue,
    delivery.measure,
    delivery.verify,
    info.presets,
    info.settings,
    info.models,
    info.doctor,
):
    app.command()(command)


def main() -> None:
    """The entry point: runs a command, and turns an error into one sentence, a hint and its exit code."""
    try:
        app(standalone_mode=True)
    except MediacleanError as error:
        sys.exit(report_error(error))
    except KeyboardInterrupt:
        sys.exit(report_interrupt())
