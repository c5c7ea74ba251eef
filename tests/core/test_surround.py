"""Any layout to two channels: what stands left is heard left."""

from __future__ import annotations

import numpy as np
import pytest

from mediaclean.surround import channel_names, to_stereo


@pytest.mark.parametrize(
    "layout", ["5.1", "7.1", "7.1(wide)", "6.1(front)", "6.0(front)", "7.0(front)", "5.1(side)", "4.0"]
)
def test_every_channel_goes_to_its_side(layout: str) -> None:
    count = {"5.1(side)": 6, "7.1(wide)": 8, "6.1(front)": 7, "6.0(front)": 6, "7.0(front)": 7}.get(layout)
    channels = count or sum(int(digit) for digit in layout.split("."))
    for index, name in enumerate(channel_names(layout, channels)):
        sound = np.zeros((channels, 1), np.float32)
        sound[index] = 1.0
        left, right = to_stereo(sound, layout)[:, 0].tolist()
        side = name.removesuffix("C")[-1] if name not in {"FC", "BC"} else "C"
        if name.startswith("LFE"):
            assert (left, right) == (0.0, 0.0)
        elif side == "C":
            assert left == right > 0.0
        else:
            assert (left > 0.0, right > 0.0) == (side == "L", side == "R")
