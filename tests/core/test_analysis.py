"""One pass over known sound: what is heard is what was put in, however it was cut into chunks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from numpy.typing import NDArray

from mediaclean.analysis import VAD_FRAME, Analysis, analyse, fitted
from mediaclean.audio import FLOOR_DB, Samples, Span, frame_count
from mediaclean.roomtone.sources import RoomToneSettings

from .making import noise, pieces, sine


class LevelDetector:
    """Takes what is louder than -40 dBFS for speech; answers late, and as unevenly as a batched network does."""

    def __init__(self) -> None:
        self._held = np.zeros(0, np.float32)
        self.heard = 0

    def add(self, mono16k: NDArray[np.float32]) -> NDArray[np.float32]:
        self.heard += len(mono16k)
        self._held = np.concatenate([self._held, mono16k])
        return self._answer(len(self._held) // VAD_FRAME // 3 * 3)

    def flush(self) -> NDArray[np.float32]:
        self._held = np.pad(self._held, (0, -len(self._held) % VAD_FRAME))
        return self._answer(len(self._held) // VAD_FRAME)

    def _answer(self, frames: int) -> NDArray[np.float32]:
        ready, self._held = np.split(self._held, [frames * VAD_FRAME])
        power = np.square(ready.reshape(-1, VAD_FRAME), dtype=np.float64).mean(axis=1)
        return np.where(power > 1e-4, 0.9, 0.05).astype(np.float32)


def heard(sound: Samples, rate: int, sizes: Sequence[int] = (4096,), layout: str = "") -> Analysis:
    channels = sound.shape[0]
    return analyse(
        pieces(sound, sizes),
        rate=rate,
        layout=layout or {1: "mono", 2: "stereo", 6: "5.1"}[channels],
        channels=channels,
        detector=LevelDetector(),
    )


def then(*parts: Samples) -> Samples:
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_levels_and_speech_lie_on_the_frames_where_they_are(rate: int, channels: int) -> None:
    sound = then(sine(997.0, rate, 1.6, -60.0, channels), sine(997.0, rate, 1.6, -20.0, channels))
    found = heard(sound, rate)
    assert found.length == sound.shape[1]
    assert len(found.level_db) == len(found.speech) == len(found.features.flux_db) == frame_count(found.length, rate)
    stereo = 10 * np.log10(channels)
    assert found.level_db[5:45] == pytest.approx(-63.01 + stereo, abs=0.1)
    assert found.level_db[55:95] == pytest.approx(-23.01 + stereo, abs=0.1)
    assert (found.speech[:49] < 0.5).all()
    assert (found.speech[51:99] > 0.5).all()
    assert found.loudness.integrated_lufs == pytest.approx(-23.01 + stereo, abs=0.6)  # blocks over the border count


@pytest.mark.parametrize("rate", [44_100, 11_025])
def test_a_track_that_ends_on_a_frame_edge_has_no_silent_frame_more(rate: int) -> None:
    sound = sine(997.0, rate, 4.0, -20.0)
    for frames in (3, 33, 100):
        edge = round(frames * 0.032 * rate)
        found = heard(sound[:, :edge], rate)
        assert len(found.level_db) == frames
        assert found.level_db[-1] > -30.0


SOUND = then(
    noise(2, 30_000, amplitude=0.001),
    np.zeros((2, 3_000), np.float32),
    sine(440.0, 48_000, 1.5, -12.0, 2),
    noise(2, 20_011),
)


@pytest.mark.parametrize("sizes", [[1024], [48_000], [1, 47_999, 13], [300, 0, 70_000]])
def test_the_analysis_does_not_depend_on_the_size_of_chunks(sizes: list[int]) -> None:
    one, other = heard(SOUND, 48_000), heard(SOUND, 48_000, sizes)
    for name in ("speech", "level_db"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert np.array_equal(one.features.flux_db, other.features.flux_db)
    assert np.array_equal(one.features.tonality_db, other.features.tonality_db)
    assert np.array_equal(one.features.spectrum, other.features.spectrum)
    assert len(one.features.spectrum) == (len(one.speech) + 1) // 2
    for name in ("loudness", "stats", "holes", "clipped", "bandwidth_hz", "length"):
        assert getattr(one, name) == getattr(other, name), name


def test_holes_are_found_to_the_sample() -> None:
    sound = noise(2, 96_000, amplitude=0.1)
    sound[np.abs(sound) < 0.001] = 0.001
    for start, stop in ((10_000, 12_000), (47_900, 49_000), (60_000, 60_100), (90_000, 96_000)):
        sound[:, start:stop] = 0.0
    sound[0, 20_000:24_000] = 0.0  # one silent channel is no hole
    shortest = round(RoomToneSettings().min_hole_s * 48_000)
    assert shortest > 100
    assert heard(sound, 48_000).holes == (Span(10_000, 12_000), Span(47_900, 49_000), Span(90_000, 96_000))


@examples(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 30)), max_size=12), st.sampled_from([-1.0, 1.0]))
def test_clipping_is_counted_once_per_run_across_chunk_borders(runs: list[tuple[int, int]], sign: float) -> None:
    """At a rate of 8 kHz the listeners' chunks end every 8000 samples; the runs are laid across that border."""
    sound = np.full((2, 16_400), 0.1, np.float32)
    at = 8_000 - sum(length + gap for length, gap in runs) // 2
    for length, gap in runs:
        sound[len(runs) % 2, at : at + length] = sign
        at += length + gap
    assert heard(sound, 8_000).clipped == sum(length >= 3 for length, _ in runs)


