"""Which of two networks is better, by what neither was trained on: `python -m benchmarks.heldout --data training/data
[--weights FILE …] [--dnsmos MODEL]`.

Nine seconds of the other speakers of the training's packs over held-out music and noise, over noise that ends at 8 kHz
with the voice, over a crowd of those speakers, and by themselves. SI-SDR in dB (from 94 Hz on) and PESQ at 16 kHz, and
with the public model `sig_bak_ovr.onnx` of DNSMOS P.835 (Reddy et al., ICASSP 2022; microsoft/DNS-Challenge)
what it says of voice, background and all.

The first network of `--weights` (without any, the one that ships) is told in means, every further one in its
difference from the first on the very same mixtures, with the standard error of that: a difference under twice its error
is no reason to choose. This is what checkpoints are chosen by (training/README.md).
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pesq import pesq
from soxr import resample

from benchmarks.difficulty import si_sdr_db
from benchmarks.narrow import at_rate
from benchmarks.recordings import RATE, Sound, random_part, rms
from benchmarks.separator import Voice, wrap
from mediaclean.backends.dialogue import load
from mediaclean.backends.dialogue_mask import FFT
from mediaclean.backends.rumble import RUMBLE_BINS
from training.packs import Clip, validation_clips

LENGTH = round(9.1 * RATE)
HEARD_HZ, RUMBLE_HZ = 16_000, RUMBLE_BINS * RATE / FFT
LEVEL = 0.05
"""RMS of every voice."""
CONDITIONS = (
    ("music", 0.0),
    ("music", 5.0),
    ("music", 10.0),
    ("noise", 0.0),
    ("noise", 5.0),
    ("narrow noise", 5.0),
    ("crowd", 5.0),
    ("clean", 90.0),
)
"""What lies under the voice, and how many dB."""
CROWD = (6, 10)
SILENT = 0.01
DNSMOS_S = 9.01
DNSMOS_FITS = (
    (-0.08397278, 1.22083953, 0.0052439),
    (-0.13166888, 1.60915514, -0.39604546),
    (-0.06766283, 1.11546468, 0.04602535),
)
"""From what the model says to the scale of the listening tests, highest power first, as published beside it."""

Scores: TypeAlias = dict[str, float]
Mixture: TypeAlias = tuple[Sound, Sound]
"""What is heard, and the voice in it."""


def cut(clip: Clip, chance: np.random.Generator) -> Sound:
    """A random stretch of a clip that is not silent, if it has one."""
    for _ in range(50):
        found = random_part(clip.samples, LENGTH, chance)
        if rms(found) > SILENT:
            break
    return found


def crowd(speech: Sequence[Clip], chance: np.random.Generator) -> Sound:
    """So many people that none of them is understood."""
    count = int(chance.integers(*CROWD, endpoint=True))
    voices = [cut(speech[int(chance.integers(len(speech)))], chance) for _ in range(count)]
    return np.asarray(sum(voice / rms(voice) for voice in voices), np.float32)


def mixtures(data: Path, clips: int) -> Iterator[tuple[str, list[Mixture]]]:
    """Conditions with their mixtures, the same for the same packs."""
    speech = validation_clips(data, "speech_val")
    held_out = {kind: validation_clips(data, kind) for kind in ("music", "noise")}
    for number, (kind, under_db) in enumerate(CONDITIONS):
        chance = np.random.default_rng(100 + number)
        beds: Sequence[Clip] = held_out.get(kind.split()[-1], [])
        made: list[Mixture] = []
        for index in range(clips):
            voice = cut(speech[int(chance.integers(len(speech)))], chance)
            voice *= np.float32(LEVEL / rms(voice))
            bed = cut(beds[index % len(beds)], chance) if beds else crowd(speech, chance)
            mix = voice + bed * np.float32(LEVEL / rms(bed) * 10 ** (-under_db / 20)) if kind != "clean" else voice
            made.append((at_rate(mix, HEARD_HZ), at_rate(voice, HEARD_HZ)) if "narrow" in kind else (mix, voice))
        yield f"{kind} {under_db:g} dB" if kind != "clean" else kind, made


def dnsmos(session: onnxruntime.InferenceSession, sound: NDArray[np.float32]) -> Scores:
    """What the model says of a sound at 16 kHz of at least 9.01 s."""
    window = round(DNSMOS_S * HEARD_HZ)
    said = session.run(None, {session.get_inputs()[0].name: sound[None, :window]})[0][0]
    names = ("DNSMOS voice", "DNSMOS background", "DNSMOS")
    return {name: float(np.polyval(fit, each)) for name, fit, each in zip(names, DNSMOS_FITS, said, strict=True)}


def unjudged(_: NDArray[np.float32]) -> Scores:
    """Without a model."""
    return {}


def without_rumble(sound: NDArray[np.float32]) -> Sound:
    """From 94 Hz on: some of the speakers rumble as loud as they talk, and whoever leaves that out is right."""
    spectrum = np.fft.rfft(sound)
    spectrum[: math.ceil(RUMBLE_HZ * len(sound) / HEARD_HZ)] = 0
    return np.asarray(np.fft.irfft(spectrum, len(sound)), np.float32)


def score(mixture: Mixture, find: Voice, judge: Callable[[NDArray[np.float32]], Scores]) -> Scores:
    """How well the voice of a mixture is found."""
    mix, voice = mixture
    got, true = (np.asarray(resample(each, RATE, HEARD_HZ), np.float32) for each in (find(mix), voice))
    return {
        "SI-SDR": si_sdr_db(without_rumble(got), without_rumble(true)),
        "PESQ": float(pesq(HEARD_HZ, true, got, "wb")),
        **judge(got),
    }


def against(name: str, new: Mapping[str, NDArray[np.float64]], old: Mapping[str, NDArray[np.float64]] | None) -> str:
    """A row of the table: means, or the mean difference with its standard error."""
    if old is None:
        return f"| {name} | " + " | ".join(f"{each.mean():.2f}" for each in new.values()) + " |"
    gaps = [new[key] - old[key] for key in new]
    return f"| {name} | " + " | ".join(f"{g.mean():+.3f} ± {g.std(ddof=1) / np.sqrt(len(g)):.3f}" for g in gaps) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="packs of the training (training/README.md)")
    parser.add_argument(
        "--weights", type=Path, nargs="+", default=[None], help="safetensors; those that ship by default"
    )
    parser.add_argument("--dnsmos", type=Path, help="sig_bak_ovr.onnx")
    parser.add_argument("--clips", type=int, default=40, help="per condition")
    args = parser.parse_args()
    judge: Callable[[NDArray[np.float32]], Scores] = unjudged
    if args.dnsmos:
        judge = partial(dnsmos, onnxruntime.InferenceSession(str(args.dnsmos), providers=["CPUExecutionProvider"]))
    separators = [load("cpu", weights) for weights in args.weights]
    print("\n".join(f"{number}: {each.identity}" for number, each in enumerate(separators)))
    titled = False
    for condition, made in mixtures(args.data, args.clips):
        first = None
        for number, separator in enumerate(separators):
            rows = [score(mixture, wrap(separator), judge) for mixture in made]
            found = {key: np.array([row[key] for row in rows]) for key in rows[0]}
            if not titled:
                print("| network, condition | " + " | ".join(found) + " |\n" + "|---" * (1 + len(found)) + "|")
                titled = True
            print(against(f"{number}, {condition}", found, first), flush=True)
            first = first or found


if __name__ == "__main__":
    main()
