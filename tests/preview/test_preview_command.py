"""The command: what it says, and how it refuses."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mediaclean import CleanOptions, MediaError, load_preset
from mediaclean.doses import DOSES
from mediaclean.preset import check_heard, unheard
from mediaclean.preview import _obeyed, preview
from mediaclean.progress import Progress
from preview.making import RATE, page_data, talk


@pytest.fixture(scope="module")
def clear(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clean speech, so that the command separates nothing."""
    return talk(tmp_path_factory.mktemp("clear") / "talk.wav", music_db=(-99.0,))


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    from mediaclean.cli import main, terminal

    monkeypatch.setattr(terminal, "_json_lines", False)
    monkeypatch.setattr(sys, "argv", ["mediaclean", "preview", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def test_it_writes_the_page_beside_the_source(
    clear: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--preset", "podcast", "--set", "duck.floor_db=-18", "--device", "cpu", "--track", "1"]
    assert run(monkeypatch, clear, "--seconds", 5, "--doses", "duck, remove", "--json", *words) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["event"] == "preview"
    assert Path(last["target"]) == clear.with_name("talk.preview.html")
    assert last["passages"]
    assert last["separated_s"] == 0.0
    data = page_data(clear.with_name("talk.preview.html").read_text(encoding="utf-8"))
    (first, *_) = data["passages"]
    assert [version["name"] for version in first["versions"]] == ["original", "duck", "remove"]
    assert shlex.split(first["versions"][1]["command"]) == [
        "mediaclean", "clean", str(clear), *words, "--mode", "duck",
    ]  # fmt: skip
    assert any("nothing to separate" in note for note in data["notes"])


@pytest.mark.parametrize("dose", DOSES)
def test_a_command_that_the_page_offers_is_obeyed(dose: str) -> None:
    typed = ["duck.target_lu=15", "duck.reduce_db=-9", "duck.floor_db=-18", "duck.singing=leave", "room_tone=off"]
    words = ["--preset", "podcast", *(word for each in typed for word in ("--set", each)), "--track", "1"]
    kept = _obeyed(words, dose)
    obeyed = [word for word in kept if "=" in word]
    check_heard(load_preset("podcast", [*obeyed, f"duck.mode={dose}"]), obeyed, "--mode")
    assert [kept[0], kept[1], kept[-2], kept[-1]] == ["--preset", "podcast", "--track", "1"]
    assert kept.count("--set") == len(obeyed)
    left_out = [each for each in typed if each not in obeyed]
    assert all(unheard([each], dose) for each in left_out)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--doses", "duk"), 2, "did you mean duck?"),
        (("--doses", ","), 2, "no dose"),
        (("--seconds", "2"), 2, "between 5 and 60"),
        (("--seconds", "nan"), 2, "between 5 and 60"),
        (("--preset", "podcats"), 2, "did you mean podcast?"),
        (("--engine", "demuks"), 2, "did you mean demucs?"),
        (("--track", "9"), 3, "9"),
        (("-o", "page.pdf"), 5, "ends in .html"),
        (("-o", "nowhere/page.html"), 5, "no such folder"),
    ],
)
def test_bad_input_gives_the_usual_errors(
    clear: Path,
    words: tuple[str, ...],
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, clear, *words) == code
    error = " ".join(capsys.readouterr().err.split())
    assert said in error
    assert "try:" in error


def test_a_page_is_replaced_only_on_demand(
    clear: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    page.write_text("mine")
    assert run(monkeypatch, clear, "-o", page) == 5
    assert "--overwrite" in capsys.readouterr().err
    assert page.read_text() == "mine"


@pytest.mark.parametrize("name", ["missing.wav", "text.wav"])
def test_what_is_no_media_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    assert run(monkeypatch, tmp_path / name) == 3
    assert not list(tmp_path.glob("*.html"))


def test_without_speech_there_is_nothing_to_hear(tmp_path: Path) -> None:
    noise = 0.01 * np.random.default_rng(0).standard_normal(6 * RATE)
    soundfile.write(tmp_path / "noise.wav", noise, RATE)
    with pytest.raises(MediaError, match="no speech"):
        preview(tmp_path / "noise.wav", tmp_path / "page.html", options=CleanOptions(engine="none"))
    assert not (tmp_path / "page.html").exists()


def test_progress_goes_on_to_the_last_dose(tmp_path: Path, clear: Path) -> None:
    heard: list[Progress] = []
    options = CleanOptions(engine="none")
    preview(
        clear, tmp_path / "page.html", "podcast", options, seconds=5.0, doses=["duck", "remove"], watch=heard.append
    )
    mixed = [event for event in heard if event.stage == "mix"]
    done = [event.done_s for event in mixed]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0.0, mixed[-1].total_s)
    assert done[-1] > 0.0
