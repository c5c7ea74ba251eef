"""Options that need a second look before anything begins."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from mediaclean.cli.paths import is_folder
from mediaclean.errors import BackendError, PresetError

Engine = Annotated[str | None, typer.Option("--engine", help="auto, demucs, dialogue or none.")]
Device = Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda or mps.")]
Models = Annotated[Path | None, typer.Option("--models", help="Folder with network weights.", readable=False)]
Track = Annotated[str | None, typer.Option("--track", help="Audio track: number, language or title.")]

ENGINES = ("auto", "demucs", "dialogue", "none")
DEVICES = ("auto", "cpu", "cuda", "mps")
MODES = ("leave", "duck", "reduce", "remove", "auto")


def one_of(name: str, value: str, known: tuple[str, ...]) -> Any:
    """The value of an option that takes some words.

    Raises:
        PresetError: for any other word.
    """
    from mediaclean.settings import suggest

    if value not in known:
        raise PresetError(f"--{name} {value}: no such {name}{suggest(value, known)}", f"one of {', '.join(known)}")
    return value


def check_model(engine: str, overrides: Sequence[str] | None) -> None:
    """A model that was typed is one of Demucs.

    Raises:
        PresetError: beside an engine that has none to choose from.
    """
    named = any(text.partition("=")[0].strip() == "separate.model" for text in overrides or ())
    if named and engine in {"dialogue", "none"}:
        raise PresetError(f"separate.model has no effect with --engine {engine}", "--engine demucs")


def bit_rate_of(text: str | None) -> int | None:
    """Bits per second from a number with or without a unit; None where none is given.

    Raises:
        PresetError: for anything else, or what no codec takes.
    """
    if text is None:
        return None
    number, factor = text.strip().lower(), 1
    if number.endswith(("k", "m")):
        number, factor = number[:-1], 1000 if number.endswith("k") else 1_000_000
    try:
        bits = round(float(number) * factor)
    except (ValueError, OverflowError):
        bits = 0
    if not 6_000 <= bits <= 20_000_000:
        raise PresetError(f"--bitrate {text}: not a bit rate", "for example --bitrate 256k")
    return bits


def tracks_of(track: str | None, tracks: str | None) -> tuple[str, ...]:
    """The tracks of ``--tracks``, each by number, language or title; none where it is not given.

    Raises:
        PresetError: beside ``--track``, or for a span of numbers or an empty list.
    """
    if tracks is None:
        return ()
    if track is not None:
        raise PresetError("--track and --tracks together", "--track for one track, --tracks for several")
    chosen = tuple(part.strip() for part in tracks.split(",") if part.strip())
    if any(SPAN.fullmatch(part) for part in chosen):
        example = ",".join(name for part in chosen for name in _listed(part))
        raise PresetError(f"--tracks {tracks}: lists are written with commas", f"--tracks {example}")
    if not chosen:
        raise PresetError("--tracks names no track", "--tracks all, or for example --tracks 1,2")
    return chosen


SPAN = re.compile(r"(\d+)\s*-\s*(\d+)")
MOST_LISTED = 16


def _listed(part: str) -> list[str]:
    """The numbers of a span one by one; anything else as it is."""
    span = SPAN.fullmatch(part)
    if span is None:
        return [part]
    first, last = sorted((int(span[1]), int(span[2])))
    return [str(number) for number in range(first, min(last, first + MOST_LISTED - 1) + 1)]


def specs_of(names: Sequence[str] | None) -> list[str]:
    """The specifications to deliver to, each once.

    Raises:
        PresetError: for ``all``, which only measuring has: deliveries to every one would be a dozen files.
    """
    if "all" in (names or ()):
        raise PresetError(
            "--spec all is for measure: a delivery is made for one specification",
            "name it, for example --spec ebu-r128, and then: mediaclean measure RESULT --spec all",
        )
    return list(dict.fromkeys(names or ()))


def models_in(folder: Path | None) -> Path | None:
    """The folder of ``--models``.

    Raises:
        BackendError: if there is none.
    """
    if folder is not None and not is_folder(folder):
        raise BackendError(
            f"--models {folder}: no such folder",
            f"mkdir -p {shlex.quote(str(folder))} to fetch weights into it, or leave --models out: "
            "mediaclean models fetch htdemucs keeps them for all runs",
        )
    return folder
