"""What the repair stages do to speech that was broken on purpose, and what they do to sound that was not.

    python -m benchmarks.finishing_repair [--write]

Speech is the sample's voice and, where MEDIACLEAN_CORPUS is set, its clean recordings, at -23 dBFS RMS with room
noise at -65 dBFS; 30 s of each at most. Rooms are shoeboxes by the image method, for want of measured ones. FFmpeg's
adeclip, with its default settings, stands beside declip.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import soundfile
from numpy.typing import NDArray
from pystoi import stoi
from scipy.signal import fftconvolve

from mediaclean import CleanOptions, clean, load_preset
from mediaclean.audio import Samples
from mediaclean.repair.chain import Finder, RepairSettings, mended
from mediaclean.repair.clicks import DeclickSettings
from mediaclean.repair.clipping import DeclipSettings
from mediaclean.repair.dereverb import DereverbSettings, dereverberated
from mediaclean.repair.hum import HumSettings, dehummed
from mediaclean.repair.records import HumLine, Repairs

HERE = Path(__file__).parent
VOICE = HERE.parent / "samples" / "stems" / "voice.flac"
SPEECH = (
    "pairs/dfn48k_clean.wav",
    "speech/silero_test_60s.flac",
    "speech/librispeech_198.ogg",
    "speech/librispeech_3436.ogg",
)
MUSIC = ("vibe_ace.ogg", "hungarian_dance_5.ogg", "sugar_plum_fairy.ogg", "lets_go_fishin_vocals.ogg")
LONGEST_S = 30
CLICK_LEVELS_DB = (-30.0, -24.0, -18.0, -12.0, -6.0)
HUM_NUMBERS = (1, 2, 3, 4, 5, 7, 9)


@dataclass(frozen=True, eq=False)
class Recording:
    name: str
    sound: Samples
    rate: int

    @property
    def seconds(self) -> float:
        return self.sound.shape[1] / self.rate


def read(path: Path, *, mono: bool = True) -> Recording:
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    sound = sound.T[:, : LONGEST_S * rate]
    return Recording(path.stem, sound[:1] if mono else sound, rate)


def corpus() -> Path | None:
    folder = os.environ.get("MEDIACLEAN_CORPUS")
    return Path(folder) if folder else None


def recordings() -> list[Recording]:
    """Clean speech at one level, with a little room noise under it."""
    folder = corpus()
    paths = [VOICE, *(folder / name for name in SPEECH if folder)] if folder else [VOICE]
    found = []
    for path in paths:
        plain = read(path)
        rng = np.random.default_rng(1)
        level = 10.0 ** (-23.0 / 20.0) / np.sqrt(np.mean(np.square(plain.sound)))
        noise = 10.0 ** (-65.0 / 20.0) * rng.standard_normal(plain.sound.shape)
        found.append(Recording(plain.name, np.asarray(plain.sound * level + noise, dtype=np.float32), plain.rate))
    return found


def found_in(sound: Samples, rate: int, settings: RepairSettings) -> Repairs:
    finder = Finder(rate, settings)
    for start in range(0, sound.shape[1], rate):
        for listen in finder.listeners:
            listen(sound[:, start : start + rate])
    return finder.result()


def repaired(sound: Samples, rate: int, settings: RepairSettings) -> tuple[Samples, Repairs]:
    repairs = found_in(sound, rate, settings)
    return np.concatenate(list(mended([sound], repairs, settings, rate)), axis=1), repairs


def ratio_db(signal: NDArray[np.floating], error: NDArray[np.floating]) -> float:
    above = np.square(signal, dtype=np.float64).sum()
    return float(10.0 * np.log10(above / max(np.square(error, dtype=np.float64).sum(), 1e-30)))


# hum


def hum(rate: int, count: int, base_hz: float, level_dbfs: float) -> NDArray[np.float32]:
    """Harmonics that fall by 3 dB each time their number doubles; the mains wander by a hundredth of a Hz."""
    at = np.arange(count) / rate
    phase = 2.0 * np.pi * base_hz * at + 0.01 * 60.0 * (1.0 - np.cos(2.0 * np.pi * at / 60.0))
    waves = [np.sin(number * phase + number) / np.sqrt(number) for number in HUM_NUMBERS]
    return np.asarray(10.0 ** (level_dbfs / 20.0) * np.sum(waves, axis=0), dtype=np.float32)


def band_power(sound: Samples, rate: int, middle_hz: float, width_hz: float) -> float:
    spectrum = np.abs(np.fft.rfft(sound[0] * np.hanning(sound.shape[1]))) ** 2
    frequency = np.fft.rfftfreq(sound.shape[1], 1.0 / rate)
    return float(spectrum[np.abs(frequency - middle_hz) <= width_hz].sum())


def elsewhere_db(before: Samples, after: Samples, rate: int, lines: Sequence[HumLine]) -> float:
    """What changed more than 5 Hz beside every line, against the speech there."""
    frequency = np.fft.rfftfreq(before.shape[1], 1.0 / rate)
    away = np.all([np.abs(frequency - line.frequency_hz) > 5.0 for line in lines], axis=0)
    window = np.hanning(before.shape[1])
    return ratio_db(
        np.abs(np.fft.rfft(before[0] * window))[away], np.abs(np.fft.rfft((after - before)[0] * window))[away]
    )


def hum_rows(speech: Iterable[Recording]) -> Iterator[str]:
    settings = HumSettings()
    for recording in speech:
        for base_hz, level_dbfs in ((50.02, -40.0), (50.02, -55.0), (59.96, -40.0), (59.96, -55.0)):
            added = hum(recording.rate, recording.sound.shape[1], base_hz, level_dbfs)[None]
            lines = found_in(recording.sound + added, recording.rate, RepairSettings(hum=settings)).lines
            if not lines:
                yield f"| {recording.name} | {base_hz} Hz, {level_dbfs:.0f} dBFS | none found | | | | |"
                continue
            error = max(abs(line.frequency_hz / round(line.frequency_hz / base_hz) - base_hz) for line in lines)
            rest = np.concatenate(list(dehummed([added], lines, settings, recording.rate)), axis=1)
            down = [
                10.0 * np.log10(band_power(added, recording.rate, at, 3.0) / band_power(rest, recording.rate, at, 3.0))
                for at in (line.frequency_hz for line in lines)
                if at < 9.5 * base_hz
            ]
            after = np.concatenate(list(dehummed([recording.sound], lines, settings, recording.rate)), axis=1)
            real = {round(line.frequency_hz / base_hz) for line in lines}
            yield (
                f"| {recording.name} | {base_hz} Hz, {level_dbfs:.0f} dBFS | {len(real & set(HUM_NUMBERS))} of "
                f"{len(HUM_NUMBERS)}, {len(real - set(HUM_NUMBERS))} | {error:.3f} | {min(down):.0f} | "
                f"{ratio_db(added, rest):.0f} | "
                f"{elsewhere_db(recording.sound, after, recording.rate, lines):.0f} |"
            )


def hum_false(speech: Sequence[Recording]) -> str:
    folder = corpus()
    songs = [read(folder / "music" / name, mono=False) for name in MUSIC] if folder else []
    lines = {r.name: found_in(r.sound, r.rate, RepairSettings(hum=HumSettings())).hum for r in (*speech, *songs)}
    found = [f"{name}: {line.frequency_hz:g} Hz, {line.reason}" for name, all_ in lines.items() for line in all_]
    return f"Nothing added, {len(speech)} of speech, {len(songs)} of music: {'; '.join(found) or 'no hum found'}."


# clicks


def click(kind: str, rate: int, chance: np.random.Generator) -> NDArray[np.float64]:
    """A spike of up to three samples, a crackle of a millisecond, or the two resonances of a mouth."""
    if kind == "spike":
        return np.asarray(chance.choice([-1.0, 1.0]) * np.ones(int(chance.integers(1, 4))))
    at = np.arange(round((0.001 if kind == "crackle" else 0.004) * rate)) / rate
    if kind == "crackle":
        wave = chance.standard_normal(len(at)) * np.exp(-at / 0.00025)
    else:
        fade = np.exp(-at / chance.uniform(0.0004, 0.001))
        low, high = chance.uniform(1200.0, 4500.0), chance.uniform(4000.0, 7000.0)
        wave = np.sin(2.0 * np.pi * low * at) * fade + 0.5 * np.sin(2.0 * np.pi * high * at) * fade**1.5
    return np.asarray(wave / np.abs(wave).max())


def excess_db(clean: Samples, burst: NDArray[np.float64], at: int, rate: int) -> float:
    """By how much a click exceeds the speech in the third octave where it does so most, from 1 kHz on. Both are heard
    through windows of 10 ms; of the speech, the loudest of three counts: before, under and after the click."""
    size = round(0.01 * rate)
    window = np.hanning(size)
    middle = at + len(burst) // 2
    alone = np.zeros(size)
    alone[size // 2 - len(burst) // 2 :][: len(burst)] = burst
    spectrum = np.abs(np.fft.rfft(alone * window)) ** 2
    around = [
        np.abs(np.fft.rfft(clean[0, middle + shift - size // 2 :][:size] * window)) ** 2
        for shift in (-size, -size // 2, 0, size // 2, size)
    ]
    edges = 1000.0 * 2.0 ** ((np.arange(0, 13) - 0.5) / 3.0)
    starts = np.searchsorted(np.fft.rfftfreq(size, 1.0 / rate), edges[edges < 0.45 * rate])
    bands = [np.add.reduceat(power, starts)[:-1] for power in (spectrum, np.max(around, axis=0))]
    return float(np.max(10.0 * np.log10((bands[0] + 1e-12) / (bands[1] + 1e-12))))


@dataclass
class Tally:
    """Clicks by how far they exceed the speech: how many there were and were found; what mending them gained."""

    there: int = 0
    found: int = 0

    def add(self, *, hit: bool) -> None:
        self.there += 1
        self.found += int(hit)

    def __str__(self) -> str:
        return f"{100.0 * self.found / self.there:.1f} % of {self.there}" if self.there else "none"


CLASSES_DB = (24.0, 12.0, 6.0, 0.0)
PLAIN_DB = 12.0


def click_rows(speech: Sequence[Recording]) -> Iterator[str]:
    settings, plain = RepairSettings(declick=DeclickSettings()), Tally()
    for kind in ("spike", "crackle", "mouth"):
        tallies = {low: Tally() for low in CLASSES_DB}
        gains, extra, minutes = [], 0, 0.0
        for recording in speech:
            rate = recording.rate
            chance = np.random.default_rng(3)
            sound, marks = recording.sound.copy(), []
            for index, start in enumerate(range(rate // 2, sound.shape[1] - rate // 2, rate // 4)):
                at = start + int(chance.integers(rate // 10))
                burst = 10.0 ** (CLICK_LEVELS_DB[index % 5] / 20.0) * click(kind, rate, chance)
                sound[0, at : at + len(burst)] += burst.astype(np.float32)
                marks.append((at, len(burst), excess_db(recording.sound, burst, at, rate)))
            out, repairs = repaired(sound, rate, settings)
            near = rate // 1000
            hits = [
                any(row.span.start < at + n + near and row.span.stop > at - near for row in repairs.rows)
                for at, n, _ in marks
            ]
            for (_, _, excess), hit in zip(marks, hits, strict=True):
                low = next((low for low in CLASSES_DB if excess >= low), None)
                if low is not None:
                    tallies[low].add(hit=hit)
                if excess >= PLAIN_DB:
                    plain.add(hit=hit)
            gains.append(
                ratio_db(recording.sound, out - recording.sound) - ratio_db(recording.sound, sound - recording.sound)
            )
            extra += sum(
                not any(row.span.start < at + n + near and row.span.stop > at - near for at, n, _ in marks)
                for row in repairs.rows
            )
            minutes += recording.seconds / 60.0
        cells = " | ".join(str(tallies[low]) for low in CLASSES_DB)
        yield f"| {kind} | {cells} | {np.mean(gains):.1f} | {extra / minutes:.1f} |"
    yield f"\nOf all clicks that exceed the speech by {PLAIN_DB:.0f} dB or more, {plain} are found."


def click_false(speech: Sequence[Recording]) -> Iterator[str]:
    for recording in speech:
        out, repairs = repaired(recording.sound, recording.rate, RepairSettings(declick=DeclickSettings()))
        heard = stoi(recording.sound[0], out[0], recording.rate)
        changed = 1000.0 * sum(row.span.length for row in repairs.rows) / recording.rate
        sdr = f"{ratio_db(recording.sound, out - recording.sound):.1f}" if repairs else "untouched"
        cells = f"{recording.seconds:.0f} | {len(repairs.rows)} | {changed:.1f} | {sdr} | {heard:.4f}"
        yield f"| {recording.name} | {cells} |"


# clipping


def adeclip(sound: Samples, rate: int) -> Samples:
    """FFmpeg's filter with its defaults, on mono sound."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate, format="fltp", layout="mono", time_base=Fraction(1, rate))
    chain = [source, graph.add("adeclip", ""), graph.add("aformat", "sample_fmts=fltp"), graph.add("abuffersink")]
    for left, right in pairwise(chain):
        left.link_to(right)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout="mono")
    frame.sample_rate, frame.pts = rate, 0
    graph.push(frame)
    graph.push(None)
    parts = []
    while True:
        try:
            parts.append(graph.pull().to_ndarray())
        except (av.error.BlockingIOError, av.error.EOFError):
            return np.concatenate(parts, axis=1)


