"""Overlap-add must be invisible: whatever happens at the borders of windows, cuts and chunks is our doing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediaclean.audio import Span, reblock
from mediaclean.backends import fake
from mediaclean.errors import BackendError, MediaError
from mediaclean.separate import separate_cuts
from mediaclean.windows import lay

RATE = 8_000


def noise(channels: int, length: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (channels, length)).astype(np.float32)


def small(name: str = "half", **changes: int) -> fake.Fake:
    """A fake whose windows are so short that few samples make many of them."""
    separator = fake.load(name, rate=RATE)
    for key, value in {"window": 400, "hop": 300, "step": 400, "batch": 3, **changes}.items():
        setattr(separator, key, value)
    return separator


def blur(separator: fake.Fake) -> fake.Fake:
    """A fake whose voice depends on the whole window, its neighbours in time and its position in the window."""
    separator.voice = lambda mix: np.cumsum(mix, axis=-1) / mix.shape[-1] + np.linspace(0, 0.1, mix.shape[-1])
    return separator


def run(mix: np.ndarray, cuts: list[Span], separator: fake.Fake, *, size: int = 0, rate: int = RATE, **more):
    chunks = reblock([mix], size) if size else [mix]
    return dict(separate_cuts(chunks, cuts, separator, rate=rate, length=mix.shape[1], **more))


@st.composite
def cut_lists(draw: st.DrawFn, length: int = 6_000) -> list[Span]:
    edges = sorted(draw(st.sets(st.integers(0, length), min_size=2, max_size=10)))
    touching = draw(st.booleans())
    step = 1 if touching else 2
    return [Span(a, b) for a, b in zip(edges[::step], edges[1::step], strict=False)]


@pytest.mark.parametrize(("name", "gain"), [("half", 0.5), ("identity", 1.0), ("silent", 0.0)])
@settings(max_examples=60, deadline=None)
@given(
    cuts=cut_lists(), batch=st.integers(1, 7), step=st.sampled_from([1, 7, 50, 400]), hop=st.sampled_from([200, 300])
)
def test_overlap_add_is_exact(name: str, gain: float, cuts: list[Span], batch: int, step: int, hop: int) -> None:
    mix = noise(2, 6_000)
    separator = small(name, batch=batch, step=step, hop=hop, window=400 // step * step)
    voices = run(mix, cuts, separator)
    assert list(voices) == list(range(len(cuts)))
    for index, cut in enumerate(cuts):
        np.testing.assert_allclose(voices[index], gain * mix[:, cut.start : cut.stop], atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(cuts=cut_lists(), size=st.integers(1, 2_000), rate=st.sampled_from([RATE, 7_350, 12_000]))
def test_the_size_of_decoded_chunks_changes_no_bit(cuts: list[Span], size: int, rate: int) -> None:
    mix = noise(2, 6_000)
    whole = run(mix, cuts, blur(small()), rate=rate)
    pieces = run(mix, cuts, blur(small()), rate=rate, size=size)
    for index in range(len(cuts)):
        np.testing.assert_array_equal(whole[index], pieces[index])


@settings(max_examples=40, deadline=None)
@given(cuts=cut_lists(), data=st.data())
def test_a_cut_does_not_depend_on_other_cuts(cuts: list[Span], data: st.DataObject) -> None:
    mix = noise(1, 6_000)
    index = data.draw(st.integers(0, len(cuts) - 1))
    together = run(mix, cuts, blur(small(step=100)))
    alone = run(mix, [cuts[index]], blur(small(step=100)))
    np.testing.assert_array_equal(together[index], alone[0])


@settings(max_examples=40, deadline=None)
@given(cuts=cut_lists(), data=st.data(), step=st.sampled_from([100, 400]))
def test_a_resumed_run_makes_the_same_calls_on_what_is_left(cuts: list[Span], data: st.DataObject, step: int) -> None:
    mix = noise(1, 6_000)
    done = data.draw(st.sets(st.integers(0, len(cuts) - 1)))
    separator = blur(small(step=step))
    # The network's answer depends on what else is in the batch, as rounding on a GPU does.
    inner = separator.voice
    separator.voice = lambda batch: inner(batch) * len(batch)
    whole = run(mix, cuts, separator)
    rest = run(mix, cuts, separator, done=done)
    assert set(rest) == set(whole) - done
    for index, voice in rest.items():
        np.testing.assert_array_equal(voice, whole[index])


def test_nothing_is_read_or_run_when_all_is_done() -> None:
    separator = small()
    assert not dict(separate_cuts(iter(()), [Span(0, 9)], separator, rate=RATE, length=9, done=[0]))
    assert not separator.seen


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_056, 44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize("source", [44_100, 48_000])
def test_identity_survives_the_change_of_rate(rate: int, source: int) -> None:
    length = rate * 3
    time = np.arange(length) / rate
    mix = np.stack([np.sin(2 * np.pi * 440 * time), np.sin(2 * np.pi * 2_500 * time)]).astype(np.float32)
    separator = fake.load("identity", rate=source)
    separator.window, separator.hop, separator.step = source, source * 3 // 4, source
    cuts = [Span(rate // 3, rate), Span(rate, rate * 5 // 2 + 1)]
    voices = run(mix, cuts, separator, rate=rate)
    for index, cut in enumerate(cuts):
        assert voices[index].shape == (2, cut.length)
        np.testing.assert_allclose(voices[index], mix[:, cut.start : cut.stop], atol=1e-4)


def test_windows_reach_into_the_real_sound_on_both_sides() -> None:
    grid = lay(Span(3_000, 3_100), small(), rate=RATE, length=6_000)
    assert grid.start == 3_000 - 150
    assert grid.windows == ((0, 400),)


@settings(max_examples=200, deadline=None)
@given(
    start=st.integers(0, 5_000),
    size=st.integers(1, 5_000),
    tail=st.integers(0, 3_000),
    step=st.sampled_from([1, 30, 100, 400]),
    rate=st.sampled_from([8_000, 7_350, 44_100]),
)
def test_the_grid_covers_the_cut_and_its_surroundings(start: int, size: int, tail: int, step: int, rate: int) -> None:
    separator = small(step=step, window=400 // step * step)
    grid = lay(Span(start, start + size), separator, rate=rate, length=start + size + tail)
    ratio = rate / RATE
    lead = (separator.window - separator.hop) // 2 * ratio
    assert grid.start <= max(0, start - lead)
    assert grid.start + grid.count * ratio >= min(start + size + tail, start + size + lead) - ratio
    assert all(length % step == 0 and 0 < length <= separator.window for _, length in grid.windows)
    starts = [at for at, _ in grid.windows]
    assert starts == [index * separator.hop for index in range(len(starts))]


def test_a_short_cut_takes_a_short_window_where_the_network_allows_it() -> None:
    fixed, free = small(), small(step=50)
    mix = noise(1, 6_000)
    run(mix, [Span(3_000, 3_060)], fixed)
    run(mix, [Span(3_000, 3_060)], free)
    assert fixed.seen == [(1, 1, 400)]
    assert free.seen == [(1, 1, 200)]


def test_windows_of_different_cuts_share_a_batch() -> None:
    separator = small(batch=4)
    run(noise(2, 6_000), [Span(at, at + 50) for at in range(0, 4_000, 500)], separator)
    assert separator.seen == [(4, 2, 400), (4, 2, 400)]


@pytest.mark.parametrize(("channels", "centre"), [(3, 2), (6, 2), (8, 2), (6, 0)])
def test_in_surround_only_the_centre_is_separated(channels: int, centre: int) -> None:
    mix = noise(channels, 3_000)
    separator = small("identity")
    voice = run(mix, [Span(1_000, 2_000)], separator, centre=centre)[0]
    expected = np.zeros((channels, 1_000), np.float32)
    expected[centre] = mix[centre, 1_000:2_000]
    np.testing.assert_allclose(voice, expected, atol=1e-6)
    assert {shape[1] for shape in separator.seen} == {1}


@pytest.mark.parametrize("rate", [RATE, 12_000])
def test_digital_silence_has_a_silent_voice_and_a_zero_crossing_does_not(rate: int) -> None:
    mix = noise(2, 6_000)
    mix[:, 1_500:2_500] = 0.0
    mix[:, 3_000] = 0.0
    separator = small()
    separator.voice = lambda batch: batch + np.float32(0.1)
    voice = run(mix, [Span(1_000, 4_000)], separator, rate=rate)[0]
    assert not voice[:, 500:1_500].any()
    assert voice[:, 2_000].all()


def test_the_oracle_finds_its_windows_even_beyond_the_ends() -> None:
    truth, bed = noise(2, 5_000), noise(2, 5_000, seed=1)
    separator = fake.oracle(truth + bed, truth, rate=RATE)
    separator.window, separator.hop, separator.step = 400, 300, 400
    cuts = [Span(0, 700), Span(2_000, 2_010), Span(4_800, 5_000)]
    voices = run(truth + bed, cuts, separator)
    for index, cut in enumerate(cuts):
        np.testing.assert_allclose(voices[index], truth[:, cut.start : cut.stop], atol=1e-6)


def test_a_track_shorter_than_a_window_is_separated() -> None:
    mix = noise(1, 37)
    np.testing.assert_allclose(run(mix, [Span(5, 37)], small())[0], mix[:, 5:] / 2, atol=1e-6)


def test_only_what_the_batch_needs_is_held() -> None:
    """The reader may run ahead of the cut at work by the reach of its windows, not by the rest of the track."""
    position = 0

    def chunks():
        nonlocal position
        for at in range(0, 60_000, 100):
            position = at + 100
            yield noise(1, 100, seed=at)

    cuts = [Span(at, at + 1_000) for at in range(1_000, 50_000, 2_000)]
    for index, _ in separate_cuts(chunks(), cuts, small(batch=2), rate=RATE, length=60_000):
        assert position <= cuts[index].stop + 3_000


def test_progress_ends_at_the_seconds_that_were_wanted() -> None:
    heard = []
    run(noise(1, 6_000), [Span(0, 2_000), Span(3_000, 4_000)], small(), done=[1], watch=heard.append)
    assert {event.stage for event in heard} == {"separate"}
    times = [event.done_s for event in heard]
    assert times == sorted(times)
    assert times[0] == 0.0
    assert times[-1] == pytest.approx(0.25)
    assert {event.total_s for event in heard} == {0.25}


@pytest.mark.parametrize(
    "cuts",
    [[Span(5, 5)], [Span(0, 10), Span(9, 20)], [Span(50, 60), Span(0, 10)], [Span(90, 101)]],
    ids=["empty", "overlapping", "unsorted", "beyond"],
)
def test_cuts_that_no_plan_makes_are_refused(cuts: list[Span]) -> None:
    with pytest.raises(ValueError, match="cuts"):
        run(noise(1, 100), cuts, small())


def test_a_track_that_ends_early_is_a_media_error() -> None:
    with pytest.raises(MediaError, match=r"0\.01 s instead of 0\.25 s"):
        list(separate_cuts([noise(1, 100)], [Span(0, 2_000)], small(), rate=RATE, length=2_000))


@pytest.mark.parametrize("fault", [lambda mix: mix[:, :, 1:], lambda mix: mix * np.float32(np.nan)])
def test_what_cannot_be_a_voice_is_a_backend_error(fault) -> None:
    separator = small()
    separator.voice = fault
    with pytest.raises(BackendError, match="fake:half gave"):
        run(noise(1, 1_000), [Span(0, 500)], separator)


def test_the_callers_sound_is_left_alone() -> None:
    mix = noise(2, 3_000)
    before = mix.copy()
    mix.flags.writeable = False
    run(mix, [Span(100, 2_000)], small("identity"))
    np.testing.assert_array_equal(mix, before)
