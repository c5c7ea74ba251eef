"""A tape gives back what it was given, or nothing."""

from __future__ import annotations

import errno
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import mediaclean.tape as tape_module
from mediaclean.audio import Samples, reblock
from mediaclean.tape import Tape

SOUND: Samples = np.random.default_rng(4).standard_normal((3, 10_007)).astype(np.float32)


def whole(tape: Tape) -> Samples:
    return np.concatenate(list(tape.chunks()), axis=1)


@pytest.mark.parametrize("size", [1_000, 4_096, 20_000])
def test_what_goes_in_comes_out_as_often_as_wanted(tmp_path: Path, size: int) -> None:
    with Tape(tmp_path, 3, SOUND.shape[1], block=1_024) as tape:
        assert np.array_equal(np.concatenate(list(tape.through(reblock([SOUND], size))), axis=1), SOUND)
        with ThreadPoolExecutor(4) as pool:
            for played in pool.map(lambda _: whole(tape), range(8)):
                assert np.array_equal(played, SOUND)
    assert not tape.complete
    assert not list(tmp_path.iterdir())


def test_a_tape_that_was_not_recorded_to_its_end_is_not_played(tmp_path: Path) -> None:
    with Tape(tmp_path, 3, SOUND.shape[1], block=1_000) as tape:
        next(iter(tape.through([SOUND])))
        assert not tape.complete
        with pytest.raises(ValueError, match="not recorded"):
            next(tape.chunks())


@pytest.mark.parametrize("fault", ["no room", "full", "no folder"])
def test_a_disk_that_cannot_take_it_stops_nothing(tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, "no space left on device")

        def close(self) -> None:
            raise OSError(errno.ENOSPC, "no space left on device")

    if fault == "full":
        monkeypatch.setattr(tape_module.tempfile, "TemporaryFile", lambda **_: Full())
    length = 10**15 if fault == "no room" else SOUND.shape[1]
    with Tape(tmp_path / "none" if fault == "no folder" else tmp_path, 3, length, block=1_000) as tape:
        assert np.array_equal(np.concatenate(list(tape.through([SOUND])), axis=1), SOUND)
        assert not tape.complete
