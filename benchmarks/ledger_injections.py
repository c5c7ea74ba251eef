"""Artefacts put into a separated voice at known places, each the way in which a separator or an editor makes it.

A `Case` is what the tool has in hand: the original, the voice, and the bed's gain; what is not voice is bed. An
injection spoils the voice, or the gain, at places that suit it, and says where.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, istft, sosfiltfilt, stft

from mediaclean.audio import Span
from mediaclean.speech import runs

RATE = 48_000
HOP = 480
Sound = NDArray[np.float32]
Chance = np.random.Generator


@dataclass(frozen=True, eq=False)
class Case:
    """Mono sounds at 48 kHz: true speech and bed, the voice as separated, the bed's gain in dB per sample."""

    speech: Sound
    bed: Sound
    voice: Sound
    gain_db: NDArray[np.float64]
    has_music: bool

    @property
    def original(self) -> Sound:
        return self.speech + self.bed

    @property
    def gain(self) -> Sound:
        return np.asarray(10 ** (self.gain_db / 20), np.float32)


def level_db(sound: Sound) -> NDArray[np.float64]:
    """RMS per 10 ms in dB, smoothed over 30 ms."""
    frames = np.square(sound[: len(sound) // HOP * HOP].reshape(-1, HOP).astype(np.float64)).mean(axis=1)
    return 10 * np.log10(np.convolve(np.pad(frames, 1, mode="edge"), np.full(3, 1 / 3), "valid") + 1e-12)


def filtered(sound: Sound, kind: str, hz: float | tuple[float, float]) -> Sound:
    return np.asarray(sosfiltfilt(butter(4, hz, kind, fs=RATE, output="sos"), sound), np.float32)


def active_db(sound: Sound) -> float:
    """Level of the speech while it speaks."""
    power = 10 ** (level_db(sound) / 10)
    return float(10 * np.log10(power[power > 0.1 * power.mean()].mean()))


def spaced(places: list[Span], chance: Chance, apart_s: float = 1.5, edge_s: float = 0.5, most: int = 4) -> list[Span]:
    """Some of the places, in random order of choice, away from each other and from the ends."""
    chosen: list[Span] = []
    for number in chance.permutation(len(places)):
        span = places[number]
        if span.start < edge_s * RATE:
            continue
        if all(span.start > each.stop + apart_s * RATE or span.stop < each.start - apart_s * RATE for each in chosen):
            chosen.append(span)
    return sorted(chosen[:most])


def pauses(case: Case, least_s: float) -> list[Span]:
    """Where the true speech is silent, or nearly so."""
    low = level_db(case.speech) < active_db(case.speech) - 22
    return [Span((a + 8) * HOP, (b - 5) * HOP) for a, b in runs(low) if (b - a - 13) * 0.01 >= least_s]


def window(span: Span, length: int, ramp_s: float = 0.01) -> Sound:
    """1 in the span with short ramps, 0 elsewhere."""
    shape = np.zeros(length, np.float32)
    ramp = min(round(ramp_s * RATE), span.length // 2)
    rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(ramp) + 0.5) / ramp)
    stop = min(span.stop, length)
    shape[span.start : stop] = np.concatenate([rise, np.ones(span.length - 2 * ramp), rise[::-1]])[: stop - span.start]
    return shape


def musical(case: Case, chance: Chance) -> tuple[Case, list[Span]]:
    """A mask that opens for single cells: short tones, of the bed where there is music, else out of the room."""
    voice, places = case.voice.copy(), spaced(pauses(case, 0.25), chance)
    for span in places:
        if case.has_music and chance.random() < 0.5:
            voice += window(span, len(voice)) * cells(case.bed, span, chance)
            continue
        aim = 10 ** (active_db(case.speech) / 20)
        for _ in range(max(4, round(span.length / RATE * chance.uniform(20, 40)))):
            size = round(chance.uniform(0.03, 0.08) * RATE)
            at = int(chance.integers(span.start, max(span.start + 1, span.stop - size)))
            tone = np.sin(2 * np.pi * np.exp(chance.uniform(np.log(500), np.log(6000))) * np.arange(size) / RATE)
            level = aim * 10 ** (chance.uniform(-34, -24) / 20) * np.sqrt(2)
            part = voice[at : at + size]
            part += (level * tone * np.hanning(size))[: len(part)].astype(np.float32)
    return replace(case, voice=voice), places


def cells(bed: Sound, span: Span, chance: Chance) -> Sound:
    """The bed through a mask of single open cells: one in five of the loudest fifth, one in 25 of the others."""
    around = Span(max(0, span.start - RATE // 10), min(len(bed), span.stop + RATE // 10))
    _, _, grid = stft(bed[around.start : around.stop], RATE, nperseg=1536, noverlap=1152)
    loud = np.abs(grid) > np.quantile(np.abs(grid), 0.8, axis=1, keepdims=True)
    mask = chance.random(grid.shape) < np.where(loud, 0.2, 0.04)
    _, part = istft(grid * mask, RATE, nperseg=1536, noverlap=1152)
    sound = np.zeros_like(bed)
    sound[around.start : around.stop] = np.pad(part, (0, max(0, around.length - len(part))))[: around.length]
    return sound


def ghost(case: Case, chance: Chance) -> tuple[Case, list[Span]]:
    """The bed, 6 to 12 dB down, in the voice for the length of a pause."""
    if not case.has_music:
        return case, []
    voice, places = case.voice.copy(), spaced(pauses(case, 0.25), chance)
    for span in places:
        voice += window(span, len(voice), 0.03) * case.bed * np.float32(10 ** (chance.uniform(-12, -6) / 20))
    return replace(case, voice=voice), places


def chopped(case: Case, chance: Chance) -> tuple[Case, list[Span]]:
    """A gate that shuts 80 to 160 ms before the word is over."""
    level, aim = level_db(case.speech), active_db(case.speech)
    bed = level_db(case.bed) if case.has_music else np.full(len(level), -120.0)
    found = []
    for _, stop in runs(level > aim - 20):
        size = int(chance.integers(8, 17))
        after = level[stop : stop + 15]
        audible = level[stop - size : stop] - np.maximum(bed[stop - size : stop], aim - 26) > 6
        if len(after) == 15 and after.max() < aim - 18 and stop > 40 and audible.mean() > 0.7:
            found.append(Span((stop - size) * HOP, stop * HOP))
    places = spaced(found, chance)
    voice = case.voice.copy()
    for span in places:
        shut = window(Span(span.start, span.stop + RATE // 10), len(voice), 0.015)
        voice *= 1 - shut * np.float32(1 - 10 ** (-30 / 20))
    return replace(case, voice=voice), places


def lost(case: Case, chance: Chance) -> tuple[Case, list[Span]]:
    """A fricative or burst taken for the bed: what lies over 3 kHz sinks by 18 to 26 dB."""
    high = filtered(case.speech, "highpass", 4000.0)
    hiss, level, aim = level_db(high), level_db(case.speech), active_db(case.speech)
    bed = level_db(filtered(case.bed, "highpass", 4000.0)) if case.has_music else np.full(len(level), -120.0)
    strong = (hiss > aim - 24) & (hiss > level - 5) & (hiss > bed + 6)
    found = [Span((a - 1) * HOP, (b + 1) * HOP) for a, b in runs(strong) if 3 <= b - a <= 25]
    places = spaced(found, chance, apart_s=0.8)
    voice, top = case.voice.copy(), filtered(case.voice, "highpass", 3000.0)
    for span in places:
        voice -= window(span, len(voice), 0.008) * top * np.float32(1 - 10 ** (chance.uniform(-26, -18) / 20))
    return replace(case, voice=voice), places


BANDS_HZ = ((350.0, 1100.0), (700.0, 2200.0), (130.0, 420.0), (1500.0, 4200.0))


def hollow(case: Case, chance: Chance) -> tuple[Case, list[Span]]:
    """Two to three seconds in which a wide band of the voice is 12 to 18 dB down."""
    talking = level_db(case.speech) > active_db(case.speech) - 15
    share = np.convolve(talking, np.full(250, 1 / 250), "valid")
    found = [
        Span(int(at) * HOP, (int(at) + int(chance.integers(200, 300))) * HOP) for at in np.flatnonzero(share > 0.4)
    ]
    places = spaced(found, chance, apart_s=2.5)
    voice = case.voice.copy()
    for span in places:
        band = filtered(case.voice, "bandpass", BANDS_HZ[int(chance.integers(len(BANDS_HZ)))])
        voice -= window(span, len(voice), 0.1) * band * np.float32(1 - 10 ** (chance.uniform(-18, -12) / 20))
    return replace(case, voice=voice), places


def pumping(case: Case, chance: Chance) -> tuple[Case, list[Span]]:
    """The bed's gain swings by 6 to 12 dB, one to six times a second, for two to three seconds."""
    if not case.has_music:
        return case, []
    room = [
        Span(at, at + round(chance.uniform(2.0, 3.0) * RATE)) for at in range(RATE, len(case.voice) - 4 * RATE, RATE)
    ]
    places, gain = spaced(room, chance, apart_s=2.5), case.gain_db.copy()
    for span in places:
        at = np.arange(span.length) / RATE
        cycles = max(2, round(chance.uniform(1.2, 6.0) * span.length / RATE))
        gain[span.start : span.stop] += chance.uniform(6, 12) * (0.5 - 0.5 * np.cos(2 * np.pi * cycles * at / at[-1]))
    return replace(case, gain_db=gain), places


def click(case: Case, chance: Chance) -> tuple[Case, list[Span]]:
    """A join without a cross-fade: the voice goes on from some milliseconds later, or the bed comes with it."""
    aim = 10 ** (active_db(case.speech) / 20)
    voice, found = case.voice.copy(), []
    for at in chance.integers(RATE, len(voice) - RATE, 400):
        late = int(chance.integers(240, 720))
        other = case.original if case.has_music and chance.random() < 0.5 else np.roll(case.voice, -late)
        own = np.abs(np.diff(case.original[at - 144 : at + 144])).max()
        if abs(float(other[at] - voice[at])) > max(0.25 * aim, 3.0 * float(own)):  # audible: more than the sound's own
            found.append((Span(int(at), int(at) + 1), other))
    places = spaced([span for span, _ in found], chance)
    for span in places:
        other = next(each for where, each in found if where == span)
        fade = np.zeros(len(voice), np.float32)
        size = round(0.12 * RATE)
        fade[span.start : span.start + size] = 0.5 + 0.5 * np.cos(np.pi * np.arange(size) / size)
        voice += fade * (other - voice)
    return replace(case, voice=voice), places


INJECTIONS: dict[str, Callable[[Case, Chance], tuple[Case, list[Span]]]] = {
    "musical": musical,
    "ghost": ghost,
    "chopped": chopped,
    "lost": lost,
    "hollow": hollow,
    "pumping": pumping,
    "click": click,
}


def cases(speech: Sound, pieces: list[Sound], levels_db: tuple[float | None, ...], chance: Chance) -> Iterator[Case]:
    """The speech alone (None), and with music at these levels under it; the voice has a trace of the bed in it."""
    room = np.float32(1e-4) * chance.standard_normal(len(speech)).astype(np.float32)
    for level in levels_db:
        bed = room
        if level is not None:
            piece = pieces[int(chance.integers(len(pieces)))]
            at = int(chance.integers(0, max(1, len(piece) - len(speech))))
            part = np.take(piece, np.arange(at, at + len(speech)), mode="wrap")
            loud = 10 ** ((active_db(speech) - level) / 20)
            bed = room + part * np.float32(loud / np.sqrt(np.mean(np.square(part)) + 1e-12))
        gain = np.full(len(speech), -18.0)
        yield Case(speech, bed, speech + np.float32(0.04) * bed, gain, level is not None)
