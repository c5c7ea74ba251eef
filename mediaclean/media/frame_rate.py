"""Whether every picture of a film is on for the same time: telephones and screen recorders take them as they come."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediaclean.media.borders import open_input, reading
from mediaclean.media.formats import family_of
from mediaclean.media.records import Media

HEAD_FRAMES = 600
"""Looked at where a container has no list of all of them."""
REORDERED = 16
"""At the end of the head pictures may be missing that come later than those that are shown after them."""
LEAST_FRAMES = 3
MOST_FPS = 120
"""What is told of uneven frames may be the grid that the container counts in."""


def constant_rate(media: Media) -> Fraction | None:
    """Frames per second of the first moving picture; None where there is none, or no rate that all frames keep to.

    Frames may be missing: what counts is that those that are there lie on the rate's grid, as cues are to. MP4 and
    MOV tell the times of all frames; of other containers the first 600 are looked at.

    Raises:
        MediaError: the file went away.
    """
    if media.video is None:
        return None
    with reading(media.path), open_input(media.path) as container:
        stream: Any = container.streams[media.video.index]
        told = (stream.average_rate, stream.guessed_rate, stream.base_rate)
        rates = list(dict.fromkeys(Fraction(rate) for rate in told if rate))
        listed = family_of(container.format.name) == "mp4" and len(stream.index_entries) > LEAST_FRAMES
        ticks = _listed(stream) if listed else _head(container, stream)
        return _rate(ticks, Fraction(stream.time_base), [rate for rate in rates if rate <= MOST_FPS])


def _rate(ticks: NDArray[np.int64], tick_s: Fraction, rates: Sequence[Fraction]) -> Fraction | None:
    """The first rate on whose grid every frame lies, but for what its container rounds: half a tick at either end."""
    if len(ticks) < LEAST_FRAMES:
        return rates[0] if rates else None
    for rate in rates:
        frame = float(1 / (rate * tick_s))
        places = (ticks - ticks[0]) / frame
        if np.abs(places - np.rint(places)).max() * frame <= min(1.0 + 1e-6, frame / 8):
            return rate
    return None


def _listed(stream: Any) -> NDArray[np.int64]:
    """When each frame is decoded, which is as evenly spaced as when it is shown."""
    entries = stream.index_entries
    return np.sort(np.array([entries[number].timestamp for number in range(len(entries))], dtype=np.int64))


def _head(container: Any, stream: Any) -> NDArray[np.int64]:
    """When each of the first frames is shown."""
    shown = [packet.pts for packet in islice(container.demux(stream), HEAD_FRAMES) if packet.pts is not None]
    return np.sort(np.array(shown, dtype=np.int64))[: max(LEAST_FRAMES, len(shown) - REORDERED)]
