"""Which stream of a result stands for which of its source."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from mediaclean.media.packets import StreamPackets
from mediaclean.media.records import AudioTrack, Media

How = Literal["bytes", "content"]
Pairs = Mapping[int, tuple[int, How]]
"""Source stream to the result's stream with the same packets, and what is the same in them."""

DIALOGUE = "Dialogue"
"""The title of an added dialogue track."""

_HOW: tuple[How, ...] = ("bytes", "content")


def pair_streams(
    mine: Mapping[int, StreamPackets], other: Mapping[int, StreamPackets], *, cleaned: Collection[int] = ()
) -> Pairs:
    """Source stream to the result's stream with the same packets: by bytes first, then by content.

    Where the source has twins and the result has fewer of them, those come first that are not in `cleaned`, and
    those that are still in their places.
    """
    pairs: dict[int, tuple[int, How]] = {}
    for how in _HOW:
        taken = {index for index, _ in pairs.values()}
        for index, packets in mine.items():
            if index in pairs:
                continue
            for candidate, found in other.items():
                if candidate not in taken and _same(packets, found, how):
                    pairs[index] = (candidate, how)
                    taken.add(candidate)
                    break
    for index in [index for index in mine if index not in pairs and index not in cleaned]:
        for twin, (at, how) in pairs.items():
            if (twin in cleaned or at == index) and _same(mine[index], other[at], how):
                pairs[index] = pairs.pop(twin)
                break
    return dict(sorted(pairs.items()))


def same_packets(mine: Mapping[int, StreamPackets], other: Mapping[int, StreamPackets]) -> set[int]:
    """The result's streams with the packets of any stream of the source."""
    return {
        index for index, found in other.items() for ours in mine.values() for how in _HOW if _same(ours, found, how)
    }


def _same(ours: StreamPackets, theirs: StreamPackets, how: How) -> bool:
    same = theirs.sha256 == ours.sha256 if how == "bytes" else theirs.content == ours.content
    as_many = ours.count == theirs.count or (ours.codec == theirs.codec and ours.bytes_per_s > 0.0)
    return same and ours.count > 0 and theirs.count > 0 and as_many and ours.kind == theirs.kind


def pair_tracks(
    ours: Media,
    theirs: Media,
    pairs: Pairs,
    *,
    copied: Collection[int],
    cleaned: Collection[int] | None,
    positions: Mapping[int, int] | None = None,
) -> list[tuple[AudioTrack, AudioTrack]]:
    """Source tracks and the tracks made from them, in order.

    Args:
        ours: the source.
        theirs: the result.
        pairs: streams with the same packets.
        copied: the result's streams that have a source stream's packets.
        cleaned: numbers of the source's tracks that have new audio; None takes those whose packets changed.
        positions: which of the result's audio tracks, counted from 0, took the place of each; None guesses.
    """
    wanted = [track for track in ours.tracks if track.rate and (cleaned is None or track.number in cleaned)]
    if positions is None:
        fresh = [track for track in theirs.tracks if track.stream not in copied and track.rate]
        made = _guessed(ours, theirs, pairs, wanted, fresh, sure=cleaned is not None)
    else:
        made = {number: theirs.tracks[at] for number, at in positions.items() if at < len(theirs.tracks)}
    return [(track, made[track.number]) for track in wanted if track.number in made and made[track.number].rate]


def _guessed(
    ours: Media,
    theirs: Media,
    pairs: Pairs,
    wanted: list[AudioTrack],
    fresh: list[AudioTrack],
    *,
    sure: bool,
) -> dict[int, AudioTrack]:
    """Source tracks by number, and which of the fresh ones each became; `sure` where all of them are cleaned."""
    by_stream = {track.stream: track for track in theirs.tracks}
    same = {track.number: by_stream[pairs[track.stream][0]] for track in wanted if track.stream in pairs}
    if fresh and _is_extra(fresh[-1], ours, theirs):
        fresh = fresh[:-1]
    lost = [track.number for track in wanted if track.number not in same]
    if lost:
        # Neutral settings on lossless sound give the same packets.
        return {**(same if sure else {}), **dict(zip(lost, fresh, strict=False))}
    # Where every source track is still there, its clean one stands before it.
    before = {track.stream + 1: track for track in fresh}
    kept = {number: before[copy.stream] for number, copy in same.items() if copy.stream in before}
    return {**same, **kept} if sure else kept


def _is_extra(track: AudioTrack, ours: Media, theirs: Media) -> bool:
    """Whether it is an added dialogue track: the last one, with its title, which the source's last one has not."""
    return track == theirs.tracks[-1] and track.title == DIALOGUE and ours.tracks[-1].title != DIALOGUE
