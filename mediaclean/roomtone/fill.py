"""Room tone: keep the floor of the recording where the bed is lowered, and fill what is digitally silent.

The room's own noise is part of the bed, so a bed at gain g carries g² of its power. Adding an independent tone of
amplitude sqrt(1 - g²) brings it back: powers add, and the floor stays where the recording had it, whatever the bed
does. In a hole nothing is left of the room, and the tone stands alone. Where the gain is one and nothing is missing,
the sound passes untouched, bit for bit.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples, Span, db_to_gain, merge
from mediaclean.roomtone.shots import Tone
from mediaclean.roomtone.sources import RoomToneSettings


class HoleFinder:
    """Finds runs of near silence in all channels at once, in one pass, whatever the size of the chunks.

    Digital silence, dropouts and gaps in the timestamps are all such runs.
    """

    def __init__(self, rate: int, settings: RoomToneSettings) -> None:
        self._least = max(1, round(settings.min_hole_s * rate))
        self._floor = np.float32(db_to_gain(settings.hole_dbfs))
        self._position = 0
        self._since: int | None = None
        self._holes: list[Span] = []

    def push(self, chunk: Samples) -> None:
        """Listen to the next samples, (channels, n)."""
        silent = np.max(np.abs(chunk), axis=0, initial=0.0) < self._floor
        edges = np.flatnonzero(np.diff(silent, prepend=self._since is not None))
        for edge in (edges + self._position).tolist():
            if self._since is None:
                self._since = edge
            else:
                self._close(edge)
        self._position += chunk.shape[1]

    def finish(self) -> list[Span]:
        """All holes, after the last chunk."""
        if self._since is not None:
            self._close(self._position)
        return self._holes

    def _close(self, stop: int) -> None:
        if self._since is not None and stop - self._since >= self._least:
            self._holes.append(Span(self._since, stop))
        self._since = None


class ToneFiller:
    """Room tone for a mixdown: under a lowered bed and in holes. A pure function of the position.

    A hole's edge is an equal-power cross-fade that lies outside the hole: the sound before it fades out while the
    tone fades in, so that the floor keeps its level up to the edge and a hard cut makes no click.

    Args:
        synth: the tone.
        holes: where sound is missing, on the clock of the track.
        settings: the cross-fade's length.
    """

    def __init__(self, synth: Tone, holes: Sequence[Span], settings: RoomToneSettings) -> None:
        self._synth = synth
        self._holes = merge(holes)
        self._fade = round(settings.crossfade_s * synth.model.rate)

    def spans(self) -> list[Span]:
        """Where a hole's filling changes samples: the holes with their cross-fades."""
        return [Span(max(0, hole.start - self._fade), hole.stop + self._fade) for hole in self._holes]

    def apply(self, mixdown: Samples, start: int, gain: NDArray[np.floating] | None = None) -> Samples:
        """The mixdown with its tone; the same array where nothing is to be added.

        Args:
            mixdown: voice plus lowered bed, (channels, n).
            start: position of the first sample.
            gain: the bed's linear gain, one per sample, or None for 1 throughout.
        """
        here = self._presence(start, mixdown.shape[1])
        lowered = gain is not None and bool(np.any(np.asarray(gain) < 1.0))
        if here is None and not lowered:
            return mixdown
        kept = np.ones(mixdown.shape[1]) if gain is None else np.minimum(np.square(gain, dtype=np.float64), 1.0)
        if here is not None:
            kept = kept * (1.0 - np.square(here))
            mixdown = mixdown * np.sqrt(1.0 - np.square(here)).astype(np.float32)
        amplitude = np.sqrt(1.0 - kept).astype(np.float32)
        tone = _shaped(amplitude, start, self._synth)
        return np.asarray(np.where(amplitude > 0.0, mixdown + tone, mixdown), dtype=np.float32)

    def _presence(self, start: int, length: int) -> NDArray[np.float64] | None:
        """How much of the room is missing, as an amplitude from 0 to 1 per sample; None where none is."""
        near: NDArray[np.float64] | None = None
        first = bisect_left(self._holes, start - self._fade, key=lambda hole: hole.stop)
        for hole in self._holes[first:]:
            low, high = max(hole.start - self._fade, start), min(hole.stop + self._fade, start + length)
            if hole.start - self._fade >= start + length:
                break
            if low >= high:
                continue
            time = np.arange(low, high, dtype=np.float64)
            outside = np.maximum(np.maximum(hole.start - time, time - (hole.stop - 1)), 0.0)
            value = np.sin(0.5 * np.pi * (1.0 - outside / (self._fade + 1)))
            near = np.zeros(length) if near is None else near
            here = slice(low - start, high - start)
            near[here] = np.maximum(near[here], value)
        return near


def _shaped(amplitude: NDArray[np.float32], start: int, synth: Tone) -> Samples:
    """The tone under an envelope; synthesised only from the first to the last sample that needs it."""
    out = np.zeros((synth.channels, amplitude.shape[0]), dtype=np.float32)
    wanted = np.flatnonzero(amplitude)
    if wanted.size:
        head, tail = int(wanted[0]), int(wanted[-1]) + 1
        out[:, head:tail] = synth.read(start + head, tail - head) * amplitude[head:tail]
    return out
