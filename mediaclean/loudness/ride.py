"""Riding: phrases moved towards each other before the limiter, as a hand on a fader would, for deliveries that limit
the range or the loudest moment.

Not a compressor: the gain stands still through a phrase and moves only between phrases, over a second or more, so that
nothing pumps. It is planned from the 100 ms mean squares of a measuring pass, on which every figure can be foretold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples, Span, db_to_gain, merge
from mediaclean.loudness.kweight import Powers, lufs_to_power, power_to_lufs
from mediaclean.loudness.meter import ABSOLUTE_GATE_LUFS, HOP_S, Loudness, LoudnessSeries, integrated, loudness_range
from mediaclean.loudness.normalise import LoudnessSettings

_JOIN_S = 1.0
_LONG_S = 3.0
_MARGIN_LU = 0.3
"""What limiting and encoding may add after the ride."""

_ROUNDS = 12


@dataclass(frozen=True, eq=False)
class Ride:
    """A gain curve and what it brings.

    Attributes:
        gain_db: per 100 ms, shape (hops,); a programme that needs no ride has all zeros.
        powers: the mean squares after the ride, shape (hops,).
        range_lu: loudness range after the ride.
        note: a sentence for the report where a limit cannot be met by moving phrases, else "".
    """

    gain_db: NDArray[np.float64]
    powers: Powers
    range_lu: float | None
    note: str = ""

    @property
    def changes(self) -> bool:
        """Whether anything is moved at all."""
        return bool(self.gain_db.any())

    def expected(self, measured: Loudness) -> Loudness:
        """The figures of the programme after the ride, before any static gain; the true peak is an upper bound."""
        if not self.changes:
            return measured
        series = LoudnessSeries(self.powers)
        rise = max(0.0, float(self.gain_db.max()))
        return replace(
            measured,
            integrated_lufs=integrated(self.powers),
            momentary_max_lufs=float(series.momentary().max()),
            short_term_max_lufs=float(series.short_term().max(initial=-120.0)),
            range_lu=self.range_lu,
            true_peak_dbtp=measured.true_peak_dbtp + rise,
            sample_peak_dbfs=measured.sample_peak_dbfs + rise,
        )


def plan_ride(powers: Powers, phrases: Sequence[Span], rate: int, settings: LoudnessSettings) -> Ride:
    """The gentlest ride that meets the limits of the range, the short-term and the momentary maximum at the target.

    Args:
        powers: K-weighted mean square of every 100 ms, as `LoudnessSeries` holds them.
        phrases: speech, in samples.
        rate: samples per second of the phrases.
        settings: limits, target, and how far a phrase may be moved.
    """
    stretches = _stretches(powers, phrases, rate)
    still = Ride(np.zeros(len(powers)), powers, loudness_range(powers))
    level = integrated(powers)
    if level is None or not stretches:
        return still
    distances = np.array([float(power_to_lufs(powers[a:b].mean())) - level for a, b in stretches])
    smooth = _Smooth(stretches, len(powers), settings)
    gains = _narrow(powers, distances, smooth, settings)
    gains = _cap(powers, gains, stretches, smooth, settings)
    if not gains.any():
        return replace(still, note=_note(powers, still.range_lu, settings))
    curve = smooth(gains)
    ridden = powers * 10 ** (curve / 10)
    range_lu = loudness_range(ridden)
    return Ride(curve, ridden, range_lu, _note(ridden, range_lu, settings))


def ride(chunks: Iterable[Samples], rate: int, plan: Ride) -> Iterator[Samples]:
    """The sound with its phrases moved; the same samples where the curve is 0.

    Args:
        chunks: shape (channels, n).
        rate: sample rate in Hz.
        plan: from `plan_ride`.
    """
    centres = (np.arange(len(plan.gain_db)) + 0.5) * HOP_S * rate
    position = 0
    for chunk in chunks:
        if not plan.changes:
            yield chunk
            continue
        curve = np.interp(np.arange(position, position + chunk.shape[1]), centres, plan.gain_db)
        position += chunk.shape[1]
        yield chunk * db_to_gain(curve).astype(np.float32) if curve.any() else chunk


class _Smooth:
    """Gains of stretches to a curve per hop: steps in the middle of the pauses, rounded by a raised cosine."""

    def __init__(self, stretches: list[tuple[int, int]], hops: int, settings: LoudnessSettings) -> None:
        middles = [(stop + start) // 2 for (_, stop), (start, _) in pairwise(stretches)]
        self._lengths = np.diff([0, *middles, hops])
        half = max(1, round(settings.ride_ramp_s / HOP_S / 2))
        window = np.hanning(2 * half + 3)[1:-1]
        self._half, self._window = half, window / window.sum()

    def __call__(self, gains: NDArray[np.float64]) -> NDArray[np.float64]:
        steps = np.pad(np.repeat(gains, self._lengths), self._half, mode="edge")
        curve: NDArray[np.float64] = np.convolve(steps, self._window, mode="valid")
        return curve


def _stretches(powers: Powers, phrases: Sequence[Span], rate: int) -> list[tuple[int, int]]:
    """What is moved as one, in hops: phrases with short pauses joined, and whatever else is long and loud enough to
    count. Room tone between them is never a stretch of its own, so it is not raised for its own sake."""
    level = integrated(powers)
    if level is None:
        return []
    hop = HOP_S * rate
    spoken = [
        (round(span.start / hop), min(len(powers), round(span.stop / hop)))
        for span in merge(phrases, gap=round(_JOIN_S * rate))
    ]
    spoken = [(start, stop) for start, stop in spoken if stop > start]
    others, cursor = [], 0
    for start, stop in [*spoken, (len(powers), len(powers))]:
        if (start - cursor) * HOP_S >= _LONG_S and power_to_lufs(powers[cursor:start].mean()) > level - 15.0:
            others.append((cursor, start))
        cursor = stop
    floor = lufs_to_power(ABSOLUTE_GATE_LUFS)
    return sorted((a, b) for a, b in [*spoken, *others] if powers[a:b].mean() > floor)


def _narrow(
    powers: Powers, distances: NDArray[np.float64], smooth: _Smooth, settings: LoudnessSettings
) -> NDArray[np.float64]:
    """The smallest share of their distance from the programme's level by which the stretches must move."""
    limit = settings.max_range_lu
    if limit is None or (loudness_range(powers) or 0.0) <= limit:
        return np.zeros(len(distances))

    def gains(share: float) -> NDArray[np.float64]:
        return np.clip(-share * distances, -settings.max_ride_db, settings.max_ride_db)

    low, high = 0.0, 1.0
    for _ in range(_ROUNDS):
        share = (low + high) / 2
        after = loudness_range(powers * 10 ** (smooth(gains(share)) / 10)) or 0.0
        low, high = (low, share) if after <= limit - _MARGIN_LU else (share, high)
    return gains(high)


