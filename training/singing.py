"""Songs, made of spoken voices and of music without any: `python -m training.singing --data training/data --songs 240`.

A network that has never heard singing keeps half of it, because it is a voice. Songs that may be trained on are few, so
voices of the speech pack are made to sing: what is voiced is held on the notes of a scale, with glides between them and
vibrato on long ones, consonants stay as they were, and the throat may be another's. The vocoder is WORLD (Morise,
Yokomori and Ozawa, IEICE Transactions on Information and Systems, 2016), from the package pyworld. Singing without a
band is left out: somebody who sings in an interview is meant to be heard.

The songs become the pack `music_sung`, of the family `sung`.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import fftconvolve

from mediaclean.backends.dialogue_mask import RATE
from mediaclean.bed.singing import hertz, semitones
from mediaclean.speech import runs
from training.packs import MUSIC_WEIGHTS, SPEECH_WEIGHTS, Clip, chances, training_clips
from training.prepare import FULL_SCALE, Piece, write_pack

Signal = NDArray[np.float64]

VOCODER_RATE = 24_000
STEP_S = 0.005
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9), (0, 3, 5, 7, 10))
"""Major, minor, and both without half steps: semitones over the root."""
SHORTEST_VOWEL_S, LONGEST_PAUSE_S = 0.05, 0.4
WITH_SINGERS = ("eif_fullmix", "sung")
"""Families of music in which somebody sings already."""


@dataclass(frozen=True)
class Singer:
    """How somebody sings.

    Attributes:
        beat_s: the shortest note.
        scale: semitones over the root that are sung.
        root: of the scale, as a MIDI note.
        lift: semitones over the speaking voice.
        throat: formants against those of the speaker's; above 1 higher.
        glide_s: between two notes.
        vibrato_hz, vibrato: rate, and depth in semitones.
    """

    beat_s: float
    scale: tuple[int, ...]
    root: int
    lift: float
    throat: float
    glide_s: float
    vibrato_hz: float
    vibrato: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Singer:
        return cls(
            beat_s=rng.uniform(0.14, 0.34),
            scale=SCALES[int(rng.integers(len(SCALES)))],
            root=int(rng.integers(12)),
            lift=rng.uniform(0.0, 11.0),
            throat=rng.uniform(0.86, 1.18),
            glide_s=rng.uniform(0.015, 0.06),
            vibrato_hz=rng.uniform(4.5, 6.5),
            vibrato=float(rng.choice((0.0, rng.uniform(0.1, 0.7)))),
        )


def notes(singer: Singer, middle: float, count: int, rng: np.random.Generator) -> Signal:
    """A melody of MIDI notes on the scale, by small steps around a middle, shape (count,)."""
    allowed = np.array([note for note in range(24, 100) if (note - singer.root) % 12 in singer.scale])
    degree = int(np.abs(allowed - middle).argmin())
    low, high = degree - 4, degree + 4
    melody = []
    for _ in range(count):
        degree = int(np.clip(degree + rng.choice((-4, -2, -1, -1, 0, 0, 1, 1, 2, 4)), low, high))
        melody.append(allowed[np.clip(degree, 0, len(allowed) - 1)])
    return np.array(melody, dtype=np.float64)


def vowels(voiced: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The runs of voiced steps that are long enough to carry a note, cut where they would carry more than two."""
    least, most = round(SHORTEST_VOWEL_S / STEP_S), round(0.22 / STEP_S)
    found = []
    for start, stop in runs(voiced):
        parts = max(1, (stop - start) // most)
        bounds = np.linspace(start, stop, parts + 1).round().astype(int).tolist()
        found += [(a, b) for a, b in itertools.pairwise(bounds) if b - a >= least]
    return found


def score(voiced: NDArray[np.bool_], pitch: Signal, singer: Singer, rng: np.random.Generator) -> tuple[Signal, Signal]:
    """When which step of the speech is sung, and on what.

    Args:
        voiced, pitch: of each step of the speech; MIDI notes.

    Returns:
        For each step of the song the step of the speech, a fraction, and the note, both (steps,).
    """
    spans = vowels(voiced)
    middle = float(np.median(pitch[voiced])) + singer.lift
    melody = notes(singer, middle, len(spans), rng)
    pause, at = round(LONGEST_PAUSE_S / STEP_S), 0
    steps: list[Signal] = []
    sung: list[Signal] = []
    for (start, stop), note in zip(spans, melody, strict=True):
        before = np.arange(at, start, dtype=np.float64)
        between = before if len(before) <= pause else np.concatenate([before[: pause // 2], before[-pause // 2 :]])
        beats = float(rng.choice((1, 1, 1, 2, 2, 3, 4), p=(0.25, 0.2, 0.1, 0.2, 0.1, 0.1, 0.05)))
        length = max(stop - start, round(beats * singer.beat_s / STEP_S))
        ends = min(6, (stop - start) // 3)  # the ways into a vowel and out of it keep their pace
        held = np.linspace(start + ends, stop - 1 - ends, max(1, length - 2 * ends))
        vowel = np.concatenate([np.arange(start, start + ends), held, np.arange(stop - ends, stop)])
        steps += [between, vowel]
        sung += [np.full(len(between), note), np.full(len(vowel), note)]
        at = stop
    return np.concatenate(steps), np.concatenate(sung)


def melodic(sung: Signal, singer: Singer, rng: np.random.Generator) -> Signal:
    """The notes with glides, vibrato that grows while a note is held, and the unsteadiness of a throat."""
    at = np.arange(len(sung))
    since = at - np.maximum.accumulate(np.where(np.diff(sung, prepend=sung[0]) != 0.0, at, 0))
    grown = np.clip((since * STEP_S - 0.15) / 0.3, 0.0, 1.0)
    phase = 2.0 * np.pi * singer.vibrato_hz * at * STEP_S
    unsteady = gaussian_filter1d(rng.standard_normal(len(sung)), 12.0) * 0.5
    return np.asarray(
        gaussian_filter1d(sung, singer.glide_s / STEP_S) + singer.vibrato * grown * np.sin(phase) + unsteady
    )


@dataclass(frozen=True, eq=False)
class Spoken:
    """Speech as the vocoder takes it apart, step by step.

    Attributes:
        pitch_hz: (steps,); 0 where nothing is voiced.
        envelope, breath: spectral envelope and aperiodicity, (steps, bins).
    """

    pitch_hz: Signal
    envelope: Signal
    breath: Signal

    @classmethod
    def of(cls, speech: Signal) -> Spoken:
        """From a sound (n,) at `VOCODER_RATE`."""
        import pyworld

        pitch_hz, times = pyworld.dio(speech, VOCODER_RATE, f0_floor=65.0, f0_ceil=420.0, frame_period=1000 * STEP_S)
        pitch_hz = pyworld.stonemask(speech, pitch_hz, times, VOCODER_RATE)
        envelope = pyworld.cheaptrick(speech, pitch_hz, times, VOCODER_RATE)
        return cls(pitch_hz, envelope, pyworld.d4c(speech, pitch_hz, times, VOCODER_RATE))


def sing(spoken: Spoken, singer: Singer, rng: np.random.Generator) -> Signal:
    """Somebody's speech sung, (n,) at `VOCODER_RATE`; nothing for a speech without vowels."""
    import pyworld

    voiced = spoken.pitch_hz > 0.0
    if not vowels(voiced):
        return np.zeros(0)
    pitch = semitones(np.maximum(spoken.pitch_hz, 1.0))
    steps, sung = score(voiced, pitch, singer, rng)
    nearest = np.clip(steps.round().astype(int), 0, len(voiced) - 1)
    hz = hertz(melodic(sung, singer, rng))
    last = spoken.envelope.shape[1] - 1
    bins = np.clip(np.arange(last + 1) / singer.throat, 0, last).astype(int)
    return np.asarray(
        pyworld.synthesize(
            np.where(voiced[nearest], hz, 0.0),
            np.ascontiguousarray(spoken.envelope[nearest][:, bins]),
            np.ascontiguousarray(spoken.breath[nearest][:, bins]),
            VOCODER_RATE,
            1000 * STEP_S,
        )
    )


def choir(speech: Signal, singer: Singer, rng: np.random.Generator) -> Signal:
    """The song by one voice, or doubled, at 48 kHz, with what the room adds, at RMS 1; nothing without vowels."""
    spoken = Spoken.of(speech)
    takes = 1 + int(rng.random() < 0.35) + int(rng.random() < 0.2)
    state = rng.bit_generator.state
    voices: list[Signal] = []
    for _ in range(takes):
        rng.bit_generator.state = state  # the same notes, sung once more
        take = replace(singer, vibrato_hz=singer.vibrato_hz * (1.0 + 0.08 * len(voices)))
        voices.append(np.roll(sing(spoken, take, rng), 350 * len(voices)))
    sound = np.sum(voices, axis=0)
    if not sound.any():
        return np.zeros(0)
    sound = np.asarray(soxr.resample(sound, VOCODER_RATE, RATE))
    decay_s = rng.uniform(0.3, 1.8)
    time_s = np.arange(round(decay_s * RATE)) / RATE
    tail = rng.standard_normal(len(time_s)) * np.exp(-6.9 * time_s / decay_s) * (time_s > 0.02)
    tail *= 10.0 ** (-rng.uniform(4.0, 16.0) / 20.0) / np.sqrt(tail @ tail)
    sound = sound + fftconvolve(sound, tail)[: len(sound)]
    return np.asarray(sound / np.sqrt(np.mean(np.square(sound))))


class Studio:
    """Draws songs out of a training folder.

    Raises:
        FileNotFoundError: if the folder has no speech or no music.
    """

    def __init__(self, data: Path, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._speech = training_clips(data, "speech")
        self._music = [clip for clip in training_clips(data, "music") if not clip.name.startswith(WITH_SINGERS)]
        self._speech_chance = chances(self._speech, SPEECH_WEIGHTS)
        self._music_chance = chances(self._music, MUSIC_WEIGHTS)

    def _cut(self, clips: list[Clip], chance: NDArray[np.float64], length: int) -> Signal:
        clip = clips[self._rng.choice(len(clips), p=chance)].samples
        start = int(self._rng.integers(max(1, len(clip) - length)))
        return np.resize(clip[start : start + length], length) / 32768.0

    def song(self, seconds: float) -> NDArray[np.int16]:
        """A song, (n,) at 48 kHz; n is 0 where what was drawn does not sound."""
        singer = Singer.draw(self._rng)
        spoken = self._cut(self._speech, self._speech_chance, round(seconds * RATE))
        voice = choir(np.ascontiguousarray(soxr.resample(spoken, RATE, VOCODER_RATE)), singer, self._rng)
        voice = voice[: round(seconds * RATE)]
        band = self._cut(self._music, self._music_chance, len(voice))
        if not voice.any() or not band.any():
            return np.zeros(0, np.int16)
        band /= np.sqrt(np.mean(np.square(band)))
        mix = voice * 10.0 ** (self._rng.uniform(-6.0, 9.0) / 20.0) + band
        return np.asarray(mix * (FULL_SCALE / np.abs(mix).max())).astype(np.int16)

    def pieces(self, songs: int, seconds: float) -> Iterator[Piece]:
        """So many songs, less those that do not sound."""
        for number in range(songs):
            yield f"sung_{number:03}", self.song(seconds), RATE


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("training/data"))
    parser.add_argument("--songs", type=int, default=240)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each song at most")
    parser.add_argument("--seed", type=int, default=11)
    args = parser.parse_args()
    minutes = write_pack(args.data, "music_sung", Studio(args.data, args.seed).pieces(args.songs, args.seconds))
    print(f"music_sung: {minutes:.1f} min")


if __name__ == "__main__":
    main()
