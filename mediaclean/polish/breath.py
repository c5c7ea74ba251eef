"""Breaths: found in the pauses, and lowered by as much as they stand out, never taken away.

A breath is noise between words: no pitch, quieter than speech, with its power under 4.5 kHz where a sibilant has it
above, at least 0.14 s long, and it rises out of the pause. The last tells it from a room's reverberation,
which only falls. (Features as in Ruinskiy and Lavner, IEEE Trans. ASLP 15(3), 2007, without their templates.) A person
who does not breathe is not alive, so a breath keeps its place and loses at most 12 dB, and never sinks under the room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Span, merge, power_to_db
from mediaclean.polish.frames import HOP_S, VoiceFrames, speech_level
from mediaclean.polish.records import VoiceGain
from mediaclean.settings import Settings, setting
from mediaclean.speech import runs


@dataclass(frozen=True)
class BreathSettings(Settings):
    """Breaths between words."""

    amount_db: float = setting(6.0, "dB", "a breath is lowered by this at most; 0 does nothing", low=0.0, high=12.0)
    under_lu: float = setting(
        36.0, "LU", "a breath this far under the speech is left as it is, a louder one comes down towards it",
        low=20.0, high=60.0,
    )  # fmt: skip


RAMP_S = 0.02
SHORTEST_S, LONGEST_S = 0.14, 1.2
PAUSE_S = 0.25
"""Without speech for so long; the aspiration of a consonant stands in a shorter gap."""
AFTER_WORD_S, CERTAIN_S = 0.1, 0.25
"""Straight after a word only a long one is a breath: a short one is the word's last consonant."""
BEFORE_S = 0.4
"""Inhaling begins before the phrase does."""
JOIN_S = 0.03
QUIETER_LU = 10.0
ABOVE_FLOOR_DB = 6.0
RISE_DB = 5.0
RISE_S = 0.3
NEAR_PEAK_DB = 10.0
OVER_MEDIAN_DB = 5.0
UNVOICED = 0.72
HISS_DB = -3.0
"""High band over mid band: a sibilant lies above, a breath well below."""
LEAST_DB = 0.5
"""A smaller change is not worth one."""


def find_breaths(frames: VoiceFrames, phrases: Sequence[Span], settings: BreathSettings) -> list[VoiceGain]:
    """What to do about every breath in and just before the phrases."""
    speech_db = speech_level(frames, phrases)
    if settings.amount_db <= 0.0 or not np.isfinite(speech_db):
        return []
    floor_db, found = floor_level(frames), []
    for first, stop in breath_runs(frames, phrases, speech_db):
        level_db = float(power_to_db(np.mean(10.0 ** (frames.loud_db[first:stop].astype(np.float64) / 10.0))))
        over_floor_db = float(np.median(_smooth(frames.mid_db)[first:stop] - floor_db[first:stop]))
        least_db = min(settings.amount_db, level_db - speech_db + settings.under_lu, over_floor_db)
        if least_db >= LEAST_DB:
            reason = f"breath {speech_db - level_db:.0f} LU under the speech"
            found.append(VoiceGain(frames.span(first, stop), -round(least_db, 1), "breath", reason))
    return found


def breath_runs(frames: VoiceFrames, phrases: Sequence[Span], speech_db: float) -> list[tuple[int, int]]:
    """Half-open ranges of frames that are breaths."""
    mid, high = _smooth(frames.mid_db), _smooth(frames.high_db)
    near = np.zeros(len(frames), dtype=bool)
    for span in phrases:
        near[frames.of(Span(max(0, span.start - round(BEFORE_S * frames.rate)), span.stop))] = True
    like = (
        near
        & (_median(frames.voicing) < UNVOICED)
        & (_smooth(frames.loud_db) < speech_db - QUIETER_LU)
        & (mid > floor_level(frames) + ABOVE_FLOOR_DB)
        & (high < mid + HISS_DB)
    )
    joined = merge([Span(a, b) for a, b in runs(like)], gap=round(JOIN_S / HOP_S))
    trimmed = [_trimmed(mid, span.start, span.stop) for span in joined]
    lasting = [(a, b) for a, b in trimmed if SHORTEST_S <= (b - a) * HOP_S <= LONGEST_S]
    paused = _paused(frames, speech_db)
    return [(a, b) for a, b in lasting if _is_sustained(mid[a:b]) and _rises(mid, a, b) and _stands_alone(paused, a, b)]


def floor_level(frames: VoiceFrames) -> NDArray[np.float64]:
    """The level of the room in the mid band, from the quietest fifth of the quarter seconds around, (frames,)."""
    size, reach = round(0.25 / HOP_S), 8
    if not len(frames):
        return np.zeros(0)
    padded = np.pad(frames.mid_db.astype(np.float64), (0, -len(frames) % size), mode="edge").reshape(-1, size)
    quiet = np.pad(np.quantile(padded, 0.2, axis=1), reach, mode="edge")
    lowest = np.lib.stride_tricks.sliding_window_view(quiet, 2 * reach + 1).min(axis=1)
    return np.repeat(lowest, size)[: len(frames)]


def _paused(frames: VoiceFrames, speech_db: float) -> NDArray[np.bool_]:
    """Frames without a syllable: quiet, or neither voiced nor loud."""
    loud = _smooth(frames.loud_db)
    voiced = (_median(frames.voicing) >= UNVOICED) & (loud > speech_db - 25.0)
    return np.asarray(~voiced & (loud < speech_db - QUIETER_LU))


def _stands_alone(paused: NDArray[np.bool_], first: int, stop: int) -> bool:
    """Whether it lies in a pause, and away from the word before it."""
    spoken = np.flatnonzero(~paused)
    middle = (first + stop) // 2
    after = int(np.searchsorted(spoken, middle))
    last = int(spoken[after - 1]) + 1 if after else 0
    upcoming = int(spoken[after]) if after < len(spoken) else len(paused)
    if upcoming - last < PAUSE_S / HOP_S:
        return False
    return first - last >= AFTER_WORD_S / HOP_S or stop - max(first, last) >= CERTAIN_S / HOP_S


def _trimmed(mid: NDArray[np.float64], first: int, stop: int) -> tuple[int, int]:
    """The run without the end of the word before it and the onset of the next, which stand above the rest of it."""
    most = np.median(mid[first:stop]) + OVER_MEDIAN_DB
    while stop > first and mid[stop - 1] > most:
        stop -= 1
    while first < stop and mid[first] > most:
        first += 1
    return first, stop


def _is_sustained(mid: NDArray[np.float64]) -> bool:
    """Whether it holds its level for a while, as the burst of a consonant does not."""
    return bool(np.count_nonzero(mid >= mid.max() - NEAR_PEAK_DB) * HOP_S >= SHORTEST_S * 0.75)


def _rises(mid: NDArray[np.float64], first: int, stop: int) -> bool:
    """Whether it comes up out of something quieter, as a reverberation does not."""
    peak = first + int(np.argmax(mid[first:stop]))
    before = mid[max(0, first - round(RISE_S / HOP_S)) : peak + 1]
    return bool(mid[peak] - before.min() >= RISE_DB)


def _smooth(level_db: NDArray[np.float16]) -> NDArray[np.float64]:
    """Mean over three frames, in dB."""
    padded = np.pad(level_db.astype(np.float64), 1, mode="edge")
    return np.asarray((padded[:-2] + padded[1:-1] + padded[2:]) / 3.0)


def _median(values: NDArray[np.float16]) -> NDArray[np.float64]:
    """Median over seven frames."""
    padded = np.pad(values.astype(np.float64), 3, mode="edge")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, 7), axis=1))
