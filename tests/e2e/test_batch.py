"""Many inputs: each is done, failures are named at the end, finished ones are skipped on a rerun."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from e2e.conftest import Cli
from e2e.looking import digest, names

NONE = ["--engine", "none"]


@pytest.fixture
def rushes(tmp_path: Path, short: Path) -> Path:
    """Two good files, two bad ones, something else, and a result of an earlier run."""
    folder = tmp_path / "rushes"
    folder.mkdir()
    for name in ("a.wav", "d.wav", "z.clean.wav"):
        shutil.copy(short, folder / name)
    (folder / "b.mp4").write_bytes(b"")
    (folder / "c.mkv").write_text("no media at all")
    (folder / "notes.txt").write_text("take 3 is best")
    return folder


def test_the_good_are_done_and_the_bad_are_named_at_the_end(cli: Cli, rushes: Path) -> None:
    ran = cli("clean", rushes, *NONE)
    assert ran.code == 3
    assert {"a.clean.wav", "d.clean.wav"} < set(names(rushes))
    assert not {"b.clean.mp4", "c.clean.mkv", "z.clean.clean.wav", "notes.clean.txt"} & set(names(rushes))
    end = ran.err[ran.err.index("\nfailed:") :]
    assert end.splitlines()[-1] == "2 done, 2 failed"
    assert "b.mp4" in end
    assert "c.mkv" in end
    assert "Traceback" not in ran.err
    assert not [name for name in names(rushes) if name.startswith(".")]


def test_a_rerun_skips_what_is_finished(cli: Cli, rushes: Path) -> None:
    cli("clean", rushes, *NONE)
    (rushes / "b.mp4").unlink()
    (rushes / "c.mkv").unlink()
    (rushes / "a.clean.wav").write_text("left alone")
    (rushes / "d.clean.wav").unlink()
    ran = cli("clean", rushes, *NONE, "--json")
    assert ran.code == 0, ran.out
    assert [event["event"] for event in ran.events if event["event"] in {"skipped", "report", "error"}] == [
        "skipped",
        "report",
    ]
    assert (rushes / "a.clean.wav").read_text() == "left alone"
    assert cli("clean", rushes, *NONE, "--overwrite").code == 0
    assert digest(rushes / "a.clean.wav") == digest(rushes / "d.clean.wav")


def test_failures_of_different_kinds_give_1(tmp_path: Path, cli: Cli, short: Path) -> None:
    """One input is gone (3), one target is of a kind that cannot be written (5)."""
    odd = tmp_path / "odd.xyz"
    shutil.copy(short, odd)
    ran = cli("clean", tmp_path / "gone.wav", odd, short, "--out-dir", tmp_path / "out", *NONE)
    assert ran.code == 1
    assert names(tmp_path / "out") == ["short.clean.wav"]


def test_errors_of_a_batch_name_their_source(cli: Cli, rushes: Path) -> None:
    ran = cli("clean", rushes, *NONE, "--json")
    errors = [event for event in ran.events if event["event"] == "error"]
    assert [Path(event["source"]).name for event in errors] == ["b.mp4", "c.mkv"]
    assert all(event["exit_code"] == 3 and event["message"] and event["hint"] for event in errors)


def test_results_in_another_folder_with_a_report_each(tmp_path: Path, cli: Cli, rushes: Path) -> None:
    out, reports = tmp_path / "new" / "clean", tmp_path / "reports"
    assert cli("clean", rushes, "--out-dir", out, "--report", reports, *NONE).code == 3
    assert names(out) == ["a.clean.wav", "d.clean.wav"]
    assert names(reports) == ["a.clean.wav.json", "d.clean.wav.json"]
    assert "a.clean.wav" not in names(rushes)


def test_two_inputs_never_share_a_result(tmp_path: Path, cli: Cli, short: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        shutil.copy(short, tmp_path / folder / "talk.wav")
    ran = cli("clean", tmp_path / "one", tmp_path / "two", "--out-dir", tmp_path / "out", *NONE)
    assert ran.code == 5
    assert "talk.clean.wav" in ran.err
    assert names(tmp_path) == ["one", "two"]
    assert cli("clean", tmp_path / "one", tmp_path / "two", *NONE).code == 0
    assert names(tmp_path / "two") == ["talk.clean.wav", "talk.wav"]


def test_the_same_input_twice(tmp_path: Path, cli: Cli, short: Path) -> None:
    source = Path(shutil.copy(short, tmp_path))
    assert cli("clean", source, source, *NONE).code == 5
    assert names(tmp_path) == ["short.wav"]


@pytest.mark.parametrize(
    "words",
    [["-o", "{there}/out.wav"], ["--report", "{there}/short.wav"], ["--plan", "{there}/plan.json"]],
    ids=" ".join,
)
def test_what_is_for_one_input_is_refused_for_many(tmp_path: Path, cli: Cli, short: Path, words: list[str]) -> None:
    from mediaclean import CleanOptions, dry_run
    from mediaclean.plan.as_json import to_json

    sources = [shutil.copy(short, tmp_path / name) for name in ("short.wav", "other.wav")]
    if "--plan" in words:
        (tmp_path / "plan.json").write_text(to_json(dry_run(short, "podcast", CleanOptions(engine="none"))))
    before = names(tmp_path)
    ran = cli("clean", *sources, *(word.replace("{there}", str(tmp_path)) for word in words), *NONE)
    assert ran.code in {2, 5}
    assert "  try: " in ran.err
    assert names(tmp_path) == before


def test_plans_of_many_inputs_are_json_lines(tmp_path: Path, cli: Cli, short: Path) -> None:
    sources = [shutil.copy(short, tmp_path / name) for name in ("a.wav", "b.wav")]
    assert cli("clean", *sources, "--plan-only", *NONE).code == 2
    ran = cli("clean", *sources, "--plan-only", "--json", *NONE)
    assert ran.code == 0
    plans = [event for event in ran.events if event["event"] == "plan"]
    assert [Path(event["source"]).name for event in plans] == ["a.wav", "b.wav"]
    assert all(event["plan"]["rate_hz"] == 48_000 for event in plans)
    assert names(tmp_path) == ["a.wav", "b.wav"]


def test_a_file_that_has_no_plan_does_not_stop_the_others(cli: Cli, tmp_path: Path, short: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"")
    ran = cli("clean", tmp_path / "a.wav", short, "--plan-only", "--json", *NONE)
    assert ran.code == 3
    assert [event["event"] for event in ran.events if event["event"] in {"error", "plan"}] == ["error", "plan"]


@pytest.mark.parametrize("more", [[], ["--overwrite"], ["--spec", "ebu-r128", "--spec", "youtube", "--overwrite"]])
def test_no_result_takes_the_place_of_another_input(tmp_path: Path, cli: Cli, short: Path, more: list[str]) -> None:
    """As a shell writes out `*.wav` where results of earlier runs lie."""
    result = "talk.clean.ebu-r128.wav" if "--spec" in more else "talk.clean.wav"
    for name in ("talk.wav", result):
        shutil.copy(short, tmp_path / name)
    before = digest(tmp_path / result)
    ran = cli("clean", tmp_path / "talk.wav", tmp_path / result, *more, *NONE)
    assert ran.code == 5
    assert f"{result} is an input, and would be the result of" in ran.err
    assert "--out-dir FOLDER" in ran.err
    assert digest(tmp_path / result) == before
    assert names(tmp_path) == sorted(["talk.wav", result])
    assert cli("clean", tmp_path / "talk.wav", tmp_path / result, *more, *NONE, "--out-dir", tmp_path / "o").code < 2
    assert digest(tmp_path / result) == before
