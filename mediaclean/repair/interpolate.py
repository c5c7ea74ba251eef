"""Missing samples from their surroundings, by the autoregressive model that fits them best.

Janssen, Veldhuis and Vries, "Adaptive interpolation of discrete-time signals that can be modeled as autoregressive
processes", IEEE Trans. ASSP 34 (1986): fit a model to the sound, choose the missing samples so that the model's
prediction error becomes least, and fit again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]
"""One channel, (n,)."""

STEPS = 2


def order_for(rate: int) -> int:
    """How many coefficients a model of speech takes: 1.3 ms of it, but never fewer than 24 nor more than 64."""
    return min(64, max(24, rate // 750))


def fitted_model(sound: Signal, order: int) -> Signal:
    """Prediction error filter (1, a1 … a_order) of the autocorrelation method; an all-zero sound gives a bare 1."""
    from scipy.linalg import solve_toeplitz

    size = 1 << int(len(sound) + order).bit_length()
    spectrum = np.fft.rfft(sound, size)
    likeness = np.fft.irfft(np.square(np.abs(spectrum)), size)[: order + 1]
    if likeness[0] <= 0.0:
        return np.concatenate([[1.0], np.zeros(order)])
    likeness[0] *= 1.0 + 1e-9  # keeps the equations soluble for a pure tone
    return np.concatenate([[1.0], -solve_toeplitz(likeness[:-1], likeness[1:])])


def fill(sound: Signal, missing: NDArray[np.bool_], order: int, *, steps: int = STEPS) -> Signal:
    """The sound with its missing samples made up.

    Args:
        sound: what stands at the missing places is the first guess.
        missing: (n,); best far from both ends and far fewer than the rest.
        order: of the model.
        steps: how often model and samples are improved in turn.
    """
    out = np.array(sound, dtype=np.float64)
    places = np.flatnonzero(missing)
    if not places.size or len(sound) <= 2 * order:
        return out
    distance = np.abs(places[:, None] - places[None, :])
    for _ in range(steps):
        model = fitted_model(out, order)
        likeness = np.correlate(model, model, "full")[order:]
        matrix = np.where(distance <= order, likeness[np.minimum(distance, order)], 0.0)
        matrix[np.diag_indices_from(matrix)] += 1e-9 * likeness[0]
        known = np.where(missing, 0.0, out)
        pull = np.convolve(known, np.concatenate([likeness[:0:-1], likeness]))[order : order + len(out)]
        out[places] = np.linalg.solve(matrix, -pull[places])
    return out
