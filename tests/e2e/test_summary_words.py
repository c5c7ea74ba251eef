"""What the summary says is true, said once, and no fault where there is none."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from e2e.conftest import Cli
from e2e.making import Extras, Track, film, speech, write_media
from mediaclean import CleanOptions, clean
from mediaclean.report import EngineUse, Report

NONE = ["--engine", "none"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("one")
    source = film(folder / "talk.wav", seconds=2.0)
    return clean(source, folder / "out.wav", "documentary", CleanOptions(engine="none"))


def below_the_heading(said: str) -> str:
    return said.partition("\n")[2]


def said_of(report: Report, capsys: pytest.CaptureFixture[str]) -> str:
    from mediaclean.cli.summary import Told, summary
    from mediaclean.cli.terminal import out

    capsys.readouterr()
    out().print(summary([report], Told(CleanOptions())))
    return capsys.readouterr().out


@pytest.mark.parametrize("words", [["--mode", "leave"], ["--set", "duck=off"]], ids=" ".join)
def test_a_bed_that_was_to_be_left_is_said_to_be(tmp_path: Path, cli: Cli, song: Path, words: list[str]) -> None:
    said = cli("clean", song, "-o", tmp_path / "out.mov", *words).out
    assert "bed left as you asked" in said
    assert "never closer" not in said


def test_why_nothing_was_lowered_after_a_separation(tmp_path: Path, cli: Cli) -> None:
    source = film(tmp_path / "soft.wav", layout="stereo", music_db=-6.0)
    words = ["--engine", "dialogue", "--set", "separate.within_lu=40", "--set", "duck.target_lu=1"]
    said = cli("clean", source, *words).out
    [done] = [line for line in said.splitlines() if line.startswith("done")]
    assert "separated" in done
    assert "bed left: already" in done
    assert "under the speech (goal 1); for less: --mode reduce" in done


def test_a_bed_that_was_left_to_a_singer_is_said_to_be(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    from mediaclean.audio import Span
    from mediaclean.bed.singing import SINGS
    from mediaclean.plan.make import Cut, PlannedDip

    span = Span(0, 48_000)
    plan = dataclasses.replace(report.plan, cuts=(Cut(span, ""),), dips=(PlannedDip(span, 0.0, SINGS),), choices=())
    said = said_of(dataclasses.replace(report, copied=False, plan=plan), capsys)
    assert "bed left: somebody sings there" in said


@pytest.mark.parametrize(("count", "words"), [(1, "1 hole filled"), (2, "2 holes filled")])
def test_one_hole_is_no_holes(report: Report, capsys: pytest.CaptureFixture[str], count: int, words: str) -> None:
    from mediaclean.audio import Span

    holes = tuple(Span(1000 * number, 1000 * number + 500) for number in range(count))
    holed = dataclasses.replace(report, copied=False, plan=dataclasses.replace(report.plan, holes=holes))
    assert words in said_of(holed, capsys)


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        ("there is no GPU, without which demucs is slow", "dialogue-6 on cpu"),
        ("dialogue was asked for", "dialogue-6 on cpu"),
        ("demucs is not to be had: no network", "dialogue-6 on cpu: demucs is not to be had: no network"),
        (
            "no network could be loaded: there is no GPU",
            "dialogue-6 on cpu: no network could be loaded: there is no GPU",
        ),
    ],
)
def test_an_engine_says_why_only_if_another_was_hoped_for(
    report: Report, capsys: pytest.CaptureFixture[str], reason: str, line: str
) -> None:
    used = dataclasses.replace(report, engine=EngineUse("dialogue-6 0123456789ab", "cpu", reason))
    assert f"engine     {line}\n" in said_of(used, capsys)


def test_chapters_that_are_kept_are_no_news(tmp_path: Path, cli: Cli) -> None:
    chapters = Extras(chapters=[(0.0, 1.0, "one"), (1.0, 3.0, "two")])
    source = write_media(tmp_path / "talk.mp4", Track(speech(3.0)), extras=chapters)
    assert "chapters" not in below_the_heading(cli("clean", source, *NONE).out)
    [report] = [event for event in cli("clean", source, *NONE, "--overwrite", "--json").events if "notes" in event]
    assert any("chapters" in note for note in report["notes"])


def test_without_a_picture_nothing_is_said_of_one(tmp_path: Path, cli: Cli, talk: Path) -> None:
    said = below_the_heading(cli("clean", film(tmp_path / "talk.wav", seconds=2.0), *NONE).out)
    assert "picture" not in said
    assert "in sync" in said
    assert "picture    identical" in cli("clean", talk, "-o", tmp_path / "out.mp4", *NONE).out


def test_what_is_left_out_is_named_once(tmp_path: Path, cli: Cli) -> None:
    source = write_media(tmp_path / "two.mkv", Track(speech(2.0)), Track(speech(2.0)), picture_s=2.0)
    said = cli("clean", source, "-o", tmp_path / "out.wav", "--drop-unsupported", *NONE).out
    assert said.count("stream 2 (audio") == 1
    assert "left out" in said


def test_several_tracks_have_the_result_once_and_themselves_under_it(tmp_path: Path, cli: Cli) -> None:
    source = write_media(tmp_path / "two.mkv", Track(speech(3.0), title="Anna"), Track(speech(3.0), title="Ben"))
    out = tmp_path / "out.mkv"
    ran = cli("clean", source, "--tracks", "all", "-o", out, *NONE, "--page")
    assert ran.code == 0, ran.err
    assert ran.out.count(f"{out}\n") == 1
    titles = [line for line in ran.out.splitlines() if line.startswith("track ")]
    assert [title.split(",")[0] for title in titles] == ["track 1: Anna", "track 2: Ben"]
    assert ran.out.count("loudness") == 2
    assert ran.out.count("picture ") == ran.out.count("took ") == 1
    pages = [line.split()[-1] for line in ran.out.splitlines() if line.startswith("page")]
    assert len(pages) == 2
    assert all(Path(page).exists() for page in pages)
    assert "Writing track 2: " in ran.err


def test_outside_of_a_terminal_a_line_is_a_line(
    tmp_path: Path, cli: Cli, song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    out = tmp_path / ("a name that is long " * 4 + ".mov")
    ran = cli("clean", song, "-o", out, "--engine", "dialogue")
    for said in (ran, cli("measure", out, "--spec", "ebu-r128"), cli("verify", song, out), cli("settings", "duck")):
        assert said.code == 0
        lines = (said.out + said.err).splitlines()
        assert [line for line in lines if line != line.rstrip()] == []
    assert f"✓ {out}\n" in ran.out
    [done] = [line for line in ran.out.splitlines() if line.startswith("done")]
    assert "separated" in done
    assert "gain" in done
