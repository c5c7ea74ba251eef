"""The voices of a plan's cuts: separated once, kept in a spool, read back as often as needed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from mediaclean.analysis import TrackStats
from mediaclean.audio import Samples
from mediaclean.backends.registry import load_separator
from mediaclean.errors import OutputError
from mediaclean.job import Job
from mediaclean.media.staged import exists
from mediaclean.plan.as_json import to_dict
from mediaclean.plan.make import Plan, SeparateSettings
from mediaclean.progress import Progress
from mediaclean.render import Voices
from mediaclean.report import EngineUse
from mediaclean.result.stem_files import Grid
from mediaclean.separate import separate_cuts
from mediaclean.spool import Spool


def spool_folder(target: Path, track: int = 1) -> Path:
    """Where the voices of a track lie while a run lasts: a hidden folder beside its target."""
    return target.parent / f".{target.name}.{track}.mediaclean"


def remove_spools(target: Path, track: int = 1) -> None:
    """Delete what is kept of a run once its result is safe, and what an earlier one that was stopped left there.

    Raises:
        OutputError: if it cannot be deleted.
    """
    for spool in Spool.all_of(spool_folder(target, track)):
        spool.remove()


def was_stopped(target: Path) -> bool:
    """Whether a run for this target left something beside it: it was stopped before all that it writes was there."""
    name = re.compile(rf"{re.escape(f'.{target.name}.')}\d+\.mediaclean")
    try:
        return any(name.fullmatch(path.name) for path in target.parent.iterdir())
    except OSError:
        return False


def name_is_taken(target: Path) -> OutputError:
    """The refusal to replace a result; of a run that was stopped, stems, page or record may be missing beside it."""
    if not was_stopped(target):
        return exists(target)
    message = f"{target}: exists already, and a run for it was stopped before its end"
    return OutputError(message, "--overwrite takes that run up and replaces the result")


def separate_voices(
    job: Job, plan: Plan, stats: TrackStats, folder: Path, note: Callable[[str], None], *, grid: Grid | None = None
) -> tuple[Voices, EngineUse | None]:
    """Separate what the plan wants separated, or take it from the spool of a run that was stopped.

    Without cuts nothing is loaded and nothing is written. With a grid the voices lie on it, so that they can be kept.

    Returns:
        the voices by cut, and the engine that made them.
    """
    if not plan.cuts:
        return _no_voices, None
    settings = job.preset.separate or SeparateSettings()

    def notice(message: str) -> None:
        note(message)
        job.watch(Progress("separate", 0.0, None, message))

    separator, reason = load_separator(
        job.options.engine,
        device=job.options.device,
        model=settings.model,
        stats=stats,
        folder=job.options.models,
        notes=notice,
        watch=job.watch,
    )
    spans = [cut.span for cut in plan.cuts]
    table = to_dict(plan)
    key = {"source": job.fingerprint(), "cuts": table["cuts"], "engine": separator.identity}
    if grid is not None:
        key["grid"] = grid.headroom_bits
    if plan.repairs:
        key["mended"] = [table["repairs"], table["hum"], asdict(job.mends)]
    separated = job.track.channels if job.track.centre is None else 1  # silent channels take no room
    needed = sum(span.length for span in spans) * separated * 4
    spool = Spool.open(folder, key, needed=needed)
    results = separate_cuts(
        job.mending(plan).sound(),
        spans,
        separator,
        rate=job.rate,
        length=plan.length,
        centre=job.track.centre,
        done=spool.done,
        watch=job.watch,
    )
    for index, voice in results:
        spool.put(index, voice if grid is None else grid.voice(voice))
    return spool.get, EngineUse(separator.identity, separator.device, reason, separator.weights)


def _no_voices(index: int) -> Samples:
    raise LookupError(f"there is no cut {index}")
