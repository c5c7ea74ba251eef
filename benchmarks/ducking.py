"""Is the bed where it was asked to be? `python -m benchmarks.ducking [--mixtures N] [--write]`.

Speech of the corpus (MEDIACLEAN_CORPUS), in talks of 3 to 9 s with pauses of 2 s, is laid over its music and ambience
at 0, 5, 10 and 15 LU. Talks begin and end where the speaker pauses (`benchmarks/talks.py`). Each mixture goes through
listening, plan, separation and riding with the documentary preset. Then the result is taken apart: what of the true bed
is in it (its projection on the bed, K-weighted) is held against the true voice, phrase by phrase. So what went over
into the separated voice counts as bed, which it is.

- *difference*: K-weighted loudness of the true voice above what is left of the true bed, over each phrase: a stretch in
  which the detector hears speech in the true voice alone, between pauses of half a second or more. Wanted is the
  preset's target (10 LU); more where the bed lies deeper by itself, which is never raised; less where the deepest gain
  that is allowed (-18 dB) does not reach.
- *complete*: at the onset of the true voice the gain is within 0.5 dB of its mean over the phrase's first second, or
  below it.
- *pumping*: effective value of the gain in dB between 1 and 8 Hz, within phrases (0.2 s from their ends), and over the
  whole; beside it what a side-chain compressor does that is keyed by the same true voice (10 ms attack, 250 ms release,
  as deep as the deepest dip).

`truth` gives the plan the true voice in place of a network's, so that what misses is the tool's own logic; `undivided`
is the same with one gain for each dip, as it was before dips were divided at the pauses of the voice; `dialogue` is the
shipped network.

One ambience has people in it: the speech detector finds speech in two thirds of it. To a separator of dialogue they are
voices, so it has rows of its own.

Read with care: what is left of `truth` is speech that the detector heard late or not at all in loud noise, so that the
dip begins late; what `dialogue` adds is what the network lets through of a noise or takes of a voice.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from benchmarks.recordings import RATE, corpus_folder, noise_of, pairs, sounds
from benchmarks.talks import STEP, lufs, mean_lufs, mixture, phrases
from mediaclean import CleanOptions, load_preset
from mediaclean.audio import Block, Samples, Span
from mediaclean.backends.detector import load_detector
from mediaclean.bed.confirm import VoiceEar
from mediaclean.bed.dips import DipEar
from mediaclean.bed.duck import DuckSettings
from mediaclean.deciding import decide
from mediaclean.downmix import Downmix
from mediaclean.listening import listen, open_job
from mediaclean.loudness.kweight import KWeighting
from mediaclean.mixing import make_mix
from mediaclean.progress import ignore
from mediaclean.render import Voices
from mediaclean.voices import separate_voices

TABLE = Path(__file__).parent / "DUCKING.md"
LEVELS_LU = (0.0, 5.0, 10.0, 15.0)
WITHIN_LU = 1.0
COMPLETE_DB = 0.5
KINDS = ("music", "ambience", "people")
PEOPLE_SHARE = 0.2
"""An ambience in which this much is heard as speech is one of people."""


@dataclass(frozen=True)
class Phrase:
    """One true phrase and what became of the bed under it."""

    level_lu: float
    wanted_lu: float
    got_lu: float
    complete: bool
    pumping_db: float

    @property
    def good(self) -> bool:
        return abs(self.got_lu - self.wanted_lu) <= WITHIN_LU


def kind_of(noise: NDArray[np.float32]) -> str:
    """Whether there is nobody in an ambience, or somebody."""
    ear = VoiceEar(RATE, Downmix(), load_detector("silero"))
    for _ in ear.listen([Block(0, noise[None], noise[None])]):
        pass
    (share,) = ear.shares([Span(0, len(noise))])
    return "people" if share > PEOPLE_SHARE else "ambience"


@contextmanager
def undivided() -> Iterator[None]:
    """One gain for each dip, whatever the voice does in it."""
    divide = DipEar.phrases
    DipEar.phrases = lambda _, span, _room=None: [span]  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        DipEar.phrases = divide  # type: ignore[method-assign]


def result_of(
    voice: NDArray[np.float32], bed: NDArray[np.float32], engine: str
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """The bed's gain in dB that a run settles on, per sample, and its mix."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mix.wav"
        soundfile.write(path, voice + bed, RATE, subtype="FLOAT")
        job = open_job(path, load_preset("documentary"), CleanOptions(engine="dialogue"), ignore)
        analysis = listen(job)
        plan = decide(job, analysis)
        cuts = [cut.span for cut in plan.cuts]

        def true_voices(index: int) -> Samples:
            return voice[None, cuts[index].start : cuts[index].stop]

        voices: Voices = true_voices
        if engine == "dialogue":
            voices, _ = separate_voices(job, plan, analysis.stats, Path(folder) / "spool", lambda _: None)
        with undivided() if engine == "undivided" else nullcontext():
            made = make_mix(job, plan, voices)
        result = np.concatenate(list(made.chunks("")), axis=1)[0]
    return 20.0 * np.log10(made.gains.at(0, len(voice)).astype(np.float64)), result


