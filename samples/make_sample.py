"""Make samples/interview.mp4, its stems and its truth: `python samples/make_sample.py`.

Needs numpy, av, Pillow and the program flite. Words, tune, room and picture are made here; all is seeded,
so only another version of flite or of an encoder changes the result.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _film import FPS, FRAME, PCM, Cue, Film, write_film, write_flac
from _music import render_cue
from _sound import RATE, Samples, amplitude, beep, loudness_lufs, rms_dbfs, room_tone
from _voice import Speaker, Utterance, speak

HERE = Path(__file__).parent
TITLE = "The Lighthouse Keeper"
ANNA = Speaker("interviewer", "slt", stretch=1.0, level_lufs=-22.8, direct_to_room_db=11.0)
TOM = Speaker("guest", "rms", stretch=0.98, level_lufs=-21.6, direct_to_room_db=14.0)
SENTENCE_GAP_S, TURN_GAP_S, RAMP_S = 0.30, 0.55, 0.5


@dataclass(frozen=True)
class Scene:
    """A passage as written: silence, lines, silence; the music's loudness; a flash and beep after the lead."""

    name: str
    lead_s: float
    tail_s: float
    lines: tuple[tuple[Speaker, str], ...] = ()
    music_lufs: float | None = None
    music_ends_s: float = 0.0
    mark: bool = False
    chapter: str | None = None


SCENES = (
    Scene("sync mark", 0.4, 0.8, mark=True, chapter="Bread and light"),
    Scene(
        "clean speech", 0.2, 0.4,
        (
            (ANNA, "Good morning, Tom."),
            (ANNA, "You have kept this lighthouse for thirty years."),
            (ANNA, "What does a day look like?"),
            (TOM, "It starts before the sun."),
            (TOM, "I clean the big lens, and then I bake a loaf of bread."),
        ),
    ),
    Scene("room tone", 0.0, 3.0),
    Scene(
        "speech over quiet music", 1.2, 0.4,
        (
            (ANNA, "Many people dream of such a quiet life."),
            (ANNA, "Is it ever lonely?"),
            (TOM, "Hardly."),
            (TOM, "The gulls talk all day long, and every ship says hello with her horn."),
        ),
        music_lufs=-36.0, chapter="A quiet life",
    ),
    Scene("music alone", 0.0, 4.4, music_lufs=-26.0, music_ends_s=1.0),
    Scene("sync mark", 0.6, 0.8, mark=True),
    Scene(
        "speech over loud music", 1.2, 0.3,
        (
            (ANNA, "And the storms?"),
            (ANNA, "Are you never afraid?"),
            (TOM, "The tower has stood for two hundred winters."),
            (TOM, "When a wave hits the wall, it hums like a cello, and I put the kettle on."),
        ),
        music_lufs=-25.5, chapter="Storms",
    ),
    Scene("music fades out", 0.0, 2.6, music_lufs=-25.5, music_ends_s=2.4),
    Scene("room tone", 0.0, 2.0),
    Scene(
        "clean speech", 0.0, 0.5,
        ((ANNA, "Thank you, Tom."), (TOM, "Come back in June, the bread will be warm.")),
    ),
    Scene("sync mark", 0.5, 1.1, mark=True),
)  # fmt: skip


@dataclass(frozen=True)
class Placed:
    """An utterance and the sample at which it begins."""

    start: int
    utterance: Utterance

    @property
    def stop(self) -> int:
        return self.start + self.utterance.speech_n


@dataclass(frozen=True)
class Passage:
    """A scene on the clock, in samples, whole frames long."""

    scene: Scene
    start: int
    stop: int
    spoken: tuple[Placed, ...]

    @property
    def mark(self) -> int | None:
        """The sample of the flash and beep, or None."""
        return self.start + round(self.scene.lead_s * FPS) * FRAME if self.scene.mark else None


def samples(seconds: float) -> int:
    return round(seconds * RATE)


