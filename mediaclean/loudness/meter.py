"""The streaming loudness meter: ITU-R BS.1770-5, EBU Tech 3341 and Tech 3342.

Sound is taken in steps of exactly one second, so the figures do not depend on how it was cut up. Kept are the
mean squares of every 100 ms (1.2 MB for four hours) and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples, power_to_db
from mediaclean.loudness.kweight import FrameLevels, Powers, WeightedPower, lufs_to_power, power_to_lufs
from mediaclean.loudness.truepeak import PeakMeter, meter_factor
from mediaclean.series import Series

HOP_S = 0.1
"""Step of the momentary and short-term series."""

ABSOLUTE_GATE_LUFS = -70.0
_FINE = 10
"""The maxima are searched in steps of HOP_S / 10: a 400 ms burst is not to fall between two windows."""
_MOMENTARY, _SHORT_TERM = 4, 30


@dataclass(frozen=True)
class Loudness:
    """What a meter says about a programme. None stands for a figure that does not exist: a programme shorter
    than the window, or one that the gate leaves empty.

    Attributes:
        integrated_lufs: gated programme loudness (BS.1770-5).
        momentary_max_lufs: largest 400 ms loudness, sought every 10 ms.
        short_term_max_lufs: largest 3 s loudness, sought every 10 ms.
        range_lu: loudness range (Tech 3342).
        true_peak_dbtp: largest true peak of any channel; -120 for silence.
        sample_peak_dbfs: largest sample of any channel; -120 for silence.
        duration_s: length.
        true_peak_at_s: the second that holds the largest true peak; None for silence.
    """

    integrated_lufs: float | None
    momentary_max_lufs: float | None
    short_term_max_lufs: float | None
    range_lu: float | None
    true_peak_dbtp: float
    sample_peak_dbfs: float
    duration_s: float
    true_peak_at_s: float | None = None

    def to_json(self) -> dict[str, float | None]:
        """Plain numbers, rounded to a thousandth."""
        return {name: None if value is None else round(value, 3) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class LoudnessSeries:
    """Mean squares of consecutive stretches of 100 ms, of shape (n,), and the curves that follow from them."""

    powers: Powers

    def momentary(self) -> NDArray[np.float64]:
        """LUFS of the 400 ms that end with hop 3, 4, …; shape (n - 3,)."""
        return power_to_lufs(window_means(self.powers, _MOMENTARY))

    def short_term(self) -> NDArray[np.float64]:
        """LUFS of the 3 s that end with hop 29, 30, …; shape (n - 29,)."""
        return power_to_lufs(window_means(self.powers, _SHORT_TERM))


class Meter:
    """Measures one stream from its start to its end.

    Args:
        rate: sample rate in Hz, from `kweight.LOWEST_RATE` to `kweight.HIGHEST_RATE`.
        layout: FFmpeg's name of the channel layout.
        channels: number of channels.
        true_peak: False leaves the oversampling out; the true peak is then the sample peak.
        frames: gets the weighted power as well, so that one filter serves both.
    """

    def __init__(
        self, rate: int, layout: str, channels: int, *, true_peak: bool = True, frames: FrameLevels | None = None
    ) -> None:
        self._rate = rate
        self._power = WeightedPower(rate, layout, channels)
        self._peaks = PeakMeter(channels, meter_factor(rate) if true_peak else 1)
        self._frames = frames
        self._edges = np.rint(np.arange(10 * _FINE + 1) * (rate / (10 * _FINE))).astype(np.int64)
        self._pending: list[Samples] = []
        self._held = 0
        self._length = 0
        self._powers = Series(np.float64)
        self._recent = np.zeros(0)
        self._momentary_max = 0.0
        self._short_term_max = 0.0
        self._peak_at_s: float | None = None
        self._closed = False

    def add(self, samples: Samples) -> None:
        """The stream's next samples, of shape (channels, n), any n."""
        if self._closed:
            raise ValueError("the meter was read already; a new stream needs a new meter")
        if not self._held and samples.shape[1] == self._rate:  # the usual size of a chunk: nothing to put together
            self._step(samples)
            return
        self._pending.append(samples)
        self._held += samples.shape[1]
        if self._held >= self._rate:
            joined = np.concatenate(self._pending, axis=1)
            whole = self._held - self._held % self._rate
            for start in range(0, whole, self._rate):
                self._step(joined[:, start : start + self._rate])
            self._pending, self._held = [joined[:, whole:]], self._held - whole

    def result(self) -> Loudness:
        """The figures; the stream ends here."""
        series = self.series()
        return Loudness(
            integrated_lufs=integrated(series.powers),
            momentary_max_lufs=self._maximum(_MOMENTARY, self._momentary_max),
            short_term_max_lufs=self._maximum(_SHORT_TERM, self._short_term_max),
            range_lu=loudness_range(series.powers),
            true_peak_dbtp=float(power_to_db(self._peaks.true_peak**2)),
            sample_peak_dbfs=float(power_to_db(self._peaks.sample_peak**2)),
            duration_s=self._length / self._rate,
            true_peak_at_s=self._peak_at_s,
        )

    def series(self) -> LoudnessSeries:
        """The 100 ms mean squares behind the figures; the stream ends here."""
        if not self._closed:
            self._closed = True
            if self._held:
                self._step(np.concatenate(self._pending, axis=1))
            self._peaks.finish()
            self._pending = []
        return LoudnessSeries(self._powers.result())

    def _step(self, samples: Samples) -> None:
        """One second, or at the end what is left of one."""
        before = self._peaks.true_peak
        self._peaks.add(samples)
        if self._peaks.true_peak > before:
            self._peak_at_s = float(self._length // self._rate)
        self._length += samples.shape[1]
        power = self._power(samples)
        if self._frames is not None:
            self._frames.add_power(power)
        edges = self._edges[self._edges <= samples.shape[1]]
        if len(edges) < 2:
            return
        # the edges lie on whole samples, so hops differ by one sample where 10 ms is none; every hop counts alike
        fine = np.add.reduceat(power[: edges[-1]], edges[:-1]) / np.diff(edges)
        whole = len(fine) - len(fine) % _FINE
        self._powers.add(fine[:whole].reshape(-1, _FINE).mean(axis=1))
        recent = np.concatenate([self._recent, fine])
        self._momentary_max = max(self._momentary_max, _largest(recent, _MOMENTARY * _FINE))
        self._short_term_max = max(self._short_term_max, _largest(recent, _SHORT_TERM * _FINE))
        self._recent = recent[1 - _SHORT_TERM * _FINE :]

    def _maximum(self, hops: int, power: float) -> float | None:
        return float(power_to_lufs(power)) if self._length >= round(hops * HOP_S * self._rate) else None


def measure(chunks: Iterable[Samples], rate: int, layout: str) -> Loudness:
    """The figures of a whole stream of chunks of shape (channels, n)."""
    meter: Meter | None = None
    for chunk in chunks:
        if meter is None:
            meter = Meter(rate, layout, chunk.shape[0])
        meter.add(chunk)
    return (meter or Meter(rate, layout, 1)).result()


def window_means(powers: Powers, hops: int) -> Powers:
    """Means over `hops` consecutive values, one per position; shape (n - hops + 1,), or (0,)."""
    if len(powers) < hops:
        return np.zeros(0)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(powers, hops).mean(axis=1))


