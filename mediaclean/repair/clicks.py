"""Clicks and mouth noise: bursts of a few milliseconds that stand out of the sound on both sides.

A linear predictor learns the spectrum of every 32 ms and takes it away; what is left, its error, is flat where the
sound goes on as it was, and peaks where something new begins (Vaseghi and Rayner, "Detection and suppression of
impulsive noise in speech communication systems", IEE Proceedings 137, 1990). Pulses of the voice peak as well, but
each has its like a pitch period away, and what follows the burst of a consonant is nearly as strong as the burst
itself. A click is a peak that is higher than everything from 1.5 to 12 ms before and after it.

The samples of a click are made up from the sound around them (`interpolate`); nothing else is touched.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples, Span, power_to_db
from mediaclean.repair.interpolate import Signal, fill, fitted_model, order_for
from mediaclean.repair.records import Repair
from mediaclean.settings import Settings, setting

ORDER = 24
HOP_S = 0.016
BIN_S = 0.0005
NEAR_BINS, FAR_BINS = 3, 24
"""A click is held against the bins from 1.5 to 12 ms on either side."""
QUIETEST_DBFS = -72.0
"""Of the prediction error: what is quieter nobody hears."""
BATCH = 64
"""Hops that are worked on at once; they lie on a fixed grid, so that nothing depends on the size of a chunk."""

LONGEST_S = 0.006
GUARD_S = 0.0002
SMOOTH_S = 0.00025
AROUND_S = 0.02
OUTSIDE_S = 0.005
"""The sound that a click is measured against begins this far from its peak."""
ABOVE_DB = 8.0
"""A click reaches as far as its error stays this far above the sound around it."""
MARGIN = 1024


@dataclass(frozen=True)
class DeclickSettings(Settings):
    """Clicks and mouth noise."""

    amount: float = setting(1.0, "", "how much of each click is taken away; 0 leaves all as it is", low=0.0, high=1.0)
    stands_out_db: float = setting(
        12.0, "dB", "what stands out of the sound before and after it by so much is a click", low=6.0, high=40.0
    )


def predictors(frames: NDArray[np.float64], order: int) -> NDArray[np.float64]:
    """Prediction error filters (1, a1 … a_order) of frames (count, n), by Levinson's recursion; (count, order + 1)."""
    size = 1 << int(frames.shape[1] + order).bit_length()
    spectra = np.fft.rfft(frames * np.hanning(frames.shape[1]), size)
    likeness = np.fft.irfft(np.square(np.abs(spectra)), size)[:, : order + 1]
    likeness[:, 0] = likeness[:, 0] * (1.0 + 1e-5) + 1e-12
    model = np.zeros((len(frames), order + 1))
    model[:, 0] = 1.0
    error = likeness[:, 0].copy()
    for step in range(1, order + 1):
        reflection = -(model[:, :step] * likeness[:, step:0:-1]).sum(axis=1) / error
        model[:, 1 : step + 1] += reflection[:, None] * model[:, step - 1 :: -1][:, :step]
        error *= 1.0 - np.square(reflection)
    return model


