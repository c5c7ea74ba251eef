"""The engine ``dialogue``: our own compact network, whose weights come with the package.

One mask is found from the sum of the channels, in step with the voice (`in_step.py`), and told apart by where voice and
bed stand between them (`stereo.py`); level and phase differences between channels, the stereo image of the voice, stay
as they were. Each window is brought to a level of its own before the network hears it, so that a louder or softer input
gives a louder or softer voice and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from mediaclean.audio import Samples
from mediaclean.backends.dialogue_mask import HOP, RATE, Mask, analyse, apply_mask, beside, synthesise, whole_mask
from mediaclean.backends.dialogue_net import DialogueNet, NetConfig
from mediaclean.backends.in_step import in_step, lags_of, out_of_step
from mediaclean.backends.rumble import without_rumble
from mediaclean.backends.stacking import stacked
from mediaclean.backends.stereo import told_apart
from mediaclean.cores import cores
from mediaclean.downmix import signs_of
from mediaclean.errors import BackendError

WEIGHTS = Path(__file__).with_name("dialogue.safetensors")
WEIGHTS_SHA256 = "ee5e26fa55b572027e06c866f4917fa0e1a6eadf7301115457a90851b42fe7c8"
VERSION = "6.5"
"""Of the weights and of how they are heard: voices of one version are interchangeable."""

SILENT_RMS = 1e-9
"""Below this (-180 dBFS) a window is silence: far under the noise of 24 bits, and safe from denormal numbers."""
MOST_THREADS = 4
"""On a CPU; each takes about 80 MB for its window."""
DRIVE = 0.5
"""RMS of what the network hears, which was trained around it: loud passages of a window go well above."""


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
        batch: windows that go well together; on a CPU three for each thread, so that few wait for the last.
        threads: on a CPU, how many windows are heard at the same time.
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
    threads: int = 1

    def separate(self, windows: Sequence[Samples]) -> Sequence[Samples]:
        """The voice in each window (channels, n) at 48 kHz, full scale ±1, in the same shape; n is free.

        On a CPU a window stays in one thread, and no operation is split: threads that wait for each other inside
        small recurrent layers were ten times slower on a busy machine. The longest windows go first.

        Raises:
            ValueError: for another count of dimensions or no channel.
        """
        for window in windows:
            if window.ndim != 2 or not len(window):
                raise ValueError(f"a window is (channels, n), not {window.shape}")
        if self.device != "cpu":
            return stacked(windows, self._separate)
        order = sorted(range(len(windows)), key=lambda place: -windows[place].shape[1])
        with _whole_operations(), ThreadPoolExecutor(self.threads) as pool:
            voices = pool.map(lambda place: self._separate(windows[place][None])[0], order)
            found = dict(zip(order, voices, strict=True))
        return [found[place] for place in range(len(windows))]

    @torch.inference_mode()
    def _separate(self, mix: NDArray[np.float32]) -> NDArray[np.float32]:
        """The voice in windows (batch, channels, n), where it comes later in one channel heard once more."""
        turn = np.stack([signs_of(each) for each in mix])
        voice, spectra = self._heard(mix, turn)
        if mix.shape[1] > 1:
            for place, (window, signs) in enumerate(zip(mix, turn, strict=True)):
                lags = lags_of(spectra[place], signs)
                if any(lags):
                    again, _ = self._heard(in_step(window, lags)[None], signs[None])
                    voice[place] = out_of_step(again[0], lags)
        return voice

    def _heard(self, mix: NDArray[np.float32], turn: NDArray[np.float32]) -> tuple[NDArray[np.float32], Tensor]:
        """The voice in windows (batch, channels, n), and its spectra (batch, channels, frames, bins)."""
        count = mix.shape[2]
        padded = np.pad(mix, ((0, 0), (0, 0), (0, -count % HOP)))
        drive, scale = _drive(padded, turn)
        heard = analyse(_tensor(drive, self.device))
        mask = without_rumble(self.net(heard), heard)
        each = Mask(*(part[:, None] for part in mask))
        spectra = analyse(_tensor(padded * scale[:, None], self.device))
        if np.array_equal(padded, np.broadcast_to(padded[:, :1], padded.shape)):  # and so they stay, bit by bit
            spectra = apply_mask(each, spectra)
        else:
            spectra = told_apart(whole_mask(mask), spectra, _tensor(turn, self.device), beside(each, spectra))
        voice = synthesise(spectra).cpu().numpy()
        unscale = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
        return np.ascontiguousarray((voice * unscale[:, None])[:, :, :count]), spectra


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
    threads = min(MOST_THREADS, cores())
    return DialogueSeparator(
        net.to(device).eval(),
        f"dialogue-{VERSION} sha256:{digest[:8]}",
        device,
        (digest,),
        batch=3 * threads if device == "cpu" else 16,
        threads=threads,
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


def _drive(mix: NDArray[np.float32], turn: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What the network hears (batch, n), at the RMS of DRIVE, and the gain (batch, 1) to that, 0 for silence."""
    total = np.einsum("bcn,bc->bn", mix, turn)
    rms = np.sqrt(np.mean(np.square(total, dtype=np.float64), axis=1, keepdims=True))
    silent = rms < SILENT_RMS
    scale = np.where(silent, 0.0, DRIVE / np.where(silent, 1.0, rms)).astype(np.float32)
    return total * scale, scale


def _tensor(array: NDArray[np.float32], device: str) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(device)
