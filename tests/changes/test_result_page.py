"""The page of a result: what is on it is so, and in a real browser it plays, jumps and fits."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from preview.browser import CHROMIUM, ask, dump
from preview.making import decoded, page_data

from changes.conftest import HALF
from mediaclean import CleanOptions, clean, load_preset
from mediaclean.audio import Span
from mediaclean.ledger import WORDS, Ledger, Repair
from mediaclean.loudness.meter import measure
from mediaclean.page.pictures import Overview, spectrogram, waveform
from mediaclean.report import Report
from mediaclean.result.tables import tables

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium or google-chrome")


@dataclass(frozen=True)
class Paged:
    page: Path
    report: Report

    @property
    def data(self) -> dict[str, Any]:
        return page_data(self.page.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def whole(spoken: Path, tmp_path_factory: pytest.TempPathFactory) -> Paged:
    folder = tmp_path_factory.mktemp("whole")
    target = folder / "<b>&$title.wav"
    preset = load_preset("podcast", ["phrases=off", "ledger=off"])
    report = clean(spoken, target, preset, CleanOptions(engine=HALF, page=True))
    return Paged(folder / "<b>&$title.html", report)


@pytest.fixture(scope="module")
def longer(spoken: Path, tmp_path_factory: pytest.TempPathFactory) -> Paged:
    """As if eighteen seconds were too long to be heard whole."""
    folder = tmp_path_factory.mktemp("longer")
    with pytest.MonkeyPatch.context() as patching:
        for name, value in (("WHOLE_S", 12.0), ("FIRST_S", 5.0), ("HARDEST_S", 4.0)):
            patching.setattr(f"mediaclean.result.page.{name}", value)
        preset = load_preset("documentary", ["ledger=on"])
        report = clean(spoken, folder / "talk.clean.opus", preset, CleanOptions(engine=HALF, page=True))
    return Paged(folder / "talk.clean.html", report)


@pytest.mark.parametrize("length", [700, 50_000, 123_457])
def test_an_overview_is_what_the_whole_would_give(length: int) -> None:
    rng = np.random.default_rng(length)
    sound = (0.3 * rng.normal(size=(2, length)) * np.linspace(0, 1, length)).astype(np.float32)
    view, start = Overview(length, 48_000), 0
    while start < length:
        size = int(rng.integers(1, 9_000))
        view.add(sound[:, start : start + size])
        start += size
    wave, shades = view.finish()
    if length > 720:  # shorter than a column each, and a waveform repeats samples
        assert np.array_equal(
            wave, np.stack([np.minimum(waveform(sound)[:, 0], 0), np.maximum(waveform(sound)[:, 1], 0)], 1)
        )
    assert np.abs(shades.astype(int) - spectrogram(sound, 48_000)).max() <= 1


def test_a_short_recording_is_heard_whole_at_equal_loudness(whole: Paged) -> None:
    data = whole.data
    assert data["overview"] is None
    (passage,) = data["passages"]
    assert (passage["start_s"], passage["length_s"]) == (0.0, 18.0)
    assert [version["name"] for version in passage["versions"]] == ["original", "result"]
    heard = []
    for clip in passage["clips"]:
        sound, rate = decoded(clip)
        assert abs(sound.shape[1] / rate - 18.0) < 0.001
        heard.append(measure([sound], rate, "stereo").integrated_lufs or 0.0)
    assert abs(heard[0] - heard[1]) <= 0.3
    assert min(passage["versions"][1]["curve_db"]) == -26.0
    assert passage["versions"][0]["curve_db"] == []


def test_its_tables_are_the_report_s(whole: Paged) -> None:
    data, report = whole.data, whole.report
    assert [(row["start_s"], row["amount_db"], row["detail"]) for row in data["changes"]] == [
        (change.to_json(48_000)["start_s"], change.amount_db, change.detail) for change in report.changes
    ]
    assert len(data["changes"]) >= 1
    figures = {name: (before, after) for name, before, after in data["level"]}
    assert figures["integrated"][1] == f"{report.after.integrated_lufs:.1f} LUFS".replace("-", "−")
    assert data["verdict"] is None
    assert (data["marks"], data["marks_about"]) == ([], ""), "nothing was judged, so nothing is said"


def test_it_says_which_passages_were_done_again_and_how(whole: Paged) -> None:
    spans = [Span(48_000 * second, 48_000 * (second + 1)) for second in range(4)]
    repairs = (
        Repair(spans[0], 3.0, 2.0, 1.0),
        Repair(spans[1], 0.0, 2.0, 1.0, "htdemucs 955717e8"),
        Repair(spans[2], 0.0, 2.0, 1.0, "htdemucs 955717e8"),
        Repair(spans[3], 0.0, 2.0, 2.0),
    )
    report = replace(whole.report, ledger=Ledger(48_000, (), repairs))
    assert tables(report)["marks_about"] == (
        "None found in the result. 1 passage was done again, lighter. 2 passages were separated again by htdemucs."
    )


def test_a_longer_one_is_seen_whole_and_heard_in_part(longer: Paged) -> None:
    data = longer.data
    assert data["passages"][0]["reason"] == "the first minute"
    starts = [passage["start_s"] for passage in data["passages"]]
    assert len(starts) >= 2
    assert starts == sorted(starts)
    assert "the first minute and the hardest" in data["included"]
    assert data["overview"]["changed"]
    assert longer.report.ledger is not None
    marks = longer.report.ledger.marks
    assert marks, "or nothing below is looked at"
    assert [(row["start_s"], row["what"]) for row in data["marks"]] == [
        (round(mark.span.start / 48_000, 3), WORDS[mark.kind]) for mark in marks
    ]
    assert len(data["overview"]["marks"]) == len(marks)
    assert f"{len(marks)} artefact" in data["overview"]["about"]
    for passage in data["passages"]:
        first, last = passage["start_s"], passage["start_s"] + passage["length_s"]
        inside = [m for m in marks if m.span.start / 48_000 < last and m.span.stop / 48_000 > first]
        original, result = passage["versions"]
        assert (original["marks"], original["marks_in_all"]) == ([], None)
        assert result["marks_in_all"] == len(result["marks"]) == len(inside)
        assert all(0.0 <= mark["at"] < mark["to"] <= 1.0 for mark in result["marks"])
    assert longer.page.stat().st_size < 6_000_000


LOOK = """
  const { views, audio } = mediacleanPreview;
  const wait = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));
  const stroke = (key) => new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
  const press = (key) => document.body.dispatchEvent(stroke(key));
  const chosen = () => views[0].root.querySelector('[aria-pressed="true"]').textContent;
  const first = chosen();
  press("1");
  const second = chosen();
  const jump = document.querySelector("#changes button");
  jump.click();
  while (!views.some((view) => view.player.playing)) await wait(0.05);
  const view = views.find((each) => each.player.playing);
  const from = view.passage.start_s + view.player.position();
  await wait(0.4);
  const later = view.passage.start_s + view.player.position();
  press("2");
  const gains = view.player.voices.length;
  press(" ");
  const inked = [...document.querySelectorAll("canvas")].filter((canvas) => {
    if (!canvas.width || !canvas.checkVisibility()) return false;
    return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0);
  }).length;
  return {
    first, second, from, later, gains, inked, label: jump.getAttribute("aria-label"),
    playing: views.some((each) => each.player.playing),
    rows: document.querySelectorAll("#changes tbody tr").length,
    marked: document.querySelectorAll("#overview .marked i").length,
    listed: [...document.querySelectorAll("#marks tbody tr")].map((line) => line.cells[2].textContent),
    judged: views.map(({ root, player }) => {
      player.choose(1);
      return root.querySelector(".ledger").textContent;
    }),
    lines: document.querySelectorAll(".passage .ledger li").length,
    headed: [...document.querySelectorAll("table")].every((table) => table.tHead.rows[0].cells[0].scope === "col"),
    named: [...document.querySelectorAll("button, [role], section:not([hidden])")].every((node) =>
      node.textContent.trim() || node.getAttribute("aria-label") || node.getAttribute("aria-labelledby")),
    overview: document.getElementById("whole").hidden,
  };
