"""The sound goes by once; every page of it that was changed is judged, and forgotten.

Pages lie on a grid of frames that is tied to the track's first sample, and each is judged with context on both sides.
So a mark depends on the position alone: not on the size of a block, nor on which other pages are judged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mediaclean.ahead import Aside
from mediaclean.audio import Block, Samples, Span, merge, power_to_db, within
from mediaclean.ledger.ground import Ground, hop_of, make_ground, reach_of
from mediaclean.ledger.motion import ClickSettings, PumpingSettings, find_clicks, find_pumping
from mediaclean.ledger.pauses import GhostSettings, MusicalSettings, find_ghost, find_musical
from mediaclean.ledger.records import KINDS, Ledger, LedgerSettings, Mark
from mediaclean.ledger.scene import Scene, make_scene
from mediaclean.ledger.voice import (
    ChoppedSettings,
    HollowSettings,
    LostSettings,
    find_chopped,
    find_hollow,
    find_lost,
)

PAGE_FRAMES, CONTEXT_FRAMES = 1200, 300

Heard = tuple[Block, NDArray[np.float32], Samples]
"""A block of one channel, the bed's linear gain (n,) and the result (1, n), as `duck.duck` gives them."""

Grounds = dict[int, Ground]
"""Pages of one original and one separated voice by number: several results of them are judged over the same ground."""


@dataclass(frozen=True)
class Limits:
    """The settings of every detector."""

    musical: MusicalSettings
    ghost: GhostSettings
    chopped: ChoppedSettings
    lost: LostSettings
    hollow: HollowSettings
    pumping: PumpingSettings
    click: ClickSettings


def limits_of(settings: LedgerSettings) -> Limits:
    """The detectors with the limits that a preset sets."""
    return Limits(
        MusicalSettings(per_s=settings.musical_per_s),
        GhostSettings(over_db=settings.ghost_db),
        ChoppedSettings(falls_db=settings.chopped_db),
        LostSettings(falls_db=settings.lost_db),
        HollowSettings(falls_db=settings.hollow_db),
        PumpingSettings(swing_db=settings.pumping_db),
        ClickSettings(ratio=settings.click_ratio),
    )


def judge(
    heard: Iterable[Heard],
    speech: Sequence[Span],
    *,
    rate: int,
    length: int,
    settings: LedgerSettings | None = None,
    start: int = 0,
    pages: Collection[int] | None = None,
    grounds: Grounds | None = None,
) -> Ledger:
    """Look for artefacts in what is heard; what was not changed has none.

    Args:
        heard: block, gain and result in order, from `start` on.
        speech: phrases, sorted and disjoint.
        rate: in Hz.
        length: of the track in samples.
        settings: the limits; None for the usual ones.
        start: position of the first block, for a part of a track.
        pages: numbers of the only pages to judge; None for all.
        grounds: what earlier calls for the same original and voice left, to which this one adds; they stay in memory.
    """
    limits = limits_of(settings or LedgerSettings())
    marks: list[Mark] = []

    def search(scene: Scene) -> None:
        marks.extend(find(scene, limits))

    with Aside(search, depth=1) as aside:
        for scene in scenes(heard, speech, rate=rate, length=length, start=start, pages=pages, grounds=grounds):
            aside.give(scene)
    return Ledger(rate, tuple(join(marks)))


def find(scene: Scene, limits: Limits) -> Iterator[Mark]:
    """The marks of a page, cut to what it answers for."""
    inner = scene.ground.inner
    if not np.isfinite(scene.ground.speech_db):
        return
    found = (
        find_musical(scene, limits.musical),
        find_ghost(scene, limits.ghost),
        find_chopped(scene, limits.chopped),
        find_lost(scene, limits.lost),
        find_hollow(scene, limits.hollow),
        find_pumping(scene, limits.pumping),
        find_clicks(scene, limits.click),
    )
    for marks in found:
        for mark in marks:
            inside = mark.span.clip(inner.start, inner.stop)
            if inside is not None:
                yield replace(mark, span=inside)


def join(marks: Iterable[Mark]) -> list[Mark]:
    """Marks in order of time; those of a kind that touch are one, as severe as the worse of them."""
    joined: list[Mark] = []
    ordered = sorted(marks, key=lambda mark: (KINDS.index(mark.kind), mark.span))
    for mark in ordered:
        last = joined[-1] if joined else None
        if last is not None and last.kind == mark.kind and mark.span.start <= last.span.stop:
            worse = max(last, mark, key=lambda each: each.severity)
            joined[-1] = replace(worse, span=merge([last.span, mark.span])[0])
        else:
            joined.append(mark)
    return sorted(joined, key=lambda mark: (mark.span, KINDS.index(mark.kind)))


