"""Recordings whose hard places are known, and the page taken apart."""

from __future__ import annotations

import io
import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

Sound = NDArray[np.float32]
STEMS = Path(__file__).parents[2] / "samples" / "stems"
RATE = 48_000
ONLY_THERE = ["separate.around_s=0", "separate.edge_s=0"]
"""Fake engines hear a bed in clear speech and a voice in every pause: they are asked only where there is a bed."""


def talk(path: Path, *, music_db: tuple[float, ...], part_s: float = 8.0) -> Path:
    """Speech with music under it, whose gain is another one in every part of `part_s` seconds; stereo, 24 bit."""
    count = round(part_s * RATE)
    voice, room, music = (_stem(name) for name in ("voice", "room", "music"))
    spoken = voice[:, round(1.2 * RATE) : round(1.2 * RATE) + count]
    tune = music[:, 34 * RATE : 34 * RATE + count]
    parts = [spoken + room[:, :count] + (10 ** (gain / 20) * tune if gain > -90 else 0) for gain in music_db]
    soundfile.write(path, np.concatenate(parts, axis=1).T, RATE, "PCM_24")
    return path


def _stem(name: str) -> Sound:
    sound, rate = soundfile.read(STEMS / f"{name}.flac", dtype="float32", always_2d=True)
    assert rate == RATE
    return np.asarray(sound.T)


def page_data(page: str) -> dict[str, Any]:
    """The data that the page's script reads."""
    (block,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    data: dict[str, Any] = json.loads(block)
    return data


def decoded(uri: str) -> tuple[Sound, int]:
    """The sound of a clip."""
    kind, _, content = uri.partition(",")
    assert kind == "data:audio/mpeg;base64"
    with av.open(io.BytesIO(b64decode(content))) as file:
        rate = file.streams.audio[0].rate
        return np.concatenate([frame.to_ndarray() for frame in file.decode(audio=0)], axis=1), rate
