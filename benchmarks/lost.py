"""Words that are gone: `MEDIACLEAN_CORPUS=… python -m benchmarks.lost --data training/data [--weights FILE]`.

Eight seconds of a voice over eight of a piece of music, 5, 9 and 13 dB under it: the corpus's voices over its music,
and with `--data` voices of the training over music that is held out of it. Counted are the quarters of a second in
which the voice is loud, and louder than the music, and of these the ones that the network silences. Means over minutes
do not tell of them, and nothing that a network may gain elsewhere is worth many.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.recordings import RATE, Sound, corpus_folder, random_part, rms, sounds
from benchmarks.separator import wrap
from mediaclean.backends.dialogue import load
from training.packs import SPEECH_WEIGHTS, chances, training_clips, validation_clips

LENGTH, QUARTER = 8 * RATE, RATE // 4
UNDER_DB = (5.0, 9.0, 13.0)
LOUD_DB = -15.0
"""Under the loudest quarter of its eight seconds."""
LOST_DB = (6.0, 12.0)
TIMES, CLIPS = 6, 110


def of_corpus(chance: np.random.Generator) -> Iterator[tuple[Sound, Sound]]:
    """Voices and music of the corpus, each with each."""
    corpus = corpus_folder()
    music = sounds(corpus / "music")
    for voice in sounds(corpus / "speech"):
        for piece in music:
            for _ in range(TIMES):
                yield random_part(voice, LENGTH, chance), random_part(piece, LENGTH, chance)


def of_training(data: Path, chance: np.random.Generator, clips: int) -> Iterator[tuple[Sound, Sound]]:
    """Voices of the training and music that is held out of it."""
    speech, music = training_clips(data, "speech"), validation_clips(data, "music")
    weights = chances(speech, SPEECH_WEIGHTS)
    for _ in range(clips):
        drawn = speech[chance.choice(len(speech), p=weights)], music[int(chance.integers(len(music)))]
        voice, piece = (random_part(clip.samples, LENGTH, chance) for clip in drawn)
        yield voice, piece


def quarters(sound: Sound) -> np.ndarray:
    """Mean power of each quarter of a second."""
    return np.asarray(np.square(sound[: len(sound) // QUARTER * QUARTER].reshape(-1, QUARTER)).mean(axis=1))


def lost(pairs: Iterator[tuple[Sound, Sound]], find: Callable[[Sound], Sound]) -> tuple[int, Sequence[int]]:
    """How many quarters there are, and how many of them are lost by each of `LOST_DB`."""
    count, gone = 0, np.zeros(len(LOST_DB), int)
    for number, (voice, piece) in enumerate(pairs):
        if min(rms(voice), rms(piece)) < 1e-4:
            continue
        true = voice * np.float32(0.1 / rms(voice))
        bed = piece * np.float32(0.1 / rms(piece) * 10 ** (-UNDER_DB[number % len(UNDER_DB)] / 20))
        there, found = quarters(true), quarters(find(true + bed))
        loud = (there > there.max() * 10 ** (LOUD_DB / 10)) & (there > quarters(bed))
        under_db = 10 * np.log10(np.maximum(there, 1e-12) / np.maximum(found, 1e-12))
        count += int(loud.sum())
        gone += [int((loud & (under_db > limit)).sum()) for limit in LOST_DB]
    return count, gone.tolist()


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="packs of the training (training/README.md)")
    parser.add_argument("--weights", type=Path, help="safetensors; those that ship by default")
    parser.add_argument("--clips", type=int, default=CLIPS, help="of the training, eight seconds each")
    args = parser.parse_args()
    find = wrap(load("cpu", args.weights) if args.weights else load("cpu"))
    chance = np.random.default_rng(3)
    sets = {"corpus": of_corpus(chance)}
    if args.data:
        sets["training"] = of_training(args.data, chance, args.clips)
    for name, pairs in sets.items():
        count, gone = lost(pairs, find)
        said = ", ".join(f"{each} by more than {limit:g} dB" for each, limit in zip(gone, LOST_DB, strict=True))
        print(f"{name}: of {count} quarters of a second lost are {said}", flush=True)


if __name__ == "__main__":
    main()
