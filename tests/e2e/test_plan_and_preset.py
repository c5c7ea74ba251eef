"""A printed plan carries the preset that it was made with, and takes no other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from e2e.conftest import Cli
from e2e.looking import decoded, names
from mediaclean import load_preset
from mediaclean.sources import load_plan_and_preset

NONE = ["--engine", "none"]


@pytest.fixture
def plan(tmp_path: Path, cli: Cli, talk: Path) -> Path:
    path = tmp_path / "plan.json"
    ran = cli("clean", talk, "--plan-only", *NONE, "--preset", "podcast", "--set", "deess.amount_db=7")
    assert ran.code == 0, ran.err
    path.write_text(ran.out)
    return path


def test_a_plan_runs_with_the_preset_it_was_made_with(tmp_path: Path, cli: Cli, talk: Path, plan: Path) -> None:
    direct, planned, report = tmp_path / "direct.wav", tmp_path / "planned.wav", tmp_path / "report.json"
    podcast = ["--preset", "podcast", "--set", "deess.amount_db=7"]
    assert cli("clean", talk, "-o", direct, *NONE, *podcast, "--drop-unsupported").code == 0
    words = ["--plan", plan, "--report", report, "--drop-unsupported"]
    ran = cli("clean", talk, "-o", planned, *NONE, *words)
    assert ran.code == 0, ran.err
    made_with = json.loads(report.read_text())["preset"]
    assert made_with["name"] == "podcast"
    assert made_with["deess"]["amount_db"] == 7
    assert np.array_equal(decoded(direct)[0], decoded(planned)[0])


def test_json_lines_carry_the_preset_too(cli: Cli, talk: Path) -> None:
    ran = cli("clean", talk, "--plan-only", "--json", *NONE, "--preset", "social")
    assert ran.events[-1]["plan"]["preset"]["name"] == "social"


@pytest.mark.parametrize(
    "words",
    [["--preset", "social"], ["--set", "loudness.target_lufs=-19"], ["--set", "duck.mode=duck"], ["--set", "hum=on"]],
)
def test_other_settings_beside_a_plan_are_refused(
    tmp_path: Path, cli: Cli, talk: Path, plan: Path, words: list[str]
) -> None:
    ran = cli("clean", talk, "-o", tmp_path / "out.mp4", *NONE, "--plan", plan, *words)
    assert ran.code == 2
    assert "and --plan together" in ran.err
    assert names(tmp_path) == ["plan.json"]


def test_saying_the_same_again_is_no_contradiction(plan: Path) -> None:
    expected = load_preset("podcast", ["deess.amount_db=7"])
    assert load_plan_and_preset(plan)[1] == expected
    assert load_plan_and_preset(plan, "podcast", ["deess.amount_db=7"])[1] == expected
    assert load_plan_and_preset(plan, None, ["deess.amount_db=7"])[1] == expected
    assert load_plan_and_preset(plan, str(plan))[1] == expected


def test_a_plan_without_a_preset_takes_the_one_that_is_named(plan: Path) -> None:
    table = json.loads(plan.read_text())
    del table["preset"]
    plan.write_text(json.dumps(table))
    assert load_plan_and_preset(plan)[1] == load_preset()
    assert load_plan_and_preset(plan, "podcast", ["hum=on"])[1] == load_preset("podcast", ["hum=on"])


def test_an_edited_preset_in_a_plan_is_obeyed_and_checked(tmp_path: Path, cli: Cli, talk: Path, plan: Path) -> None:
    table = json.loads(plan.read_text())
    table["preset"]["deess"]["amount_db"] = 3
    plan.write_text(json.dumps(table))
    settings = load_plan_and_preset(plan)[1]
    assert settings.deess is not None
    assert settings.deess.amount_db == 3
    table["preset"]["deess"]["amount"] = 3
    plan.write_text(json.dumps(table))
    ran = cli("clean", talk, "-o", tmp_path / "out.mp4", *NONE, "--plan", plan)
    assert ran.code == 2
    assert "deess.amount: no such setting" in ran.err


def test_a_level_that_cannot_be_is_told_before_any_work(
    tmp_path: Path, cli: Cli, talk: Path, plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = json.loads(plan.read_text())
    table["level"]["target_lufs"] = -3.0
    plan.write_text(json.dumps(table))
    monkeypatch.setattr("mediaclean.rendering.listen", lambda _: pytest.fail("it listened"))
    ran = cli("clean", talk, "-o", tmp_path / "out.mp4", *NONE, "--plan", plan)
    assert ran.code == 2
    assert "plan.level.target_lufs = -3.0" in ran.err
    assert names(tmp_path) == ["plan.json"]
