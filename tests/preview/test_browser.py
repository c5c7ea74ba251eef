"""The page in a real browser: it opens from disk, plays, and switches at the same place."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preview.browser import CHROMIUM, ask, dump
from preview.conftest import HOSTILE, Shown

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium or google-chrome")

PLAY = """
  const { views, audio } = mediacleanPreview;
  const player = views[0].player;
  const wait = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));
  const stroke = (key) => new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
  const press = (key) => document.body.dispatchEvent(stroke(key));
  const buffers = await player.load();
  press("1");
  press(" ");
  while (!player.playing) await wait(0.05);
  const tap = audio().createAnalyser();
  tap.fftSize = 32768;
  player.output.connect(tap);
  const wall = audio().currentTime - player.position();
  const heard = [];
  for (const key of ["1", "3", "5", "4", "1"]) {
    press(key);
    await wait(1.0);
    const sound = new Float32Array(tap.fftSize);
    tap.getFloatTimeDomainData(sound);
    const position = player.position();
    heard.push({ key, position, drift: audio().currentTime - position - wall, sound: Array.from(sound) });
  }
  const before = player.position();
  press("ArrowLeft");
  const back = player.position();
  while (!player.playing) await wait(0.02);
  press(" ");
  const paused = player.playing;
  press("ArrowRight");
  const on = player.position();
  return {
    rate: audio().sampleRate, lengths: buffers.map((buffer) => buffer.length), heard, before, back, paused, on,
    clips: player.passage.versions.map((version) => version.clip),
    channels: buffers.map((buffer) => [0, 1].map((c) => Array.from(buffer.getChannelData(c)))),
    live: document.getElementById("live").textContent,
  };
"""


@pytest.fixture(scope="module")
def played(shown: Shown, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found = ask(shown.page, PLAY, tmp_path_factory.mktemp("asked"))
    assert "fault" not in found, found["fault"]
    return found


def test_nothing_goes_wrong(played: dict[str, Any]) -> None:
    assert played["faults"] == []


def test_all_versions_have_one_length(played: dict[str, Any]) -> None:
    assert len(set(played["lengths"])) == 1
    assert abs(played["lengths"][0] / played["rate"] - 8.0) < 0.001


def test_switching_keeps_the_place_to_the_sample(played: dict[str, Any]) -> None:
    """What comes out is found in the version that was chosen, always as far from the clock's place."""
    places = []
    for moment in played["heard"]:
        version = played["clips"][int(moment["key"]) - 1]
        out = np.array(moment["sound"])
        whole = np.mean(played["channels"][version], axis=0)
        size = 1 << int(np.ceil(np.log2(whole.size + out.size)))
        match = np.fft.irfft(np.fft.rfft(whole, size) * np.conj(np.fft.rfft(out, size)), size)[: whole.size]
        start = int(np.argmax(match))
        np.testing.assert_allclose(out, whole[start : start + out.size], atol=2e-3, err_msg=moment["key"])
        places.append(start + out.size - moment["position"] * played["rate"])
        assert abs(moment["drift"]) < 0.03
    assert np.ptp(places) < 0.05 * played["rate"], "the same lag for every version, within the clock's step"


def test_keys_seek_and_pause(played: dict[str, Any]) -> None:
    assert abs(played["before"] - 2.0 - played["back"]) < 0.1
    assert played["paused"] is False
    assert abs(played["on"] - played["back"] - 2.0) < 0.5
    assert played["live"] == "Original"


def test_it_opens_with_its_policy_and_says_what_it_has(shown: Shown) -> None:
    document = dump(shown.page)
    (heading,) = re.findall(r'<h1 id="source">(.*?)</h1>', document, re.DOTALL)
    assert unescape(heading) == HOSTILE
    drawn = document[: document.index('<template id="passage"')]
    assert drawn.count("<section") == 3
    for mark in ('role="slider"', 'aria-valuetext="', 'role="group"', 'aria-pressed="true"', 'aria-label="Play"'):
        assert drawn.count(mark) >= 3, mark
    assert 'aria-live="polite"' in document


