"""Clean speech, and what a finishing stage makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from mediaclean.audio import Block, Samples, Span, power_to_db
from mediaclean.backends.detector import load_detector
from mediaclean.downmix import Downmix
from mediaclean.media import choose_track, decode, probe
from mediaclean.plan.make import Phrase
from mediaclean.polish import through
from mediaclean.polish.chain import Voiced, stages
from mediaclean.polish.frames import VoiceFrames, listen
from mediaclean.polish.records import VoiceGain
from mediaclean.speech import SpeechSettings
from mediaclean.speech import phrases as spoken

NAMES = (
    "speech/librispeech_198.ogg",
    "speech/librispeech_3436.ogg",
    "speech/silero_test_60s.flac",
    "pairs/dfn48k_clean.wav",
    "video/autoeditor_example.mp4",
    "video/manifesto_audiobook.mp4",
)
LONGEST_S = 90
FADE_S = 0.02


@dataclass(frozen=True)
class Recording:
    """Clean speech: its sound (channels, n), and its phrases."""

    name: str
    sound: Samples
    rate: int
    spans: list[Span]

    def track(self, cuts: Sequence[Span] = ()) -> Voiced:
        said = [Phrase(span, 1.0, -23.0, -60.0) for span in self.spans]
        return Voiced(self.rate, Downmix(), said, cuts, round(FADE_S * self.rate))


def load(path: Path) -> Recording:
    media = probe(path)
    track = choose_track(media)
    sound = np.concatenate(list(decode(media, track)), axis=1)[:, : LONGEST_S * track.rate]
    return Recording(path.name, sound, track.rate, detect(sound, track.rate))


def detect(sound: Samples, rate: int) -> list[Span]:
    detector = load_detector("silero")
    mono = soxr.resample(sound.mean(axis=0), rate, 16_000).astype(np.float32)
    return spoken(np.concatenate([detector.add(mono), detector.flush()]), SpeechSettings(), rate, sound.shape[1])


def blocks(mix: Samples, voice: Samples | None = None) -> Iterator[Block]:
    for at in range(0, mix.shape[1], 30_000):
        part = mix[:, at : at + 30_000]
        yield Block(at, part, part if voice is None else voice[:, at : at + 30_000])


def frames(recording: Recording, mix: Samples, voice: Samples | None = None, cuts: Sequence[Span] = ()) -> VoiceFrames:
    fade = round(FADE_S * recording.rate)
    return listen(blocks(mix, voice), rate=recording.rate, downmix=Downmix(), cuts=cuts, fade=fade)


def finished(
    recording: Recording,
    rows: Sequence[VoiceGain],
    mix: Samples,
    voice: Samples | None = None,
    cuts: Sequence[Span] = (),
) -> Samples:
    """The voice after the rows."""
    done = through(blocks(mix, voice), stages(rows, recording.track(cuts)))
    return np.concatenate([block.voice for block in done], axis=1)


def band_db(sound: Samples, spans: Sequence[Span], rate: int, low_hz: float, high_hz: float) -> float:
    """Power of a band over the spans together, by their spectra under a Hann window."""
    total = 0.0
    for span in spans:
        part = sound[:, span.start : span.stop] * np.hanning(span.length)
        frequency = np.fft.rfftfreq(span.length, 1.0 / rate)
        power = np.abs(np.fft.rfft(part, axis=1)) ** 2 / span.length
        total += float(power[:, (frequency >= low_hz) & (frequency < high_hz)].sum())
    return float(power_to_db(total))


def level_db(sound: Samples) -> float:
    return float(power_to_db(np.mean(np.square(sound, dtype=np.float64))))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
