"""What a plan says to whoever reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from mediaclean.audio import Span, merge
from mediaclean.bed.level import Section
from mediaclean.times import clock

if TYPE_CHECKING:
    from mediaclean.analysis import Analysis
    from mediaclean.plan.records import Engine
    from mediaclean.preset import Preset


def plan_notes(
    analysis: Analysis,
    spans: Sequence[Span],
    sections: Sequence[Section],
    over_bed: Sequence[Section],
    sources: Sequence[Span],
    engine: Engine,
    preset: Preset,
) -> Iterable[str]:
    """Sentences about what was not found or not needed, and about what repair will do."""
    if not spans:
        yield "no speech found"
    elif engine == "none":
        yield "the engine is none: nothing is separated, the bed stays as it is"
    elif preset.separate is None or preset.duck is None or preset.duck.mode == "leave":
        yield "bed left as you asked: nothing to separate"
    elif not over_bed:
        nearest = min((section.difference_lu for section in sections), default=np.inf)
        if nearest >= NO_BED_LU:
            yield "no bed under the speech: nothing to separate"
        else:
            yield f"the bed is never closer than {nearest:.0f} LU under speech: nothing to separate"
    if preset.room_tone is not None and not sources and spans and (over_bed or analysis.holes):
        yield "no usable room tone in the recording: a soft neutral floor stands in"


def song_notes(songs: Sequence[Span], rate: int, singing: Literal["duck", "leave"]) -> Iterable[str]:
    """A sentence about songs, and what was done with them; nothing where there is none."""
    if not songs:
        return
    first, *more = merge(songs, gap=round(SAME_SONG_S * rate))
    where = f"from {clock(first.start / rate)} to {clock(first.stop / rate)}"
    others = f" and at {len(more)} more place{'s' if len(more) > 1 else ''}" if more else ""
    said = "left alone, as you asked" if singing == "leave" else "--set duck.singing=leave keeps songs as they are"
    yield f"somebody seems to sing {where}{others}: {said}"


SAME_SONG_S = 10.0
"""Between two lines of one song."""
NO_BED_LU = 40.0
"""What lies this far under the speech is no bed that anybody would hear under it."""
