"""Tone is learned from the quiet of the room: never from speech, music, falling tails or digital silence."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mediaclean.audio import Span, frame_count, rms_dbfs
from mediaclean.roomtone.sources import (
    SPECTRUM_HZ,
    FeatureStream,
    RoomToneSettings,
    ToneFeatures,
    choose_sources,
    floor_level_dbfs,
)

RATE = 16000
FRAME = 512
SETTINGS = RoomToneSettings()
Mono = NDArray[np.float32]


def noise(seconds: float, dbfs: float = -60.0, seed: int = 0) -> Mono:
    white = np.random.default_rng(seed).standard_normal(int(seconds * RATE))
    return (10.0 ** (dbfs / 20.0) * white).astype(np.float32)


def chord(seconds: float, dbfs: float, *, vibrato: float = 0.0) -> Mono:
    """Three notes with eight harmonics each; a vibrato of 0.005 swings them by half a semitone."""
    time = np.arange(int(seconds * RATE)) / RATE
    wobble = vibrato / 5.5 * np.sin(2.0 * np.pi * 5.5 * time)
    partials = [
        np.sin(2.0 * np.pi * note * harmonic * (time + wobble)) / harmonic
        for note in (220.0, 277.2, 329.6)
        for harmonic in range(1, 9)
    ]
    sound = np.sum(partials, axis=0)
    return (sound * 10.0 ** (dbfs / 20.0) / np.sqrt(np.square(sound).mean())).astype(np.float32)


def chosen(sound: Mono, speech: list[Span] | None = None, settings: RoomToneSettings = SETTINGS) -> list[Span]:
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME)
    level = 10.0 * np.log10(np.square(frames, dtype=np.float64).mean(axis=1) + 1e-12)
    probability = np.zeros(len(frames))
    for span in speech or []:
        probability[span.start // FRAME : -(-span.stop // FRAME)] = 1.0
    features = FeatureStream().push(frames)
    return choose_sources(level, probability, features, rate=RATE, length=len(sound), settings=settings)


def seconds(spans: list[Span]) -> float:
    return sum(span.length for span in spans) / RATE


def inside(spans: list[Span], start_s: float, stop_s: float) -> bool:
    return all(start_s * RATE <= span.start and span.stop <= stop_s * RATE for span in spans)


def test_tone_between_phrases_is_found_and_speech_is_kept_away_from() -> None:
    sound = noise(10.0)
    speech = [Span(0, 3 * RATE), Span(5 * RATE, 10 * RATE)]
    for span in speech:
        sound[span.start : span.stop] += noise(span.length / RATE, -25.0, seed=2)
    spans = chosen(sound, speech)
    assert seconds(spans) > 1.0
    assert inside(spans, 3.0 + SETTINGS.guard_s - 0.032, 5.0 - SETTINGS.guard_s + 0.032)


@pytest.mark.parametrize("vibrato", [0.0, 0.005])
@pytest.mark.parametrize("dbfs", [-58.0, -50.0, -30.0])
def test_music_alone_is_no_tone(dbfs: float, vibrato: float) -> None:
    assert chosen(noise(10.0, -75.0) + chord(10.0, dbfs, vibrato=vibrato)) == []


@pytest.mark.parametrize("dbfs", [-62.0, -50.0])
def test_tone_is_found_beside_music_as_quiet_as_itself(dbfs: float) -> None:
    sound = noise(20.0)
    sound[: 10 * RATE] += chord(10.0, dbfs)
    spans = chosen(sound)
    assert seconds(spans) > 1.0
    assert inside(spans, 9.97, 20.0)


@pytest.mark.parametrize("reverberation_s", [0.8, 1.5])
def test_a_tail_of_reverberation_is_no_tone(reverberation_s: float) -> None:
    """Noise that falls by 60 dB in the reverberation time, over and over, never reaching a floor."""
    time = np.arange(int(reverberation_s * RATE)) / RATE
    fall = np.tile(10.0 ** (-3.0 * time / reverberation_s), 8)
    assert chosen((noise(len(fall) / RATE, -20.0) * fall).astype(np.float32)) == []


def test_digital_silence_is_no_tone_and_no_part_of_the_lowest_fifth() -> None:
    sound = np.concatenate([np.zeros(20 * RATE, np.float32), noise(4.0)])
    spans = chosen(sound)
    assert seconds(spans) > 2.0
    assert inside(spans, 20.0, 24.0)


def test_the_quieter_of_two_rooms_is_taken_alone() -> None:
    spans = chosen(np.concatenate([noise(5.0, -50.0), noise(5.0, -65.0, seed=1)]))
    assert seconds(spans) > 2.0
    assert inside(spans, 5.0, 10.0)


def test_events_are_left_out() -> None:
    """A knock in every second of an otherwise steady room."""
    sound = noise(10.0)
    for at in range(RATE // 2, 10 * RATE, RATE):
        sound[at : at + 400] += noise(400 / RATE, -30.0)
    spans = chosen(sound)
    assert seconds(spans) > 1.0
    assert not any(span.start <= at < span.stop for span in spans for at in range(RATE // 2, 10 * RATE, RATE))


def test_lengths_are_as_set() -> None:
    sound = noise(60.0)
    assert seconds(chosen(sound, settings=RoomToneSettings(max_total_s=5.0))) == pytest.approx(5.0, abs=0.04)
    assert seconds(chosen(sound)) == pytest.approx(20.0, abs=0.04)
    assert chosen(sound[: RATE // 3]) == []
    assert all(span.length >= 0.25 * RATE for span in chosen(sound))


@pytest.mark.parametrize("frames", [0, 1, 7])
def test_almost_nothing_is_no_tone(frames: int) -> None:
    assert chosen(noise(1.0)[: frames * FRAME]) == []


@pytest.mark.parametrize("rate", [8000, 44100, 48000, 192000])
def test_spans_lie_inside_the_track_at_any_rate(rate: int) -> None:
    length = 5 * rate - 17
    count = frame_count(length, rate)
    features = ToneFeatures(np.full(count, 1.0, np.float32), np.full(count, 3.0, np.float32))
    spans = choose_sources(
        np.full(count, -60.0), np.zeros(count), features, rate=rate, length=length, settings=SETTINGS
    )
    assert spans == [Span(0, length)]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_features_do_not_depend_on_the_grouping_of_frames(sizes: list[int]) -> None:
    frames = (noise(10.3) + chord(10.3, -50.0))[: sum(sizes) * FRAME].reshape(-1, FRAME)[: sum(sizes)]
    whole = FeatureStream().push(frames)
    stream = FeatureStream()
    parts = [stream.push(part) for part in np.split(frames, np.cumsum(sizes)[:-1])]
    np.testing.assert_allclose(np.concatenate([part.flux_db for part in parts]), whole.flux_db, atol=1e-4)
    np.testing.assert_allclose(np.concatenate([part.tonality_db for part in parts]), whole.tonality_db, atol=1e-4)
    np.testing.assert_array_equal(np.concatenate([part.spectrum for part in parts]), whole.spectrum)


@pytest.mark.parametrize("dbfs", [-90.0, -60.0, -20.0])
def test_the_coarse_spectrum_tells_the_level_of_every_band(dbfs: float) -> None:
    """White noise at 16 kHz has its power spread evenly up to 8 kHz."""
    frames = (10 ** (dbfs / 20) * np.random.default_rng(0).standard_normal((400, FRAME))).astype(np.float32)
    run = Span(100, 301)
    levels = FeatureStream().push(frames).spectrum_db(run)
    assert len(levels) == 100  # only pairs that lie inside the run
    expected = dbfs + 10 * np.log10(np.diff(SPECTRUM_HZ) / 8000)
    mean = 10 * np.log10((10 ** (levels / 10)).mean(axis=0))
    np.testing.assert_allclose(mean, expected, atol=1.5)


def test_the_stand_in_floor_is_the_quietest_level_but_never_loud() -> None:
    quiet, speech = np.full(100, -72.0), np.zeros(100)
    assert floor_level_dbfs(quiet, speech, SETTINGS) == pytest.approx(-72.0)
    assert floor_level_dbfs(quiet + 50.0, speech, SETTINGS) == SETTINGS.fallback_dbfs
    assert floor_level_dbfs(quiet, speech + 1.0, SETTINGS) == SETTINGS.fallback_dbfs
    assert floor_level_dbfs(np.full(9, -120.0), np.zeros(9), SETTINGS) == SETTINGS.fallback_dbfs


@pytest.mark.corpus
@pytest.mark.parametrize("dbfs", [-40.0, -55.0])
@pytest.mark.parametrize("piece", ["hungarian_dance_5", "lets_go_fishin_vocals", "sugar_plum_fairy", "vibe_ace"])
def test_real_music_is_no_tone(piece: str, dbfs: float) -> None:
    corpus = os.environ.get("MEDIACLEAN_CORPUS")
    if not corpus:
        pytest.skip("set MEDIACLEAN_CORPUS to a folder of media")
    soundfile, soxr = pytest.importorskip("soundfile"), pytest.importorskip("soxr")
    music, rate = soundfile.read(
        Path(corpus) / "music" / f"{piece}.ogg", frames=30 * 44100, dtype="float32", always_2d=True
    )
    sound = soxr.resample(music.mean(axis=1), rate, RATE)[5 * RATE : 25 * RATE]
    sound = sound * 10.0 ** (dbfs / 20.0) / np.sqrt(np.square(sound).mean())
    sound = np.concatenate([sound, np.zeros(20 * RATE, np.float32)])
    spans = chosen(noise(40.0, -65.0) + sound)
    assert seconds(spans) > 2.0
    learned = np.concatenate([sound[span.start : span.stop] for span in spans])
    assert rms_dbfs(learned[None]) < -65.0 - 10.0, "the music in the tone, rests included, is under the noise"
