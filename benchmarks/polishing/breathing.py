"""Breaths that are put into pauses, found and lowered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.signal import butter, oaconvolve, sosfilt

from benchmarks.polishing.recordings import Recording, finished, frames, level_db, load, table
from mediaclean.audio import Block, Samples, Span, db_to_gain
from mediaclean.downmix import Downmix
from mediaclean.polish.breath import BreathSettings, find_breaths
from mediaclean.polish.frames import VoiceFrames, listen, speech_level

NATURAL = ("speech/librispeech_3436.ogg", ((2.48, 2.80), (9.40, 9.77)))
"""Breaths of a recording, found by eye in its spectrogram; lent to the others."""

SEEDS = 3


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
    fade = np.clip(np.arange(10**5) / (0.01 * lender.rate), 0.0, 1.0)
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
    return listen([Block(0, mono, mono)], rate=rate, downmix=Downmix())


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
