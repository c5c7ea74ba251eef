"""Passages of a track with every dose of the bed: separated once, mixed from the same voices.

What a passage sounds like here is what `clean` would give at that place. So that it is, more is heard than the passage:
the whole of every phrase that reaches into it, because a dip rides to the loudness of its whole phrase.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from mediaclean.analysis import Analysis
from mediaclean.audio import Block, Picker, Samples, Span, merge
from mediaclean.backends.registry import load_separator
from mediaclean.bed.auto import HOLD_S
from mediaclean.bed.dips import DipsHeard
from mediaclean.bed.duck import DuckSettings, GainCurve, reach_of
from mediaclean.bed.singing import NoteEar
from mediaclean.deciding import decide
from mediaclean.errors import PresetError
from mediaclean.job import Job
from mediaclean.ledger import Grounds, Ledger, LedgerSettings
from mediaclean.mixing import (
    early_stages,
    hear_dips,
    learn_tone,
    settle_dips,
    settle_voice,
    tone_spans,
    voice_stages,
)
from mediaclean.plan.make import Cut, Plan, SeparateSettings
from mediaclean.polish import through
from mediaclean.preset import Preset
from mediaclean.progress import Progress
from mediaclean.render import CleanSpeech, Voices, bed_curve, mixdown, split
from mediaclean.report import EngineUse
from mediaclean.roomtone.fill import ToneFiller
from mediaclean.roomtone.shots import Tone
from mediaclean.roomtone.sources import RoomToneSettings
from mediaclean.selfrepair import heal
from mediaclean.separate import separate_cuts
from mediaclean.settings import build, suggest

DOSES = ("leave", "duck", "reduce", "remove", "auto")
"""From nothing to everything, and the lightest that is enough, phrase by phrase."""

REACH = 0.25
"""How far beyond a passage its phrases are followed, as a share of its length: this bounds the cost."""
MARGIN_S = 0.1
"""Around what is separated: room for the cross-fade of a cut that goes on."""
WARM_S = 1.0
"""Sound before the first measured sample, for the K-weighting to settle."""
GRID_S = 4
"""What is heard begins on whole multiples of this, which are whole frames of the analysis at every rate."""


@dataclass(frozen=True, eq=False)
class Dosed:
    """A passage as it was and with every dose, (channels, n) each; the bed's gain and what the ledger holds against a
    dose belong to the track's clock."""

    span: Span
    original: Samples
    mixes: Mapping[str, Samples]
    gains: Mapping[str, GainCurve]
    ledgers: Mapping[str, Ledger]


@dataclass(frozen=True, eq=False)
class Dosing:
    """All passages, and what it took; a passage is mixed when it is asked for."""

    passages: Iterator[Dosed]
    plans: Mapping[str, Plan]
    engine: EngineUse | None
    separated_s: float


def check_doses(doses: Sequence[str]) -> tuple[str, ...]:
    """The doses without repetition, in the order in which they were asked for.

    Raises:
        PresetError: for an unknown one, or none.
    """
    for dose in doses:
        if dose not in DOSES:
            raise PresetError(f"--doses {dose}: no such dose{suggest(dose, DOSES)}", f"--doses {','.join(DOSES)}")
    if not doses:
        raise PresetError("--doses names no dose", f"--doses {','.join(DOSES)}")
    return tuple(dict.fromkeys(doses))


def with_dose(preset: Preset, dose: str) -> Preset:
    """The preset with another treatment of the bed, all else kept."""
    return replace(preset, duck=build(DuckSettings, {"mode": dose}, name="duck", base=preset.duck))


