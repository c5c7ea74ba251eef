"""Mending in a stream: each span is given with its surroundings, and all other samples pass untouched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from mediaclean.audio import Samples, Span

Mend = Callable[[int, Samples, slice], Samples]
"""Gets the number of a span, the sound around it (channels, n) and where in that sound the span lies; gives the span's
new samples."""


def patched(chunks: Iterable[Samples], spans: Sequence[Span], margin: int, mend: Mend) -> Iterator[Samples]:
    """The same sound with every span replaced by what `mend` makes of it.

    A span is mended when the sound up to `margin` behind it is there, and sees the spans before it as they were mended,
    so that the result does not depend on the sizes of the chunks. Held: a span, its margins and a chunk.

    Args:
        chunks: the track from its first sample on, (channels, n) each.
        spans: sorted and disjoint.
        margin: samples of surroundings on either side, fewer at the ends of the track.
        mend: must not change the sound that it gets.
    """
    flow = iter(chunks)
    held: Samples | None = None
    base = number = 0
    for chunk in flow:
        held = chunk if held is None else np.concatenate([held, chunk], axis=1)
        stop = base + held.shape[1]
        first = number
        while number < len(spans) and spans[number].stop + margin <= stop:
            number += 1
        held = _mended(held, base, range(first, number), spans, margin, mend)
        ready = stop if number == len(spans) else min(max(spans[number].start - margin, base), stop)
        if ready > base:
            yield held[:, : ready - base]
        held, base = held[:, ready - base :], ready
        if number == len(spans) and not held.shape[1]:
            yield from flow
            return
    if held is not None and held.shape[1]:
        yield _mended(held, base, range(number, len(spans)), spans, margin, mend)


def _mended(held: Samples, base: int, due: Iterable[int], spans: Sequence[Span], margin: int, mend: Mend) -> Samples:
    out = held
    for number in due:
        inside = spans[number].clip(base, base + held.shape[1])
        if inside is None:
            continue
        if out is held:
            out = held.copy()
        low, high = max(inside.start - margin, base), min(inside.stop + margin, base + held.shape[1])
        around = out[:, low - base : high - base]
        here = slice(inside.start - low, inside.stop - low)
        out[:, inside.start - base : inside.stop - base] = mend(number, around, here)
    return out
