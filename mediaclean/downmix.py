"""What is heard where one channel is enough: of a surround layout the centre, of others the mean of the channels.

A channel that was wired the wrong way round cancels, in that mean, what is in both. So it is turned before the sum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples

INVERTED = -0.8
"""A channel whose correlation with another is below this is taken as inverted against it."""


def signs_of(samples: Samples) -> NDArray[np.float32]:
    """The factor of each channel, (channels,), in a sum in which nothing cancels: -1 where one is inverted."""
    return signs_by((samples @ samples.T).astype(np.float64))


def signs_by(products: NDArray[np.float64]) -> NDArray[np.float32]:
    """The same from the scalar products of the channels with each other, (channels, channels).

    What counts is the correlation with the loudest channel; the first one stays as it is.
    """
    level = np.sqrt(products.diagonal())
    signs = np.where(products[level.argmax()] < INVERTED * level * level.max(), -1.0, 1.0)
    return np.asarray(signs * signs[0], dtype=np.float32)


@dataclass(frozen=True)
class Downmix:
    """One channel out of several.

    Attributes:
        centre: the channel of a surround layout that holds the dialogue; None for the mean of all.
        signs: factors of the channels in the mean, where they are known not to be all 1.
    """

    centre: int | None = None
    signs: tuple[float, ...] = ()

    def __call__(self, samples: Samples) -> NDArray[np.float32]:
        """(channels, n) -> (n,)."""
        if self.centre is not None:
            centre: NDArray[np.float32] = samples[self.centre]
            return centre
        if min(self.signs, default=1.0) < 0.0:
            samples = samples * np.array(self.signs, dtype=np.float32)[:, None]
        return np.asarray(samples.mean(axis=0), dtype=np.float32)

    def weights(self, channels: int) -> list[float]:
        """The factor of each channel in the sum."""
        if self.centre is not None:
            return [float(channel == self.centre) for channel in range(channels)]
        return [sign / channels for sign in self.signs or (1.0,) * channels]


def in_step(samples: Samples) -> NDArray[np.float32]:
    """The mean of the channels, (n,), turned as this sound alone asks for."""
    if len(samples) == 1:
        return Downmix(0)(samples)
    return Downmix(None, tuple(signs_of(samples).tolist()))(samples)


def first_downmix(centre: int | None) -> Callable[[Samples], NDArray[np.float32]]:
    """For the pass that does not know the track yet: every second of sound that it is given is turned for itself."""
    return in_step if centre is None else Downmix(centre)
