"""What a plan says to whoever reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mediaclean.audio import Span
from mediaclean.bed.level import Section

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


NO_BED_LU = 40.0
"""What lies this far under the speech is no bed that anybody would hear under it."""
