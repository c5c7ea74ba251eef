"""A result taken apart into FLAC files beside it: the voice, the bed, and the residue that the run took away.

    voice + bed = source, mended where the plan mends it        result before its level + residue = source

The sums hold to the last bit of the files, because all of them are rounded on one grid: 24 bits, with as much headroom
over the source's peak as a separated voice may need. A run that keeps stems mixes from voices that already lie on
the grid, so `remix` finds in the files the very numbers that the run had, and gives the same bits for the same
settings, without a network.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from mediaclean.audio import Samples, Span, merge, reblock, within
from mediaclean.errors import MediaError, OutputError, PresetError
from mediaclean.job import Job
from mediaclean.media import decode, probe, staged
from mediaclean.media.flac import FlacFile
from mediaclean.plan.make import Plan
from mediaclean.render import Voices, trapezoid
from mediaclean.result.stem_files import ABOUT, AGAIN, TABLE, Grid, Stems, stems_folder, to_table
from mediaclean.spool import Spool

EDGE_S = 0.01
"""At the border of a cut the voice comes from and goes to its first and last sample over this time, so that a stem
alone has no clicks; inside the cut it is untouched."""


def check_folder(target: Path, *, overwrite: bool) -> None:
    """Refuse before any work.

    Raises:
        OutputError: if stems are there already, or something else is in their place.
    """
    folder = stems_folder(target)
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is there already and no folder", "choose another name with -o")
    if (folder / TABLE).exists() and not overwrite:
        raise OutputError(f"{folder}: exists already", "--overwrite replaces it, or choose another name with -o")


def write_stems(
    job: Job, plan: Plan, voices: Voices, mixed: Iterator[Samples], folder: Path, grid: Grid, *, known: Stems | None
) -> Stems:
    """Write the files; only the residue where voice and bed are `known` already.

    Args:
        job: of the source.
        plan: phrases and cuts; the voices of the cuts lie on the grid.
        voices: by cut.
        mixed: the result before its level, from its first sample on.
        folder: made if it is missing.
    """
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error.strerror}", "choose another name with -o") from error
    names = ("residue",) if known else tuple(ABOUT)
    if not known:
        (folder / TABLE).unlink(missing_ok=True)  # with it stems are complete, and these no longer are
    full_scale = np.float32(grid.full_scale)
    with ExitStack() as stack:
        parts = {name: stack.enter_context(staged(folder / f"{name}.flac", overwrite=True)) for name in names}
        files = {name: stack.enter_context(FlacFile(part, job.track)) for name, part in parts.items()}
        start, flows = 0, (decode(job.media, job.track), job.mending(plan).sound(), mixed)
        for source, mended, result in zip(*(reblock(flow, job.rate) for flow in flows), strict=True):
            sounds = {"residue": grid.onto(source) - grid.onto(result)}
            if not known:
                voice = grid.onto(_whole_voice(mended, start, plan, voices, round(EDGE_S * job.rate)))
                sounds |= {"voice": voice, "bed": grid.onto(mended) - voice}
            for name, file in files.items():
                file.add(sounds[name] / full_scale)
            start += mended.shape[1]
    if known:
        return known
    cuts = tuple(cut.span for cut in plan.cuts)
    return Stems(folder / "voice.flac", folder / "bed.flac", grid, plan.rate, cuts)


def _whole_voice(mix: Samples, start: int, plan: Plan, voices: Voices, edge: int) -> Samples:
    """The voice of the whole track: the network's inside cuts, exactly; the mix in clean phrases; else nothing."""
    length, spans = mix.shape[1], [cut.span for cut in plan.cuts]
    voice = np.asarray(mix * trapezoid([p.span for p in plan.phrases], edge, start, length), dtype=np.float32)
    near = [index for index, _ in within(spans, start - edge, start + length + edge)]
    at = np.arange(start, start + length)
    for index in near:
        span, own = spans[index], voices(index)
        for value, away in ((own[:, :1], span.start - at), (own[:, -1:], at - (span.stop - 1))):
            weight = np.where(away > 0, np.clip(1.0 - away / edge, 0.0, 1.0), 0.0).astype(np.float32)
            voice += weight * (value - voice)
    for index in near:
        span = spans[index]
        low, high = max(span.start, start), min(span.stop, start + length)
        if low < high:
            voice[:, low - start : high - start] = voices(index)[:, low - span.start : high - span.start]
    return voice


