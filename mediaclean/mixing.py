"""From a plan and the voices of its cuts to a mixdown that can be played as often as needed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from mediaclean.audio import Block, Samples, Span, merge
from mediaclean.backends.detector import load_detector
from mediaclean.bed.auto import Measured, settle_plan
from mediaclean.bed.confirm import VoiceEar
from mediaclean.bed.dips import DipEar, DipsHeard, divided, has_voice, is_song, left_alone, ride
from mediaclean.bed.duck import DuckSettings, GainCurve
from mediaclean.bed.singing import NoteEar
from mediaclean.errors import PresetError
from mediaclean.job import Job
from mediaclean.ledger import Ledger, LedgerSettings
from mediaclean.other_engine import OtherEngine, passages_of, replaced
from mediaclean.plan.make import Cut, Plan, PlannedDip, SeparateSettings, with_gains
from mediaclean.plan.notes import song_notes
from mediaclean.polish import BlockStage, through
from mediaclean.polish.chain import Voiced, settle, stages
from mediaclean.render import CleanSpeech, Voices, bed_curve, mixdown, split
from mediaclean.repair.dereverb import DereverbSettings, dereverb
from mediaclean.report import ToneUse
from mediaclean.result.changes import Change, declared, planned
from mediaclean.result.patch import Patch
from mediaclean.roomtone.fill import ToneFiller
from mediaclean.roomtone.model import ToneModel, ToneSynth, floor_model, learn
from mediaclean.roomtone.shots import ShotSynth, Tone
from mediaclean.roomtone.sources import RoomToneSettings
from mediaclean.selfrepair import heal


@dataclass(frozen=True)
class Mix:
    """A resolved plan, ready to sound. `chunks(stage)` starts it from the first sample, as often as asked."""

    plan: Plan
    tone: ToneUse | None
    gains: GainCurve
    filled: tuple[Span, ...]
    chunks: Callable[[str], Iterator[Samples]]
    changes: tuple[Change, ...] = ()
    patches: tuple[Patch, ...] = ()
    regained: tuple[GainCurve, ...] = ()
    ledger: Ledger | None = None

    def bed_gain(self, position: int) -> float:
        """The bed's linear gain at a sample; inside a patch that of the patch, whose curve is in `regained`."""
        gains = self.gains
        for patch, again in zip(self.patches, self.regained, strict=True):
            if any(span.start <= position < span.stop for span in patch.spans):
                gains = again
        return float(gains.at(position, 1)[0])

    @property
    def changes_sound(self) -> bool:
        """Whether anything but the level changes, here or where it was done again."""
        return self.plan.changes_sound or any(patch.plan.changes_sound for patch in self.patches)

    def changed(self) -> list[Span]:
        """Where the mix may differ from the source: the spans of all its changes."""
        return declared(self.changes)


def make_mix(
    job: Job, plan: Plan, voices: Voices, *, ledger: LedgerSettings | None = None, other: OtherEngine | None = None
) -> Mix:
    """Settle what could not be known before separation, and learn the room's tone.

    The riding dips get their gains here, from the loudness of the separated voice and bed under each phrase. With
    `ledger` the result is judged, and done again where that helps, by `other` too where a lighter dose does not.
    """
    job = job.mending(plan)
    fade = job.fade

    early = early_stages(job, plan, fade)  # on the separated voice, before its finishing is settled

    def separated(stage: str) -> Iterator[Block]:
        return through(split(job.chunks(stage, plan.length), plan, voices, fade), early)

    finished = settle_voice(plan, job, fade, separated)
    finishing = [*early, *voice_stages(finished, job, fade)]

    def first(stage: str) -> Iterator[Block]:
        return through(split(job.chunks(stage, plan.length), plan, voices, fade), finishing)

    settled, judged = heal(job, _settle(job, finished, first), first, ledger, other=other)
    beds = other.beds(passages_of(settled)) if other else {}

    def blocks(stage: str) -> Iterator[Block]:
        return replaced(first(stage), beds, fade) if beds else first(stage)

    gains = bed_curve(settled, job.preset.duck, job.rate)
    needed = bool(settled.holes) or len(gains.positions) > 0
    synth = None
    if job.preset.room_tone and needed:
        sources = tone_spans(settled)
        synth = learn_tone(job, settled, dict(zip(sources, job.spans(sources), strict=True)))
    filler = ToneFiller(synth, settled.holes, job.preset.room_tone) if synth and job.preset.room_tone else None

    def chunks(stage: str) -> Iterator[Samples]:
        needs_voice = bool(finishing) or len(gains.positions) > 0
        if filler is None and not needs_voice:
            return job.chunks(stage, plan.length)
        source = blocks(stage) if needs_voice else _whole(job.chunks(stage, plan.length))
        return mixdown(source, gains, filler, CleanSpeech.of(settled, fade))

    tone = tone_use(synth, settled) if synth else None
    filled = tuple(filler.spans()) if filler else ()
    return Mix(settled, tone, gains, filled, chunks, planned(settled, gains, filled), ledger=judged)


