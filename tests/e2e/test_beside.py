"""What is written beside a result replaces nothing that it should not, and is refused before any work."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from e2e.conftest import Cli
from e2e.looking import digest, names
from e2e.refusing import BACKEND, OUTPUT, PRESET, refused
from mediaclean.preset import load_preset, to_toml

NONE = ["--engine", "none"]


@pytest.fixture
def take(tmp_path: Path, short: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source in a folder of its own, which is the current one; and no work may be done."""
    folder = tmp_path / "takes"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Path(shutil.copy(short, folder / "a.wav"))


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    from mediaclean.job import Job

    def work(_: Job) -> None:
        raise AssertionError("the sound was listened to")

    monkeypatch.setattr(Job, "first_chunks", work)


PRECIOUS = [
    (["clean", "a.wav", "--report", "notes.json"], "notes.json"),
    (["clean", "a.wav", "--page"], "a.clean.html"),
    (["clean", "a.wav", "--record"], "a.clean.changes.txt"),
    (["clean", "a.wav", "--record"], "a.clean.changes.json"),
    (["clean", "a.wav", "--spec", "acx", "--spec", "ebu-r128", "--report", "r.json"], "r.acx.json"),
    (["clean", "a.wav", "--tracks", "all", "--report", "r.json"], "r.track1.json"),
    (["measure", "a.wav", "--plot", "p.svg"], "p.svg"),
]


@pytest.mark.parametrize(("words", "name"), PRECIOUS, ids=[f"{words[2]} {name}" for words, name in PRECIOUS])
@pytest.mark.usefixtures("no_work")
def test_what_exists_is_kept(take: Path, cli: Cli, words: list[str], name: str) -> None:
    Path(name).write_text('{"my": "notes"}')
    refused(cli(*words, *NONE), OUTPUT, name, "exists already", "--overwrite")
    assert Path(name).read_text() == '{"my": "notes"}'
    assert names(take.parent) == sorted(["a.wav", name])


@pytest.mark.parametrize("name", ["r.json", "p.svg"])
def test_what_exists_is_replaced_if_that_is_wanted(take: Path, cli: Cli, name: str) -> None:
    Path(name).write_text("old")
    words = ["clean", take, "--report"] if name == "r.json" else ["measure", take, "--plot"]
    assert cli(*words, name, *NONE, "--overwrite").code == 0
    assert Path(name).read_text() != "old"


def test_a_report_of_ours_is_replaced(take: Path, cli: Cli) -> None:
    """It is nobody's work, and every run makes it anew; so are those of a folder that is cleaned again."""
    for _ in range(2):
        assert cli("clean", ".", "--out-dir", "out", "--report", "reports", *NONE).code == 0
    assert names(Path("reports")) == ["a.clean.wav.json"]
    for target in ("one.wav", "two.wav"):
        assert cli("clean", take, "-o", target, "--report", "r.json", *NONE).code == 0
    assert json.loads(Path("r.json").read_text())["target"] == "two.wav"


CLASHES = [
    (["--preset", "my.toml", "--report", "my.toml"], "the preset"),
    (["--plan", "plan.json", "--report", "./plan.json"], "the plan"),
    (["--record", "--report", "a.clean.changes.json"], "what is kept beside the result"),
    (["--page", "--report", "a.clean.html"], "what is kept beside the result"),
    (["--page", "--tracks", "all", "--report", "a.clean.html"], "what is kept beside the result"),
    (["--residual", "--report", "a.clean.stems/stems.json"], "what is kept beside the result"),
    (["--report", "a.clean.wav"], "the media"),
]


@pytest.mark.parametrize(("words", "what"), CLASHES, ids=[" ".join(words) for words, _ in CLASHES])
@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]], ids=["", "overwrite"])
def test_a_report_never_replaces_what_the_run_needs(
    take: Path, cli: Cli, words: list[str], what: str, overwrite: list[str]
) -> None:
    Path("my.toml").write_text(to_toml(load_preset("podcast")))
    if "--plan" in words:
        Path("plan.json").write_text(cli("clean", take, "--plan-only", *NONE).out)
    before = {name: digest(Path(name)) for name in names(take.parent)}
    refused(cli("clean", take, *words, *NONE, *overwrite), OUTPUT, f"--report would replace {what}")
    assert {name: digest(Path(name)) for name in names(take.parent)} == before


@pytest.mark.parametrize("words", [["--page"], ["--record"], ["--residual"]], ids=" ".join)
def test_two_inputs_never_share_what_is_kept(take: Path, cli: Cli, words: list[str]) -> None:
    shutil.copy(take, "a.flac")
    refused(cli("clean", ".", *words, *NONE), OUTPUT, "a.clean.flac and a.clean.wav would both write")
    assert names(take.parent) == ["a.flac", "a.wav"]