def perform(scenes: Iterable[Scene], rng: np.random.Generator) -> tuple[Passage, ...]:
    """Speak every line and lay the scenes end to end."""
    passages: list[Passage] = []
    clock = 0
    for scene in scenes:
        start, spoken = clock, list[Placed]()
        clock += samples(scene.lead_s)
        for speaker, text in scene.lines:
            if spoken:
                same = spoken[-1].utterance.speaker is speaker
                clock += samples(SENTENCE_GAP_S if same else TURN_GAP_S)
            spoken.append(Placed(clock, speak(speaker, text, rng)))
            clock = spoken[-1].stop
        clock = -(-(clock + samples(scene.tail_s)) // FRAME) * FRAME
        passages.append(Passage(scene, start, clock, tuple(spoken)))
    return tuple(passages)


def voice_stem(passages: tuple[Passage, ...]) -> Samples:
    stem = np.zeros(passages[-1].stop)
    for placed in (placed for passage in passages for placed in passage.spoken):
        audio = placed.utterance.audio
        stem[placed.start : placed.start + len(audio)] += audio
    return stem


def beep_stem(passages: tuple[Passage, ...]) -> Samples:
    stem, sound = np.zeros(passages[-1].stop), beep()
    for mark in marks(passages):
        stem[mark : mark + len(sound)] = sound
    return stem


def marks(passages: tuple[Passage, ...]) -> tuple[int, ...]:
    return tuple(passage.mark for passage in passages if passage.mark is not None)


def music_stem(passages: tuple[Passage, ...], rng: np.random.Generator) -> Samples:
    """One cue per run of scenes with music; the second one, under the storms, has brushes."""
    stem = np.zeros((2, passages[-1].stop))
    run: list[Passage] = []
    cues = 0
    for passage in passages:
        if passage.scene.music_lufs is not None:
            run.append(passage)
        elif run:
            cue = render_cue(run[-1].stop - run[0].start, rng, brushes=cues > 0)
            stem[:, run[0].start : run[-1].stop] = cue * _ride(cue, run)
            run, cues = [], cues + 1
    return stem


def _ride(cue: Samples, run: list[Passage]) -> Samples:
    """The gain that puts the cue at each scene's loudness, with ramps between and a fade at the end."""
    origin, n = run[0].start, cue.shape[1]
    at, gain_db = list[int](), list[float]()
    for passage in run:
        assert passage.scene.music_lufs is not None
        start, stop = passage.start - origin, passage.stop - origin
        gain = passage.scene.music_lufs - loudness_lufs(under_speech(cue, passage, origin=origin))
        at += [start + samples(RAMP_S) * (start > 0), stop]
        gain_db += [gain, gain]
    curve = 10 ** (np.interp(np.arange(n), at, gain_db) / 20)
    fade = samples(run[-1].scene.music_ends_s)
    curve[n - fade :] *= np.cos(np.linspace(0, np.pi / 2, fade)) ** 2
    return np.asarray(curve)


def under_speech(signal: Samples, passage: Passage, *, origin: int = 0) -> Samples:
    """The parts of a (2, n) signal under the passage's utterances, joined; without utterances, all of it."""
    if not passage.spoken:
        return signal[:, passage.start - origin : passage.stop - origin]
    return np.concatenate([signal[:, p.start - origin : p.stop - origin] for p in passage.spoken], axis=1)


def quantise(signal: Samples) -> PCM:
    """To 16 bits, as (channels, n)."""
    return np.rint(np.atleast_2d(signal) * 32767).astype(np.int16)


def truth(passages: tuple[Passage, ...], stems: dict[str, PCM], mix: PCM) -> dict[str, Any]:
    """What is where and how loud, for tests; every number is measured on the stems as written."""
    heard = {name: np.broadcast_to(pcm / 32768, mix.shape) for name, pcm in stems.items()}
    return {
        "title": TITLE,
        "rate_hz": RATE,
        "frame_rate": FPS,
        "length_samples": mix.shape[1],
        "duration_s": mix.shape[1] / RATE,
        "mix": "the AAC encoder got voice + music + room + beep, summed as 16-bit integers; mono goes to both sides",
        "programme": {
            "loudness_lufs": _tidy(loudness_lufs(mix / 32768)),
            "peak_dbfs": _tidy(20 * np.log10(np.abs(mix.astype(float)).max() / 32768)),
        },
        "stems": {name: {"file": f"stems/{name}.flac", "channels": len(pcm)} for name, pcm in stems.items()},
        "levels": "voice, music: BS.1770 loudness, heard in stereo, of the joined utterances, or of the whole "
        "passage if nobody speaks; room: RMS; null: silent",
        "passages": [_passage_truth(passage, heard) for passage in passages],
        "utterances": [
            {
                "speaker": placed.utterance.speaker.name,
                "text": placed.utterance.text,
                "start_s": _seconds(placed.start),
                "stop_s": _seconds(placed.stop),
                "voice_lufs": _tidy(loudness_lufs(heard["voice"][:, placed.start : placed.stop])),
            }
            for passage in passages
            for placed in passage.spoken
        ],
        "sync": [{"frame": mark // FRAME, "sample": mark, "time_s": _seconds(mark)} for mark in marks(passages)],
    }


def _passage_truth(passage: Passage, heard: dict[str, Samples]) -> dict[str, Any]:
    voice, music = (loudness_lufs(under_speech(heard[name], passage)) for name in ("voice", "music"))
    return {
        "name": passage.scene.name,
        "start_s": _seconds(passage.start),
        "stop_s": _seconds(passage.stop),
        "voice_lufs": _tidy(voice) if passage.spoken else None,
        "music_lufs": _tidy(music) if passage.scene.music_lufs is not None else None,
        "speech_to_music_lu": _tidy(voice - music) if passage.spoken and passage.scene.music_lufs is not None else None,
        "room_rms_dbfs": _tidy(rms_dbfs(heard["room"][:, passage.start : passage.stop])),
    }


def _tidy(level: float) -> float:
    return round(float(level), 2)


def _seconds(position: int) -> float:
    return round(position / RATE, 6)


def chapters(passages: tuple[Passage, ...]) -> tuple[Cue, ...]:
    starts = [(passage.start, passage.scene.chapter) for passage in passages if passage.scene.chapter]
    stops = [start for start, _ in starts[1:]] + [passages[-1].stop]
    return tuple(Cue(start, stop, name) for (start, name), stop in zip(starts, stops, strict=True))


def main() -> None:
    """Write interview.mp4, stems/*.flac and truth.json beside this script."""
    speech_rng, music_rng, room_rng = np.random.default_rng(20).spawn(3)
    passages = perform(SCENES, speech_rng)
    stems = {
        "voice": quantise(voice_stem(passages)),
        "music": quantise(music_stem(passages, music_rng)),
        "room": quantise(room_tone(passages[-1].stop, room_rng)),
        "beep": quantise(beep_stem(passages)),
    }
    total = sum(np.broadcast_to(pcm, (2, passages[-1].stop)).astype(np.int32) for pcm in stems.values())
    mix = np.asarray(total).astype(np.int16)
    if np.any(mix != total) or np.abs(total).max() > 32767 * amplitude(-1.0):
        raise SystemExit("the mix comes too near to full scale; lower the speakers' levels")
    (HERE / "stems").mkdir(exist_ok=True)
    for name, pcm in stems.items():
        write_flac(HERE / "stems" / f"{name}.flac", pcm)
    (HERE / "truth.json").write_text(json.dumps(truth(passages, stems, mix), indent=2) + "\n", encoding="utf-8")
    film = Film(
        title=TITLE,
        sound=mix,
        flashes=frozenset(mark // FRAME for mark in marks(passages)),
        passages=tuple(Cue(p.start, p.stop, p.scene.name) for p in passages),
        chapters=chapters(passages),
        captions=tuple(Cue(u.start, u.stop, u.utterance.text) for p in passages for u in p.spoken),
    )
    write_film(HERE / "interview.mp4", film)


if __name__ == "__main__":
    main()
