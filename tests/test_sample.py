"""The sample film keeps what samples/truth.json says of it: every later measurement on it leans on these facts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyloudnorm
import pytest
from numpy.typing import NDArray

SAMPLES = Path(__file__).parents[1] / "samples"
FILM = SAMPLES / "interview.mp4"
TRUTH: dict[str, Any] = json.loads((SAMPLES / "truth.json").read_text(encoding="utf-8"))
RATE: int = TRUTH["rate_hz"]
FRAME = RATE // TRUTH["frame_rate"]
STEM_NAMES = ("voice", "music", "room", "beep")
ROOM_TAIL_S = 0.3


def decode(path: Path) -> NDArray[np.float64]:
    """The first audio track as (channels, n), each frame at its own timestamp."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        frames = [(round((frame.time or 0.0) * RATE), frame) for frame in container.decode(stream)]
        sound = np.zeros((stream.channels, frames[-1][0] + frames[-1][1].samples))
        for start, frame in frames:
            block = frame.to_ndarray()
            if not frame.format.is_planar:
                block = block.reshape(-1, stream.channels).T
            scale = 1.0 if block.dtype.kind == "f" else 1 / 32768
            sound[:, start : start + frame.samples] = block * scale
    return sound


@dataclass(frozen=True)
class Sound:
    stems: dict[str, NDArray[np.float64]]
    mix: NDArray[np.float64]
    film: NDArray[np.float64]


@pytest.fixture(scope="module")
def sound() -> Sound:
    stems = {name: decode(SAMPLES / TRUTH["stems"][name]["file"]) for name in STEM_NAMES}
    mix = stems["voice"] + stems["music"] + stems["room"] + stems["beep"]
    return Sound(stems, mix, decode(FILM)[:, : mix.shape[1]])


@pytest.fixture(scope="module")
def flashes() -> list[float]:
    """The times in seconds of the frames that are white."""
    with av.open(str(FILM)) as container:
        return [f.time or 0.0 for f in container.decode(video=0) if f.to_ndarray(format="gray").min() > 200]


def cut(signal: NDArray[np.float64], record: dict[str, Any]) -> NDArray[np.float64]:
    return signal[:, round(record["start_s"] * RATE) : round(record["stop_s"] * RATE)]


def heard(signal: NDArray[np.float64], passage: dict[str, Any]) -> NDArray[np.float64]:
    """The passage's utterances joined, in stereo; all of the passage where nobody speaks."""
    spoken = [u for u in TRUTH["utterances"] if passage["start_s"] <= u["start_s"] < passage["stop_s"]]
    parts = [cut(signal, record) for record in spoken or [passage]]
    return np.broadcast_to(np.concatenate(parts, axis=1), (2, sum(part.shape[1] for part in parts)))


