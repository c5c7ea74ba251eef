"""Every join that a run makes lasts at least 5 ms, whatever is set."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from mediaclean import dialogue
from mediaclean.bed.duck import DuckSettings
from mediaclean.plan.make import SeparateSettings
from mediaclean.polish import breath, deess, phrases, presence
from mediaclean.roomtone.sources import RoomToneSettings

LEAST_S = 0.005


@pytest.mark.parametrize(
    ("record", "name"),
    [
        (SeparateSettings, "fade_s"),
        (RoomToneSettings, "crossfade_s"),
        (DuckSettings, "attack_s"),
        (DuckSettings, "release_s"),
    ],
)
def test_no_fade_can_be_set_shorter(record: Any, name: str) -> None:
    (field,) = (field for field in dataclasses.fields(record) if field.name == name)
    assert field.metadata["low"] >= LEAST_S


@pytest.mark.parametrize("ramp_s", [breath.RAMP_S, deess.RAMP_S, presence.RAMP_S, phrases.RAMP_S, dialogue.TRIM_FADE_S])
def test_no_ramp_is_shorter(ramp_s: float) -> None:
    assert ramp_s >= LEAST_S


@pytest.mark.parametrize("size", [1, 7, 100, 5_000])
def test_what_a_dialogue_track_trims_fades_in_and_what_it_keeps_is_untouched(size: int) -> None:
    """Sound that began 100 samples before the picture: on the picture's clock it begins inside the sound."""
    rate = 8_000
    sound = np.full((1, 2_000), 0.5, np.float32)
    chunks = (sound[:, at : at + size] for at in range(0, 2_000, size))
    kept = np.concatenate(list(dialogue._from_zero(chunks, Fraction(-100, rate), rate=rate, channels=1)), axis=1)
    fade = round(LEAST_S * rate)
    assert kept.shape[1] == 1_900
    assert np.abs(np.diff(kept, prepend=0.0)).max() <= 0.5 / fade + 1e-6
    assert np.array_equal(kept[:, fade:], sound[:, 100 + fade :])


def test_a_track_that_begins_with_the_picture_or_later_is_not_faded() -> None:
    rate = 8_000
    sound = np.full((1, 500), 0.5, np.float32)
    for start, silence in ((Fraction(0), 0), (Fraction(50, rate), 50)):
        kept = np.concatenate(list(dialogue._from_zero(iter([sound]), start, rate=rate, channels=1)), axis=1)
        assert np.array_equal(kept[:, silence:], sound)
        assert not kept[:, :silence].any()
