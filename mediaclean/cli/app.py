"""The command line. Each command imports what it needs when it runs, so that --help answers at once."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from mediaclean.cli import clean, delivery, info, listen, preview, remix
from mediaclean.cli.memory import one_thread_per_product, reuse_blocks
from mediaclean.cli.stray import refuse_empty, told_plainly
from mediaclean.cli.terminal import report_error, report_interrupt, said, say, use_json_lines
from mediaclean.errors import MediacleanError


class Commands(TyperGroup):
    """Runs a command, and turns an error into one sentence, a hint and its exit code.

    Here rather than around `app`, because Typer swallows Ctrl-C on its way out.
    """

    def invoke(self, ctx: Any) -> Any:
        try:
            with told_plainly():
                return super().invoke(ctx)
        except MediacleanError as error:
            raise typer.Exit(report_error(error)) from error
        except KeyboardInterrupt as stop:
            raise typer.Exit(report_interrupt()) from stop


class Command(TyperCommand):
    """A command that takes no empty words, and whose errors of the system know which paths are its inputs."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if "--json" in args:  # what is refused while they are read is said like all else
            use_json_lines()
        refuse_empty(self.params, args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        names = [param.name for param in self.params if param.param_type_name == "argument"]
        given = [ctx.params.get(name) for name in names]
        paths = [each for value in given for each in (value if isinstance(value, list | tuple) else (value,))]
        with told_plainly([path for path in paths if isinstance(path, Path)]):
            return super().invoke(ctx)


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

        say(f"mediaclean {__version__}\n")
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
    app.command(cls=Command)(command)


def _hold_streams() -> None:
    """Standard streams that the caller closed lead nowhere; else the next file to be opened would be one of them."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def run() -> None:
    """Do what the command line says."""
    _hold_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")  # names of files need not be text
    try:
        with said():  # what is left to fail here is the help
            app()
    except MediacleanError as error:
        sys.exit(report_error(error))
