"""To the target: the gain, the check of the finished file, and the next try.

Everything but `normalise` is pure. The story of a run is: measure the mixdown, `gain_to_target`, render through
`normalise`, encode, decode and measure the result, `correct`; where that answers with a gain, render again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from mediaclean.audio import Samples, db_to_gain
from mediaclean.loudness.floor import lowered, too_noisy
from mediaclean.loudness.limiter import LimiterSettings, LimiterStats, limit
from mediaclean.loudness.meter import Loudness
from mediaclean.settings import Settings, setting

Anchor: TypeAlias = Literal["programme", "dialogue", "rms"]
Reason: TypeAlias = Literal["target", "silent", "max-gain", "max-limiting", "fallback"]


@dataclass(frozen=True)
class LoudnessSettings(Settings):
    """The level of the finished file."""

    target_lufs: float = setting(-16.0, "LUFS", "loudness to reach", low=-40, high=-5)
    ceiling_dbtp: float = setting(-1.0, "dBTP", "true peak not to exceed", low=-20, high=0)
    mode: Literal["programme", "dialogue", "range", "rms"] = setting(
        "programme",
        "",
        "what is brought to the target: programme, its dialogue, the programme with less range, or its plain RMS",
    )
    tolerance_lu: float = setting(0.2, "LU", "distance from the target that counts as reached", low=0.05, high=3)
    max_gain_db: float = setting(30.0, "dB", "largest gain; quieter files stay under the target", low=0, high=60)
    max_limiting_db: float = setting(12.0, "dB", "deepest limiting that is still harmless", low=0, high=30)
    rank_first: Literal["target", "sound"] = setting(
        "target", "", "what wins where the target needs deeper limiting than max_limiting_db"
    )
    min_dialogue_share: float = setting(
        0.15, "", "least share of speech for which dialogue mode measures the dialogue", low=0, high=1
    )
    fallback_lufs: float | None = setting(
        None,
        "LUFS",
        "programme loudness to reach instead where there is too little speech; default the target",
        low=-40,
        high=-5,
    )
    target_rms_dbfs: float = setting(-20.0, "dBFS", "rms mode: plain level to reach", low=-60, high=0)
    least_rms_dbfs: float | None = setting(
        None, "dBFS", "rms mode: plain level to go down to where the noise floor would come too high", low=-60, high=0
    )
    max_floor_dbfs: float | None = setting(
        None, "dBFS", "rms mode: noise floor for which the level goes down to least_rms_dbfs", low=-90, high=-20
    )
    max_range_lu: float | None = setting(None, "LU", "range mode: largest loudness range", low=3, high=40)
    max_short_term_lufs: float | None = setting(
        None, "LUFS", "range mode: largest short-term loudness", low=-40, high=0
    )
    max_momentary_lufs: float | None = setting(None, "LUFS", "range mode: largest momentary loudness", low=-40, high=0)
    max_ride_db: float = setting(6.0, "dB", "range mode: how far a phrase is moved at most", low=0, high=12)
    ride_ramp_s: float = setting(
        2.0, "s", "range mode: time over which the level moves between phrases", low=0.5, high=10
    )


@dataclass(frozen=True)
class Gain:
    """What the finish does to the mixdown.

    Attributes:
        gain_db: static gain.
        ceiling_dbtp: the limiter's ceiling; lower than the delivery's after a codec overshot.
        reason: ``target``: the target is within reach; ``silent``: nothing to measure, gain 0; ``max-gain``: held at
            the largest gain; ``max-limiting``: held back, or limited deeper than harmless, by `rank_first`;
            ``fallback``: too little speech, the programme was taken.
        note: a sentence for the report, or "".
        target: the level that this gain aims at, in LUFS, or in dBFS for the anchor ``rms``; None for silence.
        anchor: what that level is measured on.
        tries: how often the file was rendered with a gain before this one.
        seen: gain and loudness of the try before, if there was one with the same ceiling.
    """

    gain_db: float
    ceiling_dbtp: float
    reason: Reason
    note: str = ""
    target: float | None = None
    anchor: Anchor = "programme"
    tries: int = 0
    seen: tuple[float, float] | None = None

    @property
    def changes(self) -> bool:
        """False where gain 0 leaves the sound as it is (the limiter may still act)."""
        return self.gain_db != 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain data, decibels rounded to a thousandth."""
        return {
            key: round(value, 3) if isinstance(value, float) else value
            for key, value in dataclasses.asdict(self).items()
        }


MAX_TRIES = 5
_ACCEPTED_LU = 0.1
_STEP_UNDER_DB = 0.05
_FUTILE_SLOPE = 0.33


