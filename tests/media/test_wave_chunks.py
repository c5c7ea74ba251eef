"""What a recorder writes beside the sound of a WAV is in the result byte for byte, where FFmpeg finds it too."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest

from mediaclean.media import NewAudio, decode, probe, verify, write
from mediaclean.media.wave_chunks import NAMES, carry_chunks, chunks_of
from tests.media.films import Film, Sound, make, noise
from tests.media.waves import packed, wave

CUE = struct.pack("<III4sIII", 1, 1, 24_000, b"data", 0, 0, 24_000)
LABEL = b"adtl" + b"labl" + struct.pack("<II", 4 + 7, 1) + b"Answer\0" + b"\0"
SCENE = b"<BWFXML><SCENE>12A</SCENE><TAKE>3</TAKE></BWFXML>"  # of odd length
CHUNKS = [(b"cue ", CUE), (b"LIST", LABEL), (b"iXML", SCENE), (b"cart", b"0101" + bytes(40))]


def sizes_are_true(path: Path) -> bool:
    """Whether the chunks of a RIFF file fill it exactly."""
    whole, at = path.read_bytes(), 12
    assert struct.unpack_from("<I", whole, 4)[0] == len(whole) - 8
    while at < len(whole):
        size = struct.unpack_from("<I", whole, at + 4)[0]
        at += 8 + size + size % 2
    return at == len(whole)


@pytest.mark.parametrize("where", ["before", "behind"])  # FFmpeg sees no markers before the format
def test_all_of_it_is_in_the_result(tmp_path: Path, where: str) -> None:
    more = b"".join(packed(*chunk) for chunk in CHUNKS)
    source, target = wave(tmp_path / "take.wav", **{where: more}), tmp_path / "clean.wav"
    media = probe(source)
    written = write(media, target, replace={1: NewAudio(decode(media, media.tracks[0]), 48_000, "stereo")})
    assert not written.notes
    assert [(chunk.letters, chunk.body) for chunk in chunks_of(target)] == CHUNKS
    assert sizes_are_true(target)
    with av.open(str(target)) as container:
        [mark] = container.chapters()
    assert mark["start"] * mark["time_base"] == 0.5
    assert mark["metadata"]["title"] == "Answer"
    receipt = verify(source, target)
    assert receipt.ok, receipt.failures
    sound = [np.concatenate([*decode(each, each.tracks[0])], axis=1) for each in (media, probe(target))]
    assert sound[0].shape == sound[1].shape


def test_verify_misses_what_is_lost(tmp_path: Path) -> None:
    source = wave(tmp_path / "take.wav", behind=packed(b"iXML", SCENE) + packed(b"cue ", CUE))
    receipt = verify(source, wave(tmp_path / "other.wav", behind=packed(b"iXML", SCENE[:-1] + b"?")))
    assert {row.what for row in receipt.fields if not row.ok} == {NAMES[b"iXML"], NAMES[b"cue "]}


def test_elsewhere_there_is_no_room_for_it_and_that_is_said(tmp_path: Path) -> None:
    source = wave(tmp_path / "take.wav", behind=packed(b"iXML", SCENE))
    written = write(probe(source), tmp_path / "clean.mka")
    assert any("iXML" in note and "only WAV" in note for note in written.notes), written.notes
    assert verify(source, tmp_path / "clean.mka").ok


@pytest.mark.parametrize("behind", [b"iX", b"iXML\xff\xff\xff\x7f<BWFXML>", b"iXML\x20\0\0\0<BWFXML>", b"\0" * 64])
def test_a_broken_end_is_passed_over(tmp_path: Path, behind: bytes) -> None:
    """Beyond what the header tells, as a recorder leaves it that lost its power."""
    source = wave(tmp_path / "take.wav")
    with source.open("ab") as file:
        file.write(behind)
    assert chunks_of(source) == []
    write(probe(source), tmp_path / "clean.wav")
    assert sizes_are_true(tmp_path / "clean.wav")


def test_a_long_wave_file_tells_its_size_in_64_bits(tmp_path: Path) -> None:
    sound = noise(0.5)
    options = (("rf64", "always"),)
    source = make(tmp_path / "take.wav", Film((Sound(sound, "pcm_s16le"),), video="", options=options))
    whole = source.read_bytes() + packed(b"iXML", SCENE)
    source.write_bytes(whole[:20] + struct.pack("<Q", len(whole) - 8) + whole[28:])
    assert whole[:4] == b"RF64"
    assert [chunk.body for chunk in chunks_of(source)] == [SCENE]
    write(probe(source), tmp_path / "clean.wav")
    assert [chunk.body for chunk in chunks_of(tmp_path / "clean.wav")] == [SCENE]
    receipt = verify(source, tmp_path / "clean.wav")
    assert receipt.ok, receipt.failures


def test_into_a_long_wave_file(tmp_path: Path) -> None:
    source = wave(tmp_path / "take.wav", behind=packed(b"iXML", SCENE))
    options = (("rf64", "always"),)
    result = make(tmp_path / "long.wav", Film((Sound(noise(0.5), "pcm_s16le"),), video="", options=options))
    assert carry_chunks(source, result) == []
    whole = result.read_bytes()
    assert struct.unpack_from("<Q", whole, 20)[0] == len(whole) - 8
    assert [chunk.body for chunk in chunks_of(result)] == [SCENE]
    assert probe(result).tracks[0].length == 24_000
