"""De-essing: sibilants that stand out are lowered above 4 kHz, each as a whole and no further than asked.

As an editor does it by hand: a gain that stands still through the sibilant, so that nothing is modulated, and that
touches only the band in which it hisses. The filter has no phase, so the rest of the voice stays where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mediaclean.audio import Span, merge, power_to_db
from mediaclean.polish.frames import HIGH_HZ, VoiceFrames, speech_level
from mediaclean.polish.records import VoiceGain
from mediaclean.settings import Settings, setting
from mediaclean.speech import runs


@dataclass(frozen=True)
class DeessSettings(Settings):
    """Sibilants that stand out."""

    amount_db: float = setting(4.0, "dB", "a sibilant is lowered by this at most; 0 does nothing", low=0.0, high=12.0)
    under_lu: float = setting(
        8.0,
        "LU",
        "a sibilant this far under the speech is left as it is, a louder one comes down towards it",
        low=0.0,
        high=30.0,
    )


RAMP_S = 0.01
SPLIT_HZ = HIGH_HZ - 500.0
"""Where the filter stands at half: it is open from 4.5 kHz on."""
REACH_S = 0.0025
HISS_DB = -3.0
"""High band over mid band: less is no sibilant."""
SHORTEST = 3
JOIN = 2
LEAST_DB = 0.5


def find_sibilants(frames: VoiceFrames, phrases: Sequence[Span], settings: DeessSettings) -> list[VoiceGain]:
    """What to do about every sibilant that is louder than the settings let it be."""
    speech_db = speech_level(frames, phrases)
    if settings.amount_db <= 0.0 or not np.isfinite(speech_db) or frames.rate < 2.2 * HIGH_HZ:
        return []
    high, highest_db = frames.high_db.astype(np.float64), speech_db - settings.under_lu
    spoken = np.zeros(len(frames), dtype=bool)
    for span in phrases:
        spoken[frames.of(span)] = True
    loud = spoken & (high > frames.mid_db + HISS_DB) & (high > highest_db - 10.0)
    lasting = [Span(a, b) for a, b in runs(loud) if b - a >= SHORTEST]
    found = []
    for run in merge(lasting, gap=JOIN):
        level_db = float(power_to_db(np.mean(10.0 ** (high[run.start : run.stop] / 10.0))))
        depth_db = min(settings.amount_db, level_db - highest_db)
        if depth_db >= LEAST_DB:
            wide = frames.span(max(0, run.start - 1), min(len(frames), run.stop + 1))
            reason = f"sibilant {speech_db - level_db:.0f} LU under the speech"
            found.append(VoiceGain(wide, -round(depth_db, 1), "deess", reason))
    return found
