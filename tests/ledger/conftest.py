from __future__ import annotations

import numpy as np
import pytest

from ledger.making import LENGTH, PHRASES, RATE, Case, filtered, window


@pytest.fixture(scope="module")
def clean() -> Case:
    """Vowels of 0.28 s with an S of 0.1 s before each, over steady noise 15 dB under them, separated perfectly."""
    at = np.arange(LENGTH) / RATE
    pitch = sum(np.cos(2 * np.pi * 130 * k * at + k * k) / k for k in range(1, 30))
    noise = np.random.default_rng(1).standard_normal(LENGTH).astype(np.float32)
    hiss = filtered(noise, "highpass", 4500.0)
    voice = np.zeros(LENGTH, np.float32)
    for phrase in PHRASES:
        for number in range(3):
            start = phrase.start / RATE + 0.05 + 0.42 * number
            voice += (0.06 * window(start, start + 0.1, 0.02) * hiss).astype(np.float32)
            voice += (0.06 * window(start + 0.1, start + 0.38, 0.06) * pitch).astype(np.float32)
    bed = 0.012 * np.random.default_rng(2).standard_normal(LENGTH).astype(np.float32)
    return Case(voice, bed, voice.copy(), np.full(LENGTH, -18.0))