def sidechain_db(voice: NDArray[np.float32], depth_db: float) -> NDArray[np.float64]:
    """A side-chain compressor's gain per 10 ms: down by `depth_db` while the key is within 20 dB of its level."""
    count = len(voice) // STEP
    level = np.sqrt(np.square(voice[: count * STEP].reshape(count, STEP), dtype=np.float64).mean(axis=1))
    aim = np.where(level > 0.1 * np.sqrt(np.mean(np.square(level))), depth_db, 0.0)
    gain, now = np.zeros(count), 0.0
    for index, wanted in enumerate(aim):
        now += (wanted - now) * (1.0 - np.exp(-0.01 / (0.010 if wanted < now else 0.250)))
        gain[index] = now
    return gain


def modulation_db(gain_db: NDArray[np.float64]) -> NDArray[np.float64]:
    """What of a gain, given per 10 ms, lies between 1 and 8 Hz."""
    band = butter(2, [1.0, 8.0], "bandpass", fs=100.0, output="sos")
    return np.asarray(sosfiltfilt(band, gain_db))


def rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(np.square(values)))) if values.size else 0.0


def judge(
    voice: NDArray[np.float32],
    bed: NDArray[np.float32],
    spans: Sequence[Span],
    gain_db: NDArray[np.float64],
    result: NDArray[np.float32],
    level_lu: float,
    duck: DuckSettings,
) -> list[Phrase]:
    loud, under = lufs(voice), lufs(bed)
    heard_bed, heard_rest = (KWeighting(RATE, 1)(sound[None])[0] for sound in (bed, result - voice))
    moved = modulation_db(gain_db[: len(gain_db) // STEP * STEP : STEP])
    rows = []
    for parts in phrases(voice, spans):
        for part in parts:
            here = slice(part.start, part.stop)
            natural = mean_lufs(loud[here]) - mean_lufs(under[here])
            wanted = max(natural, min(duck.target_lu, natural - duck.floor_db))
            left = float(heard_rest[here] @ heard_bed[here]) / float(heard_bed[here] @ heard_bed[here])
            first = gain_db[part.start : min(part.start + RATE, part.stop)].mean()
            rows.append(
                Phrase(
                    level_lu,
                    wanted,
                    natural - 20.0 * float(np.log10(max(left, 1e-3))),
                    bool(gain_db[part.start] <= first + COMPLETE_DB),
                    rms(moved[part.start // STEP + 20 : part.stop // STEP - 20]),
                )
            )
    return rows


def main() -> None:
    """Print the table, or write it to DUCKING.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mixtures", type=int, default=20)
    parser.add_argument("--engines", default="truth,undivided,dialogue")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    corpus = corpus_folder()
    speech = sounds(corpus / "speech")
    noises = [noise_of(pair) for pair in pairs(corpus)]
    beds = [("music", sound) for sound in sounds(corpus / "music")] + [(kind_of(noise), noise) for noise in noises]
    duck = load_preset("documentary").duck or DuckSettings()
    rows: dict[tuple[str, str], list[Phrase]] = {}
    whole: dict[str, list[float]] = {}
    for number in range(args.mixtures):
        chance = np.random.default_rng(number)
        level = LEVELS_LU[number % len(LEVELS_LU)]
        kind, bed = beds[(number // len(LEVELS_LU) * 3 + number) % len(beds)]
        voice, under, spans = mixture(speech[number % len(speech)], bed, level, chance)
        for engine in args.engines.split(","):
            gain_db, result = result_of(voice, under, engine)
            found = judge(voice, under, spans, gain_db, result, level, duck)
            rows.setdefault((engine, kind), []).extend(found)
            moved = modulation_db(gain_db[: len(gain_db) // STEP * STEP : STEP])
            whole.setdefault(engine, []).append(rms(moved))
            if engine == "truth":
                key = sidechain_db(voice, float(gain_db.min()))
                whole.setdefault("side-chain", []).append(rms(modulation_db(key)))
            if args.verbose:
                cells = " ".join(f"{p.got_lu - p.wanted_lu:+.1f}{'' if p.complete else '!'}" for p in found)
                print(f"{number} {engine} {kind} {level:.0f} LU: {cells}", flush=True)
    lines = table(rows, whole)
    print("\n".join(lines))
    if args.write:
        command = f"MEDIACLEAN_CORPUS=… python -m benchmarks.ducking --mixtures {args.mixtures} --write"
        notes = (__doc__ or "").split("\n\n", 1)[1].strip()
        TABLE.write_text(f"# The bed under speech\n\n`{command}`\n\n{notes}\n\n" + "\n".join(lines) + "\n", "utf-8")


def table(rows: dict[tuple[str, str], list[Phrase]], whole: dict[str, list[float]]) -> list[str]:
    lines = [
        "| voice | bed | speech over bed | phrases | within 1 LU | median, 5th and 95th percentile of the error in LU "
        "| complete at the onset | pumping in phrases, mean / worst dB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    engines = list(dict.fromkeys(engine for engine, _ in rows))
    for (engine, kind), found in sorted(
        rows.items(), key=lambda row: (engines.index(row[0][0]), KINDS.index(row[0][1]))
    ):
        for level in [*LEVELS_LU, None]:
            some = [phrase for phrase in found if level is None or phrase.level_lu == level]
            if not some:
                continue
            error = np.array([phrase.got_lu - phrase.wanted_lu for phrase in some])
            middle, low, high = np.percentile(error, [50, 5, 95])
            pumping = [phrase.pumping_db for phrase in some]
            lines.append(
                f"| {engine} | {kind} | {'all' if level is None else f'{level:.0f} LU'} | {len(some)} "
                f"| {np.mean([p.good for p in some]):.0%} | {middle:+.2f}, {low:+.2f}, {high:+.2f} "
                f"| {np.mean([p.complete for p in some]):.0%} | {np.mean(pumping):.2f} / {max(pumping):.2f} |"
            )
    for what, kinds in (("over all beds and levels", KINDS), ("over music and ambience", KINDS[:2])):
        every = []
        for engine in engines:
            good = [p.good for (name, kind), found in rows.items() if name == engine and kind in kinds for p in found]
            every.append(f"{engine} {np.mean(good):.0%} of {len(good)}")
        lines += ["", f"Within 1 LU, {what}: " + ", ".join(every) + "."]
    parts = [f"{name} {np.mean(values):.2f} dB" for name, values in whole.items()]
    return [*lines, "", "Pumping over whole mixtures, pauses included: " + ", ".join(parts) + "."]


if __name__ == "__main__":
    main()
