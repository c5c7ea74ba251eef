"""Files that were refused for nothing, and refusals that led nowhere."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mediaclean.dialogue_track import write_asr_wav
from mediaclean.errors import MediaError, OutputError
from mediaclean.media import check_target, probe, staged, verify, write
from tests.media.films import Film, Sound, make, noise

SOUND = Sound(noise(0.5))


@pytest.mark.parametrize(("stamp", "kept"), [("Lavf59.27.100", False), ("VirtualDub", True)])
def test_the_stamp_of_an_avi_s_muxer_is_its_own_and_a_program_s_is_kept(
    tmp_path: Path, stamp: str, *, kept: bool
) -> None:
    film = Film((Sound(noise(0.5), "libmp3lame"),), 0.5, video="mpeg4", video_options=())
    source, target = make(tmp_path / "film.avi", film), tmp_path / "made.avi"
    data = source.read_bytes()
    at = data.index(b"ISFT") + 8
    size = int.from_bytes(data[at - 4 : at], "little")
    source.write_bytes(data[:at] + stamp.encode().ljust(size, b"\0") + data[at + size :])
    media = probe(source)
    assert media.tags["software"] == stamp
    write(media, target)
    assert (probe(target).tags["software"] == stamp) is kept
    receipt = verify(source, target)
    assert receipt.ok, receipt.failures


@pytest.mark.parametrize(("name", "instead"), [("a.wmv", "-o a.mkv"), ("a.asf", "-o a.mkv"), ("a.wma", "-o a.m4a")])
def test_asf_is_refused_at_the_start_for_what_works(tmp_path: Path, name: str, instead: str) -> None:
    media = probe(make(tmp_path / "film.mkv", Film((SOUND,), 0.5)))
    with pytest.raises(OutputError, match=f"writes no {Path(name).suffix} files") as caught:
        check_target(media, tmp_path / name, replace=[1])
    assert caught.value.hint == instead


@pytest.mark.parametrize(("name", "hours", "fits"), [("a.aiff", 4, True), ("a.aiff", 4.2, False), ("a.wav", 40, True)])
def test_an_aiff_that_would_count_past_32_bits_is_refused_at_the_start(
    tmp_path: Path, name: str, hours: float, *, fits: bool
) -> None:
    media = probe(make(tmp_path / "talk.mov", Film((Sound(noise(0.5), "pcm_s24le"),), video="")))
    (track,) = media.tracks
    second = track.rate * track.channels * 3  # 24 bits
    assert second == 288_000
    long = replace(media, tracks=(replace(track, length=round(hours * 3600 * track.rate)),))
    if fits:
        check_target(long, tmp_path / name, replace=[1])
    else:
        with pytest.raises(OutputError, match=r"holds 4\.29 GB, and this sound has 4\.35") as caught:
            check_target(long, tmp_path / name, replace=[1])
        assert caught.value.hint == "-o a.wav"


@pytest.mark.parametrize("suffix", [".wmv", ".mkv", ".mp4"])
def test_a_picture_that_no_container_takes_is_to_be_converted(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / "my film.wmv"
    make(source, Film((Sound(noise(0.5), "wmav2"),), 0.5, video="wmv2", video_options=()))
    media = probe(source)
    with pytest.raises(OutputError) as caught:
        check_target(media, tmp_path / f"made{suffix}", replace=[1])
    assert f"ffmpeg -i '{source}' " in caught.value.hint
    assert caught.value.hint.endswith("'my film.h264.mkv'")
    assert "-o " not in caught.value.hint


def test_matroska_is_not_advised_to_who_asked_for_it(tmp_path: Path) -> None:
    source = make(tmp_path / "film.mkv", Film((SOUND,), 0.5))
    with av.open(str(tmp_path / "data.ts"), "w") as made, av.open(str(source)) as film:
        streams = {stream.index: made.add_stream_from_template(stream) for stream in film.streams}
        data = made.add_data_stream("klv")
        made.start_encoding()
        place = av.Packet(b"\x06\x0e\x2b\x34" * 8)
        place.stream, place.time_base, place.pts, place.dts = data, Fraction(1, 1000), 0, 0
        made.mux(place)
        for packet in film.demux():
            if packet.size:
                packet.stream = streams[packet.stream_index]
                made.mux(packet)
    media = probe(tmp_path / "data.ts")
    for name, advised in (("made.mkv", False), ("made.webm", True)):
        with pytest.raises(OutputError) as caught:
            check_target(media, tmp_path / name, replace=[1])
        assert "--drop-unsupported" in caught.value.hint
        assert ("-o made.mkv" in caught.value.hint) is advised


@pytest.mark.parametrize(("suffix", "codec", "target"), [(".mp4", "mov_text", ".mkv"), (".mkv", "subrip", ".mp4")])
def test_styled_words_are_the_same_words_in_another_container(
    tmp_path: Path, suffix: str, codec: str, target: str
) -> None:
    source, made = _with_cue(tmp_path / f"film{suffix}", codec), tmp_path / f"made{target}"
    write(probe(source), made)
    receipt = verify(source, made)
    assert receipt.ok, receipt.failures
    with av.open(str(made)) as film:
        cue = b"".join(bytes(packet) for packet in film.demux(film.streams.subtitles[0]))
    assert (b"Hello <i>" if target == ".mkv" else b"Hello you\0\0\0\x16styl") in cue


def test_other_words_are_noticed(tmp_path: Path) -> None:
    source = _with_cue(tmp_path / "film.mkv", "subrip")
    other = _with_cue(tmp_path / "other.mp4", "mov_text", b"Hello <i>me!</i>")
    assert any("stream 2 (subtitle" in line for line in verify(source, other).failures)


def _with_cue(path: Path, codec: str, words: bytes = b"Hello <i>you</i>") -> Path:
    plain = make(path.with_suffix(".plain.mkv"), Film((SOUND,), 0.5))
    if codec == "mov_text":
        styled = b"Hello " + words[9:-4]
        style = b"\0\0\0\x16styl\0\x01\0\x06\0\x09\0\x01\x02\x10\xff\xff\xff\xff"
        words = len(styled).to_bytes(2, "big") + styled + style
    with av.open(str(path), "w") as made, av.open(str(plain)) as film:
        streams = {stream.index: made.add_stream_from_template(stream) for stream in film.streams}
        cues = made.add_stream(codec)
        cues.codec_context.subtitle_header = b"[Script Info]\r\nScriptType: v4.00+\r\n"
        made.start_encoding()
        cue = av.Packet(words)
        cue.stream, cue.time_base, cue.pts, cue.dts, cue.duration = cues, cues.time_base, 0, 0, 0
        cue.duration = round(0.4 / cues.time_base)
        made.mux(cue)
        for packet in film.demux():
            if packet.size:
                packet.stream = streams[packet.stream_index]
                made.mux(packet)
    return path


@pytest.mark.parametrize("name", ["n" * 251 + ".wav", "ü" * 125 + ".wav", "n" * 235 + ".wav", "short.wav"])
def test_a_name_that_a_file_can_have_can_be_written(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    dead = []
    with staged(target) as temporary:
        assert temporary.name.startswith(".")
        assert temporary.name.endswith(f".{os.getpid()}.part.wav")
        temporary.write_bytes(b"whole")
        dead = [temporary.name.replace(f".{os.getpid()}.", f".{number}.") for number in (2**22 + 1, 2**22 + 2)]
        sibling = target.with_name("x" + target.name[1:])
        with staged(sibling) as other:
            assert other.name != temporary.name
            other.write_bytes(b"other")
    for left in dead:
        (tmp_path / left).write_bytes(b"left behind by a killed run")
    with staged(target, overwrite=True) as temporary:
        temporary.write_bytes(b"again")
    assert {path.name for path in tmp_path.iterdir()} == {target.name, sibling.name}


def test_a_name_that_no_file_can_have_is_refused_before_any_work(tmp_path: Path) -> None:
    source = make(tmp_path / "film.mkv", Film((SOUND,), 0.5))
    target = tmp_path / ("ü" * 130 + ".mkv")
    for refuse in (lambda: check_target(probe(source), target, replace=[1]), lambda: staged(target).__enter__()):
        with pytest.raises(OutputError, match="file name too long") as caught:
            refuse()
        assert f"-o {'ü' * 20}.mkv" in caught.value.hint


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
def test_a_dialogue_track_on_a_full_disk_says_so() -> None:
    with pytest.raises(OutputError, match="no space left"):
        write_asr_wav(Path("/dev/full"), [np.zeros((1, 96_000), np.float32)], 16_000)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    said: list[MediaError] = []

    def ask() -> None:
        with pytest.raises(MediaError) as caught:
            probe(pipe)
        said.append(caught.value)

    asking = threading.Thread(target=ask, daemon=True)  # whoever opens it for reading waits for a writer
    asking.start()
    asking.join(5.0)
    assert said
    assert "cannot be read twice" in said[0].message
    assert "save it to a file" in said[0].hint


def test_a_device_is_refused() -> None:
    with pytest.raises(MediaError, match="a pipe or a device"):
        probe(Path(os.devnull))
