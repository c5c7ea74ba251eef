"""Presence: what a separation took from the consonants is given back as a gentle bell from 2.5 to 6 kHz.

Only what was measured as lost. Where the bed is weak in that band, the mix shows what the voice was: the median of how
far the separated voice stays behind it there is the loss. Nothing lost, nothing done; never more than 3 dB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Span, merge
from mediaclean.polish.frames import CONSONANTS_HZ, VoiceFrames
from mediaclean.polish.records import VoiceGain
from mediaclean.settings import Settings, setting


@dataclass(frozen=True)
class PresenceSettings(Settings):
    """Consonants that separation thinned."""

    amount: float = setting(1.0, "", "how much of the measured loss is given back; 0 does nothing", low=0.0, high=1.0)
    most_db: float = setting(3.0, "dB", "never more than this", low=0.0, high=3.0)
    least_db: float = setting(1.0, "dB", "a smaller loss is left as it is", low=0.3, high=3.0)


RAMP_S = 0.05
REACH_S = 0.0006
BAND_HZ = CONSONANTS_HZ
CLEAR_DB = 12.0
"""The mix stands this far above the bed where it shows the voice."""
MOST_LOST_DB = 10.0
"""A frame that lost more was no consonant but a sound of the bed."""
ENOUGH = 50
"""Frames that must show it."""
NEAR = 25
"""Frames around in which the quietest fifth is taken for the bed: a quarter of a second to either side."""


def find_losses(
    frames: VoiceFrames, phrases: Sequence[Span], cuts: Sequence[Span], settings: PresenceSettings
) -> list[VoiceGain]:
    """One row per stretch of cuts that lost presence."""
    if settings.amount <= 0.0 or frames.rate < 2.0 * BAND_HZ[1]:
        return []
    lost_db, clear = _losses(frames, phrases)
    found = []
    for cut in merge(cuts):
        inside = frames.of(cut)
        shown = lost_db[inside][clear[inside]]
        loss_db = float(np.median(shown)) if shown.size >= ENOUGH else 0.0
        if loss_db >= settings.least_db:
            gain_db = round(min(settings.amount * loss_db, settings.most_db), 1)
            found.append(VoiceGain(cut, gain_db, "presence", f"consonants lost {loss_db:.1f} dB in separation"))
    return found


def _losses(frames: VoiceFrames, phrases: Sequence[Span]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """By how many dB the voice stays behind the mix, and where that tells anything; both (frames,)."""
    mix = 10.0 ** (frames.mix_consonants_db.astype(np.float64) / 10.0)
    voice = 10.0 ** (frames.consonants_db.astype(np.float64) / 10.0)
    bed = _quietest(mix)
    lost_db = 10.0 * np.log10(np.maximum(mix - bed, 1e-20) / np.maximum(voice, 1e-20))
    spoken = np.zeros(len(frames), dtype=bool)
    for span in phrases:
        spoken[frames.of(span)] = True
    return lost_db, spoken & (mix > bed * 10.0 ** (CLEAR_DB / 10.0)) & (lost_db < MOST_LOST_DB)


def _quietest(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """The fifth of the powers around each frame, (frames,)."""
    if not power.size:
        return power
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(power, NEAR, mode="edge"), 2 * NEAR + 1)
    return np.asarray(np.concatenate([np.quantile(part, 0.2, axis=1) for part in _parts(windows)]))


def _parts(windows: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Some thousands of windows at a time, to keep memory small."""
    return [windows[at : at + 4096] for at in range(0, len(windows), 4096)]