def gain_to_target(
    measured: Loudness,
    settings: LoudnessSettings,
    *,
    dialogue_lufs: float | None = None,
    dialogue_share: float = 1.0,
    rms_dbfs: float | None = None,
    floor_dbfs: float | None = None,
) -> Gain:
    """The static gain that takes a mixdown to its target.

    Args:
        measured: the mixdown's figures.
        settings: target, ceiling and what to do where they are out of reach.
        dialogue_lufs: loudness of the dialogue, None where there is none or it was not measured.
        dialogue_share: share of the duration that is speech.
        rms_dbfs, floor_dbfs: plain level and noise floor, None where they were not measured; for rms mode.
    """
    anchor, target = _anchor(settings, dialogue_lufs, dialogue_share)
    level = _level(anchor, measured, dialogue_lufs, rms_dbfs)
    if level is None or measured.true_peak_dbtp <= -100:
        note = "The sound is too quiet, or too short (under 0.4 s), to measure; its level is left as it is."
        return Gain(0.0, settings.ceiling_dbtp, "silent", note)
    asked, target = target, _for_floor(target, level, floor_dbfs, settings)
    gain_db, note = target - level, ""
    reason: Reason = "target"
    if target < asked:
        note = f"The level is {asked - target:.1f} dB under its target to keep the noise floor down."
    if settings.mode == "dialogue" and anchor == "programme":
        reason = "fallback"
        note = f"Only {dialogue_share:.0%} of the file is speech, so the whole programme sets the level."
    if gain_db > settings.max_gain_db:
        gain_db, reason = settings.max_gain_db, "max-gain"
        note = f"The target would need {target - level:+.1f} dB; the gain stays at max_gain_db, {gain_db:+.1f} dB."
    over = measured.true_peak_dbtp + gain_db - settings.ceiling_dbtp
    if over > settings.max_limiting_db:
        held = max(0.0, gain_db - (over - settings.max_limiting_db)) if gain_db > 0 else gain_db
        if settings.rank_first == "sound" and held < gain_db:
            note = f"The target would need {over:.1f} dB of limiting; the level stays {gain_db - held:.1f} LU under it."
            gain_db = held
        else:
            note = f"Peaks are limited by more than max_limiting_db, {settings.max_limiting_db:g} dB; listen to it."
        reason = "max-limiting"
    return Gain(gain_db, settings.ceiling_dbtp, reason, note, level + gain_db, anchor)


def correct(
    gain: Gain,
    measured_after: Loudness,
    settings: LoudnessSettings,
    *,
    dialogue_lufs: float | None = None,
    rms_dbfs: float | None = None,
    floor_dbfs: float | None = None,
) -> Gain | None:
    """The next try after the finished file was decoded and measured, or None where it is good or as good as it
    gets.

    Limiting takes loudness away, which more gain gives back; a lossy codec lifts peaks, for which the limiter's
    ceiling comes down by the overshoot.

    Args:
        gain: what the file was rendered with.
        measured_after: figures of the decoded file.
        settings: as for `gain_to_target`.
        dialogue_lufs, rms_dbfs: loudness of its dialogue, or its plain level, where `gain.anchor` says so.
        floor_dbfs: its noise floor, for rms mode.
    """
    level = _level(gain.anchor, measured_after, dialogue_lufs, rms_dbfs)
    if level is not None and gain.target is not None:
        gain = dataclasses.replace(gain, target=_for_floor(gain.target, level, floor_dbfs, settings))
    over_db = measured_after.true_peak_dbtp - settings.ceiling_dbtp
    missing_lu = 0.0 if level is None or gain.target is None else gain.target - level
    accepted_lu = min(_ACCEPTED_LU, settings.tolerance_lu)
    if gain.tries + 1 >= MAX_TRIES or (abs(missing_lu) <= accepted_lu and over_db <= 0):
        return None
    ceiling_dbtp = gain.ceiling_dbtp
    if over_db > 0:
        ceiling_dbtp -= over_db + _STEP_UNDER_DB
    elif missing_lu > accepted_lu and gain.tries + 2 < MAX_TRIES:
        # the ceiling was lowered for one moment of the encoder and may have been lowered too far
        ceiling_dbtp = min(settings.ceiling_dbtp, ceiling_dbtp - over_db / 2)
    gain_db = gain.gain_db
    if abs(missing_lu) > accepted_lu and (missing_lu < 0 or _may_rise(gain, missing_lu, settings)):
        gain_db = min(gain_db + missing_lu / _slope(gain, missing_lu), max(gain.gain_db, settings.max_gain_db))
    if gain_db == gain.gain_db and ceiling_dbtp == gain.ceiling_dbtp:
        return None
    seen = None if level is None or ceiling_dbtp != gain.ceiling_dbtp else (gain.gain_db, level)
    return dataclasses.replace(gain, gain_db=gain_db, ceiling_dbtp=ceiling_dbtp, tries=gain.tries + 1, seen=seen)


