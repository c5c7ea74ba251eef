"""What each preset does to the sample, against its stems: `python -m benchmarks.sample [--engine NAME] [--write]`.

The sample's stems are its truth, so everything can be measured on the finished file: how far speech stands above the
bed, before and after; what is left of the bed between phrases; how true the voice is; and the room tone's spectrum.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from mediaclean import CleanOptions, clean, load_preset, preset_names
from mediaclean.audio import Samples, power_to_db
from mediaclean.loudness.kweight import KWeighting, WeightedPower, power_to_lufs
from mediaclean.media import choose_track, decode, probe

SAMPLES = Path(__file__).parent.parent / "samples"
TABLE = Path(__file__).parent / "SAMPLE.md"
THIRDS_HZ = 1000.0 * 2.0 ** (np.arange(-10, 11) / 3.0)
RATE = 48_000


@dataclass(frozen=True)
class Truth:
    """The stems as stereo float32, and the passages."""

    voice: Samples
    music: Samples
    room: Samples
    passages: dict[str, tuple[int, int]]
    utterances: list[tuple[int, int]]


def load_truth() -> Truth:
    stems = {name: _stereo(sf.read(SAMPLES / "stems" / f"{name}.flac", dtype="float32")[0]) for name in
             ("voice", "music", "room")}  # fmt: skip
    table = json.loads((SAMPLES / "truth.json").read_text(encoding="utf-8"))
    passages: dict[str, tuple[int, int]] = {}
    for passage in table["passages"]:
        passages.setdefault(passage["name"], _samples(passage))
    return Truth(stems["voice"], stems["music"], stems["room"], passages, [_samples(u) for u in table["utterances"]])


def _samples(row: dict[str, Any]) -> tuple[int, int]:
    return round(row["start_s"] * RATE), round(row["stop_s"] * RATE)


def _stereo(sound: NDArray[np.float32]) -> Samples:
    return np.stack([sound, sound]) if sound.ndim == 1 else sound.T


SIZE, HOP = 4096, 1024


def spectra(sound: Samples) -> NDArray[np.complex128]:
    """Short-time spectra, (channels, frames, bins)."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(sound, ((0, 0), (0, SIZE))), SIZE, axis=1)[:, ::HOP]
    return np.asarray(np.fft.rfft(frames * np.hanning(SIZE), axis=-1))


def weights() -> NDArray[np.float64]:
    """The K-weighting's power response at the bins of `spectra`."""
    impulse = np.zeros((1, SIZE), dtype=np.float32)
    impulse[0, 0] = 1.0
    return np.asarray(np.abs(np.fft.rfft(KWeighting(RATE, 1)(impulse)[0])) ** 2)


def difference(result: Samples, truth: Truth, spans: Sequence[tuple[int, int]]) -> float:
    """How far speech stands above the bed in a result, in LU, over the spans together.

    In every third octave and span the result is fitted with the true voice and the true bed (least squares): only
    what is really left of the bed counts, not the distortion of the voice, for which SI-SDR stands.
    """
    frequency, power = np.fft.rfftfreq(SIZE, 1.0 / RATE), weights()
    bands = [(frequency >= f * 2 ** (-1 / 6)) & (frequency < f * 2 ** (1 / 6)) for f in THIRDS_HZ]
    energy = np.zeros(2)
    for start, stop in spans:
        parts = [spectra(sound[:, start:stop]) for sound in (truth.voice, truth.music + truth.room, result)]
        for band in bands:
            voice, bed, heard = (part[..., band] * np.sqrt(power[band]) for part in parts)
            basis = np.stack([voice.ravel(), bed.ravel()], axis=1)
            gains = np.linalg.lstsq(basis, heard.ravel(), rcond=None)[0]
            energy += np.abs(gains) ** 2 * (np.abs(basis) ** 2).sum(axis=0)
    return float(power_to_db(energy[0]) - power_to_db(energy[1]))


