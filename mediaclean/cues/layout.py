"""Voices on a grid of whole ticks become cues: joined where they are too short, split where they are too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

from mediaclean.cues.split import Places, split_points


@dataclass(frozen=True)
class Grid:
    """The rules in whole ticks; a tick is a frame of the picture, or a millisecond."""

    tick_s: Fraction
    least: int
    most: int
    gap: int
    lead: int
    run_on: int
    end: int

    def down(self, seconds: Fraction) -> int:
        return floor(seconds / self.tick_s)

    def up(self, seconds: Fraction) -> int:
        return ceil(seconds / self.tick_s)


@dataclass(frozen=True)
class Voice:
    """A phrase in ticks."""

    start: int
    stop: int


@dataclass
class Group:
    """Voices under one cue, or under several where that would be too long."""

    start: int
    voices: list[Voice]

    @property
    def voice_start(self) -> int:
        return self.voices[0].start

    @property
    def voice_stop(self) -> int:
        return self.voices[-1].stop

    def needed(self, grid: Grid) -> int:
        """Where its last cue ends, if nothing presses."""
        return max(self.start + grid.least, self.voice_stop)

    def joined(self, later: Sequence[Voice]) -> Group:
        return Group(self.start, [*self.voices, *later])

    def voice_before(self, tick: int) -> int:
        """Where the voice before `tick` ends, at most there."""
        return min(tick, next(voice.stop for voice in reversed(self.voices) if voice.start < tick))


@dataclass
class Piece:
    """A cue in the making: its own times, and those of the voice in it."""

    start: int
    stop: int
    voice_start: int
    voice_stop: int


def group(voices: Sequence[Voice], grid: Grid) -> list[Group]:
    """Voices that share a cue, because one of them would be too short and has no room to last longer.

    Afterwards every group can last for `least` from its start and still leave the gap before the next one.
    """
    groups: list[Group] = []
    for voice in voices:
        if groups and not _has_room(groups, voice.start - grid.gap, grid):
            if len(groups) > 1 and groups[-1].voice_start - groups[-2].voice_stop < voice.start - groups[-1].voice_stop:
                groups[-2:] = [groups[-2].joined(groups[-1].voices)]
            else:
                groups[-1] = groups[-1].joined([voice])
                continue
        groups.append(Group(voice.start, [voice]))
    if groups and groups[-1].start + grid.least > grid.end:
        _make_room_at_end(groups, grid)
    return groups


def _has_room(groups: list[Group], limit: int, grid: Grid) -> bool:
    """Whether the last group can last for `least` before `limit`, coming on a little early if need be."""
    last = groups[-1]
    start = min(last.start, limit - grid.least)
    early = last.voice_start - max(0, grid.lead - 1)
    free = groups[-2].needed(grid) + grid.gap if len(groups) > 1 else 0
    if start < min(last.start, max(early, free, 0)):
        return False
    last.start = start
    return True


def _make_room_at_end(groups: list[Group], grid: Grid) -> None:
    """The last voice joins the one before if that is near, else it comes on early; a very short file is one cue."""
    last = groups[-1]
    early = max(0, grid.end - grid.least)
    if len(groups) == 1:
        last.start = early
        return
    before = groups[-2]
    near = last.voice_start - before.voice_stop <= grid.least + grid.gap
    if near or before.needed(grid) + grid.gap > early:
        groups[-2:] = [before.joined(last.voices)]
    else:
        last.start = early


def cut(joined: Group, limit: int, grid: Grid, places: Places) -> list[Piece]:
    """The cues of a group, none reaching past `limit`: one, or several where it is too long."""
    stop = min(max(joined.voice_stop, joined.start + grid.least), limit)
    starts = [joined.start]
    if stop - joined.start > grid.most:
        where, costs = places.of([(voice.start, voice.stop) for voice in joined.voices], stop)
        starts += split_points(joined.start, stop, where, costs, least=grid.least, most=grid.most, gap=grid.gap)
    pieces = []
    for start, following in pairwise(starts):
        voice_stop = joined.voice_before(following)
        end = min(max(voice_stop, start + grid.least), following - grid.gap)
        pieces.append(Piece(start, end, max(start, joined.voice_start), voice_stop))
    return [*pieces, Piece(starts[-1], stop, max(starts[-1], joined.voice_start), joined.voice_stop)]


def chain(pieces: Sequence[Piece], grid: Grid) -> None:
    """Close small gaps to the least one: a cue that flickers off for a moment draws the eye."""
    for piece, following in pairwise(pieces):
        stop = following.start - grid.gap
        if piece.stop < stop <= min(piece.voice_stop + grid.run_on, piece.start + grid.most):
            piece.stop = stop
