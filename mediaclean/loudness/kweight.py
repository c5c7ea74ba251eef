"""K-weighting and channel weights of ITU-R BS.1770-5, and levels per frame made with them.

The two biquads are derived anew for every sample rate from the analogue parameters that De Man found behind
the 48 kHz coefficients of the standard ("Evaluation of implementations of the EBU R128 loudness
measurement", AES convention 145, 2018); at 48 kHz they are the standard's own to within 1e-9.
"""

from __future__ import annotations

import math
import re
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mediaclean.audio import FLOOR_DB, Samples, frame_edges
from mediaclean.loudness.recursive import RecursiveFilter
from mediaclean.series import Series

Powers: TypeAlias = NDArray[np.float64]
"""K-weighted and channel-weighted mean square, of shape (n,); `power_to_lufs` turns it into LUFS."""

OFFSET_LU = -0.691
"""Makes a 997 Hz sine of 0 dBFS in one front channel read -3.01 LUFS (BS.1770, equation 2)."""

SURROUND = 10 ** (1.5 / 10)
"""Weight of channels 60 to 120 degrees off the front (+1.5 dB, BS.1770-5 table 4)."""

_LAYOUTS = {
    "mono": "FC",
    "stereo": "FL FR",
    "downmix": "DL DR",
    "2.1": "FL FR LFE",
    "3.0": "FL FR FC",
    "3.0(back)": "FL FR BC",
    "3.1": "FL FR FC LFE",
    "4.0": "FL FR FC BC",
    "quad": "FL FR BL BR",
    "quad(side)": "FL FR SL SR",
    "4.1": "FL FR FC LFE BC",
    "5.0": "FL FR FC BL BR",
    "5.0(side)": "FL FR FC SL SR",
    "5.1": "FL FR FC LFE BL BR",
    "5.1(side)": "FL FR FC LFE SL SR",
    "6.0": "FL FR FC BC SL SR",
    "6.0(front)": "FL FR FLC FRC SL SR",
    "hexagonal": "FL FR FC BL BR BC",
    "6.1": "FL FR FC LFE BC SL SR",
    "6.1(back)": "FL FR FC LFE BL BR BC",
    "6.1(front)": "FL FR LFE FLC FRC SL SR",
    "7.0": "FL FR FC BL BR SL SR",
    "7.0(front)": "FL FR FC FLC FRC SL SR",
    "7.1": "FL FR FC LFE BL BR SL SR",
    "7.1(wide)": "FL FR FC LFE BL BR FLC FRC",
    "7.1(wide-side)": "FL FR FC LFE FLC FRC SL SR",
    "octagonal": "FL FR FC BL BR BC SL SR",
    "cube": "FL FR BL BR TFL TFR TBL TBR",
    "5.1.2": "FL FR FC LFE SL SR TFL TFR",
    "5.1.2(back)": "FL FR FC LFE BL BR TFL TFR",
    "5.1.4": "FL FR FC LFE SL SR TFL TFR TBL TBR",
    "7.1.2": "FL FR FC LFE BL BR SL SR TFL TFR",
    "7.1.4": "FL FR FC LFE BL BR SL SR TFL TFR TBL TBR",
    "3.1.2": "FL FR FC LFE TFL TFR",
    "7.2.3": "FL FR FC LFE BL BR SL SR TFL TFR TBC LFE2",
    "9.1.4": "FL FR FC LFE BL BR FLC FRC SL SR TFL TFR TBL TBR",
    "9.1.6": "FL FR FC LFE BL BR FLC FRC SL SR TFL TFR TBL TBR TSL TSR",
    "hexadecagonal": "FL FR FC BL BR BC SL SR TFL TFC TFR TBL TBC TBR WL WR",
    "22.2": "FL FR FC LFE BL BR FLC FRC BC SL SR TC TFL TFC TFR TBL TBC TBR LFE2 TSL TSR BFC BFL BFR",
}
_CUSTOM = re.compile(r"\d+ channels \((.+)\)")
_BY_COUNT = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}


def channel_names(layout: str, channels: int) -> tuple[str, ...]:
    """The channels of an FFmpeg layout in order: of a known name, of a custom one such as ``3 channels (FL+FR+LFE)``,
    or, where neither fits, of the usual layout with that many channels; empty names where there is none."""
    custom = _CUSTOM.fullmatch(layout)
    for known in (custom[1] if custom else layout, _BY_COUNT.get(channels, "")):
        names = tuple(_LAYOUTS.get(known, known.replace("+", " ")).split())
        if len(names) == channels and all(name.isupper() for name in names):
            return names
    return ("",) * channels


def channel_weights(layout: str, channels: int) -> NDArray[np.float64]:
    """BS.1770-5 weights in the layout's channel order: 1, surrounds +1.5 dB, low-frequency effects 0.

    Side channels stand at 60 to 120 degrees and so do back channels where there are no side channels (5.1);
    beside side channels (7.1) the back ones stand farther behind and count 1, as do height and back centre. The front
    left and right of 22.2 stand at 60 degrees (BS.2051, system H), as the wide channels of other layouts do.

    >>> channel_weights("5.1(side)", 6).round(2).tolist()
    [1.0, 1.0, 1.0, 0.0, 1.41, 1.41]
    """
    names = channel_names(layout, channels)
    surround = {"WL", "WR", *(("SL", "SR") if "SL" in names else ("BL", "BR"))}
    surround |= {"FL", "FR"} if layout == "22.2" else set()
    return np.array([0.0 if name.startswith("LFE") else SURROUND if name in surround else 1.0 for name in names])


