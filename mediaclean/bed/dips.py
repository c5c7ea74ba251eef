"""The phrases inside a dip, heard from the separated voice, and how loud voice and bed are in each.

Before separation, phrases under music run together, and what lies in one dip may be a loud sentence and a soft one,
over a bed that swells. An editor rides each of them. So where the separated voice pauses, the dip is divided, and each
part gets its own gain; within a part the gain stands still, which keeps the bed from pumping.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from mediaclean.ahead import Aside
from mediaclean.audio import FLOOR_DB, FRAME_S, Block, Span, frame_edges, frames_of, merge
from mediaclean.bed.confirm import VoiceEar
from mediaclean.bed.doubt import DoubtMeter
from mediaclean.bed.duck import DuckSettings, gain_for_difference
from mediaclean.bed.judging import leak
from mediaclean.bed.singing import SINGS, NoteEar
from mediaclean.loudness.kweight import FrameLevels, KWeighting, channel_weights, power_to_lufs
from mediaclean.plan.make import PAUSE_S, PlannedDip
from mediaclean.speech import runs

LEAST_S = 0.25
"""What is shorter is no phrase by itself: a last word, a breath, or what a network let through."""
CLICK_S = 0.1
"""What is shorter than this and stands alone is a click of the lips: it does not hold a pause together."""
LEAD_S, TAIL_S = 0.15, 0.1
"""Around a phrase inside a dip, so that the gain is there before the first word and after the last."""
HEARD_BEFORE_S, HEARD_AFTER_S = 0.05, 0.1
"""Around a phrase, what its levels are measured with: the weak beginning and end of a word drown in the bed, so that a
separated voice starts later and ends sooner than the voice did, and the bed that sounds there counts as well."""
VOICE_DB = -20.0
"""Under the mean of its dip, a voice pauses: what is softer is breath, or the noise of its own recording."""
OVER_BED_DB = -25.0
"""What stands this far under the bed in a separated voice is what is left of the bed."""
UNEXPECTED_VOICE_DB, UNEXPECTED_OVER_BED_DB = -12.0, -10.0
"""The same where the detector heard no voice in the mix: words that it missed are about as loud as those it heard."""

NO_VOICE_LU = 20.0
"""A separated voice this far under its bed is leakage: the detector was wrong, and nothing is ducked."""
LEAST_SPEECH = 0.1
"""A separated voice with less speech in it than this is none: the detector took music for it."""


@dataclass(frozen=True)
class DipLevels:
    """Loudness over one dip in LUFS, K-weighted and ungated.

    Attributes:
        voice_lufs, bed_lufs: of what was mixed, as far as can be told.
        speech_share: how much of the separated voice is speech.
        error_lufs: of the error in the separated voice.
        likeness: the correlation of the separated voice and bed, 0 to 1: at 1 both are the same sound.
        sung: whether what was separated sings, there and around it.
    """

    voice_lufs: float
    bed_lufs: float
    speech_share: float = 1.0
    error_lufs: float = FLOOR_DB
    likeness: float = 0.0
    sung: bool = False

    @property
    def leak(self) -> float:
        """The share of the bed's amplitude that went over into the separated voice."""
        return leak(self.voice_lufs - self.bed_lufs, self.voice_lufs - self.error_lufs)


