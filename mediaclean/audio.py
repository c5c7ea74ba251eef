"""Samples, spans, blocks and decibels: the vocabulary of every other module.

Audio is float32 of shape (channels, n), full scale ±1.0. Time is an integer count of samples since the
audio track's own start; the track's start on the media clock is added back only when the file is written.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Samples: TypeAlias = NDArray[np.float32]
"""Audio of shape (channels, n), full scale ±1.0."""

FLOOR_DB = -120.0
"""What the level functions answer for silence, so that no minus infinity travels."""


@dataclass(frozen=True, order=True)
class Span:
    """A half-open stretch of samples, ``start <= t < stop``.

    >>> Span(10, 30).length, Span(10, 30).overlaps(Span(29, 40)), Span(10, 30).overlaps(Span(30, 40))
    (20, True, False)
    """

    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.stop:
            raise ValueError(f"a span runs forward from 0, not from {self.start} to {self.stop}")

    @property
    def length(self) -> int:
        return self.stop - self.start

    def overlaps(self, other: Span) -> bool:
        return self.start < other.stop and other.start < self.stop

    def clip(self, start: int, stop: int) -> Span | None:
        """The part inside ``start <= t < stop``, or None where nothing is left."""
        low, high = max(self.start, start), min(self.stop, stop)
        return Span(low, high) if low < high else None


@dataclass(frozen=True)
class Block:
    """A stretch of sound and the voice in it; the bed is all the rest.

    Both arrays have the shape (channels, n). Consecutive blocks of a stream touch: the next one's ``start``
    is this one's ``stop``. The mix is carried rather than summed up again, so that a bed left at its level
    gives the input back bit by bit.
    """

    start: int
    mix: Samples
    voice: Samples

    @property
    def stop(self) -> int:
        return self.start + int(self.mix.shape[1])

    @property
    def bed(self) -> Samples:
        return self.mix - self.voice


def merge(spans: Iterable[Span], gap: int = 0) -> list[Span]:
    """Sorted spans, joined where they overlap or lie at most `gap` samples apart.

    >>> merge([Span(50, 60), Span(0, 10), Span(12, 20)], gap=2)
    [Span(start=0, stop=20), Span(start=50, stop=60)]
    """
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].stop + gap:
            merged[-1] = Span(merged[-1].start, max(merged[-1].stop, span.stop))
        else:
            merged.append(span)
    return merged


def within(spans: Sequence[Span], start: int, stop: int) -> Iterator[tuple[int, Span]]:
    """Index and span of those sorted, disjoint spans that overlap ``start <= t < stop``.

    >>> list(within([Span(0, 5), Span(5, 9), Span(20, 30)], 5, 21))
    [(1, Span(start=5, stop=9)), (2, Span(start=20, stop=30))]
    """
    for index in range(bisect_right(spans, start, key=lambda span: span.stop), len(spans)):
        if spans[index].start >= stop:
            return
        yield index, spans[index]


def gaps(spans: Iterable[Span], stop: int) -> list[Span]:
    """What the spans leave free between 0 and `stop`.

    >>> gaps([Span(10, 20)], 25)
    [Span(start=0, stop=10), Span(start=20, stop=25)]
    """
    free, cursor = [], 0
    for span in [*merge(spans), Span(stop, stop)]:
        if cursor < min(span.start, stop):
            free.append(Span(cursor, min(span.start, stop)))
        cursor = max(cursor, span.stop)
    return free


def reblock(chunks: Iterable[Samples], size: int) -> Iterator[Samples]:
    """The same sound in chunks of exactly `size` samples; only the last may be shorter, none is empty."""
    held: list[Samples] = []
    count = 0
    for chunk in chunks:
        while count + chunk.shape[1] >= size:
            head = chunk[:, : size - count]
            yield np.concatenate([*held, head], axis=1) if held else head
            chunk, held, count = chunk[:, size - count :], [], 0
        if chunk.shape[1]:
            held.append(chunk)
            count += chunk.shape[1]
    if held:
        yield np.concatenate(held, axis=1)


class Gather:
    """Collects pieces of mono sound, of any size, into blocks of a fixed one."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._held: list[NDArray[np.float32]] = []
        self._count = 0

    def add(self, piece: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """The blocks that this piece completes, each (size,)."""
        self._held.append(piece)
        self._count += len(piece)
        if self._count < self._size:
            return []
        sound = np.concatenate(self._held)
        whole = self._count - self._count % self._size
        self._held, self._count = [sound[whole:]], self._count - whole
        return np.split(sound[:whole], whole // self._size)

    def rest(self) -> NDArray[np.float32]:
        """What is left, shorter than a block."""
        left = np.concatenate([*self._held, np.zeros(0, np.float32)])
        self._held, self._count = [], 0
        return left


class Picker:
    """Takes the sound of some spans out of a stream that goes by.

    Args:
        spans: in any order; they may overlap.
        channels: of the sound, for spans that hold nothing.
    """

    def __init__(self, spans: Sequence[Span], channels: int) -> None:
        self._spans = spans
        self._parts: list[list[Samples]] = [[np.zeros((channels, 0), dtype=np.float32)] for _ in spans]
        self._last = max((span.stop for span in spans), default=0)
        self._position = 0

    @property
    def complete(self) -> bool:
        """Whether all spans have gone by."""
        return self._position >= self._last

    def through(self, chunks: Iterable[Samples]) -> Iterator[Samples]:
        """The sound from the first sample on, (channels, n) each, passed on."""
        for chunk in chunks:
            self.add(chunk)
            yield chunk

    def add(self, chunk: Samples) -> None:
        """The next sound."""
        at, self._position = self._position, self._position + chunk.shape[1]
        for span, part in zip(self._spans, self._parts, strict=True):
            inside = span.clip(at, self._position)
            if inside is not None:
                part.append(chunk[:, inside.start - at : inside.stop - at])

    def sounds(self) -> list[Samples]:
        """The sound of each span; of one that reaches past the end, what there is."""
        return [np.concatenate(part, axis=1) for part in self._parts]


def pick(chunks: Iterable[Samples], spans: Sequence[Span], channels: int) -> list[Samples]:
    """The sound of each span, in one pass that ends behind the last; see `Picker`."""
    picker = Picker(spans, channels)
    stream = iter(chunks)
    while not picker.complete and (chunk := next(stream, None)) is not None:
        picker.add(chunk)
    return picker.sounds()


FRAME_S = 0.032
"""The step of the analysis: 512 samples at 16 kHz, which is what the speech detector takes."""


def frame_count(length: int, rate: int) -> int:
    """How many analysis frames cover `length` samples; the last one may reach past the end."""
    return _frame_of(length - 1, rate) + 1


def frame_edges(first: int, stop: int, rate: int) -> NDArray[np.int64]:
    """The first sample of the frames `first` to `stop` (inclusive, so the ends come along).

    Frame i starts at round(0.032 * i * rate), in integers so that no rounding drifts over hours.

    >>> frame_edges(0, 3, 44100).tolist()
    [0, 1411, 2822, 4234]
    """
    index = np.arange(first, stop + 1, dtype=np.int64)
    return (index * rate * 8 + 125) // 250


def frames_of(span: Span, rate: int) -> slice:
    """The analysis frames that a span touches; for an empty span, the one that it lies in."""
    first = _frame_of(span.start, rate)
    return slice(first, max(frame_count(span.stop, rate), first + 1))


def _frame_of(position: int, rate: int) -> int:
    """The frame that holds a sample: the last one whose edge, as `frame_edges` rounds it, is not behind it."""
    return (position * 250 + 124) // (rate * 8)


def db_to_gain(db: ArrayLike) -> NDArray[np.float64]:
    """Decibels to an amplitude factor: 10^(dB/20)."""
    return np.asarray(10.0 ** (np.asarray(db, dtype=np.float64) / 20.0))


def power_to_db(power: ArrayLike) -> NDArray[np.float64]:
    """Mean square to decibels, `FLOOR_DB` for silence. A full-scale sine (power 0.5) gives -3.01 dB."""
    return np.asarray(10.0 * np.log10(np.maximum(np.asarray(power, dtype=np.float64), 10 ** (FLOOR_DB / 10))))


def rms_dbfs(samples: Samples) -> float:
    """Root-mean-square level over all channels in dB relative to a mean square of 1.0."""
    return float(power_to_db(np.mean(np.square(samples, dtype=np.float64)))) if samples.size else FLOOR_DB


def peak_dbfs(samples: Samples) -> float:
    """Largest absolute sample in dBFS."""
    return float(power_to_db(np.max(np.abs(samples), initial=0.0) ** 2))
