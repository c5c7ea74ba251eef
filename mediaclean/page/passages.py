"""A passage with its versions as the data that player.js and pictures.js read."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples, Span, power_to_db
from mediaclean.bed.difficulty import Passage
from mediaclean.ledger import Ledger
from mediaclean.page.marks import marks_in
from mediaclean.page.pictures import spectrogram, waveform

CURVE_STEP_S = 0.05


def passage_data(
    passage: Passage,
    rate: int,
    *,
    lufs: float | None,
    speech: Iterable[Span],
    clips: Sequence[str],
    versions: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """One passage.

    Args:
        passage: its span in samples at `rate` Hz, and why it was chosen.
        lufs: to which all versions were brought; None where there is no loudness.
        speech: phrases of the track.
        clips: data URIs of the different sounds.
        versions: of `version_data`.
    """
    return {
        "start_s": round(passage.span.start / rate, 3),
        "length_s": round(passage.span.length / rate, 6),
        "difficulty": round(passage.difficulty, 1),
        "speech_share": passage.speech_share,
        "reason": passage.reason,
        "lufs": None if lufs is None else round(lufs, 1),
        "speech": shares(speech, passage.span),
        "clips": list(clips),
        "versions": list(versions),
    }


def version_data(
    name: str,
    sound: Samples,
    rate: int,
    *,
    clip: int,
    gain_db: float,
    curve_db: Sequence[float],
    ledger: Ledger | None,
    span: Span,
    command: str = "",
) -> dict[str, Any]:
    """One version of a passage.

    Args:
        sound: as it is played, (channels, n) at `rate` Hz.
        clip: its number among the passage's clips.
        gain_db: by which it was brought to the loudness of the others.
        curve_db: the bed's gain, evenly over the passage; empty where it stays at its level.
        ledger: of the version; None where nothing was judged.
        span: of the passage, on the track's clock.
        command: the line that makes it.
    """
    return {
        "name": name,
        "clip": clip,
        "gain_db": round(gain_db, 2),
        "curve_db": list(curve_db),
        **marks_in(ledger, span),
        "command": command,
        "wave": packed(waveform(sound)),
        "spectrum": packed(spectrogram(sound, rate)),
    }


def bed_curve_db(gains: Iterable[float]) -> list[float]:
    """Linear gains of the bed in dB; empty where it stays at its level.

    >>> bed_curve_db([1.0, 0.1]), bed_curve_db([1.0, 1.0])
    ([0.0, -20.0], [])
    """
    curve = [round(float(power_to_db(gain * gain)), 1) for gain in gains]
    return curve if curve and min(curve) < 0.0 else []


def shares(spans: Iterable[Span], inside: Span) -> list[list[float]]:
    """Where spans begin and end inside another, as shares of its length.

    >>> shares([Span(5, 10), Span(30, 40)], Span(0, 20))
    [[0.25, 0.5]]
    """
    parts = (span.clip(inside.start, inside.stop) for span in spans)
    return [
        [round((part.start - inside.start) / inside.length, 5), round((part.stop - inside.start) / inside.length, 5)]
        for part in parts
        if part
    ]


def packed(picture: NDArray[np.integer[Any]]) -> str:
    """The bytes of a picture in base64."""
    return b64encode(picture.tobytes()).decode()
