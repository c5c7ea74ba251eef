"""The summary after a run: damage first, everything that was written by its name, and a later run as what it was."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from e2e.conftest import Cli
from e2e.looking import names
from e2e.making import INTERVIEW, film
from mediaclean.job import CleanOptions
from mediaclean.listening import fault_lines, open_job
from mediaclean.media import Fault
from mediaclean.progress import ignore

NONE = ["--engine", "none"]


def rows(said: str) -> dict[str, str]:
    """Label and value of every line of a summary but its heading."""
    return dict(re.split(r"  +", line, maxsplit=1) for line in said.splitlines()[1:] if "  " in line)


@pytest.fixture
def cut_short(tmp_path: Path) -> Path:
    """The sample as a copy that was stopped; its index stands at the front and promises all of it."""
    path = tmp_path / "short.mp4"
    path.write_bytes(INTERVIEW.read_bytes()[:150_000])
    return path


def test_a_truncated_source_is_a_warning_right_under_the_heading(cli: Cli, cut_short: Path) -> None:
    ran = cli("clean", cut_short, *NONE)
    assert ran.code == 0
    heading, warning, *_ = ran.out.splitlines()
    assert "short.clean.mp4" in heading
    assert re.fullmatch(r"warning +only 0:0\d\.\d of 0:55\.6 could be read, .*: copy the file again", warning)


def test_many_faults_of_one_kind_are_one_line(tmp_path: Path) -> None:
    """A capture that stumbles every minute must not push the summary off the screen."""
    job = open_job(film(tmp_path / "talk.wav", seconds=2.0), "podcast", CleanOptions(), ignore)
    late = "timestamps jump back; the repeated sound is dropped"
    job.faults.extend(Fault("overlap", 55.6 * number, 0.02, late) for number in range(1, 66))
    job.faults.append(Fault("gap", 70.0, 0.5, "timestamps jump ahead; filled with silence"))
    assert fault_lines(job) == (
        f"overlap at 65 places, 0:55.6, 1:51.2, 2:46.8 … 1:00:14.0: {late}; listen there",
        "gap at 1:10.0: timestamps jump ahead; filled with silence; listen there",
    )


def test_an_analysis_says_it_too(cli: Cli, cut_short: Path) -> None:
    assert "of 0:55.6 could be read" in cli("analyze", cut_short).out


def test_a_batch_repeats_it_at_its_end_by_name(cli: Cli, cut_short: Path) -> None:
    film(cut_short.with_name("whole.wav"), seconds=2.0)
    ran = cli("clean", cut_short.parent, *NONE)
    assert ran.code == 0
    *_, title, named, counts = ran.err.splitlines()
    assert title == "something is wrong with the source:"
    assert named.startswith(f"  {cut_short}: only 0:0")
    assert counts == "2 done"


def test_everything_that_was_written_is_named(tmp_path: Path, cli: Cli) -> None:
    source = film(tmp_path / "talk.mkv", seconds=3.0)
    words = ["--page", "--record", "--residual", "--keep-original", "--dialogue-track"]
    ran = cli("clean", source, *words, *NONE)
    assert ran.code == 0, ran.err
    told = rows(ran.out)
    record, _, verdict = told["record"].partition("; ")
    assert verdict.startswith("null test passed")
    written = {told["page"], told["stems"], record.removesuffix(" and .json")}
    assert {str(tmp_path / name) for name in names(tmp_path)} == {
        *written,
        str(source),
        str(tmp_path / "talk.clean.mkv"),
        str(tmp_path / "talk.clean.changes.json"),
    }
    assert told["tracks"] == "original kept, dialogue added"


def test_what_was_not_asked_for_is_not_named(tmp_path: Path, cli: Cli, talk: Path) -> None:
    told = rows(cli("clean", talk, "-o", tmp_path / "out.mp4", *NONE).out)
    assert not told.keys() & {"page", "record", "stems", "tracks", "warning", "left out"}


def test_took_is_the_time_on_the_wall(tmp_path: Path, cli: Cli, talk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mediaclean import run

    def slowly(*args: object, **words: object) -> object:
        time.sleep(1.5)  # in no stage
        return deliver(*args, **words)  # type: ignore[arg-type]

    deliver = run.deliver
    monkeypatch.setattr(run, "deliver", slowly)
    began = time.monotonic()
    told = rows(cli("clean", talk, "-o", tmp_path / "out.mp4", *NONE).out)
    took_s = float(told["took"].split()[0])
    assert 1.5 <= took_s <= time.monotonic() - began + 0.1


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result with its stems, whose bed was left."""
    from mediaclean import CleanOptions, clean, load_preset

    folder = tmp_path_factory.mktemp("kept")
    source = film(folder / "song.wav", layout="stereo", music_db=0.0)
    preset = load_preset("documentary", ["duck.mode=reduce", "duck.reduce_db=-3"])
    clean(source, folder / "out.wav", preset, CleanOptions(engine="dialogue", residual=True))
    return folder / "out.wav"


def test_a_remix_names_the_spans_and_their_dose(tmp_path: Path, cli: Cli, kept: Path) -> None:
    first, second = tmp_path / "one.wav", tmp_path / "two.wav"
    words = ["--set", "duck.reduce_db=-18", "--set", "ledger.repair=none"]
    ran = cli("remix", kept, "--only", "1-2.5", *words, "-o", first)
    assert ran.code == 0, ran.err
    told = rows(ran.out)
    assert told["again"] == "0:01.0-0:02.5: reduce, bed lowered by 18 dB; all else as before"
    assert "done" not in told
    ran = cli("remix", first, "--only", "3-4", "--dose", "leave", "-o", second)
    assert ran.code == 0, ran.err
    told = rows(ran.out)
    assert told["earlier"] == "0:01.0-0:02.5: reduce, bed lowered by 18 dB"
    assert told["again"] == "0:03.0-0:04.0: leave, bed as it was recorded; all else as before"
    assert told["stems"] == str(second.with_suffix(".stems"))


def test_a_whole_remix_says_what_was_done(tmp_path: Path, cli: Cli, kept: Path) -> None:
    words = ["--set", "duck.reduce_db=-15", "--set", "ledger.repair=none"]
    told = rows(cli("remix", kept, *words, "-o", tmp_path / "other.wav").out)
    assert "bed lowered by 15 dB" in told["done"]
    assert "again" not in told