def render_doses(job: Job, analysis: Analysis, spans: Sequence[Span], doses: Sequence[str]) -> Dosing:
    """Mix every span with every dose.

    Args:
        job: its preset says all but the dose.
        analysis: of the whole track.
        spans: disjoint, in any order.
        doses: what `check_doses` let through.

    Raises:
        BackendError, DeviceError: as `clean` does.
    """
    asked = {dose: replace(job, preset=with_dose(job.preset, dose)) for dose in doses}
    plans = {dose: decide(each, analysis, near=spans) for dose, each in asked.items()}
    source, job = job, job.mending(plans[doses[0]])  # what is mended is the same for all doses
    jobs = {dose: each.mending(plans[dose]) for dose, each in asked.items()}
    widest = jobs.get("auto", jobs[doses[0]]).preset
    heard = [_heard(span, list(plans.values()), widest) for span in spans]
    cuts = _clipped(max((plan.cuts for plan in plans.values()), key=len), merge(heard))
    wide = [_warm(span, analysis.length, job.rate) for span in heard]
    toned = {dose: plan for dose, plan in plans.items() if job.preset.room_tone and (plan.dips or plan.holes)}
    sources = list(dict.fromkeys(span for plan in toned.values() for span in tone_spans(plan)))
    with job.stopwatch.stage("separate"):
        voices, engine, picked = _separate(job, cuts, analysis, [*wide, *sources])
    with job.stopwatch.stage("mix"):
        sounds, quiet = picked[: len(wide)], dict(zip(sources, picked[len(wide) :], strict=True))
        originals = source.spans(wide) if job.repairs else sounds
        tones = _tones(job, toned, quiet)

    def passages() -> Iterator[Dosed]:
        done_s, total_s = 0.0, len(plans) * sum(span.length for span in spans) / job.rate
        job.watch(Progress("mix", done_s, total_s))
        for span, inside, warm, sound, original in zip(spans, heard, wide, sounds, originals, strict=True):
            here = slice(span.start - warm.start, span.stop - warm.start)
            made = {}
            with job.stopwatch.stage("mix"):
                first = replace(plans[doses[0]], cuts=cuts)
                separated = _Separated(job, _finished(job, first, voices, Block(warm.start, sound, sound)))
                for dose, plan in plans.items():
                    known = replace(plan, cuts=cuts)
                    made[dose] = _mix(jobs[dose], known, separated, span, inside, tones.get(dose))
                    done_s = min(done_s + span.length / job.rate, total_s)
                    job.watch(Progress("mix", done_s, total_s))
            yield Dosed(
                span,
                original[:, here],
                {dose: version.mix[:, here] for dose, version in made.items()},
                {dose: version.gains for dose, version in made.items()},
                {dose: version.ledger.over([span]) for dose, version in made.items()},
            )

    return Dosing(passages(), plans, engine, sum(cut.span.length for cut in cuts) / job.rate)


def _near(span: Span, preset: Preset, rate: int) -> Span:
    """The passage with what a dip beside it can do to it: ramps, and the bridge to the next dip."""
    duck = preset.duck or DuckSettings()
    hold_s = HOLD_S if duck.mode == "auto" else 0.0
    around = max(reach_of(duck, rate), round(hold_s * rate)) + _edge(preset, rate)
    return Span(max(0, span.start - around), span.stop + around)


def _edge(preset: Preset, rate: int) -> int:
    """How far a dip may begin before the phrase that it is planned for, and end after it."""
    return round((preset.separate or SeparateSettings()).edge_s * rate)


def _heard(span: Span, plans: Sequence[Plan], preset: Preset) -> Span:
    """What must be separated for a passage: itself, and the phrases that reach into it, within bounds."""
    plan = plans[0]
    near, reach = _near(span, preset, plan.rate), round(REACH * span.length)
    margin = round(MARGIN_S * plan.rate) + _edge(preset, plan.rate)
    riding = [dip.span for each in plans for dip in each.dips if dip.gain_db is None and dip.span.overlaps(near)]
    start = max(min([span.start, *(dip.start for dip in riding)]) - margin, span.start - reach, 0)
    stop = min(max([span.stop, *(dip.stop for dip in riding)]) + margin, span.stop + reach, plan.length)
    return Span(start, stop)


