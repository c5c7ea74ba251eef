"""Cover art of sound files: the very bytes, with title and kind, in every file that has a place for a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from e2e.making import film

from mediaclean import CleanOptions, MediacleanError, clean
from mediaclean.media import verify
from mediaclean.media.covers import picture_block

NONE = CleanOptions(engine="none")
TITLE, KIND = "Sleeve", "Cover (back)"


def image(path: Path) -> Path:
    """A picture whose codec goes by the suffix."""
    picture = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    codec, pixels = {".jpg": ("mjpeg", "yuvj420p"), ".bmp": ("bmp", "bgr24")}.get(
        path.suffix, (path.suffix[1:], "rgb24")
    )
    with av.open(str(path), "w", format="image2") as made:
        stream: Any = made.add_stream(codec, rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        made.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=pixels)))
        made.mux(stream.encode(None))
    return path


def with_cover(target: Path, *pictures: Path) -> Path:
    """Speech with pictures attached to it."""
    plain = film(target.with_name(f"plain{target.suffix}"), seconds=3.0)
    with av.open(str(target), "w") as made, av.open(str(plain)) as sound:
        copies = [(sound, made.add_stream_from_template(sound.streams.audio[0], opaque=True))]
        for number, picture in enumerate(pictures):
            opened = av.open(str(picture))
            stream: Any = made.add_stream_from_template(opened.streams.video[0], opaque=True)
            stream.disposition = int(Disposition.attached_pic)
            stream.metadata.update({"title": f"{TITLE} {number}", "comment": KIND})
            copies.append((opened, stream))
        for opened, stream in reversed(copies):
            for packet in opened.demux():
                if packet.size:
                    packet.stream = stream
                    if opened is not sound:
                        packet.pts = packet.dts = 0
                    made.mux_one(packet)
    return target


def covers(path: Path) -> list[tuple[bytes, str, str, str]]:
    """Every attached picture: bytes, codec, title and kind."""
    found = []
    with av.open(str(path)) as opened:
        for stream in opened.streams.video:
            assert Disposition.attached_pic in Disposition(stream.disposition)
            data = b"".join(bytes(packet) for packet in opened.demux(stream) if packet.size)
            opened.seek(0)
            tags = {key.lower(): value for key, value in stream.metadata.items()}
            codec = stream.codec_context.codec.canonical_name
            found.append((data, codec, tags.get("title", ""), tags.get("comment", "")))
    return found


@pytest.mark.parametrize("suffix", [".mp3", ".flac"])
@pytest.mark.parametrize("picture", ["a.jpg", "a.png", "a.bmp", "a.tiff"])
def test_a_cover_goes_over_byte_for_byte(tmp_path: Path, suffix: str, picture: str) -> None:
    cover = image(tmp_path / picture)
    source = with_cover(tmp_path / f"talk{suffix}", cover)
    target = tmp_path / f"out{suffix}"
    report = clean(source, target, "documentary", NONE)
    assert covers(target) == covers(source) == [(cover.read_bytes(), covers(source)[0][1], f"{TITLE} 0", KIND)]
    assert report.receipt["ok"]
    assert not report.dropped
    receipt = verify(source, target)
    assert receipt.ok, receipt.failures
    assert any(proof.kind == "video" and proof.result is not None for proof in receipt.proofs)


@pytest.mark.parametrize("target", ["out.flac", "out.mp3", "out.m4a", "out.mka", "out.ogg", "out.opus"])
def test_a_cover_goes_into_another_kind_of_file(tmp_path: Path, target: str) -> None:
    cover = image(tmp_path / "a.jpg")
    source = with_cover(tmp_path / ("talk.flac" if target == "out.mp3" else "talk.mp3"), cover)
    report = clean(source, tmp_path / target, "documentary", NONE)
    assert [row[0] for row in covers(tmp_path / target)] == [cover.read_bytes()]
    assert report.receipt["ok"]


@pytest.mark.parametrize("suffix", [".mp3", ".flac"])
def test_several_pictures_stay_in_order(tmp_path: Path, suffix: str) -> None:
    pictures = [image(tmp_path / "a.png"), image(tmp_path / "b.jpg")]
    source = with_cover(tmp_path / f"talk{suffix}", *pictures)
    clean(source, tmp_path / f"out{suffix}", "documentary", NONE)
    assert [row[0] for row in covers(tmp_path / f"out{suffix}")] == [picture.read_bytes() for picture in pictures]


@pytest.mark.parametrize("suffix", [".ogg", ".opus", ".oga"])
@pytest.mark.parametrize("picture", ["a.jpg", "a.png", "a.bmp"])
def test_a_cover_of_ogg_is_a_tag_that_goes_over(tmp_path: Path, suffix: str, picture: str) -> None:
    """From FLAC into Ogg, and from there again: what mediaclean reads is what it wrote."""
    cover = image(tmp_path / picture)
    source, once, twice = with_cover(tmp_path / "talk.flac", cover), tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    assert clean(source, once, "documentary", NONE).receipt["ok"]
    assert covers(once) == covers(source)
    report = clean(once, twice, "podcast", NONE)
    assert report.receipt["ok"]
    assert not report.copied
    assert covers(twice) == covers(once)
    receipt = verify(once, twice)
    assert receipt.ok, receipt.failures


def test_a_cover_stays_beside_sound_that_is_copied(tmp_path: Path) -> None:
    once, twice = tmp_path / "a.opus", tmp_path / "b.opus"
    clean(with_cover(tmp_path / "talk.flac", image(tmp_path / "a.jpg")), once, "documentary", NONE)
    assert clean(once, twice, "documentary", NONE).copied
    assert covers(twice) == covers(once)


def test_ogg_gets_one_picture_and_says_so(tmp_path: Path) -> None:
    pictures = [image(tmp_path / "a.png"), image(tmp_path / "b.jpg")]
    source, target = with_cover(tmp_path / "talk.flac", *pictures), tmp_path / "out.ogg"
    with pytest.raises(MediacleanError, match=r"stream 2 .* a further picture: mediaclean writes one"):
        clean(source, target, "documentary", NONE)
    report = clean(source, target, "documentary", CleanOptions(engine="none", drop_unsupported=True))
    assert [row[0] for row in covers(target)] == [pictures[0].read_bytes()]
    assert report.receipt["ok"]


def test_the_picture_block_is_laid_out_as_the_standard_says() -> None:
    block = picture_block(b"DATA", media_type="image/png", kind=3, title="Hülle", size=(640, 480))
    words = "Hülle".encode()
    expected: list[int | bytes] = [3, 9, b"image/png", len(words), words, 640, 480, 24, 0, 4, b"DATA"]
    assert block == b"".join(part if isinstance(part, bytes) else part.to_bytes(4, "big") for part in expected)


def test_a_moving_picture_is_no_cover(tmp_path: Path) -> None:
    source = film(tmp_path / "talk.mp4", seconds=3.0)
    with pytest.raises(MediacleanError, match="cannot hold stream 0"):
        clean(source, tmp_path / "out.mp3", "documentary", NONE)
