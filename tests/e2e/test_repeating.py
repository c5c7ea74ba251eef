"""Runs repeat themselves: from a report, from a plan, and from a plan that was edited."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from e2e.conftest import Cli
from e2e.looking import decoded, ebur128, names
from mediaclean import CleanOptions, clean, load_preset
from mediaclean.plan.make import Plan
from mediaclean.report import to_report_json

HALF = CleanOptions(engine="fake:half")


def test_a_run_repeats_itself(tmp_path: Path, song: Path) -> None:
    for name in ("a.mov", "b.mov"):
        clean(song, tmp_path / name, "podcast", HALF)
    assert np.array_equal(decoded(tmp_path / "a.mov")[0], decoded(tmp_path / "b.mov")[0])


def test_a_report_reproduces_its_run(tmp_path: Path, cli: Cli, song: Path) -> None:
    report = tmp_path / "report.json"
    settings = load_preset("podcast", ["duck.floor_db=-17", "loudness.target_lufs=-18.5"])
    report.write_text(to_report_json(clean(song, tmp_path / "a.mov", settings, HALF)))
    from mediaclean.sources import load_plan, load_preset_or_report

    again = load_preset_or_report(str(report))
    assert {**vars(again), "name": ""} == {**vars(settings), "name": ""}
    clean(song, tmp_path / "b.mov", again, CleanOptions(engine="fake:half", plan=load_plan(report)))
    assert np.array_equal(decoded(tmp_path / "a.mov")[0], decoded(tmp_path / "b.mov")[0])


def test_a_report_reproduces_its_run_on_the_command_line(tmp_path: Path, cli: Cli, talk: Path) -> None:
    report, first, second = tmp_path / "report.json", tmp_path / "a.mp4", tmp_path / "b.mp4"
    words = ["--preset", "social", "--set", "loudness.target_lufs=-19", "--report", report]
    assert cli("clean", talk, "-o", first, "--engine", "none", *words).code == 0
    read = json.loads(report.read_text())
    assert read["preset"]["loudness"]["target_lufs"] == -19
    assert read["versions"]["mediaclean"]
    assert read["receipt"]["ok"]
    assert cli("clean", talk, "-o", second, "--engine", "none", "--preset", report, "--plan", report).code == 0
    assert np.array_equal(decoded(first)[0], decoded(second)[0])


def test_the_plan_alone_writes_nothing(tmp_path: Path, cli: Cli, song: Path) -> None:
    source = Path(shutil.copy(song, tmp_path))
    ran = cli("clean", source, "--plan-only", "--out-dir", tmp_path / "results")
    assert ran.code == 0, ran.err
    plan = json.loads(ran.out)
    assert plan["cuts"]
    assert plan["cuts"][0]["reason"]
    assert plan["level"] == {"target_lufs": -23.0, "ceiling_dbtp": -1.0}
    assert names(tmp_path) == ["song.mov"]


def plan_of(song: Path) -> Plan:
    from mediaclean import dry_run

    return dry_run(song, "documentary", HALF)


def test_a_plan_that_was_printed_does_the_same(tmp_path: Path, song: Path) -> None:
    """Artefacts are mended in the plain run, so they are under the plan that was printed before; the plan of the
    report, which is mended, is not mended twice, even if more would be tried."""
    from mediaclean.plan.as_json import from_json, to_json

    first = clean(song, tmp_path / "a.mov", "documentary", HALF)
    assert first.plan.mended, "nothing was mended, so this proves nothing"
    sound = decoded(tmp_path / "a.mov")[0]
    stricter = load_preset("documentary", ["ledger.hollow_db=1", "ledger.chopped_db=3", "ledger.steps=10"])
    again = {"printed": (plan_of(song), "documentary"), "reported": (first.plan, stricter)}
    for name, (plan, preset) in again.items():
        options = CleanOptions(engine="fake:half", plan=from_json(to_json(plan)))
        report = clean(song, tmp_path / f"{name}.mov", preset, options)
        assert np.array_equal(sound, decoded(tmp_path / f"{name}.mov")[0]), name
        assert report.plan.dips == first.plan.dips


def test_an_edited_plan_is_obeyed(tmp_path: Path, cli: Cli, song: Path) -> None:
    """One dip of -30 dB over the second second, no level: half of the mix there is bed, and goes."""
    table = json.loads(cli("clean", song, "--plan-only").out)
    table |= {
        "cuts": [{"span_s": [0.5, 4.0], "reason": "mine"}],
        "dips": [{"span_s": [2.0, 3.0], "gain_db": -30.0, "reason": "mine"}],
        "level": None,
        "holes_s": [],
    }
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(table))
    from mediaclean.sources import load_plan

    preset = load_preset("documentary", ["room_tone=off"])
    report = clean(song, tmp_path / "out.mov", preset, CleanOptions(engine="fake:half", plan=load_plan(plan)))
    old, new = decoded(song)[0], decoded(tmp_path / "out.mov")[0]
    inside = slice(round(2.1 * 48_000), round(2.9 * 48_000))
    factor = 0.5 + 0.5 * 10 ** (-30 / 20)
    assert np.abs(new[:, inside] - factor * old[:, inside]).max() < 1e-4
    early = slice(0, round(0.5 * 48_000))
    assert np.array_equal(new[:, early], old[:, early])
    assert report.level is None
    assert report.changed_s
    assert all(1.0 < start < stop < 4.0 for start, stop in report.changed_s)


@pytest.mark.parametrize("target_lufs", [-27.0, -19.5])
def test_the_level_of_an_edited_plan_is_obeyed(tmp_path: Path, cli: Cli, talk: Path, target_lufs: float) -> None:
    plan = tmp_path / "plan.json"
    table = json.loads(cli("clean", talk, "--plan-only", "--engine", "none").out)
    plan.write_text(json.dumps(table | {"level": {"target_lufs": target_lufs, "ceiling_dbtp": -6.0}}))
    out = tmp_path / "out.mkv"
    assert cli("clean", talk, "-o", out, "--plan", plan, "--engine", "none", "--audio-codec", "flac").code == 0
    assert abs(ebur128(out).integrated_lufs - target_lufs) <= 0.2
    assert ebur128(out).true_peak_dbtp <= -5.95
