"""What the voice is like every 10 ms: loudness, bands, and whether it is voiced. Every decision is taken from this.

One spectrum of 32 ms per frame gives all of it. Levels are held in half precision, about 1 MB per track and hour each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import FLOOR_DB, Block, Samples, Span, merge, power_to_db
from mediaclean.downmix import Downmix
from mediaclean.loudness.kweight import KWeighting

HOP_S = 0.01
WINDOW_S = 0.032
BATCH = 128
"""Frames are worked on in groups that their number fixes, so that nothing depends on the size of a block."""

LOW_HZ, MID_HZ, HIGH_HZ, TOP_HZ = 80.0, 600.0, 4500.0, 12_000.0
CONSONANTS_HZ = (2500.0, 6000.0)
PITCH_HZ = (75.0, 400.0)
VOICING_HZ = (100.0, 1200.0)

Levels = NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class VoiceFrames:
    """Frames of `hop` samples from position `start` on; every array has the shape (frames,).

    Attributes:
        length: samples that were heard; the last frame may reach beyond them.
        loud_db: K-weighted level of the voice's downmix in dB.
        mid_db, high_db: its level from 600 to 4500 Hz and above.
        voicing: height of the pitch's peak in the autocorrelation, 0 for noise to 1 for a steady note.
        consonants_db, mix_consonants_db: level from 2.5 to 6 kHz of the voice and of the mix.
    """

    rate: int
    hop: int
    start: int
    length: int
    loud_db: Levels
    mid_db: Levels
    high_db: Levels
    voicing: Levels
    consonants_db: Levels
    mix_consonants_db: Levels

    def __len__(self) -> int:
        return len(self.loud_db)

    def of(self, span: Span) -> slice:
        """The frames whose middle lies in a span."""
        first = -(-(span.start - self.start - self.hop // 2) // self.hop)
        stop = -(-(span.stop - self.start - self.hop // 2) // self.hop)
        return slice(min(max(first, 0), len(self)), min(max(stop, 0), len(self)))

    def span(self, first: int, stop: int) -> Span:
        """The samples of the frames `first` to `stop`, the last one excluded."""
        return Span(self.start + first * self.hop, self.start + min(stop * self.hop, self.length))


def heard(block: Block, cuts: Sequence[Span], fade: int) -> Samples:
    """Where the voice can be heard: the separated voice inside cuts, and outside of them all there is, because there
    nothing had to be separated. Shape (channels, n)."""
    from mediaclean.render import trapezoid

    separated = trapezoid(cuts, fade, block.start, block.mix.shape[1])
    return np.asarray(block.mix - separated * block.bed, dtype=np.float32)


def listen(
    blocks: Iterable[Block], *, rate: int, downmix: Downmix, cuts: Sequence[Span] = (), fade: int = 1
) -> VoiceFrames:
    """Hear the separated sound once.

    Args:
        blocks: in order, from any position on.
        rate: in Hz.
        downmix: which channels hold the voice.
        cuts: what was separated.
        fade: samples over which cuts are joined to the rest.
    """
    ear = _Ear(rate)
    spans = merge(cuts)
    for block in blocks:
        voice = heard(block, spans, fade)
        ear.add(block.start, np.stack([downmix(sound) for sound in (voice, block.mix)]))
    return ear.result()


class _Ear:
    """Spectra of two signals, voice and mix, frame by frame."""

    def __init__(self, rate: int) -> None:
        from scipy.fft import next_fast_len

        self._rate, self._hop, self._width = rate, round(HOP_S * rate), round(WINDOW_S * rate)
        self._size = next_fast_len(self._width * 3 // 2, real=True)  # room for the lags of the pitch
        self._window = np.hanning(self._width + 2)[1:-1].astype(np.float32)
        self._bands, self._low = _bands(rate, self._size, self._window)
        self._lags = slice(round(rate / PITCH_HZ[1]), round(rate / PITCH_HZ[0]) + 1)
        own = np.fft.irfft(np.abs(np.fft.rfft(self._window, self._size)) ** 2, self._size)
        self._taper = (own / own[0])[self._lags]
        self._held = np.zeros((2, (self._width - self._hop) // 2), dtype=np.float32)
        self._start: int | None = None
        self._count = 0
        self._rows: list[Levels] = []

    def add(self, start: int, sound: Samples) -> None:
        if self._start is None:
            self._start = start
        self._held = np.concatenate([self._held, sound], axis=1)
        self._count += sound.shape[1]
        needed = (BATCH - 1) * self._hop + self._width
        while self._held.shape[1] >= needed:
            self._rows.append(self._measure(self._held[:, :needed]))
            self._held = self._held[:, BATCH * self._hop :]

    def result(self) -> VoiceFrames:
        frames = -(-self._count // self._hop)
        needed = (BATCH - 1) * self._hop + self._width
        while BATCH * len(self._rows) < frames:
            self._rows.append(self._measure(np.pad(self._held, ((0, 0), (0, needed)))[:, :needed]))
            self._held = self._held[:, BATCH * self._hop :]
        rows = np.concatenate([np.zeros((6, 0), np.float16), *self._rows], axis=1)[:, :frames]
        return VoiceFrames(self._rate, self._hop, self._start or 0, self._count, *rows)

    def _measure(self, sound: Samples) -> Levels:
        """Rows of `VoiceFrames` for a batch of frames, (6, frames)."""
        from scipy.fft import rfft

        same = np.array_equal(sound[0], sound[1])  # nothing separated here: one spectrum is enough
        frames = np.lib.stride_tricks.sliding_window_view(sound[:1] if same else sound, self._width, axis=1)
        spectra = rfft(frames[:, :: self._hop] * self._window, self._size)
        power = np.square(spectra.real) + np.square(spectra.imag)
        loud, mid, high, consonants = power_to_db(power[0] @ self._bands).T
        mix_consonants = power_to_db(power[-1] @ self._bands[:, 3])
        rows = [loud, mid, high, self._voicing(power[0]), consonants, mix_consonants]
        return np.stack(rows).astype(np.float16)

    def _voicing(self, power: NDArray[np.float32]) -> NDArray[np.float64]:
        """Autocorrelation of the band of the pitch and its first harmonics, freed of the window's own."""
        from scipy.fft import irfft

        likeness = irfft(power * self._low, self._size)
        peak = (likeness[:, self._lags] / self._taper).max(axis=1)
        return np.asarray(np.clip(peak / np.maximum(likeness[:, 0], 1e-20), 0.0, 1.0))


