"""What the voice has lost: chopped tails and dropouts, consonants, and bands of its tone.

All three ask what is surely speech in the original (see `Ground.certain`) and whether the result still holds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Span, merge, power_to_db
from mediaclean.ledger.ground import CONSONANTS_HZ, SPEECH_HZ, Ground, Powers
from mediaclean.ledger.records import Mark
from mediaclean.ledger.scene import Scene
from mediaclean.settings import Settings, setting
from mediaclean.speech import runs

VOICED_HZ = (150.0, 1500.0)


@dataclass(frozen=True)
class ChoppedSettings(Settings):
    """Speech that stops, or starts, faster than it was spoken."""

    falls_db: float = setting(10.0, "dB", "the spectrum of a word falls this far in the result", low=3.0, high=60.0)
    over_s: float = setting(0.04, "s", "in this time", low=0.01, high=0.5)
    look_s: float = setting(0.02, "s", "seen over this long before and after", low=0.01, high=0.5)
    handed: float = setting(0.2, "", "so much of its amplitude is found in the bed from then on", low=0.05, high=1.0)
    alike: float = setting(
        0.55, "", "and what the bed gains is like it, as the cosine between whitened spectra", low=0.0, high=1.0
    )
    stands: float = setting(
        1.5, "", "and is this many times what the bed gains along a word in 3 % of the frames around", low=1.0, high=20
    )
    least: float = setting(8.0, "", "and this many times the bed's usual movement", low=1.0, high=100.0)
    audible_db: float = setting(-25.0, "dB", "the word against speech, before it stops", low=-100.0, high=0.0)


DIRECTIONS = (("after", 1), ("before", -1))
"""A word that is cut off is handed over to the bed; one that begins late is handed back, which is that in reverse."""


def find_chopped(scene: Scene, settings: ChoppedSettings = ChoppedSettings()) -> Iterator[Mark]:
    """Places at which the voice stops or begins while the bed takes it over or hands it back.

    A word that ends by itself goes from the original too. A word that was cut off goes on in the bed, with the same
    harmonics: so what the bed gains along the spectrum of the voice just before is the voice that is missing. A bed
    moves by itself, and more in some bins than in others: so each bin counts by how little its bed usually moves (a
    matched filter in coloured noise).
    """
    ground = scene.ground
    result = _amplitudes(ground, scene.result)
    for (where, flip), handing in zip(DIRECTIONS, ground.known(_handings, settings), strict=True):
        fallen_db = _fallen_db(handing, result[::flip], ground, settings)[::flip]
        for first, stop in runs(fallen_db > settings.falls_db):
            fallen = float(fallen_db[first:stop].max())
            detail = f"{fallen:.0f} dB gone at once {where} a word"
            reach = ground.frames(settings.look_s)
            edges = (first, stop + reach) if where == "after" else (max(0, first - reach), stop)
            yield Mark("chopped", ground.span(*edges), fallen / settings.falls_db, detail)


@dataclass(frozen=True, eq=False)
class _Handing:
    """Frames before which the voice was handed over to the bed, and the voice's spectrum of unit length in each."""

    frames: NDArray[np.intp]
    words: NDArray[np.float64]


