"""Bad options, presets and plans: one sentence, a hint, the right exit code, and nothing left behind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.conftest import Cli
from e2e.looking import digest, names
from e2e.refusing import BACKEND, MEDIA, OUTPUT, PRESET, refused

WISHES = [
    (["--preset", "podcats"], PRESET, "did you mean podcast"),
    (["--preset", "missing.toml"], PRESET, "missing.toml"),
    (["--preset", "missing.json"], PRESET, "missing.json"),
    (["--set", "duck.gian_db=3"], PRESET, "duck.gian_db"),
    (["--set", "duk.target_lu=3"], PRESET, "did you mean duck"),
    (["--set", "duck.target_lu=900"], PRESET, "0 to 40"),
    (["--set", "duck.target_lu=loud"], PRESET, "a number"),
    (["--set", "duck.target_lu=nan"], PRESET, "a number"),
    (["--set", "duck.mode=dukc"], PRESET, "duck"),
    (["--preset", "podcast", "--set", "duck.target_lu=15"], PRESET, "no effect in mode remove"),
    (["--mode", "leave", "--set", "duck.floor_db=-9"], PRESET, "no effect in mode leave"),
    (["--mode", "dukc"], PRESET, "did you mean duck"),
    (["--mode", "auto", "--plan", "plan.json"], PRESET, "the plan says what becomes of the bed"),
    (["--set", "duck"], PRESET, "stage.setting=value"),
    (["--set", "duck=maybe"], PRESET, "on or off"),
    (["--engine", "demuc"], PRESET, "did you mean demucs"),
    (["--engine", "fake:half"], PRESET, "no such engine"),
    (["--device", "gpu"], PRESET, "auto, cpu, cuda, mps"),
    (["--bitrate", "loud"], PRESET, "--bitrate"),
    (["--bitrate", "1"], PRESET, "--bitrate"),
    (["--bitrate", "inf"], PRESET, "--bitrate"),
    (["--audio-codec", "alac", "--bitrate", "64k"], OUTPUT, "keeps every bit"),
    (["--set", "speech=off"], PRESET, "every run listens for speech"),
    (["--plan", "missing.json"], PRESET, "missing.json"),
    (["--track", "7"], MEDIA, "--track 1"),
    (["--track", "ger"], MEDIA, "ger"),
    (["--track", "0"], MEDIA, "--track 1"),
    (["--audio-codec", "nope"], OUTPUT, "nope"),
    (["--audio-codec", "pcm_s16le"], OUTPUT, "pcm_s16le"),
    (["-o", "{there}/out.xyz"], OUTPUT, ".xyz"),
    (["-o", "{there}/out"], OUTPUT, "suffix"),
    (["-o", "{there}/no/such/folder/out.mp4"], OUTPUT, "mkdir -p"),
    (["-o", "{there}"], OUTPUT, "folder"),
    (["-o", "{there}/talk.mp4/out.mp4"], OUTPUT, ""),
    (["-o", "/proc/out.mp4"], OUTPUT, "/proc"),
    (["--out-dir", "{there}/talk.mp4"], OUTPUT, "--out-dir"),
    (["--out-dir", "/proc/out"], OUTPUT, "--out-dir"),
    (["-o", "{there}/a.mp4", "--out-dir", "{there}"], OUTPUT, "one of them"),
    (["--report", "{there}/talk.mp4"], OUTPUT, "report"),
    (["--report", "{there}/talk.clean.mp4"], OUTPUT, "report"),
]


@pytest.mark.parametrize(("words", "code", "said"), WISHES, ids=[" ".join(words) for words, *_ in WISHES])
def test_wishes_that_cannot_be_granted(
    tmp_path: Path, cli: Cli, talk: Path, words: list[str], code: int, said: str
) -> None:
    source = Path(shutil.copy(talk, tmp_path))
    before = digest(source)
    refused(cli("clean", source, *(word.replace("{there}", str(tmp_path)) for word in words)), code, said)
    assert names(tmp_path) == ["talk.mp4"]
    assert digest(source) == before


@pytest.mark.parametrize("words", [["--device", "cuda"], ["--device", "mps"]], ids=" ".join)
def test_a_device_that_is_not_here(tmp_path: Path, cli: Cli, song: Path, words: list[str]) -> None:
    import torch

    if torch.cuda.is_available() or torch.backends.mps.is_available():
        pytest.skip("it is here")
    ran = cli("clean", song, "-o", tmp_path / "out.mov", "--engine", "dialogue", *words)
    refused(ran, BACKEND, words[1])
    assert names(tmp_path) == []


def test_weights_that_are_not_here_and_cannot_be_had(tmp_path: Path, cli: Cli, song: Path) -> None:
    ran = cli("clean", song, "-o", tmp_path / "out.mov", "--engine", "demucs", "--models", tmp_path / "none")
    assert ran.code == BACKEND, ran.err
    assert "htdemucs" in ran.err
    assert "  try: " in ran.err
    assert "Traceback" not in ran.err
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[duck\ntarget_lu = 3", "not valid TOML"),
        ("[duck]\ngian = 3", "duck.gian"),
        ("[dukc]\n", "did you mean duck"),
        ("duck = 3", "expected a table"),
        ("[duck]\ntarget_lu = 'x'", "a number"),
        ("\x00\xff", "not valid TOML"),
    ],
)
def test_presets_that_are_malformed(tmp_path: Path, cli: Cli, talk: Path, text: str, said: str) -> None:
    preset = tmp_path / "own.toml"
    preset.write_bytes(text.encode("latin-1"))
    refused(cli("clean", talk, "-o", tmp_path / "out.mp4", "--preset", preset), PRESET, said)
    refused(cli("presets", preset), PRESET, said)
    assert names(tmp_path) == ["own.toml"]


def edited(text: str, **changes: object) -> str:
    return json.dumps({**json.loads(text), **changes})


BAD_PLANS: list[tuple[str, Callable[[str], str], str]] = [
    ("no JSON", lambda text: text[:-20], "JSON"),
    ("a list", lambda text: "[]", ""),
    ("nothing", lambda text: "", "JSON"),
    ("empty", lambda text: "{}", "missing"),
    ("version", lambda text: edited(text, version=99), "version"),
    ("unknown entry", lambda text: edited(text, cutz=[]), "did you mean cuts"),
    ("backwards", lambda text: edited(text, cuts=[{"span_s": [2, 1], "reason": ""}]), "cuts[0]"),
    ("outside", lambda text: edited(text, cuts=[{"span_s": [1, 99], "reason": ""}]), "cuts[0]"),
    ("overlap", lambda text: edited(text, cuts=[{"span_s": [1, 3], "reason": ""}, {"span_s": [2, 4], "reason": ""}]),
     "overlap"),
    ("raised bed", lambda text: edited(text, dips=[{"span_s": [1, 3], "gain_db": 6, "reason": ""}]), "gain_db"),
    ("rate", lambda text: edited(text, rate_hz=44_100), "44100"),
    ("another length", lambda text: edited(text, length_s=4.0, phrases=[], dips=[], cuts=[]), "samples"),
    ("level", lambda text: edited(text, level={"target_lufs": 5, "ceiling_dbtp": -1}), "target_lufs"),
    ("level without a ceiling", lambda text: edited(text, level={"target_lufs": -20}), "ceiling_dbtp"),
]  # fmt: skip


@pytest.fixture(scope="module")
def plan_text(talk: Path) -> str:
    from mediaclean import CleanOptions, dry_run
    from mediaclean.plan.as_json import to_json

    return to_json(dry_run(talk, "documentary", CleanOptions(engine="none")))


@pytest.mark.parametrize(("change", "said"), [case[1:] for case in BAD_PLANS], ids=[case[0] for case in BAD_PLANS])
def test_plans_that_are_malformed(
    tmp_path: Path, cli: Cli, talk: Path, plan_text: str, change: Callable[[str], str], said: str
) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(change(plan_text))
    refused(cli("clean", talk, "-o", tmp_path / "out.mp4", "--engine", "none", "--plan", plan), PRESET, said)
    assert names(tmp_path) == ["plan.json"]
