"""Plain PCM has no packets of its own: where a container cuts it says nothing, when its bytes sound says all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mediaclean.media import NewAudio, decode, probe, verify, write
from mediaclean.media.columns import Column
from mediaclean.media.packets import StreamPackets, lateness_s, packet_hashes
from mediaclean.media.pairing import pair_streams
from tests.media.films import Film, Sound, make, noise

RATE, BYTES = 48_000, 4


def packets(samples: Sequence[int], *, at: Sequence[int] | None = None, codec: str = "pcm_s16le") -> StreamPackets:
    """A stream of packets of so many samples, one after the other, or at the given ticks."""
    starts = np.cumsum([0, *samples[:-1]]).tolist() if at is None else at
    sizes = Column([BYTES * count for count in samples])
    speed = float(RATE * BYTES) if codec.startswith("pcm_") else 0.0
    marks = Column([1] * len(samples))
    return StreamPackets(1, "audio", codec, len(samples), "same", "same", 1 / RATE, Column(starts), marks, speed, sizes)


CUTS = [(1024, 1024, 1024), (1920, 1152), (3072,), (1, 3070, 1)]


@pytest.mark.parametrize("ours", CUTS)
@pytest.mark.parametrize("theirs", CUTS)
def test_pcm_that_is_cut_in_other_places_is_the_same_sound(ours: Sequence[int], theirs: Sequence[int]) -> None:
    mine, other = packets(ours), packets(theirs)
    assert pair_streams({1: mine}, {1: other}) == {1: (1, "bytes")}
    assert np.abs(lateness_s(mine, other)).max() < 1e-9


@pytest.mark.parametrize("late", [-1, 1, 480])
@pytest.mark.parametrize("packet", [1, 2])
def test_a_part_of_it_that_sounds_at_another_time_is_seen_whatever_the_cuts(late: int, packet: int) -> None:
    moved = [0, 1024, 2048]
    moved[packet] += late
    for mine, other, sign in (
        (packets((1920, 1152)), packets((1024, 1024, 1024), at=moved), 1),
        (packets((1024, 1024, 1024), at=moved), packets((1920, 1152)), -1),
    ):
        apart = lateness_s(mine, other) * RATE * sign
        assert apart[np.abs(apart).argmax()] == pytest.approx(late)


def test_a_copy_that_is_late_is_late_everywhere() -> None:
    late = lateness_s(packets((1920, 1152)), packets((1024, 2048), at=(100, 1124)))
    assert late * RATE == pytest.approx([100.0] * len(late))


def test_packets_of_other_codecs_are_counted() -> None:
    assert not pair_streams({1: packets((1024, 1024), codec="flac")}, {1: packets((2048,), codec="flac")})


@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_s24le"])
def test_the_sound_beside_a_camera_s_cleaned_track_goes_into_mov(tmp_path: Path, codec: str) -> None:
    """Material Exchange Format has a packet of sound for every picture, QuickTime cuts as it likes."""
    sounds = Sound(noise(), codec), Sound(noise(seed=2), codec)
    source = make(tmp_path / "card.mxf", Film(sounds, video="mpeg2video", video_options=()))
    media, target = probe(source), tmp_path / "card.mov"
    new = NewAudio((chunk / 2 for chunk in decode(media, media.tracks[0])), RATE, "stereo")
    written = write(media, target, replace={1: new})
    before, after = packet_hashes(source)[2], packet_hashes(target)[2]
    assert before.count != after.count, "else this proves nothing"
    assert before.sha256 == after.sha256
    receipt = verify(source, target, cleaned=[1], positions=written.positions)
    assert receipt.ok, receipt.failures
    copied = write(media, tmp_path / "copied.mov")
    assert verify(source, tmp_path / "copied.mov", cleaned=[], positions=copied.positions).ok