def lufs(signal: NDArray[np.float64]) -> float:
    """Integrated loudness of whole 100 ms steps: of a part of one, pyloudnorm would count a block that is not full,
    which BS.1770 leaves out and which shifts the level of a short sentence by up to half an LU.
    """
    step = RATE // 10
    return float(pyloudnorm.Meter(RATE).integrated_loudness(signal[:, : signal.shape[1] // step * step].T))


def rms_dbfs(signal: NDArray[np.float64]) -> float:
    return float(10 * np.log10(np.mean(signal**2)))


def lag_samples(late: NDArray[np.float64], early: NDArray[np.float64]) -> int:
    """By how many samples `late` lags behind `early`, from the peak of their cross-correlation."""
    size = 2 * len(early)
    correlation = np.fft.irfft(np.fft.rfft(late, size) * np.fft.rfft(early, size).conj())
    return int((np.argmax(correlation) + size // 2) % size - size // 2)


def passages(name: str) -> list[dict[str, Any]]:
    return [passage for passage in TRUTH["passages"] if passage["name"] == name]


def test_files_are_small_and_the_film_is_short() -> None:
    assert FILM.stat().st_size <= 4_000_000
    assert sum(path.stat().st_size for path in (SAMPLES / "stems").iterdir()) <= 6_000_000
    assert 40 <= TRUTH["duration_s"] <= 60


def test_stems_have_the_stated_lengths_and_channels(sound: Sound) -> None:
    for name, stem in sound.stems.items():
        assert stem.shape == (TRUTH["stems"][name]["channels"], TRUTH["length_samples"])
    assert TRUTH["length_samples"] == TRUTH["duration_s"] * RATE


def test_mix_does_not_clip_and_is_never_digital_silence(sound: Sound) -> None:
    assert 20 * np.log10(np.abs(sound.mix).max()) == pytest.approx(TRUTH["programme"]["peak_dbfs"], abs=0.01)
    assert np.abs(sound.film).max() < 1.0
    milliseconds = np.abs(sound.mix).reshape(2, -1, RATE // 1000).max(axis=2)
    assert milliseconds.min() > 0


@pytest.mark.parametrize("channel", [0, 1])
@pytest.mark.parametrize("start_s", [0.0, 20.0, 35.0, 49.0])
def test_film_is_the_sum_of_the_stems_at_lag_zero(sound: Sound, channel: int, start_s: float) -> None:
    window = slice(round(start_s * RATE), round((start_s + 6) * RATE))
    film, mix = sound.film[channel, window], sound.mix[channel, window]
    assert lag_samples(film, mix) == 0
    assert rms_dbfs(mix) - rms_dbfs(film - mix) > 30


def test_beeps_start_with_the_flashes(sound: Sound, flashes: list[float]) -> None:
    marks = [mark["sample"] for mark in TRUTH["sync"]]
    assert [round(time * RATE) for time in flashes] == marks == [mark["frame"] * FRAME for mark in TRUTH["sync"]]
    beep = sound.stems["beep"][0]
    for mark in marks:
        around = slice(mark - RATE // 5, mark + RATE // 5)
        assert np.flatnonzero(beep[around])[0] == RATE // 5 + 1, "a sine's first sample is zero, its second is not"
        assert abs(lag_samples(sound.film[0, around], beep[around])) <= 1


def test_marks_stand_at_start_middle_and_end() -> None:
    start, middle, end = (mark["time_s"] / TRUTH["duration_s"] for mark in TRUTH["sync"])
    assert start < 0.03
    assert 0.4 < middle < 0.65
    assert end > 0.97


def test_passages_tile_the_film_in_whole_frames() -> None:
    edges = [0.0, *(passage["stop_s"] for passage in TRUTH["passages"])]
    assert [passage["start_s"] for passage in TRUTH["passages"]] == edges[:-1]
    assert edges[-1] == TRUTH["duration_s"]
    assert all(round(edge * RATE) % FRAME == 0 for edge in edges)


@pytest.mark.parametrize("stem", ["voice", "music"])
def test_levels_under_speech_are_as_stated(sound: Sound, stem: str) -> None:
    for passage in TRUTH["passages"]:
        stated, signal = passage[f"{stem}_lufs"], heard(sound.stems[stem], passage)
        if stated is None:
            assert stem == "voice" or not signal.any()
        else:
            assert lufs(signal) == pytest.approx(stated, abs=0.1)


def test_each_utterance_has_the_stated_level(sound: Sound) -> None:
    for utterance in TRUTH["utterances"]:
        spoken = cut(sound.stems["voice"], utterance)
        assert lufs(np.broadcast_to(spoken, (2, spoken.shape[1]))) == pytest.approx(utterance["voice_lufs"], abs=0.1)


@pytest.mark.parametrize(
    ("name", "low_lu", "high_lu"), [("speech over quiet music", 13, 15), ("speech over loud music", 3, 4)]
)
def test_music_lies_as_far_below_speech_as_promised(name: str, low_lu: float, high_lu: float) -> None:
    (passage,) = passages(name)
    assert low_lu <= passage["speech_to_music_lu"] <= high_lu
    assert passage["speech_to_music_lu"] == pytest.approx(passage["voice_lufs"] - passage["music_lufs"], abs=0.011)


@pytest.mark.parametrize("name", ["clean speech", "room tone", "sync mark"])
def test_passages_without_music_have_none(sound: Sound, name: str) -> None:
    for passage in passages(name):
        assert not cut(sound.stems["music"], passage).any()


def test_voice_sounds_in_its_utterances_and_their_room_tail_only(sound: Sound) -> None:
    rest = sound.stems["voice"].copy()
    for utterance in TRUTH["utterances"]:
        spoken = slice(round(utterance["start_s"] * RATE), round((utterance["stop_s"] + ROOM_TAIL_S) * RATE))
        assert rest[:, spoken].any()
        rest[:, spoken] = 0
    assert not rest.any()


def test_room_is_stationary_and_wide(sound: Sound) -> None:
    room = sound.stems["room"]
    seconds = [rms_dbfs(room[:, start : start + RATE]) for start in range(0, room.shape[1] - RATE, RATE)]
    assert -62 < min(seconds) <= max(seconds) < -58
    assert max(seconds) - min(seconds) < 1.5
    assert 0.6 < np.asarray(np.corrcoef(room))[0, 1] < 0.9
    for passage in TRUTH["passages"]:
        assert rms_dbfs(cut(room, passage)) == pytest.approx(passage["room_rms_dbfs"], abs=0.02)


def test_room_tone_survives_the_codec(sound: Sound) -> None:
    for passage in passages("room tone"):
        quiet = {**passage, "start_s": passage["start_s"] + ROOM_TAIL_S}
        assert rms_dbfs(cut(sound.film, quiet)) == pytest.approx(rms_dbfs(cut(sound.stems["room"], quiet)), abs=0.5)


def test_programme_is_near_but_not_on_a_delivery_target(sound: Sound) -> None:
    level = lufs(sound.film)
    assert level == pytest.approx(TRUTH["programme"]["loudness_lufs"], abs=0.1)
    assert -24 < level < -20
    assert min(abs(level - target) for target in (-24, -23, -16, -14)) > 0.4


def test_film_carries_what_real_films_carry() -> None:
    with av.open(str(FILM)) as container:
        (video,), (audio,), (words,) = container.streams.video, container.streams.audio, container.streams.subtitles
        assert (video.codec.name, video.format.name, video.average_rate) == ("h264", "yuv420p", TRUTH["frame_rate"])
        assert video.frames * FRAME == TRUTH["length_samples"]
        assert (audio.codec.name, audio.rate, audio.layout.name) == ("aac", RATE, "stereo")
        assert words.codec.name == "mov_text"
        assert {stream.metadata["language"] for stream in (video, audio, words)} == {"eng"}
        assert container.metadata["title"] == TRUTH["title"]
        assert len(container.chapters()) == 3
    head = FILM.read_bytes()
    assert head.index(b"moov") < head.index(b"mdat"), "the index comes first, so that the film can start to stream"


def test_subtitles_have_the_right_words_at_the_right_time() -> None:
    with av.open(str(FILM)) as container:
        packets = [p for p in container.demux(container.streams.subtitles[0]) if p.size > 2]
        cues = [(float((p.pts or 0) * p.time_base), bytes(p)[2:].decode().replace("\n", " ")) for p in packets]
    assert [text for _, text in cues] == [utterance["text"] for utterance in TRUTH["utterances"]]
    starts = [utterance["start_s"] for utterance in TRUTH["utterances"]]
    assert [start for start, _ in cues] == pytest.approx(starts, abs=0.001)
