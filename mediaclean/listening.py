"""Looking before touching: open a file, listen to it once, and say what is inside."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mediaclean.advice.advise import Advice, advise
from mediaclean.analysis import Analysis, analyse
from mediaclean.backends.detector import load_detector
from mediaclean.errors import MediaError, PresetError
from mediaclean.job import CleanOptions, Job
from mediaclean.loudness.kweight import HIGHEST_RATE, LOWEST_RATE
from mediaclean.loudness.meter import Loudness
from mediaclean.media import Fault, Landmarks, StreamInfo, choose_track, probe
from mediaclean.preset import Preset, load_preset
from mediaclean.progress import Watch, ignore
from mediaclean.speech import SpeechSettings
from mediaclean.times import clock


@dataclass(frozen=True, eq=False)
class Found:
    """What `analyze` found out about a file."""

    path: Path
    duration_s: float
    track: str
    streams: tuple[str, ...]
    advice: Advice
    loudness: Loudness
    bandwidth_hz: float
    faults: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "source": str(self.path),
            "duration_s": round(self.duration_s, 6),
            "track": self.track,
            "streams": list(self.streams),
            **self.advice.to_json(),
            "loudness": self.loudness.to_json(),
            "bandwidth_hz": round(self.bandwidth_hz),
            "faults": list(self.faults),
        }


def analyze(source: Path | str, *, track: str | None = None, watch: Watch = ignore) -> Found:
    """Listen to a file and say what is inside and what to do about it."""
    job = open_job(source, Preset(name="analyze"), CleanOptions(track=track), watch)
    heard = listen(job)
    return Found(
        job.media.path,
        heard.length / heard.rate,
        job.track.label,
        tuple(_stream_line(stream) for stream in job.media.streams),
        advise(heard),
        heard.loudness,
        heard.bandwidth_hz,
        fault_lines(job),
    )


def _stream_line(stream: StreamInfo) -> str:
    size = f"{stream.width}x{stream.height}" if stream.width else ""
    rate = f"{float(stream.frame_rate):.6g} fps" if stream.frame_rate else ""
    words = [f"{stream.index}: {stream.kind}", stream.codec, size, rate, stream.language, stream.title]
    return " ".join(word for word in words if word)


def fault_lines(job: Job) -> tuple[str, ...]:
    """What is wrong with the sound of the source, and what to do about it: a sentence for each fault, or for all of a
    kind where there are many."""
    promised_s = None if job.track.length is None else job.track.length / job.rate
    alike: dict[tuple[str, str, bool], list[Fault]] = {}
    for fault in job.faults:
        alike.setdefault((fault.kind, fault.detail, _ends_early(fault, promised_s)), []).append(fault)
    lines: list[str] = []
    for faults in alike.values():
        lines += [_fault_line(fault, promised_s) for fault in faults] if len(faults) <= FEW else [_faults_line(faults)]
    return tuple(lines)


FEW = 3
"""So many faults of one kind are told one by one."""
NEAR_END_S = 0.5
"""A container tells the length of a track without or with what its encoder put around it."""
REMEDY = {
    "damage": "copy the file again, or listen there",
    "not-a-number": "export the file again, or listen there",
    "gap": "listen there",
    "overlap": "listen there",
}


def _ends_early(fault: Fault, promised_s: float | None) -> bool:
    return fault.kind == "damage" and promised_s is not None and fault.at_s + fault.length_s > promised_s - NEAR_END_S


def _fault_line(fault: Fault, promised_s: float | None) -> str:
    if promised_s is not None and _ends_early(fault, promised_s):
        there, whole = clock(fault.at_s), clock(max(promised_s, fault.at_s + fault.length_s))
        read = f"only {there} of {whole} could be read" if there != whole else f"the sound breaks off at {there}"
        return f"{read}, {fault.detail}: copy the file again"
    return f"{fault.kind} at {clock(fault.at_s)}: {fault.detail}; {REMEDY[fault.kind]}"


def _faults_line(alike: Sequence[Fault]) -> str:
    """Many faults of one kind."""
    first, last = alike[0], alike[-1]
    shown = ", ".join(clock(fault.at_s) for fault in alike[:FEW])
    where = f"{first.kind} at {len(alike)} places, {shown} … {clock(last.at_s)}"
    return f"{where}: {first.detail}; {REMEDY[first.kind]}"


def open_job(source: Path | str, preset: Preset | str, options: CleanOptions, watch: Watch) -> Job:
    """Look at the file and choose the track.

    Raises:
        MediaError: if nothing can be cleaned in it: no sound, or many channels and no centre among them.
    """
    return _checked(_opened(source, preset, options, watch))


def open_jobs(source: Path | str, preset: Preset | str, options: CleanOptions, watch: Watch) -> list[Job]:
    """A job for every track that was asked for: one, unless `options.tracks` names more.

    Raises:
        MediaError: as `open_job`, for any of them.
    """
    job = _opened(source, preset, options, watch)
    if not options.tracks:
        return [_checked(job)]
    if options.plan is not None:
        raise PresetError("a plan is for one track", "clean the tracks one by one with --track")
    if "all" in options.tracks:
        tracks = [track for track in job.media.tracks if track.rate]
    else:
        tracks = list(dict.fromkeys(choose_track(job.media, choice) for choice in options.tracks))
    return [
        _checked(replace(job, track=track, faults=[], landmarks=Landmarks(), signs=[]))
        for track in sorted(tracks, key=lambda track: track.number)
    ]


def left_out(jobs: Sequence[Job]) -> tuple[str, ...]:
    """What is to be said of tracks that `all` means as well, and that nobody can decode."""
    if "all" not in jobs[0].options.tracks:
        return ()
    deaf = [track for track in jobs[0].media.tracks if not track.rate]
    return tuple(f"track {track.number} ({track.codec}) cannot be decoded and stays as it is" for track in deaf)


def _opened(source: Path | str, preset: Preset | str, options: CleanOptions, watch: Watch) -> Job:
    media = probe(Path(source))
    record = load_preset(preset) if isinstance(preset, str) else preset
    return Job(media, choose_track(media, options.track), record, options, watch)


def _checked(job: Job) -> Job:
    """The job, if its track has a channel in which dialogue can be looked for, or none is."""
    if not LOWEST_RATE <= job.rate <= HIGHEST_RATE:
        raise MediaError(
            f"{job.media.path}: loudness cannot be told at {job.rate} samples a second",
            f"ffmpeg -i {shlex.quote(str(job.media.path))} -ar 48000 {shlex.quote(job.media.path.stem + '.wav')}",
        )
    separates = job.preset.separate is not None and job.options.engine != "none"
    if separates and job.track.channels > 2 and job.track.centre is None:
        among = f"track {job.track.number}, " if len(job.media.tracks) > 1 else ""
        raise MediaError(
            f"{job.media.path}: {among}{job.track.layout} has no centre channel to find the dialogue in",
            "mix it down to stereo first, or leave the bed alone with --engine none",
        )
    return job


def listen(job: Job) -> Analysis:
    """Hear the whole track once.

    Raises:
        MediaError: if there is not a single sample in it.
    """
    speech = job.preset.speech or SpeechSettings()
    with job.stopwatch.stage("listen"):
        analysis = analyse(
            job.first_chunks(),
            rate=job.rate,
            layout=job.track.layout,
            channels=job.track.channels,
            detector=load_detector(speech.detector),
            tone=job.preset.room_tone,
            repair=job.mends,
        )
    job.signs[:] = analysis.heard.signs
    if analysis.length == 0:
        raise MediaError(f"{job.media.path.name}: the audio track is empty", "choose another track with --track")
    return analysis
