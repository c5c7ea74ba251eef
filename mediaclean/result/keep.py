"""What stays beside a result on demand: its stems, its change record, its page; and what a later run must be told."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mediaclean.errors import PresetError
from mediaclean.job import Job
from mediaclean.level import Take
from mediaclean.media import decode
from mediaclean.rendering import Rendered
from mediaclean.report import Report, to_report_dict
from mediaclean.result.changes import Proof, prove
from mediaclean.result.page import page_path, write_page
from mediaclean.result.record import write_record
from mediaclean.result.stem_files import stems_folder
from mediaclean.result.stems import check_folder, save_table, write_stems


def check_keeping(jobs: Sequence[Job], targets: Sequence[Path]) -> None:
    """Refuse before any work what cannot be kept.

    Raises:
        PresetError: if stems of several tracks are asked for.
        OutputError: if something lies there already.
    """
    options = jobs[0].options
    if options.residual and len(jobs) > 1:
        raise PresetError("--residual keeps the stems of one track", "clean the tracks one by one with --track")
    if options.keeps_stems:
        check_folder(targets[0], overwrite=options.overwrite)


def told(rendered: Rendered, target: Path, spec: str | None) -> dict[str, Any]:
    """What a later run must know to make the same result: the options, and where the source lies."""
    job = rendered.take.job
    options, source = job.options, job.media.path.absolute()
    return {
        "source": str(source),
        "source_from_target": Path(os.path.relpath(source, target.absolute().parent)).as_posix(),
        "spec": spec,
        "engine": options.engine,
        "headroom_bits": rendered.grid.headroom_bits if rendered.grid else None,
        "track": job.track.number,
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
            earlier = number % len(rendered) if options.keep_original else 0
            write_page(take, report, take.job.track.number - 1 + earlier, page_path(report.target, track))
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
    save_table(stems, folder, to_report_dict(report))
