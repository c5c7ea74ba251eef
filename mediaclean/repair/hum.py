"""Mains hum: steady lines at 50 or 60 Hz and their multiples, found in the long-term spectrum and notched.

Speech and music come and go, hum stays. So every bin of the spectrum is looked at as it is in its quietest quarter of
half a minute: there, a line of hum stands out of its neighbours. It must do so in a good part of all half minutes,
for a shot may have hum and the next one none. All lines share one fundamental, which the higher ones give to a
hundredth of a Hz; what is no multiple of it is a held note.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples, power_to_db
from mediaclean.downmix import in_step
from mediaclean.repair.records import HumLine
from mediaclean.settings import Settings, setting

WINDOW_S, HOP_S = 2, 1
"""Bins of half a Hz; a longer window would find no pause between words."""
TOP_HZ = 1600.0
MOST_FRAMES = 1024
"""When so many spectra are held, every second one is dropped and only every second one is taken from then on."""
FEWEST_FRAMES = 6
QUIET_SHARE = 0.25
SECTION_FRAMES, HUMMING_SHARE = 30, 0.25

MAINS_HZ = (50.0, 60.0)
WANDER_HZ, STEP_HZ = 0.4, 0.01
"""Mains are held within a quarter of a Hz; a tape or a camera adds its own error."""
NEIGHBOURS_HZ = (1.5, 6.0)
ALONE_DB = 8.0
"""A single line must stand out by so much more: a note may be held for a while."""
LOW_LINES, FAINT_LINES = 6, 10
"""Hum has its strongest lines among the first; higher ones are believed beside them alone. Where there is hum, half of
the clearance will do for the first ten."""
OFF_HZ = 0.15
QUIETEST_DBFS = -100.0

PRIME_S, RUN_UP_S = 2, 4


@dataclass(frozen=True)
class HumSettings(Settings):
    """Mains hum lowered."""

    reduce_db: float = setting(30.0, "dB", "how far the lines are lowered; 0 leaves all as it is", low=0.0, high=60.0)
    stands_out_db: float = setting(
        9.0, "dB", "a steady line that stands out of its neighbours by so much is hum", low=4.0, high=40.0
    )
    width_hz: float = setting(1.0, "Hz", "width of a notch at the fundamental; wider higher up", low=0.2, high=10.0)


class HumFinder:
    """Hears a track and remembers what its spectrum is like up to 1.6 kHz."""

    def __init__(self, rate: int, settings: HumSettings) -> None:
        self._rate, self._settings = rate, settings
        self._size, self._hop = WINDOW_S * rate, HOP_S * rate
        self._window = np.hanning(self._size + 1)[:-1].astype(np.float32)
        self._bins = min(round(TOP_HZ * WINDOW_S), self._size // 2)
        self._held = np.zeros(0, dtype=np.float32)
        self._frames: list[NDArray[np.float16]] = []
        self._step, self._count = 1, 0

    def add(self, samples: Samples) -> None:
        self._held = np.concatenate([self._held, in_step(samples)])
        while len(self._held) >= self._size:
            if self._count % self._step == 0:
                self._frames.append(self._spectrum_db(self._held[: self._size]))
            if len(self._frames) >= MOST_FRAMES:
                self._frames, self._step = self._frames[::2], 2 * self._step
            self._count += 1
            self._held = self._held[self._hop :]

    def result(self) -> list[HumLine]:
        """The lines of hum from the lowest up; none where there is no hum or too little sound to know."""
        if len(self._frames) < FEWEST_FRAMES:
            return []
        sections = np.array_split(np.stack(self._frames), max(1, len(self._frames) // SECTION_FRAMES))
        quiet_db = np.stack([np.quantile(rows.astype(np.float32), QUIET_SHARE, axis=0) for rows in sections])
        level_db = np.quantile(quiet_db, 1.0 - HUMMING_SHARE, axis=0)
        clear_db = np.quantile([standing_out_db(row) for row in quiet_db], 1.0 - HUMMING_SHARE, axis=0)
        clear_db[level_db < QUIETEST_DBFS] = 0.0
        lines = _hum(np.stack(self._frames), clear_db, self._settings.stands_out_db)
        base_hz, reduce_db = _fundamental(lines) if lines else 0.0, self._settings.reduce_db
        return [HumLine(round(line.number * base_hz, 3), reduce_db, line.reason) for line in lines]

    def _spectrum_db(self, sound: NDArray[np.float32]) -> NDArray[np.float16]:
        """A full-scale sine gives -3 dB."""
        from scipy.fft import rfft

        spectrum = rfft(sound * self._window)[: self._bins + 1]
        return power_to_db(np.square(np.abs(spectrum)) * 2.0 / (self._size / 2.0) ** 2).astype(np.float16)


def standing_out_db(level_db: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much every bin is above the median of its neighbours."""
    near, far = (round(distance * WINDOW_S) for distance in NEIGHBOURS_HZ)
    padded = np.pad(level_db, far, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * far + 1)
    beside = np.concatenate([around[:, : far - near + 1], around[:, far + near :]], axis=1)
    return np.asarray(level_db - np.median(beside, axis=1))


