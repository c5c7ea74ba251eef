"""A room tone as a model: learned from quiet stretches, synthesised without end.

Room tone is taken as a stationary Gaussian process: all that can be heard of it is its power spectrum in every
channel and the coherence between channels. Both are learned by short-time spectra and given back by frames of
random phase, so a synthesised tone has no loop, no event and no length.

The random phases come from a counter-based generator (Philox; Salmon et al., 2011) addressed by frame number: the
tone is a pure function of model, seed and position. Any block size and any seek give the same samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples, power_to_db

FRAME_S = 0.085
"""Length of a short-time frame: 12 Hz of resolution, and five statistics in half a second of source."""

_SPEED_OF_SOUND = 343.0
_SPACING_M = 0.2
_PHASES = 4096
_ANGLE = (2.0 * np.pi / _PHASES) * np.arange(_PHASES)
_COS, _SIN = np.cos(_ANGLE).astype(np.float32), np.sin(_ANGLE).astype(np.float32)
_MAX_SEED = 2**63 - 1
_OVERLAP = 1.5  # bins that a Hann window makes one


@dataclass(frozen=True, eq=False)
class ToneModel:
    """The second-order statistics of a room tone.

    Attributes:
        rate: in Hz.
        covariance: complex64 of shape (channels, channels, bins), Hermitian in the first two axes. The diagonal is
            the power spectrum per sample: white noise of variance v has v in every bin.
        learned_s: how much source it was learned from, 0 for a made-up floor.
    """

    rate: int
    covariance: NDArray[np.complex64]
    learned_s: float

    @property
    def channels(self) -> int:
        return int(self.covariance.shape[0])

    @property
    def frame(self) -> int:
        """Samples per short-time frame; an even number."""
        return 2 * (int(self.covariance.shape[2]) - 1)

    @property
    def power(self) -> NDArray[np.float64]:
        """Power spectrum of every channel, (channels, bins)."""
        return np.asarray(np.einsum("ccb->cb", self.covariance).real, dtype=np.float64)

    @property
    def level_dbfs(self) -> float:
        """Root-mean-square level over all channels, as `audio.rms_dbfs` would measure it."""
        inner = self.power[:, 1:-1]
        return float(power_to_db(2.0 * inner.sum() / (self.frame * self.channels)))


def frame_length(rate: int) -> int:
    """The power of two nearest to `FRAME_S` at `rate`: 4096 at 48 kHz, 1024 at 16 kHz."""
    return int(2 ** round(np.log2(max(FRAME_S * rate, 64.0))))


def learn(sources: Sequence[Samples], rate: int) -> ToneModel:
    """The tone of some quiet stretches.

    The shape of the spectrum is, in every bin, the mean of the lowest four fifths of the frames; its level is, in
    every third of an octave, the median over the frames; both are freed from the bias that they have in Gaussian
    noise. A click or a cough in less than a fifth of the frames moves neither. (A median per bin alone bears more,
    but real tone is rougher than Gaussian noise, as rain is, and it came out 1 dB low on held-out tone.) Coherence is
    taken from the frames that are not outliers, over a third of an octave, and freed from the bias of few frames.

    Args:
        sources: stretches of shape (channels, n); those shorter than one frame are left out.
        rate: in Hz.

    Raises:
        ValueError: when no stretch is as long as one frame, or channels differ.
    """
    size = frame_length(rate)
    long = [source for source in sources if source.shape[1] >= size]
    if not long:
        raise ValueError(f"a tone needs a stretch of at least {size} samples")
    if len({source.shape[0] for source in long}) != 1:
        raise ValueError("all sources of a tone must have the same channels")
    spectra = np.concatenate([_spectra(source, size) for source in long], axis=1)
    power = np.square(np.abs(spectra))
    usual = _trimmed(power) * _roughness(power)
    # The fewer frames, the more a bin's own value is chance, and the more its neighbours must say.
    smooth = _smooth(usual, octaves=min(1.0, 20 / power.shape[1]) / 12, least=0)
    covariance = _coherence(spectra, power, usual) * np.sqrt(smooth[:, None, :] * smooth[None, :, :])
    covariance[:, :, 0] = 0.0  # no direct current
    learned_s = sum(source.shape[1] for source in long) / rate
    return ToneModel(rate, covariance.astype(np.complex64), learned_s)


def floor_model(level_dbfs: float, rate: int, channels: int, silent: Sequence[int] = ()) -> ToneModel:
    """A plausible floor for a recording that has no usable tone: pink above 60 Hz, soft above 12 kHz.

    Channels cohere as two microphones 20 cm apart in a diffuse field do, by sin(x)/x (Cook et al., 1955).

    Args:
        level_dbfs: root-mean-square level of every channel that is not silent.
        rate: in Hz.
        channels: how many.
        silent: channels without any sound, from 0: an LFE, a dead one.
    """
    size = frame_length(rate)
    frequency = np.fft.rfftfreq(size, 1.0 / rate)
    shape = 1.0 / np.maximum(frequency, 60.0) / (1.0 + (frequency / 12000.0) ** 4)
    shape *= (frequency / 60.0) ** 2 / (1.0 + (frequency / 60.0) ** 2)
    shape *= 10.0 ** (level_dbfs / 10.0) * size / (2.0 * shape[1:-1].sum())
    cohere = np.maximum(np.sinc(2.0 * frequency * _SPACING_M / _SPEED_OF_SOUND), 0.0)
    matrix = np.where(np.eye(channels, dtype=bool)[:, :, None], 1.0, cohere[None, None, :])
    matrix[list(silent)] = 0.0
    matrix[:, list(silent)] = 0.0
    return ToneModel(rate, (matrix * shape).astype(np.complex64), 0.0)


class ToneSynth:
    """An endless tone: frames of random phase under a power-complementary window, half overlapped.

    Frame *f* starts at sample ``(f - 1) * hop``. Every frame has exactly the power of the model, and the squares of
    the window add to one, so the power is the same at every sample.

    Args:
        model: what it sounds like.
        seed: which of all tones that sound like it.
        gain_db: level against the model's.
    """

    def __init__(self, model: ToneModel, seed: int = 0, gain_db: float = 0.0) -> None:
        self.model = model
        self._key = int(seed) & _MAX_SEED
        size = model.frame
        self._hop = size // 2
        self._bins = size // 2 - 1  # without direct current and the Nyquist bin
        self._window = _window(size)
        scale = np.sqrt(size) * 10.0 ** (gain_db / 20.0)
        self._mixing = (scale * _factor(model.covariance[:, :, 1:-1])).astype(np.complex64)
        draws = model.channels * self._bins
        self._blocks = -(-draws // 16)  # one count of Philox is four words of 64 bits, 16 phases

    @property
    def channels(self) -> int:
        return self.model.channels

    def read(self, start: int, length: int) -> Samples:
        """The samples ``start <= t < start + length`` of the tone, (channels, length)."""
        out = np.zeros((self.channels, length), dtype=np.float32)
        hop = self._hop
        first, last = start // hop, (start + length - 1) // hop + 1
        for low in range(first, last + 1, 64):
            frames = self._frames(low, min(low + 64, last + 1))
            for index in range(frames.shape[1]):
                begin = (low + index - 1) * hop - start
                head, tail = max(begin, 0), min(begin + 2 * hop, length)
                if head < tail:
                    out[:, head:tail] += frames[:, index, head - begin : tail - begin]
        return out

    def _frames(self, first: int, last: int) -> NDArray[np.float32]:
        """Windowed frames ``first <= f < last`` of shape (channels, frames, 2 * hop)."""
        count, channels, bins = last - first, self.channels, self._bins
        source = np.random.Philox(key=self._key, counter=first * self._blocks)
        words = source.random_raw(count * self._blocks * 4).astype("<u8", copy=False)
        phase = (words.view("<u2") & (_PHASES - 1)).reshape(count, -1)[:, : channels * bins]
        phase = phase.reshape(count, channels, bins)
        cos, sin = _COS[phase], _SIN[phase]
        spectrum = np.zeros((channels, count, bins + 2), dtype=np.complex64)
        for out in range(channels):
            # Real and imaginary parts apart: each is one rounded operation, the same in every lane and block.
            real, imag = spectrum[out, :, 1:-1].real, spectrum[out, :, 1:-1].imag
            for into in range(out + 1):
                gain = self._mixing[out, into]
                real += gain.real * cos[:, into]
                imag += gain.real * sin[:, into]
                if into < out:
                    real -= gain.imag * sin[:, into]
                    imag += gain.imag * cos[:, into]
        frames = np.fft.irfft(spectrum, n=2 * self._hop, axis=2)
        return np.asarray(frames * self._window, dtype=np.float32)


def _window(size: int) -> NDArray[np.float32]:
    """A window whose squares add to one at half overlap; its skirts fall faster than those of the sine window."""
    sine = np.sin(np.pi * (np.arange(size) + 0.5) / size)
    return np.sin(0.5 * np.pi * sine * sine).astype(np.float32)


def _spectra(source: Samples, size: int) -> NDArray[np.complex64]:
    """Hann-windowed short-time spectra at half overlap, (channels, frames, bins), scaled to power per sample."""
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    window /= np.sqrt(np.square(window).sum())
    swing = source - source.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    views = np.lib.stride_tricks.sliding_window_view(swing, size, axis=1)[:, :: size // 2]
    return np.asarray(np.fft.rfft(views * window, axis=2), dtype=np.complex64)


def _trimmed(power: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean power per bin from the lowest four fifths of the frames, unbiased for Gaussian noise."""
    frames = power.shape[1]
    kept = max(1, round(0.8 * frames))
    # Means of the order statistics of n exponentials: the i-th lowest is sum of 1/j over j = n - i + 1 .. n.
    expected = np.cumsum(1.0 / np.arange(frames, 0, -1))[:kept].mean()
    lowest = np.partition(power, kept - 1, axis=1)[:, :kept]
    return np.asarray(lowest.mean(axis=1, dtype=np.float64) / expected)


