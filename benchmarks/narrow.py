"""Recordings that end at 8 or 4 kHz: `MEDIACLEAN_CORPUS=… python -m benchmarks.narrow [--write]`.

Telephones, talks on line and old archives end early, voice and bed alike. Fifteen seconds of every voice of the corpus
over every piece of its music and every noise of its pairs, 5 dB under the voice, as they are and as a recorder of 16
and of 8 kHz would give them. SI-SDR in dB of the voice that the dialogue network finds, against the true one in that
band.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from benchmarks.difficulty import si_sdr_db
from benchmarks.recordings import RATE, Sound, corpus_folder, noise_of, pairs, sounds
from benchmarks.separator import dialogue
from benchmarks.tables import print_or_write

TABLE = Path(__file__).parent / "NARROW.md"
LENGTH = 15 * RATE
UNDER_DB = 5.0
RATES = (RATE, 16_000, 8_000)


def at_rate(sound: Sound, rate: int) -> Sound:
    """What a recorder of a lower rate would have kept of a sound."""
    kept = resample_poly(resample_poly(sound, 1, RATE // rate), RATE // rate, 1) if rate < RATE else sound
    return np.asarray(kept[: len(sound)], np.float32)


def rows() -> Iterator[str]:
    """The table."""
    corpus = corpus_folder()
    voice = dialogue()
    speech = [np.resize(sound, LENGTH) for sound in sounds(corpus / "speech")]
    beds = {"music": sounds(corpus / "music"), "noise": [noise_of(pair) for pair in pairs(corpus)]}
    yield "| bed | mixtures | " + " | ".join(f"up to {rate / 2000:g} kHz" for rate in RATES) + " |"
    yield "|---" * (2 + len(RATES)) + "|"
    for kind, some in beds.items():
        found: dict[int, list[float]] = {rate: [] for rate in RATES}
        for clean in speech:
            for sound in some:
                bed = np.resize(sound[5 * RATE :] if len(sound) > 2 * LENGTH else sound, LENGTH)
                bed = bed * np.float32(np.linalg.norm(clean) / np.linalg.norm(bed) * 10 ** (-UNDER_DB / 20))
                for rate in RATES:
                    mix, true = (at_rate(each, rate) for each in (clean + bed, clean))
                    found[rate].append(si_sdr_db(voice(mix), true))
        means = " | ".join(f"{np.mean(found[rate]):.2f}" for rate in RATES)
        yield f"| {kind} | {len(found[RATE])} | {means} |"


def main() -> None:
    """Print the table, or write it to NARROW.md."""
    command = "MEDIACLEAN_CORPUS=… python -m benchmarks.narrow --write"
    print_or_write(rows(), TABLE, "Narrow recordings", command, __doc__ or "")


if __name__ == "__main__":
    main()
