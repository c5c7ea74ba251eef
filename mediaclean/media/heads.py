"""The first sound of every audio track: what its decoder gives, and when it is played."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import av
import av.error
from av.container import InputContainer

from mediaclean.media.borders import open_input, path_of

HEAD_PACKETS = 4000
"""How far into the file all tracks are looked for at once, in packets of any kind."""
TRIES = 64
"""Packets of a late track that may fail to decode before it counts as one that cannot be decoded."""


def first_frames(container: InputContainer) -> dict[int, Any]:
    """The first decoded frame of every audio stream, by stream index; none for a stream that does not decode.

    Raises:
        OSError: the file cannot be read a second time.
    """
    wanted = {stream.index for stream in container.streams.audio if stream.codec_context is not None}
    found = _near(container, wanted) if wanted else {}
    late = wanted.difference(found)
    return found | (_later(container, late) if late else {})


def _near(container: InputContainer, wanted: Collection[int]) -> dict[int, Any]:
    """In the head of the file."""
    found: dict[int, Any] = {}
    try:
        for count, packet in enumerate(container.demux()):
            index = packet.stream.index
            if index in wanted and index not in found:
                frame = _first(packet)
                if frame is not None:
                    found[index] = frame
            if len(found) == len(wanted) or count > HEAD_PACKETS:
                break
    except (av.error.FFmpegError, ValueError):
        pass  # damage further on is the decoder's to report
    return found


def _later(container: InputContainer, wanted: Collection[int]) -> dict[int, Any]:
    """Behind the head: a narration may come in after minutes. At worst the file is read to its end."""
    found: dict[int, Any] = {}
    tries = dict.fromkeys(wanted, TRIES)
    with open_input(path_of(container)) as again:
        try:
            for packet in again.demux([again.streams[index] for index in tries]):
                index = packet.stream.index
                if index not in tries:
                    continue
                frame = _first(packet)
                tries[index] -= 1
                if frame is not None:
                    found[index] = frame
                if frame is not None or not tries[index]:
                    del tries[index]
                if not tries:
                    break
        except (av.error.FFmpegError, ValueError):
            pass
    return found


def _first(packet: Any) -> Any:
    try:
        frames = packet.decode()
    except (av.error.FFmpegError, ValueError):
        return None
    return next((frame for frame in frames if frame.samples), None)
