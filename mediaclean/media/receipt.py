"""The picture-lock receipt as data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mediaclean.media.fields import Field
from mediaclean.media.lag import Lag


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
class TrackLag:
    """The lags of a cleaned track at start, middle and end; `allowed` is 0 for lossless codecs, 1 for others."""

    track: int
    lags: tuple[Lag, ...]
    allowed: int

    @property
    def known(self) -> bool:
        """Whether the source was recognised anywhere."""
        return any(lag.samples is not None for lag in self.lags)

    @property
    def ok(self) -> bool:
        return all(lag.samples is None or abs(lag.samples) <= self.allowed for lag in self.lags)


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