def clip_rows(speech: Iterable[Recording]) -> Iterator[str]:
    gains = []
    for recording in speech:
        for over_db in (3.0, 6.0, 10.0):
            loud = recording.sound / np.abs(recording.sound).max() * np.float32(10.0 ** (over_db / 20.0))
            torn = np.clip(loud, -1.0, 1.0).astype(np.float32)
            start = time.process_time()
            out, repairs = repaired(torn, recording.rate, RepairSettings(declip=DeclipSettings()))
            ours_s, start = time.process_time() - start, time.process_time()
            theirs = adeclip(torn, recording.rate)
            theirs_s = time.process_time() - start
            before = ratio_db(loud, torn - loud)
            inside = np.zeros(torn.shape[1], dtype=bool)
            for row in repairs.rows:
                inside[row.span.start : row.span.stop] = True
            same = np.array_equal(out[:, ~inside], torn[:, ~inside])
            gains.append([ratio_db(loud, sound - loud) - before for sound in (out, theirs)])
            yield (
                f"| {recording.name} | {over_db:.0f} | {100.0 * np.mean(np.abs(torn) >= 0.9999):.2f} | {before:.1f} | "
                f"{gains[-1][0]:+.1f} | {gains[-1][1]:+.1f} | "
                f"{ours_s:.1f} / {theirs_s:.1f} | {'yes' if same else 'NO'} |"
            )
    mean = np.mean(gains, axis=0)
    yield f"| mean | | | | {mean[0]:+.1f} | {mean[1]:+.1f} | | |"


