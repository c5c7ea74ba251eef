"""The exact sample clock: decoded chunks with timestamps in, consecutive samples from 0 out.

Timestamps of real files jitter: Matroska rounds to milliseconds, browsers stamp by the wall clock. So a small
difference is believed only if it lasts: a jump counts when `_WITNESSES` frames agree on it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mediaclean.audio import Samples
from mediaclean.media.records import Fault

# A single lost packet of AAC (21 ms), Opus (20 ms) or MP3 (24 ms) is longer than this; jitter is shorter.
_TOLERANCE_S = 0.008
_WITNESSES = 4
# A jump back by more is a new clock (joined recordings), not an overlap; its sound is kept.
_OVERLAP_S = 10.0
# A jump ahead past the promised end by more, or by more than this in a file that promises nothing, is not believed.
_BEYOND_S = 60.0
_BELIEVED_S = 3600.0


@dataclass
class _Held:
    want: int | None
    chunk: Samples


class Clock:
    """Places chunks by their timestamps: silence into gaps, overlaps cut off, each reported once.

    `tick` is the resolution of the timestamps in whole samples, 0 where it is a sample or finer.
    """

    def __init__(self, rate: int, length: int | None, report: Callable[[Fault], None], *, tick: int = 0) -> None:
        self._rate = rate
        self._length = length
        self._report = report
        self._held: deque[_Held] = deque()
        self._held_samples = 0
        self._shift = 0
        self._tick = tick
        self._tolerance = round(_TOLERANCE_S * rate)
        self._damage = ""
        self.position = 0

    def note_damage(self, detail: str) -> None:
        """Packets did not decode here; what they leave open is damage, not a gap."""
        self._damage = self._damage or detail

    def fits(self, want: int | None, count: int) -> bool:
        """Whether the next `count` samples simply follow; if so they count as placed."""
        if self._held:
            return False
        if want is not None:
            drift = want + self._shift - self.position
            if drift > self._tolerance or -drift > self._tolerance:
                return False
        self.position += count
        return True

    def place(self, want: int | None, chunk: Samples) -> Iterator[Samples]:
        """Put in a chunk that its timestamp wants at sample `want` (None: right behind the last)."""
        drift = 0 if want is None else want + self._shift - self.position - self._held_samples
        if -self._tolerance <= drift <= self._tolerance:
            while self._held:
                yield self._emit(self._pop().chunk)
            yield self._emit(chunk)
            return
        self._held.append(_Held(want, chunk))
        self._held_samples += chunk.shape[1]
        if len(self._held) >= _WITNESSES:
            yield from self._resolve()

    def finish(self) -> Iterator[Samples]:
        """The chunks still held, and the last report."""
        while self._held:
            yield from self._resolve()
        if self._damage:
            self._fault("damage", 0)

    def _resolve(self) -> Iterator[Samples]:
        """Decide about the oldest held chunk: believe the smallest jump on which all held chunks agree."""
        drifts, offset = [], self.position
        for held in self._held:
            if held.want is not None:
                drifts.append(held.want + self._shift - offset)
            offset += held.chunk.shape[1]
        agreed = min(drifts, key=abs)
        if min(drifts) < 0 < max(drifts) or abs(agreed) <= self._tolerance:
            agreed = 0
        chunk = self._pop().chunk
        agreed = self._snapped(agreed, chunk.shape[1])
        if agreed > 0:
            yield from self._gap(agreed)
        elif agreed < 0:
            chunk = self._overlap(chunk, -agreed)
        if chunk.shape[1]:
            yield self._emit(chunk)

    def _snapped(self, samples: int, frame: int) -> int:
        """Lost packets leave whole frames: where the timestamps are coarser than samples, that is more exact."""
        whole = round(samples / frame) * frame if frame else 0
        return whole if whole and abs(whole - samples) <= self._tick else samples

    def _gap(self, samples: int) -> Iterator[Samples]:
        promised = None if self._length is None else self._length + _BEYOND_S * self._rate - self.position
        if samples > (_BELIEVED_S * self._rate if promised is None else max(promised, 0)):
            self._distrust(samples)
            return
        self._fault("gap", samples)
        left, channels = samples, self._held_channels
        while left:
            step = min(left, self._rate)
            left -= step
            yield self._emit(np.zeros((channels, step), dtype=np.float32))

    def _overlap(self, chunk: Samples, samples: int) -> Samples:
        if samples > _OVERLAP_S * self._rate:
            self._distrust(-samples)
            return chunk
        cut = min(samples, chunk.shape[1])
        self._fault("overlap", cut)
        return chunk[:, cut:]

    def _distrust(self, samples: int) -> None:
        self._shift -= samples
        direction = "ahead" if samples > 0 else "back"
        detail = f"timestamps jump {direction} by {abs(samples) / self._rate:.1f} s; the sound is kept together"
        self._report(Fault("gap" if samples > 0 else "overlap", self.position / self._rate, 0.0, detail))

    def _fault(self, kind: Literal["gap", "overlap", "damage"], samples: int) -> None:
        at_s, length_s = self.position / self._rate, samples / self._rate
        if kind == "gap" and self._damage:
            kind = "damage"
        detail = {
            "gap": "timestamps jump ahead; filled with silence",
            "overlap": "timestamps jump back; the repeated sound is dropped",
            "damage": self._damage,
        }[kind]
        if kind == "damage":
            self._damage = ""
        self._report(Fault(kind, at_s, length_s, detail))

    def _pop(self) -> _Held:
        held = self._held.popleft()
        self._held_samples -= held.chunk.shape[1]
        self._held_channels = held.chunk.shape[0]
        return held

    def _emit(self, chunk: Samples) -> Samples:
        self.position += chunk.shape[1]
        return chunk
