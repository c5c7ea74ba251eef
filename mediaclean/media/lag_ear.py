"""The lag of a cleaned track against its source, heard while other passes play the two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediaclean.ahead import ahead
from mediaclean.audio import Gather, Samples
from mediaclean.media.decode import decode
from mediaclean.media.lag import Lag, is_heard_in, measure_lag
from mediaclean.media.receipt import Stranger, TrackLag
from mediaclean.media.records import AudioTrack, Media

_WINDOW_S = 4.0
_REACH_S = 0.25
_LANDMARKS = 12
"""Windows kept of a source: the loudest of each twelfth, 9 MB at 48 kHz. Four to each third, because the loudest may be
of music alone, of which a result may have nothing left."""
_LOUD = 1e-5
"""Mean square (-50 dBFS) from which on a window of the source has something that must be heard in the result."""
_NOTHING = 1e-10
"""Mean square (-100 dBFS) under which there is no sound: what codecs leave of silence."""
_LEAST_S = 1.0  # of a window by which another sound can be told


@dataclass(frozen=True, eq=False)
class Window:
    """Four seconds of a track: which ones, counted from 0, the sum of its channels, and that sum's variance.

    A constant is nothing that could be heard, or recognised.
    """

    number: int
    mono: NDArray[np.float32]
    power: float


class _Cutter:
    """A stream of chunks into windows."""

    def __init__(self, rate: int) -> None:
        self._gather = Gather(round(_WINDOW_S * rate))
        self._number = 0

    def push(self, chunk: Samples) -> Iterator[Window]:
        """The windows that the next chunk completes."""
        return map(self._window, self._gather.add(np.add.reduce(chunk, axis=0)))

    def finish(self) -> Iterator[Window]:
        """The last, shorter window, if anything is left."""
        rest = self._gather.rest()
        if len(rest):
            yield self._window(rest)

    def _window(self, mono: NDArray[np.float32]) -> Window:
        self._number += 1
        return Window(self._number - 1, mono.copy(), float(np.var(mono, dtype=np.float64)))


def _cut(chunks: Iterable[Samples], rate: int) -> Iterator[Window]:
    cutter = _Cutter(rate)
    for chunk in chunks:
        yield from cutter.push(chunk)
    yield from cutter.finish()


class Landmarks:
    """Windows of a source by which a result is recognised, kept while something else hears the source."""

    def __init__(self) -> None:
        self._best: dict[int, Window] = {}
        self._last: Window | None = None

    def through(self, chunks: Iterable[Samples], track: AudioTrack, media: Media) -> Iterator[Samples]:
        """Pass the whole sound of a track on, and keep the loudest window of each twelfth, and the last."""
        cutter, length = _Cutter(track.rate), _length(track, media)
        for chunk in chunks:
            yield chunk
            for window in cutter.push(chunk):
                self._keep(window, track.rate, length)
        for window in cutter.finish():
            self._keep(window, track.rate, length)

    def _keep(self, window: Window, rate: int, length: int) -> None:
        part = _part(window, rate, length, _LANDMARKS)
        if part not in self._best or window.power > self._best[part].power:
            self._best[part] = window
        self._last = window

    def windows(self) -> list[Window]:
        """What was kept, in order; nothing where nobody listened. The last one tells where the track ends."""
        kept = {window.number: window for window in (*self._best.values(), self._last) if window is not None}
        return sorted(kept.values(), key=lambda window: window.number)


class LagEar:
    """Hears a new track beside its source: the lag in one window of each third, where the quieter of both is loudest.

    Args:
        windows: of the source, in order; some or all, the last one among them.
        ours: the source.
        track: the cleaned one of its tracks.
        made: the new track in the result.
    """

    def __init__(self, windows: Iterable[Window], ours: Media, track: AudioTrack, made: AudioTrack) -> None:
        self._windows, self._track, self._made = windows, track, made
        self._length = _length(track, ours)
        self._best: dict[int, tuple[tuple[float, float], Window, Window]] = {}
        self._end_s, self._made_s = 0.0, 0.0

    def through(self, chunks: Iterable[Samples]) -> Iterator[Samples]:
        """Pass the new track's sound on, from its first sample to its last, and compare it on the way."""
        cutter, source, count = _Cutter(self._made.rate), self._passing(), 0
        mine = next(source, None)
        for chunk in chunks:
            yield chunk
            count += chunk.shape[1]
            for window in cutter.push(chunk):
                mine = self._compare(mine, source, window)
        for window in cutter.finish():
            mine = self._compare(mine, source, window)
        for _ in source:
            pass  # the result ended before
        self._made_s = count / self._made.rate

    def _passing(self) -> Iterator[Window]:
        """The source's windows, and with them where the source ends."""
        for window in self._windows:
            self._end_s = window.number * _WINDOW_S + len(window.mono) / self._track.rate
            yield window

    def _compare(self, mine: Window | None, source: Iterator[Window], other: Window) -> Window | None:
        """Compare with the source's window of the same place, if there is one; its next one."""
        while mine is not None and mine.number < other.number:
            mine = next(source, None)
        if mine is not None and mine.number == other.number:
            third, common = _part(mine, self._track.rate, self._length, 3), min(mine.power, other.power)
            power = (common if common > _NOTHING else 0.0, mine.power)
            if third not in self._best or power > self._best[third][0]:
                self._best[third] = (power, mine, other)
        return mine

    def result(self) -> TrackLag | None:
        """The lags at start, middle and end; None if there was nothing to compare with."""
        if not self._best:
            return None
        lags = []
        for third, where in enumerate(("start", "middle", "end")):
            _, mine, other = self._best.get(third) or self._best[max(self._best)]
            samples, correlation = measure_lag(mine.mono[None], self._on_grid(mine, other), reach=self._reach)
            lags.append(Lag(where, mine.number * _WINDOW_S, samples, round(correlation, 4)))
        known = any(lag.samples is not None for lag in lags)
        return TrackLag(
            self._track.number,
            tuple(lags),
            0 if self._made.bits_per_sample is not None else 1,
            (round(self._end_s, 3), round(self._made_s, 3)),
            None if known else self._stranger(),
        )

    def _stranger(self) -> Stranger | None:
        """What sounds instead of the source: silence, or a sound in which no window of the source is heard.

        None where the source is heard, or is too quiet everywhere for its absence to mean anything. That nothing is
        left in one window proves nothing: of music alone a result may have none.
        """
        loud = [pair for pair in self._best.values() if pair[1].power > _LOUD]
        loud = [pair for pair in loud if min(len(pair[1].mono), len(pair[2].mono)) >= _LEAST_S * self._track.rate]
        if not loud or any(self._is_heard(mine, other) for _, mine, other in loud):
            return None
        _, mine, other = max(loud, key=lambda pair: pair[0])
        return Stranger(mine.number * _WINDOW_S, "silence" if other.power <= _NOTHING else "another sound")

    def _is_heard(self, mine: Window, other: Window) -> bool:
        return other.power > _NOTHING and is_heard_in(mine.mono[None], self._on_grid(mine, other), reach=self._reach)

    def _on_grid(self, mine: Window, other: Window) -> Samples:
        """The result's window at the source's rate, of shape (1, n)."""
        rate, made = self._track.rate, self._made.rate
        return (other.mono if made == rate else _at_rate(other.mono, made, mine, rate))[None]

    @property
    def _reach(self) -> int:
        return round(_REACH_S * self._track.rate)


