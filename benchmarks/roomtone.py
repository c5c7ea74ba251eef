"""How well a synthesised room tone stands in for the recording's own.

    python -m benchmarks.roomtone CORPUS [--noise FOLDER] [--write]

The stretches that `choose_sources` calls room tone are cut into pieces of a quarter of a second. The tone is learned
from the even ones and judged by the odd ones (held out). Columns: seconds of tone found, in all; error of the
synthesised tone against the held-out sound in third octaves (from 100 Hz, above -100 dBFS; medians over pieces), mean
and largest, and the same for the even pieces themselves, which is what the recording allows; largest autocorrelation
from 0.5 s to 10 s; step of the level at the edges of filled holes in the recording's own tone; largest error of the
coherence between channels in third octaves, of the tone and of the even pieces; and whether all four hold: third
octaves within 1.5 dB in the mean over the bands, autocorrelation under 0.1, step under 1 dB, coherence within 0.1. A
largest error above 1.5 dB in a single band is told apart: where the recording's own even pieces miss by as much, no
model can do better. Recordings with less than 4 s of tone are not judged, but listed with what they are instead. Mono
recordings with 16 s of tone and more are judged once more as a stereo pair of two halves of it that cohere by half.
`--noise` adds ambiences (audio files of any length, four stretches of at most 150 s each).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from benchmarks.recordings import noise_in
from mediaclean.audio import Samples, Span
from mediaclean.roomtone.fill import ToneFiller
from mediaclean.roomtone.model import ToneSynth, learn
from mediaclean.roomtone.sources import FeatureStream, RoomToneSettings, choose_sources

HERE = Path(__file__).parent
SYNTH_S = 60
STRETCHES = 4
INAUDIBLE_DBFS = -100.0
PAIRS = ("0072", "0398", "0523", "dfn48k")


@dataclass(frozen=True)
class Row:
    name: str
    seconds: float
    octave_mean_db: float
    octave_max_db: float
    own_mean_db: float
    own_max_db: float
    autocorrelation: float
    step_db: float
    coherence: float
    own_coherence: float

    def line(self) -> str:
        stereo = "mono" if np.isnan(self.coherence) else f"{self.coherence:.2f} / {self.own_coherence:.2f}"
        return (
            f"| {self.name} | {self.seconds:.0f} | {self.octave_mean_db:.2f} / {self.octave_max_db:.2f} "
            f"| {self.own_mean_db:.2f} / {self.own_max_db:.2f} | {self.autocorrelation:.3f} | {self.step_db:.2f} "
            f"| {stereo} | {self.holds} |"
        )

    @property
    def holds(self) -> str:
        """All four promises, or those that do not hold."""
        kept = {
            "third octaves": self.octave_mean_db <= 1.5,
            "autocorrelation": self.autocorrelation < 0.1,
            "step": self.step_db < 1.0,
            "coherence": np.isnan(self.coherence) or self.coherence <= 0.1,
        }
        missed = [name for name, good in kept.items() if not good]
        if self.octave_max_db > 1.5:
            missed.append("one band" + (", as the recording's own" if self.own_max_db > 1.5 else ""))
        return "not " + "; ".join(missed) if missed else "all"


HEADER = (
    "| recording | s | tone: third octaves dB, mean / max | recording itself, mean / max | autocorrelation "
    "| step dB | coherence, tone / itself | holds |\n|---|---|---|---|---|---|---|---|"
)


def band_edges(rate: int) -> NDArray[np.float64]:
    """Edges of the third octaves from 100 Hz to 0.45 of the rate."""
    edges = 1000.0 * 2.0 ** ((np.arange(-10, 14) - 0.5) / 3.0)
    return np.asarray(edges[edges < 0.45 * rate], dtype=np.float64)


def third_octaves(pieces: list[Samples], rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Level in dBFS of every third octave, (channels, bands), and the coherence of the first two channels, (bands,).

    The level is the median over the pieces, and the coherence is taken with every piece at the same level, so that an
    event in a few pieces decides nothing.
    """
    frames = np.stack(pieces, axis=1).astype(np.float64)
    spectra = np.fft.rfft(frames * np.hanning(frames.shape[2]), axis=2)
    spectra *= np.sqrt(16.0 / 3.0) / frames.shape[2]
    frequency = np.fft.rfftfreq(frames.shape[2], 1.0 / rate)
    starts = np.searchsorted(frequency, band_edges(rate))
    power = np.add.reduceat(np.square(np.abs(spectra)), starts, axis=2)[:, :, :-1]
    level = 10.0 * np.log10(np.median(power, axis=1) + 1e-20)
    if len(spectra) == 1:
        return level, None
    cross = np.add.reduceat(spectra[0] * spectra[1].conj(), starts, axis=1)[:, :-1]
    even = np.sqrt(power[0] * power[1]) + 1e-30
    return level, np.abs((cross / even).mean(axis=0))


