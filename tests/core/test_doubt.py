"""What voice and bed have in step is the error of the voice; what merely sounds at once is none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from mediaclean.audio import Samples, frame_count
from mediaclean.bed.doubt import SHARE, DoubtMeter
from mediaclean.loudness.kweight import FrameLevels, KWeighting, power_response

from .making import noise, pieces

RATE = 48_000


def heard(voice: Samples, bed: Samples, sizes: Sequence[int] = (RATE,), rate: int = RATE) -> NDArray[np.float64]:
    meter = DoubtMeter(rate, "mono" if len(voice) == 1 else "stereo", len(voice))
    start = 0
    for piece in pieces(voice, sizes):
        meter.add(piece, bed[:, start : start + piece.shape[1]])
        start += piece.shape[1]
    return meter.result()[: frame_count(voice.shape[1], rate)]


def level(sound: Samples) -> float:
    meter = FrameLevels(RATE, "mono" if len(sound) == 1 else "stereo", len(sound))
    meter.add(sound)
    return float(meter.result().mean())


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_mix_that_is_shared_out_holds_the_variance_of_the_guess(share: float, channels: int) -> None:
    mix = noise(channels, 4 * RATE, 1)
    voice = mix * np.float32(share)
    found = float(heard(voice, mix - voice).mean()) / SHARE
    assert 10 * np.log10(found / (share * (1 - share) * level(mix))) == pytest.approx(0.0, abs=0.1)


def test_the_error_of_wieners_estimate_is_found_where_its_share_changes_with_time_and_frequency() -> None:
    rng = np.random.default_rng(3)
    shape = (200, RATE // 50 // 2 + 1)  # cells of 20 ms and 50 Hz
    scale = np.repeat(np.repeat(rng.random((20, 49)) ** 4, 10, axis=0), 10, axis=1)[:, : shape[1]]

    def sound(size: NDArray[np.float64] | float) -> NDArray[np.complex128]:
        return np.asarray((rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) * size)

    voice, bed = sound(scale), sound(0.2)
    share = scale**2 / (scale**2 + 0.04)
    estimate = share * (voice + bed)

    def played(cells: NDArray[np.complex128]) -> Samples:
        return np.fft.irfft(cells, RATE // 50, axis=1).reshape(1, -1).astype(np.float32)

    found = float(heard(played(estimate), played(voice + bed - estimate)).mean()) / SHARE
    true = level(played(estimate - voice))
    assert 10 * np.log10(found / true) == pytest.approx(0.0, abs=1.5)


def test_sounds_that_are_apart_hold_next_to_none() -> None:
    voice, bed = noise(1, 8 * RATE, 1), noise(1, 8 * RATE, 2)
    in_step = SHARE * level(voice)  # were they one sound
    assert 10 * np.log10(float(heard(voice, bed).mean()) / in_step) < -15.0


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
@pytest.mark.parametrize("sizes", [(100,), (1_600, 7), (50_000,)])
def test_it_does_not_depend_on_the_size_of_blocks(rate: int, sizes: tuple[int, ...]) -> None:
    voice, bed = noise(1, 60_000, 1), noise(1, 60_000, 2)
    whole = heard(voice, bed, (60_000,), rate)
    assert len(whole) == frame_count(60_000, rate)
    np.testing.assert_allclose(heard(voice, bed, sizes, rate), whole, rtol=1e-4, atol=1e-9)


def test_where_nothing_was_separated_there_is_no_error() -> None:
    voice, bed = noise(1, 6 * RATE, 1), noise(1, 6 * RATE, 2)
    voice[:, 2 * RATE : 4 * RATE] = 0.0
    frames = heard(voice, voice + bed, (RATE,))
    np.testing.assert_allclose(frames, heard(voice, voice + bed, (6 * RATE,)), rtol=1e-4, atol=1e-9)
    assert not frames[64:124].any()
    assert (frames[:60] > 0.0).all()


def test_a_burst_is_heard_in_its_own_frames() -> None:
    burst = np.zeros((1, RATE), np.float32)
    burst[:, RATE // 2 : RATE // 2 + 4800] = noise(1, 4800)
    frames = heard(burst, burst)
    inside = slice(RATE // 2 // 1536 - 1, (RATE // 2 + 4800) // 1536 + 2)
    assert frames[inside].sum() > 0.999 * frames.sum()


def test_the_response_is_that_of_the_filter() -> None:
    impulse = np.zeros((1, RATE), np.float32)
    impulse[0, 0] = 1.0
    power = np.square(np.abs(np.fft.rfft(KWeighting(RATE, 1)(impulse)[0])))
    hz = np.fft.rfftfreq(RATE, 1 / RATE)
    np.testing.assert_allclose(power_response(RATE, hz[20:]), power[20:], rtol=1e-3)
