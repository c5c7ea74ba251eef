"""What the system refuses, wherever it does: one sentence, a hint, the right exit code, and never a traceback."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.conftest import Cli
from e2e.looking import names
from e2e.making import film
from e2e.refusing import MEDIA, OUTPUT, PRESET, refused
from mediaclean import OutputError
from mediaclean.run import Delivery, deliver

LONG = "x" * 300
INTERRUPTED = 130


@pytest.mark.parametrize("folder", [".", "/"])
@pytest.mark.parametrize("command", ["preview", "dialogue", "analyze", "measure"])
def test_a_folder_without_a_name_is_a_folder(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch, command: str, folder: str
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(cli(command, folder), MEDIA, "is a folder")


def test_a_page_that_is_the_current_folder(
    tmp_path: Path, cli: Cli, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(cli("preview", short, "-o", "."), OUTPUT, "is a folder")


@pytest.mark.parametrize("command", ["clean", "analyze", "dialogue", "preview", "measure", "remix"])
def test_an_input_whose_name_is_too_long(tmp_path: Path, cli: Cli, command: str) -> None:
    refused(cli(command, tmp_path / f"{LONG}.wav"), MEDIA, "name too long")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["clean", "-o", f"{LONG}.wav"], OUTPUT),
        (["clean", "--report", f"{LONG}.json"], OUTPUT),
        (["clean", "--preset", f"{LONG}.toml"], PRESET),
        (["clean", "--plan", f"{LONG}.json"], PRESET),
        (["dialogue", "-o", LONG], OUTPUT),
        (["preview", "-o", f"{LONG}.html"], OUTPUT),
        (["measure", "--plot", f"{LONG}.svg"], OUTPUT),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_any_other_name_that_is_too_long(
    tmp_path: Path, cli: Cli, short: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(cli(words[0], short, *words[1:]), code, "too long")
    assert names(tmp_path) == []


def test_the_library_refuses_a_name_that_is_too_long_as_the_command_does(tmp_path: Path, short: Path) -> None:
    for targets in ([f"{LONG}.wav"], ["out.wav", f"{LONG}.wav"]):
        with pytest.raises(OutputError, match="too long"):
            deliver(short, [Delivery(tmp_path / name) for name in targets])
    assert names(tmp_path) == []


@pytest.mark.parametrize("option", ["--report", "--out-dir", "--preset"])
def test_links_in_a_circle(tmp_path: Path, cli: Cli, short: Path, option: str) -> None:
    loop = tmp_path / "loop.toml"
    loop.symlink_to(loop)
    ran = cli("clean", short, option, loop)
    refused(ran, PRESET if option == "--preset" else OUTPUT, "loop.toml")
    refused(cli("clean", loop), MEDIA, "loop.toml")


@pytest.fixture
def shut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the user may not enter: to root every one is open, so the system's answer is made up."""
    folder = tmp_path / "shut"
    folder.mkdir()
    look = os.stat

    def refuse(path, *words, **options):
        if isinstance(path, str | os.PathLike) and folder in Path(path).parents:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
        return look(path, *words, **options)

    monkeypatch.setattr(os, "stat", refuse)
    return folder


@pytest.mark.parametrize("command", ["clean", "analyze", "dialogue", "preview", "measure", "remix"])
def test_an_input_in_a_folder_that_may_not_be_entered(cli: Cli, shut: Path, command: str) -> None:
    refused(cli(command, shut / "talk.wav"), MEDIA, "permission denied", f"chmod u+rwx {shut}")


def test_a_result_in_a_folder_that_may_not_be_entered(cli: Cli, short: Path, shut: Path) -> None:
    refused(cli("clean", short, "-o", shut / "out.wav", "--engine", "none"), OUTPUT, "permission denied")


def test_a_batch_goes_on_after_an_error_of_the_system(tmp_path: Path, cli: Cli, short: Path, shut: Path) -> None:
    ran = cli("clean", shut / "talk.wav", short, "--out-dir", tmp_path / "out", "--engine", "none")
    assert ran.code == MEDIA, ran.err
    assert "1 done, 1 failed" in ran.err
    assert names(tmp_path / "out") == ["short.clean.wav"]


