"""A variable of the shell that is not set leaves an empty word, which must not mean the current folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from e2e.conftest import Cli
from e2e.looking import names
from e2e.refusing import PRESET, refused

EMPTY = [
    (["clean", ""], "INPUT"),
    (["clean", "short.wav", ""], "INPUT"),
    (["clean", "short.wav", "--", ""], "INPUT"),
    (["clean", "short.wav", "--overwrite", ""], "INPUT"),
    (["clean", "short.wav", "-o", ""], "-o"),
    (["clean", "short.wav", "--output="], "--output"),
    (["clean", "short.wav", "--out-dir", ""], "--out-dir"),
    (["clean", "short.wav", "--report", ""], "--report"),
    (["clean", "short.wav", "--plan", ""], "--plan"),
    (["clean", "short.wav", "--models", ""], "--models"),
    (["clean", "short.wav", "--preset", ""], "--preset"),
    (["analyze", ""], "INPUT"),
    (["dialogue", ""], "INPUT"),
    (["preview", ""], "INPUT"),
    (["preview", "short.wav", "-o", ""], "-o"),
    (["remix", ""], "RESULT"),
    (["remix", "short.wav", "--source", ""], "--source"),
    (["measure", ""], "FILE"),
    (["measure", "short.wav", "--plot", ""], "--plot"),
    (["verify", "short.wav", ""], "RESULT"),
]


@pytest.mark.parametrize(("words", "name"), EMPTY, ids=[" ".join(words) for words, _ in EMPTY])
def test_an_empty_word_is_refused(
    tmp_path: Path, cli: Cli, short: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], name: str
) -> None:
    shutil.copy(short, tmp_path)
    monkeypatch.chdir(tmp_path)
    refused(cli(*words), PRESET, f"{name} is empty")
    assert names(tmp_path) == ["short.wav"]


def test_in_json_too(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = cli("clean", "", "--json")
    assert ran.code == PRESET
    assert [event["event"] for event in ran.events] == ["error"]


def test_an_option_with_an_equals_sign_in_its_value_is_not_empty(cli: Cli, short: Path) -> None:
    refused(cli("clean", short, "--set=duck.target_lu="), PRESET, "duck.target_lu")
