"""Does somebody sing there? A band that is ducked under its own singer is a song spoilt.

Whoever sings holds notes; whoever speaks glides from one syllable to the next and hardly ever stays on a pitch for a
quarter of a second. So the pitch of the separated voice is followed (autocorrelation, normalised by that of the window:
Boersma, Proc. IFA 17, 1993), and counted is how much of what is voiced and loud belongs to a held note. An interview
over a song counts as speech: the pitch that is found is that of the louder voice. Half of the singing is found, and no
talk was taken for it but one over a song that goes on in its pauses; so it is told, and acted upon where that is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mediaclean.audio import Block, Span
from mediaclean.downmix import Downmix
from mediaclean.resample import Resampler
from mediaclean.series import Series

SINGS = "somebody sings: lowering the band would spoil the song"
"""Why a dip is none."""

RATE = 8_000
WINDOW, HOP = 512, 128
LOWEST_HZ, HIGHEST_HZ = 70.0, 500.0
VOICED = 0.6
"""Least correlation with itself one period later."""
FIRST_PEAK = 0.88
"""The shortest period that correlates this well, against the best one: longer ones are its multiples."""
LOUD_DB = -20.0
"""Under the loudest twentieth; breath, and what is left of a bed between words, lie deeper."""
SPREAD_SEMITONES, NOTE_S = 0.5, 0.24
"""A pitch is held that stays within this for that long."""

AROUND_S = 20.0
"""So much before and after a phrase is heard with it: a single long vowel is no song."""
SUNG_SHARE, SUNG_S, SUNG_SEMITONES = 0.1, 1.0, 2.0
"""More than this of what is voiced is held where somebody sings, so long altogether, and on notes so far apart: who
talks on one tone, as some synthetic voices do, does not sing. How often it is right: `python -m benchmarks.songs`."""
SIDE_SHARE, SIDE_S = 0.06, 4.0
"""And more than this of a phrase with what is before it, and with what is after it, where so much is voiced there: talk
that begins where a song ends is talk."""
OWN_PART, OWN_S = 0.15, 0.5
"""And this part of that share in the phrase itself, if so much of it is voiced."""


@dataclass(frozen=True)
class Held:
    """How much of a stretch is voiced and loud, how much of that is held on notes, in seconds, and how far apart these
    lie, in semitones (between the highest and the lowest tenth)."""

    voiced_s: float = 0.0
    held_s: float = 0.0
    range_semitones: float = 0.0

    @property
    def share(self) -> float:
        return self.held_s / self.voiced_s if self.voiced_s else 0.0


class NoteEar:
    """Follows the pitch of the voice of blocks on their way.

    Args:
        rate: of the blocks in Hz.
        downmix: which channels are heard.
    """

    def __init__(self, rate: int, downmix: Downmix) -> None:
        self._rate = rate
        self._downmix = downmix
        self._resampler = Resampler(rate, RATE)
        self._rest = np.zeros(0, np.float32)
        self._pitch, self._power = Series(np.float32), Series(np.float32)
        self._frames: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    def listen(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Pass the blocks through."""
        for block in blocks:
            self._hear(self._resampler.add(self._downmix(block.voice)))
            yield block
        self._hear(self._resampler.flush())

    def _hear(self, sound: NDArray[np.float32]) -> None:
        held = np.concatenate([self._rest, sound])
        count = max(0, (len(held) - WINDOW) // HOP + 1)
        if count:
            pitch, power = pitches(sliding_window_view(held, WINDOW)[: count * HOP : HOP])
            self._pitch.add(pitch)
            self._power.add(power)
        self._rest = held[count * HOP :]

    def held(self, span: Span) -> Held:
        """How much of a span is held on notes; to be asked when all blocks are through."""
        if self._frames is None:
            self._frames = self._pitch.result(), self._power.result()
        first, last = (at * RATE // self._rate // HOP for at in (span.start, span.stop))
        pitch, power = self._frames
        return notes(pitch[first:last], power[first:last])

    def sings(self, span: Span, separated: Span) -> bool:
        """Whether a phrase is sung and not spoken, by itself and by what is around it.

        Args:
            span: of the phrase.
            separated: what was separated there; beyond it the voice is the mix, with all its instruments.
        """
        around = round(AROUND_S * self._rate)
        before = Span(min(max(separated.start, span.start - around), span.start), span.start)
        after = Span(span.stop, max(min(separated.stop, span.stop + around), span.stop))
        whole = self.held(Span(before.start, after.stop))
        if whole.share <= SUNG_SHARE or whole.held_s <= SUNG_S or whole.range_semitones < SUNG_SEMITONES:
            return False
        own = self.held(span)
        if own.voiced_s >= OWN_S and own.share < OWN_PART * whole.share:
            return False
        sides = ((before, Span(before.start, span.stop)), (after, Span(span.start, after.stop)))
        return all(self.held(both).share > SIDE_SHARE for side, both in sides if self.held(side).voiced_s >= SIDE_S)


def semitones(hz: NDArray[np.floating]) -> NDArray[np.float64]:
    """Pitch as a MIDI number: 69 at 440 Hz, 12 to the octave."""
    return np.asarray(69.0 + 12.0 * np.log2(hz / 440.0), np.float64)


def hertz(number: NDArray[np.floating]) -> NDArray[np.float64]:
    """Frequency of a MIDI number."""
    return np.asarray(440.0 * 2.0 ** ((number - 69.0) / 12.0), np.float64)


def pitches(windows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pitch in semitones (MIDI numbers; NaN where nothing is voiced) and mean power of windows (count, `WINDOW`)."""
    from scipy.fft import irfft, rfft

    shape = np.hanning(WINDOW).astype(np.float32)
    own = irfft(np.square(np.abs(rfft(shape, 2 * WINDOW))))[:WINDOW]
    tapered = (windows - windows.mean(axis=1, keepdims=True)) * shape
    spectra = rfft(tapered, 2 * WINDOW)
    correlation = irfft(np.square(spectra.real) + np.square(spectra.imag))[:, :WINDOW]
    power = correlation[:, 0] / np.float32(np.square(shape).sum())
    shortest, longest = int(RATE / HIGHEST_HZ), int(RATE / LOWEST_HZ)
    near = slice(shortest - 1, longest + 2)
    alike = correlation[:, near] / (np.maximum(correlation[:, :1], 1e-12) * (own[near] / own[0]))
    middle, before, after = alike[:, 1:-1], alike[:, :-2], alike[:, 2:]
    best = middle.max(axis=1, keepdims=True)
    peaks = (middle > before) & (middle >= after) & (middle >= np.maximum(FIRST_PEAK * best, VOICED))
    first, rows = peaks.argmax(axis=1), np.arange(len(windows))
    left, top, right = before[rows, first], middle[rows, first], after[rows, first]
    bend = left - 2.0 * top + right
    offset = np.where(bend < 0.0, 0.5 * (left - right) / np.minimum(bend, -1e-9), 0.0)
    period = shortest + first + np.clip(offset, -0.5, 0.5)
    return np.where(peaks.any(axis=1), semitones(RATE / period), np.nan).astype(np.float32), power.astype(np.float32)


def notes(pitch: NDArray[np.float32], power: NDArray[np.float32]) -> Held:
    """How much of a stretch is held on notes, from its frames' pitch and power."""
    length = round(NOTE_S * RATE / HOP)
    if len(pitch) < length:
        return Held()
    loud = power > np.percentile(power, 95) * 10.0 ** (LOUD_DB / 10.0)
    voiced = np.isfinite(pitch) & loud
    runs = sliding_window_view(np.where(voiced, pitch, np.nan), length)
    steady = runs.max(axis=1) - runs.min(axis=1) < SPREAD_SEMITONES  # false where a frame is not voiced
    held = np.convolve(steady, np.ones(length)) > 0.5
    voiced_s, held_s = (int(np.count_nonzero(some)) * HOP / RATE for some in (voiced, held))
    low, high = np.percentile(pitch[held], (10, 90)) if held_s else (0.0, 0.0)
    return Held(voiced_s, held_s, float(high - low))