@pytest.mark.parametrize(("start", "length"), [(7_998, 4), (7_999, 2), (7_990, 10), (8_000, 3), (6_000, 9_000)])
def test_a_run_over_the_border_is_one(start: int, length: int) -> None:
    sound = np.full((1, 24_100), 0.1, np.float32)
    sound[:, start : start + length] = 1.0
    assert heard(sound, 8_000).clipped == int(length >= 3)


def test_a_tone_that_just_reaches_full_scale_does_not_clip() -> None:
    assert heard(sine(997.0, 48_000, 1.0, -0.01), 48_000).clipped == 0
    assert heard(np.clip(sine(997.0, 48_000, 1.0, 3.0), -1, 1), 48_000).clipped == 2 * 997


def test_statistics_are_those_of_the_mono_mix() -> None:
    sound = noise(2, 100_000) + np.float32(0.05)
    found = heard(sound, 48_000).stats
    mono = sound.mean(axis=0, dtype=np.float64)
    assert found.mean == pytest.approx(mono.mean(), abs=1e-7)
    assert found.deviation == pytest.approx(mono.std(), rel=1e-5)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
@pytest.mark.parametrize("edge_hz", [3_400.0, 7_000.0])
def test_the_bandwidth_of_low_passed_noise(rate: int, edge_hz: float) -> None:
    white = noise(1, rate * 4, seed=3)
    spectrum = np.fft.rfft(white)
    spectrum[:, np.fft.rfftfreq(white.shape[1], 1 / rate) > edge_hz] = 0.0
    low = np.fft.irfft(spectrum, white.shape[1]).astype(np.float32)
    assert heard(low, rate).bandwidth_hz == pytest.approx(edge_hz, abs=200.0)
    assert heard(white, rate).bandwidth_hz == pytest.approx(rate / 2, rel=0.01)


def test_the_dither_of_16_bits_is_no_bandwidth() -> None:
    """Quantisation noise reaches up to half the rate, but it is not what was recorded."""
    rate = 48_000
    rng = np.random.default_rng(5)
    spectrum, hz = np.fft.rfft(rng.normal(0.0, 1.0, rate * 4)), np.fft.rfftfreq(rate * 4, 1 / rate)
    spectrum *= np.where(hz > 8_000, 0.0, 1.0 / np.maximum(hz, 150.0))  # falls by 6 dB per octave, much as speech does
    low = np.fft.irfft(spectrum)
    low *= 0.1 / low.std()
    quantised = (np.round(low * 32768 + rng.uniform(-1, 1, low.size)) / 32768).astype(np.float32)
    assert heard(quantised[None], rate).bandwidth_hz < 10_000


def test_silence_is_numbers_and_one_hole() -> None:
    found = heard(np.zeros((2, 48_000), np.float32), 48_000)
    assert found.holes == (Span(0, 48_000),)
    assert found.bandwidth_hz == 0.0
    assert (found.stats.mean, found.stats.deviation, found.clipped) == (0.0, 0.0, 0)
    assert np.isfinite(found.level_db).all()
    assert found.loudness.integrated_lufs is None


@pytest.mark.parametrize("length", [0, 1, 100, 1_535, 1_537])
def test_the_shortest_tracks(length: int) -> None:
    found = heard(noise(2, length), 48_000)
    assert found.length == length
    assert len(found.speech) == len(found.level_db) == len(found.features.flux_db) == frame_count(length, 48_000)


def test_surround_is_heard_through_its_centre() -> None:
    """Speech is sought where the dialogue is, so loud music in the other channels does not matter."""
    sound = np.zeros((6, 96_000), np.float32)
    sound[0:2] = sine(440.0, 48_000, 2.0, -6.0, 2)
    sound[2, 48_000:] = sine(440.0, 48_000, 1.0, -20.0)
    found = heard(sound, 48_000)
    assert (found.speech[:30] < 0.5).all()
    assert (found.speech[33:] > 0.5).all()


def test_the_detector_hears_every_sample_at_its_rate() -> None:
    detector = LevelDetector()
    analyse(pieces(noise(1, 44_100 * 3), [999]), rate=44_100, layout="mono", channels=1, detector=detector)
    assert detector.heard == 48_000


@pytest.mark.parametrize(("frames", "expected"), [(2, [1, 2]), (3, [1, 2, 3]), (5, [1, 2, 3, 9, 9]), (0, [])])
def test_fitted_is_cut_or_filled(frames: int, expected: list[float]) -> None:
    assert fitted(np.array([1, 2, 3], np.float32), frames, 9.0).tolist() == expected


def test_the_floor_is_what_silence_measures() -> None:
    assert heard(np.zeros((1, 8_000), np.float32), 8_000).level_db.max() <= FLOOR_DB
