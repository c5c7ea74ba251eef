"""What the voice has lost: chopped tails and dropouts, consonants, and bands of its tone.

All three ask what is surely speech in the original (see `Scene.certain`) and whether the result still holds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Span, merge, power_to_db
from mediaclean.ledger.records import Mark
from mediaclean.ledger.scene import CONSONANTS_HZ, SPEECH_HZ, Scene
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


def find_chopped(scene: Scene, settings: ChoppedSettings = ChoppedSettings()) -> Iterator[Mark]:
    """Places at which the voice stops or begins while the bed takes it over or hands it back.

    A word that ends by itself goes from the original too. A word that was cut off goes on in the bed, with the same
    harmonics: so what the bed gains along the spectrum of the voice just before is the voice that is missing. A bed
    moves by itself, and more in some bins than in others: so each bin counts by how little its bed usually moves (a
    matched filter in coloured noise).
    """
    inside = (scene.hz >= SPEECH_HZ[0]) & (scene.hz < SPEECH_HZ[1])
    sounds = [np.sqrt(power[:, inside]) for power in (scene.power("result"), scene.power("voice"), scene.bed)]
    for where, flip in (("after", slice(None)), ("before", slice(None, None, -1))):
        fallen_db = _handed_over([sound[flip] for sound in sounds], scene, settings)[flip]
        for first, stop in runs(fallen_db > settings.falls_db):
            fallen = float(fallen_db[first:stop].max())
            detail = f"{fallen:.0f} dB gone at once {where} a word"
            reach = scene.frames(settings.look_s)
            edges = (first, stop + reach) if where == "after" else (max(0, first - reach), stop)
            yield Mark("chopped", scene.span(*edges), fallen / settings.falls_db, detail)


def _handed_over(sounds: list[NDArray[np.float32]], scene: Scene, settings: ChoppedSettings) -> NDArray[np.float64]:
    """By how many dB the word before each frame has fallen in the result after it, where the bed took it; else 0.

    Args:
        sounds: amplitude spectra (frames, bins) of result, voice and bed.
    """
    look, over = scene.frames(settings.look_s), scene.frames(settings.over_s)
    fallen_db = np.zeros(len(scene))
    count = len(scene) - 2 * look - over
    if count <= 0:
        return fallen_db
    means = [_means(sound, look) for sound in sounds]
    result, voice, bed = (mean[:count] for mean in means)
    later_result, _, later_bed = (mean[look + over : look + over + count] for mean in means)
    size = _norm(voice)
    along = voice / size[:, None]
    gained = later_bed - bed
    before, after = (np.einsum("fb,fb->f", part, along) for part in (result, later_result))
    fall_db = 20.0 * np.log10(np.maximum(before, 1e-9) / np.maximum(after, 1e-9))
    usual = np.sqrt(np.maximum(_around(scene, np.square(gained), 0.75), 1e-14))
    white, word = gained / usual, voice / usual
    moved = np.einsum("fb,fb->f", white, word) / _norm(word)
    rising = np.maximum(white, 0.0)
    likeness = np.einsum("fb,fb->f", rising, word) / (_norm(word) * _norm(rising))
    cut = (
        (np.einsum("fb,fb->f", gained, along) > settings.handed * size)
        & (likeness > settings.alike)
        & (moved > np.maximum(settings.least, settings.stands * _around(scene, moved, 0.97)))
        & (20.0 * np.log10(size) > scene.speech_db + settings.audible_db)
    )
    fallen_db[look + over // 2 : look + over // 2 + count] = np.where(cut, fall_db, 0.0)
    return fallen_db


def _norm(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.maximum(np.linalg.norm(rows, axis=1), 1e-9))


def _around(scene: Scene, values: NDArray[np.float64], quantile: float) -> NDArray[np.float64]:
    """A quantile of the frames around each, whatever they hold; values may be some frames short of the scene."""
    padding = [(0, len(scene) - len(values)), *[(0, 0)] * (values.ndim - 1)]
    reached = scene.reach(np.pad(values, padding, mode="edge"), quantile, np.ones(len(scene), dtype=bool))
    return reached[: len(values)]


def _means(sound: NDArray[np.float32], count: int) -> NDArray[np.float64]:
    """Means over `count` frames from each frame on."""
    total = np.cumsum(np.pad(sound.astype(np.float64), ((1, 0), (0, 0))), axis=0)
    return np.asarray((total[count:] - total[:-count]) / count)


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
    original = scene.band("original", *CONSONANTS_HZ)
    voiced_db = power_to_db(scene.band("voice", *VOICED_HZ)) - scene.speech_db
    inside = (scene.hz >= CONSONANTS_HZ[0]) & (scene.hz < CONSONANTS_HZ[1])
    bed = scene.bed[:, inside].sum(axis=1, dtype=np.float64)
    # vowels show what the bed does up there as well as pauses do: a fricative is voiceless
    reach = scene.reach(bed, 0.97, scene.quiet | (voiced_db > settings.voiceless_db))
    sure = np.maximum(original - 2.0 * reach, 0.0)
    result = scene.band("result", *CONSONANTS_HZ)
    fallen_db = power_to_db(sure) - power_to_db(result) + scene.offset_db
    # frame by frame: of a long S a part may be lost
    gone = (
        scene.speech
        & (power_to_db(sure) > scene.speech_db + settings.audible_db)
        & (voiced_db < settings.voiceless_db)
        & (fallen_db > settings.falls_db)
    )
    beside = scene.frames(settings.beside_s)
    for first, stop in runs(gone):
        if not scene.frames(settings.shortest_s) <= stop - first <= scene.frames(settings.longest_s):
            continue
        if voiced_db[max(0, first - beside) : stop + beside].max() < 2 * settings.voiceless_db:
            continue
        if _flatness_db(scene, first, stop) < settings.noisy_db:
            continue
        lost = float(power_to_db(sure[first:stop].mean()) - power_to_db(result[first:stop].mean())) + scene.offset_db
        detail = f"a burst of {(stop - first) * scene.hop / scene.rate * 1000:.0f} ms lost {lost:.0f} dB"
        yield Mark("lost", scene.span(first, stop), lost / settings.falls_db, detail)


def _flatness_db(scene: Scene, first: int, stop: int) -> float:
    """Geometric over arithmetic mean of the original's spectrum, in bands of 1 kHz, weighted by their power."""
    edges = np.searchsorted(scene.hz, np.arange(CONSONANTS_HZ[0], CONSONANTS_HZ[1] + 1.0, 1000.0))
    mean = scene.power("original")[first:stop].mean(axis=0, dtype=np.float64) + 1e-20
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
    original, result = scene.bands(scene.power("original"), EDGES_HZ), scene.bands(scene.power("result"), EDGES_HZ)
    sure = scene.certain(original, 0.8)
    surely = sure > 0.5 * original
    length = scene.frames(settings.window_s)
    found: list[tuple[Span, float, str]] = []
    for first in range(0, max(1, len(scene) - length // 2), max(1, length // 2)):
        here = slice(first, first + length)
        losses = _losses(sure[here], np.where(surely[here], result[here], 0.0), surely[here], settings, scene)
        known = np.flatnonzero(np.isfinite(losses))
        for low, high in runs(losses[known] > settings.falls_db):
            if high - low >= settings.bands:
                lost = float(losses[known[low:high]].mean())
                detail = f"{EDGES_HZ[known[low]]:.0f} to {EDGES_HZ[known[high - 1] + 1]:.0f} Hz lie {lost:.0f} dB low"
                found.append((scene.span(first, min(len(scene), first + length)), lost, detail))
    for joined in merge(span for span, _, _ in found):
        lost, detail = max((lost, detail) for span, lost, detail in found if span.overlaps(joined))
        yield Mark("hollow", joined, lost / settings.falls_db, detail)


def _losses(
    sure: NDArray[np.float64],
    result: NDArray[np.float64],
    surely: NDArray[np.bool_],
    settings: HollowSettings,
    scene: Scene,
) -> NDArray[np.float64]:
    """By how many dB every band lies under those that were kept, (bands,); NaN where too little is certain."""
    certain = np.where(surely, sure, 0.0).sum(axis=0)
    known = (surely.sum(axis=0) >= scene.frames(settings.spoken_s)) & (certain > 0.0)
    if not known.any():
        return np.full(known.shape, np.nan)
    known &= power_to_db(certain / len(sure)) > power_to_db(certain.max() / len(sure)) + settings.weakest_db
    if np.count_nonzero(known) < 2 * settings.bands:
        return np.full(known.shape, np.nan)
    change_db = power_to_db(result.sum(axis=0)) - power_to_db(certain)
    kept_db = float(np.quantile(change_db[known], KEPT_QUANTILE))
    return np.where(known, kept_db - change_db, np.nan)
