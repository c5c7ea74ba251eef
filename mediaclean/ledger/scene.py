"""A page of a result as the detectors see it: its spectra every 10 ms and the bed's gain, over the page's ground."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import power_to_db
from mediaclean.ledger.ground import LEAST_S, SPEECH_HZ, Ground, Powers, power_of, reach_of, spectra


@dataclass(frozen=True, eq=False)
class Scene:
    """What became of a page.

    Attributes:
        ground: the original and the voice.
        sound: the result as one channel, (frames * hop,).
        result: the same as power spectra, (frames, bins).
        gain_db: of the bed, (frames,).
    """

    ground: Ground
    sound: NDArray[np.float32]
    result: Powers
    gain_db: NDArray[np.float64]

    @cached_property
    def gain_power(self) -> NDArray[np.float64]:
        """The bed's gain as a factor of power, (frames,)."""
        return np.asarray(10.0 ** (self.gain_db / 10.0))

    @cached_property
    def offset_db(self) -> float:
        """How much quieter speech is throughout, which is a matter of level and no artefact; 0 where nothing is
        certain."""
        loud, sure = self.ground.loud
        if np.count_nonzero(loud) < self.ground.frames(LEAST_S):
            return 0.0
        return float(np.median(power_to_db(self.ground.band(self.result, *SPEECH_HZ)[loud] / sure[loud])))


def make_scene(ground: Ground, result: NDArray[np.float32], gain_db: NDArray[np.float64]) -> Scene:
    """A result over its ground.

    Args:
        ground: of the same page.
        result: one channel with half a window more on either side, as in `make_ground`.
        gain_db: of the bed, (frames,).
    """
    reach = reach_of(ground.rate)
    heard = result[reach : len(result) - reach]
    return Scene(ground, heard, power_of(spectra(result, ground.rate)), gain_db)
