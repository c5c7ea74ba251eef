"""Phrases to subtitle cues, timed by the rules that captioners are checked by, and cues to WebVTT and SubRip.

Times are kept as whole frames of the picture (whole milliseconds where it has no constant rate), so every rule is
exact. In order of rank, where two cannot both hold:

1. cues are in order, and a gap of two frames lies between them;
2. no cue reaches outside the media;
3. a cue lasts 5/6 s to 7 s;
4. it comes on within three frames of the voice;
5. it stays on until the voice ends, and at most twelve frames longer.

So a short phrase without room of its own is joined to its neighbour, a long one is split where the voice is weakest,
and a voice at the very end of the media comes on early. What a cue had to give up is named in `Cue.exceptions`.
Numbers: Netflix, Timed Text Style Guide, General Requirements and Subtitle Timing Guidelines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Span
from mediaclean.cues.layout import Grid, Piece, Voice, chain, cut, group
from mediaclean.cues.shots import Shots
from mediaclean.cues.split import Places
from mediaclean.settings import Settings, setting

NOMINAL_FPS = Fraction(24)
"""How long a frame is taken to be where the picture has no constant rate."""

MIN_FPS = 12
"""Slower pictures (slides) are too coarse a grid for cues; they are timed in milliseconds."""


@dataclass(frozen=True)
class CueSettings(Settings):
    """Timing of subtitle cues."""

    min_s: float = setting(5 / 6, "s", "shortest cue", low=0.2, high=2.0)
    max_s: float = setting(7.0, "s", "longest cue", low=6.0, high=20.0)
    gap_frames: int = setting(2, "frames", "gap between cues", low=0, high=12)
    lead_frames: int = setting(3, "frames", "how far a cue may come on from the voice", low=0, high=12)
    run_on_frames: int = setting(12, "frames", "how far a cue may stay on after the voice", low=0, high=48)
    at_cuts: bool = setting(
        default=True, unit="", help="cues near a cut of the picture come on with it, or go off two frames before it"
    )
    placeholder: str = setting("[speech {n}]", "", "text of a cue until a captioner writes it; {n} is its number")


@dataclass(frozen=True)
class Cue:
    """A subtitle cue.

    Attributes:
        start_s, stop_s: exact times on the picture's clock; the cue is on for ``start_s <= t < stop_s``.
        confidence: that this is speech, 0 to 1, over the phrases in it.
        text: a placeholder, never empty.
        exceptions: rules of lower rank that gave way: ``early``, ``late``, ``short``, ``long tail``, ``cut off``.
    """

    start_s: Fraction
    stop_s: Fraction
    confidence: float
    text: str
    exceptions: tuple[str, ...] = ()


def make_cues(
    phrases: Sequence[Span],
    confidence: Sequence[float],
    *,
    rate: int,
    length: int,
    frame_rate: Fraction | None,
    settings: CueSettings | None = None,
    levels: NDArray[np.floating] | None = None,
    shot_changes: Sequence[Fraction] = (),
    origin_s: Fraction = Fraction(0),
) -> list[Cue]:
    """One cue per phrase where the rules allow it.

    Args:
        phrases: stretches of speech, in samples.
        confidence: of every phrase, 0 to 1.
        rate: of the samples, in Hz.
        length: of the media, in samples.
        frame_rate: of the picture, exact (30000/1001); None for sound alone or a variable rate
            (`media.constant_rate`): milliseconds.
        settings: see `CueSettings`.
        levels: how strong the voice is in every 32 ms frame (a level or a probability); long phrases are split
            where it is low.
        shot_changes: times of picture cuts on the picture's clock, to which cues snap; empty for none.
        origin_s: where sample 0 lies on the picture's clock.

    Returns:
        Cues in order. Every phrase is covered by a cue, but for the gap at a split.
    """
    settings = settings or CueSettings()
    grid = _grid(settings, frame_rate, Fraction(length, rate) + origin_s)
    voices = _voices(phrases, rate, origin_s, grid)
    places = Places(grid.tick_s, levels, origin_s)
    groups = group(voices, grid)
    if not groups:
        return []
    limits = [*(later.start - grid.gap for later in groups[1:]), grid.end]
    pieces = [piece for joined, limit in zip(groups, limits, strict=True) for piece in cut(joined, limit, grid, places)]
    chain(pieces, grid)
    if shot_changes:
        cuts = sorted({round(time / grid.tick_s) for time in shot_changes})
        shots = Shots(cuts, round(Fraction(1, 2) / grid.tick_s))
        shots.snap(pieces, least=grid.least, most=grid.most, gap=grid.gap, end=grid.end)
    trust = _Trust(phrases, confidence, rate, origin_s, grid)
    return [
        Cue(
            piece.start * grid.tick_s,
            piece.stop * grid.tick_s,
            trust(piece),
            settings.placeholder.replace("{n}", str(number)),
            _exceptions(piece, grid),
        )
        for number, piece in enumerate(pieces, 1)
    ]


def to_vtt(cues: Sequence[Cue]) -> str:
    """WebVTT (W3C), UTF-8, LF: cues by number. Times are cut to the millisecond, so no frame is missed or gained."""
    blocks = [
        f"{number}\n{_clock(cue.start_s, '.')} --> {_clock(cue.stop_s, '.')}\n{_escaped(cue.text)}\n"
        for number, cue in enumerate(cues, 1)
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def to_srt(cues: Sequence[Cue]) -> str:
    """SubRip, UTF-8 without a byte order mark, CRLF as the program that the format is named after writes it."""
    blocks = [
        f"{number}\n{_clock(cue.start_s, ',')} --> {_clock(cue.stop_s, ',')}\n{cue.text}\n"
        for number, cue in enumerate(cues, 1)
    ]
    return "\n".join(blocks).replace("\n", "\r\n")


def _clock(seconds: Fraction, point: str) -> str:
    """``HH:MM:SS.mmm``; cut, not rounded: a cue that is late by half a millisecond misses its first frame."""
    whole, milli = divmod(floor(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{milli:03}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _grid(settings: CueSettings, frame_rate: Fraction | None, end_s: Fraction) -> Grid:
    on_frames = frame_rate is not None and frame_rate >= MIN_FPS
    tick_s = 1 / frame_rate if on_frames and frame_rate else Fraction(1, 1000)
    frame_s = tick_s if on_frames else 1 / NOMINAL_FPS
    exact = Fraction(5, 6) if settings.min_s == 5 / 6 else Fraction(settings.min_s)
    return Grid(
        tick_s,
        least=max(1, ceil(exact / tick_s)),
        most=floor(Fraction(settings.max_s) / tick_s),
        gap=ceil(settings.gap_frames * frame_s / tick_s),
        lead=floor(settings.lead_frames * frame_s / tick_s),
        run_on=floor(settings.run_on_frames * frame_s / tick_s),
        end=max(0, floor(end_s / tick_s)),
    )


def _voices(phrases: Sequence[Span], rate: int, origin_s: Fraction, grid: Grid) -> list[Voice]:
    """Phrases in ticks, inside the media, in order, none touching another."""
    voices: list[Voice] = []
    for span in sorted(phrases):
        start = min(max(0, grid.down(Fraction(span.start, rate) + origin_s)), grid.end - 1)
        stop = min(grid.up(Fraction(span.stop, rate) + origin_s), grid.end)
        outside = grid.down(Fraction(span.start, rate) + origin_s) > grid.end
        if not span.length or stop <= 0 or start < 0 or outside:
            continue
        if voices and start <= voices[-1].stop:
            voices[-1] = Voice(voices[-1].start, max(voices[-1].stop, stop))
        else:
            voices.append(Voice(start, max(stop, start + 1)))
    return voices


class _Trust:
    """Confidence of a piece: that of its phrases, each by how much of it is inside."""

    def __init__(
        self, phrases: Sequence[Span], confidence: Sequence[float], rate: int, origin_s: Fraction, grid: Grid
    ) -> None:
        scale = 1.0 / (rate * float(grid.tick_s))
        shift = float(origin_s / grid.tick_s)
        starts = np.array([span.start for span in phrases]) * scale + shift
        stops = np.array([span.stop for span in phrases]) * scale + shift
        self._starts = np.minimum(starts, grid.end - 1)
        self._stops = np.minimum(np.ceil(stops), grid.end)
        self._values = np.asarray(confidence, dtype=np.float64)

    def __call__(self, piece: Piece) -> float:
        inside = np.minimum(self._stops, piece.voice_stop) - np.maximum(self._starts, piece.voice_start)
        weight = np.maximum(inside, 0.0)
        return round(float(weight @ self._values / weight.sum()), 3) if weight.sum() > 0.0 else 0.0


def _exceptions(piece: Piece, grid: Grid) -> tuple[str, ...]:
    broken = {
        "early": piece.voice_start - piece.start > max(0, grid.lead - 1),
        "late": piece.start - piece.voice_start > grid.lead,
        "short": piece.stop - piece.start < grid.least,
        "long tail": piece.stop - piece.voice_stop > grid.run_on,
        "cut off": piece.voice_stop - piece.stop > grid.gap,
    }
    return tuple(name for name, holds in broken.items() if holds)
