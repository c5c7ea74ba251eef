"""Declip, declick, hum: found in one pass over the sound, and mended in that order whenever the sound is read again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from mediaclean.audio import Samples, within
from mediaclean.repair import clicks, clipping
from mediaclean.repair.clicks import ClickFinder, DeclickSettings, declicked
from mediaclean.repair.clipping import ClipFinder, DeclipSettings, declipped
from mediaclean.repair.hum import HumFinder, HumSettings, dehummed
from mediaclean.repair.patches import patched
from mediaclean.repair.records import Repairs


@dataclass(frozen=True)
class RepairSettings:
    """The tables of a preset that mend the decoded sound; None where a stage is off."""

    declip: DeclipSettings | None = None
    declick: DeclickSettings | None = None
    hum: HumSettings | None = None


class Finder:
    """Hears a track for every stage that is on and would do anything."""

    def __init__(self, rate: int, settings: RepairSettings) -> None:
        declip, declick, hum = settings.declip, settings.declick, settings.hum
        self._clips = ClipFinder(rate, declip) if declip and declip.amount else None
        self._clicks = ClickFinder(rate, declick) if declick and declick.amount else None
        self._hum = HumFinder(rate, hum) if hum and hum.reduce_db else None

    @property
    def listeners(self) -> list[Callable[[Samples], None]]:
        """What wants to hear every chunk of the track, in order; they may run side by side."""
        return [finder.add for finder in (self._clips, self._clicks, self._hum) if finder is not None]

    def result(self) -> Repairs:
        """What was found; a clipped peak is no click."""
        clipped = self._clips.result() if self._clips else []
        spans = [row.span for row in clipped]
        found = self._clicks.result() if self._clicks else []
        clear = [row for row in found if not any(within(spans, row.span.start, row.span.stop))]
        return Repairs((*clipped, *clear), tuple(self._hum.result()) if self._hum else ())


def mended(chunks: Iterable[Samples], repairs: Repairs, settings: RepairSettings, rate: int) -> Iterator[Samples]:
    """The sound with the rows of a plan mended; every sample outside of them passes bit by bit.

    Args:
        chunks: the track from its first sample on, (channels, n) each, of any sizes.
        repairs: what the plan names.
        settings: the defaults stand in for a stage that is off and yet has rows.
        rate: in Hz.
    """
    declip = settings.declip or DeclipSettings()
    torn, clicked = repairs.of("declip"), repairs.of("declick")

    def unclipped(number: int, around: Samples, here: slice) -> Samples:
        return declipped(around, here, torn[number], rate, declip)

    def unclicked(number: int, around: Samples, here: slice) -> Samples:
        return declicked(around, here, clicked[number], rate)

    sound = iter(chunks)
    if torn:
        sound = patched(sound, [row.span for row in torn], clipping.margin(rate), unclipped)
    if clicked:
        sound = patched(sound, [row.span for row in clicked], clicks.MARGIN, unclicked)
    if repairs.lines:
        sound = dehummed(sound, repairs.lines, settings.hum or HumSettings(), rate)
    return sound
