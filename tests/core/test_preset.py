"""Presets are strict: they load, print, load again to the same, and whatever is misspelt is named."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from mediaclean.errors import PresetError
from mediaclean.folders import preset_folder
from mediaclean.preset import (
    DEFAULT,
    STAGES,
    Preset,
    from_tables,
    load_preset,
    override,
    preset_names,
    to_tables,
    to_toml,
)

NAMES = preset_names()


def reloaded(preset: Preset) -> Preset:
    return from_tables(tomllib.loads(to_toml(preset)), preset.name)


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_loads_prints_and_loads_again_to_the_same(name: str, tmp_path: Path) -> None:
    preset = load_preset(name)
    assert preset.name == name
    assert preset.about
    assert reloaded(preset) == preset
    path = tmp_path / f"{name}.toml"
    path.write_text(to_toml(preset), encoding="utf-8")
    assert load_preset(path) == load_preset(str(path)) == preset


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_says_in_its_first_line_whom_it_is_for(name: str) -> None:
    first = (preset_folder() / f"{name}.toml").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# For ")


def test_the_presets_that_are_promised_are_there() -> None:
    assert set(NAMES) >= {"podcast", "documentary", "broadcast-ebu", "broadcast-us", "social", "transcript"}
    assert sorted(NAMES) == NAMES
    assert DEFAULT in NAMES
    assert load_preset() == load_preset(DEFAULT)


@pytest.mark.parametrize(
    ("name", "target_lufs", "ceiling_dbtp"),
    [
        ("podcast", -16.0, -1.0),
        ("documentary", -23.0, -1.0),
        ("broadcast-ebu", -23.0, -1.0),
        ("broadcast-us", -24.0, -2.0),
        ("social", -14.0, -1.0),
    ],
)
def test_loudness_targets(name: str, target_lufs: float, ceiling_dbtp: float) -> None:
    loudness = load_preset(name).loudness
    assert loudness is not None
    assert (loudness.target_lufs, loudness.ceiling_dbtp) == (target_lufs, ceiling_dbtp)


@pytest.mark.parametrize(
    ("name", "mode", "target_lu"),
    [
        ("documentary", "duck", 10.0),
        ("social", "duck", 10.0),
        ("broadcast-ebu", "duck", 15.0),
        ("broadcast-us", "duck", 15.0),
    ],
)
def test_the_bed_is_kept_and_ducked_where_that_is_promised(name: str, mode: str, target_lu: float) -> None:
    duck = load_preset(name).duck
    assert duck is not None
    assert (duck.mode, duck.target_lu) == (mode, target_lu)


def test_podcasts_lose_their_music_and_transcripts_get_cues() -> None:
    podcast, transcript = load_preset("podcast"), load_preset("transcript")
    assert podcast.duck is not None
    assert podcast.duck.mode == "remove"
    assert transcript.cues is not None
    assert transcript.duck is not None
    assert transcript.duck.floor_db >= -12.0  # recognisers do worse on heavily cleaned speech


@pytest.mark.parametrize("name", NAMES)
def test_what_a_preset_separates_it_also_lowers(name: str) -> None:
    preset = load_preset(name)
    if preset.duck is not None and preset.separate is not None and preset.duck.mode == "duck":
        assert preset.separate.within_lu >= preset.duck.target_lu - 4.0


def test_a_missing_table_is_a_stage_that_is_off(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[duck]\ntarget_lu = 12\n")
    preset = load_preset(path)
    assert preset.name == "mine"
    assert preset.duck is not None
    assert preset.duck.target_lu == 12.0
    assert {stage for stage in STAGES if getattr(preset, stage) is not None} == {"duck"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("duck.gian_db=3", r"^duck\.gian_db: no such setting"),
        ("duck.targt_lu=3", r"^duck\.targt_lu: no such setting; did you mean target_lu\?$"),
        ("duck.flor_db=-3", r"did you mean floor_db\?"),
        ("dukc.target_lu=3", r"^dukc: no such stage; did you mean duck\?$"),
        ("room-tone=off", r"^room-tone: no such stage; did you mean room_tone\?$"),
        ("loudness.target_lufs=nan", r"^loudness\.target_lufs = nan: must be a number"),
        ("loudness.target_lufs=inf", r"^loudness\.target_lufs = inf: must be -40 to -5"),
        ("loudness.target_lufs=-inf", r"must be -40 to -5"),
        ("duck.target_lu=41", r"^duck\.target_lu = 41\.0: must be 0 to 40"),
        ("duck.target_lu=", r"^duck\.target_lu = '': must be a number"),
        ("duck.target_lu=loud", r"^duck\.target_lu = 'loud': must be a number"),
        ("duck.target_lu=true", r"must be a number"),
        ("duck.mode=mute", r"^duck\.mode = 'mute': must be one of leave, duck, reduce, remove, auto"),
        ("room_tone.seed=1.5", r"must be a whole number"),
        ("room_tone.seed=-1", r"must be at least 0"),
        ("duck=loud", r"^duck=loud: a stage is on or off"),
        ("duck=", r"a stage is on or off"),
        ("duck", r"expected stage\.setting=value"),
        ("", r"expected stage\.setting=value"),
        ("=3", r"no such stage"),
        ("duck.=3", r"duck"),
    ],
)
def test_a_bad_override_is_named(text: str, message: str) -> None:
    with pytest.raises(PresetError, match=message) as caught:
        load_preset("documentary", [text])
    assert caught.value.hint


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[duk]\n", r"^duk: no such stage; did you mean duck\?"),
        ("[duck]\ntarget = 3\n", r"^duck\.target: no such setting"),
        ("[duck]\ntarget_lu = nan\n", r"duck\.target_lu = nan: must be a number"),
        ("[duck]\ntarget_lu = inf\n", r"must be 0 to 40"),
        ("[duck]\ntarget_lu = [1]\n", r"must be a number"),
        ("[duck]\ntarget_lu = 1979-05-27\n", r"must be a number"),
        ("[duck.target_lu]\nx = 1\n", r"must be a number"),
        ("duck = 3\n", r"^duck: expected a table, found 3"),
        ("[[duck]]\n", r"^duck: expected a table"),
        ("[duck\n", r"is not valid TOML"),
        ("[duck]\n[duck]\n", r"is not valid TOML"),
        ("[duck]\ntarget_lu = 1\ntarget_lu = 2\n", r"is not valid TOML"),
    ],
)
def test_a_bad_file_is_named(toml: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(toml)
    with pytest.raises(PresetError, match=message) as caught:
        load_preset(path)
    assert caught.value.hint


def test_a_file_that_is_no_text_or_not_there(tmp_path: Path) -> None:
    binary = tmp_path / "mine.toml"
    binary.write_bytes(b"\xff\xfe\x00[")
    with pytest.raises(PresetError, match=r"mine\.toml is not valid TOML"):
        load_preset(binary)
    with pytest.raises(PresetError, match="no preset file"):
        load_preset(tmp_path / "none.toml")
    with pytest.raises(PresetError, match="Is a directory"):
        load_preset(tmp_path)


@pytest.mark.parametrize(
    ("name", "near"), [("podcst", "podcast"), ("broadcast_ebu", "broadcast-ebu"), ("Social", "social")]
)
def test_an_unknown_preset_comes_with_the_nearest_and_all_known_ones(name: str, near: str) -> None:
    with pytest.raises(PresetError, match=rf"did you mean {near}\?") as caught:
        load_preset(name)
    assert all(known in caught.value.hint for known in NAMES)


def test_what_is_typed_wins_over_the_file_and_the_file_over_the_defaults() -> None:
    plain = load_preset("podcast")
    typed = load_preset("podcast", ["duck.attack_s=0.1", "duck.mode=duck", "duck.attack_s=0.2"])
    assert plain.duck is not None
    assert typed.duck == dataclasses.replace(plain.duck, mode="duck", attack_s=0.2)  # the last one counts
    assert dataclasses.replace(typed, duck=plain.duck) == plain
    assert plain.duck.reduce_db == STAGES["duck"]().reduce_db  # type: ignore[attr-defined]


def test_stages_are_switched_off_and_on() -> None:
    plain = load_preset("podcast")
    off = override(plain, ["duck=off", "loudness = OFF"])
    assert off.duck is off.loudness is None
    assert override(off, ["duck=on"]).duck == STAGES["duck"]()
    assert override(plain, ["duck=on"]).duck == plain.duck
    assert plain.duck is not None  # the record itself never changes
    assert override(off, ["duck.target_lu=12"]).duck == STAGES["duck"](target_lu=12.0)


@pytest.mark.parametrize("name", ["955717e8", "04573", "1e5", "no", "true", "htdemucs"])
def test_a_name_that_looks_like_a_number_is_a_name(name: str) -> None:
    """Signatures of Demucs's models are hexadecimal, and some of them have an e alone among digits."""
    separate = load_preset("documentary", [f"separate.model={name}"]).separate
    assert separate is not None
    assert separate.model == name


def test_spaces_around_an_override_do_not_matter() -> None:
    assert load_preset("social", [" duck.target_lu = 12 "]) == load_preset("social", ["duck.target_lu=12"])


@examples(deadline=None, max_examples=80)
@given(st.text(), st.text(max_size=20), st.one_of(st.floats(0, 40), st.integers(0, 40)), st.integers(0, 10**12))
def test_whatever_the_values_a_preset_survives_printing(about: str, model: str, target: Any, seed: int) -> None:
    preset = from_tables(
        {"about": about, "separate": {"model": model}, "duck": {"target_lu": target}, "room_tone": {"seed": seed}},
        "mine",
    )
    assert reloaded(preset) == preset


@pytest.mark.parametrize("name", NAMES)
def test_the_tables_hold_every_setting_of_every_stage_that_is_on(name: str) -> None:
    preset = load_preset(name)
    tables = to_tables(preset)
    for stage, record in STAGES.items():
        if getattr(preset, stage) is None:
            assert stage not in tables
        else:
            assert set(tables[stage]) == {field.name for field in dataclasses.fields(record)}  # type: ignore[arg-type]
    assert from_tables(tables, name) == preset
