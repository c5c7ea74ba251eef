"""The timing rules hold for every cue, whatever the phrases; the files are what strict parsers read."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediaclean.audio import Span
from mediaclean.cues.make import Cue, CueSettings, make_cues, to_srt, to_vtt
from mediaclean.cues.shots import Shots
from mediaclean.cues.split import split_points
from mediaclean.errors import PresetError

RATE = 16000
NTSC, FILM = Fraction(30000, 1001), Fraction(24)
FRAME_RATES = [FILM, Fraction(24000, 1001), Fraction(25), NTSC, Fraction(50), Fraction(60000, 1001), None]


@st.composite
def speech(draw: st.DrawFn) -> tuple[list[Span], int]:
    """Phrases of 10 ms to 40 s with pauses of 0 to 5 s, and the length of the media."""
    position = draw(st.integers(0, 3 * RATE))
    spans = []
    for _ in range(draw(st.integers(1, 12))):
        length = draw(st.one_of(st.integers(RATE // 100, 2 * RATE), st.integers(RATE, 40 * RATE)))
        spans.append(Span(position, position + length))
        position += length + draw(st.one_of(st.integers(0, RATE // 2), st.integers(0, 5 * RATE)))
    tail = draw(st.integers(0, 2 * RATE))
    return spans, spans[-1].stop + tail


def cues_of(spans: list[Span], length: int, frame_rate: Fraction | None, **more: object) -> list[Cue]:
    return make_cues(spans, [0.9] * len(spans), rate=RATE, length=length, frame_rate=frame_rate, **more)  # type: ignore[arg-type]


def tick(frame_rate: Fraction | None) -> tuple[Fraction, Fraction]:
    """The grid and the frame."""
    return (1 / frame_rate, 1 / frame_rate) if frame_rate else (Fraction(1, 1000), Fraction(1, 24))


@settings(max_examples=200, deadline=None)
@given(speech(), st.sampled_from(FRAME_RATES), st.integers(0, 2**32), st.booleans())
def test_ranked_rules_hold_for_any_speech(
    case: tuple[list[Span], int], frame_rate: Fraction | None, seed: int, with_levels: bool
) -> None:
    spans, length = case
    levels = np.random.default_rng(seed).random(length * 125 // (RATE * 4) + 1) if with_levels else None
    grid, frame = tick(frame_rate)
    cues = cues_of(spans, length, frame_rate, levels=levels)
    end = Fraction(length, RATE)
    last = end // grid * grid
    assert cues or length < RATE // 10
    for cue in cues:
        assert cue.start_s % grid == 0
        assert cue.stop_s % grid == 0
        assert 0 <= cue.start_s < cue.stop_s <= end
        assert cue.confidence == 0.9
        if end >= 1:
            assert "short" not in cue.exceptions
            assert Fraction(5, 6) <= cue.stop_s - cue.start_s <= 7
        assert cue.text
    for left, right in pairwise(cues):
        assert right.start_s - left.stop_s >= 2 * frame
    for cue in cues:
        assert {"late", "cut off"}.isdisjoint(cue.exceptions)
        inside = [
            max(min(Fraction(s.start, RATE), last - grid), cue.start_s)
            for s in spans
            if min(Fraction(s.start, RATE), last - grid) < cue.stop_s and Fraction(s.stop, RATE) + grid > cue.start_s
        ]
        assert inside, "a cue without voice"
        if "early" not in cue.exceptions:
            assert min(inside) - cue.start_s <= 3 * frame
        else:
            assert cue is cues[-1], "only a voice at the end of the media makes a cue early"


@settings(max_examples=80, deadline=None)
@given(speech(), st.sampled_from(FRAME_RATES))
def test_all_voice_is_under_a_cue_but_for_gaps(case: tuple[list[Span], int], frame_rate: Fraction | None) -> None:
    """Samples of voice outside all cues lie only in the two-frame gaps, or after the last whole frame."""
    spans, length = case
    grid, frame = tick(frame_rate)
    cues = cues_of(spans, length, frame_rate)
    last = Fraction(length, RATE) // grid * grid
    for span in spans:
        covered = Fraction(span.start, RATE)
        stop = min(Fraction(span.stop, RATE), last)
        for cue in cues:
            if cue.stop_s <= covered or cue.start_s >= stop:
                continue
            assert cue.start_s - covered <= 2 * frame + grid
            covered = cue.stop_s
        assert stop - covered <= 2 * frame + grid


@settings(max_examples=80, deadline=None)
@given(speech(), st.sampled_from(FRAME_RATES), st.lists(st.integers(0, 60_000), min_size=1, max_size=40))
def test_shot_changes_never_break_the_first_three_rules(
    case: tuple[list[Span], int], frame_rate: Fraction | None, cuts_ms: list[int]
) -> None:
    spans, length = case
    _, frame = tick(frame_rate)
    cues = cues_of(spans, length, frame_rate, shot_changes=[Fraction(cut, 1000) for cut in cuts_ms])
    for cue in cues:
        assert 0 <= cue.start_s < cue.stop_s <= Fraction(length, RATE)
        if length >= RATE:
            assert Fraction(5, 6) <= cue.stop_s - cue.start_s <= 7
    for left, right in pairwise(cues):
        assert right.start_s - left.stop_s >= 2 * frame


@pytest.mark.parametrize(
    ("start", "snapped"),
    [(-13, -13), (-12, -12), (-11, -12), (-8, -12), (-7, 0), (-1, 0), (0, 0), (9, 0), (10, 12), (12, 12)],
)
def test_in_cues_go_to_the_cut_or_half_a_second_off(start: int, snapped: int) -> None:
    assert Shots([1000], 12).in_cue(1000 + start) == 1000 + snapped


@pytest.mark.parametrize(
    ("stop", "snapped"), [(-12, -12), (-11, -12), (-8, -12), (-7, -2), (-1, -2), (0, -2), (7, -2), (8, 12), (12, 12)]
)
def test_out_cues_end_two_frames_before_the_cut_or_half_a_second_off(stop: int, snapped: int) -> None:
    assert Shots([1000], 12).out_cue(1000 + stop, 2) == 1000 + snapped


def test_a_phrase_that_obeys_the_rules_is_its_cue() -> None:
    """Film: voice from frame 24.5 to 71.5 is on from frame 24 to 72, and nothing else happens to it."""
    (cue,) = cues_of([Span(round(24.5 / 24 * RATE), round(71.5 / 24 * RATE))], 10 * RATE, FILM)
    assert (cue.start_s * 24, cue.stop_s * 24, cue.exceptions) == (24, 72, ())


def test_a_long_phrase_is_split_where_the_voice_is_weakest() -> None:
    levels = np.zeros(400)
    levels[195:199] = -30.0  # 6.24 s to 6.37 s
    first, second = cues_of([Span(0, 10 * RATE)], 12 * RATE, FILM, levels=levels)
    assert Fraction(624, 100) < second.start_s < Fraction(65, 10)
    assert second.start_s - first.stop_s == Fraction(2, 24)


def test_short_neighbours_share_a_cue_and_its_confidence_is_weighted() -> None:
    spans = [Span(RATE, RATE + RATE // 5), Span(RATE * 3 // 2, RATE * 3 // 2 + RATE * 3 // 5)]
    (cue,) = make_cues(spans, [0.2, 1.0], rate=RATE, length=5 * RATE, frame_rate=FILM)
    assert (cue.start_s, cue.stop_s) == (1, Fraction(51, 24))
    assert cue.confidence == pytest.approx(0.8, abs=0.01)


def test_small_gaps_are_closed_to_two_frames() -> None:
    first, second = cues_of([Span(0, 2 * RATE), Span(RATE * 9 // 4, 4 * RATE)], 5 * RATE, FILM)
    assert second.start_s - first.stop_s == Fraction(2, 24)


@pytest.mark.parametrize(("frame_rate", "on_grid"), [(Fraction(1, 5), False), (Fraction(12), True)])
def test_slides_are_no_grid_for_cues(frame_rate: Fraction, on_grid: bool) -> None:
    (cue,) = cues_of([Span(RATE * 10 // 9, 3 * RATE)], 30 * RATE, frame_rate)
    assert (cue.start_s % (1 / frame_rate) == 0) is on_grid


def test_media_shorter_than_a_cue_say_so() -> None:
    (cue,) = cues_of([Span(0, RATE // 4)], RATE // 2, FILM)
    assert (cue.start_s, cue.stop_s) == (0, Fraction(1, 2))
    assert "short" in cue.exceptions


@pytest.mark.parametrize("spans", [[], [Span(0, 0)], [Span(100 * RATE, 101 * RATE)]])
def test_no_speech_no_cues(spans: list[Span]) -> None:
    cues = cues_of(spans, 10 * RATE, FILM)
    assert to_srt(cues) == ""
    assert to_vtt(cues) == "WEBVTT\n"


def test_a_later_track_moves_cues_on_the_pictures_grid() -> None:
    spans = [Span(0, 2 * RATE)]
    (cue,) = cues_of(spans, 9 * RATE, NTSC, origin_s=Fraction(1, 2))
    assert cue.start_s == 14 / NTSC


@pytest.mark.parametrize("frame_rate", [FILM, Fraction(24000, 1001), NTSC, Fraction(60000, 1001)])
def test_written_milliseconds_fall_on_the_same_frames(frame_rate: Fraction) -> None:
    """A player shows a cue on the frames whose time t has start <= t < stop, with the written times."""
    spans = [Span(n * 3 * RATE + 777 * n, n * 3 * RATE + 2 * RATE) for n in range(40)]
    cues = cues_of(spans, 200 * RATE, frame_rate)
    written = re.findall(r"(\d\d):(\d\d):(\d\d)\.(\d{3}) --> (\d\d):(\d\d):(\d\d)\.(\d{3})", to_vtt(cues))
    assert len(written) == len(cues)
    for cue, fields in zip(cues, written, strict=True):
        numbers = [int(field) for field in fields]
        for exact, (hours, minutes, seconds, milli) in zip(
            (cue.start_s, cue.stop_s), (numbers[:4], numbers[4:]), strict=True
        ):
            shown = Fraction(hours * 3600_000 + minutes * 60_000 + seconds * 1000 + milli, 1000)
            assert -(-shown * frame_rate // 1) == exact * frame_rate


CUES = [
    Cue(Fraction(1), Fraction(2), 0.9, "[speech 1]"),
    Cue(Fraction(3661), Fraction(362_345, 99), 0.9, "<b> & --> x"),
]


def test_webvtt_is_what_the_standard_says() -> None:
    assert to_vtt(CUES) == (
        "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\n[speech 1]\n\n"
        "2\n01:01:01.000 --> 01:01:00.050\n&lt;b&gt; &amp; --&gt; x\n"
    )


def test_subrip_is_numbered_with_commas_and_crlf() -> None:
    text = to_srt(CUES)
    assert text.count("\n") == text.count("\r\n")
    assert text.split("\r\n")[:4] == ["1", "00:00:01,000 --> 00:00:02,000", "[speech 1]", ""]
    assert text.split("\r\n")[4] == "2"


@pytest.mark.parametrize(("write", "name"), [(to_vtt, "cues.vtt"), (to_srt, "cues.srt")])
def test_ffmpeg_reads_back_every_cue(write: Callable[[list[Cue]], str], name: str, tmp_path: Path) -> None:
    """FFmpeg's demuxers as the independent readers: text, in-cue and duration, in milliseconds."""
    av = pytest.importorskip("av")
    spans = [Span(n * 3 * RATE + 777 * n, n * 3 * RATE + 2 * RATE) for n in range(40)]
    cues = cues_of(spans, 4000 * RATE, NTSC, origin_s=Fraction(3590))
    (tmp_path / name).write_bytes(write(cues).encode())
    with av.open(tmp_path / name) as container:
        packets = [packet for packet in container.demux(subtitles=0) if packet.size]
        assert container.streams.subtitles[0].time_base == Fraction(1, 1000)
        for packet, cue in zip(packets, cues, strict=True):
            start, stop = int(cue.start_s * 1000), int(cue.stop_s * 1000)
            assert (packet.pts, packet.duration, bytes(packet)) == (start, stop - start, cue.text.encode())