def pages_of(spans: Iterable[Span], rate: int, length: int) -> set[int]:
    """The pages whose marks a change in these spans can move."""
    size, around = PAGE_FRAMES * hop_of(rate), CONTEXT_FRAMES * hop_of(rate) + reach_of(rate)
    last = max(0, length - 1) // size
    touched: set[int] = set()
    for span in spans:
        touched.update(range(max(0, span.start - around) // size, min(last, (span.stop + around) // size) + 1))
    return touched


def page_span(page: int, rate: int) -> Span:
    """The samples that a page answers for; the last one's reach beyond the track."""
    size = PAGE_FRAMES * hop_of(rate)
    return Span(page * size, (page + 1) * size)


def sound_of(pages: Collection[int], rate: int) -> Span:
    """What must be heard to judge pages, and all between them."""
    around = CONTEXT_FRAMES * hop_of(rate) + reach_of(rate)
    return Span(max(0, page_span(min(pages), rate).start - around), page_span(max(pages), rate).stop + around)


def scenes(
    heard: Iterable[Heard],
    speech: Sequence[Span],
    *,
    rate: int,
    length: int,
    start: int = 0,
    pages: Collection[int] | None = None,
    grounds: Grounds | None = None,
) -> Iterator[Scene]:
    """The pages that differ from the original, one after the other; memory holds one page and its context, and the
    grounds."""
    hop, reach = hop_of(rate), reach_of(rate)
    size, around = PAGE_FRAMES * hop, CONTEXT_FRAMES * hop
    held = _Held(start)
    stop = start
    number = start // size
    last = max(0, length - 1) // size

    def page() -> Iterator[Scene]:
        if pages is None or number in pages:
            yield from _scene(held, number, speech, rate, length, {} if grounds is None else grounds)

    for block, gain, result in heard:
        held.add(block, gain, result)
        stop = block.stop
        while number < last and stop >= (number + 1) * size + around + reach:
            yield from page()
            number += 1
            held.forget(number * size - around - reach)
        if pages is not None and number > max(pages, default=-1):
            return
    while number <= last and number * size < stop:
        yield from page()
        number += 1


class _Held:
    """The sound that the next page needs: original, result, voice and gain as rows, block by block."""

    def __init__(self, start: int) -> None:
        self._blocks: deque[tuple[int, NDArray[np.float32]]] = deque()
        self._stop = start

    def add(self, block: Block, gain: NDArray[np.float32], result: Samples) -> None:
        self._blocks.append((self._stop, np.stack([block.mix[0], result[0], block.voice[0], gain])))
        self._stop += len(gain)

    def forget(self, before: int) -> None:
        """Drop the blocks that lie before a position."""
        while self._blocks and self._blocks[0][0] + self._blocks[0][1].shape[1] <= before:
            self._blocks.popleft()

    def part(self, start: int, stop: int) -> NDArray[np.float32]:
        """The rows from `start` to `stop`; silence at gain 1 where there is nothing."""
        part = np.zeros((4, stop - start), dtype=np.float32)
        part[3] = 1.0
        for first, rows in self._blocks:
            low, high = max(start, first), min(stop, first + rows.shape[1])
            if low < high:
                part[:, low - start : high - start] = rows[:, low - first : high - first]
        return part


def _scene(
    held: _Held, number: int, speech: Sequence[Span], rate: int, length: int, grounds: Grounds
) -> Iterator[Scene]:
    hop, reach = hop_of(rate), reach_of(rate)
    size, around = PAGE_FRAMES * hop, CONTEXT_FRAMES * hop
    inner = Span(number * size, min(length, (number + 1) * size))
    first = max(0, inner.start - around)
    frames = -(-(min(length, inner.stop + around) - first) // hop)
    rows = held.part(first - reach, first + frames * hop + reach)
    here = slice(inner.start - first + reach, inner.stop - first + reach)
    if np.array_equal(rows[0, here], rows[1, here]):
        return
    if number not in grounds:
        talking = np.zeros(frames, dtype=bool)
        for _, span in within(speech, first, first + frames * hop):
            talking[max(0, span.start - first) // hop : max(0, span.stop - first) // hop] = True
        grounds[number] = make_ground(rows[0], rows[2], rate=rate, start=first, inner=inner, speech=talking)
    middles = rows[3, reach + hop // 2 : reach + frames * hop : hop]
    yield make_scene(grounds[number], rows[1], power_to_db(np.square(middles, dtype=np.float64)))
