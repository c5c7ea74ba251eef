"""Is the chosen dose the right one? `python -m benchmarks.dose [--pairs N] [--calibrate] [--write]`.

Clean speech of the corpus (MEDIACLEAN_CORPUS) is mixed with its music and noise at 0 to 25 dB, and left clean. Every
clip goes through the real passes: listened to, planned, separated once with the engine dialogue, mixed with every dose.
Measured against the clean speech that was mixed in: STOI of every phrase, which must not fall by more than 0.01 under
the untouched mix, and the mean SI-SDR of the phrases, in which auto is held against the one fixed dose that turned out
best. Over the whole clip SI-SDR also punishes what sounds where nobody speaks, which auto keeps; it is told beside it.
A preset that asks for music under the words is also held against what it asks for: the clean speech over the true bed
at the preset's distance.

The thresholds of auto were looked at on the pairs that `--calibrate` takes; the table is made of others.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from pystoi import stoi

from benchmarks.difficulty import si_sdr_db
from benchmarks.recordings import RATE, corpus_folder, mono, noise_of, rms
from mediaclean import CleanOptions, load_preset
from mediaclean.audio import Span
from mediaclean.bed.duck import DuckSettings
from mediaclean.doses import DOSES, render_doses
from mediaclean.listening import listen, open_job
from mediaclean.loudness.kweight import KWeighting
from mediaclean.preset import Preset
from mediaclean.progress import ignore

Sound = NDArray[np.float32]
FIXED = tuple(dose for dose in DOSES if dose != "auto")
LEVELS_DB = (0, 5, 10, 15, 20, 25, None)
"""Speech over bed; None for clean speech."""
CLIP_S = 10
SHORTEST_S = 1.0
"""STOI of less speech than this says nothing."""
SPOKEN_DB = 20.0
"""Where the true speech lies this far under the clip's, the detector has taken something else for a phrase."""
WORSE = 0.01
BEST_WITHIN_DB = 0.5
SAME_DB = 40.0
"""What differs from what was asked for by less than this counts as that: nobody hears it, and one exact phrase would
outweigh all others in a mean."""
OFF = [f"{stage}=off" for stage in ("breath", "deess", "presence", "phrases", "room_tone", "loudness", "declip", "hum")]
TABLE = Path(__file__).parent / "DOSE.md"

CALIBRATE = (
    ("speech/librispeech_198.ogg", 0, "music/hungarian_dance_5.ogg", 20),
    ("speech/librispeech_3436.ogg", 0, "music/lets_go_fishin_vocals.ogg", 30),
    ("speech/silero_test_60s.flac", 5, "music/sugar_plum_fairy.ogg", 20),
    ("pairs/dfn48k_clean.wav", 0, "music/vibe_ace.ogg", 15),
    ("speech/librispeech_3436.ogg", 0, "pairs/0072", 0),
)
REPORT = (
    ("speech/silero_test_60s.flac", 22, "music/vibe_ace.ogg", 40),
    ("speech/librispeech_3436.ogg", 4, "music/sugar_plum_fairy.ogg", 50),
    ("speech/silero_test_60s.flac", 40, "pairs/0523", 0),
    ("speech/librispeech_198.ogg", 3, "pairs/0398", 0),
    ("pairs/dfn48k_clean.wav", 0, "music/lets_go_fishin_vocals.ogg", 60),
    ("speech/librispeech_3436.ogg", 0, "pairs/dfn48k", 0),
    ("pairs/0398_clean.wav", 0, "music/hungarian_dance_5.ogg", 45),
    ("speech/librispeech_198.ogg", 0, "music/vibe_ace.ogg", 70),
)
"""Speech and bed, each with the second at which its excerpt begins; a bed in `pairs/` is what noise is in the pair."""


def goals() -> dict[str, Preset]:
    """The dose alone, for two goals: no other process and no level, but the repairs of the ledger."""
    return {name: load_preset(name, [*OFF]) for name in ("documentary", "podcast")}


@dataclass(frozen=True)
class Judged:
    """One clip: SI-SDR per dose against the speech and against what the preset asks for, STOI per phrase of the mix and
    per dose, whether the sound was left as it was."""

    level_db: int | None
    si_sdr_db: dict[str, float]
    asked_db: dict[str, float]
    whole_db: dict[str, float]
    stoi_before: list[float]
    stoi: dict[str, list[float]]
    untouched: dict[str, bool]
    predicted: str
    without_speech: int


def excerpt(corpus: Path, name: str, start_s: float) -> Sound:
    """Ten seconds of a file at 48 kHz, repeated where it is shorter."""
    path = corpus / name
    sound = mono(path) if path.is_file() else noise_of(path)
    return np.take(sound, np.arange(CLIP_S * RATE) + round(start_s * RATE), mode="wrap").astype(np.float32)


