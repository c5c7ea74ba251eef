"""The meter, the limiter and the dialogue gate against what they promise: writes LOUDNESS.md.

    python -m benchmarks.loudness_conformance [--write]

Published test signals and real programmes are taken from the folder that MEDIACLEAN_CORPUS names and left out
without it; the tone sequences are made from their definitions. The independent meter is FFmpeg's ebur128 filter.
"""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.loudness_gate import gate_table
from benchmarks.loudness_speed import speed_table
from mediaclean.audio import Samples
from mediaclean.loudness.limiter import LimiterStats, limit
from mediaclean.loudness.meter import Loudness, Meter, measure
from tests.loudness.reference_meter import ebur128
from tests.loudness.tone_signals import INTEGRATED, MAXIMA, RANGE, RATE, alternating, growing

TABLE = Path(__file__).parent / "LOUDNESS.md"
CORPUS = os.environ.get("MEDIACLEAN_CORPUS")
LAYOUTS = {1: "mono", 2: "stereo", 5: "5.0", 6: "5.1"}
QUANTITIES = {
    "integrated LUFS": "integrated_lufs",
    "max short-term LUFS": "short_term_max_lufs",
    "max momentary LUFS": "momentary_max_lufs",
    "max true peak dBTP": "true_peak_dbtp",
}


def read(path: Path) -> tuple[Samples, int]:
    """A sound file as float32 of shape (channels, n), and its rate."""
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return np.ascontiguousarray(sound.T), rate


def row(name: str, quantity: str, expected: float, got: float | None, low: float, high: float) -> str:
    """A line of the table of conformance."""
    if got is None:
        return f"| {name} | {quantity} | {expected:g} | none | | {'pass' if np.isinf(expected) else 'FAIL'} |"
    verdict = "pass" if low <= got - expected <= high else "FAIL"
    return f"| {name} | {quantity} | {expected:g} | {got:.2f} | {low:+g} to {high:+g} | {verdict} |"


def conformance() -> Iterator[str]:
    yield "| signal | quantity | expected | measured | tolerance | |"
    yield "|---|---|---|---|---|---|"
    for case in (*INTEGRATED, *RANGE, *MAXIMA):
        got = getattr(measure([case.samples()], RATE, case.layout), case.quantity)
        yield row(case.name, case.quantity, case.expected, got, -case.tolerance, case.tolerance)
    for name, times, loud_s, quiet_s, curve, settled in (
        ("3341-9", 5, 1.34, 1.66, "short_term", 1),
        ("3341-12", 25, 0.18, 0.22, "momentary", 7),
    ):
        meter = Meter(RATE, "stereo", 2)
        meter.add(alternating(times, loud_s, quiet_s))
        values = getattr(meter.series(), curve)()[settled:]
        yield row(name, f"{curve}, farthest", -23, values[np.abs(values + 23).argmax()], -0.1, 0.1)
    for name, window_s, step_s, quantity in (
        ("3341-11", 3.0, 0.15, "short_term_max_lufs"),
        ("3341-14", 0.4, 0.02, "momentary_max_lufs"),
    ):
        sound, length = growing(window_s, step_s), round(RATE * 2 * window_s)
        reads = [getattr(measure([sound[:, : (i + 1) * length]], RATE, "stereo"), quantity) for i in range(20)]
        errors = np.array(reads) - (np.arange(20) - 38)
        worst = int(np.abs(errors).argmax())
        yield row(f"{name}, worst of 20 tones", quantity, worst - 38, reads[worst], -0.1, 0.1)
    if CORPUS:
        yield from published(Path(CORPUS) / "loudness")


def published(folder: Path) -> Iterator[str]:
    with (folder / "expected.csv").open() as file:
        for line in csv.DictReader(file):
            sound, rate = read(folder / line["file"])
            meter = Meter(rate, LAYOUTS[sound.shape[0]], sound.shape[0])
            meter.add(sound)
            result, expected = meter.result(), float(line["expected"])
            if line["quantity"] in QUANTITIES:
                got = getattr(result, QUANTITIES[line["quantity"]])
            else:
                settled = meter.series().momentary()[7:]
                got = settled[np.abs(settled - expected).argmax()]
            low, high = -float(line["tolerance_down"]), float(line["tolerance_up"])
            yield row(line["file"], line["quantity"], expected, got, low, high)


