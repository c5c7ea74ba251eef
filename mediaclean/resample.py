"""Sample rates: a stream to the detectors' 16 kHz, and a stretch by the exact ratio of two rates.

Both use soxr, whose output starts where its input starts: the delay of the filter is taken out, so sample
``n`` of the result lies at ``n / rate`` seconds.
"""

from __future__ import annotations

from math import gcd

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples

_CONTEXT_S = 0.02
"""Longer than half the impulse response of soxr's steepest filter at every rate from 8 kHz up."""


class Resampler:
    """A stream of mono sound from one rate to another (quality HQ: the stop band lies 120 dB down).

    The result does not depend on the sizes of the pieces: they are gathered to pieces of one second.
    """

    def __init__(self, rate: int, to: int = 16_000) -> None:
        """Take sound at `rate` Hz and give it at `to` Hz."""
        import soxr

        self._ratio = to / rate
        self._piece = rate
        self._stream = soxr.ResampleStream(rate, to, 1, dtype="float32", quality="HQ") if rate != to else None
        self._held: list[NDArray[np.float32]] = []
        self._count = self._taken = self._given = 0

    def add(self, mono: NDArray[np.float32]) -> NDArray[np.float32]:
        """The next piece in, of any size (n,); what is ready comes out."""
        if self._stream is None:
            return mono
        self._held.append(mono)
        self._count += len(mono)
        if self._count < self._piece:
            return np.zeros(0, np.float32)
        sound = np.concatenate(self._held)
        whole = self._count - self._count % self._piece
        self._held, self._count = [sound[whole:]], self._count - whole
        self._taken += whole
        pieces = [self._stream.resample_chunk(piece) for piece in np.split(sound[:whole], whole // self._piece)]
        ready: NDArray[np.float32] = np.concatenate(pieces)
        self._given += len(ready)
        return ready

    def flush(self) -> NDArray[np.float32]:
        """The rest, so that the whole result is ``round(n * to / rate)`` samples long."""
        if self._stream is None:
            return np.zeros(0, np.float32)
        rest = np.concatenate([*self._held, np.zeros(0, np.float32)])
        expected = round((self._taken + len(rest)) * self._ratio) - self._given
        ready: NDArray[np.float32] = self._stream.resample_chunk(rest, last=True)[:expected]
        return np.pad(ready, (0, expected - len(ready)))


def ratio(rate: int, to: int) -> tuple[int, int]:
    """The counts (from, to) of the shortest stretch that is whole at both rates.

    >>> ratio(48_000, 44_100), ratio(8_000, 48_000), ratio(48_000, 48_000)
    ((160, 147), (1, 6), (1, 1))
    """
    common = gcd(rate, to)
    return rate // common, to // common


def context(rate: int, to: int) -> int:
    """Samples at `rate` that `resample` wants on either side: whole at both rates, 0 where the rates agree."""
    whole, _ = ratio(rate, to)
    return 0 if rate == to else -(-round(_CONTEXT_S * rate) // whole) * whole


def resample(samples: Samples, rate: int, to: int) -> Samples:
    """A stretch (channels, n) at the other rate, where n makes a whole count at both.

    Raises:
        ValueError: if the count at the other rate is not whole.
    """
    if rate == to:
        return samples
    import soxr

    whole, other = ratio(rate, to)
    if samples.shape[1] % whole:
        raise ValueError(f"{samples.shape[1]} samples at {rate} Hz are no whole count at {to} Hz")
    changed = soxr.resample(samples.T, rate, to, quality="VHQ")
    expected = samples.shape[1] // whole * other
    if len(changed) != expected:
        raise ValueError(f"resampling gave {len(changed)} samples where {expected} were due")
    return np.ascontiguousarray(changed.T, dtype=np.float32)
