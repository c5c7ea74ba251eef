"""Which tone belongs to which shot: a pure function of what was heard and of where the picture is cut.

Shots that sound alike share a tone, so that a cut between two cameras in one room changes nothing. A shot in which no
tone can be learned takes that of the nearest one that is like it in the quiet between its sounds, and the whole
track's where none is. Where all sounds alike there is one tone, and the picture need not be looked at.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Span, frame_edges, frames_of, merge
from mediaclean.plan.make import LOUDEST_TONE_LUFS, TONE_UNDER_SPEECH_LU, Plan
from mediaclean.roomtone.shots import ShotTone
from mediaclean.roomtone.sources import SILENT_DB, RoomToneSettings, ToneFeatures, choose_frames

if TYPE_CHECKING:
    from mediaclean.analysis import Analysis
    from mediaclean.bed.duck import DuckSettings

REACH_S = 20.0
"""How far around a place that needs tone the picture is looked at."""
SAME_DB = 1.5
"""Ambiences whose bands differ by no more than this in the mean are one: as exactly as a tone can be learned."""
SIMILAR_DB = 3.0
"""The same for a shot of which only the quiet between its sounds is known."""
MOST_TONES = 24
"""Beyond this, a shot takes the nearest of the tones that there are: memory stays bounded."""
LEARNED_S = 60.0
"""All tones together are learned from about this much sound."""
_PIECE_S = 3.0
_QUIET_PERCENTILE = 10.0


@dataclass
class _Shot:
    """A shot with what can be learned in it. Levels of bands in dBFS, empty where there are none."""

    span: Span
    sources: list[Span]
    tone_db: NDArray[np.float64]
    quiet_db: NDArray[np.float64]


@dataclass
class _Ambience:
    tone_db: NDArray[np.float64]
    sources: list[Span] = field(default_factory=list)


def places(plan: Plan, duck: DuckSettings | None, settings: RoomToneSettings) -> list[Span]:
    """Where tone will be heard: in holes and under lowered beds, with their fades."""
    fade = round(settings.crossfade_s * plan.rate)
    down = round((duck.attack_s if duck else 0.0) * plan.rate)
    up = round((max(duck.release_s, duck.bridge_s) if duck else 0.0) * plan.rate)
    wide = [Span(max(0, hole.start - fade), min(plan.length, hole.stop + fade)) for hole in plan.holes]
    wide += [Span(max(0, dip.span.start - down), min(plan.length, dip.span.stop + up)) for dip in plan.dips]
    return merge(wide)


def windows(needs: Sequence[Span], rate: int, length: int) -> list[Span]:
    """The needs with their neighbourhood, in which tone for them is looked for."""
    reach = round(REACH_S * rate)
    return merge(Span(max(0, need.start - reach), min(length, need.stop + reach)) for need in needs)


def ambience_varies(analysis: Analysis, plan: Plan, needs: Sequence[Span], settings: RoomToneSettings) -> bool:
    """Whether the neighbourhoods of the needs sound different at different times, told by the sound alone."""
    piece = round(_PIECE_S * plan.rate)
    cuts = [at for window in windows(needs, plan.rate, plan.length) for at in range(*_range(window, piece))]
    _, ambiences, _ = _heard(analysis, plan, cuts, needs, settings)
    return not _is_one(ambiences, _tone_db(analysis, plan.tone_sources))


def _range(window: Span, step: int) -> tuple[int, int, int]:
    return window.start + step, window.stop, step


def with_shots(
    plan: Plan, analysis: Analysis, cuts: Sequence[int], needs: Sequence[Span], settings: RoomToneSettings
) -> Plan:
    """The plan with a tone for every shot that needs one; unchanged where one tone does for all.

    Args:
        plan: what `make_plan` made of the same analysis.
        cuts: first samples of shots, ascending, inside the `windows` of the needs.
        needs: what `places` found.
    """
    return dataclasses.replace(plan, shots=tuple(shot_tones(analysis, plan, cuts, needs, settings)))


def shot_tones(
    analysis: Analysis, plan: Plan, cuts: Sequence[int], needs: Sequence[Span], settings: RoomToneSettings
) -> list[ShotTone]:
    """See `with_shots`."""
    shots, ambiences, of_shot = _heard(analysis, plan, cuts, needs, settings)
    if _is_one(ambiences, _tone_db(analysis, plan.tone_sources)):
        return []
    limit_s = float(np.clip(LEARNED_S / max(1, len(ambiences)), 4.0, settings.max_total_s))
    sources = [_most(ambience.sources, round(limit_s * plan.rate)) for ambience in ambiences]
    chosen = [of_shot[index] if shot.sources else _like(index, shots, of_shot) for index, shot in enumerate(shots)]
    tones = [
        ShotTone(shot.span, () if number is None else sources[number])
        for shot, number in zip(shots, chosen, strict=True)
        if any(shot.span.overlaps(need) for need in needs)
    ]
    return _joined(tones)


def _heard(
    analysis: Analysis, plan: Plan, cuts: Sequence[int], needs: Sequence[Span], settings: RoomToneSettings
) -> tuple[list[_Shot], list[_Ambience], list[int | None]]:
    """The shots around the needs, the ambiences in them, and the number of each shot's own."""
    speech_lufs = [phrase.speech_lufs for phrase in plan.phrases]
    highest = float(np.median(speech_lufs)) - TONE_UNDER_SPEECH_LU if speech_lufs else LOUDEST_TONE_LUFS
    spans = [span for window in windows(needs, plan.rate, plan.length) for span in _cut(window, cuts)]
    shots = [_listen(span, analysis, settings, highest) for span in spans]
    return shots, *_grouped(shots)


