"""What the benchmarks call noise has no voice in it, however loud the voice is in the noisy recording."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.recordings import noise_in, random_part


@pytest.mark.parametrize("gain", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("shape", [(48_000,), (2, 48_000)])
def test_the_noise_of_a_pair_is_what_was_added_to_its_speech(gain: float, shape: tuple[int, ...]) -> None:
    chance = np.random.default_rng(1)
    clean, noise = (chance.standard_normal(shape).astype(np.float32) for _ in range(2))
    found = noise_in(np.float32(gain) * clean + noise, clean)
    assert np.sqrt(np.mean((found - noise) ** 2)) < 0.01
    assert abs(np.vdot(found, clean)) < 1e-3 * np.vdot(clean, clean)


def test_a_recording_that_is_longer_than_its_speech_is_cut() -> None:
    assert noise_in(np.ones(10, np.float32), np.ones(8, np.float32)).shape == (8,)


@pytest.mark.parametrize("scale", [1, 32768])
def test_a_random_part_goes_on_at_the_beginning_at_full_scale_one(scale: int) -> None:
    whole = np.linspace(-1, 1, 9, dtype=np.float32)
    sound = whole if scale == 1 else (whole * 32000).astype(np.int16)
    part = random_part(sound, 20, np.random.default_rng(0))
    assert part.dtype == np.float32
    start = int(np.argmin(np.abs(whole * (1 if scale == 1 else 32000 / 32768) - part[0])))
    expected = np.resize(np.roll(whole, -start), 20) * (1 if scale == 1 else 32000 / 32768)
    assert np.allclose(part, expected, atol=1e-4)
