"""The story of a run: look, listen, plan, separate, mix, finish, prove, and only then give the file its name."""

from __future__ import annotations

import platform
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mediaclean.advice import Advice, advise
from mediaclean.analysis import Analysis, analyse
from mediaclean.backends.detector import load_detector
from mediaclean.dialogue_track import ASR_RATE
from mediaclean.errors import MediaError, OutputError, PresetError
from mediaclean.finish import Finished, can_copy, copy_through, finish, is_on_target, source_level
from mediaclean.job import CleanOptions, Job
from mediaclean.loudness import Loudness, measure
from mediaclean.media import NewAudio, Receipt, StreamInfo, check_target, choose_track, probe, staged, verify
from mediaclean.mixing import Mix, make_mix
from mediaclean.normalise import LoudnessSettings
from mediaclean.plan import Plan, make_plan
from mediaclean.preset import DEFAULT, Preset, load_preset
from mediaclean.progress import Watch, ignore
from mediaclean.render import Voices
from mediaclean.report import EngineUse, Report, to_receipt_dict
from mediaclean.settings import build
from mediaclean.speech import SpeechSettings
from mediaclean.voices import separate_voices, spool_folder

PACKAGES = ("mediaclean", "av", "numpy", "scipy", "soxr", "onnxruntime", "torch", "demucs", "silero-vad")


def clean(
    source: Path | str,
    target: Path | str,
    preset: Preset | str = DEFAULT,
    options: CleanOptions | None = None,
    *,
    watch: Watch = ignore,
) -> Report:
    """Clean the dialogue of `source` and write the result to `target`; the source is only read.

    Args:
        source: a video or sound file.
        target: the result; its suffix chooses the container.
        preset: a record, or the name of one.
        options: engine, device, track and the like.
        watch: hears of the progress.

    Returns:
        What was found and done.

    Raises:
        MediacleanError: with one sentence, a hint and an exit code; nothing lies under the target's name then.
    """
    job = open_job(source, preset, options or CleanOptions(), watch)
    target = Path(target)
    notes = list(_check_target(job, target))
    with staged(target, overwrite=job.options.overwrite) as part:
        analysis = listen(job)
        plan = job.options.plan or make_plan(analysis, job.preset, engine=job.options.engine)
        _check_plan(plan, analysis)
        job = _with_level(job, plan)
        with job.stopwatch.stage("separate"):
            voices, engine, spool = separate_voices(job, plan, analysis.stats, spool_folder(target), notes.append)
        with job.stopwatch.stage("mix"):
            mix = make_mix(job, plan, voices)
        finished = _finish(job, mix, voices, part, analysis)
        with job.stopwatch.stage("verify"):
            receipt = _proven(job, target, part, finished)
    if spool is not None:
        spool.remove()
    return _report(job, target, mix, analysis, finished, engine, receipt, notes)


def dry_run(
    source: Path | str,
    preset: Preset | str = DEFAULT,
    options: CleanOptions | None = None,
    *,
    watch: Watch = ignore,
) -> Plan:
    """What `clean` would do, without doing it."""
    job = open_job(source, preset, options or CleanOptions(), watch)
    return make_plan(listen(job), job.preset, engine=job.options.engine)


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
        _fault_lines(job),
    )


def measure_file(source: Path | str, *, track: str | None = None, watch: Watch = ignore) -> Loudness:
    """The loudness of a file's track."""
    job = open_job(source, Preset(name="measure"), CleanOptions(track=track), watch)
    return measure(job.chunks("measure"), job.rate, job.track.layout)


def _stream_line(stream: StreamInfo) -> str:
    size = f"{stream.width}x{stream.height}" if stream.width else ""
    rate = f"{float(stream.frame_rate):.6g} fps" if stream.frame_rate else ""
    words = [f"{stream.index}: {stream.kind}", stream.codec, size, rate, stream.language, stream.title]
    return " ".join(word for word in words if word)


def _fault_lines(job: Job) -> tuple[str, ...]:
    return tuple(f"{fault.kind} at {fault.at_s:.3f} s: {fault.detail}" for fault in job.faults)


