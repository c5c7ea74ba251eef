"""Plain levels: root mean square and noise floor, as audiobook deliveries ask for them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from mediaclean.audio import Samples, power_to_db
from mediaclean.loudness.meter import window_means
from mediaclean.series import Series

_HOPS_PER_S = 10
_FLOOR_HOPS = 5


@dataclass(frozen=True)
class Levels:
    """Unweighted levels, mean over the channels; -120 for silence, None for less than 0.5 s.

    Attributes:
        rms_dbfs: root mean square of the whole file, relative to a square wave of full scale.
        floor_dbfs: root mean square of the quietest half second.
    """

    rms_dbfs: float | None
    floor_dbfs: float | None

    def to_json(self) -> dict[str, float | None]:
        """Plain numbers, rounded to a thousandth."""
        return {name: None if value is None else round(value, 3) for name, value in asdict(self).items()}


class LevelMeter:
    """Measures the plain levels of one stream.

    Args:
        rate: sample rate in Hz.
    """

    def __init__(self, rate: int) -> None:
        self._hop = rate // _HOPS_PER_S
        self._held: Samples | None = None
        self._powers = Series(np.float64)

    def add(self, samples: Samples) -> None:
        """The stream's next samples, of shape (channels, n)."""
        held = samples if self._held is None else np.concatenate([self._held, samples], axis=1)
        hops = held.shape[1] // self._hop
        hopped = held[:, : hops * self._hop].reshape(held.shape[0], hops, self._hop)
        power = np.einsum("chn,chn->h", hopped, hopped, dtype=np.float64) / (held.shape[0] * self._hop)
        self._powers.add(power)
        self._held = held[:, hops * self._hop :].copy()

    def result(self) -> Levels:
        """The levels so far."""
        powers = self._powers.result()
        windows = window_means(powers, _FLOOR_HOPS)
        if not len(windows):
            return Levels(None, None)
        return Levels(float(power_to_db(powers.mean())), float(power_to_db(windows.min())))
