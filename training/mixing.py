"""On-the-fly mixtures of voice, music and noise, with speed, equaliser, room, level and gaps drawn at random.

Speed, equaliser and room of one source are one multiplication between two Fourier transforms, which keeps a mixture at
about four milliseconds per second of audio. Everything is at 48 kHz, mono, float32.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import fft
from torch.utils.data import IterableDataset

from mediaclean.backends.dialogue_mask import HOP, RATE
from training import equaliser, noises
from training.packs import MUSIC_WEIGHTS, NOISE_WEIGHTS, SPEECH_WEIGHTS, Clip, chances, training_clips

Signal = NDArray[np.float32]


@dataclass(frozen=True)
class MixSettings:
    """The chances and ranges of a mixture."""

    snr_db: tuple[float, float] = (-6.0, 14.0)
    clean_chance: float = 0.07
    background_chance: float = 0.03
    music_chance: float = 0.43
    noise_chance: float = 0.41  # the rest is both
    made_chance: float = 0.4  # of a noise that is drawn by formula and not recorded, see `noises`
    crowd_chance: float = 0.15  # of a noise that is people who talk all at once
    crowd: tuple[int, int] = (4, 12)  # how many: fewer may be somebody who is asking from off the microphone
    second_voice_chance: float = 0.06
    second_music_chance: float = 0.12
    speech_speed: tuple[float, float] = (0.80, 1.15)  # below 1: slower and deeper
    music_speed: tuple[float, float] = (0.75, 1.33)
    room_chance: float = 0.25
    equaliser_chance: float = 0.6
    gap_chance: float = 0.2
    limit_chance: float = 0.2  # of a recording that ends below 12 kHz, voice and bed alike: telephone, archive
    wide_band_chance: float = 0.4  # of such a one that it ends at 8 kHz, as most of them do
    limit_hz: tuple[float, float] = (3_300.0, 12_000.0)
    level_db: tuple[float, float] = (-12.0, 2.0)  # of the mixture, RMS; the engine drives the network in its middle
    extend_chance: float = 0.75  # of a band-limited voice, see `extend`
    extend_to_hz: tuple[float, float] = (11_000.0, 22_000.0)


def extend(spectrum: NDArray[np.complex64], edge_hz: float, top_hz: float, step_db: float) -> None:
    """Give a band-limited voice a top, in place: its upper half moved up again and again, `step_db` quieter each time.

    A shift of the whole transform keeps the envelope in time, so that an S stays an S. Without it, all but a few voices
    would end at 8 kHz, and the network would learn that whatever sounds above is no voice.

    Args:
        spectrum: one-sided transform of the whole signal, shape (bins,), up to `RATE` / 2.
        edge_hz: where the voice ends.
        top_hz: where it shall end.
        step_db: gain from one copy to the next.
    """
    per_hz = (len(spectrum) - 1) / (RATE / 2)
    edge, top, width = int(0.94 * edge_hz * per_hz), int(top_hz * per_hz), int(0.45 * edge_hz * per_hz)
    source = spectrum[edge - width : edge].copy()
    for copy, start in enumerate(range(edge, top, width), start=1):
        stop = min(start + width, top)
        spectrum[start:stop] = source[: stop - start] * 10 ** (copy * step_db / 20)


class Mixer:
    """Draws mixtures of a fixed length; its own generator makes it repeatable."""

    def __init__(self, folder: Path, seed: int, frames: int, settings: MixSettings | None = None) -> None:
        self.folder, self.settings = folder, settings or MixSettings()
        self.samples = (frames - 1) * HOP
        self.rng = np.random.default_rng(seed)
        self.rooms = [_read_room(path) for path in sorted((folder / "rir").glob("*.npy"))]
        self.reload()

    def reload(self) -> None:
        """Look at the folder again: packs may have been added since.

        Raises:
            FileNotFoundError: if it lacks speech, music or noise.
        """
        self.speech = training_clips(self.folder, "speech")
        self.music = training_clips(self.folder, "music")
        self.noise = training_clips(self.folder, "noise")
        self._speech_chance = chances(self.speech, SPEECH_WEIGHTS)
        self._music_chance = chances(self.music, MUSIC_WEIGHTS)
        self._noise_chance = chances(self.noise, NOISE_WEIGHTS)

    def _cut(self, clips: Sequence[Clip], chance: NDArray[np.float64], length: int) -> tuple[Signal, int]:
        clip = clips[self.rng.choice(len(clips), p=chance)]
        if len(clip.samples) <= length:
            offset = int(self.rng.integers(len(clip.samples)))
            cut = np.resize(np.roll(clip.samples, -offset), length)
        else:
            start = int(self.rng.integers(len(clip.samples) - length))
            cut = clip.samples[start : start + length]
        return cut.astype(np.float32) / np.float32(32768), clip.true_rate

    def _source(
        self,
        clips: Sequence[Clip],
        chance: NDArray[np.float64],
        speed_range: tuple[float, float],
        tilt_db: float,
        extend_chance: float = 0.0,
    ) -> tuple[Signal, float]:
        """A cut with random speed, equaliser and room, and its bandwidth in Hz."""
        s, rng, n = self.settings, self.rng, self.samples
        speed = float(np.exp(rng.uniform(*np.log(speed_range)))) if rng.random() < 0.7 else 1.0
        length = fft.next_fast_len(int(n * speed), real=True)
        cut, true_rate = self._cut(clips, chance, length)
        spectrum = fft.rfft(cut)
        bins = n // 2 + 1
        kept = np.zeros(bins, np.complex64)
        shared = min(bins, len(spectrum))
        kept[:shared] = spectrum[:shared] * (n / length)
        bandwidth = true_rate / 2 * n / length
        if extend_chance and bandwidth < s.extend_to_hz[0] and rng.random() < extend_chance:
            top_hz = rng.uniform(*s.extend_to_hz)
            extend(kept, bandwidth, top_hz, rng.uniform(-9, -2))
            bandwidth = top_hz
        if rng.random() < s.equaliser_chance:
            kept *= self._equaliser(bins, tilt_db)
        if rng.random() < s.room_chance:
            kept *= fft.rfft(self._room(), n)
        return fft.irfft(kept, n), bandwidth

    def _equaliser(self, bins: int, range_db: float) -> Signal:
        """A smooth random curve in dB over log frequency, sometimes with a low cut."""
        gains_db = self.rng.uniform(-range_db, range_db, equaliser.KNOTS)
        if self.rng.random() < 0.2:
            gains_db[: self.rng.integers(1, 4)] -= 20
        return equaliser.response(gains_db, bins)

    def _room(self) -> Signal:
        """An impulse response: a measured one, or direct sound, sparse early echoes and a decaying tail."""
        rng = self.rng
        if self.rooms and rng.random() < 0.15:
            return self.rooms[int(rng.integers(len(self.rooms)))]
        decay_s = float(np.exp(rng.uniform(np.log(0.12), np.log(0.7))))
        length = int(min(decay_s, 0.6) * RATE)
        t = np.arange(length, dtype=np.float32) / RATE
        tail = rng.standard_normal(length, dtype=np.float32) * np.exp(-6.9 * t / decay_s)
        tail[: int(0.004 * RATE)] = 0
        echoes = rng.integers(int(0.002 * RATE), int(0.04 * RATE), 8)
        tail[echoes] += rng.uniform(-6, 6, 8)
        tail *= 10 ** (-rng.uniform(3, 20) / 20) / np.sqrt((tail @ tail) + 1e-9)
        tail[0] = 1.0
        return tail

    def _gaps(self, signal: Signal) -> None:
        """Silence a stretch of the voice in place, with soft edges, so that pauses are learnt."""
        n, fade = len(signal), RATE // 100
        width = int(self.rng.uniform(0.15, 0.7) * n)
        start = int(self.rng.integers(-width // 2, n - width // 2))
        ramp = np.interp(np.arange(n), [start - fade, start, start + width, start + width + fade], [1, 0, 0, 1])
        signal *= ramp.astype(np.float32)

    def draw(self) -> tuple[Signal, Signal, float]:
        """(mixture, voice, bandwidth of the voice in Hz); level and polarity of both are random."""
        s, rng = self.settings, self.rng
        voice, bandwidth = self._voice()
        voice /= np.sqrt(np.mean(voice * voice) + 1e-10)
        if rng.random() < s.second_voice_chance:
            other, width = self._voice()
            voice += other / np.sqrt(np.mean(other * other) + 1e-10) * rng.uniform(0.3, 1)
            bandwidth = min(bandwidth, width)
        if rng.random() < s.gap_chance:
            self._gaps(voice)
        kind = rng.random()
        if kind < s.clean_chance:
            snr_db = 90.0 if rng.random() < 0.5 else rng.uniform(25, 50)
        else:
            snr_db = rng.uniform(*s.snr_db)
        if s.clean_chance <= kind < s.clean_chance + s.background_chance:
            voice *= 0
        bed = self._bed()
        level = np.mean(voice * voice) if voice.any() else 1.0
        bed *= np.sqrt(level / (np.mean(bed * bed) + 1e-10) / 10 ** (snr_db / 10))
        mix = voice + bed
        if rng.random() < s.limit_chance:
            limit_hz = 8_000.0 if rng.random() < s.wide_band_chance else float(np.exp(rng.uniform(*np.log(s.limit_hz))))
            mix, voice = (_limited(sound, limit_hz) for sound in (mix, voice))
            bandwidth = min(bandwidth, limit_hz)
        gain = 10 ** (rng.uniform(*s.level_db) / 20) / np.sqrt(np.mean(mix * mix) + 1e-10)
        gain *= rng.choice((-1, 1))  # a microphone may be wired either way round
        return (mix * gain).astype(np.float32), (voice * gain).astype(np.float32), bandwidth

    def _voice(self) -> tuple[Signal, float]:
        s = self.settings
        return self._source(self.speech, self._speech_chance, s.speech_speed, 6, s.extend_chance)

    def _bed(self) -> Signal:
        s, rng = self.settings, self.rng
        bed = np.zeros(self.samples, np.float32)
        kind = rng.random()
        layers = []
        if kind < s.music_chance or kind >= s.music_chance + s.noise_chance:
            layers.append(self._source(self.music, self._music_chance, s.music_speed, 8)[0])
            if rng.random() < s.second_music_chance:
                layers.append(self._source(self.music, self._music_chance, s.music_speed, 8)[0])
        if kind >= s.music_chance and rng.random() < s.crowd_chance:
            layers.append(self._crowd())
        elif kind >= s.music_chance:
            made = rng.random() < s.made_chance
            recorded = not made or rng.random() < 0.3
            layers += [self._source(self.noise, self._noise_chance, s.music_speed, 8)[0]] if recorded else []
            layers += [noises.draw(rng, self.samples)] if made else []
        for layer in layers:
            bed += layer / np.sqrt(np.mean(layer * layer) + 1e-8) * 10 ** (rng.uniform(-8, 0) / 20)
        return bed

    def _crowd(self) -> Signal:
        """People at other tables: so many that none of them is understood, with more room than voice, and dull."""
        s, rng, n = self.settings, self.rng, self.samples
        made = np.zeros(n, np.float32)
        for _ in range(int(rng.integers(*s.crowd, endpoint=True))):
            voice, _ = self._cut(self.speech, self._speech_chance, n)
            made += voice / np.sqrt(np.mean(voice * voice) + 1e-6) * np.float32(10 ** (rng.uniform(-9, 0) / 20))
        spectrum = fft.rfft(made)
        hz = np.fft.rfftfreq(n, 1 / RATE).astype(np.float32)
        spectrum *= self._equaliser(len(spectrum), 8) / np.sqrt(1 + (hz / np.float32(rng.uniform(1500, 6000))) ** 4)
        for _ in range(2):  # the way to the walls, and the way from them
            spectrum *= fft.rfft(self._room(), n)
        return np.asarray(fft.irfft(spectrum, n), np.float32)


def _limited(sound: Signal, limit_hz: float) -> Signal:
    """The sound as a recorder of twice that rate would give it: nothing above, and 5 % of it to fall in."""
    spectrum = fft.rfft(sound)
    hz = np.linspace(0.0, RATE / 2, len(spectrum), dtype=np.float32)
    spectrum *= np.clip((limit_hz - hz) / np.float32(0.05 * limit_hz), 0.0, 1.0)
    return np.asarray(fft.irfft(spectrum, len(sound)), np.float32)


def _read_room(path: Path) -> Signal:
    room: Signal = np.load(path).astype(np.float32)
    room /= np.abs(room).max()
    return room


class Batches(IterableDataset[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]):
    """An endless stream of batches (mixture, voice, bandwidth) for a DataLoader with batch_size None."""

    def __init__(self, folder: Path, seed: int, batch: int, frames: int, settings: MixSettings | None = None) -> None:
        self.folder, self.seed, self.batch, self.frames, self.settings = folder, seed, batch, frames, settings

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        worker = torch.utils.data.get_worker_info()
        mixer = Mixer(self.folder, self.seed * 1000 + (worker.id if worker else 0), self.frames, self.settings)
        count = 0
        while True:
            drawn = [mixer.draw() for _ in range(self.batch)]
            mix, voice, bandwidth = zip(*drawn, strict=True)
            yield torch.from_numpy(np.stack(mix)), torch.from_numpy(np.stack(voice)), torch.tensor(bandwidth)
            count += 1
            if count % 200 == 0:
                mixer.reload()
