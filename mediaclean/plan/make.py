"""Everything that is decided, as data: a pure function from `Analysis` and settings to a `Plan`.

A plan can be printed, compared, edited and run again; in JSON its times are seconds. It says which phrases there are,
which spans are separated and why, where the bed is lowered and by how much, where room tone is learned, and the level.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from mediaclean.advice.faults import silent_channels
from mediaclean.audio import Span, frames_of, gaps, merge
from mediaclean.bed.auto import plan_choices
from mediaclean.bed.judging import Choice
from mediaclean.bed.level import Section, measure_sections, overlapping, passages
from mediaclean.plan.cuts import plan_cuts
from mediaclean.plan.notes import plan_notes
from mediaclean.plan.records import Cut, Engine, Level, Phrase, Plan, PlannedDip, SeparateSettings, with_gains
from mediaclean.polish.chain import is_on
from mediaclean.repair.dereverb import reverberant
from mediaclean.roomtone.sources import RoomToneSettings, choose_sources, floor_level_dbfs
from mediaclean.speech import SpeechSettings, confidence, phrases

if TYPE_CHECKING:
    from mediaclean.analysis import Analysis
    from mediaclean.preset import Preset

__all__ = [
    "Cut", "Engine", "Level", "Phrase", "Plan", "PlannedDip", "SeparateSettings", "make_plan", "steady_noise",
    "with_gains",
]  # fmt: skip


def make_plan(analysis: Analysis, preset: Preset, *, engine: Engine = "auto") -> Plan:
    """Decide. Pure: the same analysis and preset give the same plan.

    The lightest treatment wins: a phrase whose bed already lies as deep as the preset wants is not separated, a bed
    that is only the recording's own noise is left alone longer, and without a preset table its stage does nothing.
    """
    spans = phrases(analysis.speech, preset.speech or SpeechSettings(), analysis.rate, analysis.length)
    sections = measure_sections(analysis.level_db, spans, analysis.rate)
    tone = preset.room_tone or RoomToneSettings()
    is_empty = is_empty_room(analysis, spans)
    floor_lufs, sources = steady_noise(analysis, sections, tone)
    found = _over_bed(sections, floor_lufs, preset) if engine != "none" else []
    over_bed = _with_neighbours(found, sections, preset, analysis.rate)
    listened = _around(over_bed, found, sections, preset, analysis.rate)
    cuts = plan_cuts(found, listened, sections, analysis, preset)
    lowered = _passages(over_bed, sections, spans, floor_lufs, analysis, preset)
    choices: tuple[Choice, ...] = ()
    if preset.duck is not None and preset.duck.mode == "auto" and preset.separate is not None and engine != "none":
        noise_lufs = floor_lufs + NOISE_MARGIN_LU
        choices = plan_choices(spans, sections, over_bed, noise_lufs, analysis, preset.duck)
    return Plan(
        rate=analysis.rate,
        length=analysis.length,
        phrases=tuple(_phrase(span, overlapping(sections, span), analysis) for span in spans),
        cuts=tuple(cuts),
        dips=tuple(_dips(listened, lowered, analysis, preset)),
        tone_sources=tuple(sources),
        floor_dbfs=round(floor_level_dbfs(analysis.level_db, analysis.speech, tone), 1),
        silent_channels=silent_channels(analysis),
        holes=tuple(analysis.holes) if preset.room_tone and (sources or not is_empty) else (),
        level=None if is_empty else _level(preset),
        notes=(
            *plan_notes(analysis, spans, sections, over_bed, sources, engine, preset),
            *(["hardly any sound: its level stays"] if is_empty else []),
        ),
        repairs=analysis.repairs.beside(reverberant(spans, preset.dereverb, analysis.rate, analysis.length)),
        voice_gains=None if spans and is_on(preset) else (),
        choices=choices,
    )


QUIET_LUFS = -50.0
"""Without speech, what is quieter is an empty room, or nothing at all: no level makes it a programme, and what has no
tone of its own gets none."""


def is_empty_room(analysis: Analysis, phrases: Sequence[object]) -> bool:
    """Whether a track has neither speech nor anything else that a level could be set for."""
    return not phrases and (analysis.loudness.integrated_lufs or -np.inf) < QUIET_LUFS


def _phrase(span: Span, own: Sequence[Section], analysis: Analysis) -> Phrase:
    """A phrase from the sections that it overlaps."""
    weights = np.array([section.span.length for section in own], dtype=np.float64)

    def mean_db(levels: list[float]) -> float:
        return float(10.0 * np.log10(np.average(10.0 ** (np.array(levels) / 10.0), weights=weights)))

    return Phrase(
        span,
        round(confidence(analysis.speech, span, analysis.rate), 3),
        round(mean_db([section.speech_lufs for section in own]), 1),
        round(mean_db([section.bed_lufs for section in own]), 1),
    )


def steady_noise(
    analysis: Analysis, sections: Sequence[Section], settings: RoomToneSettings
) -> tuple[float, list[Span]]:
    """The level of the recording's own noise in LUFS, minus infinity for none, and where room tone can be learned.

    What is nearly as loud as the speech is no room but the scene, wind or traffic: it is not spread over holes, but it
    is noise all the same, and no reason to separate what music would be.
    """
    sources = choose_sources(
        analysis.level_db,
        analysis.speech,
        analysis.features,
        rate=analysis.rate,
        length=analysis.length,
        settings=settings,
    )
    if not sources:
        return -np.inf, []
    inside = np.concatenate([analysis.level_db[frames_of(span, analysis.rate)] for span in sources])
    floor_lufs = float(np.median(inside))
    speech = [section.speech_lufs for section in sections]
    highest = float(np.median(speech)) - TONE_UNDER_SPEECH_LU if speech else LOUDEST_TONE_LUFS
    return floor_lufs, sources if floor_lufs <= highest else []


TONE_UNDER_SPEECH_LU = 18.0
LOUDEST_TONE_LUFS = -45.0
NOISE_MARGIN_LU = 4.0
"""A bed this close to the level of the learned room tone is that room tone, and no music."""


def _over_bed(sections: Sequence[Section], floor_lufs: float, preset: Preset) -> list[Section]:
    """The sections whose bed is worth separating."""
    if preset.separate is None or preset.duck is None or preset.duck.mode == "leave":
        return []
    settings = preset.separate

    def limit_lu(section: Section) -> float:
        is_noise = section.bed_lufs <= floor_lufs + NOISE_MARGIN_LU
        return settings.noise_within_lu if is_noise else settings.within_lu

    return [section for section in sections if section.difference_lu < limit_lu(section)]


PAUSE_S = 0.5
"""A phrase does not end in a shorter pause: a gain that moved in it would be heard."""


def _with_neighbours(
    over_bed: Sequence[Section], sections: Sequence[Section], preset: Preset, rate: int
) -> list[Section]:
    """The sections over a bed, and one more on either side.

    Music with rests sounds like none for a section or two. The separated voice tells; a bed that is deep enough stays.
    """
    if preset.separate is None:
        return []
    near = round(preset.separate.bridge_s * rate)
    over = set(over_bed)
    chosen = set(over_bed)
    for one, other in pairwise(sections):
        if other.span.start - one.span.stop <= near and (one in over) != (other in over):
            chosen |= {one, other}
    return [section for section in sections if section in chosen]


def _around(
    over_bed: Sequence[Section], found: Sequence[Section], sections: Sequence[Section], preset: Preset, rate: int
) -> list[Section]:
    """These sections, and all that are near to those with a bed.

    Sparse music hides between words: where it rests in a section, the level falls as deep as in clean speech, however
    loud its strokes are. So speech near music is separated too, and what is heard then decides.
    """
    if preset.separate is None:
        return []
    reach = round(preset.separate.around_s * rate)
    near = merge(Span(max(0, section.span.start - reach), section.span.stop + reach) for section in found)
    inside = {section for span in near for section in overlapping(sections, span)} | set(over_bed)
    return [section for section in sections if section in inside]


def _passages(
    over_bed: Sequence[Section],
    sections: Sequence[Section],
    spans: Sequence[Span],
    floor_lufs: float,
    analysis: Analysis,
    preset: Preset,
) -> list[Span]:
    """Where a bed sounds that is to be lowered throughout."""
    if preset.duck is None or preset.separate is None or preset.duck.mode not in {"reduce", "remove"} or not over_bed:
        return []
    speech_lufs = float(np.median([section.speech_lufs for section in sections]))
    least_lufs = speech_lufs - preset.separate.within_lu - ALONE_MARGIN_LU
    if len(over_bed) < len(sections):
        # The steady noise stays under some phrases, so it must not go between others.
        least_lufs = max(least_lufs, floor_lufs + 2 * NOISE_MARGIN_LU)
    return passages(
        analysis.level_db,
        spans,
        [section.span for section in over_bed],
        least_lufs=least_lufs,
        rate=analysis.rate,
        length=analysis.length,
    )


ALONE_MARGIN_LU = 6.0
"""Music comes up between phrases: this much quieter than what is separated under speech, it is still the same bed."""


def _dips(
    listened: Sequence[Section], lowered: Sequence[Span], analysis: Analysis, preset: Preset
) -> Iterable[PlannedDip]:
    settings = preset.duck
    if settings is None or settings.mode == "leave":
        return
    riding = merge([section.span for section in listened], gap=round(PAUSE_S * analysis.rate))
    if settings.mode in {"duck", "auto"}:
        for span in riding:
            yield PlannedDip(span, None, f"bed rides {settings.target_lu:g} LU under each phrase")
        return
    done = "bed reduced" if settings.mode == "reduce" else "bed removed"
    free = gaps(lowered, analysis.length)
    rest = [part for gap in free for span in riding if (part := span.clip(gap.start, gap.stop)) is not None]
    dips = [PlannedDip(span, settings.throughout_db, done) for span in lowered]
    dips += [PlannedDip(span, None, f"{done}, if one is heard") for span in rest]
    yield from sorted(dips, key=lambda dip: dip.span)


def _level(preset: Preset) -> Level | None:
    if preset.loudness is None:
        return None
    return Level(preset.loudness.target_lufs, preset.loudness.ceiling_dbtp)
