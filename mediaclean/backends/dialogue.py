"""The engine ``dialogue``: our own compact network, whose weights come with the package.

One mask is found from the sum of the channels and applied to all of them, so that level and phase differences between
channels, the stereo image of the voice, stay as they were. Each window is brought to a level of its own before the
network hears it, so that a louder or softer input gives a louder or softer voice and nothing else.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from mediaclean.backends.dialogue_net import HOP, RATE, DialogueNet, NetConfig, analyse, apply_mask, synthesise
from mediaclean.backends.rumble import without_rumble
from mediaclean.errors import BackendError

WEIGHTS = Path(__file__).with_name("dialogue.safetensors")
WEIGHTS_SHA256 = "902233a93ca3e523b23c02bfacf34132c7e15d5f7e70e31890bd37fafc16b344"
VERSION = "5"

SILENT_RMS = 1e-9
"""Below this (-180 dBFS) a window is silence: far under the noise of 24 bits, and safe from denormal numbers."""
CPU_WINDOWS = 2
INVERTED = -0.8
"""A channel whose correlation with the strongest one is below this is taken as inverted, and turned before the sum."""


@dataclass(frozen=True)
class DialogueSeparator:
    """Satisfies `mediaclean.separate.Separator`; made by `load`.

    Attributes:
        identity: engine, version and the first digits of the weights' hash.
        device: cpu, cuda or mps.
        weights: SHA-256 of the file with the weights.
        rate: 48 kHz.
        window: ten seconds.
        hop: 8.4 s, so that 1.6 s overlap.
        step: a window may be shorter, in steps of 0.4 s.
        batch: windows that go well together; on a CPU two, each in a thread, for the sake of memory.
    """

    net: DialogueNet
    identity: str
    device: str = "cpu"
    weights: tuple[str, ...] = ()
    rate: int = RATE
    window: int = 625 * HOP
    hop: int = 525 * HOP
    step: int = 25 * HOP
    batch: int = 1

    def separate(self, mix: NDArray[np.float32]) -> NDArray[np.float32]:
        """The voice in windows (batch, channels, n) at 48 kHz, full scale ±1, in the same shape; n is free.

        On a CPU every window has a thread of its own, and no operation is split: threads that wait for each other
        inside small recurrent layers were ten times slower on a busy machine.

        Raises:
            ValueError: for another count of dimensions or no channel.
        """
        if mix.ndim != 3 or mix.shape[1] < 1:
            raise ValueError(f"windows are (batch, channels, n), not {mix.shape}")
        if self.device != "cpu":
            return self._separate(mix)
        with _whole_operations(), ThreadPoolExecutor(max(1, len(mix))) as pool:
            voices = list(pool.map(self._separate, np.split(mix, len(mix)))) if len(mix) else [mix]
        return np.concatenate(voices)

    @torch.inference_mode()
    def _separate(self, mix: NDArray[np.float32]) -> NDArray[np.float32]:
        count = mix.shape[2]
        padded = np.pad(mix, ((0, 0), (0, 0), (0, -count % HOP)))
        drive, scale = _drive(padded)
        heard = analyse(_tensor(drive, self.device))
        mask = without_rumble(self._mask(heard), heard)
        voice = np.empty_like(padded)
        for channel in range(padded.shape[1]):  # one at a time: the spectra are the largest arrays here
            spectrum = analyse(_tensor(padded[:, channel] * scale, self.device))
            voice[:, channel] = synthesise(apply_mask(mask, spectrum)).cpu().numpy()
        unscale = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
        return np.ascontiguousarray((voice * unscale[:, None])[:, :, :count])

    def _mask(self, spectrum: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The mean of what the network says to the sound and to its inverse.

        Polarity means nothing, but the network was never told: the mean is 0.2 dB better than either.
        """
        (real, imag, gains), (real_too, imag_too, gains_too) = self.net(spectrum), self.net(-spectrum)
        return (real + real_too) / 2, (imag + imag_too) / 2, (gains + gains_too) / 2


def load(device: str = "cpu", weights: Path | None = None) -> DialogueSeparator:
    """The network with the weights of the package, or with weights of one's own (training/README.md).

    Raises:
        BackendError: if the weights are missing, are not those the package was made with, or fit no network.
    """
    path = weights or WEIGHTS
    hint = "give the file of another network" if weights else "install mediaclean again"
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as exc:
        raise BackendError(f"the weights {path} cannot be read: {exc.strerror or exc}", hint) from exc
    if weights is None and digest != WEIGHTS_SHA256:
        raise BackendError(
            f"the weights {path} are damaged: their SHA-256 begins with {digest[:8]} instead of {WEIGHTS_SHA256[:8]}",
            hint,
        )
    try:
        with safe_open(path, framework="pt") as file:
            net = DialogueNet(NetConfig.from_metadata(file.metadata() or {}))
            net.load_state_dict({name: file.get_tensor(name).float() for name in file.keys()})  # noqa: SIM118
    except (SafetensorError, KeyError, ValueError, RuntimeError) as exc:
        raise BackendError(f"the weights {path} fit no dialogue network: {str(exc).splitlines()[0]}", hint) from exc
    return DialogueSeparator(
        net.to(device).eval(),
        f"dialogue-{VERSION} sha256:{digest[:8]}",
        device,
        (digest,),
        batch=min(CPU_WINDOWS, os.cpu_count() or 1) if device == "cpu" else 16,
    )


@contextmanager
def _whole_operations() -> Iterator[None]:
    """Inside, an operation runs in the thread that calls it; afterwards all is as it was."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _drive(mix: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What the network hears (batch, n), at an RMS of 1, and the gain (batch, 1) to that, which is 0 for silence."""
    level = np.sqrt(np.einsum("bcn,bcn->bc", mix, mix, dtype=np.float64))
    strongest = mix[np.arange(len(mix)), level.argmax(1)]
    product = np.einsum("bcn,bn->bc", mix, strongest, dtype=np.float64)
    turn = np.where(product < INVERTED * level * level.max(1, keepdims=True), -1.0, 1.0).astype(np.float32)
    total = np.einsum("bcn,bc->bn", mix, turn)
    rms = np.sqrt(np.mean(np.square(total, dtype=np.float64), axis=1, keepdims=True))
    silent = rms < SILENT_RMS
    scale = np.where(silent, 0.0, 1.0 / np.where(silent, 1.0, rms)).astype(np.float32)
    return total * scale, scale


def _tensor(array: NDArray[np.float32], device: str) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(device)