def save_table(stems: Stems, folder: Path, report: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    """Write `stems.json`: last, so that with it the stems are complete."""
    with staged(folder / TABLE, overwrite=True) as part:
        part.write_text(json.dumps(to_table(stems, folder, report, result), indent=2) + "\n", encoding="utf-8")


def restore(job: Job, plan: Plan, stems: Stems, folder: Path) -> Spool:
    """The voices of a plan's cuts, from the stems into a spool, while the stems' sum is held against the source.

    Args:
        job: of the source.
        plan: its cuts, and what is mended before them.
        stems: of an earlier result.
        folder: of the spool.

    Raises:
        PresetError: if a cut was not separated when the stems were made.
        MediaError: if a stem is missing, or the source sounds otherwise than it did then.
    """
    cuts = [cut.span for cut in plan.cuts]
    check_cover(cuts, stems)
    needed = sum(cut.length for cut in cuts) * job.track.channels * 4
    key = {"stems": str(stems.voice), "cuts": [[cut.start, cut.stop] for cut in cuts]}
    spool = Spool.open(folder, key, needed=needed)
    held: dict[int, list[Samples]] = {}
    for start, voice in _checked(job.mending(plan), plan.length, stems):
        for index, span in within(cuts, start, start + voice.shape[1]):
            held.setdefault(index, []).append(voice[:, max(0, span.start - start) : span.stop - start])
            if span.stop <= start + voice.shape[1]:
                spool.put(index, np.concatenate(held.pop(index), axis=1))
    return spool


def check_cover(cuts: Sequence[Span], stems: Stems) -> None:
    """See `restore`."""
    if missing := uncovered(cuts, stems.cuts):
        first = missing[0]
        span = f"{first.start / stems.rate:.3f} to {first.stop / stems.rate:.3f} s"
        raise PresetError(
            f"the stems have no voice from {span}: with these settings more is separated than was then",
            "mediaclean clean INPUT --residual with these settings, or leave speech.* and separate.* as they were",
        )


def uncovered(cuts: Sequence[Span], known: Sequence[Span]) -> list[Span]:
    """Those cuts that do not lie inside known ones."""
    whole = merge(known)
    return [cut for cut in cuts if not any(each.start <= cut.start and cut.stop <= each.stop for each in whole)]


def _checked(job: Job, length: int, stems: Stems) -> Iterator[tuple[int, Samples]]:
    """The voice block by block with its position; ends only if voice and bed add up to the source all the way."""
    full_scale, step = np.float32(stems.grid.full_scale), job.rate
    start = 0
    flows = (_read(stems.voice, step), _read(stems.bed, step), reblock(job.chunks("restore", length), step))
    for voice, bed, source in zip(*flows, strict=False):
        if not voice.shape == bed.shape == source.shape:
            break
        off = np.abs(voice + bed - stems.grid.onto(source) / full_scale) > 1.5 / (1 << 23)
        if off.any():
            at_s = (start + int(np.flatnonzero(off.any(axis=0))[0])) / job.rate
            raise MediaError(f"{job.media.path} sounds otherwise than its stems from {at_s:.3f} s on", AGAIN)
        yield start, voice * full_scale
        start += voice.shape[1]
    if start != length:
        raise MediaError(f"{stems.voice} and its source are not equally long", AGAIN)


def _read(path: Path, step: int) -> Iterator[Samples]:
    if not path.is_file():
        raise MediaError(f"{path}: this stem is missing", AGAIN)
    media = probe(path)
    return decode(media, media.tracks[0], block=step)
