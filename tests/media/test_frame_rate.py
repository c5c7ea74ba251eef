"""A rate is constant where every picture lies on its grid, whatever a container rounds times to."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mediaclean.media import constant_rate, probe
from tests.media.films import Film, Sound, make, noise

NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".ts", ".avi"])
@pytest.mark.parametrize("fps", [Fraction(24), Fraction(25), NTSC, Fraction(60)])
def test_even_frames_have_their_rate(tmp_path: Path, suffix: str, fps: Fraction) -> None:
    codec = {".avi": "mpeg4"}.get(suffix, "libx264")
    options = () if suffix == ".avi" else Film().video_options
    film = Film((Sound(noise(3.0), "mp3" if suffix == ".avi" else "aac"),), 3.0, codec, options, fps=fps)
    assert constant_rate(probe(make(tmp_path / f"film{suffix}", film))) == fps


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_frames_as_they_come_have_none(tmp_path: Path, suffix: str) -> None:
    gaps = np.random.default_rng(3).choice([17, 33, 34, 50, 67], 90)
    film = Film((Sound(noise(3.0)),), times=np.cumsum(gaps).tolist())
    assert constant_rate(probe(make(tmp_path / f"film{suffix}", film))) is None


def test_frames_that_are_missing_leave_the_others_on_the_grid(tmp_path: Path) -> None:
    """A screen recorder that drops a tenth of its pictures."""
    times = [round(number * 1000 / 25) for number in range(300) if number % 10 != 7]
    assert constant_rate(probe(make(tmp_path / "film.mp4", Film((Sound(noise(1.0)),), times=times)))) == 25


def test_frames_that_leave_the_grid_late_are_seen_where_the_container_lists_them(tmp_path: Path) -> None:
    """Two takes in one file: the second begins between two pictures of the first."""
    times = [number * 40 + (17 if number >= 700 else 0) for number in range(900)]
    assert constant_rate(probe(make(tmp_path / "film.mp4", Film((Sound(noise(1.0)),), times=times)))) is None


def test_a_last_picture_that_is_on_for_longer_changes_nothing(tmp_path: Path) -> None:
    times = [round(number * 40) for number in range(300)]
    longer = make(tmp_path / "film.mp4", Film((Sound(noise(1.0)),), times=[*times, 300 * 40 + 400]))
    assert constant_rate(probe(longer)) == 25


def test_sound_alone_has_none(tmp_path: Path) -> None:
    assert constant_rate(probe(make(tmp_path / "talk.m4a", Film((Sound(noise(1.0)),), video="")))) is None
