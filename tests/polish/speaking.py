"""A synthetic voice whose words, sibilants and breaths are known to the sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from mediaclean.audio import Block, Samples, Span, db_to_gain
from mediaclean.downmix import Downmix
from mediaclean.polish.frames import VoiceFrames, listen

RATE = 24_000
ROOM_DBFS = -75.0


@dataclass
class Speaking:
    """A recording in the making; `at` is its end in samples."""

    parts: list[NDArray[np.float64]]
    random: np.random.Generator
    at: int = 0

    @classmethod
    def begin(cls, seed: int = 0) -> Speaking:
        return cls([], np.random.default_rng(seed)).pause(0.5)

    def pause(self, seconds: float) -> Speaking:
        return self._append(np.zeros(round(seconds * RATE)))

    def word(self, level_db: float = -20.0, seconds: float = 0.3, pitch_hz: float = 120.0) -> Speaking:
        """Harmonics that fall by 6 dB per octave above 500 Hz, under one syllable's swell."""
        time = np.arange(round(seconds * RATE)) / RATE
        tones = [
            np.sin(2 * np.pi * k * pitch_hz * time + k) / max(1.0, k * pitch_hz / 500.0)
            for k in range(1, int(5_000 / pitch_hz))
        ]
        return self._append(_at(np.sum(tones, axis=0) * np.sin(np.pi * time / seconds) ** 0.3, level_db))

    def sibilant(self, level_db: float, seconds: float = 0.12) -> Speaking:
        return self._append(self._hiss(seconds, (5_200.0, 9_500.0), level_db))

    def breath(self, level_db: float, seconds: float = 0.35) -> Speaking:
        return self._append(self._hiss(seconds, (500.0, 3_000.0), level_db))

    def talk(self, words: int, level_db: float = -20.0) -> Speaking:
        """Words with the gaps of fluent speech."""
        for number in range(words):
            self.word(level_db + 2.0 * np.sin(2.1 * number), 0.22 + 0.05 * (number % 3), 110.0 + 9.0 * (number % 4))
            self.pause(0.06)
        return self

    def tail(self, level_db: float, seconds: float = 0.5) -> Speaking:
        """A room's answer to the word before it: noise that begins under its end and only falls, 60 dB in 0.5 s."""
        early = round(0.06 * RATE)
        fall = np.exp(-6.9 * np.arange(-early, round(seconds * RATE)) / (0.5 * RATE))
        noise = sosfiltfilt(band((300.0, 4_000.0)), self.random.standard_normal(len(fall)))
        sound = _at(noise, level_db) * np.minimum(fall, 1.0)
        self.parts[-1] = self.parts[-1].copy()
        self.parts[-1][-early:] += sound[:early]
        return self._append(sound[early:])

    def sound(self, channels: int = 1) -> Samples:
        room = self.random.standard_normal(self.at) * float(db_to_gain(ROOM_DBFS))
        return np.tile(np.concatenate(self.parts) + room, (channels, 1)).astype(np.float32)

    def _hiss(self, seconds: float, band_hz: tuple[float, float], level_db: float) -> NDArray[np.float64]:
        count = round(seconds * RATE)
        swell = np.clip(np.minimum(np.arange(count), np.arange(count)[::-1]) / (0.03 * RATE), 0.0, 1.0)
        noise = sosfiltfilt(band(band_hz), self.random.standard_normal(count + 2000))[1000:-1000]
        return _at(noise, level_db) * swell

    def _append(self, sound: NDArray[np.float64]) -> Speaking:
        self.parts.append(sound)
        self.at += len(sound)
        return self


def band(band_hz: tuple[float, float]) -> NDArray[np.float64]:
    return np.asarray(butter(4, band_hz, "bandpass", fs=RATE, output="sos"))


def _at(sound: NDArray[np.float64], level_db: float) -> NDArray[np.float64]:
    return np.asarray(sound * float(db_to_gain(level_db)) / np.sqrt(np.mean(np.square(sound))))


def blocks_of(mix: Samples, voice: Samples | None = None, sizes: Sequence[int] = (1 << 30,)) -> Iterator[Block]:
    """Blocks whose sizes go round."""
    voice, start, number = mix if voice is None else voice, 0, 0
    while start < mix.shape[1]:
        stop = start + sizes[number % len(sizes)]
        yield Block(start, mix[:, start:stop], voice[:, start:stop])
        start, number = min(stop, mix.shape[1]), number + 1


def joined(blocks: Iterator[Block]) -> Block:
    """All blocks as one; they must touch."""
    parts = list(blocks)
    for one, other in pairwise(parts):
        assert one.stop == other.start
    mix = np.concatenate([part.mix for part in parts], axis=1)
    return replace(parts[0], mix=mix, voice=np.concatenate([part.voice for part in parts], axis=1))


def frames_of(sound: Samples, voice: Samples | None = None, cuts: Sequence[Span] = ()) -> VoiceFrames:
    return listen(blocks_of(sound, voice), rate=RATE, downmix=Downmix(), cuts=cuts, fade=RATE // 50)