def _bands(rate: int, size: int, window: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights that turn a power spectrum into mean squares (K-weighted, mid, high, consonants), (bins, 4); and the
    band in which voicing is sought, (bins,)."""
    frequency = np.fft.rfftfreq(size, 1.0 / rate)
    impulse = np.zeros((1, size), dtype=np.float32)
    impulse[0, 0] = 1.0
    weighting = np.abs(np.fft.rfft(KWeighting(rate, 1)(impulse)[0])) ** 2
    scale = 2.0 / (size * np.square(window).sum())

    def between(low: float, high: float) -> NDArray[np.float64]:
        return np.asarray((frequency >= low) & (frequency < high), dtype=np.float64)

    weights = [
        weighting * between(LOW_HZ, rate),
        between(MID_HZ, HIGH_HZ),
        between(HIGH_HZ, TOP_HZ),
        between(*CONSONANTS_HZ),
    ]
    return (np.stack(weights, axis=1) * scale).astype(np.float32), between(*VOICING_HZ).astype(np.float32)


def speech_level(frames: VoiceFrames, spans: Sequence[Span]) -> float:
    """K-weighted level of the syllables in dB: the mean of what comes within 10 dB of the mean, so that pauses do not
    count; minus infinity where there is no sound.

    The gate is that of BS.1770, taken relative to these spans alone.
    """
    inside = np.concatenate([np.zeros(0), *(frames.loud_db[frames.of(span)] for span in spans)])
    power = 10.0 ** (inside.astype(np.float64) / 10.0)
    if not power.size or power.max() <= 10.0 ** (FLOOR_DB / 10.0):
        return -np.inf
    return float(power_to_db(power[power >= 0.1 * power.mean()].mean()))
