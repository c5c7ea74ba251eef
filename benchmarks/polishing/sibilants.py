"""Sibilants that are found and lowered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.polishing.recordings import Recording, band_db, finished, frames, table
from mediaclean.polish.deess import DeessSettings, find_sibilants


def deess(recordings: Sequence[Recording]) -> str:
    rows = []
    for recording in recordings:
        rate, sound = recording.rate, recording.sound
        for asked in (3.0, 6.0):
            found = find_sibilants(
                frames(recording, sound), recording.spans, DeessSettings(amount_db=asked, under_lu=30.0)
            )
            found = [row for row in found if row.gain_db == -asked]
            spans = [row.span for row in found]
            after = finished(recording, found, sound)
            top = min(0.46 * rate, 11_000.0)
            high = band_db(after, spans, rate, 5_000.0, top) - band_db(sound, spans, rate, 5_000.0, top)
            low = band_db(after, spans, rate, 100.0, 3_500.0) - band_db(sound, spans, rate, 100.0, 3_500.0)
            outside = np.ones(sound.shape[1], dtype=bool)
            for span in spans:
                outside[span.start : span.stop] = False
            moved = np.count_nonzero(after[:, outside] != sound[:, outside])
            rows.append([recording.name, str(len(found)), f"-{asked:g}", f"{high:.2f}", f"{low:+.3f}", str(moved)])
    head = [
        "recording",
        "sibilants",
        "asked (dB)",
        "5 kHz and up (dB)",
        "under 3.5 kHz (dB)",
        "samples changed outside",
    ]
    return table(head, rows)
