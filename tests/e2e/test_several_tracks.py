"""Runs over files with several audio tracks: each stays in sync, and is proven against its own source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from e2e.conftest import Cli
from e2e.looking import decoded, lag, start_s
from e2e.making import Track, speech, write_media
from mediaclean import CleanOptions, clean, load_preset
from tests.media.films import Film, Sound, make, noise

LATE_S = 1.5
SILENCE = np.zeros((1, 4 * 48_000), np.float32)


@pytest.mark.parametrize("suffix", [".mkv", ".mov"])
def test_a_dialogue_track_is_in_sync_with_the_track_that_was_cleaned(tmp_path: Path, cli: Cli, suffix: str) -> None:
    voice = Track(speech(4.0, music_db=-10.0), start_s=LATE_S)
    source = write_media(tmp_path / f"film{suffix}", Track(speech(5.5)), voice)
    target = tmp_path / f"clean{suffix}"
    ran = cli("clean", source, "-o", target, "--track", "2", "--dialogue-track", "--engine", "none")
    assert ran.code == 0, ran.err
    assert [start_s(target, number) for number in range(3)] == pytest.approx([0.0, LATE_S, LATE_S], abs=0.001)
    (cleaned, rate), (dialogue, other) = decoded(target, 1), decoded(target, 2)
    assert rate == 3 * other
    assert abs(lag(cleaned[:, ::3], dialogue)) <= 1


@pytest.mark.parametrize("extra", [(), ("--dialogue-track",)], ids=["", "dialogue"])
@pytest.mark.parametrize("silent", [1, 2])
def test_a_track_that_comes_out_as_it_was_is_proven_beside_one_that_does_not(
    tmp_path: Path, cli: Cli, silent: int, extra: tuple[str, ...]
) -> None:
    sounds = [speech(4.0, music_db=0.0)]
    sounds.insert(silent - 1, SILENCE)
    source, target = write_media(tmp_path / "film.mov", *map(Track, sounds)), tmp_path / "clean.mov"
    words = ("--tracks", "all", "--audio-codec", "pcm_s16le", "--set", "loudness=off", "--engine", "dialogue")
    ran = cli("clean", source, "-o", target, *words, *extra)
    assert ran.code == 0, ran.err
    same = [np.array_equal(decoded(source, n)[0], decoded(target, n)[0]) for n in range(2)]
    assert same == [silent == 1, silent == 2]
    assert cli("verify", source, target).code == 0


@pytest.mark.parametrize("number", [1, 2])
def test_one_of_two_tracks_from_one_microphone_can_be_cleaned(tmp_path: Path, cli: Cli, number: int) -> None:
    twin = Track(speech(4.0))
    source, target = write_media(tmp_path / "film.mov", twin, twin), tmp_path / "clean.mov"
    ran = cli("clean", source, "-o", target, "--track", number, "--engine", "none")
    assert ran.code == 0, ran.err
    assert cli("verify", source, target).code == 0


@pytest.mark.parametrize(("lost", "level"), [("flac", "on"), ("flac", "off"), ("aac", "on"), ("aac", "off")])
@pytest.mark.parametrize("keep", [False, True])
def test_a_report_knows_where_the_clean_track_is_behind_one_that_was_left_out(
    tmp_path: Path, lost: str, level: str, keep: bool
) -> None:
    """MOV has no place for FLAC; a track that stays as it is has its place, too."""
    sounds = [Sound(noise(2.0), lost), Sound(noise(2.0, seed=2)), Sound(noise(2.0, seed=3))]
    source = make(tmp_path / "film.mkv", Film(sounds))
    options = CleanOptions(engine="none", track="2", drop_unsupported=True, keep_original=keep, page=True)
    report = clean(source, tmp_path / "film.mov", load_preset("documentary", [f"loudness={level}"]), options)
    gone = len(report.dropped)
    assert gone == (lost == "flac")
    assert report.copied == (level == "off" and not keep)
    assert report.made == 1 - gone
    assert (tmp_path / "film.html").is_file()
