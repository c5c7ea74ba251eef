"""A span done again: inside it the new settings, outside of it not a bit moves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from e2e.conftest import Cli

from changes.conftest import HALF, RATE, Made, Sound, read
from mediaclean import CleanOptions, PresetError, clean
from mediaclean.preset import override
from mediaclean.report import to_report_json
from mediaclean.result.base import load_base
from mediaclean.run import Delivery, deliver

FADE = round(0.02 * RATE)
SPAN = slice(8 * RATE, 10 * RATE)


def differs(old: Sound, new: Sound) -> tuple[int, int]:
    """The first sample that is another one, and the one after the last."""
    at = np.flatnonzero((old != new).any(axis=0))
    return int(at[0]), int(at[-1]) + 1


def test_outside_the_span_every_bit_stays_and_inside_it_is_the_full_run(made: Made, again: Callable) -> None:
    """The full run at the level of the old result, which is kept."""
    report, sound = again("duck.mode=remove", only=("0:08-0:10",), name="only.wav")
    full_report, full = again("duck.mode=remove", name="full.wav")
    old = read(made.target)
    first, stop = differs(old, sound)
    assert SPAN.start - FADE <= first < SPAN.start
    assert SPAN.stop < stop <= SPAN.stop + FADE
    assert made.report.level is not None
    assert full_report.level is not None
    gain = 10 ** ((made.report.level.exact_db - full_report.level.exact_db) / 20)
    assert np.abs(sound[:, SPAN] - gain * full[:, SPAN]).max() <= 3 * 2.0**-23
    assert report.level is not None
    assert report.level.exact_db == made.report.level.exact_db
    assert report.plan == made.report.plan
    assert [patch.preset.duck.mode for patch in report.patches if patch.preset.duck] == ["remove"]
    inside = [change for change in report.changes if change.span.start >= SPAN.start and change.span.stop <= SPAN.stop]
    assert not inside, "one change over the whole span"
    assert {row.amount_db for row in report.changes if row.span.overlaps(report.patches[0].spans[0])} == {-18.0}


def test_spans_one_after_another(made: Made, again: Callable, tmp_path: Path) -> None:
    """The second leaves the first as it is; the same settings as ever change nothing at all."""
    _, first = again("duck.mode=remove", only=("8-10",), name="first.wav")
    report, second = again("duck.target_lu=20", only=("11-11.5",), start=tmp_path / "first.wav", name="second.wav")
    low, high = differs(first, second)
    assert 11 * RATE - FADE <= low < high <= round(11.5 * RATE) + FADE
    assert len(report.patches) == 2
    _, third = again("duck.bridge_s=1.5", only=("9-11.2",), name="third.wav")
    assert np.array_equal(third, read(made.target))


def test_a_report_is_enough_and_the_network_says_the_same_again(made: Made, again: Callable, tmp_path: Path) -> None:
    """Without stems the voice is separated anew; the samples are those that the stems give."""
    _, with_stems = again("duck.mode=remove", only=("8-10",), name="stems.wav")
    file = tmp_path / "report.json"
    file.write_text(to_report_json(made.report), encoding="utf-8")
    base = load_base(file, made.source)
    assert base.stems is None
    options = CleanOptions(base=base, only=("8-10",), engine=HALF)
    preset = override(base.preset, ["duck.mode=remove"])
    deliver(base.source, [Delivery(tmp_path / "plain.wav")], preset, options)
    assert np.array_equal(read(tmp_path / "plain.wav"), with_stems)
    assert not (tmp_path / "plain.stems").exists()
    with pytest.raises(PresetError, match="the stems lie beside its result") as caught:
        deliver(base.source, [Delivery(tmp_path / "whole.wav")], preset, CleanOptions(base=base, engine=HALF))
    assert f"mediaclean remix {made.target}" in caught.value.hint
    alone = replace(base, target=tmp_path / "elsewhere.wav")
    with pytest.raises(PresetError, match="no stems") as caught:
        deliver(base.source, [Delivery(tmp_path / "whole.wav")], preset, CleanOptions(base=alone, engine=HALF))
    assert "--residual" in caught.value.hint


def test_where_nothing_was_done_a_span_can_still_be(made: Made, tmp_path: Path) -> None:
    """A result that is a copy of its source: only the span is separated, and all else stays the source."""
    untouched = override(made.preset, ["duck.mode=leave", "room_tone=off", "loudness=off"])
    report = clean(made.source, tmp_path / "copy.wav", untouched, CleanOptions(engine=HALF))
    assert report.copied
    file = tmp_path / "copy.json"
    file.write_text(to_report_json(report), encoding="utf-8")
    base = load_base(file)
    options = CleanOptions(base=base, only=("8-10",), engine=HALF)
    (done,) = deliver(
        base.source, [Delivery(tmp_path / "out.wav")], override(base.preset, ["duck.mode=remove"]), options
    )
    assert not done.copied
    low, high = differs(read(made.source), read(tmp_path / "out.wav"))
    assert 8 * RATE - FADE <= low < high <= 10 * RATE + FADE


def test_the_command_and_what_it_refuses(made: Made, cli: Cli, tmp_path: Path) -> None:
    common = ("--engine", "none", "--source", made.source)
    out = tmp_path / "out.wav"
    ran = cli(
        "remix", made.stems, "--only", "00:00:08-00:00:10", "--set", "duck.floor_db=-9", *common, "-o", out, "--json"
    )
    assert ran.code == 0, ran.out
    done = ran.events[-1]
    assert done["patches"][0]["spans_s"] == [[8.0, 10.0]]
    assert done["level"]["reason"].startswith("The level stays")
    assert json.loads((tmp_path / "out.stems" / "stems.json").read_text())["report"]["patches"] == done["patches"]
    for wrong in (["--only", "10-8", "--dose", "remove"], ["--only", "8-10", "--spec", "ebu-r128"], ["--only", "8-10"]):
        refused = cli("remix", made.stems, *wrong, *common, "-o", tmp_path / "no.wav")
        assert refused.code == 2
        assert "try:" in refused.err
    assert not (tmp_path / "no.wav").exists()


def test_another_engine_has_nothing_to_do_where_the_stems_have_the_voice(made: Made, cli: Cli, tmp_path: Path) -> None:
    for number, words in enumerate((("--only", "8-10"), ())):
        out = tmp_path / f"{number}.wav"
        ran = cli("remix", made.stems, *words, "--dose", "remove", "--engine", "dialogue", "-o", out, "--json")
        assert ran.code == 0, ran.err
        assert any(
            "the voice in the stems is by fake:half, not by dialogue" in note for note in ran.events[-1]["notes"]
        )
