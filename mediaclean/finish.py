"""The file: encoder and muxer, then the result is decoded and judged, and written again until every track is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mediaclean.ahead import ahead
from mediaclean.job import Job
from mediaclean.level import Heard, Levelling, Take, hear, is_on_target, source_level
from mediaclean.media import (
    AudioCodec,
    AudioTrack,
    Evidence,
    Hashing,
    LagEar,
    Media,
    NewAudio,
    PacketEar,
    Receipt,
    TrackLag,
    Written,
    decode,
    probe,
    resolve_codec,
    write,
)
from mediaclean.media.formats import format_of
from mediaclean.progress import ignore, watched
from mediaclean.report import LevelUse

Extra = Callable[[], tuple[NewAudio, ...]]


def no_extra() -> tuple[NewAudio, ...]:
    """No further audio tracks."""
    return ()


@dataclass(frozen=True)
class Finished:
    """What became of one track; `codec` is None where its packets were copied.

    `evidence` is what was found for the receipt of the whole file while its clean tracks were measured.
    """

    written: Written
    after: Heard
    level: LevelUse | None = None
    codec: AudioCodec | None = None
    evidence: Evidence = field(default_factory=Evidence)

    @property
    def copied(self) -> bool:
        return self.codec is None

    @property
    def codec_name(self) -> str:
        """Of the clean track, in words."""
        if self.codec is None:
            return "copied"
        depth = f"{self.codec.bits} bit" if self.codec.bits else f"{(self.codec.bit_rate or 0) / 1000:.0f} kb/s"
        return f"{self.codec.name} {depth}"


def place_of(track: AudioTrack, finished: Finished, receipt: Receipt) -> int:
    """Which of the result's audio tracks, counted from 0, the clean one is; tracks before it may have been left out."""
    if track.number in finished.written.positions:
        return finished.written.positions[track.number]
    before = [proof for proof in receipt.proofs if proof.kind == "audio" and proof.stream < track.stream]
    return sum(proof.result is not None or proof.note == "cleaned" for proof in before)


def can_stay(take: Take, path: Path) -> bool:
    """Whether a track may go over packet for packet: nothing changes in it, and the container holds it."""
    options, track = take.job.options, take.job.track
    if take.mix.changes_sound or options.keep_original or options.codec or options.bit_rate:
        return False
    if any(fault.kind == "not-a-number" for fault in take.job.faults):
        return False  # what is heard has silence there, and so must what is written
    same_suffix = path.suffix.lower() == take.job.media.path.suffix.lower()
    held = track.codec in format_of(path).audio or same_suffix
    return held and is_on_target(source_level(take.analysis), take.job.preset.loudness)


def finish(takes: Sequence[Take], path: Path, *, extra: Extra = no_extra) -> list[Finished]:
    """Write the tracks at their levels and measure what came out, until it is right.

    Tracks of which nothing changes are copied.

    Args:
        takes: of one source; the other tracks are copied.
        path: the temporary file, which the caller renames.
        extra: makes further audio tracks, anew for every try.
    """
    job = takes[0].job
    at_work = {take.job.track.number: Levelling(take) for take in takes if not can_stay(take, path)}
    codecs = {number: _codec(levelling.take.job, path) for number, levelling in at_work.items()}
    evidence: Evidence | None = None
    while evidence is None:
        with job.stopwatch.stage("write"):
            written = _write(job, path, at_work, codecs, extra())
        with job.stopwatch.stage("check"):
            evidence = _judge(at_work, path, written) if at_work else Evidence()
    return [_finished(take, at_work.get(take.job.track.number), codecs, written, evidence) for take in takes]


def _judge(at_work: dict[int, Levelling], path: Path, written: Written) -> Evidence | None:
    """Hear what came out, and look at its packets meanwhile; None where a track asks for another try."""
    source, result, packets = next(iter(at_work.values())).take.job.media, probe(path), PacketEar()
    lags: dict[tuple[int, int], TrackLag] = {}
    with Hashing(path, packets, like=source.path) as hashing:
        if len(result.streams) > 1:
            hashing.begin()  # a lone track is heard
        made = {number: result.tracks[at] for number, at in written.positions.items()}
        verdicts = [
            levelling.judge(_hear(levelling.take, result, made[number], lags, packets))
            for number, levelling in at_work.items()
        ]
        return None if any(verdicts) else Evidence(result=hashing.result(), lags=lags)


def _finished(
    take: Take, levelling: Levelling | None, codecs: dict[int, AudioCodec], written: Written, evidence: Evidence
) -> Finished:
    if levelling is None:
        return Finished(written, source_level(take.analysis), evidence=evidence)
    return Finished(written, levelling.after, levelling.use(), codecs[take.job.track.number], evidence)


def _codec(job: Job, path: Path) -> AudioCodec:
    return resolve_codec(job.track, path, codec=job.options.codec, bit_rate=job.options.bit_rate)


def _write(
    job: Job,
    path: Path,
    at_work: dict[int, Levelling],
    codecs: dict[int, AudioCodec],
    extra: tuple[NewAudio, ...],
) -> Written:
    new = {}
    for position, (number, levelling) in enumerate(at_work.items()):
        sound = levelling.sound("write" if position == 0 else f"write track {number}")
        track = levelling.take.job.track
        new[number] = NewAudio(sound, track.rate, track.layout, codecs[number])
    return write(
        job.media,
        path,
        replace=new,
        keep_original=job.options.keep_original,
        extra=extra,
        drop_unsupported=job.options.drop_unsupported,
        watch=ignore if new else job.watch,  # new sound reports its own progress
    )


def _hear(
    take: Take, media: Media, track: AudioTrack, lags: dict[tuple[int, int], TrackLag], packets: PacketEar
) -> Heard:
    """A clean track of the finished file as it decodes, and beside its source, which gives its lag."""
    own = take.job.track
    ear = LagEar(take.job.landmarks.windows(), take.job.media, own, track)
    decoded = ahead(decode(media, track, packets=packets))
    heard = hear(
        watched(ear.through(decoded), "check", track.rate, track.length, take.job.watch), track, take.analysis.speech
    )
    lag = ear.result()
    if lag is not None and lag.known:  # else it is looked for in all of the source
        lags[own.stream, track.stream] = lag
    return heard
