"""Spans, chunks, frames and decibels against references too slow and too plain to be wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediaclean.audio import (
    FLOOR_DB,
    Block,
    Picker,
    Samples,
    Span,
    db_to_gain,
    frame_count,
    frame_edges,
    frames_of,
    gaps,
    merge,
    peak_dbfs,
    pick,
    power_to_db,
    reblock,
    rms_dbfs,
    within,
)

from .making import disjoint_spans, noise, pieces, sine

RATES = (8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000)
LIMIT = 200

spans = st.builds(lambda a, b: Span(min(a, b), max(a, b) + 1), st.integers(0, LIMIT), st.integers(0, LIMIT))


def covered(some: list[Span], length: int = LIMIT + 2) -> set[int]:
    return {t for span in some for t in range(span.start, min(span.stop, length))}


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (5, 4), (-3, -1)])
def test_a_span_runs_forward_from_zero(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="runs forward"):
        Span(start, stop)


@given(spans, spans)
def test_overlap_and_clip_agree_with_sets(one: Span, other: Span) -> None:
    shared = covered([one]) & covered([other])
    clipped = one.clip(other.start, other.stop)
    assert one.overlaps(other) == bool(shared) == other.overlaps(one)
    assert (covered([clipped]) if clipped else set()) == shared


@given(st.lists(spans, max_size=12), st.integers(0, 20))
def test_merge_joins_what_lies_close_and_nothing_else(some: list[Span], gap: int) -> None:
    merged = merge(some, gap)
    free = sorted(set(range(LIMIT + 2)) - covered(some))
    first, last = min(covered(some), default=0), max(covered(some), default=-1)
    bridged = {t for t in free if first < t < last and _hole_length(t, free) <= gap}
    assert covered(merged) == covered(some) | bridged
    assert all(later.start - earlier.stop > gap for earlier, later in pairwise(merged))
    assert merge(reversed(some), gap) == merged == merge(merged, gap)


@pytest.mark.parametrize(("apart", "gap", "joined"), [(0, 0, True), (1, 0, False), (5, 5, True), (6, 5, False)])
def test_merge_at_the_very_edge_of_the_gap(apart: int, gap: int, joined: bool) -> None:
    assert len(merge([Span(0, 10), Span(10 + apart, 30)], gap)) == (1 if joined else 2)


def _hole_length(t: int, free: list[int]) -> int:
    known = set(free)
    low, high = t, t
    while low - 1 in known:
        low -= 1
    while high + 1 in known:
        high += 1
    return high - low + 1


@given(st.lists(spans, max_size=10), st.integers(0, LIMIT + 2))
def test_gaps_are_all_that_the_spans_leave_free(some: list[Span], stop: int) -> None:
    free = gaps(some, stop)
    assert covered(free) == set(range(stop)) - covered(some)
    assert all(span.length > 0 for span in free)
    assert merge(free) == free


@given(disjoint_spans(LIMIT), st.integers(0, LIMIT), st.integers(1, LIMIT))
def test_within_finds_what_a_search_through_all_finds(some: list[Span], start: int, length: int) -> None:
    window = Span(start, start + length)
    assert list(within(some, window.start, window.stop)) == [
        (index, span) for index, span in enumerate(some) if span.overlaps(window)
    ]


@given(st.lists(st.integers(0, 40), max_size=12), st.integers(1, 50), st.integers(1, 3))
def test_reblock_never_changes_sound(sizes: list[int], size: int, channels: int) -> None:
    sound = noise(channels, sum(sizes))
    edges = np.cumsum([0, *sizes])
    chunks = [sound[:, a:b] for a, b in pairwise(edges)]
    blocks = list(reblock(chunks, size))
    assert [block.shape[1] for block in blocks[:-1]] == [size] * max(0, len(blocks) - 1)
    assert all(0 < block.shape[1] <= size for block in blocks)
    assert np.array_equal(np.concatenate([sound[:, :0], *blocks], axis=1), sound)
    assert len(blocks) == -(-sound.shape[1] // size)


def test_a_block_stops_where_the_next_one_starts_and_its_bed_is_the_rest() -> None:
    mix, voice = noise(2, 30), noise(2, 30, seed=1)
    block = Block(70, mix, voice)
    assert block.stop == 100
    assert np.array_equal(block.bed, mix - voice)


@pytest.mark.parametrize("rate", RATES)
def test_frames_do_not_drift_over_hours(rate: int) -> None:
    hours = 12 * 3600
    frame = round(hours / 0.032)
    edges = frame_edges(frame - 3, frame + 3, rate)
    exact = [(frame + k) * rate * 4 / 125 for k in range(-3, 4)]  # 0.032 s are 4/125 s
    assert np.abs(edges - np.array(exact)).max() <= 0.5
    assert edges[3] == hours * rate


@pytest.mark.parametrize("rate", RATES)
def test_frame_edges_do_not_depend_on_where_the_count_began(rate: int) -> None:
    whole = frame_edges(0, 400, rate)
    assert np.array_equal(frame_edges(123, 300, rate), whole[123:301])
    assert set(np.diff(whole)) <= {math.floor(rate * 0.032), math.ceil(rate * 0.032)}


@given(st.sampled_from(RATES), st.integers(0, 2_000_000_000))
@settings(max_examples=200)
def test_every_sample_lies_in_exactly_one_frame(rate: int, position: int) -> None:
    frame = frames_of(Span(position, position + 1), rate)
    assert frame.stop - frame.start == 1
    start, stop = frame_edges(frame.start, frame.stop, rate)
    assert start <= position < stop


@given(st.sampled_from(RATES), st.integers(0, 2_000_000_000))
@settings(max_examples=200)
def test_the_frames_of_a_track_cover_it_and_the_last_one_is_needed(rate: int, length: int) -> None:
    frames = frame_count(length, rate)
    assert frame_edges(frames, frames, rate)[0] >= length
    assert frames == 0 or frame_edges(frames - 1, frames, rate)[0] < length


@given(st.sampled_from(RATES), st.integers(0, 10_000_000), st.integers(0, 5_000))
@settings(max_examples=200)
def test_a_track_that_ends_on_a_frame_edge_has_no_frame_more(rate: int, frame: int, extra: int) -> None:
    edge = int(frame_edges(frame, frame, rate)[0])
    assert frame_count(edge, rate) == frame
    assert frame_count(edge + 1, rate) == frame + 1
    wide = frames_of(Span(edge, edge + extra + 1), rate)
    assert wide.start == frame
    assert wide.stop == frame_count(edge + extra + 1, rate)


@pytest.mark.parametrize("dbfs", [0.0, -6.0, -20.0, -60.0])
@pytest.mark.parametrize("rate", [8_000, 48_000, 192_000])
def test_levels_of_a_sine(dbfs: float, rate: int) -> None:
    tone = sine(rate / 40, rate, 1.0, dbfs, channels=2)
    assert rms_dbfs(tone) == pytest.approx(dbfs - 10 * math.log10(2), abs=0.001)  # -3.01 dB at full scale
    assert peak_dbfs(tone) == pytest.approx(dbfs, abs=0.001)


@pytest.mark.parametrize("silence", [np.zeros((2, 100), np.float32), np.zeros((1, 0), np.float32)])
def test_silence_is_the_floor_and_never_minus_infinity(silence: Samples) -> None:
    assert rms_dbfs(silence) == peak_dbfs(silence) == FLOOR_DB
    assert power_to_db(0.0) == FLOOR_DB
    assert np.isfinite(power_to_db(np.zeros(3))).all()


def test_rms_counts_all_channels() -> None:
    tone = np.concatenate([sine(1000, 48_000, 1.0), np.zeros((1, 48_000), np.float32)])
    assert rms_dbfs(tone) == pytest.approx(-6.02, abs=0.001)


@given(st.floats(-100, 40))
def test_decibels_there_and_back(db: float) -> None:
    assert power_to_db(db_to_gain(db) ** 2) == pytest.approx(db, abs=1e-9)


@given(st.lists(st.integers(1, 7), min_size=1, max_size=4))
def test_the_pieces_of_these_tests_are_the_sound(sizes: list[int]) -> None:
    sound = noise(2, 50)
    assert np.array_equal(np.concatenate(list(pieces(sound, sizes)), axis=1), sound)


@given(st.lists(spans, max_size=6), st.lists(st.integers(1, 60), min_size=1, max_size=12))
def test_spans_are_picked_out_of_chunks_of_any_size_and_no_chunk_is_asked_for_in_vain(
    wanted: list[Span], sizes: list[int]
) -> None:
    sound = noise(2, sum(sizes), seed=3)
    parts = np.split(sound, np.cumsum(sizes)[:-1], axis=1)
    asked: list[int] = []

    def chunks() -> Iterator[Samples]:
        for number, part in enumerate(parts):
            asked.append(number)
            yield part

    for span, found in zip(wanted, pick(chunks(), wanted, 2), strict=True):
        np.testing.assert_array_equal(found, sound[:, span.start : span.stop])
    last = max((span.stop for span in wanted), default=0)
    assert len(asked) == sum(before < last for before in [0, *np.cumsum(sizes)[:-1]])


def test_what_is_picked_from_is_passed_on() -> None:
    sound = noise(1, 100, seed=4)
    picker = Picker([Span(10, 20)], 1)
    passed = list(picker.through([sound[:, :15], sound[:, 15:]]))
    np.testing.assert_array_equal(np.concatenate(passed, axis=1), sound)
    np.testing.assert_array_equal(picker.sounds()[0], sound[:, 10:20])
    assert picker.complete
