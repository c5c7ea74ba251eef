"""A gain does what it says inside its span, nothing outside of it, and leaves the bed where it was."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mediaclean.audio import Samples, Span, db_to_gain, power_to_db
from mediaclean.polish import BlockStage, deess, presence, through
from mediaclean.polish.gains import GRID, band_gain, band_pass, envelope, heard_gain, high_pass, voice_gain
from mediaclean.polish.records import VoiceGain
from polish.speaking import RATE, blocks_of, joined

LENGTH = 3 * GRID + 1_234
ROWS = [
    VoiceGain(Span(500, 4_000), -6.0, "deess", ""),
    VoiceGain(Span(GRID - 900, GRID + 700), -3.0, "deess", ""),
    VoiceGain(Span(2 * GRID, LENGTH), -9.0, "deess", ""),
]
RAMP = 240
HIGH = high_pass(deess.SPLIT_HZ, round(deess.REACH_S * RATE), RATE)
CUTS = [Span(0, GRID)]

STAGES: dict[str, BlockStage] = {
    "voice": voice_gain(ROWS, RAMP, None),
    "heard": heard_gain(ROWS, RAMP, None, cuts=CUTS, fade=RAMP),
    "band": band_gain(ROWS, RAMP, None, HIGH),
}


def noise(seed: int, channels: int = 2) -> Samples:
    return np.random.default_rng(seed).uniform(-0.3, 0.3, (channels, LENGTH)).astype(np.float32)


MIX, VOICE = noise(1), noise(2)


def inside(rows: list[VoiceGain] = ROWS) -> NDArray[np.bool_]:
    mask = np.zeros(LENGTH, dtype=bool)
    for row in rows:
        mask[row.span.start : row.span.stop] = True
    return mask


@pytest.mark.parametrize("name", STAGES)
def test_outside_its_spans_a_stage_passes_bits(name: str) -> None:
    done = joined(STAGES[name](blocks_of(MIX, VOICE, [5_000])))
    assert np.array_equal(done.mix[:, ~inside()], MIX[:, ~inside()])
    assert np.array_equal(done.voice[:, ~inside()], VOICE[:, ~inside()])
    for row in ROWS:
        middle = slice(row.span.start + RAMP, row.span.stop - RAMP)
        assert not np.any(done.mix[:, middle] == MIX[:, middle])


@pytest.mark.parametrize("name", ["voice", "band"])
def test_the_bed_stays_where_it_was(name: str) -> None:
    done = joined(STAGES[name](blocks_of(MIX, VOICE)))
    assert np.abs(done.bed - (MIX - VOICE)).max() < 2e-7


@pytest.mark.parametrize("name", STAGES)
@pytest.mark.parametrize("sizes", [[480], [GRID], [GRID - 1, 3], [70_001]])
def test_blocks_of_any_size_give_the_same_samples(name: str, sizes: list[int]) -> None:
    one = joined(STAGES[name](blocks_of(MIX, VOICE)))
    other = joined(STAGES[name](blocks_of(MIX, VOICE, sizes)))
    assert np.array_equal(one.mix, other.mix)
    assert np.array_equal(one.voice, other.voice)


@pytest.mark.parametrize("name", ["voice", "heard", "band"])
def test_of_a_surround_track_only_the_centre_changes(name: str) -> None:
    centred = {
        "voice": voice_gain(ROWS, RAMP, 1),
        "heard": heard_gain(ROWS, RAMP, 1, cuts=CUTS, fade=RAMP),
        "band": band_gain(ROWS, RAMP, 1, HIGH),
    }[name]
    mix, voice = noise(3, 3), noise(4, 3)
    done = joined(centred(blocks_of(mix, voice, [9_000])))
    assert np.array_equal(done.mix[[0, 2]], mix[[0, 2]])
    assert np.array_equal(done.voice[[0, 2]], voice[[0, 2]])
    assert not np.array_equal(done.mix[1], mix[1])
    assert np.array_equal(mix, noise(3, 3))  # the caller's own samples are never touched


def test_channels_keep_their_balance() -> None:
    """What is the same on both sides stays so, and what is twice as loud on one stays twice as loud."""
    sound = np.concatenate([VOICE[:1], np.float32(0.5) * VOICE[:1]])
    for stage in STAGES.values():
        done = joined(stage(blocks_of(sound)))
        assert np.abs(done.mix[1] - 0.5 * done.mix[0]).max() < 1e-7


def test_the_envelope_stands_at_its_gain_and_ramps_without_a_step() -> None:
    row = ROWS[0]
    gain = envelope(ROWS, RAMP, 0, LENGTH)
    assert gain is not None
    middle = gain[row.span.start + RAMP : row.span.stop - RAMP]
    assert np.allclose(middle, db_to_gain(row.gain_db), rtol=1e-6)
    assert np.all(np.diff(gain[row.span.start - 1 : row.span.start + RAMP]) <= 0.0)
    steepest = np.abs(np.diff(20.0 * np.log10(gain))).max()
    assert steepest <= 9.0 * np.pi / 2 / RAMP * 1.01  # a raised cosine's, of the deepest row
    assert envelope(ROWS, RAMP, 5_000, 1_000) is None


def test_short_spans_ramp_to_their_middle() -> None:
    gain = envelope([VoiceGain(Span(100, 200), -6.0, "breath", "")], RAMP, 0, 300)
    assert gain is not None
    assert gain.min() == pytest.approx(db_to_gain(-6.0), rel=1e-3)
    assert gain[100] > 0.999
    assert gain[199] > 0.999


def level_db(sound: Samples) -> float:
    return float(power_to_db(np.mean(np.square(sound, dtype=np.float64))))


@pytest.mark.parametrize(("hz", "expected_db"), [(1_000.0, 0.0), (3_000.0, 0.0), (5_500.0, -9.0), (9_000.0, -9.0)])
def test_the_sibilance_band_moves_and_the_rest_does_not(hz: float, expected_db: float) -> None:
    sine = np.sin(2 * np.pi * hz * np.arange(LENGTH) / RATE)[None].astype(np.float32)
    done = joined(STAGES["band"](blocks_of(sine)))
    here = slice(2 * GRID + 2 * RAMP, LENGTH - 2 * RAMP)
    assert level_db(done.voice[:, here]) - level_db(sine[:, here]) == pytest.approx(expected_db, abs=0.1)
    residue = done.voice[:, here] - db_to_gain(expected_db).astype(np.float32) * sine[:, here]
    assert level_db(residue) < level_db(sine) - 30.0  # no phase: what is left is the sine itself, smaller


def test_the_bell_of_presence_is_one_at_its_height_and_gone_under_a_kilohertz() -> None:
    taps = band_pass(*presence.BAND_HZ, round(presence.REACH_S * 48_000), 48_000)
    response, hz = np.abs(np.fft.rfft(taps, 8192)), np.fft.rfftfreq(8192, 1 / 48_000)
    assert response.max() == pytest.approx(1.0)
    assert 2_500.0 < hz[np.argmax(response)] < 6_000.0
    assert response[(hz > 3_000) & (hz < 5_500)].min() > 0.7
    assert response[hz < 800].max() < 0.15
    assert response[hz > 9_000].max() < 0.15
    assert np.allclose(taps, taps[::-1])


def test_without_stages_the_blocks_are_the_same_objects() -> None:
    blocks = list(blocks_of(MIX, VOICE, [5_000]))
    assert all(one is other for one, other in zip(through(blocks, []), blocks, strict=True))
