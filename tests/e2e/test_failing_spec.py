"""A result that fails the specification that it was made for is no success, whoever made it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from e2e.conftest import Cli
from e2e.making import film

NONE = ["--engine", "none"]


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("short") / "short.wav", seconds=3.0)


@pytest.fixture
def loud(tmp_path: Path) -> Path:
    """A specification whose level lies far from the one that it aims at, so that nothing can pass it."""
    path = tmp_path / "loud.toml"
    path.write_text('[[rule]]\nquantity = "integrated_lufs"\nlow = -6.0\n\n[aim]\ntarget_lufs = -20.0\n')
    return path


def test_a_failing_verdict_is_in_the_heading_and_in_the_exit_code(
    tmp_path: Path, cli: Cli, short: Path, loud: Path
) -> None:
    out = tmp_path / "out.wav"
    ran = cli("clean", short, "-o", out, "--spec", loud, *NONE)
    assert ran.code == 1
    assert f"✗ {out} fails loud" in ran.out
    assert "✓ " not in ran.out.splitlines()[0]
    assert out.exists()
    assert cli("measure", out, "--spec", loud).code == 1


def test_the_code_is_the_same_in_json_lines(tmp_path: Path, cli: Cli, short: Path, loud: Path) -> None:
    ran = cli("clean", short, "-o", tmp_path / "out.wav", "--spec", loud, *NONE, "--json")
    assert ran.code == 1
    assert ran.events[-1]["verdict"]["pass"] is False


def test_one_of_two_deliveries_fails_and_both_are_written(tmp_path: Path, cli: Cli, short: Path, loud: Path) -> None:
    ran = cli("clean", short, "-o", tmp_path / "out.wav", "--spec", loud, "--spec", "ebu-r128", *NONE)
    assert ran.code == 1
    assert f"✗ {tmp_path / 'out.loud.wav'} fails loud" in ran.out
    assert f"✓ {tmp_path / 'out.ebu-r128.wav'}\n" in ran.out
    assert (tmp_path / "out.loud.wav").exists()
    assert (tmp_path / "out.ebu-r128.wav").exists()


def test_a_batch_goes_on_and_names_what_fails_at_its_end(tmp_path: Path, cli: Cli, short: Path, loud: Path) -> None:
    for name in ("a.wav", "b.wav"):
        shutil.copy(short, tmp_path / name)
    ran = cli("clean", tmp_path / "a.wav", tmp_path / "b.wav", "--spec", loud, *NONE)
    assert ran.code == 1
    end = ran.err[ran.err.index("fails its specification") :]
    assert f"{tmp_path / 'a.clean.wav'}: loud" in end
    assert f"{tmp_path / 'b.clean.wav'}: loud" in end


def test_a_failing_verdict_and_a_failing_input_give_1(tmp_path: Path, cli: Cli, short: Path, loud: Path) -> None:
    words = ["--spec", loud, "--out-dir", tmp_path / "out", *NONE]
    assert cli("clean", short, tmp_path / "gone.wav", *words).code == 1


def test_a_remix_that_fails_gives_1(tmp_path: Path, cli: Cli, short: Path, loud: Path) -> None:
    out = tmp_path / "out.wav"
    assert cli("clean", short, "-o", out, *NONE, "--residual").code == 0
    ran = cli("remix", out, "--spec", loud, "-o", tmp_path / "again.wav")
    assert ran.code == 1, ran.err
    assert f"✗ {tmp_path / 'again.wav'} fails loud" in ran.out
