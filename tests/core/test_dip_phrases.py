"""Each phrase under a dip is heard by itself, and the bed rides to each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaclean.audio import Block, Span
from mediaclean.backends.detector import load_detector
from mediaclean.bed.confirm import VoiceEar
from mediaclean.bed.dips import HEARD_AFTER_S, LEAD_S, LEAST_S, PAUSE_S, DipEar, DipLevels, DipsHeard, divided, ride
from mediaclean.bed.doubt import SHARE
from mediaclean.bed.duck import DuckSettings
from mediaclean.downmix import Downmix
from mediaclean.loudness.kweight import lufs_to_power, power_to_lufs
from mediaclean.mixing import rooms
from mediaclean.plan.make import Cut, PlannedDip

from .making import noise, pieces, sine

RATE = 48_000


def levels_of(sizes: Sequence[int] = (48_000,), layout: str = "mono", channels: int = 1) -> list[DipLevels]:
    """A voice of -20 dBFS and beds of -30 and -50 dBFS, at 1 kHz, where K-weighting and offset cancel to 0.02 dB.

    The beds beat with the voice in whole periods of the spans, so that the two have nothing in common.
    """
    rate = 48_000
    voice = sine(997.0, rate, 4.0, -20.0, channels)
    bed = np.concatenate([sine(1005.0, rate, 2.0, db, channels) for db in (-30.0, -50.0)], axis=1)
    start, blocks = 0, []
    for piece in pieces(voice + bed, sizes):
        blocks.append(Block(start, piece, voice[:, start : start + piece.shape[1]]))
        start += piece.shape[1]
    spans = [Span(24_000, 90_000), Span(102_000, 180_000)]
    ear = DipEar(rate, layout, channels)
    assert [block.start for block in ear.listen(blocks)] == [block.start for block in blocks]
    return [ear.levels(span) for span in spans]


@pytest.mark.parametrize(("layout", "channels", "offset"), [("mono", 1, 0.0), ("stereo", 2, 10 * np.log10(2))])
def test_dips_are_measured_as_a_loudness_meter_would(layout: str, channels: int, offset: float) -> None:
    first, second = levels_of(layout=layout, channels=channels)
    for found, truth in ((first.voice_lufs, -20.0), (first.bed_lufs, -30.0), (second.bed_lufs, -50.0)):
        assert found == pytest.approx(truth - 3.01 + offset, abs=0.07)


@pytest.mark.parametrize("size", [480, 1024, 70_000])
def test_dips_measure_the_same_in_blocks_of_any_size(size: int) -> None:
    for one, other in zip(levels_of([size]), levels_of(), strict=True):
        assert one.voice_lufs == pytest.approx(other.voice_lufs, abs=1e-6)
        assert one.bed_lufs == pytest.approx(other.bed_lufs, abs=1e-6)


@pytest.mark.parametrize("difference_db", [0.0, 5.0, 10.0, 20.0])
def test_a_separator_that_shares_out_what_it_cannot_tell_apart_is_seen_through(difference_db: float) -> None:
    """Wiener's share of every sample, S / (S + B): the bed comes out far too quiet, but its level is known.

    The error is said to be what the shipped network's is, which is SHARE times Wiener's.
    """
    voice, bed = noise(1, 4 * RATE, 1), noise(1, 4 * RATE, 2, 0.3 * 10 ** (-difference_db / 20))
    ratio = 10.0 ** (difference_db / 10.0)
    mix = voice + bed
    span = Span(0, mix.shape[1])
    shared, true = DipEar(RATE, "mono", 1), DipEar(RATE, "mono", 1)
    for ear, separated in ((shared, mix * np.float32(ratio / (1.0 + ratio))), (true, voice)):
        assert len(list(ear.listen([Block(0, mix, separated)]))) == 1
    got, wanted = shared.levels(span), true.levels(span)
    # the bed as separated is B / (1 + r), its error SHARE r B / (1 + r), and what the mix has beside both is voice
    bed_share, voice_share = (1.0 + SHARE * ratio) / (1.0 + ratio), (ratio + 2.0 - SHARE) / (1.0 + ratio)
    assert got.bed_lufs - wanted.bed_lufs == pytest.approx(10 * np.log10(bed_share), abs=0.15)
    assert got.voice_lufs - wanted.voice_lufs == pytest.approx(10 * np.log10(voice_share), abs=0.15)
    assert got.likeness == pytest.approx(1.0, abs=0.01)
    assert wanted.likeness < 0.05


def heard(ear: DipEar) -> DipsHeard:
    """What an ear heard; for speech nobody has listened."""
    return DipsHeard(ear, VoiceEar(RATE, Downmix(), load_detector("webrtc")))


@pytest.mark.parametrize(("gap_s", "counts"), [(0.0, True), (HEARD_AFTER_S + 0.1, False)])
def test_the_bed_at_the_end_of_a_last_word_counts_though_its_voice_is_lost(gap_s: float, counts: bool) -> None:
    """A strike of the bed right after what was found of the voice drowns the word's end; a later one does not."""
    stop = 2 * RATE + RATE // 25  # the end of a frame
    voice, bed = noise(1, 4 * RATE, 1, 0.1), noise(1, 4 * RATE, 2, 0.01)
    voice[:, stop:] = 0.0
    start = stop + round(gap_s * RATE)
    bed[:, start : start + RATE // 10] *= 30.0
    ear = DipEar(RATE, "mono", 1)
    assert list(ear.listen([Block(0, voice + bed, voice)]))
    part, cut = Span(RATE, stop), Span(0, 4 * RATE)
    (level,) = heard(ear).levels([part], [cut])
    (inside,) = heard(ear).levels([part], [part])  # where no more was separated, nothing around it is bed
    assert (level.bed_lufs > inside.bed_lufs + 10.0) == counts
    assert level.voice_lufs == pytest.approx(inside.voice_lufs, abs=1.0)


def test_voice_and_bed_add_up_to_the_mix_whatever_was_separated() -> None:
    voice, bed = noise(1, 4 * RATE, 1), noise(1, 4 * RATE, 2, 0.1)
    found = np.float32(0.8) * voice + np.float32(0.3) * bed
    ear, whole = DipEar(RATE, "mono", 1), DipEar(RATE, "mono", 1)
    assert list(ear.listen([Block(0, voice + bed, found)]))
    assert list(whole.listen([Block(0, voice + bed, voice + bed)]))
    span = Span(0, 4 * RATE)
    got, mix = ear.levels(span), whole.levels(span)
    total = lufs_to_power([got.voice_lufs, got.bed_lufs]).sum()
    assert power_to_lufs(total) == pytest.approx(mix.voice_lufs, abs=1e-6)


def test_silence_under_a_dip_is_the_floor() -> None:
    silence = np.zeros((1, 1000), np.float32)
    ear = DipEar(RATE, "mono", 1)
    assert len(list(ear.listen([Block(0, silence, silence)]))) == 1
    level = ear.levels(Span(0, 1000))
    assert ear.phrases(Span(0, 1000)) == [Span(0, 1000)]
    assert level.voice_lufs <= -120.0
    assert np.isfinite([level.voice_lufs, level.bed_lufs]).all()


RIDING = PlannedDip(Span(0, 100), None, "")
WANTED = DuckSettings(target_lu=10.0, floor_db=-18.0)


@pytest.mark.parametrize(
    ("voice", "bed", "gain"),
    [
        (-23.0, -27.0, -6.0),  # 4 LU apart: 6 dB are missing
        (-23.0, -33.0, 0.0),
        (-23.0, -60.0, 0.0),  # never a boost
        (-23.0, -10.0, -18.0),  # the floor
        (-40.0, -19.0, 0.0),  # 21 LU under its bed: leakage and no voice
        (-120.7, -120.7, 0.0),  # digital silence
        (-120.7, -23.0, 0.0),
    ],
)
def test_the_bed_rides_to_the_difference(voice: float, bed: float, gain: float) -> None:
    assert ride([RIDING], [DipLevels(voice, bed)], WANTED, 8.0) == [pytest.approx(gain, abs=0.005)]


@pytest.mark.parametrize(("mode", "gain_db"), [("reduce", -12.0), ("remove", -18.0)])
def test_a_bed_that_goes_throughout_goes_where_one_is_heard(mode: str, gain_db: float) -> None:
    settings = replace(WANTED, mode=mode)
    for bed_lufs, wanted in ((-27.0, gain_db), (-30.9, gain_db), (-31.1, 0.0), (-60.0, 0.0)):
        assert ride([RIDING], [DipLevels(-23.0, bed_lufs)], settings, 8.0) == [wanted]


@given(st.floats(-120, 0), st.floats(-120, 0))
def test_riding_never_boosts_nor_passes_the_floor(voice: float, bed: float) -> None:
    (gain,) = ride([RIDING], [DipLevels(voice, bed)], WANTED, 8.0)
    assert WANTED.floor_db <= gain <= 0.0


def test_a_gain_that_is_planned_stands() -> None:
    assert ride([PlannedDip(Span(0, 100), -3.0, "")], [DipLevels(-60.0, -20.0)], WANTED, 8.0) == [-3.0]


def talk(*parts: tuple[float, float], rate: int = RATE, bed_dbfs: float = -40.0) -> tuple[DipEar, int]:
    """What was heard of a voice that is (seconds, dBFS) loud in turn, over a steady bed."""
    voice = np.concatenate(
        [noise(1, round(s * rate), seed=n) * np.float32(10 ** (db / 20)) for n, (s, db) in enumerate(parts)], axis=1
    )
    bed = noise(1, voice.shape[1], seed=99) * np.float32(10 ** (bed_dbfs / 20))
    ear = DipEar(rate, "mono", 1)
    assert len(list(ear.listen([Block(0, voice + bed, voice)]))) == 1
    return ear, voice.shape[1]


def seconds(spans: Sequence[Span], rate: int = RATE) -> list[float]:
    return [round(edge / rate, 2) for span in spans for edge in (span.start, span.stop)]


@pytest.mark.parametrize("rate", [44_100, 48_000])
@pytest.mark.parametrize(
    ("parts", "edges"),
    [
        ([(3.0, -10.0)], [0.0, 3.0]),
        ([(2.0, -10.0), (1.0, -60.0), (2.0, -16.0)], [0.0, 2.0, 3.0, 5.0]),
        ([(2.0, -10.0), (0.4, -60.0), (2.0, -10.0)], [0.0, 4.4]),
        ([(1.0, -60.0), (2.0, -10.0), (1.0, -60.0)], [1.0, 3.0]),
        ([(2.0, -10.0), (1.5, -60.0), (0.1, -10.0), (1.5, -60.0), (2.0, -10.0)], [0.0, 2.0, 5.1, 7.1]),
        ([(2.0, -10.0), (0.7, -60.0), (0.1, -10.0), (1.5, -60.0), (2.0, -10.0)], [0.0, 2.8, 4.3, 6.3]),
        (
            [(2.0, -10.0), (0.35, -60.0), (0.04, -16.0), (0.4, -60.0), (0.04, -16.0), (0.3, -60.0), (2.0, -10.0)],
            [0.0, 2.39, 2.79, 5.13],
        ),
        ([(2.0, -10.0), (0.25, -60.0), (0.04, -16.0), (0.25, -60.0), (2.0, -10.0)], [0.0, 4.54]),
        ([(2.0, -10.0), (0.3, -60.0), (0.2, -16.0), (0.3, -60.0), (2.0, -10.0)], [0.0, 4.8]),
        ([(3.0, -200.0)], [0.0, 3.0]),
    ],
    ids=[
        "one phrase",
        "a pause",
        "a short pause",
        "silence around",
        "a click in the pause",
        "a last word",
        "clicks here and there",
        "a click in a pause with no room beside it",
        "a short word between short pauses",
        "no voice",
    ],
)
def test_a_dip_is_divided_where_the_voice_pauses(
    parts: list[tuple[float, float]], edges: list[float], rate: int
) -> None:
    ear, length = talk(*parts, rate=rate)
    assert seconds(ear.phrases(Span(0, length)), rate) == pytest.approx(edges, abs=0.04)


@pytest.mark.parametrize(("before_db", "start"), [(-10.0, 0.5), (-16.0, 0.5), (-25.0, 1.0), (-60.0, 1.0)])
def test_a_word_that_the_detector_missed_is_part_of_its_phrase(before_db: float, start: float) -> None:
    """Half a second of voice before the span that was planned, and half a second of room before that."""
    ear, length = talk((0.5, -60.0), (0.5, before_db), (2.0, -10.0), (1.0, -60.0))
    planned = Span(RATE, length)
    (part,) = ear.phrases(planned, Span(0, length))
    assert seconds([part]) == pytest.approx([start, 3.0], abs=0.04)
    (dip,) = divided(PlannedDip(planned, None, ""), [part], RATE)
    assert seconds([dip.span]) == pytest.approx([start, 4.0], abs=0.04)
    assert seconds(ear.phrases(planned)) == pytest.approx([1.0, 3.0], abs=0.04)


def test_what_another_phrase_left_in_the_room_is_not_taken() -> None:
    ear, length = talk((1.0, -10.0), (0.8, -60.0), (2.0, -10.0))
    (part,) = ear.phrases(Span(round(1.5 * RATE), length), Span(0, length))
    assert seconds([part]) == pytest.approx([1.8, 3.8], abs=0.04)


def test_what_a_network_lets_through_of_a_loud_bed_is_no_phrase() -> None:
    """A voice with the bed 29 dB down in its pauses, over a bed as loud as itself."""
    ear, length = talk((2.0, -20.0), (1.0, -49.0), (2.0, -20.0), bed_dbfs=-20.0)
    assert seconds(ear.phrases(Span(0, length))) == pytest.approx([0.0, 2.0, 3.0, 5.0], abs=0.04)


def test_every_phrase_rides_to_its_own_difference() -> None:
    ear, length = talk((2.0, -10.0), (1.0, -70.0), (2.0, -16.0), bed_dbfs=-14.0)
    dip = PlannedDip(Span(0, length), None, "rides")
    parts = ear.phrases(dip.span)
    dips = divided(dip, parts, RATE)
    gains = ride(dips, [ear.levels(part) for part in parts], WANTED, 8.0)
    assert gains == pytest.approx([-6.0, -12.0], abs=0.2)
    assert (dips[0].span.start, dips[-1].span.stop) == (0, length)
    assert dips[1].span.start == pytest.approx(parts[1].start - LEAD_S * RATE, abs=1)


@given(st.lists(st.integers(0, 12 * RATE), min_size=2, max_size=12, unique=True).map(sorted))
def test_the_parts_of_a_dip_lie_in_it_in_order_and_never_overlap(edges: list[int]) -> None:
    least, pause = round(LEAST_S * RATE), round(PAUSE_S * RATE)
    parts = [Span(a + n * (least + pause), b + n * (least + pause) + least) for n, (a, b) in enumerate(pairwise(edges))]
    parts = [Span(a.start, min(a.stop, b.start - pause)) for a, b in pairwise(parts) if a.start < b.start - pause]
    if not parts:
        return
    dip = PlannedDip(Span(max(0, parts[0].start - 500), parts[-1].stop + 700), None, "rides")
    dips = divided(dip, parts, RATE)
    assert (dips[0].span.start, dips[-1].span.stop) == (dip.span.start, dip.span.stop)
    for one, other in pairwise(dips):
        assert one.span.stop <= other.span.start
    for part, own in zip(parts, dips, strict=True):
        assert own.span.start <= part.start < part.stop <= own.span.stop


def test_dips_reach_for_their_words_as_far_as_the_voice_is_known_and_half_of_the_way_to_each_other() -> None:
    spans = [Span(100, 200), Span(300, 400), Span(900, 950)]
    dips = [PlannedDip(span, None, "") for span in spans]
    cuts = [Cut(Span(50, 350), ""), Cut(Span(350, 700), ""), Cut(Span(890, 960), "")]
    assert rooms(dips, spans, cuts) == [Span(50, 250), Span(250, 650), Span(890, 960)]
    heard = [Span(150, 200), Span(300, 380), Span(900, 950)]
    assert rooms(dips, heard, cuts) == [Span(150, 250), Span(250, 380), Span(890, 960)], "what was not heard stays"
    assert rooms(dips, spans, []) == spans
