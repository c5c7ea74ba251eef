"""What all detectors stand on: a page of the original and of the separated voice, whatever became of the bed.

In a cell of time and band the original is speech plus bed; where it stands well over what the bed reaches in the pauses
around, the difference is speech, and a result must hold it (`certain`). In a pause there is no speech, and a result
must hold the lowered bed and nothing else. None of this depends on the result: where several results of one separation
are judged, their pages share their ground.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Span, power_to_db
from mediaclean.settings import Settings
from mediaclean.speech import runs

HOP_S, WINDOW_S = 0.01, 0.032
TOP_HZ = 12_000.0
SPEECH_HZ = (150.0, 4000.0)
CONSONANTS_HZ = (4000.0, 10_000.0)
PAUSE_DB = -12.0
"""The voice lies this far under its own level between words, for at least `PAUSE_S`."""
PAUSE_S, AFTER_WORD_S, BEFORE_WORD_S = 0.2, 0.07, 0.05
QUIET_DB = -25.0
"""With so little voice a frame shows the bed alone."""
AROUND_S, STEP_S, LEAST_S = 2.5, 0.5, 0.15
"""The bed's reach is learned from the frames around, in steps, and not from fewer than these."""

THIRDS_HZ = tuple(100.0 * 2 ** (n / 3) for n in range(3, 19))
"""Edges of thirds of an octave from 200 to 6400 Hz."""

