"""Options that contradict each other or are written another way are refused at once, with the way out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from e2e.conftest import Cli
from e2e.looking import names
from e2e.making import film

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return film(tmp_path / "talk.wav", seconds=1.0)


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["--tracks", "all", "--track", "1"], "--track and --tracks together", "--tracks for several"),
        (["--tracks", "1-2"], "--tracks 1-2: lists are written with commas", "--tracks 1,2"),
        (["--tracks", "1,3-5"], "lists are written with commas", "--tracks 1,3,4,5"),
        (["--tracks", " , "], "--tracks names no track", "--tracks all"),
        (["--spec", "ebu"], "did you mean ebu-r128?", "ebu-r128"),
        (["--spec", "all"], "--spec all is for measure", "mediaclean measure RESULT --spec all"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_option_is_refused_with_the_way_out(
    cli: Cli, sound: Path, words: list[str], message: str, hint: str
) -> None:
    ran = cli("clean", sound, *words)
    assert ran.code == 2
    error, way_out = ran.err.splitlines()
    assert message in error
    assert hint in way_out
    assert names(sound.parent) == ["talk.wav"]


def test_a_list_of_tracks_still_is_one(cli: Cli, sound: Path) -> None:
    assert cli("clean", sound, "--tracks", "1, 1", "--engine", "none").code == 0


def test_measure_still_takes_all(cli: Cli, sound: Path) -> None:
    ran = cli("measure", sound, "--spec", "all")
    assert "ebu-r128: " in ran.out
    assert "netflix: " in ran.out


@pytest.mark.parametrize(
    ("words", "about"),
    [
        (["clean", "talk.wav", "--preset", "nobody"], "preset"),
        (["clean", "talk.wav", "--spec", "nobody"], "specification"),
        (["clean", "talk.wav", "--set", "duck.nobody=1"], "setting"),
        (["clean", "talk.wav", "--track", "9"], "track"),
        (["models", "fetch", "nobody"], "model"),
        (["clean", "talk.wav", "--audio-codec", "nobody"], "codec"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_readme_tells_the_exit_code_of_every_unknown_name(
    cli: Cli, sound: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], about: str
) -> None:
    monkeypatch.chdir(sound.parent)
    section = README.read_text(encoding="utf-8").partition("## Exit codes")[2].partition("\n## ")[0]
    codes = {int(row.split()[0]): row for row in re.split(r"\s·\s", section.strip())}
    [told] = [code for code, row in codes.items() if re.search(rf"\b{about}\b", row) and code != 1]
    assert cli(*words).code == told
