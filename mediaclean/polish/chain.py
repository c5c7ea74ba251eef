"""The finishing of the voice: settled once from the separated sound, then applied as often as the mix is played.

    breath -> de-ess -> presence -> phrases

What is settled are rows of the plan (`records.VoiceGain`), so a run can be read, edited and repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mediaclean.audio import Block, Span, merge
from mediaclean.downmix import Downmix
from mediaclean.polish import BlockStage, breath, deess, gains, phrases, presence
from mediaclean.polish.frames import listen
from mediaclean.polish.records import PROCESSES, VoiceGain, gains_of

if TYPE_CHECKING:
    from mediaclean.plan.make import Phrase
    from mediaclean.preset import Preset

LEAST_OVER_BED_LU = 8.0
"""A phrase that is not separated and stands no higher over its bed is left alone: its bed would move with it."""
TRUSTED = 0.6
"""A phrase of which the detector is less sure has no say in the loudness of phrases."""


def is_on(preset: Preset) -> bool:
    """Whether the preset wants anything done to the voice."""
    return any(
        (
            preset.breath is not None and preset.breath.amount_db > 0.0,
            preset.deess is not None and preset.deess.amount_db > 0.0,
            preset.presence is not None and preset.presence.amount > 0.0,
            preset.phrases is not None and preset.phrases.amount > 0.0,
        )
    )


@dataclass(frozen=True)
class Voiced:
    """What is known of a track's voice before its finishing is settled.

    Attributes:
        rate: in Hz.
        downmix: which channels hold the voice.
        phrases: where speech is.
        cuts: where it was separated.
        fade: samples over which cuts are joined to the rest.
    """

    rate: int
    downmix: Downmix
    phrases: Sequence[Phrase]
    cuts: Sequence[Span]
    fade: int


@dataclass(frozen=True)
class Settled:
    """What was decided: rows in order of time, then of process; and what there is to tell about it."""

    rows: tuple[VoiceGain, ...] = ()
    notes: tuple[str, ...] = ()


def settle(blocks: Iterable[Block], track: Voiced, preset: Preset) -> Settled:
    """Hear the separated sound once and decide."""
    speech = [phrase for phrase in track.phrases if _is_told_apart(phrase, track.cuts)]
    spans = [phrase.span for phrase in speech]
    if not spans:
        return Settled()
    frames = listen(blocks, rate=track.rate, downmix=track.downmix, cuts=track.cuts, fade=track.fade)
    found: list[VoiceGain] = []
    notes: list[str] = []
    if preset.breath is not None:
        found += breath.find_breaths(frames, spans, preset.breath)
    if preset.deess is not None:
        found += deess.find_sibilants(frames, spans, preset.deess)
    if preset.presence is not None:
        found += presence.find_losses(frames, spans, track.cuts, preset.presence)
    if preset.phrases is not None:
        trusted = [phrase.confidence >= TRUSTED for phrase in speech]
        ridden = phrases.ride_phrases(frames, spans, trusted, preset.phrases)
        found += ridden
        notes += [phrases.spread_note(frames, spans, ridden)] if ridden else []
    return Settled(tuple(sorted(found, key=lambda row: (row.span, PROCESSES.index(row.process)))), tuple(notes))


def _is_told_apart(phrase: Phrase, cuts: Sequence[Span]) -> bool:
    separated = any(cut.overlaps(phrase.span) for cut in cuts)
    return separated or phrase.speech_lufs - phrase.bed_lufs >= LEAST_OVER_BED_LU


def stages(rows: Sequence[VoiceGain], track: Voiced) -> list[BlockStage]:
    """The stages that bring the rows to sound, in order; none for a process without rows."""
    rate, centre = track.rate, track.downmix.centre
    made: list[BlockStage] = []
    if breaths := gains_of(rows, "breath"):
        ramp = round(breath.RAMP_S * rate)
        made.append(gains.heard_gain(breaths, ramp, centre, cuts=merge(track.cuts), fade=track.fade))
    if sibilants := gains_of(rows, "deess"):
        taps = gains.high_pass(deess.SPLIT_HZ, round(deess.REACH_S * rate), rate)
        made.append(gains.band_gain(sibilants, round(deess.RAMP_S * rate), centre, taps))
    if losses := gains_of(rows, "presence"):
        taps = gains.band_pass(*presence.BAND_HZ, round(presence.REACH_S * rate), rate)
        made.append(gains.band_gain(losses, round(presence.RAMP_S * rate), centre, taps))
    if ridden := gains_of(rows, "phrases"):
        made.append(gains.voice_gain(ridden, round(phrases.RAMP_S * rate), centre))
    return made
