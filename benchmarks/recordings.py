"""What the benchmarks take from the corpus: its files at 48 kHz, and the noise that is in its noisy pairs."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples
from mediaclean.media import choose_track, decode, probe
from mediaclean.resample import ratio, resample

RATE = 48_000
Sound = NDArray[np.float32]


SUFFIXES = {".wav", ".flac", ".ogg", ".mp3"}


def corpus_folder() -> Path:
    """The folder of outside media; without one, the end of the program with a word of what to do."""
    if "MEDIACLEAN_CORPUS" not in os.environ:
        raise SystemExit("set MEDIACLEAN_CORPUS to the folder of outside media (benchmarks/README.md)")
    return Path(os.environ["MEDIACLEAN_CORPUS"])


def channels(path: Path) -> Samples:
    """A file at 48 kHz, (channels, n)."""
    media = probe(path)
    track = choose_track(media)
    sound = np.concatenate(list(decode(media, track)), axis=1)
    if track.rate == RATE:
        return sound
    whole = sound.shape[1] - sound.shape[1] % ratio(track.rate, RATE)[0]
    return resample(sound[:, :whole], track.rate, RATE)


def mono(path: Path) -> Sound:
    """A file at 48 kHz, its channels in one."""
    return np.asarray(channels(path).mean(axis=0))


def sounds(folder: Path) -> list[Sound]:
    """The sound files of a folder by name, mono."""
    return [mono(path) for path in sorted(folder.iterdir()) if path.suffix in SUFFIXES]


def stereo_sounds(folder: Path) -> list[Samples]:
    """The sound files of a folder that have two channels, by name."""
    found = [channels(path) for path in sorted(folder.iterdir()) if path.suffix in SUFFIXES]
    return [sound for sound in found if len(sound) == 2]


def noise_in(noisy: Sound, clean: Sound) -> Sound:
    """What a noisy recording has beside its clean speech, of shape (n,) or (channels, n) as both are.

    The speech may be louder in it than by itself (twice as loud in one pair of the corpus), so it is taken away by
    projection: a plain difference would leave the rest of it, and call a voice a noise.
    """
    length = min(noisy.shape[-1], clean.shape[-1])
    noisy, clean = noisy[..., :length], clean[..., :length]
    share = float(np.vdot(noisy, clean)) / float(np.vdot(clean, clean))
    return np.asarray(noisy - np.float32(share) * clean)


def noise_of(pair: Path) -> Sound:
    """The noise of a pair, mono at 48 kHz; `pair` is the path of both files without its two endings."""
    noisy, clean = (mono(pair.with_name(f"{pair.name}_{kind}.wav")) for kind in ("noisy", "clean"))
    return noise_in(noisy, clean)


def pairs(corpus: Path) -> list[Path]:
    """The noisy pairs of the corpus, as `noise_of` takes them."""
    return [
        path.with_name(path.name.removesuffix("_noisy.wav")) for path in sorted((corpus / "pairs").glob("*_noisy.wav"))
    ]


def rms(sound: Sound) -> float:
    """Effective value, never 0."""
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))) + 1e-9)


def random_part(sound: Sound | NDArray[np.int16], length: int, chance: np.random.Generator) -> Sound:
    """So many samples of a sound from a random one on, which goes on at its beginning; 16 bits at full scale 1."""
    start = int(chance.integers(len(sound)))
    part = np.take(sound, np.arange(start, start + length), mode="wrap").astype(np.float32)
    return np.asarray(part * np.float32(1 / 32768), np.float32) if sound.dtype == np.int16 else part