def _roughness(power: NDArray[np.float32]) -> NDArray[np.float64]:
    """What the trimmed mean lacks where single bins are rougher than Gaussian noise, as a factor per bin.

    The power of a third of an octave is the sum of m bins: a gamma variable, whose median over the frames is
    (1 - 1/(9 m))^3 of its mean (Wilson and Hilferty, 1931), and follows the tone's typical level.
    """
    bands = _smooth(power, octaves=1 / 3, least=4)
    looks = _width(power.shape[2], octaves=1 / 3, least=4) / _OVERLAP
    typical = np.median(bands, axis=1) / (1.0 - 1.0 / (9.0 * looks)) ** 3
    return np.asarray(typical / np.maximum(_smooth(_trimmed(power), octaves=1 / 3, least=4), 1e-30))


def _coherence(
    spectra: NDArray[np.complex64], power: NDArray[np.float32], mean: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Complex coherence (channels, channels, bins) of the frames whose power is no outlier."""
    channels, frames, bins = spectra.shape
    result = np.zeros((channels, channels, bins), dtype=np.complex128)
    result[np.arange(channels), np.arange(channels)] = 1.0
    # Ten times the mean: one frame in 20000 by chance. A lower limit cuts off what channels share when both are loud.
    usual = np.all(power <= 10.0 * mean[:, None, :], axis=0)
    for a in range(channels):
        for b in range(a):
            cross = _smooth((spectra[a] * spectra[b].conj() * usual).sum(axis=0), octaves=1 / 3, least=4)
            one = _smooth((power[a] * usual).sum(axis=0), octaves=1 / 3, least=4)
            two = _smooth((power[b] * usual).sum(axis=0), octaves=1 / 3, least=4)
            value = cross / np.sqrt(np.maximum(one * two, 1e-30))
            # E|γ|² of independent channels is 1/m for m independent looks; half-overlapped frames are 0.9 looks each.
            looks = 0.9 * frames * _width(bins, octaves=1 / 3, least=4) / _OVERLAP
            square = np.square(np.abs(value))
            honest = np.clip((square * looks - 1.0) / np.maximum(looks - 1.0, 1e-9), 0.0, 1.0)
            value *= np.sqrt(honest / np.maximum(square, 1e-30))
            result[a, b], result[b, a] = value, value.conj()
    return result


def _width(bins: int, octaves: float, least: int) -> NDArray[np.int64]:
    """Bins in a window of `octaves` around every bin, at least `least` to either side."""
    half = np.maximum((np.arange(bins) * (2.0 ** (octaves / 2.0) - 1.0)).astype(np.int64), least)
    index = np.arange(bins)
    return np.asarray(np.minimum(index + half, bins - 1) - np.maximum(index - half, 0) + 1)


def _smooth(values: NDArray[Any], octaves: float, least: int) -> NDArray[Any]:
    """Mean over a window of constant relative width along the last axis, so that low lines stay lines."""
    bins = values.shape[-1]
    half = np.maximum((np.arange(bins) * (2.0 ** (octaves / 2.0) - 1.0)).astype(np.int64), least)
    index = np.arange(bins)
    low, high = np.maximum(index - half, 0), np.minimum(index + half + 1, bins)
    wide = np.complex128 if np.iscomplexobj(values) else np.float64
    total = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1, dtype=wide)], axis=-1)
    return np.asarray((total[..., high] - total[..., low]) / (high - low))


def _factor(covariance: NDArray[np.complex64]) -> NDArray[np.complex128]:
    """Lower triangular L with ``L @ L^H = covariance`` in every bin, (channels, channels, bins).

    Cholesky by columns, with pivots held at zero: coherence estimated pair by pair need not be a positive matrix.
    """
    matrix = covariance.astype(np.complex128)
    lower = np.zeros_like(matrix)
    for column in range(matrix.shape[0]):
        used = np.square(np.abs(lower[column, :column])).sum(axis=0)
        power = matrix[column, column].real
        pivot = np.sqrt(np.maximum(power - used, 0.0))
        lower[column, column] = pivot
        for row in range(column + 1, matrix.shape[0]):
            rest = matrix[row, column] - (lower[row, :column] * lower[column, :column].conj()).sum(axis=0)
            usable = pivot > 1e-3 * np.sqrt(np.maximum(power, 1e-30))
            lower[row, column] = np.where(usable, rest / np.maximum(pivot, 1e-30), 0.0)
    # Rows keep their power exactly, whatever the pivots lost.
    wanted = np.sqrt(np.maximum(np.einsum("ccb->cb", matrix).real, 0.0))
    got = np.sqrt(np.square(np.abs(lower)).sum(axis=1))
    return np.asarray(lower * (wanted / np.maximum(got, 1e-30))[:, None, :])