def early_stages(job: Job, plan: Plan, fade: int) -> list[BlockStage]:
    """What is done to the separated voice before anything is decided from it: reverberation."""
    rows = plan.repairs.of("dereverb")
    settings = job.preset.dereverb or DereverbSettings()
    cuts = [cut.span for cut in plan.cuts]
    if not rows:
        return []
    centre = job.track.centre
    return [partial(dereverb, rows=rows, rate=job.rate, settings=settings, centre=centre, cuts=cuts, fade=fade)]


def settle_voice(plan: Plan, job: Job, fade: int, separated: Callable[[str], Iterator[Block]]) -> Plan:
    """The plan with what is done to the voice, heard from the separated sound where the plan leaves it open."""
    if plan.voice_gains is not None:
        return plan
    settled = settle(separated("polish"), _voiced(plan, job, fade), job.preset)
    return dataclasses.replace(plan, voice_gains=settled.rows, notes=(*plan.notes, *settled.notes))


def voice_stages(plan: Plan, job: Job, fade: int) -> list[BlockStage]:
    """What brings a settled plan's gains of the voice to sound."""
    return stages(plan.voice_gains or (), _voiced(plan, job, fade))


def _voiced(plan: Plan, job: Job, fade: int) -> Voiced:
    return Voiced(job.rate, job.downmix, plan.phrases, [cut.span for cut in plan.cuts], fade)


def _whole(chunks: Iterator[Samples]) -> Iterator[Block]:
    """Blocks in which all is voice: nothing is lowered, so nothing needs to be told apart."""
    start = 0
    for chunk in chunks:
        yield Block(start, chunk, chunk)
        start += chunk.shape[1]


def _settle(job: Job, plan: Plan, blocks: Callable[[str], Iterator[Block]]) -> Plan:
    if all(dip.gain_db is not None for dip in plan.dips):
        return plan
    dips = sorted(plan.dips, key=lambda dip: dip.span)
    rides = (job.preset.duck or DuckSettings()).throughout_db is None
    heard = hear_dips(job, blocks("ride"), NoteEar(job.rate, job.downmix) if rides else None)
    return settle_dips(job, dataclasses.replace(plan, dips=tuple(dips)), [dip.span for dip in dips], heard)


def hear_dips(job: Job, blocks: Iterable[Block], notes: NoteEar | None, *, start: int = 0) -> DipsHeard:
    """Hear a separated sound for `settle_dips`; it serves plans that differ in what becomes of the bed alone.

    Args:
        notes: listens for songs; None for plans whose bed never rides, which have no use for that.
        start: position of the first block, for a part of a track.
    """
    heard = DipsHeard(
        DipEar(job.rate, job.track.layout, job.track.channels),
        VoiceEar(job.rate, job.downmix, load_detector("webrtc")),
        notes,
        start,
    )
    for _ in heard.ear.listen(heard.detector.listen(notes.listen(blocks) if notes else blocks)):
        pass
    return heard


def settle_dips(job: Job, plan: Plan, spans: Sequence[Span], heard: DipsHeard) -> Plan:
    """The plan with a gain for every dip: those that ride are divided into the phrases that are heard under them.

    Args:
        spans: what was heard of each dip.
    """
    settings = job.preset.duck or DuckSettings()
    dips: list[PlannedDip] = []
    parts: list[Span] = []
    for dip, span, room in zip(plan.dips, spans, rooms(plan.dips, spans, plan.cuts), strict=True):
        inside = heard.phrases(span, room) if dip.gain_db is None else [span]
        dips.extend(divided(dip, inside, job.rate))
        parts.extend(inside)
    levels = heard.levels(parts, merge(cut.span for cut in plan.cuts))
    sung = [dip.gain_db is None and is_song(level, settings) for dip, level in zip(dips, levels, strict=True)]
    songs = [part for part, song in zip(parts, sung, strict=True) if song]
    notes = song_notes(songs, plan.rate, settings.singing)
    settled = dataclasses.replace(plan, dips=tuple(dips), notes=(*plan.notes, *notes))
    if settings.mode != "auto":
        within_lu = (job.preset.separate or SeparateSettings()).noise_within_lu
        if settings.singing == "leave":
            dips = [left_alone(dip) if song else dip for dip, song in zip(dips, sung, strict=True)]
        return with_gains(dataclasses.replace(settled, dips=tuple(dips)), ride(dips, levels, settings, within_lu))
    measured = [Measured.of(level) if has_voice(level) else None for level in levels]
    return settle_plan(settled, parts, measured, settings)


