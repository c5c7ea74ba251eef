"""Clicks and mouth noise: bursts of a few milliseconds that stand out of the sound on both sides.

A linear predictor learns the spectrum of every 32 ms and takes it away; what is left, its error, is flat where the
sound goes on as it was, and peaks where something new begins (Vaseghi and Rayner, "Detection and suppression of
impulsive noise in speech communication systems", IEE Proceedings 137, 1990). Pulses of the voice peak as well, but
each has its like a pitch period away, and what follows the burst of a consonant is nearly as strong as the burst
itself. A click is a peak that is higher than everything from 1.5 to 18 ms before and after it, in one of three:

- the error through the predictor turned round in time, which gathers what a click smeared over the samples after it;
- the error of predicting backwards, in which pulses of the voice, sharp at their beginning, are blunt;
- from 5 to 8 kHz, where voices are weak, the errors of both directions together.

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
NEAR_BINS, FAR_BINS = 3, 36
"""A click is held against the bins from 1.5 to 18 ms on either side."""
BACKWARD_DB, HIGH_DB = 2.0, 3.0
"""By so much more must it stand out of the backward error and of the high band: they are deceived more easily."""
HIGH_HZ, HIGH_S = (5000.0, 8000.0), 0.0013
"""The high band, and the length of the filter that cuts it out."""
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
        9.5, "dB", "what stands out of the sound before and after it by so much is a click", low=6.0, high=40.0
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


def applied(models: NDArray[np.float64], sound: Signal, hop: int, *, ahead: bool = False) -> Signal:
    """Every hop of a sound through its own model, which looks at the samples before or, `ahead`, after each.

    Args:
        models: (hops, order + 1).
        sound: with `order` more samples at the side that is looked at.
    """
    count, order = len(models), models.shape[1] - 1
    seen = np.lib.stride_tricks.sliding_window_view(sound, hop + order)[::hop][:count]
    out = np.zeros((count, hop))
    for lag in range(order + 1):
        first = lag if ahead else order - lag
        out += models[:, lag : lag + 1] * seen[:, first : first + hop]
    return out.reshape(-1)


def prediction_errors(sound: Signal, hop: int) -> tuple[Signal, Signal, Signal]:
    """What the predictor of each hop leaves over forwards and backwards, and the first through the model turned round.

    `sound` has half a hop more than is wanted on either side.
    """
    count = (len(sound) - hop) // hop
    frames = np.lib.stride_tricks.sliding_window_view(sound, 2 * hop)[::hop][:count]
    models = predictors(frames, ORDER)
    forward = applied(models, sound[hop // 2 - ORDER :], hop)
    backward = applied(models, sound[hop // 2 :], hop, ahead=True)
    scaled = models / np.sqrt(np.square(models).sum(axis=1, keepdims=True))
    return forward, backward, applied(scaled, np.pad(forward, (0, ORDER)), hop, ahead=True)


def high_band(rate: int) -> Signal | None:
    """A filter for the band in which voices are weak; None where the rate has too little of it."""
    from scipy.signal import firwin

    low, high = HIGH_HZ[0], min(HIGH_HZ[1], 0.46 * rate)
    if high < 1.2 * low:
        return None
    return np.asarray(firwin(round(HIGH_S * rate / 2) * 2 + 1, [low, high], fs=rate, pass_zero=False))


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
        self._margin = 4 * self._hop
        self._high = high_band(rate)
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
        around = 2 * self._hop  # of error on either side of the batch
        edge = self._margin - around
        part = sound[edge - self._hop // 2 : len(sound) - edge + self._hop // 2]
        forward, backward, matched = prediction_errors(part, self._hop)
        clear_db = self._evidence_db(forward, backward, matched)
        audible = self._level_db(forward) >= QUIETEST_DBFS
        own = slice(around // self._bin, len(clear_db) - around // self._bin)
        bins = np.flatnonzero((clear_db >= self._settings.stands_out_db) & audible)
        bins = bins[(bins >= own.start) & (bins < own.stop)]
        found = []
        # neighbouring bins are one click, which reaches from its clearest bin
        for near in np.split(bins, np.flatnonzero(np.diff(bins) > NEAR_BINS) + 1) if bins.size else ():
            number = int(near[np.argmax(clear_db[near])])
            first = number * self._bin
            peak = first + int(np.argmax(np.abs(matched[first : first + self._bin]))) + edge
            start, stop = self._extent(sound, peak)
            found.append((self._base + start, self._base + stop))
        return [Span(max(0, start), stop) for start, stop in found if stop > 0]

    def _evidence_db(self, forward: Signal, backward: Signal, matched: Signal) -> NDArray[np.float64]:
        """By how much every bin stands out, in what shows it best."""
        clear_db = standing_out_db(self._level_db(matched))
        clear_db = np.maximum(clear_db, standing_out_db(self._level_db(backward)) - BACKWARD_DB)
        if self._high is None:
            return clear_db
        bands = (self._level_db(np.convolve(error, self._high, "same")) for error in (forward, backward))
        high_db = np.mean([standing_out_db(band) for band in bands], axis=0) - HIGH_DB
        return np.asarray(np.maximum(clear_db, high_db))

    def _level_db(self, error: Signal) -> NDArray[np.float64]:
        """The highest sample of every bin."""
        return np.asarray(power_to_db(np.square(error).reshape(-1, self._bin).max(axis=1)))

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
