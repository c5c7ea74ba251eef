"""Clean speech, and what the repair stages make of a sound."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from mediaclean.audio import Samples
from mediaclean.repair.chain import Finder, RepairSettings, mended
from mediaclean.repair.records import Repairs

VOICE = Path(__file__).parents[2] / "samples" / "stems" / "voice.flac"
SPEECH = (
    "pairs/dfn48k_clean.wav",
    "speech/silero_test_60s.flac",
    "speech/librispeech_198.ogg",
    "speech/librispeech_3436.ogg",
)
MUSIC = ("vibe_ace.ogg", "hungarian_dance_5.ogg", "sugar_plum_fairy.ogg", "lets_go_fishin_vocals.ogg")
LONGEST_S = 30


@dataclass(frozen=True, eq=False)
class Recording:
    name: str
    sound: Samples
    rate: int

    @property
    def seconds(self) -> float:
        return float(self.sound.shape[1] / self.rate)


def read(path: Path, *, mono: bool = True) -> Recording:
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    sound = sound.T[:, : LONGEST_S * rate]
    return Recording(path.stem, sound[:1] if mono else sound, rate)


def corpus() -> Path | None:
    folder = os.environ.get("MEDIACLEAN_CORPUS")
    return Path(folder) if folder else None


def recordings() -> list[Recording]:
    """Clean speech at one level, with a little room noise under it."""
    folder = corpus()
    paths = [VOICE, *(folder / name for name in SPEECH if folder)] if folder else [VOICE]
    found = []
    for path in paths:
        plain = read(path)
        rng = np.random.default_rng(1)
        level = 10.0 ** (-23.0 / 20.0) / np.sqrt(np.mean(np.square(plain.sound)))
        noise = 10.0 ** (-65.0 / 20.0) * rng.standard_normal(plain.sound.shape)
        found.append(Recording(plain.name, np.asarray(plain.sound * level + noise, dtype=np.float32), plain.rate))
    return found


def found_in(sound: Samples, rate: int, settings: RepairSettings) -> Repairs:
    finder = Finder(rate, settings)
    for start in range(0, sound.shape[1], rate):
        for listen in finder.listeners:
            listen(sound[:, start : start + rate])
    return finder.result()


def repaired(sound: Samples, rate: int, settings: RepairSettings) -> tuple[Samples, Repairs]:
    repairs = found_in(sound, rate, settings)
    return np.concatenate(list(mended([sound], repairs, settings, rate)), axis=1), repairs


def ratio_db(signal: NDArray[np.floating], error: NDArray[np.floating]) -> float:
    above = np.square(signal, dtype=np.float64).sum()
    return float(10.0 * np.log10(above / max(np.square(error, dtype=np.float64).sum(), 1e-30)))