def asked_for(voice: Sound, bed: Sound, spans: Sequence[Span], duck: DuckSettings) -> list[Sound]:
    """Each span as the preset wants it: the true bed no louder than its target under the true voice, in K-weighted
    loudness, nor lower than its floor, and never raised."""
    kinds = [KWeighting(RATE, 1)(sound[None])[0] for sound in (voice, bed)]
    found = []
    for span in spans:
        here = slice(span.start, span.stop)
        loud, under = (20.0 * np.log10(rms(kind[here]) + 1e-9) for kind in kinds)
        gain_db = min(0.0, max(loud - under - duck.target_lu, duck.floor_db))
        found.append(np.asarray(voice[here] + bed[here] * np.float32(10 ** (gain_db / 20)), np.float32))
    return found


def judge(speech: Sound, bed: Sound, level_db: int | None, preset: Preset, folder: Path) -> Judged:
    """Mix a clip, run it, hold every dose against the clean speech and against what the preset asks for."""
    voice = speech * np.float32(10 ** (-26 / 20) / rms(speech))
    gain = 0.0 if level_db is None else rms(voice) / rms(bed) * 10 ** (-level_db / 20)
    under = bed * np.float32(gain)
    mix = voice + under
    path = folder / "clip.wav"
    soundfile.write(path, mix, RATE, "FLOAT")
    job = open_job(path, preset, CleanOptions(engine="dialogue", device="cpu"), ignore)
    dosing = render_doses(job, listen(job), [Span(0, len(mix))], DOSES)
    (passage,) = dosing.passages
    mixes = {dose: sound[0] for dose, sound in passage.mixes.items()}
    found = [phrase.span for phrase in dosing.plans["auto"].phrases if phrase.span.length >= SHORTEST_S * RATE]
    spans = [s for s in found if rms(voice[s.start : s.stop]) > rms(voice) * 10 ** (-SPOKEN_DB / 20)]

    asked = asked_for(voice, under, spans, preset.duck or DuckSettings())

    def heard(sound: Sound) -> list[float]:
        return [float(stoi(voice[s.start : s.stop], sound[s.start : s.stop], RATE)) for s in spans]

    def clear(sound: Sound) -> float:
        return float(np.mean([si_sdr_db(sound[s.start : s.stop], voice[s.start : s.stop]) for s in spans]))

    def as_asked(sound: Sound) -> float:
        ratios = [si_sdr_db(sound[s.start : s.stop], want) for s, want in zip(spans, asked, strict=True)]
        return float(np.mean(np.minimum(ratios, SAME_DB)))

    return Judged(
        level_db,
        {dose: clear(sound) for dose, sound in mixes.items()},
        {dose: as_asked(sound) for dose, sound in mixes.items()},
        {dose: si_sdr_db(sound, voice) for dose, sound in mixes.items()},
        heard(passage.original[0]),
        {dose: heard(sound) for dose, sound in mixes.items()},
        {dose: bool(np.array_equal(sound, passage.original[0])) for dose, sound in mixes.items()},
        " ".join(choice.treatment for choice in dosing.plans["auto"].choices),
        len(found) - len(spans),
    )


def worse(judged: list[Judged], dose: str) -> int:
    """How many phrases have a STOI that lies too far under the untouched mix."""
    return sum(
        after < before - WORSE
        for each in judged
        for before, after in zip(each.stoi_before, each.stoi[dose], strict=True)
    )


def rows(judged: list[Judged]) -> list[str]:
    """SI-SDR by level and dose, and phrases made worse."""
    lines = [f"| speech over bed | {' | '.join(DOSES)} |", "|---|" + "---|" * len(DOSES)]
    for level_db in LEVELS_DB:
        own = [each for each in judged if each.level_db == level_db]
        if level_db is None:
            kept = [sum(each.untouched[dose] for each in own) for dose in DOSES]
            lines.append("| clean: left bit for bit | " + " | ".join(f"{count} of {len(own)}" for count in kept) + " |")
        else:
            means = [np.mean([each.si_sdr_db[dose] for each in own]) for dose in DOSES]
            lines.append(f"| {level_db} dB | " + " | ".join(f"{mean:.2f}" for mean in means) + " |")
    lines.append("| **mean** | " + " | ".join(f"**{mean_db(judged, dose):.2f}**" for dose in DOSES) + " |")
    whole = [np.mean([each.whole_db[dose] for each in judged if each.level_db is not None]) for dose in DOSES]
    lines.append("| mean over whole clips | " + " | ".join(f"{mean:.2f}" for mean in whole) + " |")
    asked = " | ".join(f"**{mean_asked_db(judged, dose):.2f}**" for dose in DOSES)
    lines.append(f"| **mean against what is asked for** | {asked} |")
    phrases = sum(len(each.stoi_before) for each in judged)
    counts = " | ".join(f"{worse(judged, dose)} of {phrases}" for dose in DOSES)
    lines.append(f"| phrases with STOI down by more than {WORSE} | {counts} |")
    falls = {
        dose: min(
            (a - b for each in judged for b, a in zip(each.stoi_before, each.stoi[dose], strict=True)), default=0.0
        )
        for dose in DOSES
    }
    lines.append("| largest fall of STOI | " + " | ".join(f"{min(0.0, falls[dose]):.3f}" for dose in DOSES) + " |")
    return lines


