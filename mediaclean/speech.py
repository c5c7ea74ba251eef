"""From speech probabilities to phrases: hysteresis, merge, minimum length, pad. Four small pure functions.

A clipped onset is heard at once and costs the word; a pad that is too long costs nothing but a little work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Span, frame_edges, frames_of, merge
from mediaclean.settings import Settings, setting


@dataclass(frozen=True)
class SpeechSettings(Settings):
    """Where speech is."""

    detector: Literal["silero", "webrtc"] = setting(
        "silero", "", "silero hears speech through music; webrtc is for clean recordings only"
    )
    on: float = setting(0.35, "probability", "speech begins at this probability", low=0.01, high=0.99)
    off: float = setting(0.15, "probability", "speech ends below this probability", low=0.0, high=0.99)
    minimum_s: float = setting(0.25, "s", "shorter bursts are dropped", low=0.0, high=5.0)
    gap_s: float = setting(0.35, "s", "shorter pauses are part of the phrase", low=0.0, high=5.0)
    pad_before_s: float = setting(0.3, "s", "kept before the first word", low=0.0, high=2.0)
    pad_after_s: float = setting(0.25, "s", "kept after the last word", low=0.0, high=2.0)


def hysteresis(probability: NDArray[np.float32], on: float, off: float) -> NDArray[np.bool_]:
    """Frames that are speech: from a frame at or above `on` until one below `off`.

    A frame between the two thresholds keeps the state of the last frame that was not.
    """
    decided = np.where(probability >= on, 1, np.where(probability < min(on, off), 0, -1)).astype(np.int8)
    last = np.maximum.accumulate(np.where(decided >= 0, np.arange(len(decided)), -1))
    return np.asarray((last >= 0) & (decided[np.maximum(last, 0)] == 1))


def runs(active: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Half-open index ranges in which `active` holds.

    >>> runs(np.array([False, True, True, False, True]))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], active.astype(np.int8), [0]])))
    return [(int(start), int(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def phrases(probability: NDArray[np.float32], settings: SpeechSettings, rate: int, length: int) -> list[Span]:
    """Speech as sorted, disjoint spans of samples, pads included.

    Args:
        probability: of speech, one value per 32 ms frame, shape (frames,).
        rate: samples per second of the clock that the spans are counted in.
        length: of the track in samples; no span reaches past it.
    """
    active = hysteresis(probability, settings.on, settings.off)
    edges = frame_edges(0, len(probability), rate)
    found = [Span(int(edges[a]), int(edges[b])) for a, b in runs(active)]
    joined = merge(found, gap=round(settings.gap_s * rate))
    kept = [span for span in joined if span.length >= settings.minimum_s * rate]
    before, after = round(settings.pad_before_s * rate), round(settings.pad_after_s * rate)
    padded = [Span(max(0, span.start - before), min(length, span.stop + after)) for span in kept if span.start < length]
    return merge(padded)


def confidence(probability: NDArray[np.float32], span: Span, rate: int) -> float:
    """How sure the detector is of a phrase: the upper quartile of its frames' probabilities, 0 to 1."""
    inside = probability[frames_of(span, rate)]
    return float(np.quantile(inside, 0.75)) if inside.size else 0.0
