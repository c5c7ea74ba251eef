"""One recording and its result with stems, for all tests; the engine is a fake whose voice is half of the mix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from e2e.conftest import bare_machine, cli
from numpy.typing import NDArray
from preview.making import ONLY_THERE, talk

from mediaclean import CleanOptions, Preset, load_preset
from mediaclean.report import Report
from mediaclean.result.base import load_base
from mediaclean.run import Delivery, clean, deliver

__all__ = ["ONLY_THERE", "bare_machine", "cli"]

Sound = NDArray[np.float64]
HALF: Any = "fake:half"
RATE = 48_000


def read(path: Path) -> Sound:
    """A file's samples, (channels, n)."""
    sound, _ = soundfile.read(path, dtype="float64", always_2d=True)
    return np.asarray(sound.T)


@dataclass(frozen=True)
class Made:
    """A result, and how it was made."""

    source: Path
    target: Path
    preset: Preset
    report: Report

    @property
    def stems(self) -> Path:
        return self.target.with_name(f"{self.target.stem}.stems")


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighteen seconds of speech in 24 bit: six clear ones, six with loud music, six clear ones. Read only."""
    return talk(tmp_path_factory.mktemp("spoken") / "talk.wav", music_db=(-99.0, 3.0, -99.0), part_s=6.0)


@pytest.fixture(scope="session")
def made(spoken: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The result with its stems. Read only."""
    target = tmp_path_factory.mktemp("made") / "talk.clean.wav"
    above_the_floor = "duck.target_lu=6.5"  # by as much as this engine is doubted
    preset = load_preset("documentary", ["ledger=off", above_the_floor, *ONLY_THERE])
    report = clean(spoken, target, preset, CleanOptions(engine=HALF, residual=True))
    return Made(spoken, target, preset, report)


@pytest.fixture
def again(made: Made, tmp_path: Path) -> Callable[..., tuple[Report, Sound]]:
    """Make the result anew with overrides; asking for a network fails."""

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a network was loaded")

    def run(
        *overrides: str, start: Path | None = None, only: tuple[str, ...] = (), name: str = "again.wav"
    ) -> tuple[Report, Sound]:
        from mediaclean.preset import override

        base = load_base(start or made.target)
        options = CleanOptions(base=base, only=only)
        target = tmp_path / name
        with pytest.MonkeyPatch.context() as patching:
            patching.setattr("mediaclean.voices.load_separator", refuse)
            (report,) = deliver(base.source, [Delivery(target)], override(base.preset, overrides), options)
        return report, read(target)

    return run
