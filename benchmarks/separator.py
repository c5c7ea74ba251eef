"""Our separators as plain functions: mono 48 kHz float32 in, the voice of the same length out.

For benchmarks that know nothing of mediaclean, with `benchmarks.separator:dialogue` as the name of the factory. They
run through the package's own windows and overlap-add, so that what is measured is what the tool does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Span
from mediaclean.separate import Separator, separate_cuts

RATE = 48_000
Voice: TypeAlias = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Stats:
    """Mean and standard deviation of the whole mix, which demucs normalises by."""

    mean: float
    deviation: float


def wrap(separator: Separator) -> Voice:
    """A separator as a function of a whole mono signal at 48 kHz."""

    def voice(mix: NDArray[np.float32]) -> NDArray[np.float32]:
        chunk = np.ascontiguousarray(mix, np.float32)[None]
        cut = Span(0, chunk.shape[1])
        ((_, found),) = separate_cuts([chunk], [cut], separator, rate=RATE, length=cut.stop)
        mono: NDArray[np.float32] = found[0]
        return mono

    return voice


def dialogue(device: str = "cpu") -> Voice:
    """The compact network that comes with the package."""
    from mediaclean.backends.dialogue import load

    return wrap(load(device))


def demucs(name: str = "htdemucs", device: str = "cpu") -> Voice:
    """A Demucs model by its name; its weights must be there (mediaclean models fetch)."""
    from mediaclean.backends.demucs import load

    def voice(mix: NDArray[np.float32]) -> NDArray[np.float32]:
        stats = Stats(float(mix.mean()), float(mix.std()))
        return wrap(load(name, device=device, stats=stats))(mix)

    return voice