class DipEar:
    """Hears the blocks of a separated sound pass by; answers when all are through.

    Args:
        rate: in Hz; an attribute, too.
        layout, channels: FFmpeg's name for the layout and its number of channels.
    """

    def __init__(self, rate: int, layout: str, channels: int) -> None:
        self.rate = rate
        self._weights = channel_weights(layout, channels)
        self._filters = [KWeighting(rate, channels) for _ in range(2)]
        self._meters = [FrameLevels(rate, layout, channels) for _ in range(3)]
        self._doubt = DoubtMeter(rate, layout, channels)
        self._powers: NDArray[np.float64] | None = None

    def listen(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Pass the blocks through, and hear them in a thread of its own."""
        with Aside(self._hear) as aside:
            for block in blocks:
                aside.give(block)
                yield block

    def _hear(self, block: Block) -> None:
        sounds = block.voice, block.bed
        voice, bed = (weighting(sound) for weighting, sound in zip(self._filters, sounds, strict=True))
        for meter, part in zip(self._meters, (voice, bed, voice + bed), strict=True):  # the weighting is linear
            meter.add_power(self._weights @ np.square(part))
        self._doubt.add(*sounds)

    def levels(self, span: Span) -> DipLevels:
        """How loud voice and bed are in a span, counted from the first block on.

        A separated bed lacks what went over into the voice. For an estimate with the least mean square error, and for
        one that was scaled so that the voice keeps its level, the error is orthogonal to the separated bed: so the bed
        is what was separated as bed, and the error; the voice is what the mix has beside it.
        """
        voice, bed, mix, error = self._inside(span).mean(axis=1)
        likeness = 0.5 * (mix - voice - bed) / np.sqrt(max(voice * bed, 1e-30))
        error = max(error, 0.0)
        powers = np.array([max(mix - bed - error, 0.0), bed + error, error])
        voice_lufs, bed_lufs, error_lufs = power_to_lufs(powers).tolist()
        return DipLevels(voice_lufs, bed_lufs, error_lufs=error_lufs, likeness=float(np.clip(likeness, 0.0, 1.0)))

    def phrases(self, span: Span, room: Span | None = None) -> list[Span]:
        """The stretches of a span between pauses of the voice, in order; the whole span where there is no voice.

        Args:
            span: where the voice was expected.
            room: how far beyond it the first stretch may begin earlier and the last one end later; as `span` for None.
        """
        wide, inside = room or span, self._frames(span)
        voice, bed, *_ = self._inside(wide)
        frames = np.arange(len(voice)) + self._frames(wide).start
        expected = (frames >= inside.start) & (frames < inside.stop)
        floor = np.maximum(
            self._inside(span)[0].mean() * 10.0 ** (np.where(expected, VOICE_DB, UNEXPECTED_VOICE_DB) / 10.0),
            bed * 10.0 ** (np.where(expected, OVER_BED_DB, UNEXPECTED_OVER_BED_DB) / 10.0),
        )
        sounding = [Span(int(frames[0]) + a, int(frames[0]) + b) for a, b in runs(voice > floor)]
        parts = [Span(*frame_edges(run.start, run.stop, self.rate)[[0, -1]].tolist()) for run in _joined(sounding)]
        clipped = [part.clip(wide.start, wide.stop) for part in parts if part.overlaps(span)]
        return [part for part in clipped if part is not None] or [span]

    def _inside(self, span: Span) -> NDArray[np.float64]:
        """Powers of the frames of a span: voice, bed, mix and error, (4, frames)."""
        if self._powers is None:
            levels = [meter.result() for meter in self._meters]
            self._powers = np.stack([*levels, self._doubt.result()[: len(levels[0])]])
        inside = self._powers[:, self._frames(span)]
        return inside if inside.shape[1] else np.zeros((4, 1))

    def _frames(self, span: Span) -> slice:
        """The frames that lie inside a span; of a shorter one those that it touches."""
        touched = frames_of(span, self.rate)
        edges = frame_edges(touched.start, touched.stop, self.rate)
        first = touched.start + int(edges[0] < span.start)
        stop = touched.stop - int(edges[-1] > span.stop)
        return slice(first, stop) if first < stop else touched


@dataclass(frozen=True)
class DipsHeard:
    """What was heard of a separated sound: how loud voice and bed are, where the voice is speech, and if that was
    listened for, where it sings."""

    ear: DipEar
    detector: VoiceEar
    notes: NoteEar | None = None
    start: int = 0

    def phrases(self, span: Span, room: Span) -> list[Span]:
        """The stretches of a span between pauses of the voice; the first and last may reach beyond it into a room."""
        parts = self.ear.phrases(self._inside(span), self._inside(room))
        return [Span(part.start + self.start, part.stop + self.start) for part in parts]

    def levels(self, spans: Sequence[Span], separated: Sequence[Span]) -> list[DipLevels]:
        """How loud voice and bed are in spans, how much of each is speech, and whether it is sung.

        Args:
            spans: of phrases.
            separated: the stretches that were separated, disjoint.
        """
        parts = [self._inside(span) for span in spans]
        cuts = [self._inside(cut) for cut in separated]
        around = [next((cut for cut in cuts if cut.overlaps(part)), part) for part in parts]
        shares = self.detector.shares(parts)
        return [
            replace(
                self.ear.levels(self._wide(part, cut)),
                speech_share=share,
                sung=bool(self.notes and self.notes.sings(part, cut)),
            )
            for part, share, cut in zip(parts, shares, around, strict=True)
        ]

    def _wide(self, part: Span, cut: Span) -> Span:
        """A phrase with what its levels are measured with; beyond what was separated all counts as voice."""
        before, after = (round(seconds * self.ear.rate) for seconds in (HEARD_BEFORE_S, HEARD_AFTER_S))
        start, stop = max(cut.start, part.start - before), min(cut.stop, part.stop + after)
        return Span(min(start, part.start), max(stop, part.stop))

    def _inside(self, span: Span) -> Span:
        return Span(max(0, span.start - self.start), max(0, span.stop - self.start))


def _joined(sounding: Sequence[Span]) -> list[Span]:
    """Runs of frames joined over what is shorter than a pause; clicks in a pause go to the phrase that is nearer."""
    clicks, words = list[Span](), list[Span]()
    for run in merge(sounding, gap=1):
        (clicks if run.length * FRAME_S < CLICK_S else words).append(run)
    return _without_bursts([*merge(words, gap=int(PAUSE_S / FRAME_S)), *clicks])


def _without_bursts(found: Sequence[Span]) -> list[Span]:
    """Runs of frames, in which what is too short for a phrase belongs to the nearer neighbour, if one is near."""
    least, near = round(LEAST_S / FRAME_S), round(2 * PAUSE_S / FRAME_S)
    phrases = [run for run in found if run.length >= least]
    for burst in (run for run in found if run.length < least):
        distances = [max(burst.start - phrase.stop, phrase.start - burst.stop) for phrase in phrases]
        nearest = min(range(len(phrases)), key=distances.__getitem__, default=None)
        if nearest is not None and distances[nearest] <= near:
            own = phrases[nearest]
            phrases[nearest] = Span(min(own.start, burst.start), max(own.stop, burst.stop))
    return merge(phrases, gap=ceil((LEAD_S + TAIL_S) / FRAME_S))  # else the dips of two phrases would overlap


def divided(dip: PlannedDip, parts: Sequence[Span], rate: int) -> list[PlannedDip]:
    """The dip as one dip per phrase; the first begins and the last ends where it did, or further out with its voice."""
    lead, tail = round(LEAD_S * rate), round(TAIL_S * rate)
    last = len(parts) - 1
    starts = [part.start - lead if number else min(dip.span.start, part.start) for number, part in enumerate(parts)]
    stops = [part.stop + tail if number < last else max(dip.span.stop, part.stop) for number, part in enumerate(parts)]
    return [replace(dip, span=Span(a, b)) for a, b in zip(starts, stops, strict=True)]


def has_voice(level: DipLevels) -> bool:
    """Whether what was separated as voice under a dip is one."""
    least_lufs = max(level.bed_lufs - NO_VOICE_LU, FLOOR_DB + 1.0)
    return level.speech_share >= LEAST_SPEECH and level.voice_lufs >= least_lufs


def is_song(level: DipLevels, settings: DuckSettings) -> bool:
    """Whether a dip rides under a song that nobody talks over."""
    return level.sung and has_voice(level) and settings.throughout_db is None


def left_alone(dip: PlannedDip) -> PlannedDip:
    """The dip over a song: none."""
    return replace(dip, gain_db=0.0, reason=SINGS)


def ride(
    dips: Sequence[PlannedDip], levels: Sequence[DipLevels], settings: DuckSettings, within_lu: float
) -> list[float]:
    """The gain in dB of every dip: what the plan says, or where it rides, what the measured difference asks for.

    Args:
        dips, levels: and what was heard of each.
        settings: the goal.
        within_lu: a bed that is lowered throughout is so where it comes this close to the voice.
    """
    gains = []
    for dip, level in zip(dips, levels, strict=True):
        if dip.gain_db is not None:
            gains.append(dip.gain_db)
        elif not has_voice(level):
            gains.append(0.0)
        elif settings.throughout_db is not None:
            gains.append(settings.throughout_db if level.voice_lufs - level.bed_lufs < within_lu else 0.0)
        else:
            gain_db = gain_for_difference(level.voice_lufs, level.bed_lufs, settings, leak=level.leak)
            gains.append(round(gain_db, 2))
    return gains
