"""Broadcast WAV (EBU Tech 3285), as field recorders write it: where and when it begins stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediaclean.media import probe, verify, write
from mediaclean.media.wave_chunks import bext_description
from tests.media.films import Film, Sound, make, noise

ORIGIN = {
    "originator": "Recorder",
    "originator_reference": "DEXYZ0123456",
    "origination_date": "2024-05-01",
    "origination_time": "10:00:00",
    "time_reference": "172800000",
    "coding_history": "A=PCM,F=48000,W=24",
}


def broadcast_wave(path: Path, said: dict[str, str]) -> Path:
    sound = Sound(noise(1.0), "pcm_s24le")
    return make(path, Film((sound,), video="", tags=tuple(said.items()), options=(("write_bext", "1"),)))


@pytest.mark.parametrize(
    "left_out", [(), ("origination_date",), ("coding_history", "originator"), ("origination_time",)]
)
def test_where_and_when_it_was_recorded_is_kept(tmp_path: Path, left_out: tuple[str, ...]) -> None:
    said = {key: value for key, value in ORIGIN.items() if key not in left_out}
    source, target = broadcast_wave(tmp_path / "take.wav", said), tmp_path / "clean.wav"
    media = probe(source)
    assert media.tags["time_reference"] == ORIGIN["time_reference"]
    write(media, target)
    receipt = verify(source, target)
    assert receipt.ok, receipt.failures
    theirs = probe(target).tags
    assert {key: theirs.get(key) for key in media.tags if key != "encoder"} == {
        key: value for key, value in media.tags.items() if key != "encoder"
    }
    assert b"bext" in target.read_bytes()[:1000]


def test_a_plain_wav_gets_no_such_chunk(tmp_path: Path) -> None:
    source = make(tmp_path / "take.wav", Film((Sound(noise(1.0), "pcm_s24le"),), video="", tags=(("title", "T"),)))
    write(probe(source), tmp_path / "clean.wav")
    assert b"bext" not in (tmp_path / "clean.wav").read_bytes()[:1000]


@pytest.mark.parametrize("date", [True, False])
def test_elsewhere_date_and_time_are_one_moment_or_none(tmp_path: Path, date: bool) -> None:
    """The time alone would be that time of today."""
    said = {key: value for key, value in ORIGIN.items() if date or key != "origination_date"}
    source, target = broadcast_wave(tmp_path / "take.wav", said), tmp_path / "clean.mkv"
    write(probe(source), target)
    assert probe(target).tags.get("creation_time", "")[:19] == ("2024-05-01T10:00:00" if date else "")


def test_the_description_is_its_own_beside_a_comment_of_the_file(tmp_path: Path) -> None:
    source = broadcast_wave(tmp_path / "take.wav", {**ORIGIN, "description": "Scene 12A", "comment": "a comment"})
    assert bext_description(source) == "Scene 12A"
    write(probe(source), tmp_path / "clean.wav")
    assert bext_description(tmp_path / "clean.wav") == "Scene 12A"
    assert probe(tmp_path / "clean.wav").tags["comment"] == probe(source).tags["comment"]
