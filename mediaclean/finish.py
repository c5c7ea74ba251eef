"""The level, the file, and the proof: gain, limiter, encoder and muxer, then the result is decoded and measured.

Loudness is promised for the *finished* file. The limiter takes a little away and a lossy codec overshoots, so what came
out is measured as a listener will decode it; where it misses, gain and ceiling are corrected and it is written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediaclean.analysis import Analysis
from mediaclean.audio import Samples
from mediaclean.errors import OutputError
from mediaclean.gate import DialogueLoudness, dialogue_loudness
from mediaclean.job import Job
from mediaclean.kweight import FrameLevels, lufs_to_power
from mediaclean.limiter import LimiterStats
from mediaclean.loudness import Loudness, Meter
from mediaclean.media import AudioTrack, NewAudio, Written, check_target, decode, probe, resolve_codec, write
from mediaclean.media.formats import format_of
from mediaclean.mixing import Mix
from mediaclean.normalise import Gain, LoudnessSettings, correct, gain_to_target, normalise, shortfall
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


@dataclass(frozen=True)
class Heard:
    """The figures of a sound: of the programme, and of its dialogue where the level hangs on that."""

    programme: Loudness
    dialogue: DialogueLoudness | None = None

    @property
    def anchors(self) -> dict[str, Any]:
        """The dialogue's figures under the names that `gain_to_target` knows them by."""
        if self.dialogue is None:
            return {}
        return {"dialogue_lufs": self.dialogue.gated_lufs, "dialogue_share": self.dialogue.share}


def source_level(analysis: Analysis) -> Heard:
    """What the source's figures are, from the pass that listened to it."""
    powers = lufs_to_power(analysis.level_db)
    return Heard(analysis.loudness, dialogue_loudness(analysis.speech, powers))


def is_on_target(heard: Heard, settings: LoudnessSettings | None) -> bool:
    """Whether the level may stay as it is: within the tolerance and under the ceiling, or nothing to measure."""
    if settings is None:
        return True
    gain = gain_to_target(heard.programme, settings, **heard.anchors)
    return abs(gain.gain_db) <= settings.tolerance_lu and heard.programme.true_peak_dbtp <= settings.ceiling_dbtp


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


def finish(job: Job, mix: Mix, part: Path, analysis: Analysis, *, extra: Extra = no_extra) -> Finished:
    """Write the mix at its level and measure what came out, until it is right.

    Args:
        part: the temporary file, which the caller renames.
        analysis: of the source, whose figures are the mix's where the plan changes nothing but the level.
        extra: makes further audio tracks, anew for every try.
    """
    settings = job.preset.loudness
    if settings is None:
        with job.stopwatch.stage("write"):
            written = _write(job, mix, part, None, LimiterStats(), extra())
        with job.stopwatch.stage("check"):
            return Finished(written, _hear_file(job, part, analysis).programme)
    heard = _hear_mix(job, mix, analysis)
    gain: Gain | None = gain_to_target(heard.programme, settings, **heard.anchors)
    while gain is not None:
        stats, last = LimiterStats(), gain
        with job.stopwatch.stage("write"):
            written = _write(job, mix, part, gain, stats, extra())
        with job.stopwatch.stage("check"):
            after = _hear_file(job, part, analysis)
        dialogue_lufs = after.dialogue.gated_lufs if after.dialogue else None
        gain = correct(last, after.programme, settings, dialogue_lufs=dialogue_lufs)
    missed = shortfall(last, after.programme, settings, dialogue_lufs=dialogue_lufs)
    reason = " ".join(text for text in (last.note, missed) if text)
    level = LevelUse(round(last.gain_db, 2), round(stats.max_reduction_db, 2), last.tries + 1, reason)
    return Finished(written, after.programme, level)


def _hear_mix(job: Job, mix: Mix, analysis: Analysis) -> Heard:
    if not mix.plan.changes_sound:
        return source_level(analysis)
    with job.stopwatch.stage("measure"):
        return hear(mix.chunks("measure"), job.track, analysis.speech)


def hear(chunks: Iterable[Samples], track: AudioTrack, speech: NDArray[np.float32]) -> Heard:
    """Measure a sound that has its speech where `speech` says (probability per frame)."""
    levels = FrameLevels(track.rate, track.layout, track.channels)
    meter = Meter(track.rate, track.layout, track.channels, frames=levels)
    for chunk in chunks:
        meter.add(chunk)
    return Heard(meter.result(), dialogue_loudness(speech, levels.result()))


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


def _hear_file(job: Job, part: Path, analysis: Analysis) -> Heard:
    """The clean track of the finished file as it decodes."""
    media = probe(part)
    track = media.tracks[clean_position(job)]
    sound = watched(decode(media, track), "check", track.rate, track.length, job.watch)
    return hear(sound, track, analysis.speech)


def clean_position(job: Job) -> int:
    """Where the clean track lies among the result's audio tracks: where it lay in the source."""
    return job.track.number - 1
