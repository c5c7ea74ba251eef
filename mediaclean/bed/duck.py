"""The bed under speech: a gain curve in dB, and its application.

Leave, duck, reduce and remove are one mechanism. A `Dip` is a span in which the bed is lowered to a gain; the curve
joins the dips so that each is complete at its first sample (Torcoli et al., JAES 67(12), 2019, for the differences
that listeners want: 10 LU for music, 15 for ambience, 4 more for lay listeners).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log10
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Block, Samples, Span
from mediaclean.settings import Settings, setting


@dataclass(frozen=True)
class DuckSettings(Settings):
    """What becomes of the bed."""

    mode: Literal["leave", "duck", "reduce", "remove", "auto"] = setting(
        "duck",
        "",
        "duck rides the bed under speech to a loudness difference; reduce lowers it by reduce_db throughout; "
        "remove lowers it to floor_db throughout; leave does nothing; auto chooses for every phrase the lightest of "
        "these that reaches target_lu",
    )
    target_lu: float = setting(10.0, "LU", "duck: speech above the bed by this much", low=0.0, high=40.0)
    reduce_db: float = setting(-12.0, "dB", "reduce: gain of the bed", low=-80.0, high=0.0)
    floor_db: float = setting(-24.0, "dB", "the bed is never lowered further", low=-80.0, high=0.0)
    singing: Literal["duck", "leave"] = setting(
        "duck",
        "",
        "duck and auto: leave keeps a song that nobody talks over as it is; duck lowers the band under its singer too, "
        "and says where somebody seems to sing",
    )
    attack_s: float = setting(
        0.3, "s", "the dip begins this long before the phrase and is complete at it", low=0.02, high=3.0
    )
    release_s: float = setting(0.8, "s", "time to come back up after the phrase", low=0.05, high=10.0)
    bridge_s: float = setting(1.5, "s", "the bed stays down in shorter gaps", low=0.0, high=20.0)

    @property
    def throughout_db(self) -> float | None:
        """The gain of a bed that is lowered throughout; None where it rides."""
        return {"reduce": self.reduce_db, "remove": self.floor_db}.get(self.mode)


@dataclass(frozen=True)
class Dip:
    """A span in which the bed stands at `gain_db` (at most 0)."""

    span: Span
    gain_db: float


@dataclass(frozen=True)
class GainCurve:
    """The bed's gain over time: corners joined by raised cosines in dB, flat outside the first and last.

    `positions` are samples (strictly rising), `gains_db` the gain at each; both have the shape (corners,).
    """

    positions: NDArray[np.int64]
    gains_db: NDArray[np.float64]

    def at(self, start: int, length: int) -> NDArray[np.float32]:
        """The linear gain for `length` samples from `start`, shape (length,). Depends on the position only."""
        if not len(self.positions):
            return np.ones(length, dtype=np.float32)
        stop = start + length
        first, last = np.searchsorted(self.positions, [start, stop - 1], side="right")
        edges = [start, *self.positions[first:last].tolist(), stop]
        out = np.empty(length, dtype=np.float32)
        for right, (low, high) in enumerate(pairwise(edges), start=int(first)):
            out[low - start : high - start] = self._stretch(right, low, high)
        return out

    def _stretch(self, right: int, start: int, stop: int) -> NDArray[np.float64] | float:
        """The linear gain in a part of the stretch that ends at corner `right`: one number where it is level."""
        before_db = float(self.gains_db[max(right - 1, 0)])
        after_db = float(self.gains_db[min(right, len(self.positions) - 1)])
        if right in (0, len(self.positions)) or before_db == after_db:
            return float(10.0 ** (before_db / 20.0))
        begin, end = self.positions[right - 1], self.positions[right]
        phase = (np.arange(start, stop, dtype=np.int64) - begin) / (end - begin)
        gain_db = before_db + (after_db - before_db) * 0.5 * (1.0 - np.cos(np.pi * phase))
        return np.asarray(np.exp(gain_db * (np.log(10.0) / 20.0)))


def gain_for_difference(voice_lufs: float, bed_lufs: float, settings: DuckSettings, *, leak: float = 0.0) -> float:
    """The gain in dB that puts the bed `target_lu` under the voice, not under the floor. Never a boost.

    A part of the bed went over into the separated voice and stays at its level. So the rest goes down further: for the
    whole bed to come down to an amplitude a, its gain g has to make g + (1 - g) leak = a. Not more than half of what is
    wanted counts as leaked: close to all of it, g would hang on the last decimals of an estimate.

    Args:
        voice_lufs, bed_lufs: as they were mixed.
        settings: the goal, and the floor.
        leak: the share of the bed's amplitude that is in the separated voice, 0 to 1.
    """
    wanted = 10.0 ** (min(voice_lufs - bed_lufs - settings.target_lu, 0.0) / 20.0)
    stays = min(leak, wanted / 2.0)
    return max(20.0 * log10((wanted - stays) / (1.0 - stays)), settings.floor_db) if wanted > 0.0 else settings.floor_db


def heard_db(gain_db: float, leak: float) -> float:
    """By how much the whole bed comes down where its separated part is given a gain and the rest stays, in dB."""
    gain = 10.0 ** (gain_db / 20.0)
    return 20.0 * log10(max(gain + (1.0 - gain) * leak, 1e-9))


def curve(dips: Sequence[Dip], settings: DuckSettings, rate: int) -> GainCurve:
    """Join dips to a curve: down before each, up after it, level across short gaps.

    In a gap shorter than `bridge_s`, or too short to come up and go down again, the gain moves straight from one
    dip's to the next one's. Where the gap is too short for that, the deeper of the two reaches into the other.
    """
    ordered = sorted((dip for dip in dips if dip.span.length), key=lambda dip: dip.span)
    if not ordered:
        return _curve([])
    attack, release = round(settings.attack_s * rate), round(settings.release_s * rate)
    bridge = reach_of(settings, rate)
    first, last = ordered[0], ordered[-1]
    corners = [(first.span.start - attack, 0.0), (first.span.start, first.gain_db)]
    for before, after in pairwise(ordered):
        corners.extend(_between(before, after, attack, release, bridge))
    return _curve([*corners, (last.span.stop, last.gain_db), (last.span.stop + release, 0.0)])


def reach_of(settings: DuckSettings, rate: int) -> int:
    """How far from a dip its gain is heard, in samples: over its ramps, or the whole of a gap that is bridged."""
    ramps = round(settings.attack_s * rate) + round(settings.release_s * rate)
    return max(round(settings.bridge_s * rate), ramps)


def _between(before: Dip, after: Dip, attack: int, release: int, bridge: int) -> list[tuple[int, float]]:
    """The corners from the end of one dip to the beginning of the next. No dip gives away more than its half."""
    up, down = before.span.stop, after.span.start
    if down - up >= bridge:
        return [(up, before.gain_db), (up + release, 0.0), (down - attack, 0.0), (down, after.gain_db)]
    if after.gain_db < before.gain_db:
        return [(max(down - attack, _middle(before.span)), before.gain_db), (down, after.gain_db)]
    return [(up, before.gain_db), (min(up + release, _middle(after.span)), after.gain_db)]


def _middle(span: Span) -> int:
    return (span.start + span.stop + 1) // 2


def _curve(corners: Iterable[tuple[int, float]]) -> GainCurve:
    """Corners in order of time; of several at one position the last one counts."""
    kept = dict(corners)
    positions = np.array(sorted(kept), dtype=np.int64)
    return GainCurve(positions, np.array([kept[int(p)] for p in positions], dtype=np.float64))


def duck(blocks: Iterable[Block], gains: GainCurve) -> Iterator[tuple[Block, NDArray[np.float32], Samples]]:
    """Apply the curve: yields each block, the bed's linear gain (n,) and the new mix ``mix - (1 - gain) * bed``.

    Where the gain is 1 the samples are those of the input, bit by bit.
    """
    for block in blocks:
        gain = gains.at(block.start, block.mix.shape[1])
        if np.all(gain == 1.0):
            yield block, gain, block.mix
        else:
            yield block, gain, np.asarray(block.mix - (1.0 - gain) * block.bed, dtype=np.float32)
