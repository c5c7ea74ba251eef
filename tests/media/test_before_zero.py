"""What lies before a track's zero is not heard, and what lies after it is heard when it should be."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mediaclean.media import NewAudio, decode, probe, write
from tests.media.films import noise

RATE, FRAME = 48_000, 1024


def counted(path: Path, first: int) -> Path:
    """A second of PCM whose samples count up from 1, in frames of 1024, with a clock that begins before zero."""
    counts = np.arange(1, RATE // 2 + 1, dtype="<i2")
    with av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as made:
        stream = made.add_stream("pcm_s16le", RATE)
        stream.codec_context.layout = "mono"
        made.start_encoding()
        for start in range(0, len(counts), FRAME):
            packet = av.Packet(counts[start : start + FRAME].tobytes())
            packet.pts = packet.dts = first + start
            packet.duration, packet.time_base, packet.stream = FRAME, Fraction(1, RATE), stream
            made.mux(packet)
    return path


@pytest.mark.parametrize("first", [-300, -1024, -1100, -1200, -2100, -3000])
def test_frames_before_zero_are_cut_off_to_the_tick(tmp_path: Path, first: int) -> None:
    """Matroska counts in milliseconds, so a frame may lie half of one away from where it was."""
    media = probe(counted(tmp_path / "early.mkv", first))
    sound = np.concatenate(list(decode(media, media.tracks[0])), axis=1)[0] * 32768
    assert sound[0] - 1 == pytest.approx(-first, abs=RATE / 1000)
    steps = np.diff(sound[: sound.size // 2])
    assert np.count_nonzero(steps != 1.0) <= 1


def test_a_wave_file_has_room_for_sizes_over_four_gigabytes(tmp_path: Path) -> None:
    """EBU Tech 3306: a chunk that holds the place for 64-bit sizes, until they are needed."""
    media = probe(counted(tmp_path / "source.mkv", 0))
    write(media, tmp_path / "made.wav", replace={1: NewAudio([noise(1.0, 1)], RATE, "mono")})
    head = (tmp_path / "made.wav").read_bytes()[:64]
    assert head[:4] == b"RIFF"
    assert head[12:16] == b"JUNK"
    assert int.from_bytes(head[16:20], "little") >= 28
