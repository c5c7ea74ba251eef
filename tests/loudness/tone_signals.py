"""The tone sequences of EBU Tech 3341 and Tech 3342, made from their published definitions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RATE = 48000


@dataclass(frozen=True)
class ToneCase:
    """Tones of 1 kHz as (seconds, dBFS of each channel), and what a meter must read."""

    name: str
    parts: tuple[tuple[float, tuple[float, ...]], ...]
    quantity: str
    expected: float
    tolerance: float
    layout: str = "stereo"

    def samples(self, rate: int = RATE):
        """float32 of shape (channels, n); one sine runs through, its level changes."""
        edges = np.rint(np.cumsum([0.0] + [seconds for seconds, _ in self.parts]) * rate).astype(int)
        sine = np.sin(2 * np.pi * 1000 / rate * np.arange(edges[-1]))
        levels = np.repeat(np.array([part[1] for part in self.parts]).T, np.diff(edges), axis=1)
        return (10 ** (levels / 20) * sine).astype(np.float32)


def _stereo(*parts):
    return tuple((seconds, (level, level)) for seconds, level in parts)


_OFF = -400.0

INTEGRATED = (
    ToneCase("3341-1", _stereo((20, -23)), "integrated_lufs", -23, 0.1),
    ToneCase("3341-2", _stereo((20, -33)), "integrated_lufs", -33, 0.1),
    ToneCase("3341-3", _stereo((10, -36), (60, -23), (10, -36)), "integrated_lufs", -23, 0.1),
    ToneCase("3341-4", _stereo((10, -72), (10, -36), (60, -23), (10, -36), (10, -72)), "integrated_lufs", -23, 0.1),
    ToneCase("3341-5", _stereo((20, -26), (20.1, -20), (20, -26)), "integrated_lufs", -23, 0.1),
    ToneCase("3341-6", ((20, (-28, -28, -24, -30, -30)),), "integrated_lufs", -23, 0.1, "5.0"),
    ToneCase("3341-6 with LFE", ((20, (-28, -28, -24, -10, -30, -30)),), "integrated_lufs", -23, 0.1, "5.1"),
)

RANGE = (
    ToneCase("3342-1", _stereo((20, -20), (20, -30)), "range_lu", 10, 1),
    ToneCase("3342-2", _stereo((20, -20), (20, -15)), "range_lu", 5, 1),
    ToneCase("3342-3", _stereo((20, -40), (20, -20)), "range_lu", 20, 1),
    ToneCase("3342-4", _stereo((20, -50), (20, -35), (20, -20), (20, -35), (20, -50)), "range_lu", 15, 1),
)

# cases 10 and 13 are files of their own; 11 and 14 are live sequences whose maximum grows tone by tone
MAXIMA = (
    *(
        ToneCase(f"3341-10-{i + 1}", _stereo((i * 0.15, _OFF), (3, -23), (1, _OFF)), "short_term_max_lufs", -23, 0.1)
        for i in (0, 1, 7, 19)
    ),
    *(
        ToneCase(f"3341-13-{i + 1}", _stereo((i * 0.02, _OFF), (0.4, -23), (1, _OFF)), "momentary_max_lufs", -23, 0.1)
        for i in (0, 1, 7, 19)
    ),
)


def growing(window_s: float, step_s: float):
    """Cases 11 (3 s, 0.15 s) and 14 (0.4 s, 0.02 s): twenty tones, each 1 dB louder, each at another offset."""
    parts = []
    for i in range(20):
        parts += [(i * step_s, _OFF), (window_s, -38.0 + i), (window_s - i * step_s, _OFF)]
    return ToneCase("growing", _stereo(*parts), "", 0, 0.1).samples()


def alternating(times: int, loud_s: float, quiet_s: float):
    """Cases 9 (1.34 s, 1.66 s) and 12 (0.18 s, 0.22 s): the window always holds the same energy."""
    return ToneCase("alternating", _stereo(*[(loud_s, -20), (quiet_s, -30)] * times), "", -23, 0.1).samples()
