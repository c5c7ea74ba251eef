"""Does predicted difficulty tell where cleaning hurts? `python -m benchmarks.difficulty [--recordings N] [--write]`.

Speech and music of the corpus (MEDIACLEAN_CORPUS) are mixed to recordings of eight passages of ten seconds, each over
a piece of music and at a level of its own, both drawn by chance. Predicted: the difficulty of each passage. Actual: the
SI-SDR of the voice that the dialogue network finds in it, against the speech that was mixed in. Reported: Spearman's
rank correlation of difficulty and lost SI-SDR, per recording and over all, and whether the worst passage is in the top
three of the prediction.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from benchmarks.recordings import RATE, corpus_folder, rms, sounds
from mediaclean.analysis import analyse
from mediaclean.audio import Samples, Span
from mediaclean.backends.detector import load_detector
from mediaclean.backends.dialogue import load
from mediaclean.bed.difficulty import difficulties
from mediaclean.bed.level import measure_sections
from mediaclean.separate import separate_cuts
from mediaclean.speech import SpeechSettings, phrases

PASSAGE_S, PASSAGES = 10, 8
LEVELS_DB = (-5.0, 0.0, 3.0, 6.0, 10.0, 15.0, 20.0, 25.0)
CAVEAT = """
Read with care: the levels span 30 dB, which makes ranking easier than within one film; there are few speakers and four
pieces of music, no noise, and speech in every passage. Every passage is separated by itself with the shipped network.
"""
TABLE = Path(__file__).parent / "DIFFICULTY.md"


def si_sdr_db(found: NDArray[np.float32], true: NDArray[np.float32]) -> float:
    """Scale-invariant ratio of signal to distortion (Le Roux et al. 2019)."""
    true, found = true - true.mean(), found - found.mean()
    aim = float(np.dot(found, true)) / (float(np.dot(true, true)) + 1e-12) * true
    rest = found - aim
    return float(10 * np.log10((np.dot(aim, aim) + 1e-12) / (np.dot(rest, rest) + 1e-12)))


def mixture(
    speech: NDArray[np.float32], music: list[NDArray[np.float32]], chance: np.random.Generator
) -> tuple[Samples, Samples, list[float]]:
    """A recording, its speech and the level of the speech over the music per passage; all at a speech of -23 dBFS."""
    size = PASSAGE_S * RATE
    start = int(chance.integers(0, len(speech)))
    voice = np.take(speech, np.arange(start, start + size * PASSAGES), mode="wrap")
    voice = voice * np.float32(10 ** (-23 / 20) / rms(voice))
    levels = [float(level) for level in chance.permutation(LEVELS_DB)[:PASSAGES]]
    bed = np.zeros_like(voice)
    for number, level in enumerate(levels):
        piece = music[int(chance.integers(len(music)))]
        at = int(chance.integers(0, max(1, len(piece) - size)))
        part = np.take(piece, np.arange(at, at + size), mode="wrap")
        here = slice(number * size, (number + 1) * size)
        bed[here] = part * np.float32(rms(voice) / rms(part) * 10 ** (-level / 20))
    mix = voice + bed + np.float32(1e-4) * chance.standard_normal(voice.size).astype(np.float32)
    return mix[None].astype(np.float32), voice[None], levels


def judge(mix: Samples, voice: Samples) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Predicted difficulty and actual SI-SDR per passage."""
    spans = [Span(n * PASSAGE_S * RATE, (n + 1) * PASSAGE_S * RATE) for n in range(PASSAGES)]
    heard = analyse([mix], rate=RATE, layout="mono", channels=1, detector=load_detector("silero"))
    talk = phrases(heard.speech, SpeechSettings(), RATE, heard.length)
    predicted = difficulties(spans, measure_sections(heard.level_db, talk, RATE))
    found = separate_cuts([mix], spans, load("cpu"), rate=RATE, length=mix.shape[1])
    actual = [si_sdr_db(part[0], voice[0, spans[n].start : spans[n].stop]) for n, part in found]
    return predicted, np.array(actual)


def main() -> None:
    """Print the table, or write it to DIFFICULTY.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, default=10)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    corpus = corpus_folder()
    speech, music = sounds(corpus / "speech"), sounds(corpus / "music")
    chance = np.random.default_rng(6)
    rows: list[str] = []
    all_predicted: list[float] = []
    all_actual: list[float] = []
    hits = 0
    for number in range(args.recordings):
        mix, voice, levels = mixture(speech[number % len(speech)], music, chance)
        predicted, actual = judge(mix, voice)
        correlation = float(spearmanr(predicted, -actual).statistic)
        hit = int(np.argmin(actual)) in np.argsort(-predicted, kind="stable")[:3]
        hits += hit
        all_predicted.extend(predicted)
        all_actual.extend(actual)
        cells = ", ".join(f"{db:.0f}: {p:.1f} / {a:.1f}" for db, p, a in zip(levels, predicted, actual, strict=True))
        rows.append(f"| {number + 1} | {correlation:.2f} | {'yes' if hit else 'no'} | {cells} |")
        print(rows[-1], flush=True)
    over_all = float(spearmanr(all_predicted, -np.array(all_actual)).statistic)
    summary = (
        f"Rank correlation over all {len(all_actual)} passages **{over_all:.2f}**; "
        f"the worst passage in the predicted top three in **{hits} of {args.recordings}** recordings."
    )
    print(summary)
    if args.write:
        command = f"MEDIACLEAN_CORPUS=… python -m benchmarks.difficulty --recordings {args.recordings} --write"
        head = (
            "| recording | rank correlation | worst in top three | speech over music in dB: difficulty / SI-SDR in dB |"
        )
        text = [f"# Predicted difficulty\n\n`{command}`\n\n{summary}\n{CAVEAT}", head, "|---|---|---|---|", *rows]
        TABLE.write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
