"""Which device a network runs on, how many windows it takes at once, and what happens when memory runs out."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from mediaclean.audio import Samples
from mediaclean.errors import BackendError, DeviceError
from mediaclean.settings import suggest

if TYPE_CHECKING:
    from mediaclean.separate import Separator

DEVICES = ("auto", "cpu", "cuda", "mps")

Notes: TypeAlias = Callable[[str], None]
"""Takes one sentence for the user."""


def no_notes(sentence: str) -> None:
    """For those who do not listen."""


def choose_device(name: str = "auto") -> str:
    """The device to run on: the one named, or the fastest there is.

    Raises:
        DeviceError: for an unknown device, or one that this machine or this PyTorch does not have.
    """
    if name not in DEVICES:
        raise DeviceError(f"{name}: no such device{suggest(name, DEVICES)}", f"--device {'|'.join(DEVICES)}")
    if name == "cpu":
        return name
    torch = pytorch()
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next((device for device, available in there.items() if available), "cpu")
    if not there[name]:
        built = torch.version.cuda if name == "cuda" else torch.backends.mps.is_built()
        reason = "no such device is ready" if built else f"PyTorch {torch.__version__} was built without it"
        raise DeviceError(f"device {name}: {reason}", "--device cpu, or --device auto")
    return name


def windows_at_once(device: str, window_bytes: int, most: int = 16) -> int:
    """How many windows to run at once: a power of two, so that little differences in free memory change nothing.

    Args:
        device: cpu, cuda or mps.
        window_bytes: what one window takes at its peak.
        most: more than this gives no more speed.
    """
    if device != "cuda":
        return 1
    free, _ = pytorch().cuda.mem_get_info()
    fitting = max(1, min(most, int(free * 0.7) // window_bytes))
    return 1 << (fitting.bit_length() - 1)


def is_out_of_memory(exc: BaseException) -> bool:
    """Whether a fault of numpy, PyTorch or a driver means that there was not enough memory.

    PyTorch has a class for it on CUDA only; on the CPU, on MPS and from libraries of kernels only the text tells.
    """
    text = str(exc).lower()
    signs = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")
    return isinstance(exc, MemoryError) or (isinstance(exc, RuntimeError) and any(sign in text for sign in signs))


class Steady:
    """A separator that goes on when memory runs out: fewer windows at once, then the CPU.

    How windows are grouped into batches does not change with it: a batch is only run in parts.
    """

    def __init__(self, load: Callable[[str], Separator], device: str, notes: Notes = no_notes) -> None:
        """Load the network by calling `load` with a device.

        Raises:
            BackendError: from `load`; a DeviceError if not even the CPU has room.
        """
        self._load, self._notes = load, notes
        self._engine = engine = self._loaded(device)
        self.identity, self.weights, self.rate = engine.identity, engine.weights, engine.rate
        self.window, self.hop, self.step, self.batch = engine.window, engine.hop, engine.step, engine.batch
        self._at_once = self.batch

    @property
    def device(self) -> str:
        """Where it runs now."""
        return self._engine.device

    def separate(self, windows: Sequence[Samples]) -> Sequence[Samples]:
        """The voice in each window (channels, n).

        Raises:
            BackendError: if the network fails; a DeviceError if a single window does not fit on the CPU.
        """
        while True:
            try:
                parts = range(0, len(windows), self._at_once)
                return [v for at in parts for v in self._engine.separate(windows[at : at + self._at_once])]
            except (MemoryError, RuntimeError) as exc:
                if not is_out_of_memory(exc):
                    raise BackendError(
                        f"{self.identity} failed on {self.device}: {_first_line(exc)}", "--device cpu"
                    ) from exc
                if self._at_once == 1 and self.device == "cpu":
                    raise DeviceError(
                        f"{self.identity} ran out of memory with a single window of {self.window / self.rate:.1f} s",
                        "close other programs, or --engine dialogue",
                    ) from exc
            # Past the except clause, so that the failed run's arrays are let go first.
            self._step_down(min(self._at_once, len(windows)))

    def _step_down(self, tried: int) -> None:
        device = self.device
        if tried > 1:
            self._at_once = tried // 2
            self._notes(f"{device} ran out of memory with {tried} windows at once, going on with {self._at_once}")
            _let_go(device)
            return
        self._at_once = 1
        if device != "cpu":
            self._notes(f"{device} ran out of memory, going on with the CPU")
            del self._engine
            _let_go(device)
            self._engine = self._loaded("cpu")

    def _loaded(self, device: str) -> Separator:
        try:
            return self._load(device)
        except (MemoryError, RuntimeError) as exc:
            if not is_out_of_memory(exc):
                raise BackendError(
                    f"the network cannot be loaded on {device}: {_first_line(exc)}", "--device cpu"
                ) from exc
            if device == "cpu":
                raise DeviceError("not enough memory to load the network", "close other programs") from exc
        self._notes(f"{device} has no room for the network, going on with the CPU")
        _let_go(device)
        return self._loaded("cpu")


def _let_go(device: str) -> None:
    """Give back what neither Python nor PyTorch's cache needs any more."""
    gc.collect()
    if device in {"cuda", "mps"}:
        getattr(pytorch(), device).empty_cache()


def pytorch() -> Any:
    """PyTorch.

    Raises:
        BackendError: if it cannot be imported.
    """
    try:
        import torch
    except ImportError as exc:
        raise BackendError(f"PyTorch cannot be imported: {_first_line(exc)}", "pip install torch") from exc
    return torch


def _first_line(exc: BaseException) -> str:
    return (str(exc).strip() or type(exc).__name__).splitlines()[0]
