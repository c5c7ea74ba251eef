"""The receipt notices everything that it promises to notice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mediaclean.media import NewAudio, decode, measure_lag, packet_hashes, probe, verify, write
from tests.media.films import Film, Sound, make, noise

SOUND = noise(3.0)
FILM = Film((Sound(SOUND, language="eng", title="Set", disposition=1), Sound(noise(3.0, seed=5))), 3.0, chapters=2)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make(tmp_path / "film.mkv", FILM)


@pytest.mark.parametrize("late", [-480, -3, 3, 480])
def test_a_shifted_voice_is_measured_to_the_sample(tmp_path: Path, source: Path, late: int) -> None:
    media = probe(source)
    moved = np.roll(np.concatenate(list(decode(media, media.tracks[0])), axis=1), late, axis=1)
    write(media, tmp_path / "late.mkv", replace={1: NewAudio([moved], 48_000, "stereo")})
    receipt = verify(source, tmp_path / "late.mkv", cleaned=[1])
    assert not receipt.ok
    assert {lag.samples for lag in receipt.lags[0].lags} == {late}
    assert any(f"{late} samples" in line for line in receipt.failures)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda film: film.__class__(**{**film.__dict__, "fps": film.fps * 2}), "stream 0"),
        (lambda film: film.__class__(**{**film.__dict__, "chapters": 3}), "chapter"),
        (lambda film: film.__class__(**{**film.__dict__, "start_s": 0.2}), "clock"),
        (lambda film: film.__class__(**{**film.__dict__, "sounds": film.sounds[:1]}), "stream 2"),
        (
            lambda film: film.__class__(**{**film.__dict__, "sounds": (Sound(SOUND, language="deu"), film.sounds[1])}),
            "language",
        ),
    ],
)
def test_a_change_is_a_failure(tmp_path: Path, source: Path, change: Callable[[Film], Film], says: str) -> None:
    other = make(tmp_path / "other.mkv", change(FILM))
    receipt = verify(source, other, cleaned=[])
    assert not receipt.ok
    assert any(says in line for line in receipt.failures), receipt.failures


def test_one_flipped_bit_in_the_picture_is_a_failure(tmp_path: Path) -> None:
    source = make(
        tmp_path / "film.avi", Film((Sound(noise(), "pcm_s16le"),), video="mjpeg", video_options=(), tune=_full_range)
    )
    data = bytearray(source.read_bytes())
    place = data.index(b"\xff\xd8") + 700
    data[place] ^= 1
    (tmp_path / "bent.avi").write_bytes(data)
    receipt = verify(source, tmp_path / "bent.avi", cleaned=[])
    assert [proof.ok for proof in receipt.proofs] == [False, True]


def _full_range(stream: object) -> None:
    stream.pix_fmt = "yuvj420p"  # type: ignore[attr-defined]


def test_a_file_is_its_own_perfect_copy(source: Path) -> None:
    receipt = verify(source, source, cleaned=[])
    assert receipt.ok, receipt.failures
    assert all(proof.sha256_source == proof.sha256_result for proof in receipt.proofs)


def test_hashes_do_not_depend_on_the_container(tmp_path: Path) -> None:
    source = make(tmp_path / "film.mp4", Film((Sound(noise()),)))
    for suffix in (".mkv", ".ts"):
        write(probe(source), tmp_path / f"film{suffix}")
        ours, theirs = packet_hashes(source), packet_hashes(tmp_path / f"film{suffix}")
        assert [ours[n].content for n in (0, 1)] == [theirs[n].content for n in (0, 1)]
        assert (ours[0].sha256 == theirs[0].sha256) == (suffix == ".mkv")


@pytest.mark.parametrize("late", [-700, -1, 0, 1, 250])
def test_lag_is_found_under_another_sound(late: int) -> None:
    voice, music = noise(2.0, 1, seed=1), noise(2.0, 1, seed=2)
    result = np.roll(voice, late, axis=1)
    assert measure_lag(voice + music, result, reach=1000)[0] == late


def test_silence_and_strangers_have_no_lag() -> None:
    silence = np.zeros((1, 48_000), dtype=np.float32)
    assert measure_lag(silence, silence, reach=100) == (None, 0.0)
    assert measure_lag(noise(1.0, 1, seed=1), noise(1.0, 1, seed=2), reach=1000)[0] is None
