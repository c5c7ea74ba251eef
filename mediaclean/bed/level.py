"""How loud is the bed around and under speech? Estimated before anything is separated.

Two witnesses, per stretch of a phrase of at most four seconds:

- the *dips*: between syllables the level falls to the bed. On clean speech the tenth percentile of the 32 ms levels
  stays at least 20 dB under the speech;
- the *surroundings*: the level of the nearest frames without speech on both sides, of which the louder counts.

Dips that are shallower than clean speech can be (16 LU) prove a bed alone. Music has dips of its own, so its level is
then better told by the fifth of the frames than by the tenth: the median error is within 1.5 LU from 5 to 15 LU under
speech and 3.5 LU at 0. Deeper dips may be dense but clean speech, and then the surroundings must agree.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import FLOOR_DB, Span, frame_edges, frames_of, merge, power_to_db
from mediaclean.speech import runs

SECTION_S = 4.0
PROOF_LU = 16.0
"""Clean speech dips by at least 20 LU in nine of ten sections; a bed that shows in shallower dips is real."""
SURROUNDINGS_S = 6.0
DIP_PERCENTILE = 10.0
BED_PERCENTILE = 20.0
"""Of the levels in a section with a proven bed: it finds music of 0 to 15 LU under speech with the least error."""


@dataclass(frozen=True)
class Section:
    """A stretch of a phrase with its levels in LUFS (K-weighted, ungated)."""

    span: Span
    speech_lufs: float
    bed_lufs: float

    @property
    def difference_lu(self) -> float:
        """Speech above bed."""
        return self.speech_lufs - self.bed_lufs


def overlapping(sections: Sequence[Section], span: Span) -> list[Section]:
    """Those of some sections, sorted and disjoint, that overlap a span."""
    first = bisect_right(sections, span.start, key=lambda section: section.span.stop)
    return list(takewhile(lambda section: section.span.start < span.stop, sections[first:]))


def sections(phrases: Sequence[Span], rate: int, longest_s: float = SECTION_S) -> list[Span]:
    """Phrases cut into equal parts of at most `longest_s` seconds."""
    parts: list[Span] = []
    for phrase in phrases:
        count = max(1, -(-phrase.length // max(1, round(longest_s * rate))))
        edges = np.linspace(phrase.start, phrase.stop, count + 1).astype(int)
        parts.extend(Span(int(a), int(b)) for a, b in pairwise(edges))
    return parts


def quiet_frames(phrases: Sequence[Span], frames: int, rate: int) -> NDArray[np.bool_]:
    """Frames that no phrase touches, shape (frames,)."""
    quiet = np.ones(frames, dtype=np.bool_)
    for phrase in phrases:
        quiet[frames_of(phrase, rate)] = False
    return quiet


def measure_sections(level_db: NDArray[np.float32], phrases: Sequence[Span], rate: int) -> list[Section]:
    """Speech and bed levels for each section of each phrase.

    Args:
        level_db: K-weighted level of the mix per 32 ms frame in LUFS, shape (frames,).
        phrases: where speech is, in samples at `rate` Hz.
    """
    power = 10.0 ** (level_db.astype(np.float64) / 10.0)
    quiet = quiet_frames(phrases, len(level_db), rate)
    measured = []
    for span in sections(phrases, rate):
        frames = frames_of(span, rate)
        inside = level_db[frames]
        if not inside.size:
            continue
        mix_db = float(power_to_db(power[frames].mean()))
        dips_db, bed_db = (float(level) for level in np.percentile(inside, [DIP_PERCENTILE, BED_PERCENTILE]))
        if mix_db - dips_db > PROOF_LU:
            bed_db = min(dips_db, _surroundings(power, quiet, frames))
        speech = max(10.0 ** (mix_db / 10.0) - 10.0 ** (bed_db / 10.0), 10.0 ** (FLOOR_DB / 10.0))
        measured.append(Section(span, float(power_to_db(speech)), bed_db))
    return measured


def _surroundings(power: NDArray[np.float64], quiet: NDArray[np.bool_], frames: slice) -> float:
    """The louder of the levels just before and just after, in dB; plus infinity where no quiet frame is near."""
    reach, enough = round(SURROUNDINGS_S / 0.032), 5
    near = round(1.0 / 0.032)
    levels = []
    for side in (slice(max(0, frames.start - reach), frames.start), slice(frames.stop, frames.stop + reach)):
        found = power[side][quiet[side]]
        if found.size >= enough:
            nearest = found[-near:] if side.stop == frames.start else found[:near]
            levels.append(float(power_to_db(nearest.mean())))
    return max(levels, default=np.inf)


SHORTEST_PASSAGE_S = 1.0
"""A shorter sound without speech is an event, a laugh or a door: it belongs to the scene and stays."""
BRIDGE_PASSAGE_S = 0.4
GUARD_S = 0.6
"""A word that the detector heard late must not be lowered with what lies before it."""


def passages(
    level_db: NDArray[np.float32],
    phrases: Sequence[Span],
    over_bed: Sequence[Span],
    *,
    least_lufs: float,
    rate: int,
    length: int,
) -> list[Span]:
    """Where a bed sounds: under the speech that is separated, and alone between phrases.

    Args:
        level_db: K-weighted level of the mix per frame in LUFS, shape (frames,).
        phrases: where speech is.
        over_bed: the parts of it that are separated.
        least_lufs: what is quieter is no bed.
        rate, length: of the track.
    """
    free = quiet_frames(_guarded(phrases, over_bed, round(GUARD_S * rate), length), len(level_db), rate)
    edges = np.minimum(frame_edges(0, len(level_db), rate), length)
    sounding = [Span(int(edges[a]), int(edges[b])) for a, b in runs(free & (smooth(level_db) > least_lufs))]
    joined = merge([*sounding, *over_bed], gap=round(BRIDGE_PASSAGE_S * rate))
    return [s for s in joined if s.length >= SHORTEST_PASSAGE_S * rate or any(s.overlaps(other) for other in over_bed)]


def _guarded(phrases: Sequence[Span], over_bed: Sequence[Span], margin: int, length: int) -> list[Span]:
    """Phrases, with a margin around those that are not separated."""
    clean = [span for span in phrases if not any(span.overlaps(other) for other in over_bed)]
    wide = [Span(max(0, span.start - margin), min(length, span.stop + margin)) for span in clean]
    return merge([*phrases, *wide])


def smooth(level_db: NDArray[np.float32], reach: int = 4) -> NDArray[np.float64]:
    """A running mean of the power over 2 * reach + 1 frames, in dB, shape (frames,)."""
    power = np.pad(10.0 ** (level_db.astype(np.float64) / 10.0), reach, mode="edge")
    total = np.concatenate([[0.0], np.cumsum(power)])
    width = 2 * reach + 1
    return np.asarray(power_to_db((total[width:] - total[:-width]) / width))
