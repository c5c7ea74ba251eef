"""What other passes find for the receipt is what a pass of its own would find."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mediaclean.audio import Samples, reblock
from mediaclean.errors import MediaError
from mediaclean.media import (
    Evidence,
    Hashing,
    LagEar,
    Landmarks,
    Media,
    NewAudio,
    PacketEar,
    decode,
    packet_hashes,
    probe,
    verify,
    write,
)
from mediaclean.media.lag_ear import Window
from tests.media.films import Film, Sound, make, noise

LATE = 37


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("films") / "film.mkv", Film((Sound(noise(13.0)),), 13.0))


@pytest.fixture(scope="module")
def result(source: Path) -> Path:
    """The source with its sound a little late and at half its level."""
    media = probe(source)
    sound = np.concatenate(list(decode(media, media.tracks[0])), axis=1)
    moved = (0.5 * np.roll(sound, LATE, axis=1)).astype(np.float32)
    write(media, source.with_name("late.mkv"), replace={1: NewAudio([moved], 48_000, "stereo")})
    return source.with_name("late.mkv")


def landmarks(media: Media, size: int) -> list[Window]:
    found = Landmarks()
    sound = list(decode(media, media.tracks[0]))
    passed = list(found.through(reblock(sound, size), media.tracks[0], media))
    assert np.array_equal(np.concatenate(passed, axis=1), np.concatenate(sound, axis=1))
    return found.windows()


@pytest.mark.parametrize("size", [7_000, 192_000, 500_000])
def test_a_track_heard_in_passing_has_the_lag_of_a_pass_of_its_own(source: Path, result: Path, size: int) -> None:
    ours, theirs = probe(source), probe(result)
    sound = list(decode(theirs, theirs.tracks[0]))
    ear = LagEar(landmarks(ours, size), ours, ours.tracks[0], theirs.tracks[0])
    passed: list[Samples] = list(ear.through(reblock(sound, size)))
    assert np.array_equal(np.concatenate(passed, axis=1), np.concatenate(sound, axis=1))
    lag = ear.result()
    assert lag is not None
    assert not lag.ok
    assert {one.samples for one in lag.lags} == {LATE}
    assert lag == verify(source, result, cleaned=[1]).lags[0]


def test_a_result_without_the_loudest_sound_of_its_source_is_recognised_by_the_rest(tmp_path: Path) -> None:
    """As where music alone was the loudest and is gone: every landmark stands in silence."""
    quiet, loud = noise(64.0) * np.float32(0.02), noise(64.0)[:, ::-1]
    alone = (np.arange(64 * 48_000) // (4 * 48_000)) % 2 == 0
    full = make(tmp_path / "full.mkv", Film((Sound(np.where(alone, loud, quiet).astype(np.float32)),), 64.0))
    media = probe(full)
    kept = np.where(alone, np.float32(0), np.concatenate(list(decode(media, media.tracks[0])), axis=1))
    write(media, tmp_path / "kept.mkv", replace={1: NewAudio([kept], 48_000, "stereo")})
    lag = verify(full, tmp_path / "kept.mkv", cleaned=[1]).lags[0]
    assert lag.ok
    assert {one.samples for one in lag.lags} == {0}


def test_a_receipt_is_the_same_whoever_found_what_it_rests_on(source: Path, result: Path) -> None:
    ours, theirs = probe(source), probe(result)
    ear = LagEar(landmarks(ours, 48_000), ours, ours.tracks[0], theirs.tracks[0])
    for _ in ear.through(decode(theirs, theirs.tracks[0])):
        pass
    lag = ear.result()
    assert lag is not None
    lags = {(ours.tracks[0].stream, theirs.tracks[0].stream): lag}
    with Hashing(source) as mine, Hashing(result, like=source) as made:
        mine.begin()
        known = Evidence(mine.result(), made.result(), lags)
    assert verify(source, result, cleaned=[1], known=known) == verify(source, result, cleaned=[1])


def test_hashes_from_a_thread_are_those_of_the_file(source: Path) -> None:
    with Hashing(source) as hashing:
        found = hashing.result()
    assert {i: one.sha256 for i, one in found.items()} == {i: one.sha256 for i, one in packet_hashes(source).items()}
    assert all(one.sha256 and one.count for one in found.values())


def test_hashing_that_nobody_wants_any_more_ends(source: Path, tmp_path: Path) -> None:
    with Hashing(source):
        pass  # never begun
    with Hashing(source) as begun:
        begun.begin()
    with Hashing(tmp_path / "missing.mkv") as failing, pytest.raises(MediaError):
        failing.result()
    assert "hashing" not in {thread.name for thread in threading.enumerate()}


def lone(path: Path) -> Path:
    """A file with a track of sound and nothing else."""
    raw = path.with_name("raw.wav")
    soundfile.write(raw, noise(6.0).T, 48_000)
    write(probe(raw), path, replace={1: NewAudio([noise(6.0)], 48_000, "stereo")})
    return path


SUFFIXES = (".wav", ".flac", ".m4a", ".mp3", ".ogg", ".mka")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_packets_of_a_lone_track_are_heard_while_it_is_decoded(tmp_path: Path, suffix: str) -> None:
    path = lone(tmp_path / f"lone{suffix}")
    media, ear = probe(path), PacketEar()
    for _ in decode(media, media.tracks[0], packets=ear):
        pass
    heard, read = ear.result(), packet_hashes(path)
    assert heard is not None
    assert heard.keys() == read.keys()
    for index, one in read.items():
        assert (heard[index].count, heard[index].sha256, heard[index].content) == (one.count, one.sha256, one.content)
        assert np.array_equal(heard[index].times_s, one.times_s)
        assert np.array_equal(heard[index].keys, one.keys)
    with Hashing(path, ear) as hashing:
        path.unlink()  # not read again
        assert hashing.result().keys() == read.keys()


def test_packets_that_were_not_heard_whole_are_read(source: Path, tmp_path: Path) -> None:
    film, ear = probe(source), PacketEar()
    for _ in decode(film, film.tracks[0], packets=ear):
        pass
    assert ear.result() is None, "nobody heard the picture"
    alone = lone(tmp_path / "alone.mka")
    media = probe(alone)
    for _ in decode(media, media.tracks[0], packets=ear):
        pass
    assert ear.result() is not None
    begun = decode(media, media.tracks[0], packets=ear)
    next(begun)
    begun.close()
    assert ear.result() is None
    with Hashing(alone, ear) as hashing:
        found = hashing.result()
    assert {i: one.sha256 for i, one in found.items()} == {i: one.sha256 for i, one in packet_hashes(alone).items()}
