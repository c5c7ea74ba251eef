"""The story of a run: look, listen, plan, separate, mix, finish, prove, and only then give the file its name."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from mediaclean.deciding import decide
from mediaclean.dialogue_track import ASR_RATE
from mediaclean.errors import MismatchError
from mediaclean.finish import Finished, finish, place_of
from mediaclean.job import CleanOptions, Job, Stopwatch, wish_of
from mediaclean.level import Take, with_figures
from mediaclean.listening import fault_lines, left_out, listen, open_job, open_jobs
from mediaclean.loudness.delivery import Spec
from mediaclean.loudness.normalise import LoudnessSettings
from mediaclean.media import Hashing, NewAudio, Receipt, check_target, staged, verify
from mediaclean.media.pairing import DIALOGUE
from mediaclean.media.staged import check_name
from mediaclean.plan.make import Level, Plan, is_empty_room
from mediaclean.preset import DEFAULT, Preset
from mediaclean.progress import Watch, ignore
from mediaclean.render import Voices
from mediaclean.rendering import Rendered, render
from mediaclean.report import Report, to_receipt_dict
from mediaclean.result.again import render_again
from mediaclean.result.keep import check_keeping, keep, left_behind, proof_of, told
from mediaclean.side_by_side import side_by_side
from mediaclean.tape import Tape
from mediaclean.unfinished import is_unfinished, noting, unmark
from mediaclean.versions import versions
from mediaclean.voices import name_is_taken, remove_spools, spool_folder


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
    return deliver(source, [Delivery(Path(target))], preset, options, watch=watch)[0]


@dataclass(frozen=True)
class Delivery:
    """One result of a run: where it goes, and the specification that it is for; None takes the plan's level."""

    target: Path
    spec: Spec | None = None


def deliver(
    source: Path | str,
    deliveries: Sequence[Delivery],
    preset: Preset | str = DEFAULT,
    options: CleanOptions | None = None,
    *,
    watch: Watch = ignore,
) -> list[Report]:
    """Clean a file once and write it as often as there are deliveries: one analysis, one separation, many levels.

    See `clean`; each delivery gets its name as soon as it is finished and proven. Where some are there already, from a
    run that was stopped, and are not to be overwritten, only the others are made, and those beside which something is
    missing that the same run wanted there; only these have reports.
    """
    jobs = open_jobs(source, preset, options or CleanOptions(), watch)
    spools = deliveries[0].target
    for delivery in deliveries:
        check_name(delivery.target)
    first = jobs[0]
    wish = partial(wish_of, first.media.path, first.preset, first.options)
    if not first.options.overwrite:
        stopped = [each for each in deliveries if is_unfinished(each.target, wish(each.spec))]
        deliveries = [each for each in deliveries if each in stopped or not each.target.exists()] or deliveries
        if stopped:
            jobs = [replace(job, options=replace(job.options, overwrite=True)) for job in jobs]
    notes = [
        (*_check_target(jobs, each.target), *left_behind(jobs[0].options, each.target, jobs)) for each in deliveries
    ]
    check_keeping(jobs, [delivery.target for delivery in deliveries])
    is_noted = len(deliveries) == 1 or first.options.keeps_anything  # else each is finished by itself
    with ExitStack() as tapes, Hashing(jobs[0].media.path, jobs[0].packets) as packets:
        if len(jobs[0].media.streams) > 1:
            packets.begin()  # while the source is listened to, which leaves time for it; a lone track is heard
        rendered = [_render(job, spool_folder(spools, job.track.number)) for job in jobs]
        if len(deliveries) > 1:
            rendered = [_measured(each, deliveries, tapes) for each in rendered]
        works = [
            partial(_deliver, rendered, delivery, note, packets, wish(delivery.spec) if is_noted else "")
            for delivery, note in zip(deliveries, notes, strict=True)
        ]
        try:
            reports = [report for each in side_by_side(works, watch) for report in each]
        except MismatchError:
            if len(deliveries) == 1:  # another try would end the same, so nothing is kept for it
                _forget_voices(jobs, spools)
            raise
    keep(rendered, reports)
    for delivery in deliveries:
        unmark(delivery.target)
    _forget_voices(jobs, spools)
    return reports


def _forget_voices(jobs: Sequence[Job], target: Path) -> None:
    for job in jobs:
        remove_spools(target, job.track.number)


def _render(job: Job, folder: Path) -> Rendered:
    base = job.options.base
    return render(job, folder) if base is None else render_again(job, base, folder)


def _deliver(
    rendered: Sequence[Rendered], delivery: Delivery, notes: Sequence[str], packets: Hashing, wish: str, watch: Watch
) -> list[Report]:
    """Finish one delivery, prove it, and give it its name; one report per cleaned track.

    With a wish it is noted whose the result is, for a run that is stopped after that.
    """
    stopwatch = Stopwatch(dict(rendered[0].take.job.stopwatch.seconds))  # goes on from what all of them share
    takes = [_for_delivery(each.take, delivery.spec, watch, stopwatch) for each in rendered]
    job = takes[0].job

    def extra() -> tuple[NewAudio, ...]:
        return (_dialogue_track(takes[0], rendered[0].voices),) if job.options.dialogue_track else ()

    noted = noting(delivery.target, wish, job.options.made_from)
    with noted as mark, staged(delivery.target, overwrite=job.options.overwrite) as part:
        finished = finish(takes, part, extra=extra)
        with job.stopwatch.stage("verify"):
            receipt = _proven(takes, delivery.target, part, finished, packets)
        mark(part)
    tracks = [take.job.track.number for take in takes]
    return [
        _report(each, take, delivery, done, receipt, (*notes, *each.notes, *done.written.notes), tracks)
        for each, take, done in zip(rendered, takes, finished, strict=True)
    ]