def open_job(source: Path | str, preset: Preset | str, options: CleanOptions, watch: Watch) -> Job:
    """Look at the file and choose the track.

    Raises:
        MediaError: if nothing can be cleaned in it: no sound, or many channels and no centre among them.
    """
    media = probe(Path(source))
    record = load_preset(preset) if isinstance(preset, str) else preset
    job = Job(media, choose_track(media, options.track), record, options, watch)
    separates = record.separate is not None and options.engine != "none"
    if separates and job.track.channels > 2 and job.track.centre is None:
        raise MediaError(
            f"{media.path}: {job.track.layout} has no centre channel to find the dialogue in",
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
        )
    if analysis.length == 0:
        raise MediaError(f"{job.media.path.name}: the audio track is empty", "choose another track with --track")
    return analysis


def _finish(job: Job, mix: Mix, voices: Voices, part: Path, analysis: Analysis) -> Finished:
    def extra() -> tuple[NewAudio, ...]:
        return (_dialogue_track(job, mix, voices),) if job.options.dialogue_track else ()

    level_is_right = is_on_target(source_level(analysis), job.preset.loudness)
    if not mix.plan.changes_sound and level_is_right and can_copy(job, part):
        return copy_through(job, part, analysis.loudness, extra=extra)
    return finish(job, mix, part, analysis, extra=extra)


def _check_target(job: Job, target: Path) -> tuple[str, ...]:
    """Everything that can be refused before work begins; what will not be a plain copy."""
    options = job.options
    return check_target(
        job.media,
        target,
        replace=(job.track.number,),
        keep_original=options.keep_original,
        extra=int(options.dialogue_track),
        drop_unsupported=options.drop_unsupported,
        codec=options.codec,
        bit_rate=options.bit_rate,
    )


def _proven(job: Job, target: Path, part: Path, finished: Finished) -> Receipt:
    """Compare the finished file with its source.

    Raises:
        OutputError: if anything that was to be kept is not there.
    """
    cleaned = () if finished.copied else (job.track.number,)
    receipt = verify(job.media.path, part, cleaned=cleaned, dropped=finished.written.dropped)
    if not receipt.ok:
        raise OutputError(
            f"{target.name} would not match its source: {receipt.failures[0]}",
            "write to .mkv, which can hold nearly everything",
        )
    return receipt


def _dialogue_track(job: Job, mix: Mix, voices: Voices) -> NewAudio:
    from mediaclean.dialogue import dialogue_chunks

    return NewAudio(
        samples=dialogue_chunks(job, mix, voices),
        rate=ASR_RATE,
        layout="mono",
        language=job.track.language,
        title="Dialogue",
        role="dialogue",
    )


def _with_level(job: Job, plan: Plan) -> Job:
    """The job with the plan's level, which somebody may have edited, in place of the preset's."""
    if plan.level is None:
        return replace(job, preset=replace(job.preset, loudness=None))
    level = {"target_lufs": plan.level.target_lufs, "ceiling_dbtp": plan.level.ceiling_dbtp}
    settings = build(LoudnessSettings, level, name="plan.level", base=job.preset.loudness)
    return replace(job, preset=replace(job.preset, loudness=settings))


def _check_plan(plan: Plan, analysis: Analysis) -> None:
    if plan.rate != analysis.rate or plan.length != analysis.length:
        raise PresetError(
            f"the plan is for {plan.length} samples at {plan.rate} Hz, the track has {analysis.length} at "
            f"{analysis.rate} Hz",
            "make a new one with --plan-only",
        )


def _report(
    job: Job,
    target: Path,
    mix: Mix,
    analysis: Analysis,
    finished: Finished,
    engine: EngineUse | None,
    receipt: Receipt,
    notes: list[str],
) -> Report:
    rate = job.rate
    return Report(
        source=job.media.path,
        target=target,
        track=job.track.label,
        preset=job.preset,
        plan=mix.plan,
        duration_s=analysis.length / rate,
        copied=finished.copied,
        codec=finished.codec,
        before=analysis.loudness,
        after=finished.after,
        engine=engine,
        tone=mix.tone,
        level=finished.level,
        faults=_fault_lines(job),
        dropped=tuple(finished.written.dropped),
        notes=tuple(notes),
        changed_s=tuple((round(s.start / rate, 6), round(s.stop / rate, 6)) for s in mix.changed()),
        timings_s=job.stopwatch.seconds,
        receipt=to_receipt_dict(receipt),
        versions=versions(),
    )


def versions() -> dict[str, str]:
    """Of mediaclean and of what the sound depends on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