def _fallen_db(
    handing: _Handing, result: NDArray[np.float32], ground: Ground, settings: ChoppedSettings
) -> NDArray[np.float64]:
    """By how many dB the word before each frame has fallen in the result after it, where the bed took it; else 0."""
    look, over = ground.frames(settings.look_s), ground.frames(settings.over_s)
    fallen_db = np.zeros(len(ground))
    if not len(handing.frames):
        return fallen_db
    before, after = (_means(result, look, handing.frames + later) for later in (0, look + over))
    held, left = (np.einsum("fb,fb->f", part, handing.words) for part in (before, after))
    fall_db = 20.0 * np.log10(np.maximum(held, 1e-9) / np.maximum(left, 1e-9))
    fallen_db[look + over // 2 + handing.frames] = fall_db
    return fallen_db


def _handings(ground: Ground, settings: ChoppedSettings) -> tuple[_Handing, ...]:
    """In each direction of time."""
    spoken, below = (_amplitudes(ground, power) for power in (ground.voice, ground.bed))
    return tuple(_handing(spoken[::flip], below[::flip], ground, settings) for _, flip in DIRECTIONS)


def _handing(
    spoken: NDArray[np.float32], below: NDArray[np.float32], ground: Ground, settings: ChoppedSettings
) -> _Handing:
    """Where the voice is handed over, from the amplitude spectra (frames, bins) of voice and bed."""
    look, over = ground.frames(settings.look_s), ground.frames(settings.over_s)
    count = len(ground) - 2 * look - over
    if count <= 0:
        return _Handing(np.zeros(0, np.intp), np.zeros((0, 0)))
    every = np.arange(count)
    voice = _means(spoken, look, every)
    gained = _means(below, look, every + look + over) - _means(below, look, every)
    size = _norm(voice)
    along = voice / size[:, None]
    usual = np.sqrt(np.maximum(_around(ground, np.square(gained), 0.75), 1e-14))
    white, word = gained / usual, voice / usual
    moved = np.einsum("fb,fb->f", white, word) / _norm(word)
    rising = np.maximum(white, 0.0)
    likeness = np.einsum("fb,fb->f", rising, word) / (_norm(word) * _norm(rising))
    cut = (
        (np.einsum("fb,fb->f", gained, along) > settings.handed * size)
        & (likeness > settings.alike)
        & (moved > np.maximum(settings.least, settings.stands * _around(ground, moved, 0.97)))
        & (20.0 * np.log10(size) > ground.speech_db + settings.audible_db)
    )
    frames = np.flatnonzero(cut)
    return _Handing(frames, along[frames])


def _amplitudes(ground: Ground, power: Powers) -> NDArray[np.float32]:
    """Amplitude spectra of the speech band, (frames, bins)."""
    inside = (ground.hz >= SPEECH_HZ[0]) & (ground.hz < SPEECH_HZ[1])
    return np.asarray(np.sqrt(power[:, inside]))


def _norm(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.maximum(np.linalg.norm(rows, axis=1), 1e-9))


def _around(ground: Ground, values: NDArray[np.float64], quantile: float) -> NDArray[np.float64]:
    """A quantile of the frames around each, whatever they hold; values may be some frames short of the ground."""
    padding = [(0, len(ground) - len(values)), *[(0, 0)] * (values.ndim - 1)]
    reached = ground.reach(np.pad(values, padding, mode="edge"), quantile, np.ones(len(ground), dtype=bool))
    return reached[: len(values)]


def _means(sound: NDArray[np.float32], count: int, frames: NDArray[np.intp]) -> NDArray[np.float64]:
    """Means over `count` frames from each of some frames on."""
    total = sound[frames].astype(np.float64)
    for later in range(1, count):
        total += sound[frames + later]
    return np.asarray(total / count)


@dataclass(frozen=True)
class LostSettings(Settings):
    """S, T, K and their like."""

    falls_db: float = setting(8.0, "dB", "the burst sinks by this", low=3.0, high=60.0)
    shortest_s: float = setting(0.02, "s", "a burst lasts at least this long", low=0.005, high=0.5)
    longest_s: float = setting(0.3, "s", "and at most this long", low=0.02, high=2.0)
    voiceless_db: float = setting(
        -6.0, "dB", "while the voice from 150 to 1500 Hz lies this far under its level", low=-60.0, high=0.0
    )
    noisy_db: float = setting(
        -5.0, "dB", "it is noise, not tones: its geometric against its arithmetic mean", low=-40.0, high=0.0
    )
    beside_s: float = setting(0.25, "s", "and the voice speaks this close to it", low=0.01, high=1.0)
    audible_db: float = setting(-28.0, "dB", "against speech; quieter bursts carry no word", low=-100.0, high=0.0)


def find_lost(scene: Scene, settings: LostSettings = LostSettings()) -> Iterator[Mark]:
    """Bursts from 4 to 10 kHz in speech, louder than any in the pauses around, that the result lacks."""
    ground = scene.ground
    bursts = ground.known(_bursts, settings)
    if not bursts.heard.any():
        return
    sure, voiced_db = bursts.sure, bursts.voiced_db
    result = ground.band(scene.result, *CONSONANTS_HZ)
    # frame by frame: of a long S a part may be lost
    gone = bursts.heard & (power_to_db(sure) - power_to_db(result) + scene.offset_db > settings.falls_db)
    beside = ground.frames(settings.beside_s)
    for first, stop in runs(gone):
        if not ground.frames(settings.shortest_s) <= stop - first <= ground.frames(settings.longest_s):
            continue
        if voiced_db[max(0, first - beside) : stop + beside].max() < 2 * settings.voiceless_db:
            continue
        if _flatness_db(ground, first, stop) < settings.noisy_db:
            continue
        lost = float(power_to_db(sure[first:stop].mean()) - power_to_db(result[first:stop].mean())) + scene.offset_db
        detail = f"a burst of {(stop - first) * ground.hop / ground.rate * 1000:.0f} ms lost {lost:.0f} dB"
        yield Mark("lost", ground.span(first, stop), lost / settings.falls_db, detail)


@dataclass(frozen=True, eq=False)
class _Bursts:
    """Frames with a consonant that is heard, how much of it is surely speech, and the level of the voice under it."""

    heard: NDArray[np.bool_]
    sure: NDArray[np.float64]
    voiced_db: NDArray[np.float64]


def _bursts(ground: Ground, settings: LostSettings) -> _Bursts:
    voiced_db = power_to_db(ground.band(ground.voice, *VOICED_HZ)) - ground.speech_db
    # vowels show what the bed does up there as well as pauses do: a fricative is voiceless
    shown = ground.quiet | (voiced_db > settings.voiceless_db)
    reach = ground.reach(ground.band(ground.bed, *CONSONANTS_HZ), 0.97, shown)
    sure = np.maximum(ground.band(ground.original, *CONSONANTS_HZ) - 2.0 * reach, 0.0)
    audible = power_to_db(sure) > ground.speech_db + settings.audible_db
    return _Bursts(ground.speech & audible & (voiced_db < settings.voiceless_db), sure, voiced_db)


def _flatness_db(ground: Ground, first: int, stop: int) -> float:
    """Geometric over arithmetic mean of the original's spectrum, in bands of 1 kHz, weighted by their power."""
    edges = np.searchsorted(ground.hz, np.arange(CONSONANTS_HZ[0], CONSONANTS_HZ[1] + 1.0, 1000.0))
    mean = ground.original[first:stop].mean(axis=0, dtype=np.float64) + 1e-20
    bands = [mean[low:high] for low, high in pairwise(edges) if high > low]
    flat = [10.0 * (np.log10(band).mean() - np.log10(band.mean())) for band in bands]
    return float(np.average(flat, weights=[band.sum() for band in bands]))


@dataclass(frozen=True)
class HollowSettings(Settings):
    """Bands that the voice has lost over a second."""

    falls_db: float = setting(6.0, "dB", "neighbouring bands sink by this against the rest", low=1.0, high=40.0)
    bands: int = setting(3, "thirds of an octave", "so many of them", low=1, high=12)
    window_s: float = setting(1.5, "s", "over this long", low=0.2, high=10.0)
    spoken_s: float = setting(0.12, "s", "of which so much is speech", low=0.05, high=10.0)
    weakest_db: float = setting(-34.0, "dB", "bands this far under the strongest do not count", low=-80.0, high=0.0)


EDGES_HZ = tuple(125.0 * 2 ** (n / 3) for n in range(17))
"""Thirds of an octave from 125 to 5000 Hz."""
KEPT_QUANTILE = 0.7
"""The level of the bands that were kept, among the bands: up to two thirds may be hollow."""


def find_hollow(scene: Scene, settings: HollowSettings = HollowSettings()) -> Iterator[Mark]:
    """Windows in which the speech misses a part of its spectrum."""
    ground = scene.ground
    sure, surely = ground.known(_sure_bands, settings)
    result = ground.bands(scene.result, EDGES_HZ)
    length = ground.frames(settings.window_s)
    found: list[tuple[Span, float, str]] = []
    for first in range(0, max(1, len(ground) - length // 2), max(1, length // 2)):
        here = slice(first, first + length)
        losses = _losses(sure[here], np.where(surely[here], result[here], 0.0), surely[here], settings, ground)
        known = np.flatnonzero(np.isfinite(losses))
        for low, high in runs(losses[known] > settings.falls_db):
            if high - low >= settings.bands:
                lost = float(losses[known[low:high]].mean())
                detail = f"{EDGES_HZ[known[low]]:.0f} to {EDGES_HZ[known[high - 1] + 1]:.0f} Hz lie {lost:.0f} dB low"
                found.append((ground.span(first, min(len(ground), first + length)), lost, detail))
    for joined in merge(span for span, _, _ in found):
        lost, detail = max((lost, detail) for span, lost, detail in found if span.overlaps(joined))
        yield Mark("hollow", joined, lost / settings.falls_db, detail)


def _sure_bands(ground: Ground, _: HollowSettings) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """How much is surely speech, (frames, bands), and where that is most of what is there."""
    original = ground.bands(ground.original, EDGES_HZ)
    sure = ground.certain(original, 0.8)
    return sure, sure > 0.5 * original


def _losses(
    sure: NDArray[np.float64],
    result: NDArray[np.float64],
    surely: NDArray[np.bool_],
    settings: HollowSettings,
    ground: Ground,
) -> NDArray[np.float64]:
    """By how many dB every band lies under those that were kept, (bands,); NaN where too little is certain."""
    certain = np.where(surely, sure, 0.0).sum(axis=0)
    known = (surely.sum(axis=0) >= ground.frames(settings.spoken_s)) & (certain > 0.0)
    if not known.any():
        return np.full(known.shape, np.nan)
    known &= power_to_db(certain / len(sure)) > power_to_db(certain.max() / len(sure)) + settings.weakest_db
    if np.count_nonzero(known) < 2 * settings.bands:
        return np.full(known.shape, np.nan)
    change_db = power_to_db(result.sum(axis=0)) - power_to_db(certain)
    kept_db = float(np.quantile(change_db[known], KEPT_QUANTILE))
    return np.where(known, kept_db - change_db, np.nan)
