"""Leave, duck, reduce or remove? Chosen for one stretch of speech from what each treatment would cost the voice.

A network that separates a voice leaves an error in it. Lowering the bed to a gain g takes the bed down by g and,
because the separated bed holds what the voice lacks, puts (1 - g) of that error into the voice. For an estimate with
the least mean square error, the error is orthogonal to the estimate, so that what is left beside a clean voice of a bed
of power B is

    (1 - g²) E + g² B

with E the power of the error; the same holds if the estimate is scaled so that the voice keeps its level. E is
predicted from how far the bed lies under the speech and how much of the band of speech it covers, and measured once
there are a voice and a bed (`bed.doubt`).

Chosen is the lightest treatment that brings the bed as far under the speech as the preset wants; none at all if what
would be gained is less than `LEAST_GAIN_DB`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from typing import Literal, get_args

from mediaclean.audio import Span
from mediaclean.bed.difficulty import CLEAR_DB, ERROR_AT_EVEN_DB, ERROR_SLOPE
from mediaclean.bed.duck import DuckSettings, gain_for_difference, heard_db

Treatment = Literal["leave", "duck", "reduce", "remove"]
TREATMENTS: tuple[Treatment, ...] = get_args(Treatment)
"""From the lightest to the heaviest."""

Bed = Literal["steady", "changing"]
BEDS: tuple[Bed, ...] = get_args(Bed)
Basis = Literal["mix", "separated"]
BASES: tuple[Basis, ...] = get_args(Basis)

NEAR_ENOUGH_LU = 0.5
"""A bed that is this close to the goal has reached it: no dip is made for less."""
LEAST_GAIN_DB = 0.5
"""What a treatment must be predicted to gain in speech over all else, or the stretch is left as it is."""
COVER_RELIEF_DB = 6.0
"""A bed beside the band of speech is told apart more easily than one inside it: the error lies this much lower."""


@dataclass(frozen=True)
class Cost:
    """What one treatment is predicted to do to a stretch of speech.

    Attributes:
        gain_db: of the bed.
        over_bed_lu: speech above the bed then, with what of it went over into the voice.
        damage_lu: how far the error that it puts into the voice lies under the voice; None where it puts in none.
        clear_lu: speech above everything else, what is left of the bed and error together.
    """

    gain_db: float
    over_bed_lu: float
    damage_lu: float | None
    clear_lu: float


@dataclass(frozen=True)
class Choice:
    """What is done to the bed under a stretch of speech, and why.

    Attributes:
        span: the stretch, in samples.
        treatment: the lightest that reaches the goal.
        gain_db: of the bed under it.
        difference_lu: speech above bed before.
        bed: whether the bed is the recording's own steady noise or changes, as music does.
        coverage: how much of the band of speech the bed covers, 0 to 1; None where it was not heard.
        basis: predicted from the mix, or measured on the separated voice and bed.
        costs: of all treatments, in the order of `TREATMENTS`.
        reason: in an editor's words.
    """

    span: Span
    treatment: Treatment
    gain_db: float
    difference_lu: float
    bed: Bed
    coverage: float | None
    basis: Basis
    costs: tuple[Cost, ...]
    reason: str


def predicted_error_lu(difference_lu: float, coverage: float | None) -> float:
    """How far the error of a separated voice is expected under it, in LU.

    Args:
        difference_lu: speech above bed.
        coverage: of the band of speech by the bed, 0 to 1; None counts as all of it.
    """
    relief = COVER_RELIEF_DB * (1.0 - (1.0 if coverage is None else coverage))
    return min(CLEAR_DB, ERROR_AT_EVEN_DB + ERROR_SLOPE * difference_lu + relief)


def leak(difference_lu: float, error_lu: float) -> float:
    """The share of the bed's amplitude that went over into the separated voice, 0 to 1.

    The error is orthogonal to the separated bed, so its scalar product with the bed is its own power E: of the bed, of
    power B, it holds E / B.
    """
    return float(min(1.0, 10.0 ** ((difference_lu - error_lu) / 10.0)))


def costs(difference_lu: float, error_lu: float, settings: DuckSettings) -> dict[Treatment, Cost]:
    """What every treatment is predicted to do. Pure.

    Args:
        difference_lu: speech above bed, as it is.
        error_lu: voice above the error of its separation.
        settings: the goal, and how far the bed may be lowered.
    """
    needed = gain_for_difference(difference_lu, 0.0, settings, leak=leak(difference_lu, error_lu))
    gains_db: dict[Treatment, float] = {
        "leave": 0.0,
        "duck": needed,
        "reduce": max(min(needed, settings.reduce_db), settings.floor_db),
        "remove": settings.floor_db,
    }
    return {name: _cost(difference_lu, error_lu, gain_db) for name, gain_db in gains_db.items()}


def _cost(difference_lu: float, error_lu: float, gain_db: float) -> Cost:
    gain, error = 10.0 ** (gain_db / 20.0), 10.0 ** (-error_lu / 10.0)
    bed = max(10.0 ** (-difference_lu / 10.0), error)  # what was separated holds at least the error
    left = (1.0 - gain * gain) * error + gain * gain * bed
    put_in = (1.0 - gain) ** 2 * error
    return Cost(
        round(gain_db, 2) + 0.0,
        round(difference_lu - heard_db(gain_db, leak(difference_lu, error_lu)), 1),
        round(-10.0 * log10(put_in), 1) if put_in > 0.0 else None,
        round(-10.0 * log10(left), 1),
    )


def choose(
    span: Span,
    difference_lu: float,
    error_lu: float,
    settings: DuckSettings,
    *,
    bed: Bed,
    coverage: float | None = None,
    basis: Basis = "mix",
) -> Choice:
    """The lightest treatment that reaches the goal. Pure; a louder bed never gets a lighter one, all else equal.

    A dip that is heard to be deeper than `reduce_db` would make a changing bed jump up between phrases, and a steady
    noise that comes and goes with the words is heard at any depth: such beds stay down, which is called to reduce, or
    to remove where even `floor_db` is not more than enough.
    """
    each = costs(difference_lu, error_lu, settings)
    needed = each["duck"].gain_db
    asked_db = gain_for_difference(difference_lu, 0.0, settings)
    dip_db = heard_db(needed, leak(difference_lu, error_lu))
    heard = "steady noise" if bed == "steady" else "the bed"
    cover = "" if coverage is None else f" and covers {coverage:.0%} of the speech band"
    lies = f"{heard} lies {difference_lu:.0f} LU under the speech{cover}"
    treatment: Treatment
    if difference_lu >= settings.target_lu - NEAR_ENOUGH_LU:
        treatment, why = "leave", f"{lies}: {settings.target_lu:g} LU are wanted"
    elif bed == "changing" and dip_db >= settings.reduce_db - 0.01:
        treatment, why = "duck", f"{lies}: {-dip_db:.0f} dB less under the words reach {settings.target_lu:g} LU"
        if basis == "separated" and dip_db - needed >= 1.0:
            why += f" ({-needed:.0f} dB of the separated bed, because some of it is in the voice)"
    elif asked_db > settings.floor_db:
        held = "it would come and go with the words" if bed == "steady" else "a dip this deep would pump"
        depth = -each["reduce"].gain_db
        treatment, why = "reduce", f"{lies}: {depth:.0f} dB less, held between phrases, because {held}"
    else:
        treatment, why = "remove", f"{lies}: all that may be taken, a trace is kept at {settings.floor_db:g} dB"
    gained_db = each[treatment].clear_lu - each["leave"].clear_lu
    if treatment != "leave" and gained_db < LEAST_GAIN_DB:
        treatment, why = "leave", f"{lies}, but separating it would cost the voice as much as it gains"
    levels = round(difference_lu, 1), bed, coverage, basis
    return Choice(span, treatment, each[treatment].gain_db, *levels, tuple(each.values()), why)
