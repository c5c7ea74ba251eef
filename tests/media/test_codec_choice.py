"""Which codec the new sound gets, where nobody says so and where somebody does."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediaclean.errors import OutputError
from mediaclean.media import (
    AudioCodec,
    probe,
    resolve_codec,
)
from tests.media.films import Film, Sound, make, noise


@pytest.mark.parametrize(
    ("sound", "source", "target", "expected"),
    [
        (Sound(noise(0.3)), ".mp4", ".mp4", ("aac", None)),
        (Sound(noise(0.3), "libopus"), ".mkv", ".mp4", ("opus", None)),
        (Sound(noise(0.3), "libopus"), ".mkv", ".mov", ("aac", None)),
        (Sound(noise(0.3), "pcm_s24le"), ".mov", ".mkv", ("pcm_s24le", 24)),
        (Sound(noise(0.3), "pcm_s16le"), ".mov", ".mp4", ("alac", 16)),
        (Sound(noise(0.3), "pcm_s24le"), ".mov", ".mp4", ("alac", 24)),
        (Sound(noise(0.3), "pcm_f32le"), ".mov", ".mov", ("pcm_f32le", 32)),
        (Sound(noise(0.3), "pcm_f32le"), ".mov", ".flac", ("flac", 24)),
        (Sound(noise(0.3), "flac"), ".mkv", ".mov", ("pcm_s24le", 24)),
        (Sound(noise(0.3), "flac"), ".mkv", ".mp3", ("mp3", None)),
        (Sound(noise(0.3, 8), "flac", layout="7.1"), ".mkv", ".mp4", ("flac", 24)),
        (Sound(noise(0.3, 6), "ac3", layout="5.1(side)"), ".mkv", ".mp4", ("ac3", None)),
    ],
)
def test_the_codec_follows_the_source_where_it_can(
    tmp_path: Path, sound: Sound, source: str, target: str, expected: tuple[str, int | None]
) -> None:
    media = probe(make(tmp_path / f"film{source}", Film((sound,), 0.3, video="")))
    chosen = resolve_codec(media.tracks[0], tmp_path / f"clean{target}")
    assert chosen.name == expected[0]
    assert chosen.bits == expected[1] or (sound.codec == "flac" and chosen.bits in {16, 24})
    assert chosen.layout == sound.layout
    if not chosen.lossless:
        assert chosen.bit_rate is not None
        assert chosen.bit_rate >= max(media.tracks[0].bit_rate or 0, 64_000)


def test_a_codec_that_the_container_refuses_is_named(tmp_path: Path) -> None:
    media = probe(make(tmp_path / "film.mkv", Film((Sound(noise(0.3)),), 0.3)))
    with pytest.raises(OutputError, match="does not hold flac"):
        resolve_codec(media.tracks[0], tmp_path / "clean.ts", codec="flac")
    with pytest.raises(OutputError, match="nothing here encodes"):
        resolve_codec(media.tracks[0], tmp_path / "clean.mkv", codec="nonsense")


def test_a_bit_rate_asked_for_is_used(tmp_path: Path) -> None:
    media = probe(make(tmp_path / "film.mkv", Film((Sound(noise(0.3)),), 0.3)))
    chosen = resolve_codec(media.tracks[0], tmp_path / "clean.mp4", codec="aac", bit_rate=320_000)
    assert chosen == AudioCodec("aac", "aac", 48_000, "stereo", 320_000, None)
