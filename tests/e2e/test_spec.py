"""Deliveries to specifications: levels as asked for, and a verdict on the finished file."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from e2e.conftest import Cli
from e2e.making import INTERVIEW, SAMPLES


def test_several_deliveries_each_with_its_level_and_verdict(tmp_path: Path, cli: Cli, talk: Path) -> None:
    words = ["--engine", "none", "--spec", "ebu-r128", "--spec", "acx", "--json"]
    ran = cli("clean", talk, "-o", tmp_path / "out.mp4", *words)
    assert ran.code == 1, ran.out  # the room is louder than acx allows
    reports = {event["verdict"]["spec"]: event for event in ran.events if event["event"] == "report"}
    assert set(reports) == {"ebu-r128", "acx"}
    assert reports["ebu-r128"]["verdict"]["pass"] is True
    assert abs(reports["ebu-r128"]["after"]["integrated_lufs"] + 23.0) <= 0.2
    [rms] = [rule for rule in reports["acx"]["verdict"]["rules"] if rule["name"] == "rms_dbfs"]
    assert rms["status"] == "pass"
    assert abs(rms["measured"] + 20.0) <= 0.5


def test_the_verdict_of_a_run_is_that_of_measure(tmp_path: Path, cli: Cli, talk: Path) -> None:
    out = tmp_path / "out.mp4"
    cleaned = cli("clean", talk, "-o", out, "--engine", "none", "--spec", "acx", "--json").events[-1]["verdict"]
    [measured] = [e for e in cli("measure", out, "--spec", "acx", "--json").events if e["event"] == "measurement"]
    told = measured["verdicts"]["acx"]
    assert cleaned["pass"] == told["pass"]
    for ours, theirs in zip(cleaned["rules"], told["rules"], strict=True):
        assert ours["status"] == theirs["status"]
        assert ours["measured"] == pytest.approx(theirs["measured"], abs=0.02)


def test_the_terminal_says_pass_or_fail(tmp_path: Path, cli: Cli, talk: Path) -> None:
    ran = cli("clean", talk, "-o", tmp_path / "out.mp4", "--engine", "none", "--spec", "ebu-r128")
    assert ran.code == 0
    assert "ebu-r128: PASS" in ran.out
    assert "integrated_lufs" in ran.out


def test_the_speech_itself_is_measured_from_the_separated_voice(cli: Cli) -> None:
    def dialogue(*words: object) -> dict[str, float]:
        [event] = [e for e in cli("measure", *words, "--json").events if e["event"] == "measurement"]
        found: dict[str, float] = event["dialogue"]
        return found

    truth_lufs = dialogue(SAMPLES / "stems" / "voice.flac")["lufs"] + 10 * math.log10(2)  # one voice in two channels
    found = dialogue(INTERVIEW, "--engine", "dialogue")
    assert found["source"] == "voice"
    assert abs(found["lufs"] - truth_lufs) <= 0.5
    assert found["low_lufs"] <= found["lufs"] <= found["high_lufs"]
