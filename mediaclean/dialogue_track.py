"""The dialogue track for captioners and recognisers: mono, 16 kHz, 16 bit, on the picture's clock.

The same zero and the same length as the sound it comes from, and no time edits, so that any time found in it is a
time in the picture. Nothing in it is digital silence: near zero, speech detectors misfire, so a faint noise stands
in where the sound is fainter still.
"""

from __future__ import annotations

import wave
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples, db_to_gain, reblock
from mediaclean.errors import NO_SPACE, OutputError
from mediaclean.resample import Resampler

ASR_RATE = 16_000
FLOOR_DBFS = -75.0
"""Level of the noise under the sound: 50 dB under quiet speech, 15 dB over the rounding of 16 bits."""

_STEP = 160  # 10 ms, in which the sound's level is taken
_PIECE = 100 * _STEP


def to_asr(
    chunks: Iterable[Samples],
    rate: int,
    *,
    weights: Sequence[float] | None = None,
    floor_dbfs: float = FLOOR_DBFS,
    seed: int = 0,
) -> Iterator[NDArray[np.int16]]:
    """Turn a stream into the samples of a dialogue track; the same for chunks of any size.

    Args:
        chunks: float32 of shape (channels, n), full scale ±1.0.
        rate: of the chunks, in Hz.
        weights: of every channel in the mono sum; None is the mean. For surround, the centre alone.
        floor_dbfs: root-mean-square level that every 10 ms of the track is held up to.
        seed: of the floor and the dither.

    Yields:
        int16 of shape (n,) at 16 kHz, dithered (triangular, 2 LSB wide; Lipshitz et al., 1992): in all
        ``round(length * 16000 / rate)`` samples. What is beyond full scale is clipped.
    """
    noise, dither = (np.random.Generator(np.random.Philox(key=[seed, use])) for use in (0, 1))
    for voice in _floored(_mono(chunks, rate, weights), float(db_to_gain(floor_dbfs)), noise):
        pair = dither.random((voice.shape[0], 2))
        scaled = np.rint(voice * 32768.0 + pair[:, 0] - pair[:, 1])
        yield np.clip(scaled, -32768, 32767).astype(np.int16)


def write_asr_wav(
    path: Path,
    chunks: Iterable[Samples],
    rate: int,
    *,
    weights: Sequence[float] | None = None,
    floor_dbfs: float = FLOOR_DBFS,
    seed: int = 0,
) -> int:
    """Write a dialogue track as a WAV file at exactly `path`; see `to_asr`.

    Returns:
        How many samples it has.

    Raises:
        OutputError: when the file cannot be written.
    """
    written = 0
    try:
        # Not by libsndfile, which does not tell a full disk from other faults.
        with path.open("wb") as file, wave.open(file, "wb") as made:
            made.setparams((1, 2, ASR_RATE, 0, "NONE", "not compressed"))
            for part in to_asr(chunks, rate, weights=weights, floor_dbfs=floor_dbfs, seed=seed):
                made.writeframesraw(part.astype("<i2").tobytes())
                written += part.shape[0]
    except OSError as error:
        if error.errno in NO_SPACE:
            hint = "free some space, or choose another folder with -o"
            raise OutputError(f"{path}: no space left on the disk", hint) from error
        raise OutputError(
            f"{path}: the dialogue track cannot be written: {error.strerror or error}", "check the folder's rights"
        ) from error
    return written


def _mono(chunks: Iterable[Samples], rate: int, weights: Sequence[float] | None) -> Iterator[Samples]:
    """One channel at 16 kHz in pieces of one second, (1, n)."""

    def pieces() -> Iterator[Samples]:
        resampler = Resampler(rate, ASR_RATE)
        for chunk in chunks:
            share = np.full(chunk.shape[0], 1.0 / chunk.shape[0]) if weights is None else np.asarray(weights)
            # Channel by channel: a matrix product may round differently for other chunk sizes.
            mono = np.zeros(chunk.shape[1], dtype=np.float32)
            for channel, weight in zip(chunk, share.astype(np.float32), strict=True):
                mono += weight * channel
            yield resampler.add(mono)[None]
        yield resampler.flush()[None]

    return reblock(pieces(), _PIECE)


def _floored(pieces: Iterable[Samples], floor: float, noise: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """Add noise of amplitude sqrt(floor² - level²) where the sound is below the floor, per 10 ms, without steps.

    A piece waits for the next one, whose first 10 ms shape the end of its envelope.
    """
    before = 0.0
    waiting: tuple[NDArray[np.float32], NDArray[np.float64]] | None = None
    for piece in pieces:
        lacking = _lacking(piece[0], floor)
        if waiting is not None:
            yield _add(*waiting, before, float(lacking[0]), noise)
            before = float(waiting[1][-1])
        waiting = (piece[0], lacking)
    if waiting is not None:
        yield _add(*waiting, before, 0.0, noise)


def _lacking(sound: NDArray[np.float32], floor: float) -> NDArray[np.float64]:
    """Amplitude of the noise that every 10 ms lacks, to reach the floor."""
    steps = -(-sound.shape[0] // _STEP)
    squares = np.zeros(steps * _STEP)
    squares[: sound.shape[0]] = np.square(sound, dtype=np.float64)
    power = squares.reshape(steps, _STEP).sum(axis=1) / np.minimum(_STEP, sound.shape[0] - _STEP * np.arange(steps))
    return np.asarray(np.sqrt(np.maximum(0.0, floor**2 - power)))


def _add(
    sound: NDArray[np.float32],
    lacking: NDArray[np.float64],
    before: float,
    after: float,
    noise: np.random.Generator,
) -> NDArray[np.float64]:
    """The sound with its noise; the envelope is straight between the larger neighbours at every border."""
    around = np.concatenate([[before], lacking, [after]])
    border = np.maximum(around[:-1], around[1:])
    time = np.arange(sound.shape[0]) / _STEP
    envelope = np.interp(time, np.arange(border.shape[0]), border)
    return np.asarray(sound + envelope * noise.standard_normal(sound.shape[0]))