def sections(rate: int) -> NDArray[np.float64]:
    """Both biquads, high shelf then high pass, of shape (2, 6), for a sample rate in Hz."""
    k, q, gain = math.tan(math.pi * 1681.974450955533 / rate), 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    band = gain**0.4996667741545416
    a0 = 1 + k / q + k * k
    shelf = [
        (gain + band * k / q + k * k) / a0,
        2 * (k * k - gain) / a0,
        (gain - band * k / q + k * k) / a0,
        1.0,
        2 * (k * k - 1) / a0,
        (1 - k / q + k * k) / a0,
    ]
    k, q = math.tan(math.pi * 38.13547087602444 / rate), 0.5003270373238773
    a0 = 1 + k / q + k * k
    return np.array([shelf, [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]])


def power_response(rate: int, hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the weighting does to the power of a tone at each frequency, in the shape of `hz`."""
    back = np.exp(-2j * np.pi * hz / rate)
    response = np.ones_like(back)
    for section in sections(rate):
        above, below = section[:3], section[3:]
        response *= np.polyval(above[::-1], back) / np.polyval(below[::-1], back)
    return np.asarray(np.square(np.abs(response)))


def power_to_lufs(power: ArrayLike) -> NDArray[np.float64]:
    """K-weighted mean square to LUFS; `FLOOR_DB` and OFFSET_LU stand for silence."""
    return np.asarray(OFFSET_LU + 10 * np.log10(np.maximum(np.asarray(power, dtype=np.float64), 10 ** (FLOOR_DB / 10))))


def lufs_to_power(lufs: ArrayLike) -> NDArray[np.float64]:
    """The mean square that `power_to_lufs` takes to this loudness."""
    return np.asarray(10 ** ((np.asarray(lufs, dtype=np.float64) - OFFSET_LU) / 10))


LOWEST_RATE, HIGHEST_RATE = 4_000, 768_000
"""Between which the weighting can be told, in Hz."""


class KWeighting(RecursiveFilter):
    """The K-weighting filter of one stream; its state runs on from call to call.

    In float64, because the high pass sits at 38 Hz.

    Args:
        rate: sample rate in Hz, from `LOWEST_RATE` to `HIGHEST_RATE`.
        channels: number of channels.
    """

    def __init__(self, rate: int, channels: int) -> None:
        if not LOWEST_RATE <= rate <= HIGHEST_RATE:
            raise ValueError(f"K-weighting is not defined at {rate} Hz")
        super().__init__(sections(rate), channels)


class WeightedPower:
    """Per-sample K-weighted power summed over the channels with their weights, for one stream."""

    def __init__(self, rate: int, layout: str, channels: int) -> None:
        self._weights = channel_weights(layout, channels)
        self._filter = KWeighting(rate, channels)

    def __call__(self, samples: Samples) -> Powers:
        """Samples of shape (channels, n) to powers of shape (n,)."""
        weighted = self._filter(samples)
        return np.asarray(self._weights @ np.square(weighted, out=weighted))


class FrameLevels:
    """Mean K-weighted power of every 32 ms frame of one stream, by the edges of `audio.frame_edges`.

    Feed it samples, or, where something else has them already (see `loudness.Meter`), powers.

    Args:
        rate: sample rate in Hz.
        layout, channels: FFmpeg's name for the layout and its number of channels.
    """

    def __init__(self, rate: int, layout: str, channels: int) -> None:
        self._rate = rate
        self._power = WeightedPower(rate, layout, channels)
        self._frames = Series(np.float64)
        self._count = 0
        self._start = 0
        self._held = np.zeros(0)

    def add(self, samples: Samples) -> None:
        """The stream's next samples, of shape (channels, n)."""
        self.add_power(self._power(samples))

    def add_power(self, power: Powers) -> None:
        """The stream's next per-sample powers, of shape (n,), as `WeightedPower` makes them."""
        held = np.concatenate([self._held, power])
        stop = self._start + len(held)
        edges = frame_edges(self._count, stop * 250 // (self._rate * 8) + 1, self._rate)
        edges = edges[edges <= stop] - self._start
        if len(edges) > 1:
            self._frames.add(np.add.reduceat(held[: edges[-1]], edges[:-1]) / np.diff(edges))
            self._count += len(edges) - 1
            self._start += int(edges[-1])
            held = held[edges[-1] :]
        self._held = held

    def result(self) -> Powers:
        """Mean power of every frame so far, of shape (frames,); a last, shorter frame is averaged over what
        there is of it."""
        rest = [np.array([self._held.mean()])] if len(self._held) else []
        return np.concatenate([self._frames.result(), *rest])
