"""HTDemucs and its kin from the package ``demucs``: music separation at 44.1 kHz, of which the vocals are the voice.

The networks are those of that package; files are read by our own loader. Weights are plain arrays in safetensors
files; the classes that their header may name are listed here. The older ``.th`` files are read with PyTorch's
restricted unpickler and the same list. Neither way can run code from a file.

The input is scaled by mean and deviation of the whole track, as upstream does it, so that the windows of a stream and
of a whole file get the same numbers.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples
from mediaclean.backends.device import pytorch, windows_at_once
from mediaclean.backends.stacking import stacked
from mediaclean.errors import BackendError
from mediaclean.models import Model, find, verify

OVERLAP = 0.25
_CLASSES = {"demucs.htdemucs.HTDemucs", "demucs.hdemucs.HDemucs", "demucs.demucs.Demucs"}
_FREE_WINDOW_S = 10
"""Window of networks that take any length; upstream's 44 s take five times the memory for no better voice."""

_WINDOW_BYTES = 1_000_000_000
"""What HTDemucs takes at its peak for one window of 7.8 s: 0.7 GB for the first and 0.4 for each further, with room."""

_HINT = "mediaclean models fetch, or --engine dialogue"


class Stats(Protocol):
    """Mean and standard deviation of the mono mix of a whole track."""

    @property
    def mean(self) -> float: ...

    @property
    def deviation(self) -> float: ...


@dataclass(frozen=True)
class _Network:
    """One network of a bag, ready on its device, and how much its voice counts."""

    module: Any
    voice: int
    share: float


class Demucs:
    """A bag of demucs networks as a separator; windows may be mono or stereo."""

    def __init__(
        self, networks: list[_Network], identity: str, device: str, stats: Stats, weights: tuple[str, ...] = ()
    ) -> None:
        """Take networks that are on `device` already; they agree in rate. `weights` are SHA-256 of their files."""
        self.identity, self.device, self.weights = identity, device, weights
        self._networks, self._stats = networks, stats
        first = networks[0].module
        self.rate = int(first.samplerate)
        fixed = [_fixed_window(network.module) for network in networks]
        lengths = [length for length in fixed if length]
        self.window = min(lengths, default=_FREE_WINDOW_S * self.rate)
        self.step = self.window if lengths else self.rate
        self.hop = int((1 - OVERLAP) * self.window)
        self.batch = windows_at_once(device, _WINDOW_BYTES)

    def separate(self, windows: Sequence[Samples]) -> Sequence[Samples]:
        """The vocals in each window (channels, n), of one or two channels."""
        return stacked(windows, self._separate)

    def _separate(self, mix: NDArray[np.float32]) -> NDArray[np.float32]:
        from demucs.apply import apply_model

        torch = pytorch()
        mean, scale = self._stats.mean, self._stats.deviation + 1e-8
        stereo = torch.from_numpy(np.repeat(mix, 2, axis=1) if mix.shape[1] == 1 else mix)
        scaled = ((stereo - mean) / scale).to(self.device)
        total = sum(network.share for network in self._networks)
        voice = torch.zeros_like(scaled)
        with torch.inference_mode():
            for network in self._networks:
                sources = apply_model(network.module, scaled, shifts=0, split=False, device=self.device)
                voice += sources[:, network.voice] * (network.share / total)
        found: NDArray[np.float32] = (voice * scale + mean).cpu().numpy()
        return found.mean(axis=1, keepdims=True) if mix.shape[1] == 1 else found


