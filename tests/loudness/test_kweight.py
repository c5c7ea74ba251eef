import contextlib
import itertools

import av
import numpy as np
import pytest
from scipy.signal import sosfreqz

from mediaclean.audio import frame_edges
from mediaclean.loudness.kweight import (
    _LAYOUTS,
    SURROUND,
    FrameLevels,
    KWeighting,
    WeightedPower,
    channel_names,
    channel_weights,
    power_to_lufs,
    sections,
)

STANDARD_48K = [
    [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585],
    [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621],
]
"""BS.1770-5, tables 1 and 2."""


def test_the_coefficients_at_48_khz_are_the_standards():
    assert np.abs(sections(48000) - STANDARD_48K).max() < 1e-8


@pytest.mark.parametrize("rate", [16000, 22050, 44100, 96000, 192000])
def test_other_rates_have_the_same_response(rate):
    hertz = np.geomspace(20, 3000, 50)
    wanted, got = (20 * np.log10(np.abs(sosfreqz(sections(r), 2 * np.pi * hertz / r)[1])) for r in (48000, rate))
    assert np.abs(got - wanted).max() < (0.35 if rate < 40000 else 0.05)


@pytest.mark.parametrize("rate", [8000, 11025, 48000, 192000])
def test_the_filter_runs_on_across_calls(rate):
    sound = np.random.default_rng(0).standard_normal((2, 5000)).astype(np.float32)
    whole = KWeighting(rate, 2)(sound)
    filter_ = KWeighting(rate, 2)
    parts = [filter_(sound[:, start : start + 37]) for start in range(0, 5000, 37)]
    assert np.allclose(np.concatenate(parts, axis=1), whole, rtol=0, atol=1e-12)
    assert whole.shape == sound.shape


@pytest.mark.parametrize(
    ("layout", "channels", "weights"),
    [
        ("mono", 1, [1]),
        ("stereo", 2, [1, 1]),
        ("5.1", 6, [1, 1, 1, 0, SURROUND, SURROUND]),
        ("5.1(side)", 6, [1, 1, 1, 0, SURROUND, SURROUND]),
        ("5.0", 5, [1, 1, 1, SURROUND, SURROUND]),
        ("7.1", 8, [1, 1, 1, 0, 1, 1, SURROUND, SURROUND]),
        ("quad", 4, [1, 1, SURROUND, SURROUND]),
        ("FL+FR+LFE", 3, [1, 1, 0]),
        ("5 channels (FL+FR+LFE+BL+BR)", 5, [1, 1, 0, SURROUND, SURROUND]),
        ("4 channels (FC+LFE+SL+SR)", 4, [1, 0, SURROUND, SURROUND]),
        ("2 channels (FC+LFE)", 2, [1, 0]),
        ("cube", 8, [1, 1, SURROUND, SURROUND, 1, 1, 1, 1]),
        ("3.1.2", 6, [1, 1, 1, 0, 1, 1]),
        ("9.1.4", 14, [1, 1, 1, 0, 1, 1, 1, 1, SURROUND, SURROUND, 1, 1, 1, 1]),
        ("7.2.3", 12, [1, 1, 1, 0, 1, 1, SURROUND, SURROUND, 1, 1, 1, 0]),
        ("22.2", 24, [SURROUND, SURROUND, 1, 0, *[1] * 5, SURROUND, SURROUND, *[1] * 7, 0, *[1] * 5]),
        ("6 channels", 6, [1, 1, 1, 0, SURROUND, SURROUND]),
        ("unknown", 11, [1] * 11),
        ("stereo", 1, [1]),
    ],
)
def test_weights_follow_the_layout(layout, channels, weights):
    assert channel_weights(layout, channels).tolist() == weights
    assert len(channel_names(layout, channels)) == channels


@pytest.mark.parametrize("layout", [*_LAYOUTS, "4 channels (FC+LFE+SL+SR)", "5 channels (FL+FR+LFE+BL+BR)"])
def test_channels_have_the_names_that_ffmpeg_gives_them(layout):
    """Else what is measured, what is heard and what is told of a track are of different channels."""
    theirs = av.AudioLayout(layout.partition("(")[2].rstrip(")") if "channels" in layout else layout)
    assert theirs.name == layout
    assert channel_names(theirs.name, theirs.nb_channels) == tuple(channel.name for channel in theirs.channels)


@pytest.mark.parametrize("channels", range(1, 25))
def test_every_usual_layout_of_so_many_channels_is_known(channels):
    """What a decoder gives a stream whose file only counts its channels."""
    with contextlib.suppress(ValueError):
        theirs = av.AudioLayout(f"{channels}c")
        if not theirs.name.endswith("channels"):
            assert channel_names(theirs.name, channels) == tuple(channel.name for channel in theirs.channels)


def test_a_full_scale_sine_in_front_reads_minus_3():
    sine = np.sin(2 * np.pi * 997 / 48000 * np.arange(48000 * 2))[None].astype(np.float32)
    power = WeightedPower(48000, "mono", 1)(sine)[48000:]
    assert power_to_lufs(power.mean()) == pytest.approx(-3.01, abs=0.01)


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000])
@pytest.mark.parametrize("block", [1, 333, 4096, 10**6])
def test_frame_levels_lie_on_the_frame_grid_whatever_the_blocks(rate, block):
    sound = np.random.default_rng(1).standard_normal((2, 3000)).astype(np.float32)
    levels = FrameLevels(rate, "stereo", 2)
    for start in range(0, 3000, block):
        levels.add(sound[:, start : start + block])
    power = WeightedPower(rate, "stereo", 2)(sound)
    edges = frame_edges(0, 3000 // (rate * 32 // 1000) + 1, rate).clip(max=3000)
    wanted = [power[a:b].mean() for a, b in itertools.pairwise(edges) if b > a]
    assert np.allclose(levels.result(), wanted)
