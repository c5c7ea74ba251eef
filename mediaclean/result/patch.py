"""A later change to a finished result: inside some spans other settings hold, and nothing moves outside.

Two mixes of one track are rendered, the result's own and the new one, and joined: the new one inside the spans, the
old one elsewhere, with a cross-fade just outside each span. So whatever the settings are, and however far their ramps
would reach, the samples beyond the cross-fade are those of the old mix, bit by bit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mediaclean.audio import Samples, Span, merge, reblock
from mediaclean.errors import PresetError
from mediaclean.plan.as_json import from_dict, seconds, to_dict
from mediaclean.plan.make import Plan
from mediaclean.preset import Preset, from_tables, to_tables
from mediaclean.render import trapezoid

FADE_S = 0.02
HINT = "for example --only 00:12:30-00:13:05, or --only 750-785.5"


@dataclass(frozen=True)
class Patch:
    """Spans of a track, sorted and disjoint, with the preset and the settled plan that hold there."""

    spans: tuple[Span, ...]
    preset: Preset
    plan: Plan

    def to_json(self) -> dict[str, Any]:
        """As plain tables, for the report."""
        return {
            "spans_s": [seconds(span, self.plan.rate) for span in self.spans],
            "preset": {"name": self.preset.name, **to_tables(self.preset)},
            "plan": to_dict(self.plan),
        }

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> Patch:
        """What `to_json` wrote.

        Raises:
            PresetError: if it is none.
        """
        tables, plan = dict(table["preset"]), from_dict(table["plan"])
        spans = (Span(round(start * plan.rate), round(stop * plan.rate)) for start, stop in table["spans_s"])
        return cls(tuple(spans), from_tables(tables, str(tables.pop("name", "report"))), plan)


def spliced(
    old: Iterable[Samples], new: Iterable[Samples], spans: Sequence[Span], fade: int, step: int
) -> Iterator[Samples]:
    """The new sound inside the spans, the old one elsewhere; linear cross-fades, for both are much alike.

    Args:
        old: from the first sample on, (channels, n) each.
        new: the same, as long.
        spans: where the new sound is whole, sorted and disjoint.
        fade: samples before and after each span in which both are heard; at the very start of the track inside it.
        step: size of the blocks that come out.
    """
    wide = merge(Span(max(0, span.start - fade), span.stop + fade) for span in spans)
    start = 0
    for before, after in zip(reblock(old, step), reblock(new, step), strict=True):
        weight = trapezoid(wide, fade, start, before.shape[1])
        start += before.shape[1]
        if not weight.any():
            yield before
            continue
        joined = before + weight * (after - before)
        yield np.where(weight == 0.0, before, np.where(weight == 1.0, after, joined)).astype(np.float32, copy=False)


def read_spans_of(texts: Sequence[str], rate: int, length: int) -> tuple[Span, ...]:
    """Spans of a track as they were typed: FROM-TO, each in seconds, minutes:seconds or hours:minutes:seconds.

    Raises:
        PresetError: for anything else, or a span that is not inside the track.
    """
    return tuple(merge(_span(text, rate, length) for text in texts))


def _span(text: str, rate: int, length: int) -> Span:
    start_text, dash, stop_text = text.strip().partition("-")
    start, stop = _seconds(start_text), _seconds(stop_text)
    if not dash or start is None or stop is None:
        raise PresetError(f"--only {text}: expected FROM-TO", HINT)
    first, last = round(start * rate), min(round(stop * rate), length)
    if not 0 <= first < last:
        raise PresetError(f"--only {text}: must run forward inside 0 to {length / rate:.3f} s", HINT)
    return Span(first, last)


def _seconds(text: str) -> float | None:
    found = re.fullmatch(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)", text.strip())
    if found is None:
        return None
    hours, minutes, rest = found.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest)