def _cap(
    powers: Powers,
    gains: NDArray[np.float64],
    stretches: list[tuple[int, int]],
    smooth: _Smooth,
    settings: LoudnessSettings,
) -> NDArray[np.float64]:
    """Lower the stretches that hold too loud a moment once the programme stands at its target."""
    for _ in range(_ROUNDS):
        over = _over(powers * 10 ** (smooth(gains) / 10), settings)
        excess = np.array([over[a : b + 1].max(initial=0.0) for a, b in stretches])
        if excess.max(initial=0.0) <= 0:
            break
        gains = np.maximum(gains - excess, -settings.max_ride_db)
    return gains


def _over(powers: Powers, settings: LoudnessSettings) -> NDArray[np.float64]:
    """Per hop, by how many LU a window that contains it exceeds a limit at the target; 0 where none does."""
    over = np.zeros(len(powers))
    level = integrated(powers)
    if level is None:
        return over
    series = LoudnessSeries(powers)
    for curve, limit in (
        (series.short_term(), settings.max_short_term_lufs),
        (series.momentary(), settings.max_momentary_lufs),
    ):
        if limit is None:
            continue
        hops = len(powers) - len(curve) + 1
        excess = np.maximum(0.0, curve + settings.target_lufs - level - limit + _MARGIN_LU)
        for offset in np.flatnonzero(excess > 0):
            over[offset : offset + hops] = np.maximum(over[offset : offset + hops], excess[offset])
    return over


def _note(powers: Powers, range_lu: float | None, settings: LoudnessSettings) -> str:
    missed = []
    if settings.max_range_lu is not None and (range_lu or 0.0) > settings.max_range_lu:
        missed.append(f"the range stays {range_lu:.1f} LU")
    over = float(_over(powers, settings).max(initial=0.0)) - _MARGIN_LU
    if over > 0:
        missed.append(f"the loudest moment stays {over:.1f} LU too loud")
    if not missed:
        return ""
    kept = " and ".join(missed)
    return f"With phrases moved by at most {settings.max_ride_db:g} dB {kept}; raise max_ride_db or ride by hand."
