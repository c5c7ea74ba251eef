"""The exact sample clock: what goes in comes out, wherever the block borders lie."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mediaclean.audio import Span, pick
from mediaclean.errors import MediaError
from mediaclean.media import Fault, choose_track, decode, measure_lag, probe
from mediaclean.media.clock import Clock
from tests.media.films import Film, Sound, make, noise


def wav(path: Path, samples: NDArray[np.generic], *, bits: int, rate: int = 48_000, floating: bool = False) -> Path:
    """A WAV file written by hand: samples of shape (n, channels); 24 bits come as int32."""
    data = samples.tobytes()
    if bits == 24:
        data = np.ascontiguousarray(samples.astype("<i4")).view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    width = samples.shape[1] * bits // 8
    head = struct.pack("<HHIIHH", 3 if floating else 1, samples.shape[1], rate, rate * width, width, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(head)) + head + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def whole(path: Path, block: int | None = None, faults: list[Fault] | None = None) -> NDArray[np.float32]:
    media = probe(path)
    track = choose_track(media)
    return np.concatenate(
        list(decode(media, track, block=block, faults=None if faults is None else faults.append)), axis=1
    )


@pytest.mark.parametrize(("bits", "dtype"), [(8, "u1"), (16, "<i2"), (24, "<i4")])
def test_integers_come_out_exactly(tmp_path: Path, bits: int, dtype: str) -> None:
    random = np.random.default_rng(0)
    low, high = (0, 256) if bits == 8 else (-(1 << bits - 1), 1 << bits - 1)
    numbers = random.integers(low, high, size=(4000, 2)).astype(dtype)
    numbers[0], numbers[1] = low, high - 1
    got = whole(wav(tmp_path / "a.wav", numbers, bits=bits))
    expected = (numbers.astype(np.float64) - (128 if bits == 8 else 0)) / (1 << bits - 1)
    np.testing.assert_array_equal(got, expected.T.astype(np.float32))


def test_floats_come_out_exactly_beyond_full_scale_too(tmp_path: Path) -> None:
    numbers = (3 * np.random.default_rng(0).standard_normal((4000, 2))).astype("<f4")
    np.testing.assert_array_equal(whole(wav(tmp_path / "a.wav", numbers, bits=32, floating=True)), numbers.T)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 96_000, 192_000])
def test_any_rate(tmp_path: Path, rate: int) -> None:
    numbers = np.random.default_rng(0).integers(-9000, 9000, size=(rate // 4, 1)).astype("<i2")
    path = wav(tmp_path / "a.wav", numbers, bits=16, rate=rate)
    assert probe(path).tracks[0].rate == rate
    assert whole(path).shape == (1, rate // 4)


def test_not_a_number_becomes_silence_and_is_said_once(tmp_path: Path) -> None:
    numbers = np.full((96_000, 1), 0.1, dtype="<f4")
    numbers[1000], numbers[60_000], numbers[60_001] = np.nan, np.inf, 1e30
    faults: list[Fault] = []
    got = whole(wav(tmp_path / "a.wav", numbers, bits=32, floating=True), faults=faults)
    assert np.flatnonzero(got[0] == 0).tolist() == [1000, 60_000, 60_001]
    assert [(fault.kind, fault.at_s) for fault in faults] == [("not-a-number", pytest.approx(1000 / 48_000))]


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".ts"])
@pytest.mark.parametrize("block", [1, 777, 48_000, 10**9])
def test_blocks_do_not_change_samples(tmp_path: Path, suffix: str, block: int) -> None:
    path = make(tmp_path / f"film{suffix}", Film((Sound(noise(0.6)),), seconds=0.6))
    media = probe(path)
    chunks = list(decode(media, media.tracks[0], block=block))
    assert all(chunk.shape[1] == block for chunk in chunks[:-1])
    np.testing.assert_array_equal(np.concatenate(chunks, axis=1), whole(path))


def test_spans_are_cut_to_the_sample_in_any_order_and_past_the_end(tmp_path: Path) -> None:
    path = make(tmp_path / "film.mkv", Film((Sound(noise(1.5), "flac"),), video=""))
    media, everything = probe(path), whole(path)
    stop = everything.shape[1]
    spans = [Span(50_000, 60_001), Span(0, 1), Span(7, 7), Span(stop - 5, stop + 100), Span(stop + 9, stop + 10)]
    for span, part in zip(spans, pick(decode(media, media.tracks[0]), spans, 2), strict=True):
        np.testing.assert_array_equal(part, everything[:, span.start : span.stop])


@pytest.mark.parametrize(
    ("codec", "suffix", "layout", "channels"),
    [("flac", ".mkv", "7.1", 8), ("aac", ".mp4", "7.1", 8), ("pcm_s24le", ".mov", "7.1", 8), ("ac3", ".mp4", "3.0", 3)],
)
def test_surround_decodes_with_its_channels_in_order(
    tmp_path: Path, codec: str, suffix: str, layout: str, channels: int
) -> None:
    sound = noise(1.0, channels)
    got = whole(make(tmp_path / f"film{suffix}", Film((Sound(sound, codec, layout=layout),), seconds=1.0)))
    for channel in range(channels):
        if layout == "7.1" and channel == 3 and codec == "aac":
            continue  # the low-frequency channel has next to nothing left of the noise
        against = [
            abs(float(np.corrcoef(row, sound[channel, : got.shape[1]])[0, 1])) for row in got[:, : sound.shape[1]]
        ]
        assert int(np.argmax(against)) == channel


def test_a_change_of_layout_and_rate_in_mid_stream_is_resampled(tmp_path: Path) -> None:
    both = tmp_path / "both.mkv"
    with av.open(str(both), "w") as made:
        stream: Any = made.add_stream("mp3", 48_000)
        for start, rate, layout in ((0, 48_000, "stereo"), (60_000, 24_000, "mono")):
            encoder: Any = av.CodecContext.create("libmp3lame", "w")
            encoder.sample_rate, encoder.layout, encoder.format = rate, layout, "fltp"
            frame = av.AudioFrame.from_ndarray(noise(1.0, 1 + (layout == "stereo"), rate), "fltp", layout)
            frame.rate, frame.pts, frame.time_base = rate, start * rate // 48_000, Fraction(1, rate)
            for packet in [*encoder.encode(frame), *encoder.encode(None)]:
                packet.stream = stream
                made.mux(packet)
    got = whole(both)
    assert got.shape[0] == 2
    assert got.shape[1] == pytest.approx(60_000 + 48_000, abs=4000)
    np.testing.assert_allclose(got[0, -20_000:], got[1, -20_000:], atol=1e-6)


def test_damage_is_passed_over_in_step_and_reported(tmp_path: Path) -> None:
    path = make(tmp_path / "film.mkv", Film((Sound(noise(4.0)),), seconds=4.0))
    clean = whole(path)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 6000] = bytes(6000)
    path.write_bytes(data)
    faults: list[Fault] = []
    got = whole(path, faults=faults)
    assert {fault.kind for fault in faults} & {"damage", "gap"}
    stop = min(got.shape[1], clean.shape[1])
    lag, alike = measure_lag(clean[:, stop - 20_000 : stop], got[:, stop - 20_000 : stop], reach=4000)
    assert lag == 0
    assert alike > 0.7  # the encoder replaces some noise by other noise


def test_a_file_that_went_away_is_an_error_of_ours(tmp_path: Path) -> None:
    path = make(tmp_path / "film.mkv", Film((Sound(noise(0.3)),), seconds=0.3))
    media = probe(path)
    path.unlink()
    with pytest.raises(MediaError, match="no such file"):
        next(decode(media, media.tracks[0]))


def run_clock(wants: list[int | None], size: int = 1024) -> tuple[NDArray[np.float32], list[Fault]]:
    """What the clock makes of chunks of ones that want to be at these samples, at 48 kHz."""
    faults: list[Fault] = []
    clock = Clock(48_000, None, faults.append)
    chunks = [c for want in wants for c in clock.place(want, np.ones((1, size), dtype=np.float32))]
    chunks += clock.finish()
    out = np.concatenate(chunks, axis=1)
    assert clock.position == out.shape[1]
    return out, faults


@given(st.lists(st.integers(-300, 300), min_size=1, max_size=60))
@settings(max_examples=60, deadline=None)
def test_jitter_changes_nothing(jitter: list[int]) -> None:
    out, faults = run_clock([n * 1024 + wobble for n, wobble in enumerate(jitter)])
    assert out.shape[1] == 1024 * len(jitter)
    assert out.all()
    assert not faults


@pytest.mark.parametrize("lost", [1024, 960, 5000, 480_000])
def test_a_gap_is_silence_of_its_length(lost: int) -> None:
    out, faults = run_clock([0, 1024, *(2048 + lost + n * 1024 for n in range(8))])
    assert out.shape[1] == 10 * 1024 + lost
    assert not out[0, 2048 : 2048 + lost].any()
    assert out[0, 2048 + lost :].all()
    assert [(fault.kind, round(fault.length_s * 48_000)) for fault in faults] == [("gap", lost)]


def test_an_overlap_is_dropped() -> None:
    out, faults = run_clock([0, 1024, 2048, *(2048 + n * 1024 for n in range(8))])
    assert out.shape[1] == 10 * 1024
    assert [fault.kind for fault in faults] == ["overlap"]


def test_one_wrong_timestamp_is_not_believed() -> None:
    wants = [n * 1024 for n in range(20)]
    wants[7] += 100_000
    out, faults = run_clock([*wants])
    assert out.shape[1] == 20 * 1024
    assert not faults


@pytest.mark.parametrize("jump", [48_000 * 86_400 * 365, -48_000 * 3600])
def test_a_new_clock_is_no_year_of_silence(jump: int) -> None:
    wants = [n * 1024 for n in range(10)] + [jump + n * 1024 for n in range(10, 20)]
    out, faults = run_clock([*wants])
    assert out.shape[1] == 20 * 1024
    assert len(faults) == 1


def test_every_gap_of_several_is_filled() -> None:
    places = [n for n in range(40) if n not in {5, 6, 11, 17, 18, 19}]
    out, _ = run_clock([n * 1024 for n in places])
    heard = out[0].reshape(-1, 1024).all(axis=1)
    assert np.flatnonzero(heard).tolist() == places