# reverberation


def shoebox(rate: int, size_m: Sequence[float], t60_s: float, chance: np.random.Generator) -> NDArray[np.float64]:
    """A room's impulse response (Allen and Berkley, JASA 65, 1979): one absorption for all walls, after Sabine."""
    speed, sides = 343.0, np.array(size_m)
    volume, area = sides.prod(), 2.0 * (sides[0] * sides[1] + sides[0] * sides[2] + sides[1] * sides[2])
    reflection = np.sqrt(max(0.0, 1.0 - 0.161 * volume / (area * t60_s)))
    mouth, ear = (chance.uniform(0.25, 0.75, 3) * sides for _ in range(2))
    reach = speed * t60_s
    axes = []
    for side, here, there in zip(sides, mouth, ear, strict=True):
        number = np.arange(-int(reach / (2 * side)) - 1, int(reach / (2 * side)) + 2)
        away = np.concatenate([2 * number * side + here - there, 2 * number * side - here - there])
        bounces = np.concatenate([np.abs(2 * number), np.abs(2 * number - 1)])
        axes.append((away, bounces))
    (x, i), (y, j), (z, k) = axes
    out = np.zeros(round(t60_s * rate) + 1)
    for away, bounced in zip(x, i, strict=True):
        distance = np.sqrt(away**2 + y[:, None] ** 2 + z[None, :] ** 2)
        strength = reflection ** (bounced + j[:, None] + k[None, :]) / np.maximum(distance, 0.3)
        place = np.round(distance / speed * rate).astype(int)
        here = place < len(out)
        np.add.at(out, place[here], strength[here] * chance.choice([-1.0, 1.0], size=int(here.sum()), p=[0.1, 0.9]))
    first = int(np.flatnonzero(out)[0])
    return np.asarray(out[first:] / out[first])


