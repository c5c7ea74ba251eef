"""What lies in a folder of stems: names, the grid of the samples, and the table that says how they add up."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mediaclean.audio import Samples, Span
from mediaclean.errors import PresetError
from mediaclean.plan.as_json import seconds

VERSION = 1
TABLE = "stems.json"
ABOUT = {
    "voice": "the separated voice, and the sound itself in phrases that were left whole",
    "bed": "all the rest: source minus voice",
    "residue": "what the run took away, less what it added: source minus result before its level",
}


@dataclass(frozen=True)
class Grid:
    """Whole numbers of 24 bits whose full scale lies `headroom_bits` doublings above ±1."""

    headroom_bits: int

    @property
    def full_scale(self) -> float:
        return float(2**self.headroom_bits)

    def voice(self, samples: Samples) -> Samples:
        """A separated voice on the grid, held to half of full scale so that the bed has room as well."""
        most = np.float32(self.full_scale / 2)
        return self.onto(np.clip(samples, -most, most))

    def onto(self, samples: Samples) -> Samples:
        """The nearest values on the grid."""
        step = self.full_scale / (1 << 23)
        return np.asarray(np.rint(samples / np.float64(step)) * step, dtype=np.float32)


def grid_for(peak_dbfs: float) -> Grid:
    """The grid for a source: at least 12 dB over its highest sample.

    >>> grid_for(0.0), grid_for(-6.1), grid_for(-30.0)
    (Grid(headroom_bits=2), Grid(headroom_bits=1), Grid(headroom_bits=0))
    """
    return Grid(max(0, int(np.ceil(peak_dbfs / 20 * np.log2(10) + 2.0))))


@dataclass(frozen=True)
class Stems:
    """Stems on disk: where the sound lies, on which grid, and where the voice was separated."""

    voice: Path
    bed: Path
    grid: Grid
    rate: int
    cuts: tuple[Span, ...]


def stems_folder(target: Path) -> Path:
    """Where the stems of a result lie."""
    return target.with_name(f"{target.stem}.stems")


def to_table(stems: Stems, folder: Path, report: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """What `stems.json` holds: the files, how they add up, and the report and fingerprint of the result that they
    belong to."""
    files = {"voice": stems.voice, "bed": stems.bed, "residue": folder / "residue.flac"}
    return {
        "version": VERSION,
        "files": {
            name: {"file": Path(os.path.relpath(path, folder)).as_posix(), "about": ABOUT[name]}
            for name, path in files.items()
        },
        "sum": "voice + bed = source, mended where the plan mends it; result before its level + residue = source; "
        "times 2 to the power of headroom_bits, rounded to 24 bits of the files",
        "headroom_bits": stems.grid.headroom_bits,
        "gain_db": round(-20 * stems.grid.headroom_bits * float(np.log10(2.0)), 2),
        "rate_hz": stems.rate,
        "cuts_s": [seconds(span, stems.rate) for span in stems.cuts],
        "result": dict(result),
        "report": dict(report),
    }


def from_table(table: Mapping[str, Any], folder: Path) -> Stems:
    """The stems that `stems.json` in a folder tells of.

    Raises:
        PresetError: if it tells of none that this version reads.
    """
    try:
        files, rate = table["files"], int(table["rate_hz"])
        voice, bed = (folder / files[name]["file"] for name in ("voice", "bed"))
        cuts = tuple(Span(round(start * rate), round(stop * rate)) for start, stop in table["cuts_s"])
        grid = Grid(int(table["headroom_bits"]))
        is_ours = table["version"] == VERSION
    except (KeyError, TypeError, ValueError) as error:
        raise PresetError(f"{folder / TABLE} is not what mediaclean wrote: {error}", AGAIN) from error
    if not is_ours:
        raise PresetError(f"{folder / TABLE}: this mediaclean reads version {VERSION}", AGAIN)
    return Stems(voice, bed, grid, rate, cuts)


AGAIN = "mediaclean clean INPUT --residual makes new stems"
