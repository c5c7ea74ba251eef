"""The cuts of a film's picture, looked for where somebody asks, and as cheaply as its codec allows.

First only frames that stand alone (key frames) are decoded, about one in a second. Between two that look alike there is
no cut, unless a frame between them took nearly as many bytes as one that stands alone; only where there may be one is
every frame looked at. An encoder that sees cuts puts key frames at them, and a camera that stands still costs next to
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain
from typing import Any

import av
import av.error
import numpy as np
from av.container import InputContainer

from mediaclean.media.borders import open_input, reading
from mediaclean.media.records import Media
from mediaclean.media.shot_changes import HEIGHT, WIDTH, ShotFinder, Thumb, looks_alike

Stretch = tuple[Fraction, Fraction]

_STEP_S = Fraction(1)
"""Key frames nearer than this are not looked at: some codecs have nothing else."""
_HEAVY = 0.5
"""Of the bytes of the key frame before: more than motion costs, and less than a new picture does."""
_BACK_S = (0, 3, 15, 10**9)
"""How far before the wanted frame the file is entered, try by try: some containers land behind it."""


def picture_cuts(media: Media, within: Sequence[Stretch] | None = None) -> list[Fraction]:
    """When a new shot begins, in seconds on the media clock, ascending; empty where there is no moving picture.

    What cannot be decoded is passed over: a picture that is damaged has fewer cuts, and the run goes on.

    Args:
        media: the probed file.
        within: stretches of the media clock, in order and disjoint; None for the whole film.

    Raises:
        MediaError: the file went away.
    """
    if media.video is None:
        return []
    cuts: set[Fraction] = set()
    with reading(media.path), open_input(media.path) as container:
        stream: Any = container.streams[media.video.index]
        if stream.codec_context is None:
            return []
        stream.thread_type = "AUTO"
        stream.codec_context.options = {"skip_loop_filter": "all"}
        for start, stop in within or [(Fraction(-1), Fraction(10**9))]:
            for low, high in _suspects(container, stream, start, stop):
                finder = ShotFinder()
                for at, thumb in _frames(container, stream, low, high):
                    finder.push(at, thumb)
                cuts.update(cut for cut in finder.cuts() if start <= cut < stop)
    return sorted(cuts)


def _suspects(container: InputContainer, stream: Any, start: Fraction, stop: Fraction) -> list[Stretch]:
    """Stretches between key frames that look different or have a heavy frame between them, joined where they touch."""
    suspects: list[Stretch] = []
    last: tuple[Fraction, Thumb] | None = None
    heavy: list[Fraction] = []
    for at, thumb in _key_frames(container, stream, start, stop, heavy):
        if last is not None and at >= start:
            jumps = any(last[0] < jump < at for jump in heavy)
            if jumps or not looks_alike(last[1], thumb):
                _join(suspects, last[0], at)
            heavy[:] = [jump for jump in heavy if jump > at]
        last = (at, thumb)
    if last is not None and last[0] < stop:
        _join(suspects, last[0], stop)  # no key frame tells what comes before the end
    return suspects


def _join(stretches: list[Stretch], low: Fraction, high: Fraction) -> None:
    if stretches and stretches[-1][1] == low:
        low = stretches.pop()[0]
    stretches.append((low, high))


def _key_frames(
    container: InputContainer, stream: Any, start: Fraction, stop: Fraction, heavy: list[Fraction]
) -> Iterator[tuple[Fraction, Thumb]]:
    """A key frame at or before `start`, and then about one in a second, up to the first one behind `stop`.

    `heavy` gets the times of other frames that took so many bytes that there may be a new picture in them.
    """
    _seek(container, stream, start - _BACK_S[1])
    next_at, usual = None, 0
    for packet in _packets(container, stream):
        at = None if packet.pts is None else packet.pts * stream.time_base
        if packet.dts is None and packet.pts is None:
            yield from _decoded(packet, stream)  # the end: what the decoder still holds
        elif packet.is_keyframe and at is not None and (next_at is None or at >= next_at):
            next_at, usual = at + _STEP_S, packet.size
            yield from _decoded(packet, stream)
            if at >= stop:
                yield from _decoded(None, stream)
                return
        elif not packet.is_keyframe and at is not None and packet.size >= _HEAVY * usual > 0:
            heavy.append(at)


def _frames(container: InputContainer, stream: Any, low: Fraction, high: Fraction) -> Iterator[tuple[Fraction, Thumb]]:
    """Every frame from `low` to `high`, both included."""
    for back_s in _BACK_S:
        _seek(container, stream, low - back_s)
        frames = (pair for packet in _packets(container, stream) for pair in _decoded(packet, stream))
        first = next(frames, None)
        if first is not None and (first[0] <= low or back_s == _BACK_S[-1]):
            break
    else:
        return
    for at, thumb in chain([first], frames):
        if at > high:
            return
        if at >= low:
            yield at, thumb


def _seek(container: InputContainer, stream: Any, at: Fraction) -> None:
    try:
        container.seek(max(0, int(at / stream.time_base)), stream=stream, backward=True)
    except (av.error.FFmpegError, ValueError):
        container.seek(0)
    stream.codec_context.flush_buffers()


def _packets(container: InputContainer, stream: Any) -> Iterator[Any]:
    try:
        yield from container.demux(stream)
    except (av.error.FFmpegError, ValueError):
        return  # the file breaks off; the sound's decoder reports it


def _decoded(packet: Any, stream: Any) -> Iterator[tuple[Fraction, Thumb]]:
    try:
        frames = stream.codec_context.decode(packet)
    except (av.error.FFmpegError, ValueError):
        return
    for frame in frames:
        if frame.pts is not None:
            yield frame.pts * stream.time_base, _thumb(frame)


def _thumb(frame: Any) -> Thumb:
    small = frame.reformat(width=WIDTH, height=HEIGHT, format="yuv444p", interpolation="AREA")
    return np.asarray(small.to_ndarray()).reshape(3, HEIGHT, WIDTH).copy()