def test_a_remix_never_replaces_what_it_is_made_from(take: Path, cli: Cli) -> None:
    assert cli("clean", take, "--residual", "--report", "r.json", *NONE).code == 0
    stems = Path("a.clean.stems/stems.json")
    for report, result in ((stems, "a.clean.wav"), (Path("r.json"), "r.json")):
        before = digest(report)
        ran = cli(
            "remix", result, "--set", "loudness.target_lufs=-20", "-o", "b.wav", "--report", report, "--overwrite"
        )
        refused(ran, OUTPUT, "--report would replace what it is made from")
        assert digest(report) == before
    ran = cli("remix", "a.clean.wav", "--set", "loudness.target_lufs=-20", "-o", ".")
    refused(ran, OUTPUT, "is a folder")


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    "words", [["clean", "-o", "link.wav"], ["preview", "-o", "link.html"], ["dialogue", "-o", "link"]], ids=" ".join
)
def test_a_link_that_leads_nowhere_is_seen_before_any_work(take: Path, cli: Cli, words: list[str]) -> None:
    for name in ("link.wav", "link.html", "link.dialogue.srt"):
        Path(name).symlink_to("nowhere")
    refused(cli(words[0], take, *words[1:], *NONE), OUTPUT, "link", "exists already")


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    "words",
    [["clean", "--report", "shut/r.json"], ["clean", "--report", "shut/deep/r.json"],
     ["measure", "--plot", "shut/p.svg"], ["preview", "-o", "shut/p.html"]],
    ids=" ".join,
)  # fmt: skip
def test_a_folder_that_may_not_be_written_is_seen_before_any_work(
    take: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    Path("shut").mkdir(mode=0o500)
    access = os.access  # to root every folder is open
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "shut" and access(path, mode))
    refused(cli(words[0], take, *words[1:], *NONE), OUTPUT, "read-only")
    assert names(take.parent) == ["a.wav", "shut"]
    assert names(Path("shut")) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("words", [["--report", "a.wav/r.json"], ["--report", "pipe", "--overwrite"]], ids=" ".join)
def test_a_report_that_cannot_be_a_file(take: Path, cli: Cli, words: list[str]) -> None:
    os.mkfifo("pipe")
    refused(cli("clean", take, *words, *NONE), OUTPUT, "--report")
    assert names(take.parent) == ["a.wav", "pipe"]
    assert Path("pipe").is_fifo()


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("length", "words", "name"),
    [
        (230, ["clean"], ".clean.wav"),
        (225, ["clean", "--record"], ".clean.changes.json"),
        (235, ["dialogue"], ".dialogue.json"),
        (230, ["preview"], ".preview.html"),
    ],
)
def test_a_name_that_would_be_too_long_is_seen_before_any_work(
    take: Path, cli: Cli, length: int, words: list[str], name: str
) -> None:
    source = take.rename(f"{'ä' * (length // 2)}{'x' * (length % 2)}.wav")
    refused(cli(words[0], source, *words[1:], *NONE), OUTPUT, "this name is too long", "-o SHORTER")
    assert names(take.parent) == [source.name]


def test_the_longest_name_that_is_taken_goes_all_the_way(take: Path, cli: Cli) -> None:
    source = take.rename(f"{'x' * 220}.wav")
    ran = cli("clean", source, "--page", "--record", "--report", f"{'r' * 234}.json", *NONE)
    assert ran.code == 0, ran.err
    assert len(names(take.parent)) == 6


def test_one_long_name_does_not_stop_a_batch(take: Path, cli: Cli) -> None:
    shutil.copy(take, f"{'x' * 230}.wav")
    ran = cli("clean", ".", "--report", "reports", *NONE)
    assert ran.code == OUTPUT
    assert "1 done, 1 failed" in ran.err
    assert names(Path("reports")) == ["a.clean.wav.json"]


def test_a_preset_with_a_byte_order_mark(take: Path, cli: Cli) -> None:
    text = to_toml(load_preset("podcast"))
    Path("my.toml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert cli("presets", "my.toml").out == text
    plan = cli("clean", take, "--plan-only", "--preset", "my.toml", *NONE)
    assert plan.code == 0, plan.err
    Path("plan.json").write_bytes(b"\xef\xbb\xbf" + plan.out.encode())
    assert cli("clean", take, "--plan", "plan.json", *NONE).code == 0


@pytest.mark.parametrize("command", ["clean", "preview"])
def test_a_folder_of_weights_that_is_not_there(take: Path, cli: Cli, command: str) -> None:
    refused(cli(command, take, "--models", "none", *NONE), BACKEND, "--models none: no such folder", "mkdir -p none")


def test_fetch_says_which_models_there_are(cli: Cli) -> None:
    refused(cli("models", "fetch"), PRESET, "which one", "htdemucs_ft", "mediaclean models fetch htdemucs")


def test_the_help_says_that_many_reports_are_a_folder(cli: Cli) -> None:
    said = " ".join(cli("clean", "--help").out.replace("│", " ").split())
    assert "for several inputs, a folder with one for each" in said


def test_a_record_and_page_of_an_earlier_result_are_named(take: Path, cli: Cli) -> None:
    assert cli("clean", take, "--record", "--page", *NONE).code == 0
    old = digest(Path("a.clean.changes.json"))
    said = " ".join(cli("clean", take, "--set", "loudness.target_lufs=-20", "--overwrite", *NONE).out.split())
    for name in ("a.clean.html", "a.clean.changes.json"):
        assert name in said
    assert "of an earlier result: --record and --page write them anew" in said
    assert digest(Path("a.clean.changes.json")) == old
    ran = cli("clean", take, "--record", "--page", "--overwrite", *NONE)
    assert "earlier result" not in ran.out
    assert digest(Path("a.clean.changes.json")) != old
