"""The doctor tells what is broken and goes on; and what mediaclean imports is declared."""

from __future__ import annotations

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mediaclean import doctor
from mediaclean.backends import detector
from mediaclean.backends.fake import Fake

ROOT = Path(__file__).parents[1]
NETWORK = "mediaclean.backends.dialogue"


def found(*names: str) -> dict[str, doctor.Finding]:
    return {finding.name: finding for finding in doctor.examine() if finding.name in names}


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if PyTorch were not installed, and nothing that needs it loaded before."""
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [name for name in sys.modules if name.startswith(NETWORK)]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.usefixtures("without_torch")
def test_without_torch_each_finding_is_a_line_and_not_a_traceback() -> None:
    findings = found("dialogue network", "device", "speech detector", "temporary folder")
    network, device = findings["dialogue network"], findings["device"]
    assert (network.ok, device.ok) == (False, False)
    assert "torch" in network.detail
    assert network.hint
    assert "pip install torch" in device.hint
    assert findings["speech detector"].ok
    assert findings["temporary folder"].ok


@pytest.mark.parametrize(("level", "ok"), [(0.0, True), (1e-3, False)])
def test_a_network_that_sounds_on_silence_is_not_well(monkeypatch: pytest.MonkeyPatch, level: float, ok: bool) -> None:
    module = ModuleType(NETWORK)
    module.load = lambda device: Fake("made", lambda windows: windows + level)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, NETWORK, module)
    network = found("dialogue network")["dialogue network"]
    assert network.ok is ok
    assert "made" in network.detail


class Hearing:
    """A detector that says the same of everything."""

    name = "made"

    def __init__(self, probability: float) -> None:
        self.probability = probability

    def add(self, sound: np.ndarray) -> np.ndarray:
        return np.full(len(sound) // detector.FRAME, self.probability, np.float32)

    def flush(self) -> np.ndarray:
        return np.zeros(0, np.float32)


@pytest.mark.parametrize(("probability", "ok"), [(0.1, True), (0.9, False)])
def test_so_is_a_detector_that_hears_speech_in_it(
    monkeypatch: pytest.MonkeyPatch, probability: float, ok: bool
) -> None:
    monkeypatch.setattr(detector, "load_detector", lambda _: Hearing(probability))
    assert found("speech detector")["speech detector"].ok is ok


@pytest.mark.parametrize("error", [ModuleNotFoundError("No module named 'av'"), RuntimeError("torn"), OSError("torn")])
def test_a_check_that_breaks_is_a_finding_and_the_next_is_made(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken() -> str:
        raise error

    monkeypatch.setattr(doctor, "CHECKS", {"one": broken, "two": lambda: "fine"})
    one, two = found("one", "two").values()
    assert not one.ok
    assert str(error) in one.detail
    assert two.ok


def canonical(name: str) -> str:
    return name.lower().replace("_", "-")


def imported() -> set[str]:
    """Every package outside the standard library that a module of mediaclean imports, wherever in it."""
    names: set[str] = set()
    for path in (ROOT / "mediaclean").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - {"mediaclean"}


def test_what_is_imported_is_declared_and_pinned() -> None:
    """An install must not hang on what another package happens to bring."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {canonical(line.partition(">=")[0]) for line in project["dependencies"]}
    pinned = {canonical(line.partition("==")[0]) for line in (ROOT / "constraints.txt").read_text().splitlines()}
    owners = packages_distributions()
    needed = {canonical(owners[name][0]) for name in imported()}
    assert {"numpy", "pyyaml", "webrtcvad-wheels"} <= needed
    assert needed <= declared
    assert declared <= pinned
