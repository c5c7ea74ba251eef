"""Running out of memory costs speed and nothing else."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from mediaclean.audio import Span
from mediaclean.backends import device as module
from mediaclean.backends import fake
from mediaclean.backends.device import Steady, choose_device, is_out_of_memory, windows_at_once
from mediaclean.errors import BackendError, DeviceError
from mediaclean.separate import separate_cuts

FULL = MemoryError("out of memory")


def network(times: int, device: str, batch: int = 4, error: Exception = FULL) -> fake.Fake:
    return fake.Fake("small", fake.Once(error, times), 8_000, 400, 300, 400, batch, device)


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(module, "_let_go", lambda device: None)
    return []


@pytest.mark.parametrize(("times", "expected"), [(0, []), (1, [2]), (2, [2, 1])])
def test_a_full_device_gets_half_the_windows(notes: list[str], times: int, expected: list[int]) -> None:
    mix = np.random.default_rng(0).standard_normal((4, 2, 400)).astype(np.float32)
    steady = Steady(lambda device: network(times, device), "cuda", notes.append)
    np.testing.assert_array_equal(steady.separate(mix), mix / 2)
    assert [int(note.split()[-1]) for note in notes] == expected
    assert steady.device == "cuda"
    assert steady.batch == 4


def test_then_the_cpu_takes_over(notes: list[str]) -> None:
    loaded = []

    def load(device: str) -> fake.Fake:
        loaded.append(device)
        return network(3 if device == "cuda" else 0, device)

    steady = Steady(load, "cuda", notes.append)
    assert np.shape(steady.separate(np.ones((4, 2, 400), np.float32))) == (4, 2, 400)
    assert loaded == ["cuda", "cpu"]
    assert steady.device == "cpu"
    assert "going on with the CPU" in notes[-1]
    assert len(notes) == 3


def test_at_the_end_there_is_a_device_error(notes: list[str]) -> None:
    steady = Steady(lambda device: network(99, device), "cpu", notes.append)
    with pytest.raises(DeviceError, match="single window") as failed:
        steady.separate(np.ones((2, 1, 400), np.float32))
    assert failed.value.hint


def test_a_lone_window_goes_to_the_cpu_at_once(notes: list[str]) -> None:
    steady = Steady(lambda device: network(int(device == "cuda"), device), "cuda", notes.append)
    steady.separate(np.ones((1, 1, 400), np.float32))
    assert notes == ["cuda ran out of memory, going on with the CPU"]


def test_a_device_too_small_for_the_network_itself(notes: list[str]) -> None:
    def load(device: str) -> fake.Fake:
        if device == "cuda":
            raise RuntimeError("CUDA error: out of memory")
        return network(0, device)

    assert Steady(load, "cuda", notes.append).device == "cpu"
    assert notes == ["cuda has no room for the network, going on with the CPU"]


def test_a_run_that_ran_out_once_gives_the_same_voice(notes: list[str]) -> None:
    mix = np.random.default_rng(0).standard_normal((2, 8_000)).astype(np.float32)

    def run(times: int) -> np.ndarray:
        steady = Steady(lambda device: network(times, device), "cpu", notes.append)
        return dict(separate_cuts([mix], [Span(100, 7_000)], steady, rate=8_000, length=8_000))[0]

    np.testing.assert_array_equal(run(0), run(1))
    assert len(notes) == 1


def test_other_faults_are_told_once_and_not_tried_again(notes: list[str]) -> None:
    steady = Steady(lambda device: network(1, device, error=RuntimeError("bad kernel\nstack")), "cpu", notes.append)
    with pytest.raises(BackendError, match=r"^small failed on cpu: bad kernel$"):
        steady.separate(np.ones((2, 1, 400), np.float32))
    assert not notes


@pytest.mark.parametrize(
    ("exc", "expected"),
    [
        (MemoryError(), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("MPS backend out of memory"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (RuntimeError("size mismatch"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_signs_of_full_memory(exc: Exception, expected: bool) -> None:
    assert is_out_of_memory(exc) is expected


def test_pytorch_says_out_of_memory_on_the_cpu_too() -> None:
    import torch

    with pytest.raises(RuntimeError) as full:
        torch.empty(1 << 60, dtype=torch.float32)
    assert is_out_of_memory(full.value)


def test_devices_by_name() -> None:
    import torch

    assert choose_device("cpu") == "cpu"
    assert choose_device("auto") in {"cpu", "cuda", "mps"}
    for name, there in (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())):
        if there:
            assert choose_device(name) == name
        else:
            with pytest.raises(DeviceError, match=f"device {name}: ") as missing:
                choose_device(name)
            assert "--device cpu" in missing.value.hint
    with pytest.raises(DeviceError, match="did you mean cuda"):
        choose_device("cudda")


@pytest.mark.parametrize(("free", "expected"), [(1, 1), (10, 4), (40, 16), (10_000, 16)])
def test_the_batch_follows_free_memory_in_powers_of_two(
    monkeypatch: pytest.MonkeyPatch, free: int, expected: int
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (free * 10**9, 0))
    assert windows_at_once("cuda", 1_500_000_000) == expected
    assert windows_at_once("cpu", 1_500_000_000) == 1


def test_a_missing_pytorch_is_a_backend_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(BackendError, match="PyTorch cannot be imported") as missing:
        choose_device("auto")
    assert missing.value.hint == "pip install torch"
