"""The spool keeps voices exactly, whole or not at all, and only for the run that they belong to."""

from __future__ import annotations

import errno
import gc
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from mediaclean import spool as module
from mediaclean.errors import OutputError
from mediaclean.spool import Spool

KEY = {"source": "abc", "cuts": [[0, 10], [20, 30]], "engine": "fake:half"}


def voice(channels: int = 2, length: int = 1_000) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((channels, length)).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".film.mp4.mediaclean"


def test_a_voice_comes_back_bit_by_bit(folder: Path) -> None:
    spool = Spool.open(folder, KEY)
    spool.put(3, voice())
    assert spool.done == {3}
    kept = spool.get(3)
    assert kept.dtype == np.float32
    assert isinstance(kept, np.memmap)
    np.testing.assert_array_equal(kept, voice())


@pytest.mark.parametrize("silent", [[0, 1], [2], [0, 1, 2]])
def test_silent_channels_come_back_silent(folder: Path, silent: list[int]) -> None:
    sound = voice(3)
    sound[silent] = 0.0
    spool = Spool.open(folder, KEY)
    spool.put(0, sound)
    np.testing.assert_array_equal(spool.get(0), sound)


def test_the_same_key_resumes_and_another_begins_anew(folder: Path) -> None:
    Spool.open(folder, KEY).put(0, voice())
    assert Spool.open(folder, dict(reversed(KEY.items()))).done == {0}
    assert Spool.open(folder, {**KEY, "engine": "demucs"}).done == set()


AT_WORK = """
import sys
from pathlib import Path
from mediaclean.spool import Spool
spool = Spool.open(Path(sys.argv[1]), {"source": "abc", "cuts": [[0, 10], [20, 30]], "engine": "fake:half"})
print("open", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="folders are not locked here")
def test_what_another_run_is_at_work_on_is_neither_used_nor_removed(folder: Path) -> None:
    Spool.open(folder, KEY).put(0, voice())
    gc.collect()
    other = subprocess.Popen(
        [sys.executable, "-c", AT_WORK, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdin
    assert other.stdout
    assert other.stdout.readline() == "open\n"
    for key in (KEY, {**KEY, "engine": "demucs"}):
        with pytest.raises(OutputError, match="another run is at work"):
            Spool.open(folder, key)
    Spool(folder).remove()
    np.testing.assert_array_equal(Spool(folder).get(0), voice())
    other.communicate()
    assert Spool.open(folder, KEY).done == {0}, "and it is free when that run has ended"


def test_a_voice_cut_short_is_not_there(folder: Path) -> None:
    spool = Spool.open(folder, KEY)
    spool.put(0, voice())
    (folder / "cut-000001.npy.part").write_bytes(b"half a vo")
    resumed = Spool.open(folder, KEY)
    assert resumed.done == {0}
    assert sorted(path.name for path in folder.iterdir()) == ["cut-000000.npy", "key.json"]


def test_a_failed_write_leaves_no_voice(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool.open(folder, KEY)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(OutputError, match="no space left"):
        spool.put(0, voice())
    assert spool.done == set()


def test_too_little_room_is_told_before_the_work_begins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage(10, 5, 500_000_000))
    Spool.open(folder, KEY, needed=500_000_000)
    with pytest.raises(OutputError, match=r"0\.5 GB free.*takes 2\.0 GB.*1\.5 GB more"):
        Spool.open(folder, KEY, needed=2_000_000_000)


def test_what_is_there_already_needs_no_more_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool.open(folder, KEY)
    spool.put(0, voice())
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage(10, 5, 0))
    assert Spool.open(folder, KEY, needed=voice().nbytes).done == {0}


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        Spool.open(tmp_path / "file" / ".spool", KEY)
    with pytest.raises(OutputError, match="cannot be written"):
        Spool.open(tmp_path / "file", KEY)


@pytest.mark.parametrize("content", [None, b"", b"\x93NUMPY\x01\x00 nonsense"])
def test_a_missing_or_damaged_voice_is_an_output_error(folder: Path, content: bytes | None) -> None:
    spool = Spool.open(folder, KEY)
    if content is not None:
        (folder / "cut-000000.npy").write_bytes(content)
    with pytest.raises(OutputError, match="cannot be read"):
        spool.get(0)


def test_remove_deletes_its_own_files_and_no_others(folder: Path) -> None:
    spool = Spool.open(folder, KEY)
    spool.put(0, voice())
    spool.remove()
    assert not folder.exists()
    spool.remove()
    spool = Spool.open(folder, KEY)
    (folder / "notes.txt").write_text("mine")
    spool.remove()
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_further_spools_lie_beside_the_first_by_their_key_and_go_with_it(tmp_path: Path) -> None:
    folder = tmp_path / ".film [1].mp4.1.mediaclean"  # brackets are no pattern
    first, other = Spool.open(folder, KEY), Spool.open_beside(folder, {**KEY, "engine": "demucs"})
    assert Spool.open_beside(folder, {**KEY, "engine": "demucs"}).folder == other.folder
    assert Spool.open_beside(folder, KEY).folder not in (first.folder, other.folder)
    stranger = Spool.open(tmp_path / ".film 1.mp4.1.mediaclean", KEY)
    for spool in Spool.all_of(folder):
        spool.remove()
    assert list(tmp_path.iterdir()) == [stranger.folder]
    assert Spool.all_of(folder) == []