def shortfall(
    gain: Gain,
    measured_after: Loudness,
    settings: LoudnessSettings,
    *,
    dialogue_lufs: float | None = None,
    rms_dbfs: float | None = None,
    floor_dbfs: float | None = None,
) -> str:
    """A sentence for the report where the finished file misses target or ceiling or is too noisy, else ""."""
    level = _level(gain.anchor, measured_after, dialogue_lufs, rms_dbfs)
    if measured_after.true_peak_dbtp > settings.ceiling_dbtp:
        over_db = measured_after.true_peak_dbtp - settings.ceiling_dbtp
        return f"The finished file reaches {measured_after.true_peak_dbtp:.1f} dBTP, {over_db:.1f} dB over the ceiling."
    if level is None or gain.target is None or abs(level - gain.target) <= settings.tolerance_lu:
        return too_noisy(floor_dbfs, settings.max_floor_dbfs) if settings.mode == "rms" else ""
    side = "under" if level < gain.target else "over"
    unit = "dB RMS" if gain.anchor == "rms" else "LUFS"
    return (
        f"The finished file has {level:.1f} {unit}, {abs(level - gain.target):.1f} {unit[:2]} {side} the target; "
        "its peaks stand too far above its loudness for the ceiling."
    )


def normalise(
    chunks: Iterable[Samples],
    rate: int,
    gain: Gain,
    *,
    limiter: LimiterSettings | None = None,
    stats: LimiterStats | None = None,
) -> Iterator[Samples]:
    """The mixdown at its level: static gain, then the limiter.

    Args:
        chunks: shape (channels, n).
        rate: sample rate in Hz.
        gain: from `gain_to_target` or `correct`.
        limiter: the limiter's settings.
        stats: filled while the stream runs.
    """
    factor = np.float32(db_to_gain(gain.gain_db))
    lifted = (chunk * factor for chunk in chunks) if gain.changes else chunks
    return limit(lifted, rate, ceiling_dbtp=gain.ceiling_dbtp, settings=limiter, stats=stats)


def _may_rise(gain: Gain, missing_lu: float, settings: LoudnessSettings) -> bool:
    """Whether more gain is worth trying: not where the preset ranks sound first and the limit of its limiting is
    reached, and not once a decibel of gain brings less than a third of one."""
    if gain.reason == "max-limiting" and settings.rank_first == "sound":
        return False
    return gain.gain_db < settings.max_gain_db and _slope(gain, missing_lu) > _FUTILE_SLOPE


def _slope(gain: Gain, missing_lu: float) -> float:
    """How much loudness the next decibel of gain brings: the secant through two tries; after one, a guess from
    the loudness that limiting took (speech limited by 4 to 9 dB behaves so)."""
    if gain.seen is None or gain.target is None or abs(gain.gain_db - gain.seen[0]) < 0.02:
        return 1.0 - 0.43 * min(max(missing_lu, 0.0), 1.2)
    return min(1.0, max(_FUTILE_SLOPE, (gain.target - missing_lu - gain.seen[1]) / (gain.gain_db - gain.seen[0])))


def _anchor(settings: LoudnessSettings, dialogue_lufs: float | None, dialogue_share: float) -> tuple[Anchor, float]:
    """What to measure on, and where it should be."""
    if settings.mode == "rms":
        return "rms", settings.target_rms_dbfs
    if settings.mode != "dialogue":
        return "programme", settings.target_lufs
    if dialogue_lufs is not None and dialogue_share > settings.min_dialogue_share:
        return "dialogue", settings.target_lufs
    return "programme", settings.target_lufs if settings.fallback_lufs is None else settings.fallback_lufs


def _for_floor(target: float, level: float, floor_dbfs: float | None, settings: LoudnessSettings) -> float:
    limit, least = settings.max_floor_dbfs, settings.least_rms_dbfs
    if settings.mode != "rms" or limit is None or least is None or floor_dbfs is None:
        return target
    return lowered(target, level, floor_dbfs, limit_dbfs=limit, least_dbfs=least)


def _level(anchor: Anchor, measured: Loudness, dialogue_lufs: float | None, rms_dbfs: float | None) -> float | None:
    """What was measured on the anchor."""
    return {"programme": measured.integrated_lufs, "dialogue": dialogue_lufs, "rms": rms_dbfs}[anchor]
