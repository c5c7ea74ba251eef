"""What is written in the ledger: marks, and how two ledgers compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from mediaclean.audio import Span
from mediaclean.settings import Settings, setting

Kind = Literal["musical", "ghost", "chopped", "lost", "hollow", "pumping", "click"]

KINDS: tuple[Kind, ...] = get_args(Kind)

WORDS: Mapping[Kind, str] = {
    "musical": "musical noise",
    "ghost": "ghost bleed",
    "chopped": "chopped sound",
    "lost": "lost consonant",
    "hollow": "hollow tone",
    "pumping": "pumping",
    "click": "click",
}
"""The kinds in an editor's words, for one of each."""


@dataclass(frozen=True)
class LedgerSettings(Settings):
    """Artefacts are looked for in what was lowered, and passages with them are done again, lighter."""

    repair: Literal["lighter", "none"] = setting(
        "lighter", "", "lighter raises the bed again under a phrase with artefacts; none only writes them down"
    )
    step_db: float = setting(3.0, "dB", "the bed comes up by this much at a time", low=0.5, high=12.0)
    steps: int = setting(3, "", "so often at most", low=1, high=10)
    better: float = setting(
        0.25, "share", "a lighter dose is kept if it takes at least this much of the severity away", low=0.0, high=1.0
    )
    undone_s: float = setting(
        4.0, "s", "a lighter bed is heard for as long as its phrase: giving a whole dip up for this long must take "
        "away as much severity as one artefact at its limit has, and half of it half as much; 0 for at no price",
        low=0.0, high=3600.0,
    )  # fmt: skip
    other_engine_s: float = setting(
        60.0, "s", "what no lighter dose helps after the dialogue network is separated again by demucs if its weights "
        "are here, the worst first, up to this much in all; 0 for never", low=0.0, high=3600.0,
    )  # fmt: skip
    musical_per_s: float = setting(
        9.0, "1/s", "musical noise: isolated tones in a pause, more than these", low=0.5, high=100.0
    )
    ghost_db: float = setting(
        7.0, "dB", "ghost bleed: what is left in a pause stands this far over the lowered bed", low=1.0, high=40.0
    )
    chopped_db: float = setting(10.0, "dB", "chopped sound: the voice falls this much at once", low=3.0, high=60.0)
    lost_db: float = setting(8.0, "dB", "lost consonants: a burst from 4 to 10 kHz sinks by this", low=3.0, high=60.0)
    hollow_db: float = setting(
        6.0, "dB", "hollow tone: neighbouring thirds of an octave of the voice sink by this", low=1.0, high=40.0
    )
    pumping_db: float = setting(
        4.0, "dB", "pumping: the bed's gain goes up and down by this, twice in two seconds", low=1.0, high=40.0
    )
    click_ratio: float = setting(
        6.0, "", "clicks: a jump this many times larger than the sound's own around it", low=2.0, high=100.0
    )


@dataclass(frozen=True)
class Mark:
    """An artefact.

    Attributes:
        span: where it is heard, in samples.
        severity: 1 at the limit of its kind, and in proportion above it (decibels count as such).
        detail: what was measured, in words.
    """

    kind: Kind
    span: Span
    severity: float
    detail: str


@dataclass(frozen=True)
class Repair:
    """A passage that was done again: the bed's gain was raised by `raised_db`, or another engine's voice taken; 0 and
    "" where neither helped."""

    span: Span
    raised_db: float
    before: float
    after: float
    engine: str = ""


@dataclass(frozen=True)
class Ledger:
    """The marks of a track in order of time, and what was done about them; `rate` in Hz."""

    rate: int
    marks: tuple[Mark, ...] = ()
    repairs: tuple[Repair, ...] = ()

    @property
    def counts(self) -> dict[Kind, int]:
        """How many marks of each kind there are; kinds without any are left out."""
        found = Counter(mark.kind for mark in self.marks)
        return {kind: found[kind] for kind in KINDS if found[kind]}

    @property
    def score(self) -> float:
        """The severities together: 0 is best, and of two results from one source the lower is better."""
        return sum(mark.severity for mark in self.marks)

    def over(self, spans: Sequence[Span]) -> Ledger:
        """The marks that touch any of the spans."""
        return Ledger(self.rate, tuple(mark for mark in self.marks if any(mark.span.overlaps(span) for span in spans)))

    def to_json(self) -> dict[str, Any]:
        """As plain tables, with times in seconds."""

        def seconds(span: Span) -> dict[str, float]:
            return {"start_s": round(span.start / self.rate, 3), "stop_s": round(span.stop / self.rate, 3)}

        return {
            "score": round(self.score, 2),
            "counts": dict(self.counts),
            "marks": [
                {"kind": m.kind, **seconds(m.span), "severity": round(m.severity, 2), "detail": m.detail}
                for m in self.marks
            ],
            "repairs": [
                {
                    **seconds(r.span),
                    "raised_db": round(r.raised_db, 2),
                    "score_before": round(r.before, 2),
                    "score_after": round(r.after, 2),
                    "engine": r.engine,
                }
                for r in self.repairs
            ],
        }