def _measured(rendered: Rendered, deliveries: Sequence[Delivery], tapes: ExitStack) -> Rendered:
    """What all deliveries have in common, measured and kept once."""
    take = rendered.take
    aims = [_aim(take, delivery.spec) for delivery in deliveries]
    folder, rate = deliveries[0].target.parent, take.job.rate
    tape = tapes.enter_context(Tape(folder, take.job.track.channels, take.mix.plan.length, block=rate))
    return replace(rendered, take=with_figures(take, aims, tape))


def _for_delivery(take: Take, spec: Spec | None, watch: Watch, stopwatch: Stopwatch) -> Take:
    preset = replace(take.job.preset, loudness=_aim(take, spec))
    return replace(take, job=replace(take.job, preset=preset, watch=watch, stopwatch=stopwatch))


def _aim(take: Take, spec: Spec | None) -> LoudnessSettings | None:
    """The level that a delivery goes to: the plan's, or its specification's where there is anything to be levelled."""
    if spec is None or is_empty_room(take.analysis, take.mix.plan.phrases):
        return take.job.preset.loudness
    return spec.aim


def dry_run(
    source: Path | str,
    preset: Preset | str = DEFAULT,
    options: CleanOptions | None = None,
    *,
    watch: Watch = ignore,
) -> Plan:
    """What `clean` would do, without doing it."""
    job = open_job(source, preset, options or CleanOptions(), watch)
    return decide(job, listen(job))


def _check_target(jobs: Sequence[Job], target: Path) -> tuple[str, ...]:
    """Everything that can be refused before work begins; what will not be a plain copy."""
    options = jobs[0].options
    notes = check_target(
        jobs[0].media,
        target,
        replace=[job.track.number for job in jobs],
        keep_original=options.keep_original,
        extra=int(options.dialogue_track),
        drop_unsupported=options.drop_unsupported,
        codec=options.codec,
        bit_rate=options.bit_rate,
    )
    if target.exists() and not options.overwrite:  # after the source itself, for which --overwrite would be no advice
        raise name_is_taken(target)
    return (*notes, *left_out(jobs))


def _proven(takes: Sequence[Take], target: Path, part: Path, finished: Sequence[Finished], packets: Hashing) -> Receipt:
    """Compare the finished file with its source, whose packets are the same for all deliveries.

    Raises:
        MismatchError: if anything that was to be kept is not there.
    """
    cleaned = [take.job.track.number for take, done in zip(takes, finished, strict=True) if not done.copied]
    known = replace(finished[0].evidence, source=packets.result())
    written = finished[0].written
    receipt = verify(
        takes[0].job.media.path,
        part,
        cleaned=cleaned,
        dropped=written.dropped,
        positions=written.positions,
        extras=written.extras,
        known=known,
    )
    if not receipt.ok:
        raise MismatchError(
            f"{target.name} would not match its source: {receipt.failures[0]}",
            "write to .mkv, which can hold nearly everything"
            if target.suffix.lower() != ".mkv"
            else "write to another container, for example -o NAME.mov",
        )
    return receipt


def _dialogue_track(take: Take, voices: Voices) -> NewAudio:
    from mediaclean.dialogue import dialogue_chunks

    return NewAudio(
        samples=dialogue_chunks(take.job, take.mix, voices),
        rate=ASR_RATE,
        layout="mono",
        language=take.job.track.language,
        title=DIALOGUE,
        role="dialogue",
        beside=take.job.track.number,
    )


def _report(
    rendered: Rendered,
    take: Take,
    delivery: Delivery,
    finished: Finished,
    receipt: Receipt,
    notes: tuple[str, ...],
    tracks: Sequence[int],
) -> Report:
    job, mix, analysis = take.job, take.mix, take.analysis
    rate = job.rate
    return Report(
        source=job.media.path,
        target=delivery.target,
        track=job.track.label,
        preset=job.preset,
        plan=replace(mix.plan, level=_level_of(job)),
        duration_s=analysis.length / rate,
        copied=finished.copied,
        codec=finished.codec_name,
        before=analysis.loudness,
        after=finished.after.programme,
        verdict=finished.after.verdict(delivery.spec, job.track.channels) if delivery.spec else None,
        engine=rendered.engine,
        tone=mix.tone,
        ledger=mix.ledger,
        level=finished.level,
        faults=fault_lines(job),
        dropped=tuple(finished.written.dropped),
        notes=notes,
        changed_s=tuple((round(s.start / rate, 6), round(s.stop / rate, 6)) for s in mix.changed()),
        timings_s=dict(job.stopwatch.seconds),
        changes=mix.changes,
        patches=mix.patches,
        fingerprint=job.fingerprint(),
        options=told(rendered, delivery.target, delivery.spec.name if delivery.spec else None, tracks),
        proof=proof_of(take) if job.options.record else None,
        receipt=to_receipt_dict(receipt),
        made=place_of(job.track, finished, receipt),
        versions=versions(),
    )


def _level_of(job: Job) -> Level | None:
    settings = job.preset.loudness
    return None if settings is None else Level(settings.target_lufs, settings.ceiling_dbtp)
