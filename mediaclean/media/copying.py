"""Packets from one stream to its copies: times shifted where asked, missing or falling ones mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from av import Packet

from mediaclean.media.routes import is_picture


class Copier:
    """Moves the packets of one source stream to one or more output streams."""

    def __init__(
        self,
        source: Any,
        shift_s: Fraction,
        convert: Callable[[Packet[Any]], Packet[Any] | None] | None = None,
    ) -> None:
        self._source = source
        self._shift = round(shift_s / source.time_base) if source.time_base else 0
        self._convert = convert
        self._targets: list[Any] = []
        self._early: list[Packet[Any]] = []
        self._last: int | None = None
        self._mended = 0
        self.time_s: Fraction | None = None

    def add(self, target: Any) -> None:
        """One more output stream for the same packets."""
        self._targets.append(target)

    @property
    def notes(self) -> list[str]:
        """What had to be mended."""
        if not self._mended:
            return []
        return [f"stream {self._source.index}: {self._mended} timestamps that ran backwards were moved forward"]

    def copies(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        """What to write for `packet`: nothing for now, or it and what waited for it."""
        if packet.size == 0:
            yield from self._release()  # only the flush packet at the end has no data
            return
        if is_picture(self._source):
            packet.pts = packet.dts = 0
            yield from self._copy(packet)
            return
        if self._last is None and packet.dts is None and self._source.type == "video":
            self._early.append(packet)
            return
        yield from self._release(packet)
        yield from self._copy(packet)

    def _release(self, known: Packet[Any] | None = None) -> Iterator[Packet[Any]]:
        """The first packets of Matroska's reordered video have no decoding time: count it back from the first known."""
        early, self._early = self._early, []
        if not early:
            return
        step = max(1, early[0].duration or 1)
        if known is not None and known.dts is not None:
            end = known.dts
        else:
            end = min((p.pts for p in early if p.pts is not None), default=0)
        for place, packet in enumerate(early):
            packet.dts = end - (len(early) - place) * step
            if packet.pts is not None and packet.dts > packet.pts:
                packet.dts = packet.pts
            yield from self._copy(packet)

    def _copy(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        if self._convert is not None:
            converted = self._convert(packet)
            if converted is None:
                return
            packet = converted
        if packet.dts is None:
            packet.dts = packet.pts if self._last is None else self._last + max(1, packet.duration or 1)
        self._move(packet)
        if packet.dts is not None:
            self.time_s = packet.dts * packet.time_base
        for target in self._targets:
            packet.stream = target
            yield packet

    def _move(self, packet: Packet[Any]) -> None:
        if self._shift:
            packet.pts = None if packet.pts is None else packet.pts + self._shift
            packet.dts = None if packet.dts is None else packet.dts + self._shift
        if packet.dts is None:
            return
        if self._last is not None and packet.dts <= self._last:
            strictly = self._source.type not in {"subtitle", "data"}
            if packet.dts < self._last or strictly:
                packet.dts = self._last + int(strictly)
                if packet.pts is not None and packet.pts < packet.dts:
                    packet.pts = packet.dts
                self._mended += 1
        self._last = packet.dts
