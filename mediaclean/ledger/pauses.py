"""What is left in pauses: musical noise, which is isolated tones, and ghost bleed, which is the bed itself, broken.

A lowered bed is the original at the bed's gain. What stands over that in a pause went through as voice. Where a mask
lets through single cells of time and frequency, they are heard as short tones that come and go (musical noise; Uemura
et al., IWAENC 2008, count them by the kurtosis of the power spectrum, of which these islands are the tail). Where it
lets through a wide band for a while, the bed shines through between the words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import power_to_db
from mediaclean.ledger.ground import Ground, Powers, smooth
from mediaclean.ledger.records import Mark
from mediaclean.ledger.scene import Scene
from mediaclean.settings import Settings, setting
from mediaclean.speech import runs

PART_S = 0.5
"""Long pauses are judged in parts of about this length."""


@dataclass(frozen=True)
class MusicalSettings(Settings):
    """Isolated tones in pauses."""

    per_s: float = setting(9.0, "1/s", "more of them than this are an artefact", low=0.5, high=100.0)
    least: int = setting(4, "", "and at least so many", low=1, high=100)
    over_db: float = setting(6.0, "dB", "a tone stands this far over the lowered original around it", low=1, high=40)
    sharp_db: float = setting(12.0, "dB", "and over the result beside it in frequency", low=0.0, high=40.0)
    shortest_s: float = setting(0.02, "s", "it lasts at least this long", low=0.005, high=1.0)
    longest_s: float = setting(0.15, "s", "and at most this long", low=0.02, high=5.0)
    lowest_hz: float = setting(
        1000.0, "Hz", "counted from here up: further down words end in harmonics of the voice", low=50.0, high=4000.0
    )
    widest_hz: float = setting(260.0, "Hz", "and is at most this wide", low=50.0, high=2000.0)
    under_db: float = setting(
        2.0, "dB", "a pause that kept its spectrum within this was not lowered", low=0.0, high=20.0
    )
    audible_db: float = setting(-50.0, "dB", "against speech; quieter tones are not heard", low=-100.0, high=0.0)


def find_musical(scene: Scene, settings: MusicalSettings = MusicalSettings()) -> Iterator[Mark]:
    """Parts of pauses with many isolated tones."""
    ground = scene.ground
    for first, stop in _parts(ground):
        count = count_islands(scene, first, stop, settings)
        rate = count / ((stop - first) * ground.hop / ground.rate)
        if count >= settings.least and rate > settings.per_s:
            detail = f"{count} isolated tones, {rate:.0f} a second"
            yield Mark("musical", ground.span(first, stop), rate / settings.per_s, detail)


def count_islands(scene: Scene, first: int, stop: int, settings: MusicalSettings) -> int:
    """How many cells or groups of cells of the result stand alone in time and frequency, over what is due there."""
    from scipy.ndimage import find_objects, label, median_filter

    ground, edge = scene.ground, 2
    here = slice(max(0, first - edge), stop + edge)
    result = scene.result[here][:, _counted(ground, settings)]
    roof = ground.known(_roof, settings)[here]
    lowered = not _passed_whole(scene, first, stop, settings.under_db)
    due = roof * scene.gain_power[here, None] if lowered else roof
    standing = result > due * 10 ** (settings.over_db / 10)
    rows = standing.any(axis=1)  # few frames have any, and a running median is slow
    if not rows.any():
        return 0
    beside = median_filter(result[rows], size=(1, max(5, round(600.0 / ground.hz[1]) | 1)))
    standing[rows] &= result[rows] > beside * 10 ** (settings.sharp_db / 10)
    audible = 10.0 ** ((ground.speech_db + settings.audible_db) / 10.0)
    islands, _ = label(standing, structure=np.ones((3, 3), dtype=int))
    count = 0
    for number, (when, where) in enumerate(find_objects(islands), start=1):
        seconds = (when.stop - when.start) * ground.hop / ground.rate
        wide_hz = (where.stop - where.start) * float(ground.hz[1])
        if not settings.shortest_s <= seconds <= settings.longest_s or wide_hz > settings.widest_hz:
            continue
        own = np.where(islands[when, where] == number, result[when, where], 0.0)
        count += bool(own.sum(axis=1).max() >= audible)
    return count


def _counted(ground: Ground, settings: MusicalSettings) -> NDArray[np.bool_]:
    return np.asarray((ground.hz >= settings.lowest_hz) & (ground.hz < 8000.0))


def _roof(ground: Ground, settings: MusicalSettings) -> Powers:
    """What the original reaches in the cells around each that counts."""
    from scipy.ndimage import maximum_filter

    return np.asarray(maximum_filter(ground.original[:, _counted(ground, settings)], size=(3, 5)))


@dataclass(frozen=True)
class GhostSettings(Settings):
    """The bed where it was to be lowered, between words."""

    over_db: float = setting(7.0, "dB", "what is left stands this far over the lowered bed", low=1.0, high=40.0)
    under_db: float = setting(
        3.0, "dB", "and this far under the original: what passed whole was taken for voice, and may be", low=0, high=40
    )
    shortest_s: float = setting(0.15, "s", "for at least this long", low=0.02, high=5.0)
    share: float = setting(0.3, "share", "in at least this much of the thirds of an octave", low=0.0, high=1.0)
    shared: float = setting(
        1.6, "", "the voice's power in common with the original over its own: 1 for what is only in the voice, more "
        "where the bed holds the same sound", low=1.0, high=100.0,
    )  # fmt: skip
    audible_db: float = setting(-38.0, "dB", "against speech; quieter remains are not heard", low=-100.0, high=0.0)


def find_ghost(scene: Scene, settings: GhostSettings = GhostSettings()) -> Iterator[Mark]:
    """Stretches of pauses in which much of the bed is still there."""
    ground = scene.ground
    original, result, voice = (ground.thirds(part) for part in (ground.original, scene.result, ground.voice))
    shared = ground.thirds(ground.cross)
    due = original * scene.gain_power[:, None]
    wide = [smooth(part.sum(axis=1, keepdims=True))[:, 0] for part in (original, result, due)]
    over_db = power_to_db(wide[1]) - power_to_db(wide[2])
    left = (
        (over_db > settings.over_db)
        & (wide[1] < wide[0] * 10 ** (-settings.under_db / 10))
        & (power_to_db(wide[1]) > ground.speech_db + settings.audible_db)
    )
    for first, stop in ground.pauses:
        for a, b in runs(left[first:stop]):
            start, end = first + a, first + b
            if end - start < ground.frames(settings.shortest_s):
                continue
            per_band = result[start:end].sum(axis=0) > due[start:end].sum(axis=0) * 10 ** (settings.over_db / 20)
            if per_band.mean() < settings.share:
                continue
            if shared[start:end].sum() < settings.shared * voice[start:end].sum():
                continue
            over = float(power_to_db(wide[1][start:end].mean()) - power_to_db(wide[2][start:end].mean()))
            level = float(power_to_db(wide[1][start:end].mean())) - ground.speech_db
            detail = f"{over:.0f} dB over the lowered bed, {-level:.0f} dB under the speech"
            yield Mark("ghost", ground.span(start, end), over / settings.over_db, detail)


def _parts(ground: Ground) -> Iterator[tuple[int, int]]:
    for first, stop in ground.pauses:
        length = stop - first
        if length < ground.frames(0.1):
            continue
        count = max(1, round(length / ground.frames(PART_S)))
        edges = np.linspace(first, stop, count + 1).round().astype(int)
        yield from zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)


def _passed_whole(scene: Scene, first: int, stop: int, within_db: float) -> bool:
    inside = (scene.ground.hz >= 300.0) & (scene.ground.hz < 8000.0)
    original, result = (power[first:stop, inside].astype(np.float64) for power in (scene.ground.original, scene.result))
    change_db = float(np.median(power_to_db(result) - power_to_db(original)))
    return min(abs(change_db), abs(change_db - scene.offset_db)) < within_db
