"""How well the speech detectors hear speech under music: writes VAD.md.

    MEDIACLEAN_CORPUS=... python -m benchmarks.vad [--write]

Every speech file of the corpus is laid over every piece of music, with 8 s of music alone before and after it. The
truth is the level of the clean speech: a frame of 32 ms is speech if it lies within 35 dB of the loud frames. The
speech-to-music ratio counts the speech's own frames only. Precision and recall count frames; recall of energy is what
phrases (default settings) keep of the clean speech's energy, which is what a listener would miss.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from benchmarks.recordings import corpus_folder
from mediaclean.audio import frame_edges
from mediaclean.backends.detector import DetectorName, load_detector
from mediaclean.resample import Resampler
from mediaclean.speech import SpeechSettings, phrases

RATE = 48_000
AROUND_S = 8
RATIOS_DB = (20, 10, 5, 0)
WITHIN_DB = 35.0
BLOCK = RATE // 10

Sound = NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """A mix, the clean speech in it (both (n,) at 48 kHz), and which of its frames are speech."""

    name: str
    mix: Sound
    speech: Sound
    truth: NDArray[np.bool_]


@dataclass(frozen=True)
class Score:
    """One detector on one scene.

    Attributes:
        frames: how many frames were rightly called speech, called speech, are speech, and are there.
        spans: the same for frames inside phrases.
        kept: share of the speech's energy inside phrases.
        resample_s, detect_s: processor time.
    """

    frames: NDArray[np.float64]
    spans: NDArray[np.float64]
    kept: float
    resample_s: float
    detect_s: float


def main() -> None:
    """Score both detectors and print the tables; with --write, into VAD.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write VAD.md beside this file")
    write = parser.parse_args().write
    corpus = corpus_folder()
    hits = [
        "| detector | speech to music, dB | precision | recall | phrases: precision | energy kept | worst |",
        "|---|---|---|---|---|---|---|",
    ]
    speeds = ["| detector | resampling to 16 kHz | detector | both |", "|---|---|---|---|"]
    for name in get_args(DetectorName):
        all_scores: list[Score] = []
        for ratio_db in (None, *RATIOS_DB):
            scores = {scene.name: score(scene, name) for scene in scenes(corpus, ratio_db)}
            hits.append(_row(name, ratio_db, scores))
            all_scores += scores.values()
        speeds.append(_speed_row(name, all_scores))
    text = "\n".join([*hits, "", "Times real time on one core, by processor time:", "", *speeds, ""])
    print(text)
    if write:
        head = f"# Speech detectors under music\n\n{_head()}\n\n"
        Path(__file__).with_name("VAD.md").write_text(head + text, encoding="utf-8")


def scenes(corpus: Path, ratio_db: float | None) -> Iterator[Scene]:
    """Speech over music at a ratio; None stands for speech alone."""
    for speech_file in sorted((corpus / "speech").iterdir()):
        around = np.zeros(AROUND_S * RATE, np.float32)
        speech = np.concatenate([around, load(speech_file), around])
        truth = is_speech(speech)
        if ratio_db is None:
            yield Scene(speech_file.stem, speech, speech, truth)
            continue
        power = np.mean(np.square(speech[np.repeat(truth, _frame())[: len(speech)]], dtype=np.float64))
        for music_file in sorted((corpus / "music").iterdir()):
            music = np.resize(load(music_file)[5 * RATE :], len(speech))
            gain = np.sqrt(power / np.mean(np.square(music, dtype=np.float64)) / 10 ** (ratio_db / 10))
            mix = speech + np.float32(gain) * music
            yield Scene(f"{speech_file.stem} / {music_file.stem}", mix / max(1.0, np.abs(mix).max()), speech, truth)


def score(scene: Scene, detector: DetectorName) -> Score:
    """Run a detector as a stream and count."""
    resampler, vad = Resampler(RATE), load_detector(detector)
    parts, clock = [], np.zeros(2)
    for at in range(0, len(scene.mix) + BLOCK, BLOCK):
        begun = time.process_time()
        last = at >= len(scene.mix)
        low = resampler.flush() if last else resampler.add(scene.mix[at : at + BLOCK])
        between = time.process_time()
        parts.append(vad.add(low))
        if last:
            parts.append(vad.flush())
        clock += [between - begun, time.process_time() - between]
    probability = np.concatenate(parts)[: len(scene.truth)]
    found = phrases(probability, SpeechSettings(), RATE, len(scene.mix))
    inside = np.zeros(len(scene.mix), bool)
    for span in found:
        inside[span.start : span.stop] = True
    edges = frame_edges(0, len(scene.truth), RATE)
    middles = np.minimum((edges[:-1] + edges[1:]) // 2, len(inside) - 1)
    energy = np.square(scene.speech, dtype=np.float64)
    kept = float(energy[inside].sum() / energy.sum())
    return Score(_counts(probability >= 0.5, scene.truth), _counts(inside[middles], scene.truth), kept, *clock)


def is_speech(speech: Sound) -> NDArray[np.bool_]:
    """Frames whose level lies within `WITHIN_DB` of the loud frames (95th percentile)."""
    padded = np.pad(speech, (0, -len(speech) % _frame())).reshape(-1, _frame())
    level_db = 10 * np.log10(np.mean(np.square(padded, dtype=np.float64), axis=1) + 1e-12)
    return np.asarray(level_db > np.percentile(level_db[level_db > -100], 95) - WITHIN_DB)


def load(path: Path) -> Sound:
    """A file as mono at 48 kHz."""
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return np.asarray(soxr.resample(sound.mean(axis=1), rate, RATE), np.float32)


def _frame() -> int:
    return round(0.032 * RATE)


def _counts(called: NDArray[np.bool_], truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.array([np.sum(called & truth), np.sum(called), np.sum(truth), len(truth)], np.float64)


def _row(name: str, ratio_db: float | None, scores: dict[str, Score]) -> str:
    frames = np.sum([one.frames for one in scores.values()], axis=0)
    spans = np.sum([one.spans for one in scores.values()], axis=0)
    kept = np.mean([one.kept for one in scores.values()])
    worst = min(scores, key=lambda scene: scores[scene].kept)
    return (
        f"| {name} | {'clean' if ratio_db is None else ratio_db} | {frames[0] / frames[1]:.3f} "
        f"| {frames[0] / frames[2]:.3f} | {spans[0] / spans[1]:.3f} | {kept:.4f} "
        f"| {scores[worst].kept:.3f} ({worst}) |"
    )


def _speed_row(name: str, scores: list[Score]) -> str:
    sound_s = sum(one.frames[3] for one in scores) * 0.032
    spent = np.array([sum(one.resample_s for one in scores), sum(one.detect_s for one in scores)])
    return f"| {name} | {sound_s / spent[0]:.0f} | {sound_s / spent[1]:.0f} | {sound_s / spent.sum():.0f} |"


def _head() -> str:
    assert __doc__ is not None
    return __doc__.split("\n", 1)[1].strip("\n")


if __name__ == "__main__":
    main()
