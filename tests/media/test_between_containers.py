"""What one container holds and another one takes otherwise: known before any work, or made right."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediaclean.errors import OutputError
from mediaclean.media import NewAudio, check_target, decode, probe, verify, write
from tests.media.films import Film, Sound, make, noise

TWO = (Sound(noise(1.0), "pcm_s16le"), Sound(noise(1.0, seed=2), "pcm_s16le"))


def cleaned(source: Path, target: Path, *, drop: bool = False) -> None:
    """The first track made new, the others copied; proven."""
    media = probe(source)
    check_target(media, target, replace={1}, drop_unsupported=drop)
    track = media.tracks[0]
    new = NewAudio(decode(media, track), track.rate, track.layout)
    written = write(media, target, replace={1: new}, drop_unsupported=drop)
    receipt = verify(source, target, dropped=written.dropped, positions=written.positions)
    assert receipt.ok, receipt.failures


@pytest.mark.parametrize("suffix", [".avi", ".mxf"])
@pytest.mark.parametrize("target", [".mp4", ".mov", ".mkv"])
def test_a_further_track_of_pcm_whose_channels_are_only_counted(tmp_path: Path, suffix: str, target: str) -> None:
    video = "mpeg2video" if suffix == ".mxf" else "libx264"
    source = make(tmp_path / f"film{suffix}", Film(TWO, seconds=1.0, video=video))
    cleaned(source, tmp_path / f"clean{target}")
    assert len(probe(tmp_path / f"clean{target}").tracks) == 2


def test_more_than_two_counted_channels_are_refused_before_any_work(tmp_path: Path) -> None:
    sounds = (TWO[0], Sound(noise(1.0, channels=4), "pcm_s16le", layout="4.0"))
    source = make(tmp_path / "film.mxf", Film(sounds, seconds=1.0, video="mpeg2video"))
    assert probe(source).tracks[1].layout == "4 channels"
    with pytest.raises(OutputError, match="mp4 cannot hold stream 2"):
        check_target(probe(source), tmp_path / "clean.mp4", replace={1})
    cleaned(source, tmp_path / "clean.mov")


def test_webm_has_no_attachments(tmp_path: Path) -> None:
    font = ("font.ttf", "font/ttf", b"abc")
    source = make(
        tmp_path / "film.mkv", Film((Sound(noise(1.0), "libopus"),), seconds=1.0, video="libvpx", attachments=(font,))
    )
    with pytest.raises(OutputError, match="webm cannot hold stream 2"):
        check_target(probe(source), tmp_path / "clean.webm", replace={1})
    cleaned(source, tmp_path / "clean.webm", drop=True)


def test_opus_becomes_another_codec_in_a_transport_stream_which_cannot_tell_its_priming(tmp_path: Path) -> None:
    source = make(tmp_path / "film.mkv", Film((Sound(noise(1.0), "libopus"),), seconds=1.0))
    cleaned(source, tmp_path / "clean.ts")
    assert probe(tmp_path / "clean.ts").tracks[0].codec == "aac"
