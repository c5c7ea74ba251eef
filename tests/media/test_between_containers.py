"""What one container holds and another one takes otherwise: known before any work, or made right."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from mediaclean.errors import OutputError
from mediaclean.media import NewAudio, check_target, decode, probe, verify, write
from tests.media.films import Film, Sound, make, noise, with_cover

TWO = (Sound(noise(1.0), "pcm_s16le"), Sound(noise(1.0, seed=2), "pcm_s16le"))


def cleaned(source: Path, target: Path, *, drop: bool = False, keep: bool = False) -> None:
    """The first track made new, the others copied; proven."""
    media = probe(source)
    check_target(media, target, replace={1}, drop_unsupported=drop, keep_original=keep)
    track = media.tracks[0]
    new = NewAudio(decode(media, track), track.rate, track.layout)
    written = write(media, target, replace={1: new}, drop_unsupported=drop, keep_original=keep)
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


def numbers_of(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [stream.id for stream in container.streams]


@pytest.mark.parametrize(
    "numbers", [(0x100, 0x101, 0x102), (0x102, 0x100, 0x101), (0x1000, 0x1100, 0x1101), (0x101, 0x1FF, 33)]
)
@pytest.mark.parametrize("keep", [False, True])
def test_streams_of_a_transport_stream_keep_their_numbers(tmp_path: Path, numbers: tuple[int, ...], keep: bool) -> None:
    plain = make(
        tmp_path / "plain.mkv", Film((Sound(noise(1.0), "aac"), Sound(noise(1.0, seed=2), "mp2")), seconds=1.0)
    )
    source, target = numbered(plain, tmp_path / "film.ts", numbers), tmp_path / "clean.ts"
    assert tuple(numbers_of(source)) == numbers
    cleaned(source, target, keep=keep)
    found = numbers_of(target)
    assert found[:2] + found[2 + keep :] == list(numbers)
    assert len(set(found)) == 3 + keep


def numbered(source: Path, target: Path, numbers: tuple[int, ...]) -> Path:
    options = {"mpegts_pmt_start_pid": "80"}
    with av.open(str(source)) as plain, av.open(str(target), "w", options=options) as made:
        streams = [made.add_stream_from_template(stream, opaque=True) for stream in plain.streams]
        for stream, number in zip(streams, numbers, strict=True):
            stream.id = number
        for packet in plain.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                made.mux(packet)
    return target


@pytest.mark.parametrize(("codec", "target"), [("mp2", ".mp4"), ("libmp3lame", ".mov")])
def test_mpeg_audio_that_mp4_and_mov_call_otherwise_is_kept_beside_the_clean_track(
    tmp_path: Path, codec: str, target: str
) -> None:
    suffix = ".ts" if codec == "mp2" else ".mp4"
    source = make(tmp_path / f"film{suffix}", Film((Sound(noise(1.0), codec),), seconds=1.0))
    cleaned(source, tmp_path / f"clean{target}", keep=True)
    assert len(probe(tmp_path / f"clean{target}").tracks) == 2


def test_a_cover_is_on_no_clock(tmp_path: Path) -> None:
    source = with_cover(
        make(tmp_path / "plain.m4a", Film((Sound(noise(1.0), "aac"),), video="")), tmp_path / "talk.mp4"
    )
    cleaned(source, tmp_path / "clean.mka", keep=True)


@pytest.mark.parametrize(("source_suffix", "target", "video"), [(".mp2", ".mka", ""), (".ts", ".mkv", "libx264")])
def test_layer_two_is_not_called_layer_three(tmp_path: Path, source_suffix: str, target: str, video: str) -> None:
    source = make(tmp_path / f"film{source_suffix}", Film((Sound(noise(1.0), "mp2"),), seconds=1.0, video=video))
    cleaned(source, tmp_path / f"clean{target}")
    whole = (tmp_path / f"clean{target}").read_bytes()
    assert b"A_MPEG/L2" in whole
    assert b"A_MPEG/L3" not in whole
