"""The voice of every cut, by any network: windows, overlap-add, resampling and channels.

A separator takes windows of sound at its own rate and gives the voice in them. This module owns the rest: windows
lie on a grid that is tied to each cut, so that the result does not depend on how the sound was decoded; they reach
into the real sound around the cut; they are gathered into batches across cuts; and their voices are joined with
triangular weights divided by the sum of weights (weighted overlap-add).

Batches are a partition of all windows by number. A resumed run makes the same batches and leaves out those whose
cuts are all done, so it gives the same samples as a run that was never stopped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples, Span
from mediaclean.errors import BackendError, MediaError
from mediaclean.progress import Progress, Watch, ignore
from mediaclean.resample import context, ratio, resample
from mediaclean.windows import Grid, Place, blocks, lay, triangle

SILENCE_S = 0.01
"""Exact zeros in every channel for at least this long are digital silence, and their voice is silence too."""


class Separator(Protocol):
    """A network that finds the voice in windows of sound."""

    @property
    def identity(self) -> str:
        """Engine, weights and version: equal identities give interchangeable voices."""

    @property
    def weights(self) -> tuple[str, ...]:
        """SHA-256 of the files with its weights, in full."""

    @property
    def device(self) -> str:
        """Where it runs now: cpu, cuda or mps."""

    @property
    def rate(self) -> int:
        """The sample rate of its windows in Hz."""

    @property
    def window(self) -> int:
        """The longest window in samples at `rate`."""

    @property
    def hop(self) -> int:
        """From one window to the next, in samples at `rate`; the rest of the window overlaps."""

    @property
    def step(self) -> int:
        """A window may be any multiple of this up to `window`; equal to `window` where its length is fixed."""

    @property
    def batch(self) -> int:
        """How many windows to hand over at once."""

    def separate(self, windows: Sequence[Samples]) -> Sequence[Samples]:
        """The voice in each window (channels, n) at `rate`, in the same shape.

        All have the same count of channels, which is any from 1; their lengths may differ.
        """


def separate_cuts(
    chunks: Iterable[Samples],
    cuts: Sequence[Span],
    separator: Separator,
    *,
    rate: int,
    length: int,
    centre: int | None = None,
    done: Collection[int] = (),
    watch: Watch = ignore,
) -> Iterator[tuple[int, Samples]]:
    """Separate the cuts of a track and give each as soon as it is complete, in order.

    Holds the sound of those cuts that the batch in hand touches, and no more.

    Args:
        chunks: the track's sound from its first sample on, (channels, n) each, of any sizes.
        cuts: sorted and disjoint (they may touch), at the track's rate.
        separator: the network; its errors pass through.
        rate: of the track, in Hz.
        length: of the track, in samples.
        centre: the only channel to separate; None separates all of them.
        done: indices of cuts that are not wanted again.
        watch: hears of the stage ``separate``, in seconds of the cuts still wanted.

    Yields:
        The cut's index and its voice (channels, cut.length); with a `centre`, the other channels are 0.

    Raises:
        MediaError: if the sound ends before `length`.
        BackendError: if the separator gives what cannot be a voice.
    """
    edges = [edge for cut in cuts for edge in (cut.start, cut.stop)]
    if edges != sorted(edges) or any(cut.length == 0 or cut.stop > length for cut in cuts):
        raise ValueError("the cuts are empty, overlap, are not sorted or leave the track")
    grids = [lay(cut, separator, rate=rate, length=length) for cut in cuts]
    wanted = set(range(len(cuts))).difference(done)
    work = [block for block in blocks(grids, separator.batch) if any(cut in wanted for cut, _ in block)]
    starts = [grid.start - context(rate, separator.rate) for grid in grids]
    tally = _Tally(grids, wanted, rate, watch)
    track = _Track(chunks, rate, length, centre)
    opened: dict[int, _Opened] = {}
    for number, block in enumerate(work):
        for cut in sorted({cut for cut, _ in block} - opened.keys()):
            track.forget(min(starts[cut:]))
            opened[cut] = _Opened(grids[cut], track, separator.rate)
        voices = _voices(separator, [opened[cut].mix(index) for cut, index in block])
        for (cut, index), voice in zip(block, voices, strict=True):
            opened[cut].add(index, voice)
        tally.add(block)
        following = work[number + 1][0][0] if number + 1 < len(work) else len(cuts)
        for cut in [cut for cut in opened if cut < following]:
            complete = opened.pop(cut)
            if cut in wanted:
                yield cut, complete.voice()


def _voices(separator: Separator, windows: Sequence[Samples]) -> Sequence[Samples]:
    voices = separator.separate(windows)
    for voice, window in zip(voices, windows, strict=True):
        if voice.shape != window.shape:
            shapes = f"the shape {voice.shape} for {window.shape}"
            raise BackendError(f"{separator.identity} gave {shapes}", "mediaclean doctor")
        if not np.isfinite(voice).all():
            raise BackendError(f"{separator.identity} gave values that are not numbers", "mediaclean doctor")
    return voices


class _Track:
    """The decoded sound, read forwards; only what is still needed is held."""

    def __init__(self, chunks: Iterable[Samples], rate: int, length: int, centre: int | None) -> None:
        self._chunks = iter(chunks)
        self._held: list[tuple[int, Samples]] = []
        self._position = self._needed = 0
        self.rate, self.length, self.centre = rate, length, centre
        self.channels = 0

    def read(self, start: int, stop: int) -> Samples:
        """What is to be separated in ``start <= t < stop``; silence before 0 and from the track's end on."""
        while self._position < min(stop, self.length):
            self._pull()
        out = np.zeros((self.channels if self.centre is None else 1, stop - start), np.float32)
        for at, chunk in self._held:
            low, high = max(start, at), min(stop, at + chunk.shape[1], self.length)
            if low < high:
                out[:, low - start : high - start] = chunk[:, low - at : high - at]
        return out

    def forget(self, before: int) -> None:
        """Nothing before this sample will be read again."""
        self._needed = before
        self._held = [(at, chunk) for at, chunk in self._held if at + chunk.shape[1] > before]

    def _pull(self) -> None:
        chunk = next(self._chunks, None)
        if chunk is None:
            raise MediaError(
                f"the sound ends at {self._position / self.rate:.2f} s instead of {self.length / self.rate:.2f} s",
                "analyse it again: the file has changed",
            )
        self.channels = chunk.shape[0]
        at, self._position = self._position, self._position + chunk.shape[1]
        if self._position > self._needed:
            # A copy of the one row lets go of the other channels.
            self._held.append((at, chunk if self.centre is None else chunk[self.centre : self.centre + 1].copy()))


