"""`mediaclean dialogue`: a track for captioners and recognisers, with cues where the speech is.

The track keeps the picture's clock: it starts at the picture's zero, whatever offset the audio track has, and nothing
is cut out of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mediaclean.analysis import Analysis
from mediaclean.audio import Samples, Span
from mediaclean.bed.duck import DuckSettings
from mediaclean.cues.make import Cue, CueSettings, make_cues, to_srt, to_vtt
from mediaclean.dialogue_track import to_asr, write_asr_wav
from mediaclean.errors import OutputError
from mediaclean.job import CleanOptions, Job
from mediaclean.level import Levelling, Take
from mediaclean.loudness.limiter import limit
from mediaclean.media import constant_rate, picture_cuts, staged
from mediaclean.mixing import Mix, make_mix
from mediaclean.plan.make import PlannedDip
from mediaclean.preset import Preset, load_preset
from mediaclean.progress import Watch, ignore
from mediaclean.render import Voices
from mediaclean.speech import SpeechSettings, confidence, phrases
from mediaclean.voices import remove_spools, spool_folder

SUFFIXES = (".dialogue.wav", ".dialogue.vtt", ".dialogue.srt", ".dialogue.json")
CEILING_DBTP = -3.0
LOOK_S = Fraction(3, 5)
"""How far from the end of a cue a cut is looked for: half a second by the rules, and two frames."""
APART_S = 5
"""Stretches of the picture nearer than this are looked at as one: going to a place costs as much."""
TRIM_FADE_S = 0.005
"""Where sound before the picture is cut off, the rest fades in, so that the cut makes no click."""


@dataclass(frozen=True)
class Dialogue:
    """What `write_dialogue` made."""

    files: tuple[Path, ...]
    cues: tuple[Cue, ...]
    speech_share: float

    def to_json(self) -> dict[str, Any]:
        return {
            "files": [str(path) for path in self.files],
            "speech_share": round(self.speech_share, 4),
            "cues": [_cue_row(cue) for cue in self.cues],
        }


def write_dialogue(
    source: Path | str,
    base: Path | str,
    preset: Preset,
    options: CleanOptions | None = None,
    *,
    watch: Watch = ignore,
) -> Dialogue:
    """Write BASE.dialogue.wav (PCM 16 bit, mono, 16 kHz), .vtt, .srt and .json.

    Args:
        source: a video or sound file.
        base: path of the results without their endings.
        preset: how much the bed is lowered; ``transcript`` is gentle on purpose.
        options: engine, device, track, overwrite.
        watch: hears of the progress.

    Raises:
        MediacleanError: then none of the four files is there.
    """
    from mediaclean.listening import open_job
    from mediaclean.rendering import render

    job = open_job(source, preset, options or CleanOptions(), watch)
    files = tuple(Path(f"{base}{suffix}") for suffix in SUFFIXES)
    for file in files:
        if file.exists() and file.samefile(job.media.path):
            raise OutputError(f"{file}: is the source itself, which is never written to", "choose another name with -o")
    with _all_or_none(files, overwrite=job.options.overwrite) as (wav, vtt, srt, table):
        rendered = render(job, spool_folder(files[0]))
        analysis, mix = rendered.take.analysis, rendered.take.mix
        sound = _from_zero(_at_level(rendered.take), _origin_s(job), rate=job.rate, channels=job.track.channels)
        write_asr_wav(wav, sound, job.rate, weights=job.downmix.weights(job.track.channels))
        spans = spoken(analysis, job.preset.speech or SpeechSettings())
        frame_rate = constant_rate(job.media)
        cues = cues_for(job, analysis, spans, frame_rate)
        vtt.write_text(to_vtt(cues), encoding="utf-8", newline="")
        srt.write_text(to_srt(cues), encoding="utf-8", newline="")
        table.write_text(json.dumps(_table(job, analysis, spans, cues, frame_rate), indent=2) + "\n", encoding="utf-8")
    remove_spools(files[0])
    return Dialogue(files, tuple(cues), mix.plan.speech_share)


@contextmanager
def _all_or_none(files: Sequence[Path], *, overwrite: bool) -> Iterator[list[Path]]:
    """A temporary name for each file; when the block ends well all get their own names, else none does."""
    made: dict[Path, int] = {}
    try:
        with ExitStack() as stack:
            parts = [stack.enter_context(staged(file, overwrite=overwrite)) for file in files]
            yield parts
            made = {file: part.stat().st_ino for file, part in zip(files, parts, strict=True)}
    except BaseException:
        for file, node in made.items():
            if file.exists() and file.stat().st_ino == node:  # not what another program put there meanwhile
                file.unlink()
        raise


def spoken(analysis: Analysis, settings: SpeechSettings) -> list[Span]:
    """Speech without the pads that separation wants: a cue comes on with the voice."""
    bare = replace(settings, pad_before_s=0.0, pad_after_s=0.0)
    return phrases(analysis.speech, bare, analysis.rate, analysis.length)


def dialogue_chunks(job: Job, plan_mix: Mix, voices: Voices) -> Iterator[Samples]:
    """The dialogue track of a run that makes another mix as well: the same voices, the bed dosed for captioners."""
    gentle = replace(job, preset=replace(job.preset, duck=load_preset("transcript").duck or DuckSettings()))
    dips = tuple(PlannedDip(cut.span, None, "bed under dialogue") for cut in plan_mix.plan.cuts)
    mix = make_mix(gentle, replace(plan_mix.plan, dips=dips, voice_gains=()), voices)
    limited = limit(mix.chunks("dialogue"), job.rate, ceiling_dbtp=CEILING_DBTP)
    for part in to_asr(limited, job.rate, weights=job.downmix.weights(job.track.channels)):
        yield (part.astype(np.float32) / 32768.0)[None]


def _at_level(take: Take) -> Iterator[Samples]:
    sound = Levelling(take).sound("dialogue")
    return sound if take.job.preset.loudness else limit(sound, take.job.rate, ceiling_dbtp=CEILING_DBTP)


def _origin_s(job: Job) -> Fraction:
    """Where the track's first sample lies on the picture's clock, which is 0 where the film begins.

    Without a picture the sound that comes first begins at 0, as players have it: MP3 and AAC tell a start that is no
    more than the delay of their encoder.
    """
    if job.media.video is None:
        return job.track.start_s - min(track.start_s for track in job.media.tracks if track.rate)
    return job.media.offset_s(job.track)


def _from_zero(chunks: Iterator[Samples], origin_s: Fraction, *, rate: int, channels: int) -> Iterator[Samples]:
    """The same sound on the picture's clock: silence before a late start, an early start cut off."""
    shift = round(origin_s * rate)
    for at in range(0, shift, rate):  # a second at a time: an offset may be hours
        yield np.zeros((channels, min(rate, shift - at)), dtype=np.float32)
    skip = max(0, -shift)
    fade, position = round(TRIM_FADE_S * rate), -skip
    for chunk in chunks:
        if skip < chunk.shape[1]:
            kept = chunk[:, skip:]
            at = max(position, 0)
            yield kept if shift >= 0 or at >= fade else _faded_in(kept, at, fade)
        position += chunk.shape[1]
        skip = max(0, skip - chunk.shape[1])


