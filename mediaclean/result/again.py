"""A finished result made again: the whole of it at another dose, or some spans with other settings.

What was separated then is not separated again where its stems are there; where they are not, and only for spans, the
network is asked again, which gives the same voices.
"""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mediaclean.analysis import Analysis
from mediaclean.audio import Samples, Span, merge, within
from mediaclean.bed.duck import DuckSettings, reach_of
from mediaclean.deciding import decide
from mediaclean.errors import PresetError
from mediaclean.job import Job
from mediaclean.ledger import Ledger, LedgerSettings
from mediaclean.level import Held, Take
from mediaclean.listening import listen
from mediaclean.mixing import Mix, make_mix
from mediaclean.other_engine import OtherEngine, other_engine
from mediaclean.plan.make import Plan
from mediaclean.preset import Preset
from mediaclean.progress import ignore
from mediaclean.render import Voices
from mediaclean.rendering import Rendered, check_plan, with_level
from mediaclean.report import EngineUse
from mediaclean.result.base import Base
from mediaclean.result.changes import replaced
from mediaclean.result.patch import FADE_S, Patch, read_spans_of, spliced
from mediaclean.result.stem_files import TABLE, stems_folder
from mediaclean.result.stems import restore, uncovered
from mediaclean.voices import separate_voices

BEFORE = ("speech", "declip", "declick", "hum", "separate")
"""The tables of a preset that decide what the network hears and where. What was separated stays separated there."""


def same_before(preset: Preset, base: Base) -> Preset:
    """The preset with those tables as the result was made with."""
    tables = {name: getattr(base.preset, name) for name in BEFORE}
    return dataclasses.replace(preset, **tables)


def _check_mended_alike(preset: Preset, then: Preset) -> None:
    """The stems are of the recording as it was mended then.

    Raises:
        PresetError: if it is to be mended otherwise now.
    """
    for stage in ("declip", "declick", "hum"):
        if getattr(preset, stage) != getattr(then, stage):
            raise PresetError(
                f"{stage} comes before separation, and the stems are of the recording as it was mended then",
                "mediaclean clean INPUT --residual, with this setting",
            )


def render_again(job: Job, base: Base, folder: Path) -> Rendered:
    """Listen, plan and mix anew from the voices of an earlier result.

    Raises:
        PresetError: if the stems lack what the settings need, or the plan is another track's.
        MediaError: if the source or a stem changed.
    """
    if not job.options.only:
        _check_mended_alike(job.preset, base.preset)
    analysis = listen(job)
    check_plan(base.plan, analysis)
    return _spans(job, base, folder, analysis) if job.options.only else _whole(job, base, folder, analysis)


def _whole(job: Job, base: Base, folder: Path, analysis: Analysis) -> Rendered:
    if base.stems is None and (stems_folder(base.target) / TABLE).is_file():
        raise PresetError(
            f"{base.table.name} is a report; the stems lie beside its result",
            f"mediaclean remix {shlex.quote(str(base.target))}, with the same options",
        )
    if base.stems is None:
        raise PresetError(
            f"{base.target.name} has no stems: another dose means separating again",
            "mediaclean clean INPUT --residual, or name spans with --only",
        )
    plan = decide(job, analysis)
    with job.stopwatch.stage("restore"):
        spool = restore(job, plan, base.stems, folder)
    with job.stopwatch.stage("mix"):
        mix = make_mix(job, plan, spool.get, ledger=job.preset.ledger)
    take = Take(with_level(job, plan), mix, analysis)
    return Rendered(take, spool.get, base.engine, _unasked(job, base), base.grid)


def _spans(job: Job, base: Base, folder: Path, analysis: Analysis) -> Rendered:
    """The result as it was, and the new settings inside the spans."""
    spans = read_spans_of(job.options.only, job.rate, analysis.length)
    then = dataclasses.replace(job, preset=base.preset)
    notes: list[str] = []
    source = _Voices(then, base, folder, analysis, notes)
    with job.stopwatch.stage("separate"):
        voices = source.of_base()
    settings = job.preset.ledger
    only_judging = None if settings is None else dataclasses.replace(settings, repair="none")
    first = make_mix(then, base.plan, voices, ledger=only_judging, other=source.other(then, base.plan))
    mix = first
    for patch in base.patches:
        mix = _patched(mix, source.mix(patch.preset, patch.plan, only_judging), patch, job.rate)
    new = source.mix(job.preset, _near(decide(job, analysis), spans, base, job.preset), settings)
    mix = _patched(mix, new, Patch(spans, job.preset, new.plan), job.rate)
    if not source.has_separated:
        notes.extend(_unasked(job, base))
    level = with_level(then, base.plan)
    take = Take(level, mix, analysis, Held(base.gain_db, base.ceiling_dbtp, first))
    return Rendered(take, voices, source.engine, tuple(notes), base.grid)


def _unasked(job: Job, base: Base) -> tuple[str, ...]:
    """What is to be said of another engine than the result's, where all voices come from its stems."""
    wanted = job.options.engine
    if base.engine is None or wanted in ("auto", "none") or base.engine.identity.startswith(wanted):
        return ()
    return (f"nothing is separated again: the voice in the stems is by {base.engine.identity}, not by {wanted}",)


