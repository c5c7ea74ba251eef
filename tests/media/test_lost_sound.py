"""Sound that is gone, cut short or another is no result, and a lowered bed is one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mediaclean.audio import Samples
from mediaclean.media import NewAudio, Receipt, probe, verify, write
from tests.media.films import Film, Sound, make, noise

SOUND = noise(6.0)
ROOM = noise(6.0, seed=7)


def receipt_of(folder: Path, sound: Samples, made: Samples, suffix: str = ".mkv") -> Receipt:
    source = make(folder / f"film{suffix}", Film((Sound(sound, "aac"),), 6.0, video=""))
    target = folder / f"made{suffix}"
    write(probe(source), target, replace={1: NewAudio([made.astype(np.float32)], 48_000, "stereo")})
    return verify(source, target)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (np.zeros_like(SOUND), "'that of the source' became 'silence'"),
        (ROOM, "became 'another sound'"),
        (SOUND[:, : 3 * 48_000], "track 1 length: '6.0"),
        (np.concatenate([SOUND, ROOM[:, :48_000]], axis=1), "track 1 length: '6.0"),
    ],
    ids=["silence", "another", "cut short", "too long"],
)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_lost_sound_is_a_failure(tmp_path: Path, made: Samples, says: str, suffix: str) -> None:
    receipt = receipt_of(tmp_path, SOUND, made, suffix)
    assert not receipt.ok
    assert len(receipt.failures) == 1
    assert says in receipt.failures[0]


@pytest.mark.parametrize("bed_db", [0, -26, -40])
def test_a_bed_that_went_is_none(tmp_path: Path, bed_db: float) -> None:
    """A voice 20 dB under its bed, of which a trace is left under a room of its own: no lag can be read from it."""
    voice = 0.1 * noise(6.0, seed=3)
    trace = SOUND * 10 ** (bed_db / 20) + 0.01 * ROOM
    receipt = receipt_of(tmp_path, SOUND + voice, voice + trace)
    assert receipt.ok, receipt.failures


@pytest.mark.parametrize("made", [np.zeros_like(SOUND), ROOM * 0.003], ids=["nothing", "a room"])
def test_nothing_is_missed_where_there_was_nothing(tmp_path: Path, made: Samples) -> None:
    receipt = receipt_of(tmp_path, SOUND * 0.003, made)
    assert receipt.ok, receipt.failures


def test_a_trace_in_a_bed_alone_is_enough(tmp_path: Path) -> None:
    """Music without a word of speech, 26 dB down: too little for a lag, and yet the same sound."""
    receipt = receipt_of(tmp_path, SOUND, SOUND * 0.05 + 0.25 * ROOM)
    assert receipt.ok, receipt.failures
    assert not receipt.lags[0].known
