"""Speech of known shape over a steady bed, and what can go wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from mediaclean.audio import Block, Span
from mediaclean.ledger import Grounds, Ledger, judge

RATE = 32_000
SECONDS = 16.0
LENGTH = round(SECONDS * RATE)
Sound = NDArray[np.float32]
PHRASES = [Span(round((0.5 + 2.0 * n) * RATE), round((1.9 + 2.0 * n) * RATE)) for n in range(8)]
"""Four syllables each; between them 0.6 s of nothing but the bed."""


@dataclass(frozen=True, eq=False)
class Case:
    voice: Sound
    bed: Sound
    found: Sound
    gain_db: NDArray[np.float64]

    def heard(self, size: int = 50_000) -> list[tuple[Block, Sound, Sound]]:
        mix = self.voice + self.bed
        gain = np.asarray(10 ** (self.gain_db / 20), np.float32)
        result = np.asarray(mix - (1 - gain) * (mix - self.found), np.float32)
        cuts = [slice(at, at + size) for at in range(0, LENGTH, size)]
        return [(Block(c.start, mix[None, c], self.found[None, c]), gain[c], result[None, c]) for c in cuts]


def filtered(sound: Sound, kind: str, hz: float | Sequence[float]) -> Sound:
    return np.asarray(sosfiltfilt(butter(4, hz, kind, fs=RATE, output="sos"), sound), np.float32)


def window(start_s: float, stop_s: float, ramp_s: float = 0.01) -> Sound:
    at = np.arange(LENGTH) / RATE
    return np.clip(np.minimum(at - start_s, stop_s - at) / ramp_s, 0.0, 1.0).astype(np.float32)


def ledger(
    case: Case,
    *,
    size: int = 50_000,
    pages: set[int] | None = None,
    start: int = 0,
    grounds: Grounds | None = None,
) -> Ledger:
    heard = case.heard(size)
    return judge(heard, PHRASES, rate=RATE, length=LENGTH, pages=pages, start=start, grounds=grounds)


def musical(case: Case) -> Case:
    rng, sound = np.random.default_rng(3), np.zeros(LENGTH, np.float32)
    for _ in range(16):
        size = round(0.05 * RATE)
        at = round(rng.uniform(6.0, 6.4) * RATE)
        tone = np.sin(2 * np.pi * rng.uniform(1200, 6000) * np.arange(size) / RATE)
        sound[at : at + size] += (0.008 * np.hanning(size) * tone).astype(np.float32)
    return replace(case, found=case.found + sound)


def ghost(case: Case) -> Case:
    return replace(case, found=case.found + 0.4 * window(5.9, 6.5, 0.03) * case.bed)


def chopped(case: Case) -> Case:
    """The last vowel of the phrase from 4.5 s ends at 5.77 s."""
    return replace(case, found=case.found * (1 - 0.97 * window(5.6, 5.95, 0.015)))


def lost(case: Case) -> Case:
    """The S before the second vowel of the phrase from 4.5 s."""
    return replace(case, found=case.found * (1 - 0.95 * window(4.96, 5.07, 0.01)))


def hollow(case: Case) -> Case:
    band = filtered(case.found, "bandpass", (400.0, 1200.0))
    return replace(case, found=case.found - 0.85 * window(4.5, 7.9, 0.1) * band)


def pumping(case: Case) -> Case:
    at = np.arange(LENGTH) / RATE
    swing = window(4.0, 7.0, 0.001) * 5.0 * (1 - np.cos(2 * np.pi * 3.0 * at))
    return replace(case, gain_db=case.gain_db + swing)


def click(case: Case) -> Case:
    return replace(case, found=case.found + 0.15 * (np.arange(LENGTH) == round(5.3 * RATE)).astype(np.float32))