def programmes() -> Iterator[tuple[str, Samples, int]]:
    """Real programmes of the corpus, and random ones."""
    if CORPUS:
        for pattern in ("music/*.ogg", "speech/*", "pairs/*_noisy.wav"):
            for path in sorted(Path(CORPUS).glob(pattern)):
                yield path.name, *read(path)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        rate, channels = int(rng.choice([16000, 44100, 48000, 96000])), int(rng.choice([1, 2, 6]))
        count = 30 * rate
        levels_db = np.repeat(rng.uniform(-34, -14, 61), rate // 2)[:count]
        sound = rng.standard_normal((channels, count)) * 10 ** (levels_db / 20)
        sound[:, 1:] += rng.uniform(-0.9, 0.9) * sound[:, :-1]
        yield f"random {seed}: {rate} Hz, {LAYOUTS[channels]}", (0.3 * sound).astype(np.float32), rate


def agreement() -> Iterator[str]:
    yield "| programme | integrated | range | ebur128's range | true peak | integrated, pyloudnorm |"
    yield "|---|---|---|---|---|---|"
    worst = np.zeros(5)
    for name, sound, rate in programmes():
        layout = LAYOUTS[sound.shape[0]]
        ours, theirs = measure([sound], rate, layout), ebur128(sound, rate, layout)
        differences = np.array(
            [
                (ours.integrated_lufs or 0.0) - theirs["integrated_lufs"],
                (ours.range_lu or 0.0) - theirs["range_lu"],
                (ours.range_lu or 0.0) - theirs["ffmpeg_range_lu"],
                ours.true_peak_dbtp - theirs["true_peak_dbtp"],
                against_pyloudnorm(sound, rate, ours),
            ]
        )
        worst = np.fmax(worst, np.abs(differences))
        yield f"| {name} | " + " | ".join("" if np.isnan(d) else f"{d:+.3f}" for d in differences) + " |"
    yield "| **largest** | " + " | ".join(f"**{value:.3f}**" for value in worst) + " |"


def against_pyloudnorm(sound: Samples, rate: int, ours: Loudness) -> float:
    if sound.shape[0] > 2:
        return float("nan")  # it knows five channels only, without LFE
    import pyloudnorm

    meter = pyloudnorm.Meter(rate, filter_class="DeMan")
    return (ours.integrated_lufs or 0.0) - float(meter.integrated_loudness(sound.T.astype(np.float64)))


def limiter() -> Iterator[str]:
    from scipy.signal import resample_poly

    from tests.loudness.test_limiter import CEILING, SOUNDS

    yield "| sound | true peak before, dBTP | after | deepest reduction, dB | steepest, dB/ms |"
    yield "|---|---|---|---|---|"
    for name, sound in SOUNDS.items():
        stats = LimiterStats()
        sound = sound.astype(np.float32)
        limited = np.concatenate(list(limit([sound], RATE, ceiling_dbtp=CEILING, stats=stats)), axis=1)
        before, after = (
            20 * np.log10(np.abs(resample_poly(x.astype(np.float64), 8, 1, axis=1)).max()) for x in (sound, limited)
        )
        heard = np.flatnonzero(np.abs(sound[0]) > 0.01)
        gain_db = 20 * np.log10(limited[0, heard] / sound[0, heard])
        slope = (np.abs(np.diff(gain_db)) / np.diff(heard)).max() * RATE / 1000
        yield f"| {name} | {before:+.2f} | {after:+.2f} | {stats.max_reduction_db:.1f} | {slope:.2f} |"


INTRODUCTION = """# Loudness: measured

Made by `OPENBLAS_NUM_THREADS=1 python -m benchmarks.loudness_conformance --write` (see there). LUFS, LU and dB.

## Conformance

Tone sequences of EBU Tech 3341 and Tech 3342 made from their definitions, and published signals (ITU-R BS.2217, EBU
loudness test set) where the corpus has them.
"""

AGREEMENT = """
## Agreement with independent meters

Ours less theirs. FFmpeg's own range also counts the growing windows of the first 3 s, Tech 3342 whole ones only, so the
column `range` is taken over FFmpeg's short-term values from 3 s on; the next column is FFmpeg's figure as it stands.
"""

LIMITER = """
## Limiter

Ceiling -1 dBTP; true peaks by another interpolator (scipy's, 8 times).
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.name}")
    options = parser.parse_args()
    sections = (
        (INTRODUCTION, conformance()),
        (AGREEMENT, agreement()),
        (LIMITER, limiter()),
        gate_table(CORPUS),
        speed_table(),
    )
    lines: list[str] = []
    for head, table in sections:
        lines += [head, *table]
    text = "\n".join(lines) + "\n"
    print(text)
    if options.write:
        TABLE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