def lag_of(ours: Media, theirs: Media, track: AudioTrack, made: AudioTrack) -> TrackLag:
    """The lag from passes of its own: by the source's landmarks, or by all of it where none of them is recognised."""
    landmarks = Landmarks()
    for _ in landmarks.through(ahead(decode(ours, track)), track, ours):
        pass
    found = _lag_by(landmarks.windows(), ours, theirs, track, made)
    if found.known:
        return found
    with closing(ahead(decode(ours, track))) as source:
        return _lag_by(_cut(source, track.rate), ours, theirs, track, made)


def _lag_by(windows: Iterable[Window], ours: Media, theirs: Media, track: AudioTrack, made: AudioTrack) -> TrackLag:
    ear = LagEar(windows, ours, track, made)
    for _ in ear.through(ahead(decode(theirs, made))):
        pass
    nothing = tuple(Lag(where, 0.0, None, 0.0) for where in ("start", "middle", "end"))
    return ear.result() or TrackLag(track.number, nothing, 0)


def _length(track: AudioTrack, media: Media) -> int:
    return max(1, track.length or round((media.duration_s or 0.0) * track.rate))


def _part(window: Window, rate: int, length: int, parts: int) -> int:
    """In which of so many equal parts of the track a window begins."""
    return min(parts - 1, int(parts * window.number * _WINDOW_S * rate / length))


def _at_rate(mono: NDArray[np.float32], rate: int, like: Window, wanted: int) -> NDArray[np.float32]:
    """The sound on the grid of another window, good enough to be recognised by."""
    places = np.arange(len(like.mono)) * (rate / wanted)
    moved: NDArray[np.float32] = np.interp(places, np.arange(mono.size), mono).astype(np.float32)
    return moved
