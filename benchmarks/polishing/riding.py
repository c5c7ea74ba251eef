"""Phrases that are moved to other levels and ridden back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.polishing.recordings import Recording, finished, frames, level_db, table
from mediaclean.audio import Samples
from mediaclean.polish import phrases
from mediaclean.polish.phrases import PhraseSettings, phrase_loudness, ride_phrases, spread_lu
from mediaclean.polish.records import VoiceGain


def riding(recordings: Sequence[Recording]) -> str:
    rows = []
    random = np.random.default_rng(4)
    for recording in recordings:
        if len(recording.spans) < 3:
            continue
        moved = [VoiceGain(span, float(random.uniform(-5.0, 5.0)), "phrases", "") for span in recording.spans]
        sound = finished(recording, moved, recording.sound)
        heard = frames(recording, sound)
        before = phrase_loudness(heard, recording.spans)
        for amount in (0.5, 1.0):
            settings = PhraseSettings(amount=amount, most_db=6.0, within_lu=0.0)
            found = ride_phrases(heard, recording.spans, [True] * len(before), settings)
            after = finished(recording, found, sound)
            pauses = np.ones(sound.shape[1], dtype=bool)
            for span in recording.spans:
                pauses[span.start : span.stop] = False
            raised = np.count_nonzero(after[:, pauses] != sound[:, pauses])
            spread = spread_lu(phrase_loudness(frames(recording, after), recording.spans))
            rows.append(
                [recording.name, str(len(before)), f"{amount:g}", f"{spread_lu(before):.2f}", f"{spread:.2f}",
                 f"{_steadiness(sound, after, found, recording.rate):.3f}", str(raised)]
            )  # fmt: skip
    head = [
        "recording, phrases moved by ±5 dB", "phrases", "amount", "spread before (LU)", "after (LU)",
        "gain inside a phrase varies by (dB)", "samples changed in pauses",
    ]  # fmt: skip
    return table(head, rows)


def _steadiness(before: Samples, after: Samples, rows: Sequence[VoiceGain], rate: int) -> float:
    """How far the gain of 50 ms windows inside phrases strays from the phrase's own, at most, in dB."""
    worst, step, ramp = 0.0, rate // 20, round(phrases.RAMP_S * rate)
    for row in rows:
        for at in range(row.span.start + ramp, row.span.stop - ramp - step, step):
            one, other = (level_db(sound[:, at : at + step]) for sound in (before, after))
            if one > -90.0:
                worst = max(worst, abs(other - one - row.gain_db))
    return worst
