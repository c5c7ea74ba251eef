"""New audio on its way into a container."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from av import Packet
from av.container import OutputContainer


class Feed:
    """New audio on its way into one output stream."""

    def __init__(self, stream: Any, packets: Iterator[Packet[Any]], start_s: Fraction, rate: int) -> None:
        self._stream = stream
        self._packets = packets
        self._offset = round(start_s * rate)
        self._base = Fraction(1, rate)
        self._held: Packet[Any] | None = None
        self._begun = False

    @property
    def time_s(self) -> Fraction | None:
        """When the next packet is played; None behind the last. The sound begins to be made with the first question."""
        if not self._begun:
            self._held, self._begun = next(self._packets, None), True
        if self._held is None:
            return None
        return ((self._held.pts or 0) + self._offset) * self._base

    def put(self, made: OutputContainer) -> None:
        """Hand the next packet over; `time_s` says whether there is one."""
        packet = self._held
        assert packet is not None
        self._held = next(self._packets, None)
        packet.pts = (packet.pts or 0) + self._offset
        packet.dts = packet.pts
        packet.time_base = self._base
        packet.stream = self._stream
        made.mux_one(packet)