def _faded_in(sound: Samples, at: int, fade: int) -> Samples:
    """A stretch that begins `at` samples after a trim, with its part of the fade of `fade` samples."""
    gain = np.clip((np.arange(at, at + sound.shape[1]) + 0.5) / fade, 0.0, 1.0)
    return np.asarray(sound * gain, dtype=np.float32)


def cues_for(job: Job, analysis: Analysis, spans: Sequence[Span], frame_rate: Fraction | None) -> list[Cue]:
    """Cues for stretches of speech, timed to the picture's cuts where it has any.

    The picture is looked at only around the ends of the cues that there would be without it.
    """
    settings = job.preset.cues or CueSettings()
    cues = partial(
        make_cues,
        spans,
        [confidence(analysis.speech, span, analysis.rate) for span in spans],
        rate=job.rate,
        length=analysis.length,
        frame_rate=frame_rate,
        settings=settings,
        levels=analysis.speech,
        origin_s=_origin_s(job),
    )
    apart = cues()
    if not apart or not settings.at_cuts or job.media.video is None:
        return apart
    begin_s = job.media.begin_s
    with job.stopwatch.stage("look"):
        stretches = [(start + begin_s, stop + begin_s) for start, stop in around_ends(apart)]
        cuts = [cut - begin_s for cut in picture_cuts(job.media, stretches)]
    return cues(shot_changes=cuts) if cuts else apart


def around_ends(cues: Sequence[Cue]) -> list[tuple[Fraction, Fraction]]:
    """Where a cut would move a cue, in seconds; what lies near to each other is one stretch."""
    stretches: list[tuple[Fraction, Fraction]] = []
    for at in (time for cue in cues for time in (cue.start_s, cue.stop_s)):
        low, high = max(Fraction(0), at - LOOK_S), at + LOOK_S
        if stretches and low - stretches[-1][1] <= APART_S:
            low = stretches.pop()[0]
        stretches.append((low, high))
    return stretches


def _table(
    job: Job, analysis: Analysis, spans: list[Span], cues: list[Cue], frame_rate: Fraction | None
) -> dict[str, Any]:
    start_s, rate = float(_origin_s(job)), job.rate
    return {
        "version": 1,
        "source": job.media.path.name,
        "track": job.track.label,
        "frame_rate": None if frame_rate is None else str(frame_rate),
        "preset": job.preset.name,
        "spans": [
            {
                "start_s": round(start_s + span.start / rate, 3),
                "stop_s": round(start_s + span.stop / rate, 3),
                "confidence": round(confidence(analysis.speech, span, rate), 3),
            }
            for span in spans
        ],
        "cues": [_cue_row(cue) for cue in cues],
    }


def _cue_row(cue: Cue) -> dict[str, Any]:
    row: dict[str, Any] = {
        "start_s": _seconds(cue.start_s),
        "stop_s": _seconds(cue.stop_s),
        "confidence": round(cue.confidence, 3),
        "text": cue.text,
    }
    return {**row, "exceptions": list(cue.exceptions)} if cue.exceptions else row


def _seconds(value: Fraction) -> float:
    return round(float(value), 6)
