"""What moves that should not: a bed that pumps, and samples that jump."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Span, merge, power_to_db
from mediaclean.ledger.ground import SPEECH_HZ, Ground
from mediaclean.ledger.records import Mark
from mediaclean.ledger.scene import Scene
from mediaclean.settings import Settings, setting
from mediaclean.speech import runs


@dataclass(frozen=True)
class PumpingSettings(Settings):
    """A bed that breathes with the words: 1 to 8 Hz."""

    swing_db: float = setting(4.0, "dB", "the gain moves up and down by this", low=1.0, high=40.0)
    swings: int = setting(4, "", "so many swings in a row, up and down each", low=2, high=20)
    within_s: float = setting(
        2.1, "s", "in this time; four swings are two cycles, so 1 Hz and faster", low=0.2, high=20
    )
    audible_db: float = setting(-45.0, "dB", "the bed, where it is up, against speech", low=-100.0, high=0.0)


def find_pumping(scene: Scene, settings: PumpingSettings = PumpingSettings()) -> Iterator[Mark]:
    """Stretches in which the bed's gain goes up and down again and again."""
    ground = scene.ground
    bed_db = ground.known(_usual_db, settings)
    turns = turning_points(scene.gain_db, settings.swing_db)
    found = []
    for number in range(len(turns) - settings.swings):
        first, last = turns[number], turns[number + settings.swings]
        heard = float(np.max((bed_db + scene.gain_db)[first : last + 1])) > ground.speech_db + settings.audible_db
        if heard and last - first <= ground.frames(settings.within_s):
            found.append(
                (ground.span(first, last + 1), np.abs(np.diff(scene.gain_db[turns[number:][: settings.swings + 1]])))
            )
    for joined in merge(span for span, _ in found):
        swing = max(float(np.median(sizes)) for span, sizes in found if span.overlaps(joined))
        detail = f"the bed's gain swings by {swing:.0f} dB"
        yield Mark("pumping", joined, swing / settings.swing_db, detail)


def _usual_db(ground: Ground, _: PumpingSettings) -> NDArray[np.float64]:
    """The bed's median level around every frame; the sound's where no bed is heard alone."""
    speech_band = ground.band(ground.original, *SPEECH_HZ)
    reach = ground.reach(speech_band, 0.5)
    return power_to_db(np.where(np.isfinite(reach), reach, speech_band))


def turning_points(level_db: NDArray[np.float64], swing_db: float) -> list[int]:
    """Where a level turns, with at least `swing_db` between one turn and the next; its first and last frame included.

    >>> turning_points(np.array([0.0, -3.0, -6.0, -5.0, -7.0, 0.0, 0.0]), 4.0)
    [0, 4, 5]
    """
    turns: list[int] = []
    low = high = direction = 0
    for at, level in enumerate(level_db.tolist()):
        if direction <= 0 and level < level_db[low]:
            low = at
        if direction >= 0 and level > level_db[high]:
            high = at
        if direction >= 0 and level_db[high] - level >= swing_db:
            turns.append(high)
            direction, low = -1, at
        elif direction <= 0 and level - level_db[low] >= swing_db:
            turns.append(low)
            direction, high = 1, at
    return [*turns, low if direction < 0 else high] if direction else turns


@dataclass(frozen=True)
class ClickSettings(Settings):
    """Jumps from one sample to the next."""

    ratio: float = setting(6.0, "", "so many times the sound's own jumps around it", low=2.0, high=100.0)
    new: float = setting(
        1.5, "", "and so many times the original's there, so that it was not in it", low=1.0, high=20.0
    )
    around_s: float = setting(0.02, "s", "how far around it the sound is looked at", low=0.002, high=0.2)
    audible_db: float = setting(-50.0, "dB", "the jump against the speech's RMS", low=-120.0, high=0.0)


CELL_S = 0.001


def find_clicks(scene: Scene, settings: ClickSettings = ClickSettings()) -> Iterator[Mark]:
    """Single jumps in the result, by its second difference: a voice's is small, that of a step is the step itself.

    A jump counts if it is large against the result around it, against the original at that place, and in the change
    itself, so that neither a stop consonant nor the ripples of an encoder pass for one.
    """
    ground, cell, around = scene.ground, _cell(scene.ground.rate), round(settings.around_s / CELL_S)
    jumps, changes = (_peaks(sound, cell) for sound in (scene.sound, scene.sound - ground.sound))
    new = settings.new * ground.known(_known_jumps, settings)
    limit = np.maximum(settings.ratio * _median_around(jumps, around), new)
    audible = 10.0 ** ((ground.speech_db + settings.audible_db) / 20.0)
    jumped = (jumps > limit) & (jumps > audible) & (changes > 0.6 * settings.ratio * _median_around(changes, around))
    jumped &= changes > new
    for first, stop in runs(jumped):
        if stop - first > 4:
            continue  # longer than a click
        start = ground.start + first * cell
        over = float((jumps[first:stop] / np.maximum(_median_around(jumps, around)[first:stop], 1e-9)).max())
        size_db = float(power_to_db(jumps[first:stop].max() ** 2))
        yield Mark(
            "click",
            Span(max(0, start), max(0, start) + (stop - first) * cell),
            min(over / settings.ratio, 10.0),
            f"a jump of {size_db:.0f} dBFS, {over:.0f} times those around it",
        )


def _known_jumps(ground: Ground, _: ClickSettings) -> NDArray[np.float64]:
    """The original's largest jumps, each counted in the cells beside its own too."""
    return _most_around(_peaks(ground.sound, _cell(ground.rate)), 2)


def _cell(rate: int) -> int:
    return max(8, round(CELL_S * rate))


def _peaks(sound: NDArray[np.float32], cell: int) -> NDArray[np.float64]:
    """The largest second difference in every cell; beyond its ends the sound stands still."""
    jumps = np.zeros(-(-len(sound) // cell) * cell, np.float32)
    np.abs(np.diff(sound, 2, prepend=sound[:1], append=sound[-1:]), out=jumps[: len(sound)])
    return np.asarray(jumps.reshape(-1, cell).max(axis=1), dtype=np.float64)


def _median_around(values: NDArray[np.float64], around: int) -> NDArray[np.float64]:
    from scipy.ndimage import median_filter

    return np.asarray(median_filter(values, size=2 * around + 1, mode="nearest"))


def _most_around(values: NDArray[np.float64], around: int) -> NDArray[np.float64]:
    from scipy.ndimage import maximum_filter1d

    return np.asarray(maximum_filter1d(values, size=2 * around + 1, mode="nearest"))
