"""What stays beside a result on demand: its stems, its change record, its page; and what a later run must be told."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mediaclean.errors import OutputError, PresetError
from mediaclean.job import CleanOptions, Job
from mediaclean.level import Take
from mediaclean.media import decode, fingerprint
from mediaclean.media.staged import exists
from mediaclean.rendering import Rendered
from mediaclean.report import Report, to_report_dict
from mediaclean.result.changes import Proof, prove
from mediaclean.result.page import page_path, write_page
from mediaclean.result.record import record_paths, write_record
from mediaclean.result.stem_files import ABOUT, TABLE, stems_folder
from mediaclean.result.stems import check_folder, save_table, write_stems

LONGEST_NAME = 255 - 16
"""In bytes: as long as file systems take them, less what the hidden names have more under which files are written."""


def check_keeping(jobs: Sequence[Job], targets: Sequence[Path]) -> None:
    """Refuse before any work what cannot be kept.

    Raises:
        PresetError: if stems of several tracks are asked for.
        OutputError: if something lies there already, or a name is too long.
    """
    options = jobs[0].options
    if options.residual and len(jobs) > 1:
        raise PresetError("--residual keeps the stems of one track", "clean the tracks one by one with --track")
    tracks = [str(job.track.number) for job in jobs] if len(jobs) > 1 else [""]
    paths = [*targets, *(path for track in tracks for path in beside(options, targets, track))]
    for path in paths:
        check_name(path, f"a shorter name: -o SHORTER{targets[0].suffix}")
        if path.is_dir():
            raise OutputError(f"{path}: is a folder", "choose another name with -o")
        if os.path.lexists(path) and not options.overwrite:  # links that lead nowhere too
            raise exists(path)
    if options.keeps_stems:
        check_folder(targets[0], overwrite=options.overwrite)


def beside(options: CleanOptions, targets: Sequence[Path], track: str = "") -> list[Path]:
    """The pages and records that are written beside results; several tracks of one result have their numbers."""
    pages = [page_path(target, track) for target in targets] if options.page else []
    records = [path for target in targets for path in record_paths(target, track)] if options.record else []
    return [*pages, *records]


def left_behind(options: CleanOptions, target: Path, tracks: Sequence[Job]) -> tuple[str, ...]:
    """What is to be said of pages and records of an earlier result of that name, which nobody asked to be made anew."""
    numbers = [str(job.track.number) for job in tracks] if len(tracks) > 1 else [""]
    made = [path for track in numbers for path in beside(options, [target], track)]
    every = dataclasses.replace(options, record=True, page=True)
    names = [
        path.name for track in numbers for path in beside(every, [target], track) if path not in made and path.exists()
    ]
    if not names:
        return ()
    those = f"{', '.join(names)} beside it {'is' if len(names) == 1 else 'are'}"
    return (f"{those} of an earlier result: --record and --page write them anew",)


def stem_paths(options: CleanOptions, target: Path) -> list[Path]:
    """The files in the folder of stems beside a result, if they are kept."""
    folder = stems_folder(target)
    return [folder / TABLE, *(folder / f"{name}.flac" for name in ABOUT)] if options.keeps_stems else []


def check_name(path: Path, hint: str) -> None:
    """Refuse a name that is too long for a file, or for the hidden one under which it is written.

    Raises:
        OutputError: if it is, with `hint`.
    """
    length = len(os.fsencode(path.name))
    if length > LONGEST_NAME:
        raise OutputError(f"{path}: this name is too long ({length} bytes, at most {LONGEST_NAME})", hint)


def told(rendered: Rendered, target: Path, spec: str | None, tracks: Sequence[int]) -> dict[str, Any]:
    """What a later run must know to make the same result: the options, and where the source lies.

    Args:
        rendered: one track.
        target: of the result.
        spec: the name of its specification, if it has one.
        tracks: the numbers of all the tracks that were cleaned.
    """
    job = rendered.take.job
    options, source = job.options, job.media.path.absolute()
    return {
        "source": str(source),
        "source_from_target": Path(os.path.relpath(source, target.absolute().parent)).as_posix(),
        "spec": spec,
        "engine": options.engine,
        "headroom_bits": rendered.grid.headroom_bits if rendered.grid else None,
        "track": job.track.number,
        "tracks": list(tracks),
        "keep_original": options.keep_original,
        "dialogue_track": options.dialogue_track,
        "codec": options.codec,
        "bit_rate": options.bit_rate,
        "drop_unsupported": options.drop_unsupported,
    }


def proof_of(take: Take) -> Proof:
    """The null test of a mix: its source and its samples compared, one by one."""
    job = take.job
    with job.stopwatch.stage("prove"):
        return prove(decode(job.media, job.track), take.mix.chunks("prove"), take.mix.changes, job.rate)


def keep(rendered: Sequence[Rendered], reports: Sequence[Report]) -> None:
    """Write what was asked for beside the results, which are finished by now.

    Args:
        rendered: one per cleaned track.
        reports: one per delivery and track, the tracks of a delivery together.
    """
    first = rendered[0]
    options = first.take.job.options
    for number, report in enumerate(reports):
        take = rendered[number % len(rendered)].take
        track = str(take.job.track.number) if len(rendered) > 1 else ""
        if options.record:
            write_record(report, track)
        if options.page:
            write_page(take, report, report.made, page_path(report.target, track))
    base = first.take.job.options.base
    if first.grid is not None and (base is None or base.stems is not None):
        _keep_stems(first, reports[0])


def _keep_stems(rendered: Rendered, report: Report) -> None:
    """Voice and bed belong to the track, residue and report to the result."""
    take, base = rendered.take, rendered.take.job.options.base
    if rendered.grid is None:
        return
    folder = stems_folder(report.target)
    known = base.stems if base is not None else None
    mixed = take.mix.chunks("stems")
    with take.job.stopwatch.stage("stems"):
        plan = take.mix.plan
        stems = write_stems(take.job, plan, rendered.voices, mixed, folder, rendered.grid, known=known)
    save_table(stems, folder, to_report_dict(report), fingerprint(report.target))
