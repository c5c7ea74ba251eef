"""Progress as data. The library reports, the terminal draws; nothing here prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:  # the terminal draws progress before anything needs numpy
    from mediaclean.audio import Samples


@dataclass(frozen=True)
class Progress:
    """How far a stage has come, in seconds of media.

    `total_s` is None where the length is not known. `done_s` never falls within a stage and never exceeds
    `total_s`. A `message` is a notice to show once (a download, a step down to a smaller batch).
    """

    stage: str
    done_s: float
    total_s: float | None
    message: str = ""


Watch: TypeAlias = Callable[[Progress], None]
"""Whoever wants to know. It may raise to stop the run: everything is cleaned up behind it."""


def ignore(progress: Progress) -> None:
    """The watch of those who do not look."""


def watched(chunks: Iterable[Samples], stage: str, rate: int, total: int | None, watch: Watch) -> Iterator[Samples]:
    """Pass chunks of shape (channels, n) through, reporting after each; `total` in samples at `rate` Hz."""
    done = 0
    total_s = None if total is None else total / rate
    watch(Progress(stage, 0.0, total_s))
    for chunk in chunks:
        yield chunk
        done += chunk.shape[1]
        watch(Progress(stage, done / rate if total_s is None else min(done / rate, total_s), total_s))
    watch(Progress(stage, done / rate if total_s is None else total_s, total_s))
