"""Which files are meant, and where their results go."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from mediaclean.cli.paths import check_unshared, is_file, is_folder, is_there
from mediaclean.errors import MediaError, OutputError

SUFFIXES = {
    ".mp4", ".m4v", ".mov", ".qt", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".mxf", ".wmv",
    ".asf", ".flv", ".3gp", ".ogv", ".wav", ".flac", ".mp3", ".mp2", ".m4a", ".m4b", ".aac", ".ac3", ".wma", ".ogg",
    ".oga", ".opus", ".aif", ".aiff", ".mka", ".w64", ".caf",
}  # fmt: skip
"""What a folder is searched for."""


def expand(inputs: list[Path]) -> list[Path]:
    """Folders replaced by the media files in them; hidden files and results of earlier runs are passed over."""
    files: list[Path] = []
    for path in inputs:
        if not is_folder(path):
            files.append(path)
            continue
        if not os.access(path, os.R_OK | os.X_OK):
            raise MediaError(f"{path}: may not be read (permission denied)", f"chmod u+rx {shlex.quote(str(path))}")
        found = sorted(each for each in path.iterdir() if _is_source(each))
        if not found:
            below = folders_below([path])
            hint = f"mediaclean clean {shlex.quote(str(below[0]))}" if below else "give files, or another folder"
            raise MediaError(f"{path}: no media files in this folder", hint)
        files.extend(found)
    return files


def _is_source(path: Path) -> bool:
    """Media, and nothing that we have made: NAME.clean.mp4, NAME.clean.ebu-r128.mp4, NAME.dialogue.wav."""
    made = {".clean", ".dialogue"}.intersection(Path(path.stem).suffixes)
    return path.suffix.lower() in SUFFIXES and not made and not path.name.startswith(".") and is_file(path)


MOST_FOLDERS = 500
"""Looked into for what is not entered: a network drive holds more than anybody waits for."""


def folders_below(inputs: Sequence[Path]) -> list[Path]:
    """Folders inside of the given ones that hold media and are not given themselves: nobody enters them."""
    given = {os.path.realpath(path) for path in inputs}
    found = []
    for top in inputs:
        for folder, names, files in islice(os.walk(top), MOST_FOLDERS):
            names[:] = sorted(name for name in names if not name.startswith(".") and not name.endswith(".stems"))
            path = Path(folder)
            if os.path.realpath(path) not in given and any(_is_source(path / name) for name in files):
                found.append(path)
    return list(dict.fromkeys(found))


def targets_of(files: list[Path], inputs: list[Path], output: Path | None, out_dir: Path | None) -> list[Path]:
    """Where the result of each file goes: beside it or into a folder, in its own container if that is written.

    Raises:
        OutputError: if one name is to be for many, or two results would have one name.
    """
    if output is not None:
        if len(files) != 1 or is_folder(inputs[0]):
            raise OutputError("-o names one result, but there are many inputs", "use --out-dir FOLDER")
        if out_dir is not None:
            raise OutputError("-o and --out-dir together", "give one of them")
        if is_folder(output):
            raise OutputError(f"{output}: is a folder", f"--out-dir {output}")
        return [output]
    from mediaclean.media.formats import written_suffix

    targets = [(out_dir or file.parent) / f"{file.stem}.clean{written_suffix(file.suffix)}" for file in files]
    check_unshared(zip(targets, files, strict=True), "become")
    return targets


def check_inputs_stay(files: Sequence[Path], wanted: Sequence[Sequence[Any]]) -> None:
    """Among many inputs no result takes the place of one, whatever may be overwritten; for one, its run refuses that.

    Args:
        files: the inputs.
        wanted: the deliveries of each.

    Raises:
        OutputError: for the first that would.
    """
    inputs = {_identity(file) for file in files if is_there(file)}
    for file, deliveries in zip(files, wanted, strict=True):
        for target in (each.target for each in deliveries if is_there(each.target)):
            if len(files) > 1 and _identity(target) in inputs:
                raise OutputError(
                    f"{target} is an input, and would be the result of {file}",
                    "leave it out, give the folder (which passes results over), or --out-dir FOLDER",
                )


def _identity(path: Path) -> tuple[int, int]:
    """What two names of one file have in common."""
    status = path.stat()
    return status.st_dev, status.st_ino