def gated(sound: Samples, rate: int) -> tuple[Samples, list[int]]:
    """Two seconds of speech and one of silence in turn, and where the silences begin."""
    out, stops = sound.copy(), []
    ramp = np.linspace(1.0, 0.0, rate // 200)
    for start in range(2 * rate, sound.shape[1] - rate, 3 * rate):
        out[:, start - len(ramp) : start] *= ramp.astype(np.float32)
        out[:, start : start + rate] = 0.0
        stops.append(start)
    return out, stops


def tail_db(sound: Samples, stops: Sequence[int], rate: int) -> float:
    """Level from 50 to 400 ms after speech has stopped."""
    tails = [sound[:, stop + rate // 20 : stop + 2 * rate // 5] for stop in stops]
    return float(10.0 * np.log10(np.mean([np.mean(np.square(tail)) for tail in tails]) + 1e-20))


def srr_db(sound: Samples, wanted: Samples) -> float:
    share = (sound * wanted).sum() / np.square(wanted).sum()
    return ratio_db(share * wanted, sound - share * wanted)


ROOMS = {
    "office, 0.4 s": ((5.0, 4.0, 2.8), 0.4),
    "living room, 0.6 s": ((6.5, 5.0, 2.7), 0.6),
    "hall, 1.0 s": ((12.0, 9.0, 4.5), 1.0),
}


def reverb_rows(speech: Iterable[Recording]) -> Iterator[str]:
    for recording in speech:
        rate, dry = recording.rate, recording.sound[:, : 15 * recording.rate]
        spoken, stops = gated(dry, rate)
        for name, (size_m, t60_s) in ROOMS.items():
            response = shoebox(rate, size_m, t60_s, np.random.default_rng(4))
            first = response.copy()
            first[round(0.05 * rate) :] = 0.0
            wet, wanted = (
                fftconvolve(spoken[0], r)[None, : spoken.shape[1]].astype(np.float32) for r in (response, first)
            )
            start = time.process_time()
            whole = dereverberated(wet, rate, DereverbSettings())
            cost = (time.process_time() - start) / (wet.shape[1] / rate)
            part = wet + np.float32(DereverbSettings().amount) * (whole - wet)
            cells = [
                f"{srr_db(wet, wanted):.1f}",
                " / ".join(f"{srr_db(out, wanted) - srr_db(wet, wanted):+.1f}" for out in (part, whole)),
                " / ".join(f"{tail_db(out, stops, rate) - tail_db(wet, stops, rate):+.1f}" for out in (part, whole)),
                f"{cost:.2f}",
            ]
            yield f"| {recording.name} | {name} | {' | '.join(cells)} |"
        kept = dereverberated(dry, rate, DereverbSettings())
        part = dry + np.float32(DereverbSettings().amount) * (kept - dry)
        changed = " / ".join(f"{ratio_db(dry, out - dry):.1f}" for out in (part, kept))
        yield f"| {recording.name} | none: the recording as it is | | SDR {changed} dB | | |"


# neutral


def neutral() -> str:
    zero = ["declip.amount=0", "declick.amount=0", "hum.reduce_db=0", "dereverb.amount=0"]
    preset = load_preset("documentary", ["separate=off", "duck=off", "room_tone=off", "loudness=off", *zero])
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.wav", Path(folder) / "out.wav"
        sound, rate = soundfile.read(VOICE, frames=15 * 48_000)
        soundfile.write(source, np.clip(sound * 6.0, -1.0, 1.0), rate, subtype="FLOAT")
        report = clean(source, target, preset, CleanOptions())
        same = np.array_equal(soundfile.read(source)[0], soundfile.read(target)[0])
    return (
        "All four stages on with an amount of zero, on clipped speech: packets "
        f"{'copied' if report.copied else 'CHANGED'}, samples {'the same bit by bit' if same else 'DIFFERENT'}."
    )


def sections() -> Iterator[str]:
    speech = recordings()
    yield "# Repair stages: hum, clicks, clipping, reverberation\n"
    yield "`python -m benchmarks.finishing_repair --write`\n"
    yield "\n".join((__doc__ or "").split("\n\n")[2].splitlines()) + "\n"
    yield "## Hum\n"
    yield (
        "Lines found of those added, and others notched beside them; error of the fundamental; by how much the added\n"
        "hum went down: the least of its found lines, and all lines together, found or not; what changed in the\n"
        "speech more than 5 Hz beside the lines, as SDR. The levels are the fundamental's. A line that the speech\n"
        "covers in three quarters of the time is not found.\n"
    )
    yield "| recording | hum | lines found, others | error Hz | least line dB | all hum dB | speech elsewhere, SDR dB |"
    yield "|---|---|---|---|---|---|---|"
    yield from hum_rows(speech)
    yield "\n" + hum_false(speech) + "\n"
    yield "## Clicks\n"
    yield (
        "Four clicks a second with peaks of -30 to -6 dBFS, anywhere. They are told apart by how far they exceed the\n"
        "speech around them in their best third octave, which says how plainly they are heard. Mean gain of SDR by\n"
        "mending; rows where no click was put, per minute. Four in five of those missed from 12 to 24 dB lie within\n"
        "20 ms of a voice louder than -35 dBFS, whose pulses stand out as much. A limit of 8 dB would find 93 to 95 %\n"
        "of them, with three times as many false rows.\n"
    )
    yield "| click | found, from 24 dB | 12 to 24 dB | 6 to 12 dB | 0 to 6 dB | SDR gain dB | false / min |"
    yield "|---|---|---|---|---|---|---|"
    yield from click_rows(speech)
    yield "\nClean speech: what declick takes for clicks there (some are clicks of the mouth), and what that costs.\n"
    yield "| recording | s | rows | ms changed | SDR dB | STOI |"
    yield "|---|---|---|---|---|---|"
    yield from click_false(speech)
    yield "\n## Clipping\n"
    yield (
        "SDR of the clipped speech and what is gained, by declip and by FFmpeg's adeclip; processor seconds of both;\n"
        "whether every sample outside the rows of the plan is the source's.\n"
    )
    yield "| recording | clipped by dB | samples % | SDR dB | declip dB | adeclip dB | s, both | else untouched |"
    yield "|---|---|---|---|---|---|---|---|"
    yield from clip_rows(speech)
    yield "\n## Reverberation\n"
    yield (
        "Speech to reverberation in dB (the wanted part is the direct sound with its first 50 ms) and its gain, and\n"
        "the change of the level from 50 to 400 ms after speech has stopped; each at the default amount of "
        f"{DereverbSettings().amount:g}\n"
        "and at 1. Processor seconds per second. The last row of each: what it costs where there is no room.\n"
    )
    yield "| recording | room | speech to reverberation | gain | tail | cost |"
    yield "|---|---|---|---|---|---|"
    yield from reverb_rows(speech)
    yield "\n## Neutral\n"
    yield neutral()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write FINISHING_REPAIR.md")
    wanted = parser.parse_args()
    lines = []
    for line in sections():
        print(line)
        sys.stdout.flush()
        lines.append(line)
    if wanted.write:
        (HERE / "FINISHING_REPAIR.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