def integrated(powers: Powers) -> float | None:
    """Gated loudness in LUFS from 100 ms mean squares: 400 ms blocks with 75 % overlap, absolute gate at -70,
    relative gate 10 LU below the ungated rest (BS.1770-5, equations 3 to 7); None if no block passes."""
    blocks = window_means(powers, _MOMENTARY)
    blocks = blocks[blocks > lufs_to_power(ABSOLUTE_GATE_LUFS)]
    if not len(blocks):
        return None
    return float(power_to_lufs(blocks[blocks > blocks.mean() / 10].mean()))


def loudness_range(powers: Powers) -> float | None:
    """Loudness range in LU from 100 ms mean squares: short-term values every 100 ms above -70 and above 20 LU
    below their mean power, 10th to 95th percentile (Tech 3342); None if there is none."""
    windows = window_means(powers, _SHORT_TERM)
    windows = windows[windows > lufs_to_power(ABSOLUTE_GATE_LUFS)]
    if not len(windows):
        return None
    loud = power_to_lufs(windows[windows > windows.mean() / 100])
    low, high = np.percentile(loud, [10, 95], method="nearest")
    return float(high - low)


def _largest(powers: Powers, hops: int) -> float:
    """The largest mean over `hops` consecutive values, 0 where there are fewer."""
    if len(powers) < hops:
        return 0.0
    sums = np.concatenate([[0.0], np.cumsum(powers)])
    return max(0.0, float((sums[hops:] - sums[:-hops]).max()) / hops)