def _best(clear_db: NDArray[np.float64], mains_hz: float, limit_db: float) -> tuple[float, float]:
    """The fundamental near `mains_hz` whose multiples stand out most, and by how much they do in all."""
    candidates = np.arange(mains_hz - WANDER_HZ, mains_hz + WANDER_HZ + STEP_HZ / 2, STEP_HZ)
    numbers = np.arange(1, int(TOP_HZ / (mains_hz + WANDER_HZ)))
    places = candidates[:, None] * numbers * WINDOW_S
    there = np.interp(places, np.arange(len(clear_db)), clear_db, right=0.0)
    scores = np.clip(there - limit_db / 2, 0.0, 20.0).sum(axis=1)
    best = int(np.argmax(scores))
    return float(candidates[best]), float(scores[best])


@dataclass(frozen=True)
class _Line:
    """A multiple of the mains that stands out, as it was measured."""

    number: int
    frequency_hz: float
    clear_db: float

    @property
    def reason(self) -> str:
        return f"stands {self.clear_db:.0f} dB out of its neighbours"


def _hum(frames: NDArray[np.float16], clear_db: NDArray[np.float64], limit_db: float) -> list[_Line]:
    """The lines that share a fundamental near that of the mains; none unless a low one is beyond doubt."""

    def measured(least_db: float) -> list[_Line]:
        found = _peaks(clear_db, base_hz, least_db)
        return [_Line(number, _place_hz(frames, place), clear) for number, place, clear in found]

    base_hz = max((_best(clear_db, mains_hz, limit_db) for mains_hz in MAINS_HZ), key=lambda found: found[1])[0]
    lines = measured(limit_db)
    low = [line for line in lines if line.number <= LOW_LINES]
    if not low or (len(low) == 1 and low[0].clear_db < limit_db + ALONE_DB):
        return []
    base_hz = _fundamental(low)
    if len(low) > 1:
        faint = [line for line in measured(limit_db / 2.0) if line.number <= FAINT_LINES]
        lines = [*faint, *(line for line in lines if line.number > FAINT_LINES)]
    return [line for line in lines if abs(line.frequency_hz - line.number * base_hz) < OFF_HZ]


def _peaks(clear_db: NDArray[np.float64], base_hz: float, limit_db: float) -> Iterator[tuple[int, int, float]]:
    """Number, bin and clearance of every multiple that stands out."""
    for number in range(1, int(TOP_HZ / base_hz)):
        middle = round(number * base_hz * WINDOW_S)
        nearby = clear_db[middle - 1 : middle + 2]
        if nearby.size and nearby.max() >= limit_db:
            yield number, middle - 1 + int(np.argmax(nearby)), float(nearby.max())


def _place_hz(frames: NDArray[np.float16], place: int) -> float:
    """A line's frequency, between bins by a parabola through its peak in decibels; the median of those frames in which
    it stands out most, for in the others something else may sound."""
    near, far = (round(distance * WINDOW_S) for distance in NEIGHBOURS_HZ)
    beside = [
        *range(max(0, place - far), place - near + 1),
        *range(place + near, min(place + far + 1, frames.shape[1])),
    ]
    left, middle, right = frames[:, place - 1 : place + 2].astype(np.float64).T
    clear_db = middle - np.median(frames[:, beside].astype(np.float64), axis=1)
    bend = np.minimum(left - 2.0 * middle + right, -1e-3)
    off = np.clip((left - right) / (2.0 * bend), -1.0, 1.0)
    best = clear_db >= np.quantile(clear_db, 1.0 - HUMMING_SHARE)
    return float(place + np.median(off[best])) / WINDOW_S


