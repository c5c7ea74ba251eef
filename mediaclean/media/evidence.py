"""What a picture-lock receipt rests on, gathered while other passes read the same files anyway."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType

import numpy as np

from mediaclean.ahead import ahead
from mediaclean.audio import Samples
from mediaclean.media.decode import decode
from mediaclean.media.lag import Lag, measure_lag
from mediaclean.media.packets import StreamPackets, headers_of, packet_hashes
from mediaclean.media.receipt import TrackLag
from mediaclean.media.records import AudioTrack, Media

Packets = dict[int, StreamPackets]

_WINDOW_S = 4.0
_REACH_S = 0.25


@dataclass(frozen=True)
class Evidence:
    """What is known of source and result already; None and missing entries are for `verify` to find out.

    Attributes:
        source, result: their packets.
        lags: of cleaned tracks, by the indices of the source's and the result's stream.
    """

    source: Packets | None = None
    result: Packets | None = None
    lags: Mapping[tuple[int, int], TrackLag] = field(default_factory=dict)


class Hashing:
    """The packets of a file, hashed in a thread while something else is done; leaving the context gives it up.

    Nothing is read before `begin`, which may be called from any thread and as often as one likes: an open container
    holds an index that grows with the length, so a file is not open for longer than it must.

    Args:
        path: the file.
        like: its source, whose codec headers may hold what this file has in its packets.
    """

    def __init__(self, path: Path, like: Path | None = None) -> None:
        self._path, self._like = path, like
        self._unwanted, self._lock, self._begun = Event(), Lock(), False
        self._found: Packets = {}
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, name="hashing", daemon=True)

    def __enter__(self) -> Hashing:
        return self

    def begin(self) -> None:
        """Start to read, if nobody did yet."""
        with self._lock:
            if not self._begun and not self._unwanted.is_set():
                self._begun = True
                self._thread.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._lock:
            self._unwanted.set()
        if self._begun:
            self._thread.join()

    def result(self) -> Packets:
        """Wait for them. What `packet_hashes` raises is raised here."""
        self.begin()
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._found

    def _run(self) -> None:
        try:
            header = b"" if self._like is None else headers_of(self._like)
            self._found = packet_hashes(self._path, header=header, unwanted=self._unwanted)
        except BaseException as error:
            self._error = error


class LagEar:
    """Hears a new track beside its source: the lag in the loudest stretch of each third.

    Args:
        ours: the source.
        track: the cleaned one of its tracks.
        made: the new track in the result.
    """

    def __init__(self, ours: Media, track: AudioTrack, made: AudioTrack) -> None:
        self._ours, self._track, self._made = ours, track, made
        self._step = round(_WINDOW_S * track.rate)
        self._length = max(1, track.length or round((ours.duration_s or 0.0) * track.rate))
        self._best: dict[int, tuple[float, int, Samples, Samples]] = {}

    def through(self, chunks: Iterable[Samples]) -> Iterator[Samples]:
        """Pass the new track's sound on, from its first sample to its last, and compare it on the way."""
        held: list[Samples] = []
        count, window = 0, round(_WINDOW_S * self._made.rate)
        with closing(ahead(decode(self._ours, self._track, block=self._step), 1)) as source:
            mine = enumerate(source)
            for chunk in chunks:
                yield chunk
                held.append(chunk)
                count += chunk.shape[1]
                if count >= window:
                    joined, rest = np.concatenate(held, axis=1), count % window
                    for start in range(0, count - rest, window):
                        self._compare(next(mine, None), joined[:, start : start + window])
                    held, count = [joined[:, joined.shape[1] - rest :]], rest
            if count:
                self._compare(next(mine, None), np.concatenate(held, axis=1))

    def _compare(self, source: tuple[int, Samples] | None, other: Samples) -> None:
        if source is None:
            return
        number, mine = source
        third = min(2, 3 * number * self._step // self._length)
        power = min(_power(mine), _power(other))
        if third not in self._best or power > self._best[third][0]:
            self._best[third] = (power, number * self._step, mine, other)

    def result(self) -> TrackLag:
        """The lags at start, middle and end."""
        rate, lags = self._track.rate, []
        for third, where in enumerate(("start", "middle", "end")):
            _, at, mine, other = self._best.get(third) or self._best[max(self._best)]
            if self._made.rate != rate:
                other = _at_rate(other, self._made.rate, rate, mine.shape[1])
            samples, correlation = measure_lag(mine, other, reach=round(_REACH_S * rate))
            lags.append(Lag(where, at / rate, samples, round(correlation, 4)))
        return TrackLag(self._track.number, tuple(lags), 0 if self._made.bits_per_sample is not None else 1)


def lag_of(ours: Media, theirs: Media, track: AudioTrack, made: AudioTrack) -> TrackLag:
    """The same from a pass of its own."""
    ear = LagEar(ours, track, made)
    for _ in ear.through(ahead(decode(theirs, made))):
        pass
    return ear.result()


def _power(samples: Samples) -> float:
    """The mean square, exact enough to compare by."""
    return float(np.einsum("cn,cn->", samples, samples)) / max(1, samples.size)


def _at_rate(samples: Samples, rate: int, wanted: int, count: int) -> Samples:
    """The mono sum on another grid, good enough to be recognised by."""
    mono = np.sum(samples, axis=0, dtype=np.float64)
    places = np.arange(count) * (rate / wanted)
    moved: Samples = np.interp(places, np.arange(mono.size), mono)[None].astype(np.float32)
    return moved
