"""Cuts are found to the frame; light, motion and what a codec does to a picture are no cuts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from mediaclean.media import picture_cuts, probe
from mediaclean.media.shot_changes import HEIGHT, WIDTH, ShotFinder, Thumb, looks_alike

FPS = 25
Frame = NDArray[np.uint8]


def scene(seed: int, height: int = 96, width: int = 160) -> NDArray[np.float64]:
    """A picture of soft patches and colours, wider than what is shown of it; 0 to 255, (height, 2 * width, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(30, 225, (6, 14, 3))
    rows, columns = np.linspace(0, 5, height), np.linspace(0, 13, 2 * width)
    top, left = rows.astype(int).clip(0, 4), columns.astype(int).clip(0, 12)
    down, right = (rows - top)[:, None, None], (columns - left)[None, :, None]
    upper = coarse[top][:, left] * (1 - right) + coarse[top][:, left + 1] * right
    lower = coarse[top + 1][:, left] * (1 - right) + coarse[top + 1][:, left + 1] * right
    return upper * (1 - down) + lower * down


def shown(picture: NDArray[np.float64], at: float = 0.0, light: float = 1.0, seed: int = 0) -> Frame:
    """What the camera sees with its left edge at `at`, with grain."""
    grain = np.random.default_rng(seed).normal(0.0, 3.0, (picture.shape[0], picture.shape[1] // 2, 1))
    part = np.roll(picture, -round(at), axis=1)[:, : picture.shape[1] // 2]
    return (part * light + grain).clip(0, 255).astype(np.uint8)


def still(number: int, frames: int) -> list[Frame]:
    picture = scene(number)
    return [shown(picture, seed=1000 * number + index) for index in range(frames)]


def pan(number: int, frames: int, dots: float = 6.0) -> list[Frame]:
    picture = scene(number)
    return [shown(picture, at=dots * index, seed=index) for index in range(frames)]


def fade(number: int, lights: Sequence[float]) -> list[Frame]:
    picture = scene(number)
    return [shown(picture, light=light, seed=index) for index, light in enumerate(lights)]


def film(
    path: Path, frames: Sequence[Frame], options: dict[str, str], start_s: float = 0.0, sound: bool = True
) -> Path:
    with av.open(str(path), "w") as made:
        video = made.add_stream("libx264", FPS, options={"preset": "ultrafast", "crf": "26", **options})
        video.height, video.width, video.pix_fmt = frames[0].shape[0], frames[0].shape[1], "yuv420p"
        audio = made.add_stream("aac", 16_000, layout="mono")
        for number, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = number + round(start_s * FPS), Fraction(1, FPS)
            made.mux(video.encode(frame))
        made.mux(video.encode(None))
        tone = 0.1 * np.random.default_rng(0).standard_normal((1, len(frames) * 16_000 // FPS))
        block = av.AudioFrame.from_ndarray(tone.astype(np.float32), "fltp", "mono")
        block.rate, block.pts = 16_000, 0
        made.mux(audio.encode(block))
        made.mux(audio.encode(None))
    return path


CODING = {
    "key frames at cuts": {},
    "one key frame in ten seconds": {"g": "250", "sc_threshold": "0"},
    "a key frame every half second": {"g": "12", "sc_threshold": "0", "bf": "2"},
    "key frames alone": {"g": "1"},
}


@pytest.mark.parametrize("coding", CODING)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_cuts_are_found_to_the_frame_however_the_picture_is_coded(tmp_path: Path, coding: str, suffix: str) -> None:
    parts = [still(1, 40), still(2, 23), pan(3, 50), still(4, 31), pan(5, 30)]
    edges = np.cumsum([len(part) for part in parts])[:-1]
    made = film(tmp_path / f"film{suffix}", [frame for part in parts for frame in part], CODING[coding])
    media = probe(made)
    with av.open(str(made)) as container:
        times = sorted(frame.pts * frame.time_base for frame in container.decode(video=0))
    assert picture_cuts(media) == [times[edge] for edge in edges]


def test_a_late_picture_keeps_its_clock_and_only_the_asked_stretches_are_looked_at(tmp_path: Path) -> None:
    parts = [still(number, 25) for number in range(1, 9)]
    frames = [frame for part in parts for frame in part]
    media = probe(film(tmp_path / "late.mp4", frames, {"g": "25", "sc_threshold": "0"}, start_s=2.0))
    assert picture_cuts(media) == [Fraction(second) for second in range(3, 10)]
    inside = [(Fraction(7, 2), Fraction(11, 2)), (Fraction(7), Fraction(15, 2)), (Fraction(20), Fraction(30))]
    assert picture_cuts(media, inside) == [Fraction(4), Fraction(5), Fraction(7)]


NO_CUT: dict[str, Callable[[], list[Frame]]] = {
    "a still camera": lambda: still(1, 60),
    "a pan": lambda: pan(2, 60),
    "a fast pan": lambda: pan(2, 60, dots=14.0),
    "a fade in": lambda: fade(3, np.linspace(0.5, 1.0, 40).tolist()),
    "lamps of a camera": lambda: fade(3, [1.0] * 20 + [1.8] + [1.0] * 15 + [2.2, 1.9] + [1.0] * 20),
    "a frame that went wrong": lambda: [*still(4, 20), *still(5, 1), *still(4, 20)],
    "a dissolve": lambda: [
        (shown(scene(6), seed=i) * (1 - w) + shown(scene(7), seed=i) * w).astype(np.uint8)
        for i, w in enumerate([0.0] * 10 + np.linspace(0, 1, 30).tolist() + [1.0] * 10)
    ],
}


@pytest.mark.parametrize("kind", NO_CUT)
def test_light_and_motion_are_no_cuts(tmp_path: Path, kind: str) -> None:
    options = {"g": "250", "sc_threshold": "0"}  # so that every frame is looked at
    assert picture_cuts(probe(film(tmp_path / "film.mp4", NO_CUT[kind](), options))) == []


def test_a_fade_through_black_is_one_cut_at_its_darkest(tmp_path: Path) -> None:
    down, up = np.linspace(1.0, 0.0, 20).tolist(), np.linspace(0.0, 1.0, 20).tolist()
    frames = [*still(1, 15), *fade(1, down), *fade(2, [0.0] * 9), *fade(2, up), *still(2, 15)]
    (cut,) = picture_cuts(probe(film(tmp_path / "film.mp4", frames, {"g": "250", "sc_threshold": "0"})))
    assert abs(cut * FPS - (15 + 20 + 4)) <= 3


def test_without_a_picture_there_are_no_cuts(tmp_path: Path) -> None:
    media = probe(film(tmp_path / "film.mp4", [*still(1, 20), *still(2, 20)], {}))
    assert picture_cuts(media) == [Fraction(20, FPS)]
    assert picture_cuts(replace(media, streams=tuple(s for s in media.streams if s.kind == "audio"))) == []


def test_a_picture_that_breaks_off_gives_the_cuts_before(tmp_path: Path) -> None:
    frames = [frame for number in range(1, 7) for frame in still(number, 25)]
    whole = film(tmp_path / "whole.ts", frames, {"g": "25", "sc_threshold": "0"})
    cuts = picture_cuts(probe(whole))
    broken = tmp_path / "broken.ts"
    data = whole.read_bytes()
    broken.write_bytes(data[: len(data) * 6 // 10])
    found = picture_cuts(probe(broken))
    assert 2 <= len(found) < len(cuts)
    assert set(found) <= set(cuts)


def test_a_still_camera_is_hardly_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mediaclean.media import shots

    looked = []
    thumb = shots._thumb
    monkeypatch.setattr(shots, "_thumb", lambda frame: looked.append(1) or thumb(frame))
    frames = [*still(1, 500), *still(2, 100)]
    media = probe(film(tmp_path / "film.mp4", frames, {"g": "50", "sc_threshold": "0"}))
    assert picture_cuts(media) == [Fraction(20)]
    assert len(looked) < 150 < len(frames)


def test_a_look_away_and_back_between_two_key_frames_is_seen(tmp_path: Path) -> None:
    away = [*still(1, 60), *still(2, 50), *still(1, 200)]
    media = probe(film(tmp_path / "film.mp4", away, {"g": "250", "sc_threshold": "0"}))
    assert picture_cuts(media) == [Fraction(60, FPS), Fraction(110, FPS)]


def thumbs(pictures: Sequence[float]) -> list[Thumb]:
    rng = np.random.default_rng(0)
    return [(rng.normal(level, 2.0, (3, HEIGHT, WIDTH))).clip(0, 255).astype(np.uint8) for level in pictures]


@pytest.mark.parametrize("frames", [0, 1, 2, 5])
def test_short_films_have_no_cuts_but_real_ones(frames: int) -> None:
    finder = ShotFinder()
    for index, thumb in enumerate(thumbs([100.0] * frames)):
        finder.push(Fraction(index), thumb)
    assert finder.cuts() == []


def test_looking_alike_goes_by_picture_and_colour() -> None:
    bright, same, dark = thumbs([150.0, 150.0, 60.0])
    assert looks_alike(bright, same)
    assert not looks_alike(bright, dark)
    tinted = bright.copy()
    tinted[1] = (tinted[1].astype(int) - 60).clip(0, 255).astype(np.uint8)
    assert not looks_alike(bright, tinted)