def load(name: str, *, device: str, stats: Stats, folder: Path | None = None) -> Demucs:
    """Load a model whose weights are here.

    Args:
        name: any that demucs knows, the signature of one network, or one that `folder` describes.
        device: cpu, cuda or mps.
        stats: of the track that will be separated.
        folder: looked through first; None stands for ``MEDIACLEAN_MODELS``.

    Raises:
        BackendError: if the model is unknown, not here, damaged, or none of demucs's networks.
    """
    model = find(name, folder)
    if model.engine != "demucs":
        raise BackendError(f"{name} is no network of demucs", f"--engine {model.engine}")
    if model.note:
        raise BackendError(f"{name} cannot be used: {model.note}", "mediaclean models list")
    pytorch()
    networks, hashes = [], []
    for file in model.files:
        if file.path is None:
            raise BackendError(
                f"the weights of {name} are not here ({file.signature})", f"mediaclean models fetch {name}"
            )
        hashes.append(verify(file.path, file.sha256))
        module = _read_pickle(file.path) if file.path.suffix == ".th" else _read_safetensors(file.path)
        networks.append(_Network(_prepared(module, model, device), _voice_of(module, file.path), file.share))
    if len({network.module.samplerate for network in networks}) != 1:
        raise BackendError(f"the networks of {name} do not agree in their sample rate", _HINT)
    short = "+".join(digest[:8] for digest in hashes)
    return Demucs(networks, f"demucs {version('demucs')} {name} {short}", device, stats, tuple(hashes))


def _fixed_window(module: Any) -> int:
    """The only length that the network takes, in samples; 0 where it takes any."""
    if getattr(module, "use_train_segment", False):
        return int(module.segment * module.samplerate)
    return 0


def _prepared(module: Any, model: Model, device: str) -> Any:
    segment = model.segment_s
    if segment and _fixed_window(module) and segment <= module.segment:
        module.segment = Fraction(segment)
    return module.to(device).eval()


def _voice_of(module: Any, path: Path) -> int:
    if "vocals" not in module.sources or module.audio_channels != 2:
        raise BackendError(f"{path} separates {', '.join(module.sources)}, not the voice from stereo", _HINT)
    return int(module.sources.index("vocals"))


def _read_safetensors(path: Path) -> Any:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            header = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        described = header["klass"], _fractions(json.loads(header["args"])), _fractions(json.loads(header["kwargs"]))
    except (SafetensorError, OSError, KeyError, ValueError) as exc:
        raise BackendError(f"{path} is no file of a demucs network: {exc}", _HINT) from exc
    if "structure" in header:
        raise BackendError(f"{path} is quantised, which is not supported", "take the model without _q")
    return _built(path, *described, state)


def _read_pickle(path: Path) -> Any:
    torch = pytorch()
    classes = [_class(path, name) for name in sorted(_CLASSES)]
    try:
        with torch.serialization.safe_globals([*classes, Fraction]):
            package = torch.load(path, map_location="cpu", weights_only=True)
        klass = f"{package['klass'].__module__}.{package['klass'].__qualname__}"
        described = klass, list(package["args"]), dict(package["kwargs"])
        state = package["state"]
    except Exception as exc:
        # The unpickler raises what it likes on a file that is none, and UnpicklingError on one that it distrusts.
        raise BackendError(
            f"{path} is no file of a demucs network, or holds more than weights", "mediaclean models fetch"
        ) from exc
    return _built(path, *described, state)


def _built(path: Path, klass: str, args: list[Any], kwargs: dict[str, Any], state: dict[str, Any]) -> Any:
    """The network that a file describes, with its weights; arguments that the installed demucs lacks are dropped."""
    kind = _class(path, klass)
    known = inspect.signature(kind).parameters
    try:
        module = kind(*args, **{key: value for key, value in kwargs.items() if key in known})
        module.load_state_dict(state)
    except (RuntimeError, TypeError, ValueError) as exc:
        raise BackendError(f"{path} does not fit the network of demucs {version('demucs')}", _HINT) from exc
    return module


def _class(path: Path, name: str) -> Any:
    if name not in _CLASSES:
        raise BackendError(f"{path} names {name}, which is none of demucs's networks", _HINT)
    module, _, kind = name.rpartition(".")
    try:
        return getattr(import_module(module), kind)
    except ImportError as exc:
        raise BackendError(f"demucs cannot be imported: {exc}", "pip install demucs, or --engine dialogue") from exc


def _fractions(value: Any) -> Any:
    """Undo the JSON encoding of fractions in a safetensors header."""
    if isinstance(value, list):
        return [_fractions(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("_type") == "fraction":
        return Fraction(value["numerator"], value["denominator"])
    return {key: _fractions(item) for key, item in value.items()}
