"""A level that is typed comes before a specification's own aim; the verdict stays the specification's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from e2e.conftest import Cli
from e2e.making import film, speech
from mediaclean import load_preset
from mediaclean.errors import PresetError
from mediaclean.loudness.delivery import load_spec
from mediaclean.loudness.normalise import LoudnessSettings
from mediaclean.preset import check_levelled
from mediaclean.settings import describe
from mediaclean.sources import aimed

NONE = ["--engine", "none", "--json"]


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return film(tmp_path / "talk.wav", seconds=4.0)


def rule(report: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in report["verdict"]["rules"] if row["name"] == name)
    return found


@pytest.mark.parametrize(
    ("spec", "setting", "quantity", "expected", "status"),
    [
        ("acx", "target_rms_dbfs", "rms_dbfs", -22.0, "pass"),
        ("ebu-r128", "target_lufs", "integrated_lufs", -20.0, "fail"),
        ("netflix", "target_lufs", "dialogue_lufs", -22.0, "fail"),
    ],
)
def test_what_is_typed_is_what_is_measured(
    cli: Cli, sound: Path, spec: str, setting: str, quantity: str, expected: float, status: str
) -> None:
    typed = f"loudness.{setting}={expected}"
    ran = cli("clean", sound, *NONE, "--spec", spec, "--set", typed, "--set", "loudness.tolerance_lu=0.1")
    found = rule(ran.events[-1], quantity)
    assert abs(found["measured"] - expected) <= 0.25, found
    assert found["status"] == status


def test_other_settings_leave_the_aim_alone() -> None:
    spec = load_spec("acx")
    assert aimed(spec, ["duck.target_lu=15", "room_tone=off"]) == spec
    moved = aimed(spec, ["loudness.ceiling_dbtp=-5"])
    assert (moved.aim.ceiling_dbtp, moved.aim.mode, moved.aim.target_rms_dbfs) == (-5, "rms", -20)
    assert moved.rules == spec.rules


@pytest.mark.parametrize(
    ("spec", "setting", "said", "hint"),
    [
        ("acx", "loudness.target_lufs=-20", "loudness.target_lufs has no effect in mode rms", "target_rms_dbfs"),
        ("netflix", "loudness.target_rms_dbfs=-20", "has no effect in mode dialogue", "loudness.target_lufs"),
        ("acx", "loudness=off", "a delivery has a level", "mediaclean measure"),
        ("acx", "loudness.targt=1", "no such setting", "mediaclean settings"),
    ],
)
def test_what_would_do_nothing_is_refused(spec: str, setting: str, said: str, hint: str) -> None:
    with pytest.raises(PresetError) as caught:
        aimed(load_spec(spec), [setting])
    assert said in caught.value.message
    assert hint in str(caught.value.hint)


MODES = ("programme", "dialogue", "range", "rms")


@pytest.mark.parametrize("mode", MODES)
def test_settings_of_another_mode_are_refused_and_the_hint_obeys_them(mode: str) -> None:
    """A setting says in its help which mode it is for."""
    for row in describe(LoudnessSettings):
        own = next((each for each in MODES if row.help.startswith(f"{each} mode: ")), mode)
        value = row.default if row.default is not None else -30 if row.unit.startswith(("LUFS", "dB")) else 10
        typed = [f"loudness.mode={mode}", f"loudness.{row.name}={value}"]
        aim = load_preset("documentary", typed).loudness
        if own == mode:
            if row.name not in {"target_lufs", "min_dialogue_share", "fallback_lufs"}:  # whose help names no mode
                check_levelled(aim, typed)
            continue
        with pytest.raises(PresetError, match=f"{row.name} has no effect in mode {mode}") as caught:
            check_levelled(aim, typed)
        if "loudness.mode=" in caught.value.hint:
            obeyed = [typed[1], f"loudness.mode={own}"]
            check_levelled(load_preset("documentary", obeyed).loudness, obeyed)


def test_a_setting_of_another_mode_is_refused_before_the_work(cli: Cli, sound: Path) -> None:
    ran = cli("clean", sound, *NONE, "--set", "loudness.max_range_lu=3")
    assert ran.code == 2
    assert "loudness.max_range_lu has no effect in mode programme" in str(ran.events[-1])
    assert cli("clean", sound, *NONE, "--set", "loudness.max_range_lu=3", "--set", "loudness.mode=range").code == 0


def test_remix_keeps_the_level_that_was_typed_and_takes_a_new_one(cli: Cli, sound: Path) -> None:
    words = [*NONE, "--spec", "ebu-r128", "--set", "loudness.target_lufs=-20"]
    cli("clean", sound, *words, "--residual")
    result = sound.with_name("talk.clean.wav")
    for typed, expected in (([], -20.0), (["--set", "loudness.target_lufs=-26"], -26.0)):
        ran = cli("remix", result, "--dose", "leave", *typed, "--overwrite", "--json")
        assert ran.events[-1]["verdict"]["spec"] == "ebu-r128"
        assert abs(ran.events[-1]["after"]["integrated_lufs"] - expected) <= 0.25


@pytest.mark.parametrize(("floor_dbfs", "rms_dbfs"), [(-66.0, -20.0), (-59.0, -21.5), (-57.0, -20.0)])
def test_the_level_of_an_audiobook_gives_way_for_its_floor(
    tmp_path: Path, cli: Cli, floor_dbfs: float, rms_dbfs: float
) -> None:
    """A second of pause whose noise would have `floor_dbfs` with the sentence at -20 dBFS."""
    pause = np.zeros(48_000, dtype=np.float32)
    voice = np.concatenate([speech(4.0)[0], pause])
    level = float(np.sqrt(np.mean(voice**2))) * 10 ** ((floor_dbfs + 20) / 20)
    voice[-48_000:] += np.random.default_rng(0).normal(0.0, level, 48_000).astype(np.float32)
    source = tmp_path / "book.wav"
    soundfile.write(source, voice, 48_000, subtype="PCM_24")
    ran = cli("clean", source, *NONE, "--spec", "acx", "--set", "room_tone=off", "--set", "ledger=off")
    report = ran.events[-1]
    assert abs(rule(report, "rms_dbfs")["measured"] - rms_dbfs) <= 0.3
    assert rule(report, "rms_dbfs")["status"] == "pass"
    assert (rule(report, "floor_dbfs")["status"] == "pass") == (floor_dbfs < -58)
    assert ("room_tone.level_offset_db" in report["level"]["reason"]) == (floor_dbfs > -58)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[rule]\nquantity = "integrated_lufs"\nlow = -24.0\n', "expected tables"),
        ("rule = [1]\n", "expected tables"),
        ('aim = 3\n[[rule]]\nquantity = "integrated_lufs"\nlow = -24.0\n', "expected a table"),
    ],
)
def test_a_specification_of_another_shape_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(PresetError, match=said):
        load_spec(path)


def test_a_specification_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    text = '[[rule]]\nquantity = "integrated_lufs"\nlow = -24.0\n'
    (tmp_path / "own.toml").write_text(text, encoding="utf-8-sig")
    assert load_spec(tmp_path / "own.toml").rules[0].low == -24.0


@pytest.mark.parametrize("words", [["clean"], ["clean", "--spec", "ebu-r128"], ["preview"]])
def test_settings_of_cues_are_refused_where_none_are_made(cli: Cli, sound: Path, words: list[str]) -> None:
    ran = cli(*words, sound, "--engine", "none", "--set", "cues.at_cuts=false")
    assert ran.code == 2
    assert "cues.at_cuts has no effect here: only dialogue makes cues" in ran.err
    assert [each.name for each in sound.parent.iterdir()] == [sound.name]


@pytest.mark.parametrize("command", ["clean", "preview", "dialogue"])
@pytest.mark.parametrize("engine", ["dialogue", "none"])
def test_a_model_of_demucs_is_refused_beside_another_engine(cli: Cli, sound: Path, command: str, engine: str) -> None:
    ran = cli(command, sound, "--engine", engine, "--set", "separate.model=htdemucs")
    assert ran.code == 2
    assert f"separate.model has no effect with --engine {engine}" in ran.err
    assert "try: --engine demucs" in ran.err
    assert [each.name for each in sound.parent.iterdir()] == [sound.name]


def test_a_preset_with_cues_serves_all_commands(cli: Cli, sound: Path) -> None:
    preset = sound.with_name("own.toml")
    preset.write_text('about = "mine"\n[cues]\nat_cuts = false\n[loudness]\n')
    assert cli("clean", sound, "--engine", "none", "--preset", preset).code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "duck.reduce_db=-6"], "duck.reduce_db has no effect in mode duck"),
        (["--set", "loudness.target_rms_dbfs=-20"], "loudness.target_rms_dbfs has no effect in mode programme"),
        (["--models", "nowhere"], "--models nowhere: no such folder"),
    ],
)
def test_dialogue_refuses_what_it_would_not_hear(cli: Cli, sound: Path, words: list[str], said: str) -> None:
    ran = cli("dialogue", sound, *words)
    assert ran.code in {2, 4}
    assert said in ran.err
    assert [each.name for each in sound.parent.iterdir()] == [sound.name]


@pytest.mark.parametrize("words", [["-o", "x.wav"], ["--report", "x.json"], ["--page"], ["--bitrate", "64k"]])
def test_a_plan_alone_refuses_what_is_about_a_result(cli: Cli, sound: Path, words: list[str]) -> None:
    ran = cli("clean", sound, "--engine", "none", "--plan-only", *words)
    assert ran.code == 2
    assert f"--plan-only makes no result, so {words[0]} has no effect" in ran.err


def test_a_codec_that_was_not_asked_for_is_told(cli: Cli, sound: Path) -> None:
    assert "codec " not in cli("clean", sound, "--engine", "none", "--overwrite").out
    told = cli("clean", sound, "--engine", "none", "-o", sound.with_suffix(".flac"))
    assert "codec      flac" in told.out
    asked = cli("clean", sound, "--engine", "none", "-o", sound.with_suffix(".mka"), "--audio-codec", "flac")
    assert "codec " not in asked.out


@pytest.mark.parametrize(("codec", "suffix"), [("dts", ".mp4"), ("vorbis", ".mp4"), ("wavpack", ".mkv")])
def test_hints_name_only_codecs_that_can_be_written(cli: Cli, sound: Path, codec: str, suffix: str) -> None:
    ran = cli("clean", sound, "--audio-codec", codec, "-o", sound.with_suffix(suffix))
    hint = ran.err.partition("try:")[2]
    assert "aac" in hint
    assert "dts" not in hint
    assert ".mkv" not in hint
