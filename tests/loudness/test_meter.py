import csv
import os
from pathlib import Path

import numpy as np
import pytest
from reference_meter import ebur128
from tone_signals import INTEGRATED, MAXIMA, RANGE, RATE, alternating, growing

from mediaclean.loudness.kweight import FrameLevels
from mediaclean.loudness.meter import Meter, integrated, measure

CORPUS = os.environ.get("MEDIACLEAN_CORPUS")
LAYOUTS = {1: "mono", 2: "stereo", 5: "5.0", 6: "5.1"}


def expected_rows():
    if CORPUS is None:
        return []
    with (Path(CORPUS) / "loudness" / "expected.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("case", [*INTEGRATED, *RANGE, *MAXIMA], ids=lambda case: case.name)
def test_tone_sequences_read_what_the_standard_says(case):
    sound = case.samples()
    read = getattr(measure([sound], RATE, case.layout), case.quantity)
    assert read == pytest.approx(case.expected, abs=case.tolerance)


@pytest.mark.parametrize(("window_s", "step_s", "name"), [(3.0, 0.15, "short_term"), (0.4, 0.02, "momentary")])
def test_the_maximum_follows_tones_at_any_offset(window_s, step_s, name):
    sound, length = growing(window_s, step_s), round(RATE * 2 * window_s)
    for tone in range(0, 20, 3):
        # with the tone before, which is 1 dB softer and must not show
        part = sound[:, max(0, tone - 1) * length : (tone + 1) * length]
        read = getattr(measure([part], RATE, "stereo"), f"{name}_max_lufs")
        assert read == pytest.approx(-38 + tone, abs=0.1)


@pytest.mark.parametrize(
    ("times", "loud_s", "quiet_s", "name", "settled"),
    [(5, 1.34, 1.66, "short_term", 1), (25, 0.18, 0.22, "momentary", 7)],
)
def test_a_window_that_always_holds_the_same_energy_reads_constant(times, loud_s, quiet_s, name, settled):
    meter = Meter(RATE, "stereo", 2)
    meter.add(alternating(times, loud_s, quiet_s))
    curve = getattr(meter.series(), name)()[settled:]
    assert np.abs(curve + 23).max() <= 0.1


@pytest.mark.corpus
@pytest.mark.skipif(CORPUS is None, reason="set MEDIACLEAN_CORPUS to the folder of outside media")
@pytest.mark.parametrize("row", expected_rows(), ids=lambda row: row["file"])
def test_published_signals_read_what_was_published(row):
    import soundfile

    sound, rate = soundfile.read(Path(CORPUS or "") / "loudness" / row["file"], dtype="float32", always_2d=True)
    meter = Meter(rate, LAYOUTS[sound.shape[1]], sound.shape[1])
    meter.add(sound.T)
    result, expected = meter.result(), float(row["expected"])
    low, high = expected - float(row["tolerance_down"]), expected + float(row["tolerance_up"])
    if row["quantity"].startswith("momentary"):
        settled = meter.series().momentary()[7:]
        assert low <= settled.min() <= settled.max() <= high
        return
    read = {
        "integrated LUFS": result.integrated_lufs,
        "max short-term LUFS": result.short_term_max_lufs,
        "max momentary LUFS": result.momentary_max_lufs,
        "max true peak dBTP": result.true_peak_dbtp,
    }[row["quantity"]]
    if np.isinf(expected):
        assert read is None
    else:
        assert low <= read <= high


def programme(seed: int, rate: int, channels: int, seconds: float = 12.0):
    """Noise of random colour whose level wanders and pauses, with clicks: what random programmes are like."""
    rng = np.random.default_rng(seed)
    count = int(rate * seconds)
    noise = rng.standard_normal((channels, count))
    noise[:, 1:] += rng.uniform(-0.9, 0.9) * noise[:, :-1]
    levels_db = np.repeat(rng.uniform(-34, -14, 1 + count // (rate // 2)), rate // 2)[:count]
    sound = noise * 10 ** (levels_db / 20)
    sound[:, rng.integers(0, count, 5)] += rng.uniform(-0.9, 0.9, 5)
    return (0.3 * sound).astype(np.float32)


@pytest.mark.parametrize(
    ("seed", "rate", "layout", "channels"),
    [
        *[(seed, 48000, "stereo", 2) for seed in range(6)],
        *[(seed, 44100, "mono", 1) for seed in range(6, 9)],
        *[(seed, 16000, "mono", 1) for seed in range(9, 11)],
        (11, 8000, "mono", 1),
        (12, 22050, "stereo", 2),
        (13, 96000, "stereo", 2),
        (14, 192000, "stereo", 2),
        *[(seed, 48000, "5.1", 6) for seed in range(15, 18)],
        (18, 44100, "5.0", 5),
        (19, 32000, "quad", 4),
    ],
)
def test_random_programmes_agree_with_an_independent_meter(seed, rate, layout, channels):
    sound = programme(seed, rate, channels)
    ours, theirs = measure([sound], rate, layout), ebur128(sound, rate, layout)
    assert ours.integrated_lufs == pytest.approx(theirs["integrated_lufs"], abs=0.1)
    assert ours.range_lu == pytest.approx(theirs["range_lu"], abs=0.3)
    assert ours.true_peak_dbtp == pytest.approx(theirs["true_peak_dbtp"], abs=0.2)
    # ours are sought in finer steps, so they may only lie higher
    assert -0.02 <= ours.short_term_max_lufs - theirs["short_term_max_lufs"] <= 1.0
    assert -0.02 <= ours.momentary_max_lufs - theirs["momentary_max_lufs"] <= 3.0


@pytest.mark.parametrize("rate", [44100, 48000])
def test_integrated_loudness_agrees_with_pyloudnorm(rate):
    import pyloudnorm

    sound = programme(3, rate, 2)
    theirs = pyloudnorm.Meter(rate, filter_class="DeMan").integrated_loudness(sound.T.astype(np.float64))
    assert measure([sound], rate, "stereo").integrated_lufs == pytest.approx(theirs, abs=0.02)


@pytest.mark.parametrize("rate", [11025, 48000])
@pytest.mark.parametrize("block", [1000, 4096, 48000, 99991])
def test_the_figures_do_not_depend_on_the_blocks(rate, block):
    sound = programme(4, rate, 2, 5.3)
    blocks = [sound[:, start : start + block] for start in range(0, sound.shape[1], block)]
    assert measure(blocks, rate, "stereo") == measure([sound], rate, "stereo")


def test_frames_come_along_with_the_same_powers():
    sound = programme(5, 44100, 2, 2.7)
    alone, along = FrameLevels(44100, "stereo", 2), FrameLevels(44100, "stereo", 2)
    alone.add(sound)
    meter = Meter(44100, "stereo", 2, frames=along)
    meter.add(sound)
    meter.result()
    assert np.allclose(alone.result(), along.result())


def test_silence_and_short_sounds_have_no_loudness():
    silent = measure([np.zeros((2, 48000 * 5), np.float32)], 48000, "stereo")
    assert silent.integrated_lufs is None
    assert silent.range_lu is None
    assert silent.true_peak_dbtp == -120
    short = measure([np.ones((1, 4000), np.float32)], 48000, "mono")
    assert (short.momentary_max_lufs, short.short_term_max_lufs) == (None, None)
    assert short.sample_peak_dbfs == 0
    assert measure([], 48000, "stereo").duration_s == 0


def test_the_gates_leave_quiet_stretches_out():
    loud, quiet, below = (np.full(100, 10 ** ((level + 0.691) / 10)) for level in (-20, -34, -71))
    assert integrated(np.concatenate([loud, quiet, below])) == pytest.approx(-20, abs=0.15)
    assert integrated(below) is None


@pytest.mark.parametrize("rate", [44100, 48000])
@pytest.mark.parametrize("phase", [0, 30, 45, 60])
@pytest.mark.parametrize("fraction", [4, 6, 8])
def test_the_true_peak_of_a_sine_between_its_samples_is_found(rate, phase, fraction):
    ramp = np.minimum(1, np.arange(rate) / 200)
    sine = np.sin(2 * np.pi / fraction * np.arange(rate) + np.radians(phase)) * np.minimum(ramp, ramp[::-1])
    read = measure([0.5 * sine[None].astype(np.float32)], rate, "mono").true_peak_dbtp
    assert -0.4 <= read + 6.02 <= 0.2


def test_true_peaks_are_left_out_on_request():
    sine = np.sin(np.pi / 2 * np.arange(48000) + np.pi / 4)[None].astype(np.float32)
    meter = Meter(48000, "mono", 1, true_peak=False)
    meter.add(sine)
    result = meter.result()
    assert result.true_peak_dbtp == result.sample_peak_dbfs == pytest.approx(-3.01, abs=0.01)


def test_a_read_meter_takes_no_more():
    meter = Meter(48000, "mono", 1)
    meter.add(np.zeros((1, 10), np.float32))
    meter.result()
    with pytest.raises(ValueError, match="new meter"):
        meter.add(np.zeros((1, 10), np.float32))