class _Opened:
    """A cut at work: its sound at the separator's rate, and the weighted sum of its voices so far."""

    def __init__(self, grid: Grid, track: _Track, source: int) -> None:
        here, there = ratio(track.rate, source)
        around = context(track.rate, source)
        count = -(-grid.count // there) * here
        sound = track.read(grid.start - around, grid.start + count + around)
        skipped = around // here * there
        self._grid, self._track, self._source = grid, track, source
        self._mix = resample(sound, track.rate, source)[:, skipped : skipped + grid.count]
        self._sum = np.zeros((sound.shape[0], count // here * there), np.float32)
        self._weight = np.zeros(self._sum.shape[1], np.float32)
        self._weight[grid.count :] = 1.0
        self._at = grid.cut.start - grid.start
        silent = _digital_silence(sound, round(SILENCE_S * track.rate))
        self._silent = silent[around + self._at : around + self._at + grid.cut.length]

    def mix(self, index: int) -> Samples:
        """The sound of one window."""
        start, length = self._grid.windows[index]
        return self._mix[:, start : start + length]

    def add(self, index: int, voice: Samples) -> None:
        """Take the voice of one window."""
        start, length = self._grid.windows[index]
        weight = triangle(length)
        self._sum[:, start : start + length] += weight * voice
        self._weight[start : start + length] += weight

    def voice(self) -> Samples:
        """The voice of the cut at the track's rate, in all channels of the track."""
        track = self._track
        joined = resample(self._sum / self._weight, self._source, track.rate)
        voice = joined[:, self._at : self._at + self._grid.cut.length]
        voice = np.where(self._silent, np.float32(0.0), voice)
        if track.centre is None:
            return voice
        out = np.zeros((track.channels, voice.shape[1]), np.float32)
        out[track.centre] = voice[0]
        return out


class _Tally:
    """Tells the watch how many seconds of the wanted cuts are through the network."""

    def __init__(self, grids: Sequence[Grid], wanted: Collection[int], rate: int, watch: Watch) -> None:
        self._share_s = {cut: grids[cut].cut.length / rate / len(grids[cut].windows) for cut in wanted}
        self._total_s = sum(grids[cut].cut.length for cut in wanted) / rate
        self._done_s = 0.0
        self._watch = watch
        self.add(())

    def add(self, part: Sequence[Place]) -> None:
        self._done_s += sum(self._share_s.get(cut, 0.0) for cut, _ in part)
        self._watch(Progress("separate", min(self._done_s, self._total_s), self._total_s))


def _digital_silence(sound: Samples, shortest: int) -> NDArray[np.bool_]:
    """Where all channels are exactly 0 for at least `shortest` samples, (n,)."""
    zero = ~sound.any(axis=0)
    edges = np.flatnonzero(np.diff(zero, prepend=False, append=False))
    silent = np.zeros_like(zero)
    for start, stop in edges.reshape(-1, 2):
        silent[start:stop] = stop - start >= shortest
    return silent
