"""What the finishing of the voice does, stage by stage: `python -m benchmarks.finishing_voice [--write]`.

Real recordings of speech, into which what a stage is to find was put: breaths in emptied pauses, phrases at other
levels, a band of consonants taken away. Needs MEDIACLEAN_CORPUS.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.polishing.breathing import breaths
from benchmarks.polishing.consonants import presence, separated
from benchmarks.polishing.recordings import NAMES, Recording, blocks, finished, load, table
from benchmarks.polishing.riding import riding
from benchmarks.polishing.sibilants import deess
from benchmarks.recordings import corpus_folder
from mediaclean.audio import Span
from mediaclean.polish.chain import settle
from mediaclean.preset import load_preset

TABLE = Path(__file__).parent / "FINISHING_VOICE.md"


def usual(recordings: Sequence[Recording]) -> str:
    """What the podcast preset decides about these recordings as they are."""
    rows = []
    preset = load_preset("podcast")
    for recording in recordings:
        found = settle(blocks(recording.sound), recording.track(), preset).rows
        minutes = recording.sound.shape[1] / recording.rate / 60
        cells = [recording.name, f"{minutes * 60:.0f}"]
        for process in ("breath", "deess", "phrases"):
            gains = [row.gain_db for row in found if row.process == process]
            cells.append(f"{len(gains)}" + (f" ({min(gains):+.1f} to {max(gains):+.1f} dB)" if gains else ""))
        rows.append(cells)
    return table(["recording", "s", "breaths", "sibilants", "phrases moved"], rows)


def neutral(recordings: Sequence[Recording]) -> str:
    zero = ["breath.amount_db=0", "deess.amount_db=0", "presence.amount=0", "phrases.amount=0"]
    preset = load_preset("podcast", zero)
    same = 0
    for recording in recordings:
        whole = [Span(0, recording.sound.shape[1])]
        rows = settle(blocks(recording.sound), recording.track(whole), preset).rows
        same += not rows and np.array_equal(finished(recording, rows, recording.sound), recording.sound)
    return f"At amount zero: {same} of {len(recordings)} recordings bit-identical.\n"


def main() -> None:
    """Print the tables, or write them to FINISHING_VOICE.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    corpus = corpus_folder()
    recordings = [load(corpus / name) for name in NAMES]
    text = (
        "# Finishing the voice\n\n"
        "`python -m benchmarks.finishing_voice --write`: real speech, into which what a stage is to find was put.\n\n"
        "## De-ess\n\nAll sibilants of a recording lowered by the amount asked; means over their spans, ramps "
        "included.\n\n" + deess(recordings) + "\n"
        "## Breaths\n\nTwo breaths of one speaker and synthetic ones, put into emptied pauses of all recordings, "
        "as they are and in a room (60 dB in half a second, 6 dB under the direct sound); 6 dB asked.\n\n"
        + breaths(recordings, corpus)
        + "\n"
        "## Presence\n\nA voice with its consonants' band thinned, over weak noise.\n\n" + presence(recordings) + "\n"
        "The dialogue network over music, against the true voice.\n\n" + separated(corpus) + "\n"
        "## Phrases\n\n" + riding(recordings) + "\n"
        "## What the podcast preset decides about them as they are\n\n" + usual(recordings) + "\n" + neutral(recordings)
    )
    print(text)
    if args.write:
        TABLE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