def _warm(heard: Span, length: int, rate: int) -> Span:
    """What is decoded for it."""
    warm, grid = round(WARM_S * rate), GRID_S * rate
    return Span(max(0, heard.start - warm) // grid * grid, min(length, heard.stop + warm))


def _clipped(cuts: Sequence[Cut], heard: Sequence[Span]) -> tuple[Cut, ...]:
    parts = ((cut.span.clip(span.start, span.stop), cut.reason) for span in heard for cut in cuts)
    return tuple(Cut(part, reason) for part, reason in parts if part is not None)


def _separate(
    job: Job, cuts: Sequence[Cut], analysis: Analysis, wanted: Sequence[Span]
) -> tuple[Voices, EngineUse | None, list[Samples]]:
    """The voice of every cut, held in memory because a passage is short, and the sound of some spans, in one pass."""
    picker = Picker(wanted, job.track.channels)
    sound = picker.through(job.sound())
    voices: dict[int, Samples] = {}
    engine = None
    if cuts:
        separator, reason = load_separator(
            job.options.engine,
            device=job.options.device,
            model=(job.preset.separate or SeparateSettings()).model,
            stats=analysis.stats,
            folder=job.options.models,
            notes=lambda message: job.watch(Progress("separate", 0.0, None, message)),
            watch=job.watch,
        )
        voices.update(
            separate_cuts(
                sound,
                [cut.span for cut in cuts],
                separator,
                rate=job.rate,
                length=analysis.length,
                centre=job.track.centre,
                watch=job.watch,
            )
        )
        engine = EngineUse(separator.identity, separator.device, reason)
    while not picker.complete and next(sound, None) is not None:
        pass
    return voices.__getitem__, engine, picker.sounds()


def _tones(job: Job, plans: Mapping[str, Plan], heard: Mapping[Span, Samples]) -> dict[str, Tone]:
    """The room's tone for every dose that needs it; learned once where plans agree on where to learn it."""
    learned: dict[tuple[object, ...], Tone] = {}
    for plan in plans.values():
        if (plan.tone_sources, plan.shots) not in learned:
            learned[plan.tone_sources, plan.shots] = learn_tone(job, plan, heard)
    return {dose: learned[plan.tone_sources, plan.shots] for dose, plan in plans.items()}


@dataclass(frozen=True, eq=False)
class _Separated:
    """The separated and finished sound around a passage, the same for all doses: it is short."""

    job: Job
    blocks: Sequence[Block]
    grounds: Grounds = field(default_factory=dict)

    @property
    def start(self) -> int:
        return self.blocks[0].start

    @cached_property
    def heard(self) -> DipsHeard:
        return hear_dips(self.job, self.blocks, NoteEar(self.job.rate, self.job.downmix), start=self.start)

    def again(self, _: str) -> Iterator[Block]:
        """From the first block on, for any stage."""
        return iter(self.blocks)


def _finished(job: Job, plan: Plan, voices: Voices, sound: Block) -> list[Block]:
    """The sound around a passage in voice and bed, with what is done to the voice."""
    preset = replace(job.preset, phrases=None)  # phrases are ridden to the whole track, of which a passage knows little
    fade = job.fade

    def separated(_: str) -> Iterator[Block]:
        return through(split([sound.mix], plan, voices, fade, start=sound.start), early_stages(job, plan, fade))

    finishing = voice_stages(settle_voice(plan, replace(job, preset=preset), fade, separated), job, fade)
    return list(through(separated(""), finishing))


@dataclass(frozen=True, eq=False)
class _Version:
    """One dose of what is heard around a passage."""

    mix: Samples
    gains: GainCurve
    ledger: Ledger


def _mix(job: Job, plan: Plan, sound: _Separated, span: Span, heard: Span, synth: Tone | None) -> _Version:
    """One dose over the sound around a passage, made lighter where the ledger says so."""
    preset = job.preset
    settled = _settled(job, plan, sound, span, heard)
    judging = preset.ledger or LedgerSettings(repair="none")
    settled, ledger = heal(job, settled, sound.again, judging, start=sound.start, inside=heard, grounds=sound.grounds)
    gains = bed_curve(settled, preset.duck, job.rate)
    filler = ToneFiller(synth, plan.holes, preset.room_tone or RoomToneSettings()) if synth else None
    mix = np.concatenate(list(mixdown(sound.blocks, gains, filler, CleanSpeech.of(plan, job.fade))), axis=1)
    return _Version(mix, gains, ledger or Ledger(job.rate))


def _settled(job: Job, plan: Plan, sound: _Separated, span: Span, heard: Span) -> Plan:
    """The plan with those dips that matter to a passage, and their gains; all others are far away."""
    near = _near(span, job.preset, job.rate)
    dips = sorted((dip for dip in plan.dips if dip.span.overlaps(near)), key=lambda dip: dip.span)
    if all(dip.gain_db is not None for dip in dips):
        return replace(plan, dips=tuple(dips))
    audible = [(dip, dip.span.clip(heard.start, heard.stop)) for dip in dips]
    dips = [dip for dip, part in audible if part]
    parts = [part for _, part in audible if part]
    return settle_dips(job, replace(plan, dips=tuple(dips)), parts, sound.heard)