MARKS = """
  const { views } = mediacleanPreview;
  const live = document.getElementById("live");
  const seen = views.map(({ root, player, passage }) => passage.versions.map((version, at) => {
    root.querySelectorAll(".versions button")[at].click();
    const lane = root.querySelector(".marked .spans").getBoundingClientRect();
    const list = root.querySelector(".ledger ol");
    return {
      name: version.name, said: live.textContent, hidden: list.hidden || !list.checkVisibility(),
      group: document.getElementById(root.querySelector(".ledger").getAttribute("aria-labelledby")).textContent,
      places: [...root.querySelectorAll(".marked i")].map((mark) => mark.getBoundingClientRect())
        .filter((box) => box.width >= 4 && box.height >= 4).map((box) => (box.left - lane.left) / lane.width),
      lines: [...list.querySelectorAll("li")].map((line) => line.textContent),
    };
  }));
  const marked = views.find(({ passage }) => passage.versions.some(({ marks }) => marks.length));
  const at = marked.passage.versions.findIndex(({ marks }) => marks.length);
  marked.root.querySelectorAll(".versions button")[at].click();
  const button = marked.root.querySelector(".ledger ol button");
  button.focus();
  const focused = document.activeElement === button;
  const space = new KeyboardEvent("keydown", { key: " ", bubbles: true, cancelable: true });
  button.dispatchEvent(space);
  button.click();
  const mark = marked.passage.versions[at].marks[0];
  return { seen, focused, kept: !space.defaultPrevented, position: marked.player.position(),
    place: mark.at * marked.passage.length_s, still: document.activeElement === button };
"""


def test_the_marks_are_drawn_and_read_for_every_version(shown: Shown, tmp_path: Path) -> None:
    found = ask(shown.page, MARKS, tmp_path)
    assert "fault" not in found, found
    assert found["faults"] == []
    for passage, versions in zip(shown.data["passages"], found["seen"], strict=True):
        for version, seen in zip(passage["versions"], versions, strict=True):
            marks = version["marks"]
            assert seen["places"] == pytest.approx([mark["at"] for mark in marks], abs=0.008)
            assert seen["hidden"] is (not marks)
            assert len(seen["lines"]) == len(marks)
            for line, mark in zip(seen["lines"], marks, strict=True):
                tenths = int(mark["start_s"] * 10 + 1e-6)
                assert line.startswith(f"{tenths // 600}:{tenths % 600 / 10:04.1f} {mark['what']} ")
                assert mark["detail"] in line
            counted = f"{len(marks)} {'artefact' if len(marks) == 1 else 'artefacts'}"
            assert seen["group"].startswith(counted if marks else "No artefacts")
            assert (counted in seen["said"]) is bool(marks)
        assert versions[0]["name"] == "original"
        assert not versions[0]["lines"]


def test_a_mark_is_gone_to_with_the_keyboard(shown: Shown, tmp_path: Path) -> None:
    found = ask(shown.page, MARKS, tmp_path)
    assert found["focused"]
    assert found["still"], "the list is not built anew under the finger"
    assert found["kept"], "the space bar is the button's own"
    assert found["position"] == pytest.approx(max(0.0, found["place"] - 0.5), abs=0.01)


@pytest.mark.parametrize("width", [360, 1200])
def test_it_fits_a_phone_and_a_desk(shown: Shown, width: int, tmp_path: Path) -> None:
    """Asked in a frame of that width: nothing sticks out sideways, and every control is large enough for a finger."""
    script = f"""
      const frame = document.createElement("iframe");
      frame.style.cssText = "width:{width}px;height:800px;border:0";
      const source = new DOMParser().parseFromString(document.documentElement.outerHTML, "text/html");
      source.getElementById("passages").replaceChildren();
      source.body.lastElementChild.remove();
      document.body.append(frame);
      const loaded = new Promise((done) => {{ frame.onload = done; }});
      frame.srcdoc = "<!doctype html>" + source.documentElement.outerHTML;
      await loaded;
      const page = frame.contentDocument;
      for (const {{ player, passage }} of frame.contentWindow.mediacleanPreview.views) {{
        player.choose(Math.max(1, passage.versions.findIndex((version) => version.marks.length)));
      }}
      const all = [...page.querySelectorAll("button")];
      const heights = all.map((button) => button.getBoundingClientRect().height).filter((height) => height > 0);
      const marks = page.querySelectorAll(".ledger ol button").length;
      return {{ wide: page.documentElement.scrollWidth, least: Math.min(...heights), count: all.length, marks }};
    """
    found = ask(shown.page, script, tmp_path)
    assert "fault" not in found, found
    assert found["wide"] <= width
    assert found["marks"] > 0, "so that their list is looked at, too"
    assert found["count"] - found["marks"] == 3 * (1 + 6 + 1), "play, six versions, copy; for each of three passages"
    assert found["least"] >= 40
