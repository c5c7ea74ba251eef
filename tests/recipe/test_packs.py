"""Packs for training: whole or not there, replaced under a reader's hands, and named where one is missing."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from training import prepare, validation
from training.mixing import Mixer
from training.packs import load_packs
from training.prepare import Piece, decode, write_pack

RATE = 48_000


def piece(name: str, value: int, seconds: float = 1.0) -> Piece:
    return name, np.full(int(seconds * RATE), value, np.int16), RATE


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """One pack of every kind, with material that is held out."""
    write_pack(tmp_path, "speech", [piece("a_00", 900, 4.0)])
    write_pack(tmp_path, "speech_val", [piece("b_00", 900)])
    write_pack(tmp_path, "music", [piece("m_00", 900, 4.0), piece("tuxemon_04", 900)])
    write_pack(tmp_path, "noise", [piece("n_00", 900, 4.0), piece("esc10_03", 900)])
    return tmp_path


def test_of_a_folder_that_is_missing_nothing_is_written(tmp_path: Path) -> None:
    assert write_pack(tmp_path, "music", decode(tmp_path / "gone")) == 0
    assert list(tmp_path.iterdir()) == []
    assert load_packs(tmp_path, "music") == []


def test_pieces_without_a_sample_are_left_out(tmp_path: Path) -> None:
    write_pack(tmp_path, "music", [piece("empty_00", 0, 0.0), piece("m_00", 7)])
    assert [clip.name for clip in load_packs(tmp_path, "music")] == ["m_00"]


def test_an_empty_pack_of_an_older_version_is_passed_over(data: Path) -> None:
    (data / "music_more.i16").touch()
    (data / "music_more.json").write_text("[]")
    assert len(load_packs(data, "music")) == 2


def test_who_has_a_pack_open_keeps_it_while_it_is_written_anew(data: Path) -> None:
    (before,) = load_packs(data, "speech")
    held = before.samples.copy()
    write_pack(data, "speech", [piece("new_00", -5, 2.0)])
    np.testing.assert_array_equal(before.samples, held)
    (after,) = load_packs(data, "speech")
    assert (after.name, len(after.samples), int(after.samples[0])) == ("new_00", 2 * RATE, -5)


def test_while_a_pack_is_written_the_old_one_is_whole(data: Path) -> None:
    seen = []

    def pieces() -> Iterator[Piece]:
        for number in range(3):
            yield piece(f"new_{number}", number)
            seen.append([(clip.name, int(clip.samples[0])) for clip in load_packs(data, "speech")])

    write_pack(data, "speech", pieces())
    assert seen == [[("a_00", 900)]] * 3


def test_a_pack_that_breaks_off_leaves_the_old_one_and_nothing_else(data: Path) -> None:
    before = {path.name: path.read_bytes() for path in data.iterdir()}

    def pieces() -> Iterator[Piece]:
        yield piece("new_00", 1)
        raise OSError("the disk went away")

    with pytest.raises(OSError, match="went away"):
        write_pack(data, "speech", pieces())
    assert {path.name: path.read_bytes() for path in data.iterdir()} == before


@pytest.mark.parametrize("kind", ["speech", "music", "noise"])
def test_the_mixer_names_the_folder_and_what_it_lacks(data: Path, kind: str) -> None:
    for path in data.glob(f"{kind}.*"):
        path.unlink()
    with pytest.raises(FileNotFoundError, match=f"{data} has no {kind}: "):
        Mixer(data, 1, 21)


@pytest.mark.parametrize("kind", ["speech_val", "music", "noise"])
def test_so_does_the_validation_set(data: Path, kind: str) -> None:
    for path in data.glob(f"{kind}.*"):
        path.unlink()
    with pytest.raises(FileNotFoundError, match=f"{data} has no (held-out )?{kind}: "):
        validation.build(data, clips=2)


def test_prepare_takes_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    material, data = tmp_path / "material", tmp_path / "data"
    (material / "speech").mkdir(parents=True)
    soundfile.write(material / "speech" / "a_00.wav", np.full(RATE, 0.25), RATE)
    monkeypatch.setattr(sys, "argv", ["prepare", "--material", str(material), "--data", str(data), "--renders", "1"])
    prepare.main()
    said = capsys.readouterr().out
    assert {path.name for path in data.iterdir()} == {"speech.i16", "speech.json", "rir"}
    assert len(load_packs(data, "speech")) == 1
    assert f"noise: nothing in {material / 'noise'}" in said
    shutil.rmtree(material / "speech")
    prepare.main()
    assert len(load_packs(data, "speech")) == 1, "a pack from before stays"
