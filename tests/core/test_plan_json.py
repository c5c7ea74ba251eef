"""Plans in JSON: what was written is read back to the sample, and what was edited wrongly is named."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from mediaclean.audio import Span
from mediaclean.bed.duck import DuckSettings
from mediaclean.bed.judging import Choice, choose
from mediaclean.errors import PresetError
from mediaclean.plan.as_json import from_dict, from_json, to_dict, to_json
from mediaclean.plan.make import Cut, Level, Phrase, Plan, PlannedDip
from mediaclean.polish.records import VoiceGain
from mediaclean.repair.records import HumLine, Repair, Repairs
from mediaclean.roomtone.shots import ShotTone

from .making import disjoint_spans

RATES = (8_000, 22_050, 44_100, 48_000, 96_000, 192_000)
HOUR = 3600

tenths = st.integers(-1200, 0).map(lambda value: value / 10)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    rate = draw(st.sampled_from(RATES))
    length = draw(st.integers(1, 12 * HOUR * rate))
    spans = disjoint_spans(length, 4)
    return Plan(
        choices=tuple(
            _chosen(s, draw(st.sampled_from([-9.0, 3.0, 12.0, 30.0])), draw(st.booleans())) for s in draw(spans)
        ),
        rate=rate,
        length=length,
        phrases=tuple(Phrase(s, draw(st.floats(0, 1)), draw(tenths), draw(tenths)) for s in draw(spans)),
        cuts=tuple(Cut(s, draw(st.text(max_size=10))) for s in draw(spans)),
        dips=tuple(PlannedDip(s, draw(st.one_of(st.none(), st.floats(-80, 0))), "bed removed") for s in draw(spans)),
        tone_sources=tuple(draw(spans)),
        floor_dbfs=draw(tenths),
        silent_channels=tuple(sorted(draw(st.sets(st.integers(0, 7), max_size=3)))),
        holes=tuple(draw(spans)),
        level=draw(st.one_of(st.none(), st.builds(Level, tenths, tenths))),
        notes=tuple(draw(st.lists(st.text(max_size=10), max_size=2))),
        shots=tuple(ShotTone(s, tuple(draw(spans))) for s in draw(spans)),
        repairs=Repairs(_repairs(draw(spans), draw(spans)), (HumLine(50.02, 30.0, "hum"),)),
        voice_gains=draw(st.one_of(st.none(), _voice_gains(draw(spans), draw(spans)))),
    )


def _chosen(span: Span, difference_lu: float, is_steady: bool) -> Choice:
    settings = DuckSettings(mode="auto")
    if is_steady:
        return choose(span, difference_lu, 12.0, settings, bed="steady", coverage=0.25)
    return choose(span, difference_lu, 12.0, settings, bed="changing", basis="separated")


def _repairs(clicks: list[Span], reverberant: list[Span]) -> tuple[Repair, ...]:
    """Rows of two processes that may overlap each other."""
    return (
        *(Repair(span, "declick", 1.0, "click") for span in clicks),
        *(Repair(span, "dereverb", 0.7, "reverberation") for span in reverberant),
    )


def _voice_gains(breaths: list[Span], phrases: list[Span]) -> st.SearchStrategy[tuple[VoiceGain, ...]]:
    """Rows of two processes that may overlap each other, in the order in which a plan holds them."""
    rows = [VoiceGain(s, -3.5, "breath", "a breath") for s in breaths] + [
        VoiceGain(s, 2.0, "phrases", "soft") for s in phrases
    ]
    return st.just(tuple(sorted(rows, key=lambda row: (row.span, row.process))))


@examples(deadline=None, max_examples=80)
@given(plans())
def test_a_plan_is_read_back_as_it_was(plan: Plan) -> None:
    text = to_json(plan)
    assert from_json(text) == plan
    assert to_json(from_json(text)) == text
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


PLAN = Plan(
    48_000,
    480_000,
    phrases=(Phrase(Span(0, 96_000), 0.9, -23.0, -30.0), Phrase(Span(144_000, 240_000), 0.8, -24.0, -31.0)),
    cuts=(Cut(Span(0, 96_000), "speech is only 7 LU above the bed"), Cut(Span(144_000, 240_000), "the same")),
    dips=(PlannedDip(Span(0, 96_000), None, "rides"), PlannedDip(Span(144_000, 240_000), -6.0, "ducked")),
    tone_sources=(Span(300_000, 400_000),),
    holes=(Span(470_000, 480_000),),
    level=Level(-23.0, -1.0),
    notes=("a note",),
    shots=(ShotTone(Span(0, 48_000), (Span(10, 20),)), ShotTone(Span(48_000, 480_000))),
    voice_gains=(VoiceGain(Span(0, 9_600), -6.0, "breath", "loud"), VoiceGain(Span(0, 96_000), 2.5, "phrases", "soft")),
    repairs=Repairs(
        (Repair(Span(1000, 1100), "declick", 1.0, "click"),),
        (HumLine(50.02, 30.0, "stands 12 dB out of its neighbours"),),
    ),
    choices=(_chosen(Span(0, 96_000), 7.0, False), _chosen(Span(144_000, 240_000), 4.0, True)),
)


def edited(path: str, value: Any) -> Any:
    """The plan as tables with one entry set, or taken out for `...`."""
    data = copy.deepcopy(to_dict(PLAN))
    at: Any = data
    *way, last = (int(part) if part.isdigit() else part for part in path.split("."))
    for part in way:
        at = at[part]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return data


def test_the_example_is_a_plan() -> None:
    assert from_dict(to_dict(PLAN)) == PLAN


OLDER = {"voice_gains": (), "shots": (), "repairs": (), "hum": (), "choices": ()}
"""What a plan may leave out, because there were plans before there was anything to say about it."""


@pytest.mark.parametrize(
    "key",
    [
        *(key for key in to_dict(PLAN) if key not in OLDER),
        "shots.0.tone_sources_s",
        "voice_gains.0.process",
        "repairs.0.amount",
        "hum.0.reduce_db",
        "choices.0.treatment",
        "choices.1.costs.duck",
        "choices.0.costs.leave.gain_db",
        "phrases.0.confidence",
        "cuts.1.reason",
        "dips.0.gain_db",
        "cuts.0.span_s",
    ],
)
def test_a_missing_entry_is_named(key: str) -> None:
    with pytest.raises(PresetError, match="is missing") as caught:
        from_dict(edited(key, ...))
    assert key.split(".")[-1] in caught.value.message
    assert key.split(".")[0] in caught.value.message


@pytest.mark.parametrize("key", OLDER)
def test_a_plan_from_before_there_was_an_entry_is_read(key: str) -> None:
    older = from_dict(edited(key, ...))
    assert OLDER[key] == {"repairs": older.repairs.rows, "hum": older.repairs.hum}.get(key, getattr(older, key, None))


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("voice_gains.0.gain_db", -13.0, "plan.voice_gains[0].gain_db"),
        ("voice_gains.0.gain_db", 1.0, "plan.voice_gains[0].gain_db"),
        ("voice_gains.1.gain_db", 7.0, "plan.voice_gains[1].gain_db"),
        ("voice_gains.0.process", "breathe", "plan.voice_gains[0].process"),
        ("voice_gains.0.process", "phrases", "plan.voice_gains (phrases)"),
        ("repairs.0.amount", 1.5, "plan.repairs[0].amount"),
        ("repairs.0.process", "declack", "plan.repairs[0].process"),
        ("repairs.0.span_s", [9.0, 11.0], "plan.repairs[0].span_s"),
        ("hum.0.frequency_hz", 30_000.0, "plan.hum[0].frequency_hz"),
        ("hum.0.reduce_db", -3.0, "plan.hum[0].reduce_db"),
        ("choices.0.treatment", "auto", "plan.choices[0].treatment"),
        ("choices.1.bed", "loud", "plan.choices[1].bed"),
        ("choices.1.basis", 1, "plan.choices[1].basis"),
        ("choices.0.covered", 1.5, "plan.choices[0].covered"),
        ("choices.0.gain_db", 0.5, "plan.choices[0].gain_db"),
        ("choices.0.costs.duck.gain_db", 2.0, "plan.choices[0].costs.duck.gain_db"),
        ("choices.1.span_s", [1.0, 4.0], "plan.choices"),
        ("version", 2, "plan.version"),
        ("version", "1", "plan.version"),
        ("rate_hz", 0, "plan.rate_hz"),
        ("rate_hz", -48000, "plan.rate_hz"),
        ("rate_hz", 48000.5, "plan.rate_hz"),
        ("rate_hz", "48000", "plan.rate_hz"),
        ("rate_hz", True, "plan.rate_hz"),
        ("rate_hz", float("inf"), "plan.rate_hz"),
        ("rate_hz", float("nan"), "plan.rate_hz"),
        pytest.param("rate_hz", 10**400, "plan.rate_hz", id="too large for a float"),
        ("length_s", None, "plan.length_s"),
        ("length_s", -1.0, "plan.length_s"),
        ("length_s", float("inf"), "plan.length_s"),
        ("length_s", 1e308, "plan.length_s"),
        ("length_s", 3.0, "plan.phrases[1].span_s"),
        ("phrases", None, "plan.phrases"),
        ("phrases", "none", "plan.phrases"),
        ("phrases", {"0": 1}, "plan.phrases"),
        ("phrases.1", 5, "plan.phrases[1]"),
        ("phrases.1.span_s", [0.0, 1.0], "plan.phrases"),
        ("phrases.1.confidence", "high", "plan.phrases[1].confidence"),
        ("phrases.0.speech_lufs", float("-inf"), "plan.phrases[0].speech_lufs"),
        ("cuts", 7, "plan.cuts"),
        ("cuts.0.span_s", [2.0, 1.0], "plan.cuts[0].span_s"),
        ("cuts.0.span_s", [1.0, 1.0], "plan.cuts[0].span_s"),
        ("cuts.0.span_s", [-0.1, 1.0], "plan.cuts[0].span_s"),
        ("cuts.0.span_s", [0.0, 10.1], "plan.cuts[0].span_s"),
        ("cuts.0.span_s", [0.0], "plan.cuts[0].span_s"),
        ("cuts.0.span_s", [0.0, 1.0, 2.0], "plan.cuts[0].span_s"),
        ("cuts.0.span_s", ["0", "1"], "plan.cuts[0].span_s"),
        ("cuts.0.span_s", "01", "plan.cuts[0].span_s"),
        ("cuts.0.span_s", {"0": 0, "1": 1}, "plan.cuts[0].span_s"),
        ("cuts.0.span_s", [False, True], "plan.cuts[0].span_s"),
        ("cuts.0.span_s", [0.0, float("nan")], "plan.cuts[0].span_s"),
        ("cuts.0.span_s", [0.0, float("inf")], "plan.cuts[0].span_s"),
        ("cuts.0.span_s", None, "plan.cuts[0].span_s"),
        ("cuts.0.span_s", [0.0, 4.0], "plan.cuts"),
        ("cuts.0.reason", 5, "plan.cuts[0].reason"),
        ("cuts.1.raeson", "typo", "plan.cuts[1].raeson"),
        ("dips.1.gain_db", 3.0, "plan.dips[1].gain_db"),
        ("dips.1.gain_db", "-6", "plan.dips[1].gain_db"),
        ("dips.1.gain_db", float("-inf"), "plan.dips[1].gain_db"),
        ("dips.1.span_s", [1.5, 4.0], "plan.dips"),
        ("tone_sources_s", 5, "plan.tone_sources_s"),
        ("tone_sources_s", "all", "plan.tone_sources_s"),
        ("tone_sources_s", [5], "plan.tone_sources_s"),
        ("tone_sources_s", [[9.0, 11.0]], "plan.tone_sources_s[0]"),
        ("floor_dbfs", None, "plan.floor_dbfs"),
        ("silent_channels", 4, "plan.silent_channels"),
        ("silent_channels", [1, 0], "plan.silent_channels[1]"),
        ("silent_channels", [1.5], "plan.silent_channels[0]"),
        ("silent_channels", ["LFE"], "plan.silent_channels[0]"),
        ("holes_s", None, "plan.holes_s"),
        ("holes_s", [[1.0, 2.0], [4.0, 3.0]], "plan.holes_s[1]"),
        ("level", -23.0, "plan.level"),
        ("level", {"target_lufs": -23.0}, "plan.level.ceiling_dbtp"),
        ("level.target_lufs", "loud", "plan.level.target_lufs"),
        ("level.taget_lufs", -23.0, "plan.level.taget_lufs"),
        ("shots.0.tone_sources_s", [[9.0, 11.0]], "plan.shots[0].tone_sources_s[0]"),
        ("shots.1.span_s", [0.5, 2.0], "plan.shots"),
        ("notes", 5, "plan.notes"),
        ("notes", "a note", "plan.notes"),
        ("notes", [5], "plan.notes[0]"),
        ("dipps", [], "plan.dipps"),
    ],
)
def test_a_malformed_edit_is_named_with_its_place(path: str, value: Any, place: str) -> None:
    with pytest.raises(PresetError) as caught:
        from_dict(edited(path, value))
    assert caught.value.message.startswith(place), caught.value.message
    assert len(caught.value.message) < 300
    assert caught.value.hint


@pytest.mark.parametrize("typo", ["dipps", "phrase", "floor_db"])
def test_an_unknown_entry_comes_with_the_nearest_known_one(typo: str) -> None:
    with pytest.raises(PresetError, match=r"did you mean \w+\?"):
        from_dict(edited(typo, []))


@pytest.mark.parametrize("data", [None, 5, "plan", [], [1, 2]])
def test_what_is_no_table_is_no_plan(data: Any) -> None:
    with pytest.raises(PresetError, match=r"^plan: expected a table"):
        from_dict(data)


def test_what_is_no_json_is_named_with_its_line() -> None:
    with pytest.raises(PresetError, match=r"not JSON: .* line 3"):
        from_json('{\n"version": 1,\n"rate_hz": }')


@pytest.mark.parametrize("key", ["phrases", "cuts", "dips"])
def test_the_order_of_edited_rows_does_not_matter(key: str) -> None:
    """The sound is rendered by search in sorted spans, so a row added at the end must find its place."""
    data = to_dict(PLAN)
    data[key] = data[key][::-1]
    assert from_dict(data) == PLAN


def test_reading_leaves_the_tables_alone() -> None:
    data = to_dict(PLAN)
    kept = json.dumps(data)
    from_dict(data)
    assert json.dumps(data) == kept


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=2)),
    max_leaves=6,
)
PLACES = [
    *to_dict(PLAN),
    "cuts.0",
    "cuts.0.span_s",
    "cuts.0.span_s.1",
    "dips.1.gain_db",
    "level.target_lufs",
    "holes_s.0",
]


@examples(deadline=None, max_examples=200)
@given(st.sampled_from(PLACES), json_values)
def test_whatever_is_put_in_there_is_a_plan_or_one_clear_error(place: str, value: Any) -> None:
    try:
        plan = from_dict(edited(place, value))
    except PresetError as error:
        plan, message = None, error.message
    else:
        message = "plan"
    assert message.startswith("plan")
    assert plan is None or from_json(to_json(plan)) == plan
