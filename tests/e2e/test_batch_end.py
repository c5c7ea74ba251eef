"""What a batch says: how many of each, every name once, and what it did not look at."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from e2e.conftest import Cli

NONE = ["--engine", "none"]


@pytest.fixture
def rushes(tmp_path: Path, short: Path) -> Path:
    folder = tmp_path / "rushes"
    folder.mkdir()
    for name in ("a.wav", "b.wav"):
        shutil.copy(short, folder / name)
    return folder


def last(said: str) -> str:
    return said.splitlines()[-1]


def test_one_line_counts_even_if_all_is_well(cli: Cli, rushes: Path, short: Path) -> None:
    assert last(cli("clean", rushes, *NONE).err) == "2 done"
    shutil.copy(short, rushes / "c.wav")
    (rushes / "d.wav").write_bytes(b"")
    ran = cli("clean", rushes, *NONE)
    assert ran.code == 3
    assert last(ran.err) == "1 done, 1 failed, 2 skipped"
    (rushes / "d.wav").unlink()
    assert last(cli("clean", rushes, *NONE).err) == "3 skipped"


def test_one_input_needs_no_count(cli: Cli, rushes: Path) -> None:
    assert " done" not in last(cli("clean", rushes / "a.wav", *NONE).err)


def test_a_failure_is_named_once_in_its_line(cli: Cli, rushes: Path) -> None:
    empty = rushes / "empty.mp4"
    empty.write_bytes(b"")
    ran = cli("clean", rushes, *NONE)
    [line] = [line for line in ran.err.splitlines() if line.startswith("  ") and "is empty" in line]
    assert line.startswith(f"  {empty}: is empty")
    assert line.count("empty.mp4") == 1


def test_what_is_there_already_has_its_folder(cli: Cli, rushes: Path, tmp_path: Path, short: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(short, other / "a.wav")
    (rushes / "b.wav").unlink()
    assert cli("clean", rushes, other, *NONE).code == 0
    ran = cli("clean", rushes, other, *NONE)
    for folder in (rushes, other):
        assert f"{folder / 'a.clean.wav'} is there already, skipped" in ran.err


def test_a_folder_below_is_named_and_not_entered(cli: Cli, rushes: Path, short: Path) -> None:
    below, empty, stems = rushes / "cards" / "A001", rushes / "notes", rushes / "a.clean.stems"
    for folder in (below, empty, stems):
        folder.mkdir(parents=True)
    shutil.copy(short, below / "take.wav")
    shutil.copy(short, stems / "voice.wav")
    ran = cli("clean", rushes, *NONE)
    assert ran.code == 0
    assert f"{below}/ not entered: give it too" in ran.err.splitlines()
    assert not (below / "take.clean.wav").exists()
    ran = cli("clean", rushes, below, *NONE, "--overwrite")
    assert "not entered" not in ran.err
    assert (below / "take.clean.wav").exists()


def test_a_folder_with_nothing_but_folders_says_which_to_give(cli: Cli, tmp_path: Path, short: Path) -> None:
    below = tmp_path / "day 1"
    below.mkdir()
    shutil.copy(short, below / "take.wav")
    ran = cli("clean", tmp_path, *NONE)
    assert ran.code == 3
    assert f"try: mediaclean clean '{below}'" in ran.err
