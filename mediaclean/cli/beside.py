"""What a command writes beside its results: held against all that it reads and writes, before anything begins."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediaclean.cli.paths import are_same, check_unshared, is_file, is_folder, is_there
from mediaclean.errors import OutputError

if TYPE_CHECKING:
    from mediaclean.job import CleanOptions

OF_A_REPORT = {"version", "source", "target", "preset", "plan", "receipt", "versions"}
Taken = Mapping[str, Iterable[Path]]
"""What a command reads and writes, by what it is called."""


def kept_paths(wanted: Sequence[Sequence[Any]], options: CleanOptions) -> list[Path]:
    """The files that --page, --record and --residual write for each input's deliveries.

    Raises:
        OutputError: if two inputs would write one and the same.
    """
    from mediaclean.result.keep import beside, stem_paths

    each = [
        [*beside(options, [one.target for one in deliveries]), *stem_paths(options, deliveries[0].target)]
        for deliveries in wanted
    ]
    owned = ((path, one[0].target) for one, paths in zip(wanted, each, strict=True) for path in paths)
    check_unshared(owned, "write")
    return [path for paths in each for path in paths]


def preset_files(preset: str | None) -> list[Path]:
    """The file of ``--preset``, where it names one."""
    return [Path(preset)] if preset and is_file(Path(preset)) else []


def check_report(
    report: Path | None, wanted: Sequence[Sequence[Any]], options: CleanOptions, taken: Taken, *, is_batch: bool
) -> None:
    """Refuse a report that would land on anything else, or where none can be written.

    Args:
        report: where `--report` wants it, a folder for many inputs.
        wanted: the deliveries of every input.
        options: what the run was told.
        taken: what else is read and written.
        is_batch: whether there is a report for each of many inputs.

    Raises:
        OutputError: for what lies there already, but for a report that mediaclean wrote: that one is replaced.
    """
    from mediaclean.result.keep import check_name

    if report is None:
        return
    if is_batch and os.path.lexists(report) and not is_folder(report):
        raise OutputError(f"{report}: is a file, but there is a report for each input", "--report FOLDER")
    owned = [(name, one[0].target) for one in wanted for name in _names(report, one, options, is_batch)]
    check_unshared(owned, "write")
    names = [name for name, _ in owned]
    for name in () if is_batch else names:
        check_name(name, f"a shorter name: --report SHORTER{name.suffix}")
    for path in [*names, *(found for name in names for found in _numbered(name, options))]:
        check_apart("--report", path, taken)
        check_place("--report", path)
        if not _is_report(path):
            check_free("--report", path, overwrite=options.overwrite)


def check_names(source: Path, deliveries: Sequence[Any], reports: Path | None) -> None:
    """The results of one of the inputs have names that a disk takes; a source that is not there is refused elsewhere.

    Args:
        source: the input.
        deliveries: what becomes of it.
        reports: the folder of reports, where there is one.

    Raises:
        OutputError: for the first that is too long.
    """
    from mediaclean.result.keep import check_name

    for target in [each.target for each in deliveries] if is_there(source) else ():
        hint = f"a shorter name: -o SHORTER{target.suffix}"
        check_name(target, hint)
        if reports is not None:
            check_name(reports / f"{target.name}.json", hint)


def check_apart(option: str, path: Path, taken: Taken) -> None:
    """What is written beside a result must not land on what a command reads or writes, whatever it may overwrite.

    Raises:
        OutputError: if it would.
    """
    for what, paths in taken.items():
        if any(are_same(path, each) for each in paths):
            raise OutputError(f"{path}: {option} would replace {what}", f"another name for {option}")


def check_place(option: str, path: Path) -> None:
    """A file can be written there; folders on the way are made when it is.

    Raises:
        OutputError: if not.
    """
    if is_folder(path):
        raise OutputError(f"{path}: is a folder", f"another name for {option}")
    if is_there(path) and not is_file(path):
        raise OutputError(f"{path}: is no file that can be replaced", f"another name for {option}")
    folder = path.absolute().parent
    while not os.path.lexists(folder):
        folder = folder.parent
    if not is_folder(folder):
        raise OutputError(f"{path} cannot be written: {folder} is no folder", f"choose another {option}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{path} cannot be written: {folder} is read-only", f"choose another {option}")


def check_free(option: str, path: Path, *, overwrite: bool) -> None:
    """Nothing lies there, or it may be replaced.

    Raises:
        OutputError: if not.
    """
    if os.path.lexists(path) and not overwrite:
        raise OutputError(f"{path}: exists already", f"--overwrite replaces it, or choose another name for {option}")


def _names(report: Path, deliveries: Sequence[Any], options: CleanOptions, is_batch: bool) -> list[Path]:
    """The reports of one input; those of deliveries that are there already are not written again."""
    made = [each for each in deliveries if options.overwrite or not is_there(each.target)] or deliveries
    if is_batch or is_folder(report):
        return [report / f"{each.target.name}.json" for each in made]
    specs = [f".{each.spec.name}" if len(made) > 1 else "" for each in made]
    return [report.with_name(f"{report.stem}{spec}{report.suffix}") for spec in specs]


def _numbered(name: Path, options: CleanOptions) -> list[Path]:
    """What lies where reports of several tracks would; which tracks there are is not known yet."""
    if not options.tracks:
        return []
    return sorted(name.parent.glob(f"{glob.escape(name.stem)}.track*{glob.escape(name.suffix)}"))


def _is_report(path: Path) -> bool:
    """Whether mediaclean wrote it: a report is made anew by every run, and is nobody's work."""
    if not is_file(path):
        return False
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(table, dict) and table.keys() >= OF_A_REPORT
