"""The page: one file that loads nothing, says any name as it is, and plays every version equally loud."""

from __future__ import annotations

import re
import shlex
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from mediaclean.loudness.meter import measure
from mediaclean.page import fill
from mediaclean.page.pictures import BANDS, COLUMNS, spectrogram, waveform
from mediaclean.preview import CEILING_DBTP, level
from preview.conftest import HOSTILE, Shown
from preview.making import RATE, decoded

PAGE = Path(__file__).parents[2] / "mediaclean" / "page"


def test_the_worst_place_comes_first(shown: Shown) -> None:
    starts = [passage["start_s"] for passage in shown.data["passages"]]
    assert len(starts) == 3
    assert abs(starts[0] - 24.0) <= 2.0, "the music is loudest in the fourth part"


def test_it_is_one_file_that_names_no_other(shown: Shown) -> None:
    text = shown.text
    assert not re.findall(r"(?:https?:)?//(?!www\.w3\.org/)[\w.-]+\.\w{2,}", re.sub(r"base64,[^\"]*", "", text))
    assert not re.findall(r"<(?:link|img|iframe|script[^>]+src|audio|video|object|embed)\b", text)
    assert not re.findall(r"@import|url\(|fetch\(|XMLHttpRequest|WebSocket|import\(", text)
    assert "default-src 'none'" in text
    assert len(text) < 15_000_000
    assert [path.name for path in shown.page.parent.iterdir() if path != shown.source] == ["page.html"]


def test_a_hostile_name_stays_a_name(shown: Shown) -> None:
    assert shown.data["source"] == HOSTILE
    assert HOSTILE not in shown.text
    assert "<script>alert" not in shown.text
    (title,) = re.findall(r"<title>(.*?)</title>", shown.text)
    assert unescape(title).startswith(HOSTILE)
    assert shown.text.count("</script>") == 2


def test_no_text_ends_the_data_or_fills_the_template() -> None:
    page = fill("$script ${data}", {"x": "</script><!-- $style & \u2028"})
    assert page.count("</script>") == 2
    assert "$script ${data}" in page
    assert "\u2028" not in page


def test_nothing_is_built_from_strings_of_markup() -> None:
    script = (PAGE / "preview.js").read_text(encoding="utf-8")
    assert not re.findall(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|on\w+=\"", script
    )


def test_every_version_is_equally_loud(shown: Shown) -> None:
    for passage in shown.data["passages"]:
        measured = [measure([sound], rate, "stereo") for sound, rate in map(decoded, passage["clips"])]
        loudness = [each.integrated_lufs or 0.0 for each in measured]
        assert max(loudness) - min(loudness) <= 0.3
        assert abs(loudness[0] - passage["lufs"]) <= 0.3
        assert all(each.true_peak_dbtp <= 0.0 for each in measured)


def test_every_version_begins_at_the_same_sample(shown: Shown) -> None:
    for passage in shown.data["passages"]:
        sounds = [decoded(clip)[0].mean(axis=0) for clip in passage["clips"]]
        assert len({sound.shape for sound in sounds}) == 1
        assert sounds[0].size == round(passage["length_s"] * RATE)
        first = np.fft.rfft(sounds[0], 2 * sounds[0].size)
        for other in sounds[1:]:
            lag = int(np.argmax(np.fft.irfft(np.conj(first) * np.fft.rfft(other, 2 * other.size))))
            assert lag == 0


def test_a_version_that_changes_nothing_shares_the_sound(shown: Shown) -> None:
    for passage in shown.data["passages"]:
        clips = {version["name"]: version["clip"] for version in passage["versions"]}
        assert clips["leave"] == clips["original"]
    assert clips["remove"] != clips["original"] or not any(v["curve_db"] for v in passage["versions"])


def test_the_command_says_what_to_type(shown: Shown) -> None:
    for version in shown.data["passages"][0]["versions"][1:]:
        words = shlex.split(version["command"])
        assert words == ["mediaclean", "clean", str(shown.source), "--mode", version["name"]]


def test_leveling_is_gain_only_and_keeps_under_the_ceiling() -> None:
    random = np.random.default_rng(1)
    quiet = (0.02 * random.standard_normal((1, 5 * RATE))).astype(np.float32)
    spiky = quiet.copy()
    spiky[0, 100_000] = 0.9
    done = level([quiet, 0.5 * quiet, spiky], RATE, "mono")
    lufs = [measure([sound], RATE, "mono") for sound in done.sounds]
    assert max(each.true_peak_dbtp for each in lufs) == pytest.approx(CEILING_DBTP, abs=0.05)
    assert np.ptp([each.integrated_lufs for each in lufs]) < 0.01
    inner = slice(RATE, 4 * RATE)
    ratio = done.sounds[0][0, inner] / quiet[0, inner]
    assert np.ptp(ratio) < 1e-5


def test_silence_is_left_alone() -> None:
    silent = np.zeros((2, RATE), dtype=np.float32)
    done = level([silent, silent], RATE, "stereo")
    assert done.lufs is None
    assert done.gains_db == (0.0, 0.0)


@pytest.mark.parametrize(
    ("rate", "layout", "channels", "to"),
    [(96_000, "mono", 1, 48_000), (44_100, "5.1", 6, 44_100), (22_050, "stereo", 2, 48_000)],
)
def test_any_rate_and_layout_can_be_played(rate: int, layout: str, channels: int, to: int) -> None:
    random = np.random.default_rng(2)
    length = 2 * rate - 7
    sound = (0.05 * random.standard_normal((channels, length))).astype(np.float32)
    done = level([sound], rate, layout)
    assert done.rate == to
    assert done.sounds[0].shape == (min(channels, 2), -(-length * to // rate))


def test_a_tone_is_drawn_at_its_pitch_and_height() -> None:
    time = np.arange(2 * RATE) / RATE
    tone = (0.5 * np.sin(2 * np.pi * 1000 * time) * (time >= 1.0)).astype(np.float32)[None]
    picture = spectrogram(tone, RATE)
    assert picture.shape == (BANDS, COLUMNS)
    band = int(np.argmax(picture[:, COLUMNS * 3 // 4]))
    assert abs(60 * (14_000 / 60) ** ((band + 0.5) / BANDS) - 1000) < 65, "the nearest band"
    assert picture[:, : COLUMNS // 2 - 20].max() == 0
    peaks = waveform(tone)
    assert abs(int(peaks[COLUMNS * 3 // 4, 1]) - 64) <= 1
    assert not peaks[: COLUMNS // 2 - 1].any()


def test_the_spans_of_speech_lie_in_the_passage(shown: Shown) -> None:
    for passage in shown.data["passages"]:
        assert passage["speech"]
        assert all(0.0 <= start < stop <= 1.0 for start, stop in passage["speech"])
