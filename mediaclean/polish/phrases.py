"""Riding phrases: each is moved towards the median loudness of all, as a hand on a fader would, before any limiter.

The gain stands still through a phrase and comes and goes in the pads around it, so words are not reshaped and pauses
are not raised. How far loudness spreads over the phrases is told before and after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mediaclean.audio import Span
from mediaclean.polish.frames import HOP_S, VoiceFrames, speech_level
from mediaclean.polish.records import VoiceGain
from mediaclean.settings import Settings, setting


@dataclass(frozen=True)
class PhraseSettings(Settings):
    """The loudness of phrases among themselves."""

    amount: float = setting(
        0.5, "", "how far a phrase is moved towards the median of all; 0 does nothing, 1 makes them equal",
        low=0.0, high=1.0,
    )  # fmt: skip
    most_db: float = setting(4.0, "dB", "no phrase is moved further", low=0.0, high=6.0)
    within_lu: float = setting(1.5, "LU", "a phrase this near the median is left as it is", low=0.0, high=10.0)


RAMP_S = 0.25
SHORTEST_S = 0.5
"""What is shorter than this without its pauses, a yes or a laugh, is left at the level at which it was said."""
LEAST_DB = 0.3
FARTHEST_LU = 15.0
"""What is farther from the median than this is a whisper, a shout or no speech at all, and meant to be so."""


def phrase_loudness(frames: VoiceFrames, phrases: Sequence[Span]) -> list[float]:
    """K-weighted loudness of every phrase's syllables in dB; minus infinity where there is too little to judge."""
    levels = []
    for span in phrases:
        level_db = speech_level(frames, [span])
        spoken = np.count_nonzero(frames.loud_db[frames.of(span)] > level_db - 15.0) * HOP_S
        levels.append(level_db if spoken >= SHORTEST_S else -np.inf)
    return levels


def spread_lu(levels: Sequence[float]) -> float:
    """Standard deviation of the loudness over those phrases that have one, in LU."""
    known = [level for level in levels if np.isfinite(level)]
    return float(np.std(known)) if known else 0.0


def ride_phrases(
    frames: VoiceFrames, phrases: Sequence[Span], trusted: Sequence[bool], settings: PhraseSettings
) -> list[VoiceGain]:
    """A gain for every phrase that is off the median.

    Args:
        frames: the voice.
        phrases: where speech is.
        trusted: of which of them it is certain that they are.
        settings: how far to go.
    """
    levels = [level if sure else -np.inf for level, sure in zip(phrase_loudness(frames, phrases), trusted, strict=True)]
    known = [level for level in levels if np.isfinite(level)]
    if settings.amount <= 0.0 or len(known) < 2:
        return []
    middle = float(np.median(known))
    found = []
    for span, level in zip(phrases, levels, strict=True):
        gain_db = float(np.clip(settings.amount * (middle - level), -settings.most_db, settings.most_db))
        is_off = settings.within_lu < abs(level - middle) <= FARTHEST_LU
        if is_off and abs(gain_db) >= LEAST_DB:
            side = "under" if level < middle else "over"
            reason = f"phrase {abs(middle - level):.1f} LU {side} the median"
            found.append(VoiceGain(span, round(gain_db, 1), "phrases", reason))
    return found


def spread_note(frames: VoiceFrames, spans: Sequence[Span], rows: Sequence[VoiceGain]) -> str:
    """How far loudness spreads over the phrases before and after; a gain that stands still moves it by just itself."""
    gains = {row.span: row.gain_db for row in rows}
    before = phrase_loudness(frames, spans)
    after = [level + gains.get(span, 0.0) for level, span in zip(before, spans, strict=True)]
    return f"loudness spreads over the phrases by {spread_lu(before):.1f} LU, {spread_lu(after):.1f} LU after riding"
