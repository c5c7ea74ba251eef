"""The level, the file, and the proof: gain, limiter, encoder and muxer, then the result is decoded and measured.

Loudness is promised for the *finished* file. The limiter takes a little away and a lossy codec overshoots, so what came
out is measured as a listener will decode it; where it misses, gain and ceiling are corrected and it is written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mediaclean.audio import Samples
from mediaclean.errors import OutputError
from mediaclean.job import Job
from mediaclean.limiter import LimiterStats
from mediaclean.loudness import Loudness, measure
from mediaclean.media import NewAudio, Written, check_target, decode, probe, resolve_codec, write
from mediaclean.media.formats import format_of
from mediaclean.mixing import Mix
from mediaclean.normalise import Gain, LoudnessSettings, correct, gain_to_target, normalise
from mediaclean.progress import watched
from mediaclean.report import LevelUse

Extra = Callable[[], tuple[NewAudio, ...]]


def no_extra() -> tuple[NewAudio, ...]:
    """No further audio tracks."""
    return ()


@dataclass(frozen=True)
class Finished:
    """What lies in the file now."""

    written: Written
    after: Loudness
    level: LevelUse | None = None
    copied: bool = False

    @property
    def codec(self) -> str:
        """Of the clean track, in words."""
        if self.copied:
            return "copied"
        codec = self.written.audio[0]
        depth = f"{codec.bits} bit" if codec.bits else f"{(codec.bit_rate or 0) / 1000:.0f} kb/s"
        return f"{codec.name} {depth}"


def is_on_target(heard: Loudness, settings: LoudnessSettings | None) -> bool:
    """Whether the level may stay as it is: within the tolerance and under the ceiling, or nothing to measure."""
    if settings is None:
        return True
    gain = gain_to_target(heard, settings)
    return abs(gain.gain_db) <= settings.tolerance_lu and heard.true_peak_dbtp <= settings.ceiling_dbtp


def can_copy(job: Job, part: Path) -> bool:
    """Whether the track may go over packet for packet: nothing else was asked for, and the container holds it."""
    options = job.options
    if options.keep_original or options.codec or options.bit_rate:
        return False
    if job.track.codec in format_of(part).audio:
        return True
    try:
        check_target(job.media, part)
    except OutputError:
        return False
    return True


def copy_through(job: Job, part: Path, before: Loudness, *, extra: Extra = no_extra) -> Finished:
    """Nothing is to change: every packet is copied."""
    drop = job.options.drop_unsupported
    with job.stopwatch.stage("write"):
        written = write(job.media, part, replace={}, extra=extra(), drop_unsupported=drop, watch=job.watch)
    return Finished(written, before, copied=True)


def finish(job: Job, mix: Mix, part: Path, before: Loudness, *, extra: Extra = no_extra) -> Finished:
    """Write the mix at its level and measure what came out.

    Args:
        part: the temporary file, which the caller renames.
        before: loudness of the source, which is the mix's where the plan changes nothing but the level.
        extra: makes further audio tracks, anew for every try.
    """
    settings = job.preset.loudness
    gain = _first_gain(job, mix, before, settings)
    while True:
        stats = LimiterStats()
        with job.stopwatch.stage("write"):
            written = _write(job, mix, part, gain, stats, extra())
        with job.stopwatch.stage("check"):
            after = _measure_file(job, part)
        better = correct(gain, after, settings) if gain and settings else None
        if better is None:
            break
        gain = better
    if gain is None:
        return Finished(written, after)
    level = LevelUse(round(gain.gain_db, 2), round(stats.max_reduction_db, 2), gain.tries + 1, gain.note)
    return Finished(written, after, level)


def _first_gain(job: Job, mix: Mix, before: Loudness, settings: LoudnessSettings | None) -> Gain | None:
    if settings is None:
        return None
    if not mix.plan.changes_sound:
        return gain_to_target(before, settings)
    with job.stopwatch.stage("measure"):
        return gain_to_target(measure(mix.chunks("measure"), job.rate, job.track.layout), settings)


def _write(
    job: Job, mix: Mix, part: Path, gain: Gain | None, stats: LimiterStats, extra: tuple[NewAudio, ...]
) -> Written:  # fmt: skip
    def samples() -> Iterator[Samples]:
        sound = mix.chunks("write")
        return sound if gain is None else normalise(sound, job.rate, gain, stats=stats)

    options = job.options
    codec = resolve_codec(job.track, part, codec=options.codec, bit_rate=options.bit_rate)
    clean = NewAudio(samples(), job.rate, job.track.layout, codec)
    return write(
        job.media,
        part,
        replace={job.track.number: clean},
        keep_original=options.keep_original,
        extra=extra,
        drop_unsupported=options.drop_unsupported,
    )


def _measure_file(job: Job, part: Path) -> Loudness:
    """The clean track of the finished file as it decodes."""
    media = probe(part)
    track = media.tracks[clean_position(job)]
    sound = watched(decode(media, track), "check", track.rate, track.length, job.watch)
    return measure(sound, track.rate, track.layout)


def clean_position(job: Job) -> int:
    """Where the clean track lies among the result's audio tracks: where it lay in the source."""
    return job.track.number - 1
