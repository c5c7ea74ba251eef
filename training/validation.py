"""A fixed validation set of other speakers and held-out music and noise. Checkpoints are chosen by it alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mediaclean.backends.dialogue import DRIVE
from mediaclean.backends.dialogue_mask import HOP, LOW_BINS, analyse, apply_mask, synthesise
from mediaclean.backends.dialogue_net import DialogueNet
from mediaclean.backends.rumble import RUMBLE_BINS, without_rumble
from training.mixing import Signal
from training.packs import validation_clips

HEARD = slice(RUMBLE_BINS, LOW_BINS)
"""From where voices begin up to 8 kHz. Some recordings rumble as loud as their speakers talk, and a network that leaves
that out would seem to lose half of the voice."""
CLIP_FRAMES = 376  # about six seconds
CONDITIONS = (("music 0 dB", 0.0), ("music 5 dB", 5.0), ("music 10 dB", 10.0), ("noise 5 dB", 5.0), ("clean", 80.0))


def build(folder: Path, clips: int = 10, seed: int = 7) -> dict[str, tuple[Tensor, Tensor]]:
    """Condition -> (mixtures, voices), each (clips, samples); the same set for the same folder and seed.

    Raises:
        FileNotFoundError: if the folder has no other speakers, or no held-out music or noise.
    """
    rng = np.random.default_rng(seed)
    samples = (CLIP_FRAMES - 1) * HOP
    speech = validation_clips(folder, "speech_val")
    music, noise = validation_clips(folder, "music"), validation_clips(folder, "noise")
    result = {}
    for condition, snr_db in CONDITIONS:
        pairs = []
        for index in range(clips):
            voice = _cut(speech[0 if index < clips - 2 else -1].samples, samples, rng)
            beds = noise if condition.startswith("noise") else music
            bed = _cut(beds[index % len(beds)].samples, samples, rng)
            bed = bed * np.float32(np.sqrt((voice @ voice) / (bed @ bed + 1e-9) / 10 ** (snr_db / 10)))
            pairs.append((voice + bed, voice))
        mix, voices = (torch.from_numpy(np.stack(x)) for x in zip(*pairs, strict=True))
        gain = DRIVE * mix.square().mean(1, keepdim=True).rsqrt()
        result[condition] = (mix * gain, voices * gain)
    return result


def _cut(samples: NDArray[np.int16], length: int, rng: np.random.Generator) -> Signal:
    for _ in range(50):  # not a silent stretch
        start = int(rng.integers(max(1, len(samples) - length)))
        cut = np.resize(samples[start : start + length], length).astype(np.float32) / np.float32(32768)
        if np.sqrt(np.mean(cut * cut)) > 0.01:
            break
    return cut


@torch.inference_mode()
def measure(net: DialogueNet, sets: dict[str, tuple[Tensor, Tensor]], device: str) -> dict[str, float]:
    """Condition -> mean SI-SDR in dB of the bins HEARD; "gain" is the voice's mean gain at 0 dB.

    The network hears and answers as it does in the engine; what counts is the sound that is made, whose overlapping
    frames agree with each other, and not the masked spectrogram.
    """
    result: dict[str, float] = {}
    for condition, (mixes, voices) in sets.items():
        scores = []
        for mix, voice in zip(torch.split(mixes, 5), torch.split(voices, 5), strict=True):
            spectrum = analyse(mix.to(device))
            voiced = synthesise(apply_mask(without_rumble(net(spectrum), spectrum), spectrum))
            estimate = analyse(voiced)[..., HEARD].flatten(1)
            target = analyse(voice.to(device))[..., HEARD].flatten(1)
            along = (estimate * target.conj()).real.sum(1, keepdim=True) / target.abs().square().sum(1, keepdim=True)
            error = estimate - along * target
            ratio = (along * target).abs().square().sum(1) / error.abs().square().sum(1)
            scores.append((10 * ratio.log10(), along[:, 0]))
        ratios, gains = (torch.cat(x) for x in zip(*scores, strict=True))
        result[condition] = float(ratios.mean())
        if condition == CONDITIONS[0][0]:
            result["gain"] = float(gains.mean())
    return result
