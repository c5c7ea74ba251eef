"""A remix that would change nothing is refused before anything is read, and says what would."""

from __future__ import annotations

import pytest
from e2e.conftest import Cli

from changes.conftest import Made
from mediaclean import PresetError, load_preset
from mediaclean.preset import check_heard


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["--set", "duck.reduce_db=-6"], "nothing changes: duck.reduce_db has no effect in mode duck", "--dose reduce"),
        (["--preset", "podcast", "--set", "duck.target_lu=15"], "has no effect in mode remove", "--dose duck"),
        (
            ["--dose", "leave", "--set", "duck.floor_db=-9"],
            "duck.floor_db has no effect in mode leave",
            "--dose remove",
        ),
        (
            ["--only", "8-10", "--dose", "remove", "--set", "duck.target_lu=9"],
            "no effect in mode remove",
            "--dose duck",
        ),
        (
            ["--dose", "leave", "--set", "loudness.max_ride_db=3"],
            "loudness.max_ride_db has no effect in mode programme",
            "--set loudness.mode=range",
        ),
        (
            ["--dose", "leave", "--set", "declick=on", "--engine", "none"],
            "declick comes before separation",
            "mediaclean clean INPUT --residual",
        ),
        (["--dose", "leave", "--set", "cues.at_cuts=false"], "cues.at_cuts has no effect", "mediaclean dialogue -h"),
        (
            ["--only", "8-10", "--dose", "leave", "--set", "loudness.target_lufs=-14"],
            "--only keeps the level of the result, --set loudness.target_lufs=-14 sets another",
            "give one of them",
        ),
    ],
)
def test_a_level_that_its_mode_does_not_hear_is_refused(
    made: Made, cli: Cli, words: list[str], said: str, hint: str
) -> None:
    target = made.target.with_name("never.wav")
    ran = cli("remix", made.target, *words, "-o", target)
    assert ran.code == 2
    assert said in ran.err
    assert hint in ran.err
    assert ("nothing changes" in ran.err) == (words[0] == "--set")
    assert not target.exists()


@pytest.mark.parametrize("mode", ["leave", "duck", "reduce", "remove", "auto"])
@pytest.mark.parametrize("setting", ["target_lu=9", "reduce_db=-9", "floor_db=-9", "singing=leave"])
def test_the_hint_is_a_mode_that_hears_it(mode: str, setting: str) -> None:
    typed = [f"duck.mode={mode}", f"duck.{setting}"]
    try:
        check_heard(load_preset("documentary", typed), typed, "--dose ")
    except PresetError as error:
        other = str(error.hint).removeprefix("--dose ")
        again = [f"duck.mode={other}", f"duck.{setting}"]
        check_heard(load_preset("documentary", again), again, "--dose ")
    else:
        assert mode != "leave"


def test_a_stage_that_is_off_hears_nothing() -> None:
    typed = ["duck.target_lu=9", "duck=off"]
    with pytest.raises(PresetError, match="no effect in mode leave"):
        check_heard(load_preset("documentary", typed), typed, "--dose ")
    check_heard(load_preset("documentary", ["room_tone=off"]), ["room_tone=off"], "--dose ")