"""


@needs_browser
@pytest.mark.parametrize("name", ["whole", "longer"])
def test_it_plays_switches_and_jumps_to_a_change(request: pytest.FixtureRequest, name: str, tmp_path: Path) -> None:
    paged: Paged = request.getfixturevalue(name)
    found = ask(paged.page, LOOK, tmp_path)
    assert "fault" not in found, found
    assert found["faults"] == []
    assert (found["first"], found["second"]) == ("2Result", "1Original")
    change = next(c for c in paged.data["changes"] if found["label"].endswith(clock(c["start_s"])))
    assert abs(found["from"] - change["start_s"]) < 0.8
    assert 0.1 < found["later"] - found["from"] < 2.0
    assert found["gains"] == 2, "both versions run at once"
    assert not found["playing"]
    assert found["rows"] == len(paged.data["changes"])
    assert found["listed"] == [mark["what"] for mark in paged.data["marks"]]
    assert found["marked"] == (len(paged.data["marks"]) if name == "longer" else 0)
    assert found["lines"] == sum(len(p["versions"][1]["marks"]) for p in paged.data["passages"])
    assert ("Not judged" in found["judged"][0]) is (name == "whole")
    assert found["headed"]
    assert found["named"]
    assert found["overview"] is (name == "whole")
    assert found["inked"] == 4 * len(paged.data["passages"]) + (4 if name == "longer" else 0)


def clock(seconds: float) -> str:
    tenths = int(seconds * 10 + 1e-6)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"


@needs_browser
def test_it_opens_with_its_policy_and_any_name(whole: Paged) -> None:
    document = dump(whole.page)
    (heading,) = re.findall(r'<h1 id="source">(.*?)</h1>', document, re.DOTALL)
    assert unescape(heading) == "<b>&$title.wav"
    assert document.count("<tr>") > 6, "the tables were filled, so the policy let the script run"
    assert "://" not in re.sub(r'<script type="application/json".*?</script>', "", document, flags=re.DOTALL)


@needs_browser
@pytest.mark.parametrize("width", [360, 1200])
def test_it_fits_a_phone_and_a_desk(longer: Paged, width: int, tmp_path: Path) -> None:
    script = f"""
      const frame = document.createElement("iframe");
      frame.style.cssText = "width:{width}px;height:800px;border:0";
      const source = new DOMParser().parseFromString(document.documentElement.outerHTML, "text/html");
      source.body.lastElementChild.remove();
      document.body.append(frame);
      const loaded = new Promise((done) => {{ frame.onload = done; }});
      for (const script of source.querySelectorAll("script")) script.remove();
      frame.srcdoc = "<!doctype html>" + source.documentElement.outerHTML;
      await loaded;
      const page = frame.contentDocument;
      const shown = [...page.querySelectorAll("button")].filter((button) => button.getBoundingClientRect().height);
      return {{ wide: page.documentElement.scrollWidth,
        least: Math.min(...shown.map((button) => button.getBoundingClientRect().height)), count: shown.length }};
    """
    found = ask(longer.page, script, tmp_path)
    assert "fault" not in found, found
    assert found["wide"] <= width
    assert found["count"] > 6
    assert found["least"] >= 40
