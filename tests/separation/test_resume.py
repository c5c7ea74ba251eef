"""A run that is stopped anywhere, even between two writes, is taken up again and ends with the same samples."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from mediaclean import spool as module
from mediaclean.audio import Span
from mediaclean.backends import fake
from mediaclean.separate import separate_cuts
from mediaclean.spool import Spool

RATE = 8_000
CUTS = [Span(0, 500), Span(500, 1_900), Span(2_500, 2_600), Span(3_000, 5_900)]
MIX = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 6_000)).astype(np.float32)


class Power(BaseException):
    """The power fails: nothing may catch this."""


def run(folder: Path) -> list[np.ndarray]:
    separator = fake.Fake("sum", lambda mix: np.cumsum(mix, axis=-1) * len(mix), RATE, 400, 300, 100, 3)
    spool = Spool.open(folder, {"engine": "sum"})
    for index, voice in separate_cuts([MIX], CUTS, separator, rate=RATE, length=6_000, done=spool.done):
        spool.put(index, voice)
    return [np.array(spool.get(index)) for index in range(len(CUTS))]


@pytest.mark.parametrize("step", range(10))
def test_power_fails_at_any_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """A run syncs five files; the power fails before or after each of these."""
    expected = run(tmp_path / "whole")
    calls = 0
    fsync = module.os.fsync

    def failing(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls - 1 == step // 2:
            if step % 2:
                fsync(descriptor)
            raise Power
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "fsync", failing)
        with pytest.raises(Power):
            run(tmp_path / "stopped")
    for resumed, whole in zip(run(tmp_path / "stopped"), expected, strict=True):
        np.testing.assert_array_equal(resumed, whole)


def test_a_killed_process_leaves_whole_voices_only(tmp_path: Path) -> None:
    """Kill -9 while one voice after another is written: every voice that is there can be read to its end."""
    code = f"""
        import numpy as np
        from pathlib import Path
        from mediaclean.spool import Spool
        spool = Spool.open(Path({str(tmp_path / "spool")!r}), {{}})
        print("ready", flush=True)
        for index in range(100_000):
            spool.put(index % 50, np.full((2, 100_000), index, np.float32))
    """
    for pause_s in (0.0, 0.03, 0.06):
        process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        try:
            process.wait(pause_s)
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
        spool = Spool.open(tmp_path / "spool", {})
        for index in spool.done:
            voice = spool.get(index)
            assert voice.shape == (2, 100_000)
            assert (voice == voice[0, 0]).all()
