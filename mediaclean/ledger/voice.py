"""What the voice has lost: chopped tails and dropouts, consonants, and bands of its tone.

All three ask what is surely speech in the original (see `Scene.certain`) and whether the result still holds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Span, merge, power_to_db
from mediaclean.ledger.records import Mark
from mediaclean.ledger.scene import CONSONANTS_HZ, SPEECH_HZ, Scene
from mediaclean.settings import Settings, setting
from mediaclean.speech import runs

MIDDLE_HZ = (500.0, 2500.0)


@dataclass(frozen=True)
class ChoppedSettings(Settings):
    """Speech that stops, or starts, faster than it was spoken."""

    falls_db: float = setting(12.0, "dB", "the result falls this far under what is surely speech", low=3.0, high=60.0)
    shortest_s: float = setting(0.04, "s", "for at least this long", low=0.01, high=1.0)
    whole_db: float = setting(4.0, "dB", "beside speech that lost no more than this", low=0.0, high=20.0)
    within_s: float = setting(0.08, "s", "which lies as close as this", low=0.01, high=1.0)
    audible_db: float = setting(-35.0, "dB", "against speech; quieter tails are not missed", low=-100.0, high=0.0)


def find_chopped(scene: Scene, settings: ChoppedSettings = ChoppedSettings()) -> Iterator[Mark]:
    """Stretches beside whole speech in which speech is gone."""
    original = scene.band("original", *SPEECH_HZ)
    sure = scene.certain(original, 0.8)
    strong = (sure > 0.5 * original) & (power_to_db(sure) > scene.speech_db + settings.audible_db)
    lost_db = power_to_db(sure) - power_to_db(scene.band("result", *SPEECH_HZ)) + scene.offset_db
    whole = strong & (lost_db < settings.whole_db)
    near = scene.frames(settings.within_s)
    for first, stop in runs(strong & (lost_db > settings.falls_db)):
        if stop - first < scene.frames(settings.shortest_s):
            continue
        before, after = whole[max(0, first - near) : first].any(), whole[stop : stop + near].any()
        if not (before or after) or (not before and _is_onset(original, first)):
            continue
        lost = float(np.mean(lost_db[first:stop]))
        where = "inside a word" if before and after else "after a word" if before else "before a word"
        detail = f"{lost:.0f} dB gone at once {where}"
        yield Mark("chopped", scene.span(first, stop), lost / settings.falls_db, detail)


def _is_onset(original: NDArray[np.float64], first: int) -> bool:
    """Whether the original itself breaks in here, as a drum does: that is no fade into a word."""
    return bool(first >= 3 and original[first : first + 3].max() > 30.0 * original[first - 3 : first].min())


@dataclass(frozen=True)
class LostSettings(Settings):
    """S, T, K and their like."""

    falls_db: float = setting(10.0, "dB", "the burst sinks by this", low=3.0, high=60.0)
    shortest_s: float = setting(0.02, "s", "a burst lasts at least this long", low=0.005, high=0.5)
    longest_s: float = setting(0.3, "s", "and at most this long", low=0.02, high=2.0)
    bright_db: float = setting(-3.0, "dB", "and has this against 500 to 2500 Hz", low=-40.0, high=40.0)
    audible_db: float = setting(-32.0, "dB", "against speech; quieter bursts carry no word", low=-100.0, high=0.0)


def find_lost(scene: Scene, settings: LostSettings = LostSettings()) -> Iterator[Mark]:
    """Bursts from 4 to 10 kHz in speech, louder than any in the pauses around, that the result lacks."""
    original = scene.band("original", *CONSONANTS_HZ)
    sure = scene.certain(original, 0.9)
    middle = scene.band("original", *MIDDLE_HZ)
    spoken = np.maximum(middle - scene.reach(middle, 0.5), 0.0)
    burst = (
        scene.speech
        & (power_to_db(sure) > scene.speech_db + settings.audible_db)
        & (sure > spoken * 10 ** (settings.bright_db / 10))
    )
    result = scene.band("result", *CONSONANTS_HZ)
    for first, stop in runs(burst):
        if not scene.frames(settings.shortest_s) <= stop - first <= scene.frames(settings.longest_s):
            continue
        lost = float(power_to_db(sure[first:stop].mean()) - power_to_db(result[first:stop].mean())) + scene.offset_db
        if lost > settings.falls_db:
            detail = f"a burst of {(stop - first) * scene.hop / scene.rate * 1000:.0f} ms lost {lost:.0f} dB"
            yield Mark("lost", scene.span(first, stop), lost / settings.falls_db, detail)


@dataclass(frozen=True)
class HollowSettings(Settings):
    """Bands that the voice has lost over a second."""

    falls_db: float = setting(6.0, "dB", "neighbouring bands sink by this against the rest", low=1.0, high=40.0)
    bands: int = setting(3, "thirds of an octave", "so many of them", low=1, high=12)
    window_s: float = setting(1.0, "s", "over this long", low=0.2, high=10.0)
    spoken_s: float = setting(0.3, "s", "of which so much is speech", low=0.05, high=10.0)
    weakest_db: float = setting(-30.0, "dB", "bands this far under the strongest do not count", low=-80.0, high=0.0)


EDGES_HZ = tuple(125.0 * 2 ** (n / 3) for n in range(17))
"""Thirds of an octave from 125 to 5000 Hz."""
KEPT_QUANTILE = 0.7
"""The level of the bands that were kept, among the bands: up to two thirds may be hollow."""


def find_hollow(scene: Scene, settings: HollowSettings = HollowSettings()) -> Iterator[Mark]:
    """Windows in which the speech misses a part of its spectrum."""
    edges = np.searchsorted(scene.hz, EDGES_HZ)
    original, result = (
        np.add.reduceat(scene.power(side)[:, : edges[-1]], edges[:-1], axis=1).astype(np.float64)
        for side in ("original", "result")
    )
    sure = scene.certain(original, 0.8)
    surely = sure > 0.5 * original
    length = scene.frames(settings.window_s)
    found: list[tuple[Span, float, str]] = []
    for first in range(0, max(1, len(scene) - length // 2), max(1, length // 2)):
        here = slice(first, first + length)
        losses = _losses(sure[here], np.where(surely[here], result[here], 0.0), surely[here], settings, scene)
        for low, high in runs(losses > settings.falls_db):
            if high - low >= settings.bands:
                lost = float(losses[low:high].mean())
                detail = f"{EDGES_HZ[low]:.0f} to {EDGES_HZ[high]:.0f} Hz lie {lost:.0f} dB low"
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
    """By how many dB every band lies under those that were kept, (bands,); 0 where too little is certain."""
    certain = np.where(surely, sure, 0.0).sum(axis=0)
    known = (surely.sum(axis=0) >= scene.frames(settings.spoken_s)) & (certain > 0.0)
    if not known.any():
        return np.zeros(known.shape)
    known &= power_to_db(certain / len(sure)) > power_to_db(certain.max() / len(sure)) + settings.weakest_db
    if np.count_nonzero(known) < 2 * settings.bands:
        return np.zeros(known.shape)
    change_db = power_to_db(result.sum(axis=0)) - power_to_db(certain)
    kept_db = float(np.quantile(change_db[known], KEPT_QUANTILE))
    return np.where(known, kept_db - change_db, 0.0)