def test_split_points_are_the_cheapest() -> None:
    """Against every choice of two splits, by brute force."""
    rng = np.random.default_rng(5)
    places = np.arange(10, 150, 7)
    costs = rng.random(len(places))
    kept = {"least": 20, "most": 70, "gap": 2}
    found = split_points(0, 160, places, costs, **kept)

    def price(points: list[int]) -> float:
        starts, stops = [0, *points], [*(point - 2 for point in points), 160]
        lengths = [stop - start for start, stop in zip(starts, stops, strict=True)]
        if not all(20 <= length <= 70 for length in lengths):
            return np.inf
        hurry = sum(max(0.0, 1.0 - length / 60) ** 2 for length in lengths)
        return sum(costs[list(places).index(point)] for point in points) + len(lengths) + hurry

    options = [[int(a), int(b)] for a in places for b in places if a < b]
    assert price(found) == pytest.approx(min(price(option) for option in options))


@pytest.mark.parametrize("stop", [71, 100, 143, 500])
def test_without_places_pieces_are_equal(stop: int) -> None:
    none = np.zeros(0, dtype=np.int64)
    points = split_points(0, stop, none, none.astype(float), least=20, most=70, gap=2)
    lengths = [b - a for a, b in zip([0, *points], [*(p - 2 for p in points), stop], strict=True)]
    assert max(lengths) - min(lengths) <= 1
    assert max(lengths) <= 70


def test_settings_refuse_what_no_cue_can_keep() -> None:
    with pytest.raises(PresetError, match="max_s"):
        CueSettings(max_s=2.0)
