"""Windows of unlike lengths for networks that want them as one array."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples


def stacked(
    windows: Sequence[Samples], run: Callable[[NDArray[np.float32]], NDArray[np.float32]]
) -> list[NDArray[np.float32]]:
    """Run windows of one length together, longest first.

    Args:
        windows: (channels, n) each, of the same count of channels.
        run: takes windows (batch, channels, n) and gives as many voices.

    Returns:
        the voices in the order of the windows.
    """
    voices: dict[int, NDArray[np.float32]] = {}
    for length in sorted({window.shape[-1] for window in windows}, reverse=True):
        places = [place for place, window in enumerate(windows) if window.shape[-1] == length]
        voices.update(zip(places, run(np.stack([windows[place] for place in places])), strict=True))
    return [voices[place] for place in range(len(windows))]
