"""Which engine runs, and why; `auto` always finds one."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import pytest

from mediaclean.backends import demucs, fake, registry
from mediaclean.backends.registry import load_separator
from mediaclean.errors import BackendError, DeviceError, PresetError


@dataclass(frozen=True)
class Stats:
    mean: float = 0.0
    deviation: float = 1.0


@pytest.fixture
def dialogue(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A stand-in for our own network."""
    module = ModuleType("mediaclean.backends.dialogue")
    module.load = lambda device: fake.Fake("dialogue", np.copy, device=device)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mediaclean.backends.dialogue", module)
    return module


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that says it has CUDA."""
    monkeypatch.setattr(registry, "choose_device", lambda name: "cuda" if name == "auto" else name)


def no_network(*_: object) -> None:
    raise BackendError("the network is missing", "get it")


def test_without_a_gpu_our_own_network_runs(dialogue: ModuleType) -> None:
    separator, reason = load_separator("auto", device="cpu", stats=Stats())
    assert separator.identity == "dialogue"
    assert "no GPU" in reason


@pytest.mark.usefixtures("gpu", "dialogue")
def test_with_a_gpu_and_weights_demucs_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry.models, "fetch", lambda *_: None)
    monkeypatch.setattr(
        demucs, "load", lambda name, *, device, stats, folder: fake.Fake(f"demucs {name}", np.copy, device=device)
    )
    separator, reason = load_separator("auto", model="htdemucs_ft", stats=Stats())
    assert (separator.identity, separator.device) == ("demucs htdemucs_ft", "cuda")
    assert reason == "there is a GPU (cuda)"


@pytest.mark.usefixtures("gpu", "dialogue")
def test_with_a_gpu_but_no_way_to_weights_our_own_network_runs_there() -> None:
    separator, reason = load_separator("auto", stats=Stats())
    assert (separator.identity, separator.device) == ("dialogue", "cuda")
    assert "htdemucs cannot be had from the hub" in reason


@pytest.mark.usefixtures("gpu")
def test_without_any_network_the_mix_counts_as_the_voice(dialogue: ModuleType) -> None:
    dialogue.load = no_network  # type: ignore[attr-defined]
    separator, reason = load_separator("auto", stats=Stats())
    mix = np.ones((1, 2, 10), np.float32)
    assert separator.identity == "none"
    np.testing.assert_array_equal(separator.separate(mix), mix)
    assert "the mix counts as the voice" in reason
    assert "the network is missing" in reason


def test_an_engine_that_was_asked_for_is_never_replaced(dialogue: ModuleType) -> None:
    dialogue.load = no_network  # type: ignore[attr-defined]
    with pytest.raises(BackendError, match="the network is missing"):
        load_separator("dialogue", device="cpu", stats=Stats())
    with pytest.raises(BackendError, match="cannot be had from the hub") as missing:
        load_separator("demucs", device="cpu", stats=Stats())
    assert "--engine dialogue" in missing.value.hint


def test_no_engine_leaves_the_mix() -> None:
    separator, _ = load_separator("none", stats=Stats())
    assert separator.identity == "none"


@pytest.mark.parametrize("name", ["half", "identity", "silent", "broken"])
def test_fakes_by_name(name: str) -> None:
    separator, _ = load_separator(f"fake:{name}", stats=Stats())
    assert separator.identity == f"fake:{name}"


def test_the_broken_fake_is_mended_and_told() -> None:
    notes: list[str] = []
    separator, _ = load_separator("fake:broken", stats=Stats(), notes=notes.append)
    mix = np.ones((2, 1, 96_000), np.float32)
    np.testing.assert_array_equal(separator.separate(mix), mix / 2)
    assert notes == ["cpu ran out of memory with 2 windows at once, going on with 1"]


@pytest.mark.parametrize(("engine", "message"), [("demux", "did you mean demucs"), ("fake:hal", "did you mean half")])
def test_unknown_engines(engine: str, message: str) -> None:
    with pytest.raises(PresetError, match=message) as unknown:
        load_separator(engine, stats=Stats())
    assert unknown.value.hint


def test_unknown_models_and_devices() -> None:
    with pytest.raises(BackendError, match="htdemuks: no such model; did you mean htdemucs"):
        load_separator("demucs", model="htdemuks", device="cpu", stats=Stats())
    with pytest.raises(DeviceError, match="no such device"):
        load_separator("dialogue", device="gpu", stats=Stats())


def test_choosing_imports_nothing_heavy() -> None:
    code = (
        "import sys, mediaclean.separate, mediaclean.spool, mediaclean.models, mediaclean.backends.registry; "
        "sys.exit(bool({'torch', 'demucs', 'onnxruntime', 'soxr', 'huggingface_hub', 'scipy'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
