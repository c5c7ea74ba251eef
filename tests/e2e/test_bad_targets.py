"""Where a result cannot go: the source, what exists, full disks. Nothing is lost, nothing left behind."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from e2e.conftest import Cli
from e2e.looking import decoded, digest, names
from e2e.making import Extras, Track, film, speech, write_media
from e2e.refusing import MEDIA, OUTPUT, refused


@pytest.mark.parametrize("way", ["same", "symbolic", "hard", "dotted", "folder link"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_the_source_is_never_the_target(tmp_path: Path, cli: Cli, talk: Path, way: str, overwrite: bool) -> None:
    source = Path(shutil.copy(talk, tmp_path))
    target = tmp_path / "out.mp4"
    if way == "same":
        target = source
    elif way == "symbolic":
        target.symlink_to(source)
    elif way == "hard":
        os.link(source, target)
    elif way == "dotted":
        (tmp_path / "sub").mkdir()
        target = tmp_path / "sub" / ".." / "talk.mp4"
    else:
        (tmp_path / "sub").symlink_to(tmp_path, target_is_directory=True)
        target = tmp_path / "sub" / "talk.mp4"
    before = digest(source), names(tmp_path)
    ran = cli("clean", source, "-o", target, "--engine", "none", *(["--overwrite"] if overwrite else []))
    refused(ran, OUTPUT, "the source itself")
    assert (digest(source), names(tmp_path)) == before


@pytest.mark.parametrize("overwrite", [False, True])
def test_the_dialogue_files_never_replace_the_source(tmp_path: Path, cli: Cli, overwrite: bool) -> None:
    source = film(tmp_path / "talk.dialogue.wav", seconds=3.0)
    before = digest(source)
    ran = cli("dialogue", source, "-o", tmp_path / "talk", "--engine", "none", *(["--overwrite"] if overwrite else []))
    refused(ran, OUTPUT, "talk.dialogue.wav")
    assert digest(source) == before
    assert names(tmp_path) == ["talk.dialogue.wav"]


def test_a_target_that_exists_is_kept(tmp_path: Path, cli: Cli, talk: Path) -> None:
    target = tmp_path / "out.mp4"
    target.write_text("precious")
    refused(cli("clean", talk, "-o", target, "--engine", "none"), OUTPUT, "--overwrite")
    assert target.read_text() == "precious"
    assert names(tmp_path) == ["out.mp4"]
    assert cli("clean", talk, "-o", target, "--engine", "none", "--overwrite").code == 0
    assert decoded(target)[1] == 48_000


def test_a_dialogue_file_that_exists_is_kept(tmp_path: Path, cli: Cli, talk: Path) -> None:
    there = tmp_path / "talk.dialogue.srt"
    there.write_text("somebody's work")
    refused(cli("dialogue", talk, "-o", tmp_path / "talk", "--engine", "none"), OUTPUT, "--overwrite")
    assert there.read_text() == "somebody's work"
    assert names(tmp_path) == ["talk.dialogue.srt"]


def test_a_failed_overwrite_keeps_the_old_result(tmp_path: Path, cli: Cli, talk: Path) -> None:
    target = tmp_path / "out.mp4"
    target.write_text("precious")
    refused(cli("clean", talk, "-o", target, "--overwrite", "--track", "9"), MEDIA)
    assert target.read_text() == "precious"


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".wav"])
def test_what_the_container_cannot_hold_is_refused_before_work(tmp_path: Path, cli: Cli, suffix: str) -> None:
    """Chapters and words go from Matroska to MP4; a WAV file holds no picture."""
    source = write_media(
        tmp_path / "film.mkv", Track(speech(3.0)), extras=Extras(subtitles=[(0.5, 1.5, "Good morning")])
    )
    ran = cli("clean", source, "-o", tmp_path / f"out{suffix}", "--engine", "none")
    if suffix == ".wav":
        refused(ran, OUTPUT, "--drop-unsupported", "video")
        ran = cli("clean", source, "-o", tmp_path / "out.wav", "--engine", "none", "--drop-unsupported", "--json")
        assert ran.code == 0, ran.out
        assert ran.events[-1]["dropped"]
    assert ran.code == 0, ran.err


@pytest.mark.parametrize(
    ("number", "said"), [(errno.ENOSPC, "space"), (errno.EROFS, "read-only"), (errno.EACCES, "written")]
)
@pytest.mark.parametrize("command", ["clean", "dialogue"])
def test_a_full_or_read_only_disk(
    tmp_path: Path, cli: Cli, talk: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str, command: str
) -> None:
    """The disk gives out when the finished file is synced."""

    def full(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    out = tmp_path / "out.mp4" if command == "clean" else tmp_path / "out"
    refused(cli(command, talk, "-o", out, "--engine", "none"), OUTPUT, said)
    assert names(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 100 kB; skipped where it cannot be mounted."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(place)]
    try:
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("no right to mount a small disk")
    except FileNotFoundError:
        pytest.skip("no mount command")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_fills_up_while_writing(tmp_path: Path, cli: Cli, talk: Path, small_disk: Path) -> None:
    ran = cli("clean", talk, "-o", small_disk / "out.mkv", "--engine", "none", "--audio-codec", "flac")
    refused(ran, OUTPUT, "space")
    assert names(small_disk) == []


@pytest.mark.skipif(os.name != "posix", reason="modes of folders are a thing of POSIX")
def test_a_folder_that_may_not_be_written(
    tmp_path: Path, cli: Cli, talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shut"
    folder.mkdir(mode=0o500)
    if os.geteuid() == 0:  # to root every folder is open
        access = os.access
        monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != folder and access(path, mode))
    refused(cli("clean", talk, "-o", folder / "out.mp4"), OUTPUT, "read-only")
    assert names(folder) == []