@dataclass
class _Voices:
    """The voices of an earlier result and of whatever is done again: from stems where they are, else separated."""

    job: Job
    base: Base
    folder: Path
    analysis: Analysis
    notes: list[str]

    def __post_init__(self) -> None:
        self._made_so_far = 0
        self.has_separated = False
        self.engine: EngineUse | None = self.base.engine
        self._cuts = [cut.span for cut in self.base.plan.cuts]
        self._known: Voices = _none

    def of_base(self) -> Voices:
        """Of the result's own plan."""
        self._known = self._made(self.job, self.base.plan, self.folder)
        return self._known

    def mix(self, preset: Preset, plan: Plan, ledger: LedgerSettings | None) -> Mix:
        """Other settings, from the same voices where the cuts lie inside those of the result."""
        job = dataclasses.replace(self.job, preset=preset)
        quiet = dataclasses.replace(job, watch=ignore)  # the mix that it goes into tells of the progress
        spans = [cut.span for cut in plan.cuts]
        if not uncovered(spans, self._cuts) and _mends(plan) == _mends(self.base.plan):
            voices = _parts(spans, self._cuts, self._known)
            return make_mix(quiet, plan, voices, ledger=ledger, other=self.other(quiet, plan))
        folder = self.folder.with_name(f"{self.folder.name}.{self._made_so_far}")
        with job.stopwatch.stage("separate"):
            voices = self._made(job, plan, folder)
        return make_mix(quiet, plan, voices, ledger=ledger, other=self.other(quiet, plan))

    def other(self, job: Job, plan: Plan) -> OtherEngine | None:
        """What separates passages again: those of the plan, and new ones that need it."""
        main = self.engine.identity if self.engine else ""
        stats, note = self.analysis.stats, self.notes.append
        return other_engine(job.mending(plan), plan, stats, self.folder, main=main, note=note)

    def _made(self, job: Job, plan: Plan, folder: Path) -> Voices:
        stems = self.base.stems
        self._made_so_far += 1
        is_there = stems is not None and not uncovered([cut.span for cut in plan.cuts], stems.cuts)
        if stems is not None and is_there and _mends(plan) == _mends(self.base.plan):
            return restore(job, plan, stems, folder).get
        stats, grid = self.analysis.stats, self.base.grid
        voices, engine = separate_voices(job, plan, stats, folder, self.notes.append, grid=grid)
        self.has_separated = True
        if plan is self.base.plan:
            self._check_engine(engine)
        self.engine = engine or self.engine
        return voices

    def _check_engine(self, now: EngineUse | None) -> None:
        then = self.base.engine
        if then is not None and (now is None or now.identity != then.identity):
            by = "nothing" if now is None else now.identity
            raise PresetError(
                f"{self.base.target.name} was separated by {then.identity}, here it is by {by}: more "
                "than the spans would change",
                "clean it anew, and keep the voice for remixes: mediaclean clean INPUT --residual",
            )


def _mends(plan: Plan) -> object:
    """What is mended before the network hears the sound."""
    return plan.repairs.of("declip"), plan.repairs.of("declick"), plan.repairs.lines


def _none(index: int) -> Samples:
    raise LookupError(f"there is no cut {index}")


def _parts(spans: Sequence[Span], known: Sequence[Span], voices: Voices) -> Voices:
    """The voices of cuts that lie inside known ones."""
    if list(spans) == list(known):
        return voices

    def pieces(span: Span) -> Iterator[Samples]:
        for index, whole in within(known, span.start, span.stop):
            yield voices(index)[:, max(0, span.start - whole.start) : span.stop - whole.start]

    return lambda index: np.concatenate(list(pieces(spans[index])), axis=1)


def _near(plan: Plan, spans: Sequence[Span], base: Base, preset: Preset) -> Plan:
    """The plan without the cuts that nobody hears: far from the spans, and not separated before."""
    duck = preset.duck or DuckSettings()
    around = max(reach_of(duck, plan.rate), round(FADE_S * plan.rate))
    near = [Span(max(0, span.start - around), span.stop + around) for span in spans]
    near = merge([*near, *(dip.span for dip in plan.dips if any(dip.span.overlaps(span) for span in near))])
    known = [cut.span for cut in base.plan.cuts]

    def is_near(span: Span) -> bool:
        return any(span.overlaps(each) for each in near)

    cuts = tuple(cut for cut in plan.cuts if is_near(cut.span) or not uncovered([cut.span], known))
    if len(cuts) == len(plan.cuts):
        return plan
    return dataclasses.replace(plan, cuts=cuts, dips=tuple(dip for dip in plan.dips if is_near(dip.span)))


def _patched(old: Mix, new: Mix, patch: Patch, rate: int) -> Mix:
    """The old mix with the new one inside the patch's spans."""
    fade, length = round(FADE_S * rate), old.plan.length

    def chunks(stage: str) -> Iterator[Samples]:
        return spliced(old.chunks(stage), new.chunks(stage), patch.spans, fade, rate)

    changes = replaced(old.changes, new.changes, patch.spans, fade, length)
    return dataclasses.replace(
        old,
        chunks=chunks,
        changes=changes,
        patches=(*old.patches, patch),
        regained=(*old.regained, new.gains),
        ledger=_joined(old.ledger, new.ledger, patch.spans),
    )


def _joined(old: Ledger | None, new: Ledger | None, spans: Sequence[Span]) -> Ledger | None:
    """What the new ledger says of the spans, and the old one of all else."""
    if old is None or new is None:
        return None

    def inside(span: Span) -> bool:
        return any(span.overlaps(each) for each in spans)

    marks = [mark for mark in old.marks if not inside(mark.span)] + [mark for mark in new.marks if inside(mark.span)]
    repairs = [row for row in old.repairs if not inside(row.span)] + [row for row in new.repairs if inside(row.span)]
    return dataclasses.replace(
        old,
        marks=tuple(sorted(marks, key=lambda mark: mark.span)),
        repairs=tuple(sorted(repairs, key=lambda repair: repair.span)),
    )