def mean_db(judged: list[Judged], dose: str) -> float:
    """Over all mixtures; clean clips have no SI-SDR."""
    return float(np.mean([each.si_sdr_db[dose] for each in judged if each.level_db is not None]))


def mean_asked_db(judged: list[Judged], dose: str) -> float:
    """The same against what the preset asks for."""
    return float(np.mean([each.asked_db[dose] for each in judged if each.level_db is not None]))


def under_best(judged: list[Judged], mean: Callable[[list[Judged], str], float]) -> str:
    """How far auto lies under the fixed dose that turned out best."""
    best = max(FIXED, key=lambda dose: mean(judged, dose))
    gap_db = mean(judged, best) - mean(judged, "auto")
    met = "met" if gap_db <= BEST_WITHIN_DB else "missed"
    side, distance = ("under", gap_db) if gap_db >= 0.0 else ("over", -gap_db)
    return f"**{distance:.2f} dB** {side} the best fixed dose, {best} ({met}: {BEST_WITHIN_DB} dB)"


def verdict(judged: list[Judged]) -> str:
    clean = [each for each in judged if each.level_db is None]
    kept = sum(each.untouched["auto"] for each in clean)
    bad = worse(judged, "auto")
    return (
        f"STOI: **{bad}** phrases worse ({'met' if bad == 0 else 'missed'}). "
        f"SI-SDR against the speech alone: {under_best(judged, mean_db)}; "
        f"against what the preset asks for: {under_best(judged, mean_asked_db)}. "
        f"Clean: **{kept} of {len(clean)}** left bit for bit ({'met' if kept == len(clean) else 'missed'})."
    )


def main() -> None:
    """Print the tables, or write them to DOSE.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--pairs", type=int, default=4, help="speech and bed pairs, 15 s of processor time each, up to 8"
    )
    parser.add_argument("--calibrate", action="store_true", help="the pairs that the thresholds were looked at on")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    corpus = corpus_folder()
    pairs = (CALIBRATE if args.calibrate else REPORT)[: args.pairs]
    found: dict[str, list[Judged]] = {name: [] for name in goals()}
    begin = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        for speech_name, speech_s, bed_name, bed_s in pairs:
            speech, bed = excerpt(corpus, speech_name, speech_s), excerpt(corpus, bed_name, bed_s)
            for level_db in LEVELS_DB:
                for name, preset in goals().items():
                    each = judge(speech, bed, level_db, preset, Path(folder))
                    found[name].append(each)
                    before, after = np.mean(each.stoi_before or [0.0]), np.mean(each.stoi["auto"] or [0.0])
                    cells = " ".join(f"{dose} {db:.1f}" for dose, db in each.si_sdr_db.items())
                    label = "clean" if level_db is None else f"{level_db} dB"
                    print(
                        f"{Path(speech_name).stem} / {Path(bed_name).stem} {label} {name}: {cells}; "
                        f"STOI {before:.3f} -> {after:.3f}; predicted {each.predicted}",
                        flush=True,
                    )
    command = "MEDIACLEAN_CORPUS=… python -m benchmarks.dose --write"
    text = ["# The dose that auto chooses\n", f"`{command}`\n", HEAD]
    for name, preset in goals().items():
        target = preset.duck.target_lu if preset.duck else 0.0
        text += [f"## Goal of the preset {name}: {target:g} LU\n", verdict(found[name]) + "\n", *rows(found[name]), ""]
    none = sum(each.without_speech for each in found["podcast"])
    text.append(
        f"{none} phrases are left out: the true speech lies {SPOKEN_DB:g} dB or more under the clip's, so the detector "
        "took something else for speech.\n"
    )
    text.append(f"{len(pairs)} pairs of speech and bed, {time.process_time() - begin:.0f} s of processor time.")
    print("\n".join(text))
    if args.write:
        TABLE.write_text("\n".join(text) + "\n", encoding="utf-8")


HEAD = """Mean SI-SDR of the phrases in dB, against the clean speech that was mixed in: all that is left of the bed
counts as error, even where a preset wants to keep it. Over whole clips it also counts what sounds where nobody speaks,
which auto lets come back. STOI is taken per phrase, against the same clean speech. Clips of ten seconds, engine
dialogue, the passes that `clean` runs; everything but the dose and the
ledger's repairs is off.

Read with care: few voices and beds, and the podcast goal is the one that asks for what SI-SDR measures. The documentary
wants music 10 LU under the words and no deeper, so its distance to remove is the music that it keeps, not an error.
So the last row of means has another reference: the clean speech over the true bed, which lies as far under each phrase
as the preset asks, never raised, and at its floor at the lowest. From 40 dB on a dose counts as what was asked for.
"""


if __name__ == "__main__":
    main()
