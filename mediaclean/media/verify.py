"""The picture-lock receipt: proof that a result is its source but for the sound that was cleaned."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from mediaclean.media.borders import open_input, reading
from mediaclean.media.evidence import Evidence
from mediaclean.media.fields import Field, chunk_fields, global_fields, picture_fields, stream_fields
from mediaclean.media.formats import family_of
from mediaclean.media.lag_ear import lag_of
from mediaclean.media.packets import StreamPackets, headers_of, lateness_s, packet_hashes
from mediaclean.media.pairing import Pairs, pair_streams, pair_tracks, same_packets
from mediaclean.media.probe import probe
from mediaclean.media.receipt import Proof, Receipt
from mediaclean.media.records import AudioTrack, Media, StreamInfo


def verify(
    source: Path,
    result: Path,
    *,
    cleaned: Collection[int] | None = None,
    dropped: Collection[str] = (),
    positions: Mapping[int, int] | None = None,
    extras: Mapping[int, int] | None = None,
    known: Evidence | None = None,
) -> Receipt:
    """Compare a result with its source.

    Args:
        source: the original file.
        result: what was made of it.
        cleaned: numbers of the source's tracks that have new audio; None takes those whose packets changed.
        dropped: what was left out on demand, in the words of `Written.dropped`.
        positions: where the cleaned tracks are, as in `Written.positions`; None finds out by packets and order.
        extras: which tracks were added beside which, as in `Written.extras`.
        known: what other passes over these very files have found already.

    Raises:
        MediaError: one of the files cannot be read.
    """
    ours, theirs = probe(Path(source)), probe(Path(result))
    known = known or Evidence()
    mine = known.source if known.source is not None else packet_hashes(ours.path)
    other = known.result
    if other is None:
        other = packet_hashes(theirs.path, header=headers_of(ours.path))
    streams = [track.stream for track in ours.tracks if track.number in (cleaned or ())]
    pairs = pair_streams(mine, other, cleaned=streams)
    proofs = [_proof(packets, pairs, other, ours, theirs, dropped) for packets in mine.values()]
    copied = same_packets(mine, other)
    tracks = pair_tracks(ours, theirs, pairs, copied=copied, cleaned=cleaned, positions=positions)
    proofs = [_as_cleaned(proof, tracks) for proof in proofs]
    beside = {track.stream for track, _ in tracks if track.stream in pairs}
    fields = [_as_original(field, beside) for field in _fields(ours, theirs, pairs, mine, other, dropped)]
    shift = _shift_s(mine, other, pairs)
    if shift is None and len(tracks) + len(extras or {}) > 1:  # of new sound alone: all are as late as the first
        shift = float(tracks[0][1].start_s - tracks[0][0].start_s) if tracks else None
    if shift is not None:
        fields += [_start_field(f"track {track.number}", track, made, shift) for track, made in tracks]
        fields += _extra_fields(ours, theirs, extras or {}, shift)
    lags = tuple(
        known.lags.get((track.stream, made.stream)) or lag_of(ours, theirs, track, made) for track, made in tracks
    )
    fields += [field for lag in lags for field in lag.fields()]
    return Receipt(ours.path, theirs.path, tuple(proofs), tuple(fields), lags)


def _proof(
    packets: StreamPackets,
    pairs: Pairs,
    other: Mapping[int, StreamPackets],
    ours: Media,
    theirs: Media,
    dropped: Collection[str],
) -> Proof:
    info = ours.streams[packets.index]
    if packets.index in pairs:
        index, how = pairs[packets.index]
        hashes = (packets.sha256, other[index].sha256) if how == "bytes" else (packets.content, other[index].content)
        return Proof(packets.index, index, info.kind, info.codec, packets.count, *hashes, how, ok=True)
    ok, note = False, "is not in the result, or its packets changed"
    by: Literal["header", "nothing"] = "nothing"
    if any(line.startswith(f"stream {packets.index} ") for line in dropped):
        ok, note = True, "left out on demand"
    elif info.kind == "data" and _in_header(info, theirs, ours):
        ok, note, by = True, "written again from the header", "header"
    elif not packets.count:
        ok, note = True, "has no packets"
    return Proof(packets.index, None, info.kind, info.codec, packets.count, packets.sha256, "", by, ok, note)


def _in_header(info: StreamInfo, theirs: Media, ours: Media) -> bool:
    if info.timecode:
        return any(stream.timecode == info.timecode for stream in theirs.streams)
    return bool(ours.chapters) and len(ours.chapters) == len(theirs.chapters)


def _as_cleaned(proof: Proof, tracks: list[tuple[AudioTrack, AudioTrack]]) -> Proof:
    for track, made in tracks:
        if proof.stream == track.stream and proof.result is None:
            place = (proof.stream, made.stream, proof.kind, proof.codec, proof.packets)
            return Proof(*place, proof.sha256_source, "", "nothing", ok=True, note="cleaned")
    return proof


def _as_original(field: Field, beside: Collection[int]) -> Field:
    """A source track that stays beside its clean one gives the default flag to it, and says in its title what it is."""
    own = {
        f"stream {index} {what}"
        for index in beside
        for what in ("dispositions", "title", "handler_name", "tag title", "tag handler_name")
    }
    if field.ok or field.what not in own:
        return field
    return replace(field, ok=True, note="the clean track is the default one; this is its source")


def _shift_s(mine: Mapping[int, StreamPackets], other: Mapping[int, StreamPackets], pairs: Pairs) -> float | None:
    """By how much the whole result lies later on its clock: the median over the first copied stream.

    None where nothing that is on the clock was copied.
    """
    order = sorted(pairs, key=lambda index: (mine[index].kind != "video", index))
    for index in order:
        ours, theirs = mine[index], other[pairs[index][0]]
        if ours.kind in {"video", "audio"} and ours.count > 1:
            shift = float(np.median(lateness_s(ours, theirs)))
            return 0.0 if abs(shift) <= theirs.tick_s / 2 else shift
    return None


def _fields(
    ours: Media,
    theirs: Media,
    pairs: Pairs,
    mine: Mapping[int, StreamPackets],
    other: Mapping[int, StreamPackets],
    dropped: Collection[str],
) -> list[Field]:
    families = family_of(ours.container), family_of(theirs.container)
    shift = _shift_s(mine, other, pairs)
    found: list[Field] = []
    with reading(ours.path), open_input(ours.path) as source, reading(theirs.path), open_input(theirs.path) as result:
        found += global_fields(source, result, dropped)
        found += chunk_fields(ours.path, theirs.path) if families == ("wav", "wav") else ()
        for index, (match, _) in pairs.items():
            found += stream_fields(source.streams[index], result.streams[match], families)
            if not ours.streams[index].attached_picture:  # a cover is on no clock
                found += _time_fields(mine[index], other[match], shift or 0.0)
        moving = [i for i in pairs if ours.streams[i].kind == "video" and not ours.streams[i].attached_picture]
        for index in moving[:1]:
            found += picture_fields(source, result, (index, pairs[index][0]), dropped)
    order = [pairs[index][0] for index in sorted(pairs)]
    found.append(Field("stream order", "kept", "kept" if order == sorted(order) else "changed", order == sorted(order)))
    if shift:
        expected = families[0] != families[1]
        found.append(Field("start of the clock", "0", f"{shift:+.6f} s", ok=expected))
    return found


def _time_fields(mine: StreamPackets, other: StreamPackets, shift: float) -> list[Field]:
    if mine.kind == "attachment" or not mine.count:
        return []
    name = f"stream {mine.index}"
    # The result rounds to its own tick, and so does the shift between the clocks; milliseconds were rounded before.
    # Matroska rounds the times of sound, and the priming before it, each for itself
    rounded = min(mine.tick_s, 0.001) if mine.kind == "audio" else 0.0
    same = mine.tick_s == other.tick_s
    allowed = 1e-9 if same else rounded + other.tick_s * (1.0 if shift else 0.5) + 1e-9
    worst = float(np.max(np.abs(lateness_s(mine, other) - shift), initial=0.0))
    rows = [
        Field(f"{name} timestamps", f"{mine.count} packets", f"at most {worst * 1000:.3f} ms off", worst <= allowed)
    ]
    ours, theirs = mine.keys, other.keys
    same_keys = bool(np.array_equal(ours, theirs) or (ours.all() and theirs.all()))  # PCM may be cut elsewhere
    rows.append(Field(f"{name} key frames", str(int(ours.sum())), str(int(theirs.sum())), same_keys))
    return rows


def _extra_fields(ours: Media, theirs: Media, extras: Mapping[int, int], shift: float) -> list[Field]:
    """Added tracks start with the ones that they go with."""
    return [
        _start_field(f"added track {at + 1}", ours.tracks[number - 1], theirs.tracks[at], shift)
        for at, number in extras.items()
        if at < len(theirs.tracks)
    ]


def _start_field(name: str, track: AudioTrack, made: AudioTrack, shift: float) -> Field:
    late = (float(made.start_s - track.start_s) - shift) * track.rate
    ok = abs(late) <= max(1.0, 0.0005 * track.rate)
    return Field(f"{name} start", f"{float(track.start_s):.6f} s", f"{late:+.1f} samples", ok)
