"""Does the ledger find artefacts, and only those? `python -m benchmarks.ledger [--development] [--write]`.

Artefacts of each kind are put into the voice of real speech from MEDIACLEAN_CORPUS, alone and over music at 0, 5 and
10 dB (see benchmarks/ledger_injections.py), mixed as the tool mixes, and judged. An injection is found if a mark of its
kind touches it, widened by 0.1 s; an injection without one is missed; a mark of that kind elsewhere is false.
Then what has no artefact is judged, and mixtures that the dialogue network separates are repaired.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.ledger_injections import INJECTIONS, RATE, Case, Sound, active_db, cases
from benchmarks.recordings import corpus_folder, mono
from mediaclean.analysis import analyse
from mediaclean.audio import Block, Span
from mediaclean.backends.detector import load_detector
from mediaclean.ledger import KINDS, WORDS, Ledger, LedgerSettings, judge
from mediaclean.media.clip import encode_clip
from mediaclean.speech import SpeechSettings, phrases

LEVELS_DB = (None, 0.0, 5.0, 10.0)
TOLERANCE = RATE // 10
SAMPLE_MUSIC = Path(__file__).parent.parent / "samples" / "stems" / "music.flac"
TABLE = Path(__file__).parent / "LEDGER.md"


def materials(corpus: Path, *, development: bool) -> tuple[list[Sound], list[Sound]]:
    """Speech at -23 dBFS and music; what the limits were set on, or what is reported. No sound is in both."""
    silero = mono(corpus / "speech/silero_test_60s.flac")
    if development:
        example = mono(corpus / "video/autoeditor_example.mp4")[: 40 * RATE]
        speech = [mono(corpus / "speech/librispeech_198.ogg"), silero[: 30 * RATE], example]
        music = [mono(corpus / "music/vibe_ace.ogg"), mono(corpus / "music/hungarian_dance_5.ogg")]
    else:
        book = mono(corpus / "video/manifesto_audiobook.mp4")
        speech = [mono(corpus / "speech/librispeech_3436.ogg"), silero[30 * RATE :], book[: 30 * RATE]]
        music = [mono(corpus / "music/sugar_plum_fairy.ogg"), mono(SAMPLE_MUSIC)]
    return [sound * np.float32(10 ** ((-23 - active_db(sound)) / 20)) for sound in speech], music


def talk(sound: Sound) -> list[Span]:
    heard = analyse([sound[None]], rate=RATE, layout="mono", channels=1, detector=load_detector("silero"))
    return phrases(heard.speech, SpeechSettings(), RATE, heard.length)


def judged(original: Sound, voice: Sound, gain: Sound, result: Sound, speech: list[Span]) -> Ledger:
    block = Block(0, original[None], voice[None])
    return judge([(block, gain, result[None])], speech, rate=RATE, length=len(original))


def of_case(case: Case, speech: list[Span]) -> Ledger:
    original, gain = case.original, case.gain
    result = np.asarray(original - (1 - gain) * (original - case.voice), np.float32)
    return judged(original, case.voice, gain, result, speech)


@dataclass
class Tally:
    """Of one kind."""

    right: int = 0
    missed: int = 0
    false: int = 0

    @property
    def f1(self) -> float:
        return 2 * self.right / max(1, 2 * self.right + self.missed + self.false)


def detection(speech: list[Sound], music: list[Sound]) -> Iterator[str]:
    tallies, elsewhere = {kind: Tally() for kind in KINDS}, Counter[str]()
    untouched, minutes, seconds, taken = Counter[str](), 0.0, 0.0, 0.0
    for number, sound in enumerate(speech):
        made = cases(sound, music, LEVELS_DB, np.random.default_rng([6, number]))
        for level, case in zip(LEVELS_DB, made, strict=True):
            talking = talk(case.original)
            begin = time.process_time()
            base = of_case(case, talking)
            taken, seconds = taken + time.process_time() - begin, seconds + len(sound) / RATE
            if case.has_music:
                untouched.update(mark.kind for mark in base.marks)
                minutes += len(sound) / RATE / 60
            for kind, inject in INJECTIONS.items():
                spoiled, places = inject(case, np.random.default_rng([number, int(level or 99)]))
                if not places:
                    continue
                wide = [Span(max(0, place.start - TOLERANCE), place.stop + TOLERANCE) for place in places]
                marks = of_case(spoiled, talking).marks
                own = [mark for mark in marks if mark.kind == kind]
                tally = tallies[kind]  # type: ignore[index]
                right = sum(any(mark.span.overlaps(place) for mark in own) for place in wide)
                tally.right, tally.missed = tally.right + right, tally.missed + len(places) - right
                tally.false += sum(not any(mark.span.overlaps(place) for place in wide) for mark in own)
                others = {m.kind for m in marks for place in wide if m.kind != kind and m.span.overlaps(place)}
                elsewhere.update(f"{kind}>{other}" for other in others)
    yield "| kind | injected | found | false | F1 | 0.8 | false per minute of music without artefacts |"
    yield "|---|---|---|---|---|---|---|"
    for kind, tally in tallies.items():
        verdict = "yes" if tally.f1 >= 0.8 else "**no**"
        rate = untouched[kind] / minutes
        yield (
            f"| {WORDS[kind]} | {tally.right + tally.missed} | {tally.right} | {tally.false} | {tally.f1:.2f} | "
            f"{verdict} | {rate:.1f} |"
        )
    yield f"\nCost: {taken / seconds * 3600:.0f} s of processor time per hour of lowered sound."


def neutral(speech: list[Sound]) -> Iterator[str]:
    from benchmarks.separator import dialogue

    network = dialogue()
    counts: dict[str, Counter[str]] = {}
    minutes = 0.0
    for sound in speech:
        talking, minutes = talk(sound), minutes + len(sound) / RATE / 60
        gain = np.full(len(sound), 10 ** (-18 / 20), np.float32)
        with tempfile.TemporaryDirectory() as folder:
            clip = Path(folder) / "clip.mp3"
            clip.write_bytes(encode_clip(sound[None], RATE, bit_rate=128_000))
            coded = np.resize(mono(clip), len(sound)).astype(np.float32)
        voice = network(sound)
        results = {
            "untouched": (sound, sound),
            "gain of -6 dB": (sound, sound * np.float32(0.5)),
            "MP3 at 128 kb/s": (coded, coded),
            "separated by the dialogue network, bed at -18 dB": (voice, sound - (1 - gain) * (sound - voice)),
        }
        for name, (own, result) in results.items():
            marks = judged(sound, own, gain, np.asarray(result, np.float32), talking).marks
            counts.setdefault(name, Counter()).update(mark.kind for mark in marks)
    yield "| clean real speech | marks | per minute | kinds |"
    yield "|---|---|---|---|"
    for name, found in counts.items():
        total = sum(found.values())
        yield f"| {name} | {total} | {total / minutes:.2f} | {', '.join(f'{n} {k}' for k, n in found.items()) or '–'} |"


def repair(speech: list[Sound], music: list[Sound]) -> Iterator[str]:
    from dataclasses import replace

    from mediaclean.job import CleanOptions
    from mediaclean.listening import listen, open_job
    from mediaclean.mixing import make_mix
    from mediaclean.plan.make import make_plan
    from mediaclean.preset import load_preset
    from mediaclean.progress import ignore
    from mediaclean.voices import separate_voices

    yield "| preset | speech over music | marks before | after | severity before | after | passages tried | kept |"
    yield "|---|---|---|---|---|---|---|---|"
    for number, sound in enumerate(speech[:2]):
        made = cases(sound[: 20 * RATE], music, (0.0, 5.0), np.random.default_rng([7, number]))
        for level, case in zip((0.0, 5.0), made, strict=True):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "mix.wav"
                soundfile.write(path, case.original, RATE, subtype="FLOAT")
                for name in ("documentary", "podcast"):
                    options = CleanOptions(engine="dialogue", device="cpu")
                    job = open_job(path, load_preset(name), options, ignore)
                    analysis = listen(job)
                    plan = make_plan(analysis, job.preset, engine="dialogue")
                    voices, _ = separate_voices(job, plan, analysis.stats, Path(folder) / "s", lambda _: None)
                    settings = job.preset.ledger or LedgerSettings()
                    before = make_mix(job, plan, voices, ledger=replace(settings, repair="none")).ledger
                    after = make_mix(job, plan, voices, ledger=settings).ledger
                    assert before is not None
                    assert after is not None
                    kept = sum(each.raised_db > 0 for each in after.repairs)
                    yield (
                        f"| {name} | {level:.0f} dB | {len(before.marks)} | {len(after.marks)} | {before.score:.1f} | "
                        f"{after.score:.1f} | {len(after.repairs)} | {kept} |"
                    )


def main() -> None:
    """Print the tables, or write them to LEDGER.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--development", action="store_true", help="on the sounds that the limits were set on")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    speech, music = materials(corpus_folder(), development=args.development)
    parts = [
        ("Injected artefacts", detection(speech, music)),
        ("What has no artefact", neutral(speech)),
        ("Repair", repair(speech, music)),
    ]
    assert __doc__ is not None
    command, story = "`MEDIACLEAN_CORPUS=… python -m benchmarks.ledger --write`", __doc__.split("\n\n", 1)[1]
    lines = ["# Artefact ledger", "", command, "", story]
    for title, rows in parts:
        lines += [f"## {title}", ""]
        for row in rows:
            lines.append(row)
            print(row, flush=True)
        lines.append("")
    if args.write:
        TABLE.write_text("\n".join([*lines, CAVEAT, ""]), encoding="utf-8")


CAVEAT = """Limits were set on other sounds (`--development`): other speakers or other minutes of one, other music. The
voice of the first table is the true one with 4 % of the bed in it, so that every artefact in it is known; songs with
words are left out, because a singer's consonants are consonants. Severity is 1 at the limit of a kind. A lighter dose
brings the result nearer to the original, so that severity falls is no surprise; what counts is that it is only made
lighter where it was marked."""


if __name__ == "__main__":
    main()