def rooms(dips: Sequence[PlannedDip], spans: Sequence[Span], cuts: Sequence[Cut]) -> list[Span]:
    """How far each dip may reach with its voice: to the end of what was separated, and half of the way to the next dip.

    Args:
        dips: in order of time.
        spans: what was heard of each; a dip that was not heard to its end keeps that end.
        cuts: what was separated.
    """
    separated = merge(cut.span for cut in cuts)
    found = []
    for number, (dip, span) in enumerate(zip(dips, spans, strict=True)):
        around = next((cut for cut in separated if cut.start <= span.start and span.stop <= cut.stop), span)
        before = (dips[number - 1].span.stop + span.start) // 2 if number else around.start
        after = (span.stop + dips[number + 1].span.start) // 2 if number + 1 < len(dips) else around.stop
        start = max(around.start, before) if span.start == dip.span.start else span.start
        stop = min(around.stop, after) if span.stop == dip.span.stop else span.stop
        found.append(Span(min(start, span.start), max(stop, span.stop)))
    return found


def tone_spans(plan: Plan) -> list[Span]:
    """Where the room's tone is learned, without repetition."""
    return list(dict.fromkeys(span for sources in _tone_sources(plan) for span in sources))


def _tone_sources(plan: Plan) -> list[tuple[Span, ...]]:
    """The stretches of each tone: that of the track, and those of shots with their own."""
    return list(dict.fromkeys([plan.tone_sources, *(shot.sources for shot in plan.shots)]))


def learn_tone(job: Job, plan: Plan, heard: Mapping[Span, Samples]) -> Tone:
    """The room's tone, from the stretches that the plan names, or the soft floor that stands in for it.

    Shots that have a tone of their own get it; tones from the same stretches are one.

    Args:
        heard: the sound of `tone_spans(plan)`.
    """
    settings = job.preset.room_tone or RoomToneSettings()
    tones = {
        sources: ToneSynth(_model(job, plan, [heard[s] for s in sources]), settings.seed, settings.level_offset_db)
        for sources in _tone_sources(plan)
    }
    elsewhere = tones[plan.tone_sources]
    if not plan.shots:
        return elsewhere
    return ShotSynth(elsewhere, [(shot.span, tones[shot.sources or plan.tone_sources]) for shot in plan.shots])


def tone_use(tone: Tone, plan: Plan) -> ToneUse:
    """What the report says of it: tones are told apart by where they are learned."""
    own = merge(shot.span for shot in plan.shots)
    places = [*plan.holes, *(dip.span for dip in plan.dips)]
    inside = [place for place in places if any(shot.start <= place.start and place.stop <= shot.stop for shot in own)]
    heard = {shot.sources or plan.tone_sources for shot in plan.shots}
    if len(inside) < len(places) or not own:
        heard.add(plan.tone_sources)
    learned_s = sum(span.length for sources in heard for span in sources) / plan.rate
    return ToneUse(round(learned_s, 2), round(tone.model.level_dbfs, 1), len(heard))


HINT = "take them out of the plan, or name longer spans"


def _model(job: Job, plan: Plan, sources: Sequence[Samples]) -> ToneModel:
    if not sources:
        # the plan's level sums the channels' power, the model's is per channel
        silent = [number for number in plan.silent_channels if number < job.track.channels]
        per_channel_dbfs = plan.floor_dbfs - 10.0 * float(np.log10(max(1, job.track.channels - len(silent))))
        return floor_model(per_channel_dbfs, job.rate, job.track.channels, silent)
    try:
        return learn(sources, job.rate)
    except ValueError as error:
        raise PresetError(f"no room tone can be learned from the plan's tone_sources_s: {error}", HINT) from error
