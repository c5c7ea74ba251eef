"""Packs made here, and one thread."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from training.prepare import write_pack

RATE = 48_000


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """These networks are so small that threads would mostly wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packs: tones as voices, noises as beds."""
    folder = tmp_path_factory.mktemp("packed")
    rng = np.random.default_rng(0)
    t = np.arange(8 * RATE) / RATE
    voice = (8000 * np.sin(2 * np.pi * 200 * t) * (np.sin(2 * np.pi * 3 * t) > 0)).astype(np.int16)
    bed = (3000 * rng.standard_normal(8 * RATE)).astype(np.int16)
    write_pack(folder, "speech", [("a_00", voice, 16_000), ("b_00", voice[::-1].copy(), 48_000)])
    write_pack(folder, "speech_val", [("c_00", voice, 16_000), ("d_00", voice, 16_000)])
    write_pack(folder, "music", [("m_00", bed, 48_000), ("tuxemon_04", bed, 48_000)])
    write_pack(folder, "noise", [("n_00", bed, 48_000), ("esc10_03", bed, 48_000)])
    return folder
