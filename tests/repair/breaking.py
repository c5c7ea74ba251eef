"""Speech that is broken on purpose, and the way it is mended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from mediaclean.audio import Samples
from mediaclean.repair.chain import Finder, RepairSettings, mended
from mediaclean.repair.clicks import DeclickSettings
from mediaclean.repair.clipping import DeclipSettings
from mediaclean.repair.hum import HumSettings
from mediaclean.repair.records import Repairs

RATE = 48_000
VOICE = Path(__file__).parents[2] / "samples" / "stems" / "voice.flac"
ALL = RepairSettings(DeclipSettings(), DeclickSettings(), HumSettings())


def speech(seconds: float = 12.0, channels: int = 1) -> Samples:
    sound, rate = soundfile.read(VOICE, dtype="float32", always_2d=True, frames=round((1.2 + seconds) * RATE))
    assert rate == RATE
    rng = np.random.default_rng(5)
    room = 10.0 ** (-65.0 / 20.0) * rng.standard_normal((channels, round(seconds * RATE)))
    return np.asarray(sound.T[:, round(1.2 * RATE) :] + room, dtype=np.float32)


def cut(sound: Samples, sizes: int) -> Iterator[Samples]:
    for start in range(0, sound.shape[1], sizes):
        yield sound[:, start : start + sizes]


def found(sound: Samples, settings: RepairSettings, sizes: int = RATE, rate: int = RATE) -> Repairs:
    finder = Finder(rate, settings)
    for chunk in cut(sound, sizes):
        for listen in finder.listeners:
            listen(chunk)
    return finder.result()


def mend(sound: Samples, repairs: Repairs, settings: RepairSettings = ALL, sizes: int = RATE) -> Samples:
    return np.concatenate(list(mended(cut(sound, sizes), repairs, settings, RATE)), axis=1)


def sdr_db(reference: Samples, sound: Samples) -> float:
    error = np.square(reference - sound, dtype=np.float64).sum()
    return float(10.0 * np.log10(np.square(reference, dtype=np.float64).sum() / max(error, 1e-30)))


def clipped(over_db: float, channels: int = 1) -> tuple[Samples, Samples]:
    """Speech that is `over_db` too loud, and what a converter makes of it."""
    loud = speech(6.0, channels)
    loud = np.asarray(loud / np.abs(loud).max() * 10.0 ** (over_db / 20.0), dtype=np.float32)
    return loud, np.clip(loud, -1.0, 1.0)


def with_clicks(sound: Samples, level: float = 0.3) -> tuple[Samples, list[int]]:
    """Bursts of half a millisecond, four in a second."""
    rng = np.random.default_rng(7)
    places = [int(at) for at in np.arange(0.4, sound.shape[1] / RATE - 0.3, 0.25) * RATE]
    out = sound.copy()
    for at in places:
        burst = rng.choice([-1.0, 1.0]) * level * np.exp(-np.arange(24) / 6.0) * np.cos(np.arange(24) * 1.1)
        out[:, at : at + 24] += burst.astype(np.float32)
    return out, places


def hum(base_hz: float, level_db: float, count: int, numbers: tuple[int, ...] = (1, 2, 3, 5)) -> NDArray[np.float32]:
    time = np.arange(count) / RATE
    waves = [np.sin(2.0 * np.pi * base_hz * number * time + number) / number for number in numbers]
    return np.asarray(10.0 ** (level_db / 20.0) * np.sum(waves, axis=0), dtype=np.float32)


def broken() -> Samples:
    """Clipped, with clicks and hum."""
    _, sound = clipped(6.0)
    sound, _ = with_clicks(np.tile(sound, 2) * np.float32(1.0), 0.4)
    return np.clip(sound + hum(50.03, -40.0, sound.shape[1]), -1.0, 1.0)
