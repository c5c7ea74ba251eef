"""What the finishing of the voice does, stage by stage: `python -m benchmarks.finishing_voice [--write]`.

Real recordings of speech, into which what a stage is to find was put: breaths in emptied pauses, phrases at other
levels, a band of consonants taken away. Needs MEDIACLEAN_CORPUS.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.signal import butter, oaconvolve, sosfilt, sosfiltfilt

from mediaclean.analysis import TrackStats
from mediaclean.audio import Block, Samples, Span, db_to_gain, power_to_db
from mediaclean.backends.detector import load_detector
from mediaclean.backends.registry import load_separator
from mediaclean.media import choose_track, decode, probe
from mediaclean.plan.make import Phrase
from mediaclean.polish import phrases, through
from mediaclean.polish.breath import BreathSettings, find_breaths
from mediaclean.polish.chain import Voiced, settle, stages
from mediaclean.polish.deess import DeessSettings, find_sibilants
from mediaclean.polish.frames import VoiceFrames, listen, speech_level
from mediaclean.polish.phrases import PhraseSettings, phrase_loudness, ride_phrases, spread_lu
from mediaclean.polish.presence import PresenceSettings, find_losses
from mediaclean.polish.records import VoiceGain
from mediaclean.preset import load_preset
from mediaclean.progress import ignore
from mediaclean.separate import separate_cuts
from mediaclean.speech import SpeechSettings
from mediaclean.speech import phrases as spoken

TABLE = Path(__file__).parent / "FINISHING_VOICE.md"
NAMES = (
    "speech/librispeech_198.ogg",
    "speech/librispeech_3436.ogg",
    "speech/silero_test_60s.flac",
    "pairs/dfn48k_clean.wav",
    "video/autoeditor_example.mp4",
    "video/manifesto_audiobook.mp4",
)
NATURAL = ("speech/librispeech_3436.ogg", ((2.48, 2.80), (9.40, 9.77)))
"""Breaths of a recording, found by eye in its spectrogram; lent to the others."""
LONGEST_S = 90
FADE_S = 0.02
SEEDS = 3
PAIRS = (
    ("pairs/dfn48k_clean.wav", "music/hungarian_dance_5.ogg"),
    ("pairs/dfn48k_clean.wav", "music/lets_go_fishin_vocals.ogg"),
    ("speech/librispeech_198.ogg", "music/hungarian_dance_5.ogg"),
    ("speech/librispeech_198.ogg", "music/lets_go_fishin_vocals.ogg"),
)


@dataclass(frozen=True)
class Recording:
    """Clean speech: its sound (channels, n), and its phrases."""

    name: str
    sound: Samples
    rate: int
    spans: list[Span]

    def track(self, cuts: Sequence[Span] = ()) -> Voiced:
        said = [Phrase(span, 1.0, -23.0, -60.0) for span in self.spans]
        return Voiced(self.rate, None, said, cuts, round(FADE_S * self.rate))


def load(path: Path) -> Recording:
    media = probe(path)
    track = choose_track(media)
    sound = np.concatenate(list(decode(media, track)), axis=1)[:, : LONGEST_S * track.rate]
    return Recording(path.name, sound, track.rate, detect(sound, track.rate))


def detect(sound: Samples, rate: int) -> list[Span]:
    detector = load_detector("silero")
    mono = soxr.resample(sound.mean(axis=0), rate, 16_000).astype(np.float32)
    return spoken(np.concatenate([detector.add(mono), detector.flush()]), SpeechSettings(), rate, sound.shape[1])


def blocks(mix: Samples, voice: Samples | None = None) -> Iterator[Block]:
    for at in range(0, mix.shape[1], 30_000):
        part = mix[:, at : at + 30_000]
        yield Block(at, part, part if voice is None else voice[:, at : at + 30_000])


def frames(recording: Recording, mix: Samples, voice: Samples | None = None, cuts: Sequence[Span] = ()) -> VoiceFrames:
    fade = round(FADE_S * recording.rate)
    return listen(blocks(mix, voice), rate=recording.rate, centre=None, cuts=cuts, fade=fade)


def finished(
    recording: Recording,
    rows: Sequence[VoiceGain],
    mix: Samples,
    voice: Samples | None = None,
    cuts: Sequence[Span] = (),
) -> Samples:
    """The voice after the rows."""
    done = through(blocks(mix, voice), stages(rows, recording.track(cuts)))
    return np.concatenate([block.voice for block in done], axis=1)


def band_db(sound: Samples, spans: Sequence[Span], rate: int, low_hz: float, high_hz: float) -> float:
    """Power of a band over the spans together, by their spectra under a Hann window."""
    total = 0.0
    for span in spans:
        part = sound[:, span.start : span.stop] * np.hanning(span.length)
        frequency = np.fft.rfftfreq(span.length, 1.0 / rate)
        power = np.abs(np.fft.rfft(part, axis=1)) ** 2 / span.length
        total += float(power[:, (frequency >= low_hz) & (frequency < high_hz)].sum())
    return float(power_to_db(total))


def level_db(sound: Samples) -> float:
    return float(power_to_db(np.mean(np.square(sound, dtype=np.float64))))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


# Sibilants


def deess(recordings: Sequence[Recording]) -> str:
    rows = []
    for recording in recordings:
        rate, sound = recording.rate, recording.sound
        for asked in (3.0, 6.0):
            found = find_sibilants(
                frames(recording, sound), recording.spans, DeessSettings(amount_db=asked, under_lu=30.0)
            )
            found = [row for row in found if row.gain_db == -asked]
            spans = [row.span for row in found]
            after = finished(recording, found, sound)
            top = min(0.46 * rate, 11_000.0)
            high = band_db(after, spans, rate, 5_000.0, top) - band_db(sound, spans, rate, 5_000.0, top)
            low = band_db(after, spans, rate, 100.0, 3_500.0) - band_db(sound, spans, rate, 100.0, 3_500.0)
            outside = np.ones(sound.shape[1], dtype=bool)
            for span in spans:
                outside[span.start : span.stop] = False
            moved = np.count_nonzero(after[:, outside] != sound[:, outside])
            rows.append([recording.name, str(len(found)), f"-{asked:g}", f"{high:.2f}", f"{low:+.3f}", str(moved)])
    head = [
        "recording",
        "sibilants",
        "asked (dB)",
        "5 kHz and up (dB)",
        "under 3.5 kHz (dB)",
        "samples changed outside",
    ]
    return table(head, rows)


def usual(recordings: Sequence[Recording]) -> str:
    """What the podcast preset decides about these recordings as they are."""
    rows = []
    preset = load_preset("podcast")
    for recording in recordings:
        found = settle(blocks(recording.sound), recording.track(), preset).rows
        minutes = recording.sound.shape[1] / recording.rate / 60
        cells = [recording.name, f"{minutes * 60:.0f}"]
        for process in ("breath", "deess", "phrases"):
            gains = [row.gain_db for row in found if row.process == process]
            cells.append(f"{len(gains)}" + (f" ({min(gains):+.1f} to {max(gains):+.1f} dB)" if gains else ""))
        rows.append(cells)
    return table(["recording", "s", "breaths", "sibilants", "phrases moved"], rows)


# Breaths


def emptied(recording: Recording) -> tuple[Samples, list[Span]]:
    """The recording with nothing but quiet noise in its pauses of a quarter of a second and more, and those pauses."""
    rate = recording.rate
    heard = frames(recording, recording.sound)
    quiet = heard.loud_db.astype(np.float64) < speech_level(heard, recording.spans) - 26.0
    edges = np.flatnonzero(np.diff(quiet.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    pauses = [heard.span(int(a), int(b)) for a, b in edges if (b - a) * heard.hop >= 0.25 * rate]
    sound, random = recording.sound.copy(), np.random.default_rng(0)
    floor = db_to_gain(speech_level(heard, recording.spans) - 62.0)
    fade = round(0.01 * rate)
    kept = []
    for pause in pauses:
        span = Span(pause.start, min(pause.stop, sound.shape[1]))
        gain = np.clip(np.minimum(np.arange(span.length), np.arange(span.length)[::-1]) / fade, 0.0, 1.0)
        noise = random.standard_normal(span.length) * floor
        part = sound[:, span.start : span.stop]
        sound[:, span.start : span.stop] = (part * (1.0 - gain) + noise * gain).astype(np.float32)
        if any(phrase.start <= span.stop < phrase.stop for phrase in recording.spans):
            kept.append(span)
    return sound, kept


def made_breath(rate: int, seconds: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Noise through three resonances of an open throat, under a swell."""
    count = round(seconds * rate)
    noise = random.standard_normal(count + rate // 10)
    breath = np.zeros(count)
    for centre, share in ((700.0, 1.0), (1_600.0, 1.0), (2_900.0, 0.5)):
        at = centre * random.uniform(0.8, 1.25)
        sos = butter(1, (at / 1.4, min(at * 1.4, 0.45 * rate)), "bandpass", fs=rate, output="sos")
        breath += share * sosfilt(sos, noise)[-count:]
    time = np.linspace(0.0, 1.0, count)
    return breath * np.minimum(1.0, np.minimum(time / random.uniform(0.2, 0.4), (1.0 - time) / 0.2))


def lent_breaths(corpus: Path, rate: int) -> list[NDArray[np.float64]]:
    name, spans = NATURAL
    lender = load(corpus / name)
    mono = lender.sound.mean(axis=0)
    parts = [mono[round(a * lender.rate) : round(b * lender.rate)].astype(np.float64) for a, b in spans]
    fade = np.clip(np.minimum(np.arange(10**5), 10**9) / (0.01 * lender.rate), 0.0, 1.0)
    faded = [part * np.minimum(fade[: len(part)], fade[: len(part)][::-1]) for part in parts]
    return [soxr.resample(part, lender.rate, rate) for part in faded]


@dataclass
class Count:
    injected: int = 0
    found: int = 0
    false: int = 0
    error_db: tuple[float, ...] = ()
    deepest_db: float = 0.0


def with_breaths(
    recording: Recording, lent: Sequence[NDArray[np.float64]], under_lu: float, seed: int
) -> tuple[Samples, list[Span]]:
    sound, pauses = emptied(recording)
    random = np.random.default_rng(seed)
    speech = speech_level(frames(recording, recording.sound), recording.spans)
    labels = []
    for number, pause in enumerate(pauses):
        room = pause.length - round(0.08 * recording.rate)
        pick = (number + seed) % 4
        breath = lent[pick] if pick < 2 else made_breath(recording.rate, random.uniform(0.2, 0.45), random)
        if len(breath) + round(0.1 * recording.rate) > room:
            continue
        stop = pause.stop - round(random.uniform(0.04, 0.09) * recording.rate)
        span = Span(stop - len(breath), stop)
        loudness = speech_level(listen_to(breath, recording.rate), [Span(0, len(breath))])
        sound[:, span.start : span.stop] += (breath * db_to_gain(speech - under_lu - loudness)).astype(np.float32)
        labels.append(span)
    return sound, labels


def in_room(sound: Samples, rate: int) -> Samples:
    """The recording from two metres away: a tail that falls by 60 dB in half a second, 6 dB under the direct sound,
    and noise 66 dB under its peak."""
    random = np.random.default_rng(2)
    tail = random.standard_normal(round(0.5 * rate)) * np.exp(-6.9 * np.arange(round(0.5 * rate)) / (0.5 * rate))
    tail[: round(0.004 * rate)] = 0.0
    tail *= 0.5 / np.sqrt(np.square(tail).sum())
    tail[0] = 1.0
    wet = oaconvolve(sound, tail[None], axes=1)[:, : sound.shape[1]]
    noise = random.standard_normal(sound.shape) * np.abs(sound).max() * db_to_gain(-66.0)
    return np.asarray(wet + noise, dtype=np.float32)


def listen_to(sound: NDArray[np.float64], rate: int) -> VoiceFrames:
    mono = sound[None].astype(np.float32)
    return listen([Block(0, mono, mono)], rate=rate, centre=None)


def breaths(recordings: Sequence[Recording], corpus: Path) -> str:
    rows = []
    for under_lu, place in product((22.0, 28.0, 34.0, 40.0), ("close", "room")):
        count = Count()
        for recording, seed in product(recordings, range(SEEDS)):
            sound, labels = with_breaths(recording, lent_breaths(corpus, recording.rate), under_lu, seed)
            sound = in_room(sound, recording.rate) if place == "room" else sound
            found = find_breaths(
                frames(recording, sound), recording.spans, BreathSettings(amount_db=6.0, under_lu=60.0)
            )
            after = finished(recording, found, sound)
            hits = [row for row in found if any(_shared(row.span, label) > 0.5 for label in labels)]
            count.injected += len(labels)
            count.found += sum(any(_shared(row.span, label) > 0.5 for row in found) for label in labels)
            count.false += len(found) - len(hits)
            for row in hits:
                inner = Span(row.span.start + recording.rate // 40, row.span.stop - recording.rate // 40)
                change = level_db(after[:, inner.start : inner.stop]) - level_db(sound[:, inner.start : inner.stop])
                count.error_db += (abs(change - row.gain_db),)
                count.deepest_db = min(count.deepest_db, change)
        error = f"{max(count.error_db):.2f}" if count.error_db else "–"
        rows.append(
            [
                f"{under_lu:g}, {place}",
                str(count.injected),
                f"{count.found / count.injected:.2f}",
                f"{(count.found / max(1, count.found + count.false)):.2f} ({count.false} false)",
                error,
                f"{count.deepest_db:.1f}",
            ]
        )
    head = [
        "breath under the speech (LU)", "put in", "found (recall)", "precision", "largest error of its gain (dB)",
        "lowered at most (dB)",
    ]  # fmt: skip
    return table(head, rows)


def _shared(one: Span, other: Span) -> float:
    """The part that two spans share, of the shorter."""
    part = one.clip(other.start, other.stop)
    return 0.0 if part is None else part.length / min(one.length, other.length)


# Presence


def presence(recordings: Sequence[Recording]) -> str:
    rows = []
    for recording in recordings[:4]:
        rate, voice = recording.rate, recording.sound
        whole = [Span(0, voice.shape[1])]
        heard = speech_level(frames(recording, voice), recording.spans)
        noise = np.random.default_rng(1).standard_normal(voice.shape)
        mix = voice + (noise * db_to_gain(heard - 45.0)).astype(np.float32)
        band = sosfiltfilt(butter(2, (2_500.0, min(6_000.0, 0.45 * rate)), "bandpass", fs=rate, output="sos"), voice)
        for lost in (0.0, 1.5, 3.0, 6.0):
            thin = np.asarray(voice - (1.0 - db_to_gain(-lost)) * band, dtype=np.float32)
            found = find_losses(frames(recording, mix, thin, whole), recording.spans, whole, PresenceSettings())
            after = finished(recording, found, mix, thin, whole)
            inner = (3_000.0, 5_500.0)
            was, now = (
                band_db(sound, recording.spans, rate, *inner) - band_db(voice, recording.spans, rate, *inner)
                for sound in (thin, after)
            )
            gain = f"{found[0].gain_db:+.1f}" if found else "none"
            rows.append([recording.name, f"{lost:g}", gain, f"{was:+.2f}", f"{now:+.2f}"])
    head = ["recording", "taken from 2.5 to 6 kHz (dB)", "decided (dB)", "3 to 5.5 kHz before (dB)", "after (dB)"]
    return table(head, rows)


def separated(corpus: Path) -> str:
    """The loss that the shipped network really makes, as it is measured from the mix and as it is."""
    stats = TrackStats(0.0, 0.1)
    network, _ = load_separator("dialogue", device="cpu", model="", stats=stats, folder=None, notes=print, watch=ignore)
    rows = []
    for (name, music), over_db in product(PAIRS, (5.0, 12.0)):
        recording, tune = load(corpus / name), load(corpus / music)
        voice, rate = recording.sound, recording.rate
        bed = soxr.resample(tune.sound.mean(axis=0), tune.rate, rate)[5 * rate :][: voice.shape[1]][None]
        bed = bed * db_to_gain(level_db(voice) - level_db(bed) - over_db)
        mix, whole = np.asarray(voice + bed, dtype=np.float32), [Span(0, voice.shape[1])]
        ((_, found),) = separate_cuts(
            iter([mix]), whole, network, rate=rate, length=voice.shape[1], centre=None, watch=ignore
        )
        gains = find_losses(frames(recording, mix, found, whole), recording.spans, whole, PresenceSettings())
        inner = (3_000.0, 5_500.0)
        lost, after = (
            band_db(sound, recording.spans, rate, *inner) - band_db(voice, recording.spans, rate, *inner)
            for sound in (found, finished(recording, gains, mix, found, whole))
        )
        gain = f"{gains[0].gain_db:+.1f}" if gains else "none"
        rows.append([recording.name, Path(music).stem, f"{over_db:g}", f"{lost:+.2f}", gain, f"{after:+.2f}"])
    head = [
        "recording", "music", "speech over it (dB)", "3 to 5.5 kHz after separation (dB)", "decided (dB)", "after (dB)",
    ]  # fmt: skip
    return table(head, rows)


# Phrases


def riding(recordings: Sequence[Recording]) -> str:
    rows = []
    random = np.random.default_rng(4)
    for recording in recordings:
        if len(recording.spans) < 3:
            continue
        moved = [VoiceGain(span, float(random.uniform(-5.0, 5.0)), "phrases", "") for span in recording.spans]
        sound = finished(recording, moved, recording.sound)
        heard = frames(recording, sound)
        before = phrase_loudness(heard, recording.spans)
        for amount in (0.5, 1.0):
            settings = PhraseSettings(amount=amount, most_db=6.0, within_lu=0.0)
            found = ride_phrases(heard, recording.spans, [True] * len(before), settings)
            after = finished(recording, found, sound)
            pauses = np.ones(sound.shape[1], dtype=bool)
            for span in recording.spans:
                pauses[span.start : span.stop] = False
            raised = np.count_nonzero(after[:, pauses] != sound[:, pauses])
            spread = spread_lu(phrase_loudness(frames(recording, after), recording.spans))
            rows.append(
                [recording.name, str(len(before)), f"{amount:g}", f"{spread_lu(before):.2f}", f"{spread:.2f}",
                 f"{_steadiness(sound, after, found, recording.rate):.3f}", str(raised)]
            )  # fmt: skip
    head = [
        "recording, phrases moved by ±5 dB", "phrases", "amount", "spread before (LU)", "after (LU)",
        "gain inside a phrase varies by (dB)", "samples changed in pauses",
    ]  # fmt: skip
    return table(head, rows)


def _steadiness(before: Samples, after: Samples, rows: Sequence[VoiceGain], rate: int) -> float:
    """How far the gain of 50 ms windows inside phrases strays from the phrase's own, at most, in dB."""
    worst, step, ramp = 0.0, rate // 20, round(phrases.RAMP_S * rate)
    for row in rows:
        for at in range(row.span.start + ramp, row.span.stop - ramp - step, step):
            one, other = (level_db(sound[:, at : at + step]) for sound in (before, after))
            if one > -90.0:
                worst = max(worst, abs(other - one - row.gain_db))
    return worst


def neutral(recordings: Sequence[Recording]) -> str:
    zero = ["breath.amount_db=0", "deess.amount_db=0", "presence.amount=0", "phrases.amount=0"]
    preset = load_preset("podcast", zero)
    same = 0
    for recording in recordings:
        whole = [Span(0, recording.sound.shape[1])]
        rows = settle(blocks(recording.sound), recording.track(whole), preset).rows
        same += not rows and np.array_equal(finished(recording, rows, recording.sound), recording.sound)
    return f"At amount zero: {same} of {len(recordings)} recordings bit-identical.\n"


def main() -> None:
    """Print the tables, or write them to FINISHING_VOICE.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    if "MEDIACLEAN_CORPUS" not in os.environ:
        parser.exit(1, "set MEDIACLEAN_CORPUS to the folder of outside media\n")
    corpus = Path(os.environ["MEDIACLEAN_CORPUS"])
    recordings = [load(corpus / name) for name in NAMES]
    text = (
        "# Finishing the voice\n\n"
        "`python -m benchmarks.finishing_voice --write`: real speech, into which what a stage is to find was put.\n\n"
        "## De-ess\n\nAll sibilants of a recording lowered by the amount asked; means over their spans, ramps "
        "included.\n\n" + deess(recordings) + "\n"
        "## Breaths\n\nTwo breaths of one speaker and synthetic ones, put into emptied pauses of all recordings, "
        "as they are and in a room (60 dB in half a second, 6 dB under the direct sound); 6 dB asked.\n\n"
        + breaths(recordings, corpus)
        + "\n"
        "## Presence\n\nA voice with its consonants' band thinned, over weak noise.\n\n" + presence(recordings) + "\n"
        "The dialogue network over music, against the true voice.\n\n" + separated(corpus) + "\n"
        "## Phrases\n\n" + riding(recordings) + "\n"
        "## What the podcast preset decides about them as they are\n\n" + usual(recordings) + "\n" + neutral(recordings)
    )
    print(text)
    if args.write:
        TABLE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