def loudness(sound: Samples, spans: Sequence[tuple[int, int]]) -> float:
    """K-weighted loudness over the spans together, ungated, in LUFS."""
    power = WeightedPower(RATE, "stereo", 2)(sound)
    return float(power_to_lufs(np.concatenate([power[a:b] for a, b in spans]).mean()))


def si_sdr(estimate: Samples, reference: Samples) -> float:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019)."""
    e, r = estimate.ravel().astype(np.float64), reference.ravel().astype(np.float64)
    target = (e @ r) / (r @ r) * r
    return float(10 * np.log10((target @ target) / ((e - target) @ (e - target) + 1e-20)))


def thirds(sound: Samples) -> NDArray[np.float64]:
    """Levels in third octaves from 100 Hz to 10 kHz, in dB."""
    size = 8192
    frames = np.lib.stride_tricks.sliding_window_view(sound.mean(axis=0), size)[:: size // 2]
    power = (np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)) ** 2).mean(axis=0)
    frequency = np.fft.rfftfreq(size, 1.0 / RATE)
    bands = [power[(frequency >= f * 2 ** (-1 / 6)) & (frequency < f * 2 ** (1 / 6))].sum() for f in THIRDS_HZ]
    return np.asarray(power_to_db(np.array(bands) / size**2))


def row(name: str, engine: str, folder: Path, truth: Truth) -> list[str]:
    """One preset's line of the table."""
    target = folder / f"{name}.mp4"
    preset = load_preset(name)
    report = clean(SAMPLES / "interview.mp4", target, preset, CleanOptions(engine=engine, overwrite=True))  # type: ignore[arg-type]
    media = probe(target)
    result = np.concatenate(list(decode(media, choose_track(media))), axis=1)
    result = result[:, : truth.voice.shape[1]]
    quiet, loud = truth.passages["speech over quiet music"], truth.passages["speech over loud music"]
    said = {span: [u for u in truth.utterances if span[0] <= u[0] < span[1]] for span in (quiet, loud)}
    alone = [truth.passages["music alone"]]
    tone = truth.passages["room tone"]
    gain_db = report.level.gain_db if report.level else 0.0
    after, before = thirds(result[:, slice(*tone)]) - gain_db, thirds(truth.room[:, slice(*tone)])
    bed_before = truth.music + truth.room
    mix = truth.voice + bed_before
    cells = [name]
    for span in (quiet, loud):
        was, now = (difference(sound, truth, said[span]) for sound in (mix, result))
        cells.append(f"{was:.1f} → {now:.1f}")
    cells.append(f"{loudness(bed_before, alone):.1f} → {loudness(result, alone) - gain_db:.1f}")
    start, stop = loud
    cells.append(
        f"{si_sdr(mix[:, start:stop], truth.voice[:, start:stop]):.1f} → "
        f"{si_sdr(result[:, start:stop], truth.voice[:, start:stop]):.1f}"
    )
    cells.append(f"{np.abs(after - before).max():.1f}")
    cells.append(f"{report.after.integrated_lufs:.2f} / {report.after.true_peak_dbtp:.2f}")
    cells.append(f"{report.separated_share:.0%}")
    return cells


HEAD = [
    "preset", "speech over bed, quiet music (LU)", "speech over bed, loud music (LU)",
    "music alone, before the gain (LUFS)",
    "SI-SDR of the voice, loud music (dB)", "room tone, largest third-octave error (dB)", "LUFS / dBTP", "separated",
]  # fmt: skip


def main() -> None:
    """Print the table, or write it to SAMPLE.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="dialogue")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    truth = load_truth()
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    with tempfile.TemporaryDirectory() as folder:
        for name in preset_names():
            lines.append("| " + " | ".join(row(name, args.engine, Path(folder), truth)) + " |")
            print(lines[-1], flush=True)
    text = (
        "# The sample, measured against its stems\n\n"
        f"`python -m benchmarks.sample --engine {args.engine} --write`; before → after on the finished, encoded file.\n"
        "Speech over bed: voice and bed in the result are found by fitting it with the true stems in third octaves.\n\n"
        + "\n".join(lines)
        + "\n"
    )
    if args.write:
        TABLE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
