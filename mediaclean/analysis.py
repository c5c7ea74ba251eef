"""One pass over the sound: everything that the plan needs to know, in about 3 MB per hour.

Each listener below hears every chunk and keeps its own account. What is much work in few calls, the speech detector and
the search for damage, is done aside in threads; the rest takes turns, because threads that keep handing each other the
interpreter are slower than one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from mediaclean.advice.faults import UNHEARD, ChannelEar, Heard
from mediaclean.ahead import Aside
from mediaclean.audio import FLOOR_DB, Gather, Samples, Span, frame_count, power_to_db, reblock
from mediaclean.downmix import first_downmix, in_step
from mediaclean.loudness.kweight import FrameLevels, channel_names, power_to_lufs
from mediaclean.loudness.meter import Loudness, Meter
from mediaclean.repair.chain import Finder, RepairSettings
from mediaclean.repair.records import NO_REPAIRS, Repairs
from mediaclean.resample import Resampler
from mediaclean.roomtone.fill import HoleFinder
from mediaclean.roomtone.sources import SPECTRUM_HZ, FeatureStream, RoomToneSettings, ToneFeatures
from mediaclean.series import Series

VAD_RATE = 16_000
VAD_FRAME = 512
AT_ONCE_S = 16
"""How much sound the speech detector is given at once."""
FULL_SCALE = 0.9999
CLIPPED_RUN = 3
"""Full-scale samples in a row that no microphone gives: fewer may be a peak that just fits."""


class Detector(Protocol):
    """A speech detector: one probability for every 512 samples of mono sound at 16 kHz."""

    def add(self, mono16k: NDArray[np.float32]) -> NDArray[np.float32]:
        """The next sound, any length; the probabilities of the frames that it completes."""

    def flush(self) -> NDArray[np.float32]:
        """The probabilities still due."""


@dataclass(frozen=True)
class TrackStats:
    """Mean and standard deviation of the mono mix of the whole track, which Demucs divides by."""

    mean: float
    deviation: float


@dataclass(frozen=True, eq=False)
class Analysis:
    """What was heard in a track of `length` samples at `rate` Hz. Per-frame arrays have the shape (frames,).

    Attributes:
        speech: probability of speech per 32 ms frame.
        level_db: K-weighted level per frame in LUFS.
        features: what tells room tone from music, per frame.
        loudness: of the whole track.
        holes: runs of digital silence.
        clipped: how many runs of full-scale samples there are.
        bandwidth_hz: up to where the recording holds sound.
        repairs: what is to be mended in the sound itself, where somebody asked for it.
        heard: what was heard of each channel.
    """

    rate: int
    channels: int
    layout: str
    length: int
    speech: NDArray[np.float32]
    level_db: NDArray[np.float32]
    features: ToneFeatures
    loudness: Loudness
    stats: TrackStats
    holes: tuple[Span, ...]
    clipped: int
    bandwidth_hz: float
    repairs: Repairs = NO_REPAIRS
    heard: Heard = UNHEARD


def centre_channel(layout: str, channels: int) -> int | None:
    """Index of the front centre in a surround layout; None for mono, stereo and layouts without one."""
    names = channel_names(layout, channels)
    return names.index("FC") if channels > 2 and "FC" in names else None


def analyse(
    chunks: Iterable[Samples],
    *,
    rate: int,
    layout: str,
    channels: int,
    detector: Detector,
    tone: RoomToneSettings | None = None,
    repair: RepairSettings | None = None,
) -> Analysis:
    """Listen to a whole track.

    Args:
        chunks: the sound from the first sample on, (channels, n) each.
        rate: in Hz.
        layout: FFmpeg's name of the channel layout.
        channels: how many there are.
        detector: hears speech in 16 kHz mono.
        tone: what counts as a hole; the defaults where room tone is off.
        repair: what to look for that can be mended; nothing by default.
    """
    levels = FrameLevels(rate, layout, channels)
    meter = Meter(rate, layout, channels, frames=levels)
    ear = Ear(rate, detector, first_downmix(centre_channel(layout, channels)))
    holes = HoleFinder(rate, tone or RoomToneSettings())
    facts, finder, sides = _Facts(rate), Finder(rate, repair or RepairSettings()), ChannelEar(channels)
    with ExitStack() as stack:
        stack.enter_context(ear)
        apart = [stack.enter_context(Aside(listen)) for listen in (meter.add, *finder.listeners)]
        listeners = (*(each.give for each in apart), ear.add, holes.push, facts.add, sides.add)
        for second in reblock(chunks, rate):  # so that nothing depends on how the sound was decoded
            for hear in listeners:
                hear(second)
    loudness = meter.result()
    frames = frame_count(facts.length, rate)
    speech, features = ear.result(frames)
    return Analysis(
        rate=rate,
        channels=channels,
        layout=layout,
        length=facts.length,
        speech=speech,
        level_db=fitted(np.asarray(power_to_lufs(levels.result()), dtype=np.float32), frames, FLOOR_DB),
        features=features,
        loudness=loudness,
        stats=facts.stats(),
        holes=tuple(holes.finish()),
        clipped=facts.clipped,
        bandwidth_hz=facts.bandwidth_hz(),
        repairs=finder.result(),
        heard=sides.result(),
    )


def fitted(values: NDArray[np.float32], frames: int, filler: float) -> NDArray[np.float32]:
    """The array with exactly `frames` values: cut, or filled up at its end."""
    missing = max(0, frames - len(values))
    return np.concatenate([values[:frames], np.full(missing, filler, dtype=np.float32)])


def fitted_spectrum(rows: NDArray[np.uint8], frames: int) -> NDArray[np.uint8]:
    """Rows for every second of `frames` frames: cut, or filled up with silence."""
    wanted, bands = (frames + 1) // 2, len(SPECTRUM_HZ) - 1
    found = rows[:wanted]
    return np.concatenate([found, np.zeros((wanted - len(found), bands), np.uint8)])


class Ear:
    """Speech probability and tone features, both from 512-sample frames of mono sound at 16 kHz.

    It listens in a thread of its own, to many seconds at once: a context manager, whose `result` is there behind it.
    """

    def __init__(self, rate: int, detector: Detector, downmix: Callable[[Samples], NDArray[np.float32]]) -> None:
        self._resampler = Resampler(rate, VAD_RATE)
        self._detector = detector
        self._downmix = downmix
        self._gather = Gather(AT_ONCE_S * rate)
        self._aside = Aside(self._listen, depth=1)
        self._features = FeatureStream(VAD_RATE, VAD_FRAME)
        self._rest = np.zeros(0, dtype=np.float32)
        self._speech = Series(np.float32)
        self._flux = Series(np.float32)
        self._tonality = Series(np.float32)
        self._spectrum = Series(np.uint8, len(SPECTRUM_HZ) - 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is not None:
            self._aside.__exit__(kind, *error)
            return
        with self._aside:
            self._aside.give(self._gather.rest())

    def add(self, samples: Samples) -> None:
        for mono in self._gather.add(self._downmix(samples)):
            self._aside.give(mono)

    def _listen(self, mono: NDArray[np.float32]) -> None:
        self._hear(self._resampler.add(mono))

    def _hear(self, mono: NDArray[np.float32]) -> None:
        self._speech.add(self._detector.add(mono))
        held = np.concatenate([self._rest, mono])
        whole = len(held) - len(held) % VAD_FRAME
        self._rest = held[whole:]
        if whole:
            self._feel(held[:whole])

    def _feel(self, sound: NDArray[np.float32]) -> None:
        features = self._features.push(sound.reshape(-1, VAD_FRAME))
        self._flux.add(features.flux_db)
        self._tonality.add(features.tonality_db)
        self._spectrum.add(features.spectrum)

    def result(self, frames: int) -> tuple[NDArray[np.float32], ToneFeatures]:
        self._hear(self._resampler.flush())
        self._speech.add(self._detector.flush())
        if len(self._rest):
            self._feel(np.pad(self._rest, (0, VAD_FRAME - len(self._rest))))
        return (
            fitted(self._speech.result(), frames, 0.0),
            ToneFeatures(
                fitted(self._flux.result(), frames, 99.0),
                fitted(self._tonality.result(), frames, 99.0),
                fitted_spectrum(self._spectrum.result(), frames),
            ),
        )


class _Facts:
    """Length, mean, deviation, clipping and bandwidth."""

    SIZE = 4096

    def __init__(self, rate: int) -> None:
        self.length = 0
        self.clipped = 0
        self._rate = rate
        self._sum = self._squares = 0.0
        self._run = 0
        self._spectrum = np.zeros(self.SIZE // 2 + 1)
        self._window = np.hanning(self.SIZE).astype(np.float32)

    def add(self, samples: Samples) -> None:
        mono = samples.mean(axis=0)
        self.length += mono.size
        exact = mono.astype(np.float64)
        self._sum += float(exact.sum())
        self._squares += float(np.dot(exact, exact))
        self._count_clipped(samples)
        if mono.size >= self.SIZE:  # one frame a second is enough for a long-term spectrum
            self._spectrum += np.abs(np.fft.rfft(in_step(samples[:, : self.SIZE]) * self._window)) ** 2

    def _count_clipped(self, samples: Samples) -> None:
        if max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0))) < FULL_SCALE:
            self._run = 0
            return
        full = np.abs(samples).max(axis=0) >= FULL_SCALE
        edges = np.flatnonzero(np.diff(full, prepend=False, append=False)).reshape(-1, 2)
        lengths = edges[:, 1] - edges[:, 0]
        if edges[0, 0] == 0:
            lengths[0] += self._run
            self.clipped -= int(self._run >= CLIPPED_RUN)
        self.clipped += int(np.count_nonzero(lengths >= CLIPPED_RUN))
        self._run = int(lengths[-1]) if edges[-1, 1] == full.size else 0

    def stats(self) -> TrackStats:
        count = max(1, self.length)
        mean = self._sum / count
        return TrackStats(mean, float(np.sqrt(max(0.0, self._squares / count - mean * mean))))

    def bandwidth_hz(self) -> float:
        """The highest frequency at which the long-term spectrum comes within 80 dB of its peak; 0 for silence.

        The level is taken over nine bins, lest a single line stand for sound.
        """
        if not self._spectrum.any():
            return 0.0
        level = np.pad(power_to_db(self._spectrum / self._spectrum.max()), 4, mode="edge")
        alive = np.flatnonzero(np.convolve(level, np.ones(9) / 9, mode="valid") > -80.0)
        return float((alive[-1] + 1) / (self.SIZE // 2 + 1) * self._rate / 2) if alive.size else 0.0