Powers = NDArray[np.float32]
T = TypeVar("T")
S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, eq=False)
class Ground:
    """Frames of `hop` samples; frame 0 begins at sample `start` of the track.

    Attributes:
        inner: the samples that this page answers for; the rest is context.
        sound: the original as one channel, (frames * hop,).
        original, voice: power spectra, (frames, bins); the bins of a band add up to its mean square.
        cross: real part of original times voice, (frames, bins): their power in common.
        hz: the middle of each bin.
        speech: frames that belong to a phrase, (frames,).
    """

    rate: int
    hop: int
    start: int
    inner: Span
    sound: NDArray[np.float32]
    original: Powers
    voice: Powers
    cross: Powers
    hz: NDArray[np.float64]
    speech: NDArray[np.bool_]
    _known: dict[object, Any] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.speech)

    def known(self, find: Callable[[Ground, S], T], settings: S) -> T:
        """What a detector finds in the ground alone: asked for by every result, found once."""
        key = (find, settings)
        if key not in self._known:
            self._known[key] = find(self, settings)
        found: T = self._known[key]
        return found

    def span(self, first: int, stop: int) -> Span:
        """The samples of the frames from `first` to before `stop`."""
        return Span(max(0, self.start + first * self.hop), max(0, self.start + stop * self.hop))

    def frames(self, seconds: float) -> int:
        return max(1, round(seconds * self.rate / self.hop))

    def band(self, power: Powers, low_hz: float, high_hz: float) -> NDArray[np.float64]:
        """Mean square in a band of power spectra, (frames,)."""
        inside = (self.hz >= low_hz) & (self.hz < high_hz)
        return np.asarray(power[:, inside].sum(axis=1, dtype=np.float64))

    def bands(self, power: Powers, edges_hz: Sequence[float]) -> NDArray[np.float64]:
        """Sums over the bands between edges, (frames, bands): only those that the sound's rate has in full."""
        edges = np.searchsorted(self.hz, [edge for edge in edges_hz if edge <= self.hz[-1]])
        return np.asarray(np.add.reduceat(power[:, : edges[-1]], edges[:-1], axis=1), dtype=np.float64)

    def thirds(self, power: Powers) -> NDArray[np.float64]:
        """Sums over thirds of an octave from 200 to 6400 Hz, (frames, 15); fewer at low sample rates."""
        return self.bands(power, THIRDS_HZ)

    @cached_property
    def speech_db(self) -> float:
        """The voice's level in the speech band while it speaks (within 10 dB of its mean); -inf without a voice."""
        power = self.band(self.voice, *SPEECH_HZ)[self.speech]
        if not power.size or power.max() <= 1e-12:
            return -np.inf
        return float(power_to_db(power[power >= 0.1 * power.mean()].mean()))

    @cached_property
    def voice_db(self) -> NDArray[np.float64]:
        """Level of the voice without what it shares with the bed.

        What belongs to the bed and went through as voice lies in both, in phase; the projection on the bed takes it
        out. (With bed b and voice v that is v.v - (v.b)^2 / b.b in every third of an octave, over five frames.)
        """
        original, voice, cross = (smooth(self.thirds(part)) for part in (self.original, self.voice, self.cross))
        bed = original - 2.0 * cross + voice
        common = np.maximum(cross - voice, 0.0)
        own = voice - np.square(common) / np.maximum(bed, 1e-15)
        return power_to_db(np.clip(own, 0.0, voice).sum(axis=1))

    @cached_property
    def quiet(self) -> NDArray[np.bool_]:
        """Frames that show the bed alone."""
        return np.asarray(~self.speech | (self.voice_db < self.speech_db + QUIET_DB))

    @cached_property
    def pauses(self) -> list[tuple[int, int]]:
        """Half-open ranges of frames between words, a little away from the words."""
        low = ~self.speech | (self.voice_db < self.speech_db + PAUSE_DB)
        after, before = self.frames(AFTER_WORD_S), self.frames(BEFORE_WORD_S)
        long = [(a, b) for a, b in runs(low) if b - a >= self.frames(PAUSE_S)]
        return [(a + after if a else a, b - before if b < len(self) else b) for a, b in long]

    @property
    def bed(self) -> Powers:
        """Power spectra of what is not voice, (frames, bins)."""
        power: Powers = np.maximum(self.original - 2.0 * self.cross + self.voice, 0.0)
        return power

    def reach(
        self, power: NDArray[np.floating], quantile: float, shown: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """What the bed reaches around every frame, of columns (frames, k), in the same shape.

        It is learned from the frames in which it is `shown`: of the original, the quiet ones.

        Infinite where too few frames around show the bed alone: nothing is certain there.
        """
        around, step, least = self.frames(AROUND_S), self.frames(STEP_S), self.frames(LEAST_S)
        reached = np.full(power.shape, np.inf)
        for first in range(0, len(self), step):
            near = slice(max(0, first + step // 2 - around), first + step // 2 + around)
            known = power[near][(self.quiet if shown is None else shown)[near]]
            if len(known) >= least:
                reached[first : first + step] = column_quantile(known, quantile)
        return reached

    def certain(self, power: NDArray[np.floating], quantile: float) -> NDArray[np.float64]:
        """Mean square of speech that is surely in columns of the original: what stands over twice the bed's reach."""
        return np.asarray(np.maximum(power - 2.0 * self.reach(power, quantile), 0.0))

    @cached_property
    def loud(self) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Frames that are surely speech for the most part, (frames,), and how much speech is surely in each."""
        original = self.band(self.original, *SPEECH_HZ)
        sure = self.certain(original, 0.8)
        return (sure > 0.5 * original) & (sure > 0.0) & self.speech, sure


def make_ground(
    original: NDArray[np.float32], voice: NDArray[np.float32], *, rate: int, start: int, inner: Span,
    speech: NDArray[np.bool_],
) -> Ground:  # fmt: skip
    """The ground of a page.

    Args:
        original, voice: with half a window more on either side, (2 * reach + frames * hop,).
        rate: in Hz.
        start: position of the first frame.
        inner: the samples that the page answers for.
        speech: frames that belong to a phrase, (frames,).
    """
    heard, spoken = spectra(original, rate), spectra(voice, rate)
    reach = reach_of(rate)
    cross = heard.real * spoken.real + heard.imag * spoken.imag
    hz = bins_hz(rate)
    sound = original[reach : len(original) - reach].copy()  # a view would keep all that it was cut from
    return Ground(rate, hop_of(rate), start, inner, sound, power_of(heard), power_of(spoken), cross, hz, speech)


def spectra(sound: NDArray[np.float32], rate: int) -> NDArray[np.complex64]:
    """Of every frame, (2 * reach + frames * hop,) -> (frames, bins): their power adds up to the mean square."""
    from scipy.fft import rfft

    hop, width = hop_of(rate), hop_of(rate) + 2 * reach_of(rate)
    size = _transform_of(rate)
    window = np.hanning(width + 2)[1:-1].astype(np.float32)
    window *= np.float32(np.sqrt(2.0 / (size * float(np.square(window).sum()))))
    frames = np.lib.stride_tricks.sliding_window_view(sound, width)[::hop]
    found: NDArray[np.complex64] = rfft(frames * window, size)[:, : len(bins_hz(rate))]
    return found


def power_of(found: NDArray[np.complex64]) -> Powers:
    """Power of spectra."""
    return np.asarray(np.square(found.real) + np.square(found.imag))


def bins_hz(rate: int) -> NDArray[np.float64]:
    """The middle of each bin that is looked at."""
    hz: NDArray[np.float64] = np.fft.rfftfreq(_transform_of(rate), 1.0 / rate).astype(np.float64)
    return hz[: int(np.searchsorted(hz, min(TOP_HZ, 0.45 * rate)))]


def _transform_of(rate: int) -> int:
    from scipy.fft import next_fast_len

    return int(next_fast_len(hop_of(rate) + 2 * reach_of(rate), real=True))


def smooth(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over five frames, of (frames, bands)."""
    total = np.cumsum(np.pad(power, ((3, 2), (0, 0)), mode="edge"), axis=0)
    return np.asarray(np.maximum(total[5:] - total[:-5], 0.0) / 5.0)


def column_quantile(values: NDArray[np.floating], quantile: float) -> NDArray[np.floating]:
    """What `numpy.quantile` gives along the first axis, several times as fast: a judgement asks for thousands.

    Args:
        values: (rows, columns) or (rows,), finite, at least one row.
    """
    rows = np.ascontiguousarray(values.T)  # a selection runs well only along memory
    at = quantile * (len(values) - 1)
    below = int(at)
    rows = np.partition(rows, below, axis=-1)
    low = rows[..., below]
    if below + 1 == len(values):
        return np.asarray(low)
    return np.asarray(low + (rows[..., below + 1 :].min(axis=-1) - low) * (at - below))


def hop_of(rate: int) -> int:
    """Samples per frame."""
    return round(HOP_S * rate)


def reach_of(rate: int) -> int:
    """Samples by which a window reaches beyond its frame on either side."""
    return (round(WINDOW_S * rate) - hop_of(rate)) // 2
