"""Is the error of a separated voice known? `python -m benchmarks.doubt [--data training/data] [--write]`.

Speech over music, and in the validation set noise, from 8 LU under it to 26 LU over it, goes through the dialogue
network. From voice and bed alone it is said how loud the error in the voice is, how loud the bed, and how far speech
stands over it, for every four seconds. The truth is known, for the parts were mixed here. Reported per level and over
all: median and standard deviation of what is said against what is true, and how often speech over bed is right to 1 LU;
beside it the same from the levels of the separated voice and bed as they are, and the scalar product of the two in
place of the error.

`--data` names the training's material, of which the validation set is taken (other speakers, held-out music and noise):
on it `doubt.SHARE` was chosen. The corpus (MEDIACLEAN_CORPUS) had no part in that.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.recordings import RATE, corpus_folder, random_part, rms, sounds
from mediaclean.audio import Block, Span
from mediaclean.backends.dialogue import load
from mediaclean.bed.dips import DipEar
from mediaclean.loudness.kweight import WeightedPower, power_to_lufs
from mediaclean.separate import separate_cuts
from training.packs import Kind, validation_clips

TABLE = Path(__file__).parent / "DOUBT.md"
CLIP_S, PART_S = 8, 4
EDGES_LU = (-8.0, 0.0, 5.0, 10.0, 15.0, 20.0, 26.0)
QUIETEST_LUFS = -50.0

Mono = NDArray[np.float32]
Draw = Callable[[], tuple[Mono, Mono]]


def validation_set(folder: Path, chance: np.random.Generator) -> Draw:
    """Voice and bed from the held-out material of training."""

    def samples(kind: Kind) -> list[NDArray[np.int16]]:
        return [clip.samples for clip in validation_clips(folder, kind)]

    speech, beds = samples("speech_val"), (samples("music"), samples("noise"))
    return lambda: (_part(speech, chance), _part(beds[int(chance.random() < 0.25)], chance))


def corpus_set(folder: Path, chance: np.random.Generator) -> Draw:
    """Voice and bed from the corpus."""
    speech, music = sounds(folder / "speech"), sounds(folder / "music")
    return lambda: (_part(speech, chance), _part(music, chance))


def _part(sounds_: list[NDArray[np.int16]] | list[Mono], chance: np.random.Generator) -> Mono:
    """Eight seconds of one of the sounds that are not silent, at full scale 1."""
    while True:
        sound = sounds_[int(chance.integers(len(sounds_)))]
        part = random_part(sound, CLIP_S * RATE, chance)
        if rms(part) > 0.01:
            return part


def judge(draw: Draw, clips: int, chance: np.random.Generator) -> NDArray[np.float64]:
    """Per part: speech over bed; then bed and difference as said, difference as separated, error as said and as the
    scalar product, each against the truth, in LU; (parts, 6)."""
    network, rows = load("cpu"), []
    for _ in range(clips):
        voice, bed = draw()
        bed = bed * np.float32(rms(voice) / rms(bed) * 10 ** (-chance.uniform(EDGES_LU[0], EDGES_LU[-1]) / 20))
        mix = (voice + bed)[None]
        whole = Span(0, mix.shape[1])
        ((_, found),) = separate_cuts([mix], [whole], network, rate=RATE, length=whole.stop)
        ear = DipEar(RATE, "mono", 1)
        list(ear.listen([Block(0, mix, found)]))
        powers = [WeightedPower(RATE, "mono", 1)(sound) for sound in (voice[None], bed[None], found, mix - found)]
        error = WeightedPower(RATE, "mono", 1)(found - voice[None])
        mixed = WeightedPower(RATE, "mono", 1)(mix)
        for start in range(0, whole.stop, PART_S * RATE):
            here = slice(start, start + PART_S * RATE)
            said = ear.levels(Span(here.start, here.stop))
            true_voice, true_bed, own_voice, own_bed = (float(power_to_lufs(power[here].mean())) for power in powers)
            true_error = float(power_to_lufs(error[here].mean()))
            product = 0.5 * float((mixed - powers[2] - powers[3])[here].mean())
            truth = true_voice - true_bed
            if true_voice > QUIETEST_LUFS and EDGES_LU[0] <= truth < EDGES_LU[-1]:
                rows.append(
                    (
                        truth,
                        said.bed_lufs - true_bed,
                        said.voice_lufs - said.bed_lufs - truth,
                        own_voice - own_bed - truth,
                        said.error_lufs - true_error,
                        float(power_to_lufs(max(product, 0.0))) - true_error,
                    )
                )
    return np.array(rows)


def line(title: str, rows: NDArray[np.float64]) -> str:
    """A row of the table."""
    _, bed, said, own, error, product = rows.T
    cells = [f"{np.median(error):+.1f} ± {error.std():.1f}", f"{np.median(product):+.1f}"]
    cells += [f"{np.median(bed):+.2f}", f"{np.median(said):+.2f}", f"{np.mean(np.abs(said) <= 1.0):.0%}"]
    cells += [f"{np.median(own):+.2f}", f"{np.mean(np.abs(own) <= 1.0):.0%}"]
    return f"| {title} | {len(rows)} | " + " | ".join(cells) + " |"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the training's packed material")
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.name}")
    args = parser.parse_args()
    chance = np.random.default_rng(5)
    sets = {}
    if args.data:
        sets["validation set of the training, on which the constant was chosen"] = validation_set(args.data, chance)
    if "MEDIACLEAN_CORPUS" in os.environ:
        sets["corpus, music only"] = corpus_set(corpus_folder(), chance)
    text = ["# The error of a separated voice, from voice and bed alone", ""]
    text += ["`MEDIACLEAN_CORPUS=… python -m benchmarks.doubt --data training/data --write`", ""]
    text += ["Said against true in LU: median, and ± standard deviation.", ""]
    for title, draw in sets.items():
        rows = judge(draw, args.clips, chance)
        text += [f"## {title[0].upper()}{title[1:]}", ""]
        text += [
            "| speech over bed | parts | error as said | as scalar product | bed as said | speech over bed as said |"
        ]
        text[-1] += " within 1 LU | as separated | within 1 LU |"
        text += ["|---" * 9 + "|"]
        for low, high in pairwise(EDGES_LU):
            inside = rows[(rows[:, 0] >= low) & (rows[:, 0] < high)]
            if len(inside):
                text.append(line(f"{low:.0f} to {high:.0f} LU", inside))
        text += [line("all", rows), ""]
    print("\n".join(text))
    if args.write:
        TABLE.write_text("\n".join(text).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
