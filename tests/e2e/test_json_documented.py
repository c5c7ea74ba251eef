"""docs/json.md against what the commands write: no key without a word on it, and no word on a key that is not there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.conftest import Cli
from e2e.making import film
from mediaclean.audio import Span
from mediaclean.plan.as_json import to_dict
from mediaclean.plan.make import Cut, Level, Phrase, Plan, PlannedDip
from mediaclean.polish.records import VoiceGain
from mediaclean.repair.records import HumLine, Repair, Repairs
from mediaclean.roomtone.shots import ShotTone

PAGE = Path(__file__).parents[2] / "docs" / "json.md"
OPEN = {"preset", "settings", "versions", "timings_s", "counts", "options", "verdicts", "costs"}
"""Tables whose names come from elsewhere."""
ELSEWHERE = {
    "loudness": "Loudness", "before": "Loudness", "after": "Loudness", "plan": "Plan", "verdict": "Verdict",
    "receipt": "Receipt",
}  # fmt: skip
"""Tables that have a section of their own."""


def documented(title: str) -> set[str]:
    """The paths in the tables right under a heading."""
    text = PAGE.read_text(encoding="utf-8")
    section = re.search(rf"^##+ {re.escape(title)}\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    assert section, f"no heading {title}"
    rows = re.findall(r"^\| (`.*?) \|", section[1], re.MULTILINE)
    return {path for row in rows for path in re.findall(r"`([^`]+)`", row)}


def paths(value: Any, at: str = "") -> Iterator[str]:
    """Every path in a value down to its leaves, as the page writes them; a section of its own ends one."""
    name = at.rsplit(".", 1)[-1]
    if name in ELSEWHERE:
        yield at
    elif isinstance(value, dict):
        for key, inner in value.items():
            below = f"{at}.{key}" if at else key
            yield from paths(inner, f"{at}.…" if name in OPEN else below)
    elif isinstance(value, list):
        rows = [row for row in value if isinstance(row, dict)]
        for row in rows:
            yield from paths(row, f"{at}[]")
        if not rows:
            yield f"{at}[]"
    else:
        yield at


def is_told(path: str, page: set[str]) -> bool:
    """Whether the page has a path, or the table above it as one whose rows come from elsewhere; a list or a table that
    happens to be empty or null here is told by what the page has below it."""
    plain = path.removesuffix("[]")
    above = [".".join(path.split(".")[:depth]) for depth in range(1, path.count(".") + 1)]
    return (
        path in page
        or plain in page
        or any(told.startswith((f"{plain}.", f"{plain}[]")) for told in page)
        or any(f"{table}.…" in page for table in above)
    )


def missing(value: Any, title: str) -> list[str]:
    """Paths of a value that the page does not have under a heading."""
    page = documented(title)
    return sorted({path for path in paths(value) if not is_told(path, page)})


def unknown(value: dict[str, Any], title: str, rare: frozenset[str] = frozenset()) -> list[str]:
    """First names on the page that a value does not have, but for those that only some have."""
    return sorted({re.split(r"[.\[]", path)[0] for path in documented(title)} - value.keys() - rare)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("talk") / "talk.mkv", seconds=8.0, music_db=-3.0)


def line(events: list[dict[str, Any]], event: str) -> dict[str, Any]:
    """The first line of a kind, without its kind."""
    found = next(dict(each) for each in events if each["event"] == event)
    del found["event"]
    return found


def test_report_plan_and_record(tmp_path: Path, cli: Cli, talk: Path) -> None:
    target = tmp_path / "out.mkv"
    words = ["--engine", "dialogue", "--mode", "auto", "--spec", "ebu-r128", "--record", "--json"]
    ran = cli("clean", talk, "-o", target, *words)
    report = line(ran.events, "report")
    assert not missing(report, "Report")
    assert not unknown(report, "Report")
    assert report["plan"]["cuts"], "nothing was separated: most of the plan is empty"
    assert not missing(report["plan"], "Plan")
    assert not unknown(report["plan"], "Plan", frozenset({"preset", "silent_channels", "mended"}))
    assert not missing(report["after"], "Loudness")
    assert not unknown(report["after"], "Loudness")
    assert not missing({key: value for key, value in report["verdict"].items() if key != "spec"}, "Verdict")
    assert not missing(report["receipt"], "Receipt")
    assert not unknown(report["receipt"], "Receipt")
    record = json.loads((tmp_path / "out.changes.json").read_text())
    assert not missing(record, "Change record")
    assert not unknown(record, "Change record")
    assert not missing(line(ran.events, "progress"), "progress")
    receipt = line(cli("verify", talk, target, "--json").events, "receipt")
    assert not missing(receipt, "Receipt")


def test_a_plan_with_every_kind_of_row() -> None:
    span = Span(0, 48_000)
    plan = Plan(
        rate=48_000,
        length=96_000,
        phrases=(Phrase(span, 1.0, -23.0, -40.0),),
        cuts=(Cut(span, ""),),
        dips=(PlannedDip(span, -6.0, "", lighter_db=3.0, engine="demucs"),),
        tone_sources=(span,),
        floor_dbfs=-60.0,
        silent_channels=(1,),
        holes=(span,),
        level=Level(-23.0, -1.0),
        notes=("",),
        shots=(ShotTone(span, (span,)),),
        repairs=Repairs((Repair(span, "declick", 1.0, ""),), (HumLine(50.0, 30.0, ""),)),
        voice_gains=(VoiceGain(span, -3.0, "breath", ""),),
        mended=True,
    )
    written = to_dict(plan)
    assert not missing(written, "Plan")
    assert not unknown(written, "Plan", frozenset({"preset"}))


def test_other_commands(tmp_path: Path, cli: Cli, talk: Path) -> None:
    analysis = line(cli("analyze", talk, "--json").events, "analysis")
    own = {key: value for key, value in analysis.items() if key != "phrases"}
    assert not missing(own, "analysis")
    assert not unknown(analysis, "analysis")
    assert not missing({"choices": analysis["phrases"]}, "Plan")
    measured = line(cli("measure", talk, "--spec", "acx", "--json").events, "measurement")
    assert not missing(measured, "measurement")
    assert not unknown(measured, "measurement")
    words = ["--engine", "none", "--doses", "leave,duck", "--seconds", "5", "-o", tmp_path / "page.html", "--json"]
    shown = line(cli("preview", talk, *words).events, "preview")
    assert not missing(shown, "preview")
    assert not unknown(shown, "preview")
    made = line(cli("dialogue", talk, "-o", tmp_path / "talk", "--engine", "none", "--json").events, "dialogue")
    assert not unknown(made, "dialogue")
    spans = json.loads((tmp_path / "talk.dialogue.json").read_text())
    assert not missing(spans, "Dialogue spans")
    assert not unknown(spans, "Dialogue spans")
    assert {row["text"] for row in made["cues"]} == {row["text"] for row in spans["cues"]}


def test_short_lines(cli: Cli, tmp_path: Path) -> None:
    failed = line(cli("clean", tmp_path / "none.mp4", "--json").events, "error")
    assert not missing(failed, "error")
    assert not unknown(failed, "error", frozenset({"source"}))
    rest = "plan, model, fetched, finding"
    assert not missing(line(cli("models", "--json").events, "model"), rest)
    assert not missing(line(cli("doctor", "--json").events, "finding"), rest)


def test_every_event_has_a_row() -> None:
    said = {
        event
        for module in (Path(__file__).parents[2] / "mediaclean" / "cli").glob("*.py")
        for event in re.findall(r'emit\(\s*"(\w+)"', module.read_text(encoding="utf-8"))
    }
    assert said
    assert said == documented("Lines of `--json`")