def autocorrelation(tone: Samples, rate: int) -> float:
    """Largest absolute autocorrelation between 0.5 s and 10 s."""
    mono = tone[0].astype(np.float64)
    spectrum = np.fft.rfft(mono, 2 * len(mono))
    value = np.fft.irfft(np.square(np.abs(spectrum)))[: len(mono)]
    return float(np.max(np.abs(value[rate // 2 : 10 * rate])) / value[0])


def step(sound: Samples, synth: ToneSynth, rate: int) -> float:
    """Difference in dB between the 50 ms before and after the edges of filled holes, in the mean over the edges."""
    settings = RoomToneSettings()
    length = rate // 5
    holes = [Span(at, at + length) for at in range(length, sound.shape[1] - 2 * length, 2 * length)]
    missing = sound.copy()
    for hole in holes:
        missing[:, hole.start : hole.stop] = 0.0
    filled = ToneFiller(synth, holes, settings).apply(missing, 0)
    reach = rate // 20
    edges = [(edge, side) for hole in holes for edge, side in ((hole.start, 1), (hole.stop, -1)) if reach <= edge]
    inside = outside = 0.0
    for edge, side in edges:
        low, high = filled[:, edge - reach : edge], filled[:, edge : edge + reach]
        within, without = (high, low) if side > 0 else (low, high)
        inside += float(np.square(within, dtype=np.float64).mean())
        outside += float(np.square(without, dtype=np.float64).mean())
    return float(abs(10.0 * np.log10(inside / outside)))


def tone_of(sound: Samples, rate: int) -> list[Samples]:
    """The recording's room tone in pieces of a quarter of a second."""
    mono = soxr.resample(sound.mean(axis=0), rate, 16000)
    frames = np.resize(mono, (len(mono) // 512, 512)).astype(np.float32)
    level = 10.0 * np.log10(np.square(frames, dtype=np.float64).mean(axis=1) + 1e-12)
    spans = choose_sources(
        level,
        np.zeros(len(frames)),
        FeatureStream().push(frames),
        rate=rate,
        length=sound.shape[1],
        settings=RoomToneSettings(max_total_s=120.0),
    )
    size = rate // 4
    return [sound[:, at : at + size] for span in spans for at in range(span.start, span.stop - size + 1, size)]


def instead(sound: Samples, rate: int, found_s: float) -> str:
    """Why a recording has no tone, by its quiet fifth: it moves, stands in peaks, or is too little to judge."""
    mono = soxr.resample(sound.mean(axis=0), rate, 16000)
    frames = np.resize(mono, (len(mono) // 512, 512)).astype(np.float32)
    level = np.square(frames, dtype=np.float64).mean(axis=1)
    features, low, settings = FeatureStream().push(frames), level <= np.percentile(level, 20.0), RoomToneSettings()
    flux, tonality = float(np.median(features.flux_db[low])), float(np.median(features.tonality_db[low]))
    loud = f"its quiet fifth is at {10 * np.log10(np.percentile(level, 10.0) + 1e-12):.0f} dBFS"
    if tonality > settings.max_tonality_db:
        return f"{loud} and stands in peaks of {tonality:.0f} dB, as music or a beep does"
    if flux > settings.max_flux_db:
        return f"{loud} and moves by {flux:.1f} dB from frame to frame, as events do"
    return f"{loud}; {found_s:.1f} s of tone, too little to hold any out"


def judge(name: str, pieces: list[Samples], rate: int) -> Row:
    sound = np.concatenate(pieces, axis=1)
    even, odd = pieces[::2], pieces[1::2]
    synth = ToneSynth(learn(even, rate), seed=1)
    tone = synth.read(0, SYNTH_S * rate)
    made_pieces = [tone[:, at : at + rate // 4] for at in range(0, tone.shape[1] - rate // 4 + 1, rate // 4)]
    truth, truth_coherence = third_octaves(odd, rate)
    made, made_coherence = third_octaves(made_pieces, rate)
    own, own_coherence = third_octaves(even, rate)
    audible = truth > INAUDIBLE_DBFS
    error, allowed = np.abs(made - truth)[audible], np.abs(own - truth)[audible]
    coherence = own_error = float("nan")
    if truth_coherence is not None and made_coherence is not None and own_coherence is not None:
        coherence = float(np.max(np.abs(made_coherence - truth_coherence)))
        own_error = float(np.max(np.abs(own_coherence - truth_coherence)))
    return Row(
        name,
        sound.shape[1] / rate,
        float(error.mean()),
        float(error.max()),
        float(allowed.mean()),
        float(allowed.max()),
        autocorrelation(tone, rate),
        step(sound, synth, rate),
        coherence,
        own_error,
    )


def widened(pieces: list[Samples]) -> list[Samples]:
    """A stereo tone from a mono one: the second half of the pieces is mixed into the first with coherence 1/2."""
    half = len(pieces) // 2
    return [
        np.concatenate([one, 0.5 * one + np.sqrt(np.float32(0.75)) * two])
        for one, two in zip(pieces[:half], pieces[half : 2 * half], strict=True)
    ]


def read(path: Path, start: int = 0, frames: int = -1) -> tuple[Samples, int]:
    sound, rate = soundfile.read(path, start=start, frames=frames, dtype="float32", always_2d=True)
    return np.ascontiguousarray(sound.T), rate


def recordings(corpus: Path, noise: Path | None) -> Iterator[tuple[str, Samples, int]]:
    """The noise of the noisy pairs, the sample's room, and ambiences."""
    yield ("sample: room", *read(HERE.parent / "samples" / "stems" / "room.flac"))
    for name in PAIRS:
        noisy, rate = read(corpus / "pairs" / f"{name}_noisy.wav")
        clean, _ = read(corpus / "pairs" / f"{name}_clean.wav")
        yield f"pair {name}: its noise", noise_in(noisy, clean), rate
    if noise is None:
        return
    for path in sorted(noise.iterdir()):
        if path.suffix not in {".wav", ".flac", ".opus", ".ogg"}:
            continue
        info = soundfile.info(path)
        for at in range(STRETCHES):
            start = int(info.frames * at / STRETCHES)
            sound, rate = read(path, start, min(150 * info.samplerate, info.frames // STRETCHES))
            yield f"{path.stem} at {start // info.samplerate} s", sound, rate


def summary(rows: list[Row], without: int) -> str:
    def count(good: Iterable[bool]) -> str:
        return f"{sum(good)} of {len(rows)}"

    stereo = [row for row in rows if not np.isnan(row.coherence)]
    return (
        f"Third octaves within 1.5 dB in every band: {count(row.octave_max_db <= 1.5 for row in rows)} (the recording "
        f"itself: {count(row.own_max_db <= 1.5 for row in rows)}); or at most 0.5 dB beyond what the recording allows: "
        f"{count(row.octave_max_db <= max(1.5, row.own_max_db + 0.5) for row in rows)}. "
        f"Autocorrelation under 0.1: {count(row.autocorrelation < 0.1 for row in rows)}. "
        f"Step under 1 dB: {count(row.step_db < 1.0 for row in rows)}. Coherence within 0.1: "
        f"{sum(row.coherence <= 0.1 for row in stereo)} of {len(stereo)} (the recording itself: "
        f"{sum(row.own_coherence <= 0.1 for row in stereo)}); or no further from the held-out sound than the recording "
        f"itself: {sum(row.coherence <= max(0.1, row.own_coherence) for row in stereo)} of {len(stereo)}. "
        f"Third octaves within 1.5 dB in the mean over the bands: {count(row.octave_mean_db <= 1.5 for row in rows)}. "
        f"{without} recordings had no tone, or too little."
    )


def speed() -> str:
    """Synthesis and learning against real time, stereo at 48 kHz."""
    rate = 48_000
    sound = np.random.default_rng(0).standard_normal((2, 20 * rate)).astype(np.float32) * 1e-3
    began = time.process_time()
    model = learn([sound], rate)
    learned = time.process_time() - began
    synth, best = ToneSynth(model), np.inf
    for _ in range(3):
        began = time.process_time()
        for at in range(30):
            synth.read(at * rate, rate)
        best = min(best, time.process_time() - began)
    times = f"{30 / best:.0f} times real time"
    return f"Stereo, 48 kHz, processor time: 20 s learned in {learned:.2f} s; synthesised at {times}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--noise", type=Path)
    parser.add_argument("--write", action="store_true", help="write benchmarks/ROOMTONE.md")
    arguments = parser.parse_args()
    lines = [HEADER]
    print(HEADER)
    rows, without = [], []
    for name, sound, rate in recordings(arguments.corpus, arguments.noise):
        pieces = tone_of(sound, rate)
        if len(pieces) < 16:
            without.append(f"- {name}: {instead(sound, rate, len(pieces) / 4)}")
            continue
        rows.append(judge(name, pieces, rate))
        if sound.shape[0] == 1 and len(pieces) >= 64:
            rows.append(judge(f"{name}, as stereo", widened(pieces), rate))
        fresh = [row.line() for row in rows[len(lines) - 1 :]]
        print("\n".join(fresh), flush=True)
        lines += fresh
    lines += ["", summary(rows, len(without)), "", "Recordings that are no room tone:", "", *without]
    print("\n".join(lines[-len(without) - 4 :]))
    lines += ["", speed()]
    print(lines[-1])
    if arguments.write:
        command = "python -m benchmarks.roomtone CORPUS" + (" --noise FOLDER" if arguments.noise else "")
        title = f"# Room tone against held-out tone of the same recording\n\n`{command}`\n\n"
        notes = (__doc__ or "").split("\n\n")[2].strip()
        (HERE / "ROOMTONE.md").write_text(f"{title}{notes}\n\n" + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
