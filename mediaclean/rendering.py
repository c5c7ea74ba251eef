"""A track listened to, planned, separated and mixed: what all deliveries of a run share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from mediaclean.analysis import Analysis
from mediaclean.deciding import decide
from mediaclean.errors import PresetError
from mediaclean.job import Job
from mediaclean.level import Take
from mediaclean.listening import listen
from mediaclean.loudness.normalise import LoudnessSettings
from mediaclean.mixing import make_mix
from mediaclean.other_engine import other_engine
from mediaclean.plan.make import Plan
from mediaclean.render import Voices
from mediaclean.report import EngineUse
from mediaclean.result.stem_files import Grid, grid_for
from mediaclean.settings import build
from mediaclean.voices import separate_voices


@dataclass(frozen=True, eq=False)
class Rendered:
    """What all deliveries of a track share."""

    take: Take
    voices: Voices
    engine: EngineUse | None
    notes: tuple[str, ...]
    grid: Grid | None = None


def render(job: Job, folder: Path) -> Rendered:
    """Listen, plan, separate, mix."""
    notes: list[str] = []
    if job.options.plan is not None:
        with_level(job, job.options.plan)  # a level that cannot be is told before hours of work
    analysis = listen(job)
    plan = job.options.plan or decide(job, analysis)
    check_plan(plan, analysis)
    job = job.mending(plan)
    with job.stopwatch.stage("separate"):
        grid = grid_for(analysis.loudness.sample_peak_dbfs) if job.options.residual else None
        voices, engine = separate_voices(job, plan, analysis.stats, folder, notes.append, grid=grid)
    with job.stopwatch.stage("mix"):
        main = engine.identity if engine else ""
        other = other_engine(job, plan, analysis.stats, folder, main=main, note=notes.append)
        mix = make_mix(job, plan, voices, ledger=job.preset.ledger, other=other)
    take = Take(with_level(job, plan), mix, analysis)
    return Rendered(take, voices, engine, tuple(notes), grid)


def with_level(job: Job, plan: Plan) -> Job:
    """The job with the plan's level, which somebody may have edited, in place of the preset's."""
    if plan.level is None:
        return replace(job, preset=replace(job.preset, loudness=None))
    level = {"target_lufs": plan.level.target_lufs, "ceiling_dbtp": plan.level.ceiling_dbtp}
    settings = build(LoudnessSettings, level, name="plan.level", base=job.preset.loudness)
    return replace(job, preset=replace(job.preset, loudness=settings))


def check_plan(plan: Plan, analysis: Analysis) -> None:
    if plan.rate != analysis.rate or plan.length != analysis.length:
        raise PresetError(
            f"the plan is for {plan.length} samples at {plan.rate} Hz, the track has {analysis.length} at "
            f"{analysis.rate} Hz",
            "make a new one with --plan-only",
        )
