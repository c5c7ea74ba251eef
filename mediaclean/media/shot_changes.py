"""Where one shot ends and the next begins, told from small pictures of consecutive frames.

A cut is a frame that differs from the one before far more than frames in its neighbourhood do: a threshold that goes by
the neighbourhood leaves camera motion alone, which differs a lot, but evenly (the idea of adaptive shot detectors). A
flash, or a frame that went wrong, differs twice: what follows it looks as what was before. A fade ends one shot and
begins another where the picture is black; a dissolve is no cut, for nothing in it happens at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Thumb: TypeAlias = NDArray[np.uint8]
"""A small picture, (3, height, width): luma and two differences of colour."""

WIDTH, HEIGHT = 64, 36
FLASH_FRAMES = 6
"""A light that goes off again within this many frames is a flash."""

_LEAST = 9.0  # of 255: two pictures of one still shot differ by one to three, after a lossy codec
_RATIO = 3.0
_REACH = 4  # frames to either side that are the neighbourhood
_LEAST_COLOURS = 0.12
_SURE, _CLEAR = 30.0, 6.0
_BLACK, _BLACK_SPREAD = 26.0, 5.0  # studio black is 16
_SAME = 0.5
_BINS = 24


@dataclass(frozen=True)
class _Step:
    """One frame against the one before it."""

    at: Fraction
    change: float
    colours: float
    lasts: float  # the same over FLASH_FRAMES, forward from the frame before, and back from this one: the smaller
    is_black: bool


def change(before: Thumb, after: Thumb) -> float:
    """How much two pictures differ, 0 to 255: the mean over the luma, where it moved least, and half the colour.

    The picture may have moved by one of its small dots in any direction, as it does under a hand-held camera.
    """
    colour = np.abs(before[1:].astype(np.int16) - after[1:]).mean()
    old, new = before[0].astype(np.int16), after[0].astype(np.int16)
    height, width = old.shape
    inside = new[1:-1, 1:-1]
    moved = min(
        float(np.abs(old[1 + dy : height - 1 + dy, 1 + dx : width - 1 + dx] - inside).mean())
        for dy in (-1, 0, 1)
        for dx in (-1, 0, 1)
    )
    return moved + float(colour)


def colours(before: Thumb, after: Thumb) -> float:
    """How far apart the histograms of two pictures lie, 0 to 1: the mean of luma and colour, blind to motion."""
    return float(np.mean([np.abs(_spread(a) - _spread(b)).sum() / 2.0 for a, b in zip(before, after, strict=True)]))


def looks_alike(before: Thumb, after: Thumb) -> bool:
    """Whether two pictures some time apart may well belong to one shot."""
    return change(before, after) < _LEAST and colours(before, after) < _LEAST_COLOURS and not _is_black(after)


class ShotFinder:
    """Hears of every frame in order, holds the last few, and knows the cuts at the end."""

    def __init__(self) -> None:
        self._held: deque[tuple[Fraction, Thumb]] = deque()
        self._next = 1  # which of the held frames is judged next
        self._steps: list[_Step] = []

    def push(self, at: Fraction, thumb: Thumb) -> None:
        """The next frame and its time in seconds."""
        self._held.append((at, thumb))
        if len(self._held) == self._next + FLASH_FRAMES:
            self._judge()

    def cuts(self) -> list[Fraction]:
        """Times of the first frame of every shot but the first, after the last frame."""
        while self._next < len(self._held):
            self._judge()
        hard = _hard_cuts(self._steps)
        return sorted({*hard, *_black_cuts(self._steps, hard)})

    def _judge(self) -> None:
        """Take down the next frame. Before the first frame and after the last one the picture stands still."""
        thumbs = [thumb for _, thumb in self._held]
        at, frame = self._held[self._next]
        before, later = thumbs[self._next - 1], thumbs[min(self._next + FLASH_FRAMES - 1, len(thumbs) - 1)]
        earlier = thumbs[max(self._next - FLASH_FRAMES, 0)]
        lasts = min(change(before, later), change(earlier, frame))
        self._steps.append(_Step(at, change(before, frame), colours(before, frame), lasts, _is_black(frame)))
        if self._next < FLASH_FRAMES:
            self._next += 1
        else:
            self._held.popleft()


def _hard_cuts(steps: Sequence[_Step]) -> list[Fraction]:
    changes = np.array([step.change for step in steps])
    found = []
    for index, step in enumerate(steps):
        around = np.concatenate([changes[max(0, index - _REACH) : index], changes[index + 1 : index + 1 + _REACH]])
        usual = float(np.median(around)) if around.size else 0.0
        is_peak = not around.size or step.change >= around.max()
        stands_out = step.change >= max(_LEAST, _RATIO * usual)
        is_other = step.colours >= _LEAST_COLOURS or step.change >= min(_SURE, _CLEAR * usual)
        if is_peak and stands_out and is_other and step.lasts >= _SAME * step.change:
            found.append(step.at)
    return found


def _black_cuts(steps: Sequence[_Step], hard: Sequence[Fraction]) -> list[Fraction]:
    """The middle of every black stretch that fades in and out of a picture; beside a cut it belongs to the cut."""
    found, since = [], -1
    for index, step in enumerate(steps):
        if step.is_black and since < 0:
            since = index
        elif not step.is_black and since >= 0:
            if since > 0 and not {steps[since].at, step.at} & set(hard):
                found.append(steps[(since + index) // 2].at)
            since = -1
    return found


def _spread(plane: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The histogram of a plane, smoothed so that a small change of exposure moves it little."""
    counts = np.bincount(plane.ravel().astype(np.int64) * _BINS // 256, minlength=_BINS) / plane.size
    return np.convolve(counts, [0.25, 0.5, 0.25], mode="same")


def _is_black(thumb: Thumb) -> bool:
    return bool(thumb[0].mean() < _BLACK and thumb[0].std() < _BLACK_SPREAD)
