"""Packs of recordings, as `prepare` writes them: their clips, how often each is drawn, and what is held out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Kind: TypeAlias = Literal["speech", "speech_val", "music", "noise"]

# How often a speech source is drawn; names not listed weigh 1, and of two that fit the
# first counts. Short words and the one French set count less.
SPEECH_WEIGHTS = {
    "librispeech": 3.4,
    "picovoice_intents": 1.6,
    "picovoice_wakewords": 0.9,
    "librivox_fleurs_du_mal": 1.8,
    "dc_tts_44k": 1.3,
    "synthesised": 0.7,
    "speechocean762": 1.8,
    "yourtts_refs": 1.4,
    "vctk": 1.4,
    "ibm_samples": 0.4,
    "css10": 0.2,
    "sdap": 0.4,
    "ljspeech": 0.2,
    "libritts": 0.3,
    "picovoice": 0.2,
    "thorsten": 0.1,
}
MUSIC_WEIGHTS = {
    "midi": 6.0,
    "tuxemon": 2.5,
    "opensurge": 1.2,
    "sonic_pi_loops": 0.7,
    "kevin_macleod": 2.0,
    "eif_fullmix": 1.6,  # with singing
    "sung": 2.0,  # with singing that was made, see singing.py
    "eif_instrumental": 0.8,
    "openclonk": 0.8,
    "gm3": 0.6,
    "duru": 0.4,
    "openhv": 0.4,
    "joshwoodward": 0.1,
}
NOISE_WEIGHTS = {
    "esc10": 1.2,
    "noisekun": 1.0,
    "blanket": 0.4,
    "moodist": 3.0,
    "mechvibes": 0.9,
    "openclonk_sound": 0.5,
    "rse": 0.4,
    "akx": 0.3,
    "openhv_sfx": 0.2,
    "kenney": 0.15,
    "kbsim": 0.05,
}
HELD_OUT = ("tuxemon_04", "esc10_03", "midi_val")  # validation only


@dataclass(frozen=True)
class Clip:
    """A stretch of packed audio: a name, its samples (int16, memory-mapped) and the rate it truly had."""

    name: str
    samples: NDArray[np.int16]
    true_rate: int


def load_packs(folder: Path, prefix: Kind) -> list[Clip]:
    """Every clip of the packs PREFIX*.json/.i16 in a folder; a pack without a finished index is left out."""
    clips = []
    for index in sorted(folder.glob(f"{prefix}*.json")):
        if prefix == "speech" and index.stem.startswith("speech_val"):
            continue
        rows = json.loads(index.read_text(encoding="utf-8"))
        if not rows:
            continue  # and of an empty file there is no map
        packed = np.memmap(index.with_suffix(".i16"), dtype=np.int16, mode="r")
        for name, start, length, rate in rows:
            clips.append(Clip(name, packed[start : start + length], int(rate)))
    return clips


def training_clips(folder: Path, kind: Kind) -> list[Clip]:
    """The clips to train on.

    Raises:
        FileNotFoundError: if the folder has none of this kind.
    """
    return _some([clip for clip in load_packs(folder, kind) if not clip.name.startswith(HELD_OUT)], folder, kind)


def validation_clips(folder: Path, kind: Kind) -> list[Clip]:
    """The clips to validate with: of music and noise those that are held out.

    Raises:
        FileNotFoundError: if the folder has none of this kind.
    """
    clips = load_packs(folder, kind)
    if kind == "speech_val":
        return _some(clips, folder, kind)
    return _some([clip for clip in clips if clip.name.startswith(HELD_OUT)], folder, f"held-out {kind}")


def _some(clips: list[Clip], folder: Path, what: str) -> list[Clip]:
    if not clips:
        raise FileNotFoundError(
            f"{folder} has no {what}: gather some as training/README.md says, then python -m training.prepare"
        )
    return clips


def chances(clips: Sequence[Clip], weights: dict[str, float]) -> NDArray[np.float64]:
    """Chance of each clip: the family's weight, shared out by length within the family."""
    families = [_family(clip.name, weights) for clip in clips]
    total = {f: sum(len(c.samples) for c, g in zip(clips, families, strict=True) if g == f) for f in set(families)}
    chance: NDArray[np.float64] = np.array(
        [weights.get(f, 1.0) * len(c.samples) / total[f] for c, f in zip(clips, families, strict=True)]
    )
    chance /= chance.sum()
    return chance


def _family(name: str, weights: dict[str, float]) -> str:
    return next((key for key in weights if name.startswith(key)), name)
