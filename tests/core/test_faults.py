"""Figures that an editor asks for, on sounds made to have them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from mediaclean.advice.acoustics import coverage, noise_kind, reverberation_s
from mediaclean.advice.faults import ChannelEar, Heard, holed_share, hushed_dbfs, source_faults
from mediaclean.analysis import Analysis
from mediaclean.audio import Span, frame_count
from mediaclean.loudness.kweight import FrameLevels, power_to_lufs
from mediaclean.roomtone.sources import SPECTRUM_HZ, FeatureStream, ToneFeatures

from .making import analysis, pieces

RATE = 48_000
BANDS = len(SPECTRUM_HZ) - 1


def quiet_of(heard: Analysis) -> NDArray[np.bool_]:
    return heard.speech < 0.5


def levels_of(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    meter = FrameLevels(RATE, "mono", 1)
    meter.add(sound[None].astype(np.float32))
    return power_to_lufs(meter.result())


def bursts(seconds: float = 30.0) -> NDArray[np.float64]:
    """Short words of noise with pauses between them, in a dead room with a floor of -80 dBFS."""
    rng = np.random.default_rng(4)
    sound = 1e-4 * rng.standard_normal(round(seconds * RATE))
    for start in np.arange(0.3, seconds - 1, 1.1):
        here = slice(round(start * RATE), round((start + 0.25) * RATE))
        sound[here] += 0.2 * rng.standard_normal(here.stop - here.start)
    return sound


@pytest.mark.parametrize("seconds", [0.5, 0.8, 1.2])
def test_the_reverberation_of_a_room_is_found(seconds: float) -> None:
    rng = np.random.default_rng(1)
    length = round(seconds * RATE)
    tail = rng.standard_normal(length) * 10.0 ** (-3.0 * np.arange(length) / length)
    room = np.concatenate([[1.0], tail / np.sqrt(np.sum(tail**2))])
    heard = reverberation_s(levels_of(fftconvolve(bursts(), room)[: 30 * RATE]))
    assert heard == pytest.approx(seconds, rel=0.25)


def test_a_dead_room_does_not_ring() -> None:
    dry = reverberation_s(levels_of(bursts()))
    assert dry is None or dry < 0.35
    assert reverberation_s(np.zeros(0)) is None
    assert reverberation_s(np.full(500, -20.0)) is None


@pytest.mark.parametrize(
    ("kind", "spread_db", "knock_db", "level_db"),
    [
        ("steady", 1.0, 0.0, -40.0),
        ("changing", 8.0, 0.0, -40.0),
        ("impulsive", 1.0, 25.0, -50.0),
        ("none", 1.0, 0.0, -75.0),
    ],
)
def test_the_kind_of_a_noise(kind: str, spread_db: float, knock_db: float, level_db: float) -> None:
    rng = np.random.default_rng(3)
    level = level_db + spread_db * np.sin(np.arange(600) / 20.0) + rng.normal(0.0, 0.5, 600)
    level[50::100] += knock_db
    assert noise_kind(level, np.ones(600, dtype=bool)) == kind
    assert noise_kind(level, np.zeros(600, dtype=bool)) == "unheard"


def heard_as(speech_db: float, bed_db: NDArray[np.float64]) -> Analysis:
    """Speech of one level in every band over a bed with levels of its own, 600 frames."""
    rows = np.tile(bed_db, (300, 1))
    rows[rng_rows()] = 10.0 * np.log10(10.0 ** (bed_db / 10.0) + 10.0 ** (speech_db / 10.0))
    spectrum = np.clip(np.round(2.0 * (rows + 127.5)), 0, 255).astype(np.uint8)
    base = analysis([(0.0, 19.2)], seconds=19.2)
    return replace(base, features=ToneFeatures(base.features.flux_db, base.features.tonality_db, spectrum))


def rng_rows() -> NDArray[np.bool_]:
    return np.random.default_rng(0).random(300) < 0.6


def test_a_bed_covers_the_bands_in_which_it_is_loud() -> None:
    span = Span(0, round(19.2 * RATE))
    nothing, everything = np.full(BANDS, -90.0), np.full(BANDS, -20.0)
    low = np.where(np.arange(BANDS) < 7, -20.0, -90.0)  # bass and low mids up to 900 Hz
    shares = [coverage(heard_as(-25.0, bed), span) for bed in (nothing, low, everything)]
    assert shares[0] == 0.0
    assert shares[2] is not None
    assert shares[2] > 0.9
    assert shares[1] == pytest.approx(0.35, abs=0.15)
    assert coverage(analysis(), span) is None


def test_louder_beds_cover_more() -> None:
    span = Span(0, round(19.2 * RATE))
    shares = [coverage(heard_as(-30.0, np.full(BANDS, bed)), span) for bed in (-70.0, -42.0, -36.0, -30.0, -20.0)]
    assert shares == sorted(shares)  # type: ignore[type-var]
    assert len(set(shares)) >= 4


@pytest.mark.parametrize("sizes", [(48_000,), (1000, 7, 0, 5000)])
@pytest.mark.parametrize(
    ("gains", "said"),
    [
        ((1.0, 1.0), "both channels are one and the same"),
        ((1.0, 0.0), "the right channel is dead"),
        ((1e-4, 1.0), "the left channel is dead"),
        ((1.0, 0.9), None),
        ((0.0, 0.0), None),
    ],
)
def test_channels_that_are_dead_or_twins(gains: tuple[float, float], said: str | None, sizes: tuple[int, ...]) -> None:
    one = np.random.default_rng(0).uniform(-0.3, 0.3, RATE).astype(np.float32)
    ear = ChannelEar(2)
    for chunk in pieces(np.stack([np.float32(gain) * one for gain in gains]), sizes):
        ear.add(chunk)
    faults = list(source_faults(replace(analysis(), heard=ear.result()), quiet_of(analysis())))
    assert any(said in fault for fault in faults) if said else not faults


def test_one_channel_is_no_fault() -> None:
    ear = ChannelEar(1)
    ear.add(np.ones((1, 100), np.float32))
    assert ear.result() == Heard((0.0,), is_twin=False)


@pytest.mark.parametrize("missing", [0.0, 0.5])
def test_holes_of_a_codec_are_found(missing: float) -> None:
    """The top of the band taken out of every other moment, as a coder does that has too few bits."""
    rng = np.random.default_rng(6)
    sound = 0.05 * rng.standard_normal(16_000 * 20)
    spectrum = np.fft.rfft(sound.reshape(-1, 3200))
    spectrum[rng.random(len(spectrum)) < missing, 600:] = 0.0  # from 3 kHz up
    coded = np.fft.irfft(spectrum).reshape(-1)
    frames = np.asarray(coded[: len(coded) // 512 * 512].reshape(-1, 512), dtype=np.float32)
    features = FeatureStream().push(frames)
    share = holed_share(replace(analysis(), features=features))
    assert (share > 0.1) == (missing > 0.0)


@pytest.mark.parametrize(("room_lufs", "is_hushed"), [(-72.0, False), (-86.0, True), (-120.0, False)])
def test_pauses_quieter_than_a_room_were_made_so(room_lufs: float, is_hushed: bool) -> None:
    heard = analysis(bed_lufs=-120.0, room_lufs=room_lufs, is_tonal=False)
    level = np.where(quiet_of(heard), np.float32(room_lufs), heard.level_db)  # a gate has no slopes
    gated = replace(heard, level_db=level)
    assert (hushed_dbfs(gated, quiet_of(gated)) is not None) == is_hushed
    assert len(gated.level_db) == frame_count(gated.length, gated.rate)
