"""The picture-lock receipt as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mediaclean.media.fields import Field
from mediaclean.media.lag import Lag
from mediaclean.times import clock

PADDING_S = 0.5
"""By how much codecs and containers may make a track longer or shorter: a few frames."""


@dataclass(frozen=True)
class Proof:
    """One source stream and what became of it; the SHA-256 is over its packets in order.

    by: what was compared: the packets' bytes, or their content where containers wrap it differently (H.264 and
    HEVC pictures, AAC frames, the words of subtitles). result is None for streams that are not in the result.
    """

    stream: int
    result: int | None
    kind: str
    codec: str
    packets: int
    sha256_source: str
    sha256_result: str
    by: Literal["bytes", "content", "header", "nothing"]
    ok: bool
    note: str = ""


@dataclass(frozen=True)
class Stranger:
    """What sounds in the result where the source should, in a word, and when."""

    at_s: float
    sounds: str


@dataclass(frozen=True)
class TrackLag:
    """The lags of a cleaned track at start, middle and end; `allowed` is 0 for lossless codecs, 1 for others.

    `lengths_s` are those of the source's sound and of the result's. `stranger` is there where the source, though loud
    enough, is heard nowhere in the result.
    """

    track: int
    lags: tuple[Lag, ...]
    allowed: int
    lengths_s: tuple[float, float] | None = None
    stranger: Stranger | None = None

    @property
    def known(self) -> bool:
        """Whether the source was recognised anywhere."""
        return any(lag.samples is not None for lag in self.lags)

    @property
    def ok(self) -> bool:
        in_step = all(lag.samples is None or abs(lag.samples) <= self.allowed for lag in self.lags)
        return in_step and self.stranger is None

    def fields(self) -> Iterator[Field]:
        """The rows about the sound itself: as long as its source's, and not another one."""
        if self.lengths_s is not None:
            source_s, result_s = self.lengths_s
            same = abs(result_s - source_s) <= PADDING_S
            yield Field(f"track {self.track} length", f"{source_s:.3f} s", f"{result_s:.3f} s", same)
        if self.stranger is not None:
            at = clock(self.stranger.at_s)
            yield Field(f"track {self.track}, the sound at {at}", "that of the source", self.stranger.sounds, ok=False)


@dataclass(frozen=True)
class Receipt:
    """Everything that was compared. `ok` only if all of it holds."""

    source: Path
    result: Path
    proofs: tuple[Proof, ...]
    fields: tuple[Field, ...]
    lags: tuple[TrackLag, ...]

    @property
    def ok(self) -> bool:
        return not self.failures

    @property
    def failures(self) -> tuple[str, ...]:
        """One line for everything that does not hold."""
        streams = (f"stream {p.stream} ({p.kind}, {p.codec}): {p.note}" for p in self.proofs if not p.ok)
        fields = (f"{f.what}: {f.source!r} became {f.result!r}" for f in self.fields if not f.ok)
        lags = (
            f"track {t.track} is {lag.samples} samples late at {lag.where}"
            for t in self.lags
            if not t.ok
            for lag in t.lags
            if lag.samples is not None and abs(lag.samples) > t.allowed
        )
        return (*streams, *fields, *lags)
