"""Two mixes joined: the new one inside the spans, the old one outside, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from mediaclean.audio import Samples, Span
from mediaclean.errors import PresetError
from mediaclean.result.patch import read_spans_of, spliced


def joined(old: Samples, new: Samples, spans: list[Span], cut: int, step: int) -> Samples:
    parts = [(sound[:, :cut], sound[:, cut:]) for sound in (old, new)]
    return np.concatenate(list(spliced(*parts, spans, 20, step)), axis=1)


def test_inside_is_new_outside_is_old_bit_by_bit_and_the_fade_lies_between() -> None:
    rng = np.random.default_rng(1)
    old, new = (rng.normal(size=(2, 3_000)).astype(np.float32) for _ in range(2))
    spans = [Span(500, 900), Span(2_000, 2_600)]
    out = joined(old, new, spans, 777, 256)
    for span in spans:
        assert np.array_equal(out[:, span.start : span.stop], new[:, span.start : span.stop])
        for at in (span.start - 10, span.stop + 9):
            low, high = np.sort([old[:, at], new[:, at]], axis=0)
            assert ((low < out[:, at]) & (out[:, at] < high)).all()
    outside = np.ones(3_000, dtype=bool)
    for span in spans:
        outside[span.start - 20 : span.stop + 20] = False
    assert np.array_equal(out[:, outside], old[:, outside])


@pytest.mark.parametrize(("cut", "step"), [(1, 10), (1_500, 64), (2_999, 4_000)])
def test_the_size_of_blocks_does_not_matter(cut: int, step: int) -> None:
    rng = np.random.default_rng(2)
    old, new = (rng.normal(size=(1, 3_000)).astype(np.float32) for _ in range(2))
    spans = [Span(0, 100), Span(130, 700), Span(2_950, 3_000)]
    assert np.array_equal(joined(old, new, spans, cut, step), joined(old, new, spans, 500, 333))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("00:12:30-00:13:05", Span(750_000, 785_000)),
        ("12:30-13:05.5", Span(750_000, 785_500)),
        ("750-785.25", Span(750_000, 785_250)),
        (" 0 - 0:01 ", Span(0, 1_000)),
        ("3590-4000", Span(3_590_000, 3_600_000)),
    ],
)
def test_times_as_people_write_them(text: str, span: Span) -> None:
    assert read_spans_of([text], 1_000, 3_600_000) == (span,)


@pytest.mark.parametrize("text", ["", "12:30", "5-4", "5-5", "a-b", "-3-4", "4000-5000", "1:2:3:4-5", "1e3-2e3"])
def test_what_is_no_span_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(PresetError, match="--only") as caught:
        read_spans_of([text], 1_000, 3_600_000)
    assert "--only 00:12:30-00:13:05" in caught.value.hint


def test_spans_that_touch_are_one() -> None:
    assert read_spans_of(["5-6", "1-2", "5.5-7"], 10, 100) == (Span(10, 20), Span(50, 70))
