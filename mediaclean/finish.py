"""The level, the file, and the proof: gain, limiter, encoder and muxer, then the result is decoded and measured.

Loudness is promised for the *finished* file. The limiter takes a little away and a lossy codec overshoots, so the result
is measured as a listener will decode it; where it misses, gain and ceiling are corrected and it is written again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mediaclean.audio import Samples, db_to_gain
from mediaclean.job import Job
from mediaclean.limiter import LimiterStats, limit
from mediaclean.loudness import Loudness, measure
from mediaclean.media import NewAudio, Written, decode, probe, write
from mediaclean.mixing import Mix
from mediaclean.normalise import Gain, LoudnessSettings, correct, gain_to_target
from mediaclean.progress import watched
from mediaclean.report import LevelUse

TRIES = 4
"""Writing more often than this gains nothing: what is left is the codec's own noise."""


@dataclass(frozen=True)
class Finished:
    """What lies in the file now."""

    written: Written
    after: Loudness
    level: LevelUse | None


def copy_through(job: Job, part: Path, before: Loudness) -> Finished:
    """Nothing is to change: every packet is copied."""
    with job.stopwatch.stage("write"):
        written = write(job.media, part, replace={}, drop_unsupported=job.options.drop_unsupported, watch=job.watch)
    return Finished(written, before, None)


def finish(
    job: Job, mix: Mix, part: Path, before: Loudness, *, extra: tuple[NewAudio, ...] = (), tags: Mapping[str, str]
) -> Finished:
    """Write the mix at its level and measure what came out.

    Args:
        part: the temporary file, which the caller renames.
        before: loudness of the source, which is the mix's where the plan changes nothing but the level.
        extra: further audio tracks.
        tags: for the container.
    """
    settings = job.preset.loudness
    gain = _first_gain(job, mix, before, settings)
    for attempt in range(1, TRIES + 1):
        stats = LimiterStats()
        with job.stopwatch.stage("write"):
            written = _write(job, mix, part, gain, stats, extra, tags)
        with job.stopwatch.stage("check"):
            after = _measure_file(job, part)
        better = correct(gain, after, settings) if gain and settings else None
        if gain is None or better is None or attempt == TRIES:
            break
        gain = better
    level = gain and LevelUse(round(gain.gain_db, 2), round(stats.max_reduction_db, 2), attempt, gain.reason)
    return Finished(written, after, level)


def _first_gain(job: Job, mix: Mix, before: Loudness, settings: LoudnessSettings | None) -> Gain | None:
    if settings is None:
        return None
    if not mix.plan.changes_sound:
        return gain_to_target(before, settings)
    with job.stopwatch.stage("measure"):
        return gain_to_target(measure(mix.chunks("measure"), job.rate, job.track.layout), settings)


def _write(
    job: Job, mix: Mix, part: Path, gain: Gain | None, stats: LimiterStats, extra: tuple[NewAudio, ...],
    tags: Mapping[str, str],
) -> Written:  # fmt: skip
    def samples() -> Iterator[Samples]:
        return levelled(mix.chunks("write"), job.rate, gain, stats)

    options = job.options
    clean = NewAudio(
        samples=samples,
        rate=job.rate,
        layout=job.track.layout,
        codec=options.codec,
        bit_rate=options.bit_rate,
    )
    return write(
        job.media,
        part,
        replace={job.track.number: clean},
        keep_original=options.keep_original,
        extra=extra,
        drop_unsupported=options.drop_unsupported,
        tags=tags,
    )


def levelled(chunks: Iterator[Samples], rate: int, gain: Gain | None, stats: LimiterStats) -> Iterator[Samples]:
    """Gain, then the limiter; samples pass untouched where there is neither."""
    if gain is None:
        return chunks
    factor = np.float32(db_to_gain(gain.gain_db))
    louder = chunks if gain.gain_db == 0.0 else (np.asarray(chunk * factor) for chunk in chunks)
    return limit(louder, rate, ceiling_dbtp=gain.ceiling_dbtp, stats=stats)


def _measure_file(job: Job, part: Path) -> Loudness:
    """The clean track of the finished file as it decodes."""
    media = probe(part)
    track = media.tracks[clean_position(job)]
    sound = watched(decode(media, track), "check", track.rate, track.length, job.watch)
    return measure(sound, track.rate, track.layout)


def clean_position(job: Job) -> int:
    """Where the clean track lies among the result's audio tracks: where it lay in the source."""
    return job.track.number - 1
