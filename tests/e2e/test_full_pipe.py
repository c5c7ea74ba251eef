"""Standard output that takes nothing: a full disk is said on standard error, a reader who has gone is not."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from e2e.looking import names
from e2e.refusing import OUTPUT

CLOSED = 141
FULL = Path("/dev/full")
full = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full on this system")


def run(*words: object, out: object, err: object = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mediaclean", *map(str, words)],
        stdout=out, stderr=err, text=True, timeout=60, check=False,
    )  # fmt: skip


@full
@pytest.mark.parametrize(
    "words",
    [["settings"], ["presets", "podcast"], ["--version"], ["--help"], ["models", "--json"]],
    ids=" ".join,
)
def test_a_full_disk_is_said(words: list[str]) -> None:
    with FULL.open("w") as out:
        ran = run(*words, out=out)
    assert ran.returncode == OUTPUT, ran.stderr
    assert ran.stderr.splitlines()[0] == "error: standard output cannot be written: No space left on device"
    assert ran.stderr.splitlines()[1].startswith("  try: ")
    assert len(ran.stderr.splitlines()) == 2


@full
def test_progress_that_nobody_hears_is_no_error_of_the_result(tmp_path: Path, short: Path) -> None:
    """The error passes through the part that writes the file, and must not be taken for one of that."""
    with FULL.open("w") as out:
        ran = run("clean", short, "-o", tmp_path / "out.wav", "--engine", "none", "--json", out=out)
    assert ran.returncode == OUTPUT
    assert "standard output" in ran.stderr
    assert "out.wav" not in ran.stderr
    assert names(tmp_path) == []


@full
def test_an_error_that_cannot_be_told_in_json_is_told_in_words() -> None:
    with FULL.open("w") as out:
        ran = run("clean", "gone.wav", "--json", out=out)
    assert ran.returncode == 3
    assert ran.stderr.startswith("error: gone.wav: no such file")


@full
def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path, short: Path) -> None:
    with FULL.open("w") as err:
        ran = run("clean", short, "-o", tmp_path / "out.wav", "--engine", "none", out=subprocess.PIPE, err=err)
    assert ran.returncode == 0
    assert names(tmp_path) == ["out.wav"]
    assert "out.wav" in ran.stdout


@pytest.mark.skipif(os.name != "posix", reason="pipes as POSIX has them")
@pytest.mark.parametrize("words", [["settings"], ["presets", "podcast"], ["models", "--json"]], ids=" ".join)
def test_a_closed_pipe_is_silent(words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ran = run(*words, out=writer)
    finally:
        os.close(writer)
    assert ran.returncode == CLOSED
    assert ran.stderr == ""


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_streams_that_the_caller_closed_are_missed_by_nobody(tmp_path: Path, short: Path, closed: str) -> None:
    """As daemons start programs. A descriptor that is free must not become that of a file which then hears it all."""
    target = tmp_path / "out.wav"
    command = shlex.join(
        [sys.executable, "-m", "mediaclean", "clean", str(short), "-o", str(target), "--engine", "none"]
    )
    ran = subprocess.run(f"{command} {closed}", shell=True, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    assert names(tmp_path) == ["out.wav"]
    assert soundfile.info(target).frames == soundfile.info(short).frames
    command = shlex.join([sys.executable, "-m", "mediaclean", "presets", "nope"])
    assert (
        subprocess.run(f"{command} {closed}", shell=True, capture_output=True, timeout=60, check=False).returncode == 2
    )
