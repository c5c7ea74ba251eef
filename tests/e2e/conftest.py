"""The command line in this process, and a machine without anybody's weights."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from e2e.making import film


@dataclass(frozen=True)
class Ran:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines; fails if a line is anything else."""
        return [json.loads(line) for line in self.out.splitlines()]


Cli = Callable[..., Ran]


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No weights of the user, no network, no colours asked for, a terminal that is wide enough."""
    empty = tmp_path_factory.mktemp("empty")
    for name in ("MEDIACLEAN_MODELS", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TORCH_HOME", str(empty / "torch"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a mediaclean command through its real entry point."""
    from mediaclean.cli import main, terminal

    def run(*words: object) -> Ran:
        monkeypatch.setattr(terminal, "_json_lines", False)
        monkeypatch.setattr(sys, "argv", ["mediaclean", *map(str, words)])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as stopped:
            code = int(stopped.code or 0)
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run


@pytest.fixture(scope="session")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds of clean speech with a picture, AAC in MP4. Read only."""
    return film(tmp_path_factory.mktemp("talk") / "talk.mp4")


@pytest.fixture(scope="session")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Speech with loud music under it, PCM in MOV: there is something to separate. Read only."""
    return film(tmp_path_factory.mktemp("song") / "song.mov", layout="stereo", music_db=0.0)


@pytest.fixture(scope="session")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of clean speech in WAV. Read only."""
    return film(tmp_path_factory.mktemp("short") / "short.wav", seconds=2.0)