def _fundamental(lines: Sequence[_Line]) -> float:
    """Least squares over the lines."""
    numbers = np.array([line.number for line in lines], dtype=np.float64)
    weights = np.array([line.clear_db for line in lines])
    places = np.array([line.frequency_hz for line in lines])
    return float((weights * numbers * places).sum() / (weights * numbers * numbers).sum())


def notches(lines: Sequence[HumLine], settings: HumSettings, rate: int) -> NDArray[np.float64]:
    """Second-order sections, each with a gain of -reduce_db at its line and of 1 far from it; (lines, 6).

    Orfanidis, Introduction to Signal Processing, section 11.4: ((1 + gb) - 2c/z + (1 - gb)/z²) / ((1 + b) - 2c/z +
    (1 - b)/z²), with c the cosine of the line and b the tangent of half the width.
    """
    frequency = np.array([line.frequency_hz for line in lines])
    gain = 10.0 ** (-np.array([line.reduce_db for line in lines]) / 20.0)
    width = np.tan(np.pi * settings.width_hz * (1.0 + frequency / 500.0) / rate)
    middle = -2.0 * np.cos(2.0 * np.pi * frequency / rate)
    sections = np.stack([1.0 + gain * width, middle, 1.0 - gain * width, 1.0 + width, middle, 1.0 - width], axis=1)
    return np.asarray(sections / sections[:, 3:4])


def dehummed(
    chunks: Iterable[Samples], lines: Sequence[HumLine], settings: HumSettings, rate: int
) -> Iterator[Samples]:
    """The sound with its lines lowered.

    The filters run from the track's first sample on, so the sizes of the chunks do not matter. They would take a second
    to learn the hum; so they hear its steady part, fitted to the first two seconds, for a while before.
    """
    from scipy.signal import sosfilt

    if not lines:
        yield from chunks
        return
    sections = notches(lines, settings, rate)
    state: NDArray[np.float64] | None = None
    for chunk in _first_whole(chunks, PRIME_S * rate):
        if state is None:
            run_up = _steady(chunk[:, : PRIME_S * rate], lines, rate)
            state = np.zeros((len(sections), len(chunk), 2))
            state = sosfilt(sections, run_up, axis=1, zi=state)[1]
        sound, state = sosfilt(sections, chunk.astype(np.float64), axis=1, zi=state)
        yield np.asarray(sound, dtype=np.float32)


def _first_whole(chunks: Iterable[Samples], count: int) -> Iterator[Samples]:
    """The same sound; its first chunk has at least `count` samples, where there are so many."""
    held: list[Samples] = []
    flow = iter(chunks)
    for chunk in flow:
        held.append(chunk)
        if sum(part.shape[1] for part in held) >= count:
            break
    if held:
        yield np.concatenate(held, axis=1)
    yield from flow


def _steady(sound: Samples, lines: Sequence[HumLine], rate: int) -> NDArray[np.float64]:
    """The lines as they were in the seconds before the first sample, (channels, n), fitted to the first ones."""
    frequency = np.array([line.frequency_hz for line in lines])

    def waves(first: int, stop: int) -> NDArray[np.float64]:
        phase = 2.0 * np.pi * np.outer(np.arange(first, stop) / rate, frequency)
        return np.concatenate([np.cos(phase), np.sin(phase)], axis=1)

    there = waves(0, sound.shape[1])
    # towards silence, lest lines that a short sound cannot tell apart become large
    square = there.T @ there + 1e-3 * sound.shape[1] * np.eye(there.shape[1])
    weights = np.linalg.solve(square, there.T @ sound.T.astype(np.float64))
    return np.asarray((waves(-RUN_UP_S * rate, 0) @ weights).T)
