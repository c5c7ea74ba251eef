"""Any layout to what two loudspeakers play, after ITU-R BS.775: centre and surrounds at -3 dB, no low effects."""

from __future__ import annotations

import numpy as np

from mediaclean.audio import Samples
from mediaclean.loudness.kweight import channel_names

_HALF = float(np.sqrt(0.5))


def to_stereo(samples: Samples, layout: str) -> Samples:
    """Mono and stereo as they are; more channels as stereo, (2, n).

    Args:
        samples: (channels, n).
        layout: FFmpeg's name of the layout.
    """
    channels = samples.shape[0]
    if channels <= 2:
        return samples
    sides = np.array([_sides(name) for name in channel_names(layout, channels)], dtype=np.float32)
    return np.asarray(sides.T @ samples, dtype=np.float32)


def _sides(name: str) -> tuple[float, float]:
    """A channel's share in the left and the right."""
    if name in {"FL", "FLC", "FR", "FRC"}:  # left and right of the centre are in front, too
        return (1.0, 0.0) if name[1] == "L" else (0.0, 1.0)
    if name.startswith("LFE"):
        return 0.0, 0.0
    if name.endswith("L"):
        return _HALF, 0.0
    if name.endswith("R"):
        return 0.0, _HALF
    return (_HALF, _HALF) if name == "FC" else (0.5, 0.5)
