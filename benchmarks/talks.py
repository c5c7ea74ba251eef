"""Mixtures of talks with pauses and a bed, and where in them somebody speaks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.recordings import RATE
from mediaclean.analysis import VAD_RATE
from mediaclean.audio import Span, frame_edges, merge
from mediaclean.backends.detector import load_detector
from mediaclean.loudness.kweight import WeightedPower, power_to_lufs
from mediaclean.resample import Resampler
from mediaclean.speech import runs

TALKS_S = (5.0, 9.0, 3.0, 7.0)
PAUSE_S = 2.0
SEARCH_S = 1.0
STEP = RATE // 100
GAP_S, LEAST_S = 0.5, 0.4
LEVEL_LUFS = -23.0
"""Of all talks."""


def lufs(sound: NDArray[np.floating]) -> NDArray[np.float64]:
    """K-weighted power of a mono sound, per sample."""
    return WeightedPower(RATE, "mono", 1)(np.asarray(sound, dtype=np.float32)[None])


def mean_lufs(power: NDArray[np.float64]) -> float:
    return float(power_to_lufs(power.mean()))


def talks(speech: NDArray[np.float32], chance: np.random.Generator) -> tuple[NDArray[np.float32], list[Span]]:
    """Stretches of speech with silence between them, at LEVEL_LUFS over all of the speech; where they lie.

    A stretch begins and ends in the deepest pause within SEARCH_S: nobody begins with the end of a word, and no
    detector would hear it, nor any listener miss it.
    """
    parts, spans, at = [np.zeros(round(PAUSE_S * RATE), np.float32)], [], round(PAUSE_S * RATE)
    for seconds in TALKS_S:
        start = _pause(speech, int(chance.integers(len(speech))))
        count = _pause(speech, start + round(seconds * RATE)) - start
        part = np.take(speech, np.arange(start, start + count), mode="wrap")
        fade = np.minimum(1.0, np.minimum(np.arange(count), np.arange(count)[::-1]) / (0.02 * RATE))
        parts += [part * fade.astype(np.float32), np.zeros(round(PAUSE_S * RATE), np.float32)]
        spans.append(Span(at, at + count))
        at += count + round(PAUSE_S * RATE)
    voice = np.concatenate(parts)
    power = lufs(voice)
    inside = np.concatenate([power[span.start : span.stop] for span in spans])
    return voice * np.float32(10 ** ((LEVEL_LUFS - mean_lufs(inside)) / 20)), spans


def _pause(speech: NDArray[np.float32], at: int) -> int:
    """The middle of the quietest 0.1 s that begins within SEARCH_S of a position, of speech that begins again."""
    near = np.take(speech, np.arange(at, at + round((SEARCH_S + 0.1) * RATE)), mode="wrap")
    steps = np.square(near[: len(near) // STEP * STEP].reshape(-1, STEP)).mean(axis=1)
    return at + (int(np.convolve(steps, np.ones(10), "valid").argmin()) + 5) * STEP


def speech_probability(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """How likely each frame of a mono sound is speech to the detector, (frames,)."""
    detector, resampler = load_detector("silero"), Resampler(RATE, VAD_RATE)
    heard = [detector.add(resampler.add(sound)), detector.add(resampler.flush()), detector.flush()]
    return np.concatenate(heard)


def phrases(voice: NDArray[np.float32], spans: Sequence[Span]) -> list[list[Span]]:
    """For every talk its true phrases: where the voice alone is speech, pauses of 0.5 s and more left out."""
    speaks = runs(speech_probability(voice) >= 0.5)
    speech = merge([Span(*frame_edges(a, b, RATE)[[0, -1]].tolist()) for a, b in speaks], gap=round(GAP_S * RATE))
    inside = ([phrase.clip(span.start, span.stop) for phrase in speech] for span in spans)
    return [[part for part in parts if part is not None and part.length >= LEAST_S * RATE] for parts in inside]


def mixture(
    speech: NDArray[np.float32], bed: NDArray[np.float32], level_lu: float, chance: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32], list[Span]]:
    """True voice and true bed, and the talks."""
    voice, spans = talks(speech, chance)
    at = int(chance.integers(len(bed)))
    under = np.take(bed, np.arange(at, at + len(voice)), mode="wrap")
    under = under * np.float32(10 ** ((LEVEL_LUFS - level_lu - mean_lufs(lufs(under))) / 20))
    room = np.float32(3e-5) * chance.standard_normal(len(voice)).astype(np.float32)
    return voice, under + room, spans
