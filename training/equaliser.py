"""A smooth frequency response from a few gains."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mediaclean.backends.dialogue_mask import RATE

KNOTS = 9
LOWEST_HZ = 60.0
GRID = 1024  # finer than any of the curves; a logarithm of every bin of a long transform would cost more than the rest


def response(gains_db: ArrayLike, bins: int) -> NDArray[np.float32]:
    """Linear gain of every bin of a one-sided transform.

    Args:
        gains_db: `KNOTS` gains, evenly apart in log frequency from `LOWEST_HZ` to `RATE` / 2; below, the first holds.
        bins: of the transform, from 0 Hz to `RATE` / 2.
    """
    hz = np.linspace(0, RATE / 2, GRID)
    place = np.log2(np.maximum(hz, LOWEST_HZ) / LOWEST_HZ) / np.log2(RATE / 2 / LOWEST_HZ)
    curve = 10 ** (np.interp(place, np.linspace(0, 1, KNOTS), np.asarray(gains_db, dtype=np.float64)) / 20)
    return np.asarray(np.interp(np.linspace(0, GRID - 1, bins), np.arange(GRID), curve), dtype=np.float32)
