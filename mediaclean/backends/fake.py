"""Separators without a network, so that everything around one can be proved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples
from mediaclean.backends.stacking import stacked
from mediaclean.errors import PresetError
from mediaclean.settings import suggest

Windows: TypeAlias = NDArray[np.float32]
FakeName: TypeAlias = Literal["half", "positive", "identity", "silent", "broken"]


@dataclass
class Fake:
    """A separator that applies a function to its windows.

    Attributes:
        identity: its name.
        weights: SHA-256 of its files with weights, of which it has none.
        voice: windows (batch, channels, n) to their voice.
        seen: the shapes it was asked for, in order.
    """

    identity: str
    voice: Callable[[Windows], Windows]
    rate: int = 48_000
    window: int = 96_000
    hop: int = 72_000
    step: int = 96_000
    batch: int = 2
    device: str = "cpu"
    weights: tuple[str, ...] = ()
    seen: list[tuple[int, ...]] = field(default_factory=list)

    def separate(self, windows: Sequence[Samples]) -> Sequence[Samples]:
        """The function's value for windows of one length after the other, as float32."""
        return stacked(windows, self._separate)

    def _separate(self, mix: Windows) -> Windows:
        self.seen.append(mix.shape)
        return self.voice(mix).astype(np.float32, copy=False)

    def to(self, device: str) -> None:
        """Pretend to move."""
        self.device = device


class Once:
    """A function of windows that fails the first `times` that it is called, then gives half."""

    def __init__(self, error: Exception, times: int = 1) -> None:
        self._error, self._left = error, times

    def __call__(self, mix: Windows) -> Windows:
        if self._left > 0:
            self._left -= 1
            raise self._error
        return mix * np.float32(0.5)


class Oracle:
    """A function of windows that knows the voice: it finds each window in the mix by its own samples.

    Works at the track's own rate, where windows are exact copies of the mix.
    """

    def __init__(self, mix: Samples, voice: Samples) -> None:
        """Take the whole mix and its voice, both (channels, n), with the channels that will be separated."""
        if mix.shape != voice.shape:
            raise ValueError(f"the mix is {mix.shape}, the voice {voice.shape}")
        self._mix, self._voice = mix, voice

    def __call__(self, mix: Windows) -> Windows:
        return np.stack([self._look_up(window) for window in mix])

    def _look_up(self, window: Samples) -> Samples:
        voice = np.zeros_like(window)
        if not window.any():
            return voice
        anchor = int(np.argmax(np.abs(window[0])))
        for place in np.flatnonzero(self._mix[0] == window[0, anchor]):
            at = int(place) - anchor
            low, high = max(0, at), min(at + window.shape[1], self._mix.shape[1])
            inside = slice(low - at, high - at)
            if np.array_equal(self._mix[:, low:high], window[:, inside]):
                voice[:, inside] = self._voice[:, low:high]
                return voice
        raise LookupError("the window is no part of the oracle's mix")


def load(name: str, *, rate: int = 48_000) -> Fake:
    """A fake separator: half of the mix, its positive half waves, all of it, none of it, or half after one failure
    for want of memory. Voice and bed share everything in half, and nothing in half waves.

    Raises:
        PresetError: for an unknown name.
    """
    voices: dict[str, Callable[[Windows], Windows]] = {
        "half": lambda mix: mix * np.float32(0.5),
        "positive": lambda mix: np.maximum(mix, np.float32(0.0)),
        "identity": lambda mix: mix,
        "silent": np.zeros_like,
        "broken": Once(MemoryError("out of memory")),
    }
    if name not in voices:
        known = get_args(FakeName)
        raise PresetError(f"fake:{name}: no such engine{suggest(name, known)}", f"one of {', '.join(known)}")
    return Fake(f"fake:{name}", voices[name], rate=rate)


def oracle(mix: Samples, voice: Samples, *, rate: int) -> Fake:
    """A separator that gives the true voice of a known mix, at the rate of both."""
    return Fake("fake:oracle", Oracle(mix, voice), rate=rate)
