"""A setting is declared once; every value that is not allowed is named, with what is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaclean.errors import PresetError
from mediaclean.preset import STAGES
from mediaclean.settings import Settings, build, describe, parse, setting, suggest


@dataclass(frozen=True)
class Oven(Settings):
    """Something with one field of each kind."""

    heat_c: float = setting(180.0, "°C", "how hot", low=50.0, high=250.0)
    trays: int = setting(2, "", "how many", low=1)
    mode: Literal["fan", "grill"] = setting("fan", "", "how")
    light: bool = setting(True, "", "whether one sees")
    label: str = setting("oven", "", "name")
    core_c: float | None = setting(None, "°C", "of the roast", low=0.0, high=100.0)


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("heat_c", 250.1, "50 to 250"),
        ("heat_c", math.inf, "50 to 250"),
        ("heat_c", -math.inf, "50 to 250"),
        ("heat_c", math.nan, "a number"),
        ("heat_c", "hot", "a number"),
        ("heat_c", True, "a number"),
        ("heat_c", None, "a number"),
        pytest.param("heat_c", 10**400, "50 to 250", id="too large for a float"),
        ("trays", 2.0, "a whole number"),
        ("trays", 0, "at least 1"),
        ("trays", True, "a whole number"),
        ("mode", "gril", "fan, grill"),
        ("mode", ["fan"], "fan, grill"),
        ("light", 1, "true or false"),
        ("label", 5, "text"),
        ("core_c", 101, "0 to 100"),
        ("core_c", "warm", "a number"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(field: str, value: Any, allowed: str) -> None:
    for make in (lambda: build(Oven, {field: value}, name="oven"), lambda: Oven(**{field: value})):
        with pytest.raises(PresetError) as caught:
            make()
        assert field in caught.value.message
        assert allowed in caught.value.message
        assert caught.value.hint
    with pytest.raises(PresetError, match=rf"^oven\.{field} = "):
        build(Oven, {field: value}, name="oven")


@pytest.mark.parametrize(
    ("field", "value"),
    [("heat_c", 50.0), ("heat_c", 250), ("trays", 1), ("mode", "grill"), ("light", False), ("core_c", None)],
)
def test_both_ends_of_a_range_are_allowed(field: str, value: Any) -> None:
    assert getattr(build(Oven, {field: value}, name="oven"), field) == value


def test_an_unknown_name_comes_with_the_nearest_known_one() -> None:
    with pytest.raises(PresetError, match=r"oven\.haet_c: no such setting; did you mean heat_c\?"):
        build(Oven, {"haet_c": 100.0}, name="oven")
    with pytest.raises(PresetError, match=r"oven\.xyz: no such setting$"):
        build(Oven, {"xyz": 1}, name="oven")


def test_what_the_table_does_not_say_stands_as_in_the_base() -> None:
    base = Oven(heat_c=90.0, mode="grill")
    assert build(Oven, {"trays": 4}, name="oven", base=base) == Oven(heat_c=90.0, mode="grill", trays=4)
    assert build(Oven, {}, name="oven") == Oven()


def test_whole_numbers_become_floats_where_floats_are_due() -> None:
    assert isinstance(build(Oven, {"heat_c": 200}, name="oven").heat_c, float)
    assert isinstance(build(Oven, {"core_c": 60}, name="oven").core_c, float)


@given(st.one_of(st.booleans(), st.integers(-(10**12), 10**12), st.floats(allow_nan=False)))
def test_typed_values_are_read_as_what_they_are(value: Any) -> None:
    text = str(value)
    assert parse(text) == value
    assert parse(f"  {text} ") == value
    assert type(parse(text)) is type(value)


@pytest.mark.parametrize("text", ["duck", "dialogue-v1", "[speech {n}]", ""])
def test_other_text_stays_text(text: str) -> None:
    assert parse(f" {text} ") == text


@given(st.text(max_size=8))
def test_a_suggestion_is_a_known_word_or_nothing(word: str) -> None:
    known = ["attack_s", "release_s"]
    assert suggest(word, known) in {"", *(f"; did you mean {name}?" for name in known)}


@pytest.mark.parametrize(("word", "name"), [("ebu", "ebu-r128"), ("EBU", "ebu-r128"), ("amzon", "amazon"), ("eb", "")])
def test_the_beginning_of_a_word_is_enough(word: str, name: str) -> None:
    assert suggest(word, ["amazon", "ebu-r128", "ebu-r128-s1"]) == (f"; did you mean {name}?" if name else "")


@pytest.mark.parametrize("stage", STAGES)
def test_every_setting_of_every_stage_says_what_it_is(stage: str) -> None:
    rows = describe(STAGES[stage])
    assert rows
    for row in rows:
        assert row.help, row.name
        assert row.allowed, row.name
        suffixes = {"_per_s": "/s", "_s": "s", "_db": "dB", "_lu": "LU", "_lufs": "LUFS", "_dbfs": "dBFS"}
        unit = next((unit for suffix, unit in suffixes.items() if row.name.endswith(suffix)), "")
        assert row.unit.endswith(unit) if unit.startswith("/") else unit in {"", row.unit}, row.name
    STAGES[stage]()  # the defaults lie within their own ranges