def test_a_file_that_may_not_be_read_fails_alone(
    tmp_path: Path, cli: Cli, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = (Path(shutil.copy(short, tmp_path / name)) for name in ("good.wav", "bad.wav"))
    bad.chmod(0)
    if os.geteuid() == 0:  # root may read it: the answer to whoever asks first, and FFmpeg's, are made up
        import av

        access, opened = os.access, av.open
        monkeypatch.setattr(os, "access", lambda path, mode, **more: Path(path) != bad and access(path, mode, **more))

        def refuse(name, *words, **options):
            if str(name).endswith("bad.wav"):
                raise av.error.PermissionError(errno.EACCES, "Permission denied", str(name))
            return opened(name, *words, **options)

        monkeypatch.setattr(av, "open", refuse)
    ran = cli("clean", good, bad, "--engine", "none")
    assert ran.code == MEDIA, ran.err
    assert "chmod u+r" in ran.err
    assert "1 done, 1 failed" in ran.err
    assert (tmp_path / "good.clean.wav").is_file()


def test_a_folder_that_may_not_be_read(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "rushes"
    folder.mkdir()
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != folder and access(path, mode))
    refused(cli("clean", folder), MEDIA, "may not be read", "chmod u+rx")


def test_an_error_without_a_path_is_one_of_the_output(
    cli: Cli, short: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from mediaclean import measuring

    def full(*words, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(measuring, "measure_file", full)
    refused(cli("measure", short), OUTPUT, "No space left on device", "free some space")


def test_ctrl_c_while_the_program_is_loaded() -> None:
    code = (
        "import sys, runpy\n"
        "class Stop:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'typer':\n"
        "            sys.meta_path.remove(self)\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stop())\n"
        "sys.argv = ['mediaclean', 'settings']\n"
        "runpy.run_module('mediaclean', run_name='__main__')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == INTERRUPTED, ran.stderr
    assert ran.stderr.strip() == "interrupted; run the same command again to go on"
    assert ran.stdout == ""


@pytest.mark.parametrize(
    "name", ["a.oga", "a.wma", "a.asf", "a.qt", "a.ac3", "a.m4b", "a.mp2", "a.ogv", "a.wmv", "a.mka", "a.aif", "a.MXF"]
)
def test_a_folder_is_searched_for_all_that_can_be_read(tmp_path: Path, name: str) -> None:
    from mediaclean.cli.inputs import expand

    (tmp_path / name).touch()
    assert expand([tmp_path]) == [tmp_path / name]


def test_a_source_in_a_container_that_is_only_read_becomes_one_that_is_written(tmp_path: Path, cli: Cli) -> None:
    film(tmp_path / "a.wav", seconds=1.0).rename(tmp_path / "a.w64")
    assert cli("clean", tmp_path / "a.w64", "--engine", "none").code == 0
    assert (tmp_path / "a.clean.wav").is_file()
    refused(cli("clean", tmp_path / "a.w64", "--engine", "none", "-o", tmp_path / "b.w64"), OUTPUT, "writes no .w64")


def test_two_takes_that_would_become_one_are_told_apart(tmp_path: Path, cli: Cli) -> None:
    takes = [film(tmp_path / "a.wav", seconds=1.0), shutil.copy(tmp_path / "a.wav", tmp_path / "a.w64")]
    refused(cli("clean", *takes, "--engine", "none"), OUTPUT, "would both become")


def test_every_suffix_that_a_folder_is_searched_for_has_a_container_to_be_written_to() -> None:
    from mediaclean.cli.inputs import SUFFIXES
    from mediaclean.media.formats import format_of, written_suffix

    for suffix in SUFFIXES:
        assert format_of(Path(f"a{written_suffix(suffix)}")).muxer
        assert written_suffix(written_suffix(suffix)) == written_suffix(suffix)
