"""Synthetic analyses, levels and sounds that the tests of the core share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from mediaclean.analysis import Analysis, TrackStats
from mediaclean.audio import FLOOR_DB, Samples, Span, frame_count
from mediaclean.loudness.meter import Loudness
from mediaclean.roomtone.sources import ToneFeatures

FRAME_S = 0.032


def power(level_db: NDArray[np.floating]) -> NDArray[np.float64]:
    return 10.0 ** (np.asarray(level_db, dtype=np.float64) / 10.0)


def decibels(power_: NDArray[np.floating]) -> NDArray[np.float64]:
    return 10.0 * np.log10(np.maximum(power_, 10 ** (FLOOR_DB / 10)))


def speech_levels(frames: int, lufs: float = -23.0, seed: int = 0) -> NDArray[np.float64]:
    """Frame levels of clean speech: syllables of 130 to 260 ms that rise some 30 dB out of the pauses between them."""
    rng = np.random.default_rng(seed)
    level = np.full(frames, -90.0)
    at = 0
    while at < frames:
        length = int(rng.integers(4, 9))
        shape = np.sin(np.pi * (np.arange(length) + 0.5) / length)
        syllable = rng.normal(0.0, 3.0) + 36.0 * (shape**0.7 - 1.0)
        stop = min(frames, at + length)
        level[at:stop] = syllable[: stop - at]
        at = stop + (int(rng.integers(3, 9)) if rng.random() < 0.2 else 0)  # a word ends
    return level + lufs - float(decibels(power(level).mean()))


def bed_levels(frames: int, lufs: float, spread_db: float = 1.5, seed: int = 1) -> NDArray[np.float64]:
    """Frame levels of a bed whose level wanders slowly around `lufs`."""
    rng = np.random.default_rng(seed)
    wander = np.convolve(rng.normal(0.0, 1.0, frames + 60), np.hanning(61), mode="valid")[:frames]
    wander = spread_db * wander / max(1e-9, float(wander.std()))
    return lufs + wander - float(decibels(power(wander).mean()))


def loudness(lufs: float | None = -23.0, duration_s: float = 10.0) -> Loudness:
    return Loudness(lufs, lufs, lufs, 3.0, -3.0, -3.5, duration_s)


def spoken(frames: int, talks: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
    """A probability per frame: 0.95 in the talks, 0.02 elsewhere."""
    probability = np.full(frames, 0.02, dtype=np.float32)
    for start, stop in talks:
        probability[start:stop] = 0.95
    return probability


def analysis(
    talks: Sequence[tuple[float, float]] = ((2.0, 10.0), (14.0, 22.0)),
    *,
    seconds: float = 24.0,
    rate: int = 48_000,
    speech_lufs: float = -23.0,
    bed_lufs: float | Sequence[tuple[float, float, float]] = -70.0,
    room_lufs: float = -70.0,
    is_tonal: bool = True,
    holes: Sequence[Span] = (),
    clipped: int = 0,
    bandwidth_hz: float = 20_000.0,
    integrated_lufs: float | None = -23.0,
    seed: int = 0,
) -> Analysis:
    """What a pass over a film would have heard.

    Args:
        talks: where somebody speaks, in seconds.
        speech_lufs: of the speech, mean over all talks.
        bed_lufs: of the music: throughout, or (start, stop, level) in seconds and LUFS.
        room_lufs: of the room's steady noise, heard everywhere.
        is_tonal: whether the bed stands in peaks, as music does; otherwise it is steady noise.
    """
    length = round(seconds * rate)
    frames = frame_count(length, rate)
    index = [(round(a / FRAME_S), min(frames, round(b / FRAME_S))) for a, b in talks]
    sound = power(bed_levels(frames, room_lufs, 0.3, seed + 7))
    tonal = np.zeros(frames, dtype=bool)
    passages = [(0.0, seconds, bed_lufs)] if isinstance(bed_lufs, int | float) else bed_lufs
    for start, stop, level in passages:
        here = slice(round(start / FRAME_S), min(frames, round(stop / FRAME_S)))
        bed = bed_levels(frames, level, 1.0 if is_tonal else 0.3, seed + 1)[here]
        sound[here] += power(bed)
        tonal[here] |= is_tonal and level > room_lufs
    for number, (start, stop) in enumerate(index):
        sound[start:stop] += power(speech_levels(stop - start, speech_lufs, seed + number))
    talking = spoken(frames, index)
    return Analysis(
        rate=rate,
        channels=2,
        layout="stereo",
        length=length,
        speech=talking,
        level_db=decibels(sound).astype(np.float32),
        features=ToneFeatures(
            np.where(talking > 0.5, 8.0, 1.0).astype(np.float32), np.where(tonal, 14.0, 2.0).astype(np.float32)
        ),
        loudness=loudness(integrated_lufs, seconds),
        stats=TrackStats(0.0, 0.1),
        holes=tuple(holes),
        clipped=clipped,
        bandwidth_hz=bandwidth_hz,
    )


def noise(channels: int, length: int, seed: int = 0, amplitude: float = 0.3) -> Samples:
    return np.random.default_rng(seed).uniform(-amplitude, amplitude, (channels, length)).astype(np.float32)


def sine(hz: float, rate: int, seconds: float, dbfs_peak: float = 0.0, channels: int = 1) -> Samples:
    wave = 10 ** (dbfs_peak / 20) * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)
    return np.tile(wave, (channels, 1)).astype(np.float32)


def pieces(sound: Samples, sizes: Sequence[int]) -> Iterator[Samples]:
    """The sound in chunks whose sizes go round; a size of 0 gives an empty chunk."""
    start = number = 0
    while start < sound.shape[1]:
        size = sizes[number % len(sizes)] if any(sizes) else sound.shape[1]
        yield sound[:, start : start + size]
        start, number = start + size, number + 1


@st.composite
def disjoint_spans(
    draw: st.DrawFn, length: int = 1000, most: int = 8, *, touching: bool = True, least: int = 0
) -> list[Span]:
    """Sorted, disjoint, non-empty spans inside 0 to `length`."""
    edges = sorted(draw(st.sets(st.integers(0, length), min_size=2 * least, max_size=2 * most)))
    step = draw(st.sampled_from([1, 2])) if touching else 2
    spans = [Span(a, b) for a, b in zip(edges[::step], edges[1::step], strict=False)]
    return spans if touching else [span for span in spans if span.length]