def _cut(window: Span, cuts: Sequence[int]) -> list[Span]:
    inside = cuts[bisect_right(cuts, window.start) : bisect_left(cuts, window.stop)]
    return [Span(a, b) for a, b in pairwise([window.start, *inside, window.stop])]


def _listen(shot: Span, analysis: Analysis, settings: RoomToneSettings, highest_lufs: float) -> _Shot:
    frames = frames_of(shot, analysis.rate)
    # Frames at the ends hold some of the next shot as well.
    inner = slice(min(frames.start + 1, frames.stop), max(frames.stop - 1, frames.start + 1))
    level, features = analysis.level_db[inner], analysis.features
    part = ToneFeatures(features.flux_db[inner], features.tonality_db[inner])
    runs = [
        Span(run.start + inner.start, run.stop + inner.start)
        for run in choose_frames(level, analysis.speech[inner], part, settings)
    ]
    if runs and float(np.median(np.concatenate([analysis.level_db[r.start : r.stop] for r in runs]))) > highest_lufs:
        runs = []  # nearly as loud as speech: a scene, and no room
    sources = [Span(*frame_edges(run.start, run.stop, analysis.rate)[[0, -1]].tolist()) for run in runs]
    rows = features.spectrum_db(Span(inner.start, inner.stop))
    sounding = rows[rows.max(axis=1, initial=-200.0) > SILENT_DB]
    quiet = np.percentile(sounding, _QUIET_PERCENTILE, axis=0) if len(sounding) else np.zeros(0)
    return _Shot(shot, sources, _median_db(features, runs), np.asarray(quiet))


def _tone_db(analysis: Analysis, sources: Sequence[Span]) -> NDArray[np.float64]:
    runs = [frames_of(source, analysis.rate) for source in sources]
    return _median_db(analysis.features, [Span(run.start, run.stop - 1) for run in runs])


def _median_db(features: ToneFeatures, runs: Sequence[Span]) -> NDArray[np.float64]:
    rows = [features.spectrum_db(run) for run in runs]
    inside = np.concatenate(rows) if rows else np.zeros((0, 0))
    return np.asarray(np.median(inside, axis=0)) if len(inside) else np.zeros(0)


def _grouped(shots: Sequence[_Shot]) -> tuple[list[_Ambience], list[int | None]]:
    """The ambiences, and the number of each shot's own. What was heard for longest founds the first."""
    ambiences: list[_Ambience] = []
    of_shot: list[int | None] = [None] * len(shots)
    ranked = sorted(range(len(shots)), key=lambda index: -sum(source.length for source in shots[index].sources))
    for index in ranked:
        shot = shots[index]
        if not shot.tone_db.size:
            continue
        apart = [_apart_db(shot.tone_db, ambience.tone_db) for ambience in ambiences]
        if apart and (min(apart) <= SAME_DB or len(ambiences) == MOST_TONES):
            number = int(np.argmin(apart))
        else:
            number = len(ambiences)
            ambiences.append(_Ambience(shot.tone_db))
        ambiences[number].sources.extend(shot.sources)
        of_shot[index] = number
    return ambiences, of_shot


def _apart_db(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """How far two spectra lie apart in the mean over the bands; infinity where one of them is not known."""
    return float(np.abs(one - other).mean()) if one.size and other.size else np.inf


def _is_one(ambiences: Sequence[_Ambience], whole_db: NDArray[np.float64]) -> bool:
    """Whether the tone of the whole track is that of all shots."""
    if not ambiences:
        return True
    return len(ambiences) == 1 and _apart_db(ambiences[0].tone_db, whole_db) <= SAME_DB


def _like(index: int, shots: Sequence[_Shot], of_shot: Sequence[int | None]) -> int | None:
    """The ambience of the nearest shot that is like this one in the quiet between its sounds."""
    own = shots[index]
    alike = [
        other
        for other, number in enumerate(of_shot)
        if number is not None and _apart_db(own.quiet_db, shots[other].quiet_db) <= SIMILAR_DB
    ]
    nearest = min(alike, key=lambda other: _distance(own.span, shots[other].span), default=None)
    return None if nearest is None else of_shot[nearest]


def _distance(one: Span, other: Span) -> int:
    return max(one.start - other.stop, other.start - one.stop, 0)


def _most(sources: Sequence[Span], longest: int) -> tuple[Span, ...]:
    """The longest sources, up to a length in all, in order of time."""
    taken: list[Span] = []
    for source in sorted(sources, key=lambda source: (-source.length, source.start)):
        if longest <= 0:
            break
        taken.append(Span(source.start, min(source.stop, source.start + longest)))
        longest -= taken[-1].length
    return tuple(sorted(taken))


def _joined(tones: Sequence[ShotTone]) -> list[ShotTone]:
    """Neighbours with one tone as one stretch; those that sound as the whole track does need no row."""
    joined: list[ShotTone] = []
    for tone in tones:
        if joined and joined[-1].span.stop == tone.span.start and joined[-1].sources == tone.sources:
            joined[-1] = ShotTone(Span(joined[-1].span.start, tone.span.stop), tone.sources)
        else:
            joined.append(tone)
    return [tone for tone in joined if tone.sources]
