"""Speakers over music, through the compact network: `MEDIACLEAN_CORPUS=… python -m benchmarks.voice_level`.

Mean SI-SDR of each speaker, and the level of the voice in what is found, by projection; both in dB.
"""

from __future__ import annotations

import numpy as np

from benchmarks.difficulty import si_sdr_db
from benchmarks.recordings import corpus_folder, sounds
from benchmarks.separator import RATE, dialogue


def main() -> None:
    """Print a line for each level of the music."""
    corpus = corpus_folder()
    voice = dialogue()
    speech, music = sounds(corpus / "speech"), sounds(corpus / "music")
    for over_db in (0.0, 5.0, 10.0):
        rows = np.zeros((len(speech), len(music), 2))
        for row, spoken in enumerate(speech):
            clean = spoken[: 15 * RATE]
            for column, piece in enumerate(music):
                bed = np.resize(piece[5 * RATE :], len(clean))
                bed = bed * np.sqrt((clean @ clean) / (bed @ bed) / 10 ** (over_db / 10))
                found = voice(clean + bed)
                rows[row, column] = si_sdr_db(found, clean), 20 * np.log10((found @ clean) / (clean @ clean))
        speakers = ", ".join(f"{value:.1f}" for value in rows[..., 0].mean(axis=1))
        print(f"{over_db:.0f} dB: SI-SDR by speaker {speakers}; level of the voice {rows[..., 1].mean():+.2f} dB")


if __name__ == "__main__":
    main()
