"""The plan of a run: what the sound decides, and for room tone where the picture is cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from mediaclean.analysis import Analysis
from mediaclean.audio import Span, merge
from mediaclean.job import Job
from mediaclean.media import picture_cuts
from mediaclean.plan.make import Plan, make_plan
from mediaclean.roomtone.same_shot import ambience_varies, places, windows, with_shots


def decide(job: Job, analysis: Analysis, *, near: Sequence[Span] | None = None) -> Plan:
    """The plan for a job's track, with a tone for every shot that needs its own.

    The picture is looked at only where tone will be heard, and only if the sound's quiet is not the same throughout.

    Args:
        near: where somebody will listen, if not everywhere; shots elsewhere get the tone of the whole track.
    """
    plan = _where_to_look(make_plan(analysis, job.preset, engine=job.options.engine), job)
    settings = job.preset.room_tone
    if settings is None or not settings.same_shot or job.media.video is None:
        return plan
    needs = places(plan, job.preset.duck, settings)
    if near is not None:
        needs = merge(part for need in needs for span in near if (part := need.clip(span.start, span.stop)))
    if not needs or not ambience_varies(analysis, plan, needs, settings):
        return plan
    with job.stopwatch.stage("look"):
        cuts = cuts_of(job, windows(needs, plan.rate, plan.length))
    return with_shots(plan, analysis, [cut for cut in cuts if cut < plan.length], needs, settings)


def _where_to_look(plan: Plan, job: Job) -> Plan:
    """Surround without speech may have its dialogue elsewhere than in the centre, which alone is listened to."""
    if plan.phrases or job.track.centre is None:
        return plan
    note = (
        f"speech of {job.track.layout} is looked for in the centre alone: where it is in other channels, "
        "mix the track down to stereo first"
    )
    return replace(plan, notes=(*plan.notes, note))


def cuts_of(job: Job, within: list[Span]) -> list[int]:
    """The first samples of the shots that begin inside some spans of the track."""
    start_s, rate = job.track.start_s, job.rate
    stretches = [(start_s + Fraction(span.start, rate), start_s + Fraction(span.stop, rate)) for span in within]
    return [round((cut - start_s) * rate) for cut in picture_cuts(job.media, stretches)]
