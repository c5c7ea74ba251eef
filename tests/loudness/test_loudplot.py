import re
from xml.etree import ElementTree

import numpy as np
import pytest

from mediaclean.loudness.delivery import Measured, load_spec, verdict
from mediaclean.loudness.kweight import lufs_to_power
from mediaclean.loudness.meter import Loudness, LoudnessSeries
from mediaclean.loudness.plot import loudness_svg

SPACE = "{http://www.w3.org/2000/svg}"


def series(seconds=60, loud=(20, 25), level=-23.0, peak=-14.0):
    powers = np.full(seconds * 10, lufs_to_power(level))
    powers[loud[0] * 10 : loud[1] * 10] = lufs_to_power(peak)
    return LoudnessSeries(powers)


def parts(svg, kind):
    return [node for node in ElementTree.fromstring(svg).iter() if node.get("class") == kind]


def results(name="ebu-r128-s1", **values):
    figures = {"integrated_lufs": -23.0, "momentary_max_lufs": -14.0, "short_term_max_lufs": -14.0, "range_lu": 5.0}
    figures |= {"true_peak_dbtp": -3.0, "sample_peak_dbfs": -3.0, "duration_s": 60.0} | values
    return verdict(load_spec(name), Measured(Loudness(**figures), 2)).rules


def test_the_curves_have_a_point_for_every_window():
    svg = loudness_svg(series())
    assert [len(parts(svg, kind)[0].get("points").split()) for kind in ("momentary", "short")] == [597, 571]


def test_a_louder_moment_lies_higher():
    points = [tuple(map(float, p.split(","))) for p in parts(loudness_svg(series()), "short")[0].get("points").split()]
    heights = dict(points)
    xs = sorted(heights)
    assert heights[xs[200]] < heights[xs[50]]


def test_moments_over_a_failed_limit_are_marked_where_they_are():
    fields = parts(loudness_svg(series(), results=results()), "over")
    assert len(fields) == 2
    short = next(f for f in fields if "short-term" in f.find(f"{SPACE}title").text)
    # the first window over -18 holds 1.2 s of the loud stretch, so it begins 1.8 s ahead of it
    left = (float(short.get("x")) - 52) / (1000 - 52 - 16) * 60
    assert 17 <= left <= 20


def test_what_passes_is_not_marked():
    svg = loudness_svg(series(peak=-22), results=results(short_term_max_lufs=-22.0, momentary_max_lufs=-22.0))
    assert parts(svg, "over") == []
    assert "all rules pass" in svg


def test_speech_targets_and_peaks_are_drawn():
    loud = results("ebu-r128", true_peak_dbtp=0.5)
    svg = loudness_svg(series(), title="a & b <c>.mov", speech=[(1, 5), (10, 12)], results=loud, true_peak_at_s=21)
    assert len(parts(svg, "target")) == 1
    assert len(parts(svg, "band")) == 1
    assert len(parts(svg, "speech")) == 2 + 1  # and the legend's
    assert any("true peak" in (n.text or "") for n in ElementTree.fromstring(svg).iter(f"{SPACE}title"))
    assert "a &amp; b &lt;c&gt;.mov" in svg
    assert "prefers-color-scheme:dark" in svg


@pytest.mark.parametrize("seconds", [0, 0.1, 2, 4 * 3600])
def test_any_length_gives_a_small_picture(seconds):
    rng = np.random.default_rng(0)
    svg = loudness_svg(LoudnessSeries(lufs_to_power(rng.uniform(-40, -15, int(seconds * 10)))), title="x")
    ElementTree.fromstring(svg)
    assert len(svg) < 120_000
    assert len(re.findall("<text", svg)) < 40


def test_a_long_file_keeps_its_extremes():
    powers = np.full(36000, lufs_to_power(-30.0))
    powers[20000:20004] = lufs_to_power(-10.0)
    points = parts(loudness_svg(LoudnessSeries(powers)), "momentary")[0].get("points").split()
    heights = [float(p.split(",")[1]) for p in points]
    assert min(heights) < np.median(heights) - 80
