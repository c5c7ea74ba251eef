"""Room tone that changes with the shot: one tone per ambience, and at a picture cut a short cross-fade between two.

All tones are made from the same random phases (see `ToneSynth`), so a linear cross-fade of two of them is a tone whose
spectrum moves from one to the other: its level neither dips nor rises on the way, as it would with unrelated noise.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples, Span
from mediaclean.roomtone.model import ToneModel

CUT_FADE_S = 0.04
"""A frame of 25 per second, centred at the cut: the ear hears a cut together with the eye, and no click."""


@dataclass(frozen=True)
class ShotTone:
    """A stretch between picture cuts, and where its tone is learned; no `sources`: as for the whole track."""

    span: Span
    sources: tuple[Span, ...] = ()


class Tone(Protocol):
    """An endless tone: a function of the position."""

    @property
    def model(self) -> ToneModel: ...

    @property
    def channels(self) -> int: ...

    def read(self, start: int, length: int) -> Samples:
        """The samples ``start <= t < start + length``, (channels, length)."""


class ShotSynth:
    """One tone in each of some spans, another one elsewhere.

    Args:
        elsewhere: the tone outside all spans.
        shots: disjoint spans in order of time, each with its tone; made from the same seed as `elsewhere`.
    """

    def __init__(self, elsewhere: Tone, shots: Sequence[tuple[Span, Tone]]) -> None:
        self._elsewhere = elsewhere
        self._half = round(CUT_FADE_S * elsewhere.model.rate / 2)
        self._edges: list[int] = []
        self._tones: list[Tone] = [elsewhere]  # one more than edges: before, between and after them
        for span, tone in shots:
            self._change(span.start, tone)
            self._change(span.stop, elsewhere)

    @property
    def model(self) -> ToneModel:
        """Of the tone outside all spans."""
        return self._elsewhere.model

    @property
    def channels(self) -> int:
        return self._elsewhere.channels

    def read(self, start: int, length: int) -> Samples:
        """The samples ``start <= t < start + length`` of the tone, (channels, length)."""
        first = bisect_right(self._edges, start - self._half)
        last = bisect_right(self._edges, start + length - 1 + self._half)
        if first == last:
            return self._tones[first].read(start, length)
        out = np.zeros((self.channels, length), dtype=np.float32)
        for index in range(first, last + 1):
            weight = self._rise(index - 1, start, length) - self._rise(index, start, length)
            wanted = np.flatnonzero(weight)
            if wanted.size:
                head, stop = int(wanted[0]), int(wanted[-1]) + 1
                out[:, head:stop] += self._tones[index].read(start + head, stop - head) * weight[head:stop]
        return out

    def _rise(self, edge: int, start: int, length: int) -> NDArray[np.float32]:
        """From 0 to 1 around an edge, by its number; before the first one all is 1, behind the last one 0."""
        if edge < 0:
            return np.ones(length, dtype=np.float32)
        if edge >= len(self._edges):
            return np.zeros(length, dtype=np.float32)
        at = np.arange(start, start + length, dtype=np.float64) - self._edges[edge]
        return np.asarray(np.clip((at + 0.5) / (2 * self._half) + 0.5, 0.0, 1.0), dtype=np.float32)

    def _change(self, at: int, tone: Tone) -> None:
        """From `at` on it is `tone`; a span without length, or two that touch with one tone, make no edge."""
        if self._edges and self._edges[-1] == at:
            self._edges.pop()
            self._tones.pop()
        if self._tones[-1] is not tone:
            self._edges.append(at)
            self._tones.append(tone)
