"""Another network's answer for single passages: what the main one spoiled is separated again, and heard instead.

A passage's new voice is kept as its new bed, for the voice's finishing moves mix and voice by the same and leaves the
bed alone. It is faded in and out just inside the passage, so outside of it no sample changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from mediaclean.analysis import TrackStats
from mediaclean.audio import Block, Samples, Span, merge, within
from mediaclean.backends.registry import load_other
from mediaclean.errors import BackendError, MediacleanError
from mediaclean.job import Job
from mediaclean.plan.make import Plan, SeparateSettings
from mediaclean.render import trapezoid
from mediaclean.separate import Separator, separate_cuts
from mediaclean.spool import Spool

Beds = Mapping[Span, Callable[[], Samples]]
"""The bed of each passage, (channels, span.length), when it is asked for."""


@dataclass(eq=False)
class OtherEngine:
    """A second network for a job's passages; its beds lie in spools beside the voices' until the result is safe.

    Attributes:
        job: hears its sound mended.
        load: gives the network, which nothing needs before the first passage does; None where there is none.
        length: of the track in samples.
        folder: of the spool of voices.
        note: hears why the network cannot be had.
    """

    job: Job
    load: Callable[[], Separator | None]
    length: int
    folder: Path
    note: Callable[[str], None]
    _known: dict[Span, Callable[[], Samples]] = field(default_factory=dict)

    @cached_property
    def separator(self) -> Separator | None:
        """The network, or None: a second opinion is no reason to fail."""
        try:
            return self.load()
        except MediacleanError as error:
            self.note(f"no passage is separated again: {error.message}")
            return None

    @property
    def name(self) -> str:
        """What plan, record and report call it; empty where it cannot be had."""
        return self.separator.identity if self.separator else ""

    def beds(self, spans: Sequence[Span]) -> Beds:
        """The beds of passages, sorted and disjoint; what was not asked for before is separated now."""
        fresh = [span for span in spans if span not in self._known]
        if fresh:
            self._known.update(zip(fresh, self._separated(fresh), strict=True))
        return {span: self._known[span] for span in spans}

    def try_beds(self, spans: Sequence[Span]) -> Beds:
        """The same where nothing depends on it: a network that fails at them is told of, and gives no beds."""
        try:
            return self.beds(spans)
        except MediacleanError as error:
            self.note(f"no passage is separated again: {error.message}")
            return {}

    def _separated(self, spans: Sequence[Span]) -> Iterator[Callable[[], Samples]]:
        job, separator = self.job, self.separator
        if separator is None:
            raise LookupError("there is no other engine")
        key = {
            "source": job.fingerprint(),
            "passages": [[span.start, span.stop] for span in spans],
            "engine": separator.identity,
            "mended": repr((job.repairs, job.mends)),
        }
        needed = sum(span.length for span in spans) * job.track.channels * 4
        spool = Spool.open_beside(self.folder, key, needed=needed)
        voices = separate_cuts(
            job.sound(), spans, separator,
            rate=job.rate, length=self.length, centre=job.track.centre, done=spool.done, watch=job.watch,
        )  # fmt: skip
        heard = job.spans(spans)
        for number, voice in voices:
            spool.put(number, np.asarray(heard[number] - voice, np.float32))
        for number in range(len(spans)):
            yield lambda number=number: spool.get(number)  # type: ignore[misc]


def other_engine(
    job: Job,
    plan: Plan,
    stats: TrackStats,
    folder: Path,
    *,
    main: str,
    note: Callable[[str], None],
) -> OtherEngine | None:
    """The network that passages can be separated again by, or None where there is no other; nothing is fetched.

    Args:
        job: hears its sound mended.
        plan: what is to be made; it may name another engine.
        stats: of the track.
        folder: of the spool of voices; the beds lie beside it.
        main: identity of the engine that made the voices, "" for none.
        note: hears of steps down.

    Returns:
        nothing is loaded before a passage needs it, unless the plan names it.

    Raises:
        BackendError: if the plan wants an engine that is not here.
    """
    wanted = {dip.engine for dip in plan.dips if dip.engine} - {main}
    settings = job.preset.ledger
    may = settings is not None and settings.repair == "lighter" and settings.other_engine_s > 0.0
    if not wanted and (not main or not may or job.options.residual):
        return None  # stems hold the voices of one network
    options, model = job.options, (job.preset.separate or SeparateSettings()).model

    def load() -> Separator | None:
        return load_other(main, device=options.device, model=model, stats=stats, folder=options.models, notes=note)

    other = OtherEngine(job, load, plan.length, folder, note)
    if missing := wanted and wanted - {other.name}:
        raise BackendError(
            f"the plan has passages by {', '.join(sorted(missing))}, which is not here",
            f'mediaclean models fetch {model}, or take "engine" out of the plan\'s dips',
        )
    return other


def passages_of(plan: Plan) -> list[Span]:
    """Where another engine's voice is heard."""
    return merge(dip.span for dip in plan.dips if dip.engine)


LOSS_DB = 3.0
"""A voice that is quieter than the first one by more than this has lost speech, which the ledger takes for a change of
level."""


def with_voice(blocks: Iterable[Block], beds: Beds) -> list[Span]:
    """The passages in which the other engine found about as much voice as the first one, by their energy."""
    energy = {span: np.zeros(2) for span in beds}
    for block in blocks:
        for span, here, other in _voices_in(block, beds):
            energy[span] += [np.square(sound, dtype=np.float64).sum() for sound in (block.voice[:, here], other)]
    return [span for span, (first, other) in energy.items() if other >= first * 10.0 ** (-LOSS_DB / 10.0)]


def replaced(blocks: Iterable[Block], beds: Beds, fade: int) -> Iterator[Block]:
    """Blocks with the voice that leaves those beds, inside their passages.

    Args:
        fade: samples of the cross-fade just inside each passage.
    """
    for block in blocks:
        near = list(_voices_in(block, beds))
        if not near:
            yield block
            continue
        voice = block.voice.copy()
        for span, here, other in near:
            weight = trapezoid([span], fade, block.start + here.start, here.stop - here.start)
            voice[:, here] += weight * (other - voice[:, here])
        yield replace(block, voice=voice)


def _voices_in(block: Block, beds: Beds) -> Iterator[tuple[Span, slice, Samples]]:
    """The passages that touch a block: each with where in the block it lies, and the other engine's voice there."""
    for _, span in within(sorted(beds), block.start, block.stop):
        low, high = max(span.start, block.start), min(span.stop, block.stop)
        here = slice(low - block.start, high - block.start)
        yield span, here, block.mix[:, here] - beds[span]()[:, low - span.start : high - span.start]
