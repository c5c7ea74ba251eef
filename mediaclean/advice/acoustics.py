"""Figures of a recording that an editor asks for, from the analysis alone: coverage, kind of noise, reverberation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import FRAME_S, Span, frames_of
from mediaclean.bed.level import BED_PERCENTILE, smooth
from mediaclean.roomtone.sources import SILENT_DB, SPECTRUM_HZ
from mediaclean.speech import runs

if TYPE_CHECKING:
    from mediaclean.analysis import Analysis

NoiseKind = Literal["unheard", "none", "steady", "changing", "impulsive"]

SPEECH_HZ = (160.0, 6500.0)
"""The bands of the speech intelligibility index lie in here (ANSI S3.5-1997)."""
AUDIBLE_DB = 15.0
"""A bed this far under the speech in a band takes nothing from it (the same)."""

SCENE_DB = -65.0
"""A quieter bed is the floor of a good recording, whatever its kind."""
STEADY_DB = 2.5
"""Levels of a steady noise in frames of 32 ms scatter by about 1 dB, of babble and traffic by 3 and more."""
IMPULSE_DB = 12.0
"""The loudest hundredth of a noise with clicks and knocks stands this far over its median; of steady noise 3."""
IMPULSE_FRAMES = 4
"""A knock has lost most of its level after an eighth of a second."""
KNOCKS = 3
"""One is an event, several are a kind of noise."""
ENOUGH_FRAMES = 15

DECAY_FRAMES = 5
DECAY_DB = 12.0
"""A decay falls in every one of at least so many frames, and by this much in all."""
HEARD_DECAY_DB = 45.0
"""Of longer ones only so much counts, lest the floor flatten them."""
ENOUGH_DECAYS = 5
STEEPEST = 0.2
"""No decay is shorter than the room's, so a low quantile is close to it; speech itself makes the others longer."""


def coverage(analysis: Analysis, span: Span) -> float | None:
    """How much of the band of speech the bed covers in a stretch of speech, 0 to 1; None where it was not heard.

    In every band, all counted alike: nothing where speech stands `AUDIBLE_DB` over the bed, all where it is no louder.
    The bed's level shows in the dips between syllables.
    """
    rows = analysis.features.spectrum[_pairs(frames_of(span, analysis.rate))]
    if len(rows) < ENOUGH_FRAMES:
        return None
    edges = np.array(SPECTRUM_HZ, dtype=np.float64)
    inside = (edges[:-1] >= SPEECH_HZ[0]) & (edges[1:] <= min(SPEECH_HZ[1], 0.5 * analysis.rate))
    power = 10.0 ** (_decibels(rows[:, inside]) / 10.0)
    bed = np.percentile(power, BED_PERCENTILE, axis=0)
    speech = np.maximum(power.mean(axis=0) - bed, 1e-3 * bed)
    over_db = 10.0 * np.log10(speech / bed)
    audible = np.clip(over_db / AUDIBLE_DB, 0.0, 1.0)
    return round(float(1.0 - audible.mean()), 2)


def _pairs(frames: slice) -> slice:
    """Rows of the coarse spectrum, of two frames each, inside a run of frames."""
    return slice(frames.start // 2 + 1, (frames.stop + 1) // 2)


def _decibels(rows: NDArray[np.uint8]) -> NDArray[np.float64]:
    return rows / 2.0 - 127.5


def noise_kind(level_db: NDArray[np.floating], quiet: NDArray[np.bool_]) -> NoiseKind:
    """What sounds where nobody speaks: nothing to speak of, steady noise, a changing bed, or knocks and clicks.

    Unheard where speech never stops for long enough to tell.

    Args:
        level_db: K-weighted level per 32 ms frame in LUFS, (frames,).
        quiet: frames without speech, (frames,).
    """
    heard = np.asarray(level_db, dtype=np.float64)
    known = quiet & (heard > SILENT_DB)
    levels = heard[known]
    if levels.size < ENOUGH_FRAMES:
        return "none" if quiet.sum() >= ENOUGH_FRAMES else "unheard"
    median = float(np.median(levels))
    knocks = [stop - start for start, stop in runs(known & (heard > max(median + IMPULSE_DB, SCENE_DB)))]
    if len(knocks) >= KNOCKS and max(knocks) <= IMPULSE_FRAMES:
        return "impulsive"
    if median <= SCENE_DB:
        return "none"
    low, high = np.percentile(levels, [10, 90])
    return "steady" if high - low <= 2.0 * STEADY_DB else "changing"


def reverberation_s(level_db: NDArray[np.floating]) -> float | None:
    """Roughly the time in which sound falls by 60 dB in the room, from how fast it falls at the end of sounds.

    A sound in a room cannot fall faster than the room lets it, so the fastest falls tell the room (after Ratnam et al.,
    JASA 114(5), 2003). Frames of 32 ms show no time under 0.2 s. None where too few sounds end freely.

    Args:
        level_db: level per frame, (frames,).
    """
    if not len(level_db):
        return None
    level = smooth(np.asarray(level_db, dtype=np.float32), reach=1)
    times = []
    for first, last in runs(np.diff(level) < 0.0):
        part = level[first : last + 1]
        part = part[part > part[0] - HEARD_DECAY_DB]
        if len(part) > DECAY_FRAMES and part[0] - part[-1] >= DECAY_DB and part[-1] > SILENT_DB:
            slope = float(np.polyfit(np.arange(len(part)) * FRAME_S, part, 1)[0])
            times.append(60.0 / -slope)
    return round(float(np.quantile(times, STEEPEST)), 2) if len(times) >= ENOUGH_DECAYS else None