def prediction_error(sound: Signal, hop: int) -> Signal:
    """What the predictor of each hop leaves over. `sound` has half a hop more than is wanted on either side."""
    count = (len(sound) - hop) // hop
    frames = np.lib.stride_tricks.sliding_window_view(sound, 2 * hop)[::hop][:count]
    models = predictors(frames, ORDER)
    past = np.lib.stride_tricks.sliding_window_view(sound[hop // 2 - ORDER :], hop + ORDER)[::hop][:count]
    error = np.zeros((count, hop))
    for lag in range(ORDER + 1):
        error += models[:, lag : lag + 1] * past[:, ORDER - lag : ORDER - lag + hop]
    return error.reshape(-1)


def standing_out_db(level_db: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much every bin (n,) is above the highest of the bins around it, on the side where it is less."""
    from scipy.ndimage import maximum_filter1d

    size = FAR_BINS - NEAR_BINS + 1
    padded = np.pad(level_db, FAR_BINS, mode="edge")
    highest = maximum_filter1d(padded, size, origin=-(size // 2))  # of bins i to i + size - 1
    before = highest[: len(level_db)]
    after = highest[FAR_BINS + NEAR_BINS : FAR_BINS + NEAR_BINS + len(level_db)]
    return np.asarray(level_db - np.maximum(before, after))


class ClickFinder:
    """Hears a track and remembers its clicks."""

    def __init__(self, rate: int, settings: DeclickSettings) -> None:
        self._rate, self._settings = rate, settings
        self._bin = max(1, round(BIN_S * rate))
        self._hop = round(HOP_S / BIN_S) * self._bin
        self._margin = 3 * self._hop
        self._held: Samples | None = None
        self._base = -self._margin
        self._spans: list[Span] = []
        self._length = 0

    def add(self, samples: Samples) -> None:
        if self._held is None:
            self._held = np.zeros((len(samples), self._margin), dtype=np.float32)
        self._held = np.concatenate([self._held, samples], axis=1)
        self._length += samples.shape[1]
        needed = BATCH * self._hop + 2 * self._margin
        while self._held.shape[1] >= needed:
            self._search(self._held[:, :needed])

    def result(self) -> list[Repair]:
        """A row for every click."""
        if self._held is not None and self._base + self._margin < self._length:
            needed = BATCH * self._hop + 2 * self._margin
            while self._base + self._margin < self._length:
                rest = self._held[:, :needed]
                self._search(np.pad(rest, ((0, 0), (0, needed - rest.shape[1]))))
        joined: list[Span] = []
        for span in sorted(part for span in self._spans if (part := span.clip(0, self._length))):
            if joined and span.start <= joined[-1].stop:
                joined[-1] = Span(joined[-1].start, max(joined[-1].stop, span.stop))
            else:
                joined.append(span)
        return [
            Repair(span, "declick", self._settings.amount, f"click of {1000.0 * span.length / self._rate:.1f} ms")
            for span in joined
        ]

    def _search(self, sound: Samples) -> None:
        """Find the clicks whose peak lies in the next batch of hops, which begins `margin` into the sound."""
        if sound.any():
            for channel in sound.astype(np.float64):
                self._spans.extend(self._clicks(channel))
        self._held = None if self._held is None else self._held[:, BATCH * self._hop :]
        self._base += BATCH * self._hop

    def _clicks(self, sound: Signal) -> list[Span]:
        edge = self._margin - self._hop  # one hop of error on either side of the batch
        error = prediction_error(sound[edge - self._hop // 2 : len(sound) - edge + self._hop // 2], self._hop)
        level_db = power_to_db(np.square(error).reshape(-1, self._bin).max(axis=1))
        clear_db = standing_out_db(level_db)
        own = slice(self._hop // self._bin, len(level_db) - self._hop // self._bin)
        bins = np.flatnonzero((clear_db >= self._settings.stands_out_db) & (level_db >= QUIETEST_DBFS))
        found = []
        for number in bins[(bins >= own.start) & (bins < own.stop)]:
            first = int(number) * self._bin
            peak = first + int(np.argmax(np.abs(error[first : first + self._bin]))) + edge
            start, stop = self._extent(sound, peak)
            found.append((self._base + start, self._base + stop))
        return [Span(max(0, start), stop) for start, stop in found if stop > 0]

    def _extent(self, sound: Signal, peak: int) -> tuple[int, int]:
        """From where to where a click reaches: a predictor that never heard it fails for as long as it lasts."""
        around, outside = round(AROUND_S * self._rate), round(OUTSIDE_S * self._rate)
        low = max(0, peak - around)
        window = sound[low : peak + around]
        middle = peak - low
        clean = window * (np.abs(np.arange(len(window)) - middle) > outside)
        error = np.convolve(window, fitted_model(clean, ORDER))[: len(window)]
        size = max(1, round(SMOOTH_S * self._rate))
        power = np.convolve(np.square(error), np.ones(size) / size, "same")
        quiet = np.concatenate([power[ORDER : max(ORDER + 1, middle - outside)], power[middle + outside + ORDER :]])
        loud = power > np.quantile(quiet, 0.9) * 10.0 ** (ABOVE_DB / 10.0)
        loud[middle] = True
        half, guard = round(LONGEST_S / 2 * self._rate), max(1, round(GUARD_S * self._rate))
        reach = np.flatnonzero(loud[max(0, middle - half) : middle + half]) + max(0, middle - half)
        first = last = int(np.searchsorted(reach, middle))
        while first > 0 and reach[first] - reach[first - 1] <= 2 * size:
            first -= 1
        while last + 1 < len(reach) and reach[last + 1] - reach[last] <= 2 * size:
            last += 1
        return low + int(reach[first]) - guard, low + int(reach[last]) + guard + 1


def declicked(around: Samples, here: slice, row: Repair, rate: int) -> Samples:
    """The row's samples made up from the sound around them; see `patches.Mend`."""
    out = around[:, here].copy()
    missing = np.zeros(around.shape[1], dtype=bool)
    missing[here] = True
    for channel, sound in enumerate(around):
        if not sound.any():
            continue
        guess = sound.astype(np.float64)
        guess[here] = _bridge(guess, here)
        made = fill(guess, missing, order_for(rate), steps=3)[here]
        old = out[channel]
        out[channel] = (old + row.amount * (made - old)).astype(np.float32)
    return out


def _bridge(sound: Signal, here: slice) -> Signal:
    """A straight line over the click."""
    before = sound[here.start - 1] if here.start > 0 else 0.0
    after = sound[here.stop] if here.stop < len(sound) else 0.0
    return np.linspace(before, after, here.stop - here.start + 2)[1:-1]
