"""What is wrong with a source: dead channels or twins, holes of codecs, signs of earlier denoising."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mediaclean.audio import FLOOR_DB, Samples, power_to_db
from mediaclean.counted import counted
from mediaclean.downmix import signs_by
from mediaclean.loudness.kweight import channel_names
from mediaclean.roomtone.sources import SILENT_DB

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mediaclean.analysis import Analysis

NARROW_HZ = 7500.0
DEAD_DB = 50.0
"""A channel this far under the loudest one carries nothing but crosstalk."""
HOLE_DBFS = -100.0
"""In a band of a kilohertz even the rounding of 16 bits is louder than this: what is quieter was taken out."""
LOUD_DBFS = -55.0
"""Where the middle of the band of speech is this loud, a live recording has something above it."""
HOLED = 0.1
"""More than this share of the loud moments with a hole is no accident."""
HUSHED_DBFS = -80.0
"""No room is this quiet: pauses were gated, or noise was taken out of them."""
ENOUGH_ROWS = 50


@dataclass(frozen=True)
class Heard:
    """What was heard of the channels.

    Attributes:
        level_dbfs: RMS level of each channel over the whole track.
        is_twin: both channels of a stereo track have the same samples throughout.
        signs: factors of the channels in a sum in which nothing cancels; empty where they are all 1.
    """

    level_dbfs: tuple[float, ...] = ()
    is_twin: bool = False
    signs: tuple[float, ...] = ()


UNHEARD = Heard()


class ChannelEar:
    """Hears the channels of a track: one listener of the analysis."""

    def __init__(self, channels: int) -> None:
        self._products = np.zeros((channels, channels))  # of the channels with each other
        self._length = 0
        self._is_twin = channels == 2

    def add(self, samples: Samples) -> None:
        """The track's next samples, (channels, n)."""
        self._products += samples @ samples.T
        self._length += samples.shape[1]
        self._is_twin = self._is_twin and bool(np.array_equal(samples[0], samples[1]))

    def result(self) -> Heard:
        power = self._products.diagonal()
        levels = power_to_db(power / max(1, self._length))
        is_silent = not power.any()
        signs = tuple(signs_by(self._products).tolist()) if len(power) == 2 else ()
        return Heard(
            tuple(round(float(level), 1) for level in levels),
            self._is_twin and not is_silent,
            signs if min(signs, default=1.0) < 0.0 else (),
        )


def source_faults(analysis: Analysis, quiet: NDArray[np.bool_]) -> Iterable[str]:
    """Faults of the source, one sentence each.

    Args:
        analysis: of the whole track.
        quiet: frames that no phrase touches, (frames,).
    """
    if analysis.clipped:
        times = "once" if analysis.clipped == 1 else f"{analysis.clipped} times"
        yield f"the recording clips {times}: --set declip=on rebuilds what was cut off"
    if 0.0 < analysis.bandwidth_hz < min(NARROW_HZ, 0.45 * analysis.rate):
        yield f"there is nothing above {analysis.bandwidth_hz / 1000:.1f} kHz: a telephone or a low bit rate"
    if analysis.rate < 16000:
        yield f"the track has only {analysis.rate / 1000:g} kHz"
    silent_s = sum(hole.length for hole in analysis.holes) / analysis.rate
    if silent_s > 0.1:
        yield f"{silent_s:.1f} s are digital silence in {counted(len(analysis.holes), 'place')}"
    if analysis.loudness.integrated_lufs is not None and analysis.loudness.integrated_lufs < -40.0:
        yield f"the recording is very quiet ({analysis.loudness.integrated_lufs:.0f} LUFS)"
    yield from _channels(analysis.heard, channel_names(analysis.layout, analysis.channels))
    holes = holed_share(analysis)
    if holes > HOLED:
        yield f"the top of the speech band is missing in {holes:.0%} of the loud moments: a low bit rate"
    hushed_db = hushed_dbfs(analysis, quiet)
    if hushed_db is not None:
        yield f"pauses lie at {hushed_db:.0f} dBFS, quieter than any room: gated, or denoised before"


def _channels(heard: Heard, names: Sequence[str]) -> Iterable[str]:
    loudest = max(heard.level_dbfs, default=FLOOR_DB)
    if heard.is_twin:
        yield "both channels are one and the same: mono in a stereo track"
    if heard.signs:
        yield "the channels are inverted against each other: in mono they cancel, so turn one of them in your editor"
    if loudest <= SILENT_DB:
        return
    if len(heard.level_dbfs) == len(names) > 2 and "FC" in names:
        if heard.level_dbfs[names.index("FC")] < loudest - DEAD_DB:
            yield "the centre is silent, and only there is dialogue looked for: mix the track down to stereo first"
        return
    if len(heard.level_dbfs) != 2:
        return
    for name, level in zip(("left", "right"), heard.level_dbfs, strict=True):
        if level < loudest - DEAD_DB:
            yield f"the {name} channel is dead"


def silent_channels(analysis: Analysis) -> tuple[int, ...]:
    """Channels in which no room is to be heard, from 0: those of low-frequency effects, and dead ones."""
    levels = analysis.heard.level_dbfs
    names = channel_names(analysis.layout, analysis.channels)
    dead = {index for index, level in enumerate(levels) if level < max(levels) - DEAD_DB}
    return tuple(index for index, name in enumerate(names) if index in dead or name.startswith("LFE"))


def holed_share(analysis: Analysis) -> float:
    """In how many of the loud moments the top of the speech band holds nothing, 0 to 1.

    0 too where the recording ends below that band, which `bandwidth_hz` tells better.
    """
    if not len(analysis.features.spectrum) or analysis.bandwidth_hz < NARROW_HZ or analysis.rate < 16000:
        return 0.0
    level = analysis.features.spectrum / 2.0 - 127.5
    loud = level[:, 7:11].max(axis=1) > LOUD_DBFS  # 0.9 to 2.8 kHz
    if loud.sum() < ENOUGH_ROWS:
        return 0.0
    return float(np.mean(level[loud, 13] < HOLE_DBFS))  # 4.9 to 6.5 kHz


def hushed_dbfs(analysis: Analysis, quiet: NDArray[np.bool_]) -> float | None:
    """The level of the pauses where they are quieter than a room can be, but not digital silence; else None."""
    levels = analysis.level_db[quiet]
    levels = levels[levels > FLOOR_DB + 1.0]
    if levels.size < ENOUGH_ROWS or not (~quiet).any():
        return None
    median = float(np.median(levels))
    return median if median < HUSHED_DBFS else None
