"""Where a recording's room tone can be learned: quiet, steady, not tonal, and far from speech.

The hard cases are music alone at a low level, which is quiet and may be steady but stands in peaks, and tails of
reverberation, which are quiet and peakless but fall.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import FRAME_S, Span, frame_edges
from mediaclean.settings import Settings, setting

SILENT_DB = -90.0
"""Frames below this level are digital silence: no source, and no part of any statistic."""

_PAIRS = 4  # pairs of frames of the running spectrum in which peaks are sought: a quarter of a second
_LOW_HZ, _HIGH_HZ = 200.0, 7000.0
_BANDS = 12
_BEFORE = 2  # pairs of frames before, against which the flux is taken
_NEIGHBOURS = 12  # bins to either side of a peak
_NEAR_FLOOR_DB = 2.0
_MAX_SLOPE_DB_PER_S = 15.0
_SLOPE_REACH = 4  # frames to either side
_MAX_SPREAD_DB = 3.0  # between the stretches of one tone

SPECTRUM_HZ = (60, 100, 160, 250, 360, 500, 680, 900, 1200, 1600, 2100, 2800, 3700, 4900, 6500, 7600)
"""Edges of the bands of the coarse spectrum by which ambiences are told apart."""


@dataclass(frozen=True)
class RoomToneSettings(Settings):
    """The floor of the recording: where it is learned, and where it is given back."""

    level_offset_db: float = setting(0.0, "dB", "level of the tone against the recording's own", low=-30.0, high=6.0)
    fallback_dbfs: float = setting(
        -60.0, "dBFS", "highest level of the floor that stands in where no tone can be learned", low=-90.0, high=-40.0
    )
    min_source_s: float = setting(0.25, "s", "shortest stretch to learn from", low=0.15, high=5.0)
    min_total_s: float = setting(0.5, "s", "least to learn from in all, else the floor stands in", low=0.1, high=20.0)
    max_total_s: float = setting(20.0, "s", "most to learn from in all", low=0.5, high=120.0)
    max_speech: float = setting(0.2, "", "speech probability above which a frame is no tone", low=0.0, high=1.0)
    guard_s: float = setting(0.1, "s", "distance of a source from speech, before and after", low=0.0, high=2.0)
    max_flux_db: float = setting(
        3.0, "dB", "change of the spectrum from frame to frame above which a frame is an event", low=0.5, high=20.0
    )
    max_tonality_db: float = setting(
        7.5, "dB", "height of steady spectral peaks above which a frame is music", low=1.0, high=40.0
    )
    hole_dbfs: float = setting(-90.0, "dBFS", "peak level under which sound counts as missing", low=-120.0, high=-60.0)
    min_hole_s: float = setting(0.02, "s", "shortest hole that is filled", low=0.001, high=1.0)
    crossfade_s: float = setting(0.01, "s", "fade between sound and tone at a hole's edge", low=0.005, high=0.5)
    seed: int = setting(0, "", "which of all tones that sound alike", low=0)
    same_shot: bool = setting(
        default=True, unit="", help="tone comes from the shot of the picture in which it is heard"
    )


@dataclass(frozen=True, eq=False)
class ToneFeatures:
    """What tells tone from music and events, one value per 32 ms frame.

    Attributes:
        flux_db: mean change of the level of twelve bands against the mean of the four frames before.
        tonality_db: height of the highest peaks of the last quarter second's spectrum over their surroundings.
        spectrum: level of every band of `SPECTRUM_HZ` for every second frame and the one before it, in half decibels
            above -127.5 dBFS, (frames / 2 or more, bands); empty where ambiences are not to be told apart.
    """

    flux_db: NDArray[np.float32]
    tonality_db: NDArray[np.float32]
    spectrum: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, len(SPECTRUM_HZ) - 1), np.uint8))

    def spectrum_db(self, run: Span) -> NDArray[np.float64]:
        """Levels of the bands in dBFS inside a run of frames, (rows, bands): only pairs that lie inside it."""
        return np.asarray(self.spectrum[run.start // 2 + 1 : (run.stop + 1) // 2] / 2.0 - 127.5, dtype=np.float64)


class FeatureStream:
    """Features of a mono stream, frame by frame; the same for any grouping of the frames.

    Spectra are taken of two frames at once, which resolves the notes of a chord, and at every second frame, which
    keeps the analysis cheap; the frame after shows the same values.

    Args:
        rate: in Hz, of the frames.
        frame: samples per frame.
    """

    def __init__(self, rate: int = 16000, frame: int = 512) -> None:
        frequency = np.fft.rfftfreq(2 * frame, 1.0 / rate)
        high = min(_HIGH_HZ, 0.45 * rate)
        self._range = slice(int(np.searchsorted(frequency, _LOW_HZ)), int(np.searchsorted(frequency, high)))
        bins = self._range.stop - self._range.start
        self._coarse = np.searchsorted(frequency, [min(hz, 0.5 * rate) for hz in SPECTRUM_HZ])
        self._edges = np.unique(np.geomspace(8, bins + 8, _BANDS + 1).astype(int) - 8)[:-1]
        self._window = np.hanning(2 * frame + 1)[:-1].astype(np.float32)
        self._last = np.zeros((0, frame), dtype=np.float32)
        self._past = np.zeros((0, bins), dtype=np.float32)
        self._shown = np.zeros((2, 1), dtype=np.float32)  # the last features
        self._odd = False

    def push(self, frames: NDArray[np.float32]) -> ToneFeatures:
        """Features of the next frames, (count, frame) samples."""
        if not len(frames):
            return ToneFeatures(np.zeros(0, np.float32), np.zeros(0, np.float32))
        before = self._last if len(self._last) else frames[:1]
        pairs = np.concatenate([np.concatenate([before, frames[:-1]]), frames], axis=1)[int(self._odd) :: 2]
        whole = np.fft.rfft(pairs * self._window, axis=1)
        spectra = whole[:, self._range]
        history = np.concatenate([self._past, np.square(spectra.real) + np.square(spectra.imag)])
        skip = history.shape[0] - len(pairs)
        found = np.stack([_flux(history, self._edges, skip), _tonality(history, skip)])
        shown = np.repeat(np.concatenate([self._shown, found], axis=1), 2, axis=1)
        shown = shown[:, 1 if self._odd else 2 :][:, : len(frames)]
        self._last, self._past = frames[-1:].copy(), history[-_PAIRS:]
        self._shown = shown[:, -1:]
        self._odd ^= bool(len(frames) % 2)
        return ToneFeatures(shown[0], shown[1], _coarse(whole, self._coarse))


def _coarse(spectra: NDArray[np.complexfloating], edges: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Levels of bands in half decibels above -127.5 dBFS, (rows, bands), from spectra of Hann-windowed frames."""
    size = 2 * (spectra.shape[1] - 1)
    power = np.square(spectra[:, edges[0] : edges[-1]].real) + np.square(spectra[:, edges[0] : edges[-1]].imag)
    bands = np.add.reduceat(power, (edges - edges[0])[:-1], axis=1) * (16.0 / 3.0 / size**2)
    level = 10.0 * np.log10(bands + 1e-13)
    return np.asarray(np.clip(np.round(2.0 * (level + 127.5)), 0, 255), dtype=np.uint8)


def _trailing(values: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Mean of up to `count` rows ending with each row; terms are added in one order, whatever came before."""
    total = np.zeros_like(values)
    for lag in range(min(count, values.shape[0])):
        total[lag:] += values[: values.shape[0] - lag]
    return np.asarray(total / np.minimum(np.arange(1, values.shape[0] + 1, dtype=np.float32), count)[:, None])


def _tonality(history: NDArray[np.float32], skip: int) -> NDArray[np.float32]:
    """Mean height in dB of the highest fiftieth of the bins over the mean level of their neighbours."""
    level = 10.0 * np.log10(_trailing(history, _PAIRS)[skip:] + np.float32(1e-14))
    bins = level.shape[1]
    reach = min(_NEIGHBOURS, bins // 2)
    index = np.arange(bins)
    low, high = np.maximum(index - reach, 0), np.minimum(index + reach + 1, bins)
    total = np.zeros((level.shape[0], bins + 1))
    np.cumsum(level, axis=1, dtype=np.float64, out=total[:, 1:])
    height = level - (total[:, high] - total[:, low]) / (high - low)
    top = max(1, bins // 50)
    height.partition(bins - top, axis=1)
    return np.asarray(height[:, bins - top :].mean(axis=1), dtype=np.float32)


def _flux(history: NDArray[np.float32], edges: NDArray[np.int64], skip: int) -> NDArray[np.float32]:
    """Mean absolute change in dB of the bands' levels against the four frames before."""
    bands = np.add.reduceat(history, edges, axis=1) + np.float32(1e-12)
    before = np.concatenate([bands[:1], _trailing(bands, _BEFORE)[:-1]])
    return np.asarray(np.abs(10.0 * np.log10(bands / before))[skip:].mean(axis=1), dtype=np.float32)


def choose_sources(
    level_db: NDArray[np.floating],
    speech: NDArray[np.floating],
    features: ToneFeatures,
    *,
    rate: int,
    length: int,
    settings: RoomToneSettings,
) -> list[Span]:
    """The best stretches of room tone, in order of time; empty where the recording has none.

    A frame is a candidate when it is in the lowest fifth of the frames without speech (or within 2 dB of their
    floor), no speech is near, its spectrum neither moves nor stands in peaks, and the level does not fall.
    Stretches of candidates are taken from the quietest on, until there is enough, as long as they are within 3 dB
    of the first: one tone has one level.

    Args:
        level_db: level per frame, (frames,), by any weighting.
        speech: probability of speech per frame, (frames,).
        features: of the same frames.
        rate: of the track, in Hz.
        length: of the track, in samples.
        settings: see `RoomToneSettings`.
    """
    picked = choose_frames(level_db, speech, features, settings)
    edges = (frame_edges(run.start, run.stop, rate)[[0, -1]] for run in picked)
    return [Span(*np.minimum(ends, length).tolist()) for ends in edges]


def choose_frames(
    level_db: NDArray[np.floating], speech: NDArray[np.floating], features: ToneFeatures, settings: RoomToneSettings
) -> list[Span]:
    """The same as spans of frames."""
    frames = len(level_db)
    if not frames:
        return []
    guard = round(settings.guard_s / FRAME_S)
    quiet = ~_spread(np.asarray(speech) > settings.max_speech, guard)
    sounding = np.asarray(level_db) > SILENT_DB
    eligible = quiet & ~_spread(~sounding, 1)
    if not eligible.any():
        return []
    level = _centred(np.asarray(level_db), 2)
    floor = float(np.percentile(level[eligible], 5.0))
    low = level <= max(float(np.percentile(level[eligible], 20.0)), floor + _NEAR_FLOOR_DB)
    steady = _centred(features.flux_db, 3) <= settings.max_flux_db
    flat = _lowest_ahead(features.tonality_db, 2 * _PAIRS) <= settings.max_tonality_db
    good = eligible & low & steady & flat & (np.abs(_slope(level)) <= _MAX_SLOPE_DB_PER_S)
    runs = [run for run in _runs(good) if run.length * FRAME_S >= settings.min_source_s]
    picked = _pick(runs, np.asarray(level_db), settings)
    if sum(run.length for run in picked) * FRAME_S < settings.min_total_s:
        return []
    return picked


def floor_level_dbfs(level_db: NDArray[np.floating], speech: NDArray[np.floating], settings: RoomToneSettings) -> float:
    """A level for the stand-in floor: that of the quietest twentieth of the frames, at most the setting's.

    What is quiet may still be music, so `fallback_dbfs` is an upper limit.
    """
    heard = np.asarray(level_db, dtype=np.float64)
    heard = heard[(heard > SILENT_DB) & (np.asarray(speech) <= settings.max_speech)]
    if not heard.size:
        return settings.fallback_dbfs
    return float(np.clip(np.percentile(heard, 5.0), SILENT_DB + 5.0, settings.fallback_dbfs))


def _pick(runs: list[Span], level: NDArray[np.floating], settings: RoomToneSettings) -> list[Span]:
    """The quietest runs of frames that belong together, up to the wanted length."""
    ranked = sorted(runs, key=lambda run: (_run_level(level, run), run.start))
    left = int(settings.max_total_s / FRAME_S)
    taken: list[Span] = []
    for run in ranked:
        if (
            left * FRAME_S < settings.min_source_s
            or _run_level(level, run) > _run_level(level, ranked[0]) + _MAX_SPREAD_DB
        ):
            break
        stop = min(run.stop, run.start + left)
        taken.append(Span(run.start, stop))
        left -= stop - run.start
    return sorted(taken)


def _run_level(level: NDArray[np.floating], run: Span) -> float:
    return float(np.median(level[run.start : run.stop].astype(np.float64)))


def _runs(flags: NDArray[np.bool_]) -> list[Span]:
    """Stretches of set flags as spans of frames."""
    edges = np.flatnonzero(np.diff(flags, prepend=False, append=False)).tolist()
    return [Span(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def _spread(flags: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """Flags widened by `reach` frames to both sides."""
    return np.asarray(_sums(flags, reach, np.int32) > 0)


def _centred(values: NDArray[np.floating], reach: int) -> NDArray[np.float64]:
    """Mean over `reach` frames to both sides."""
    mean = _sums(values, reach, np.float64)
    mean /= _sums(np.ones(len(values), np.int8), reach, np.int32)
    return mean


def _sums(values: NDArray[Any], reach: int, dtype: type[np.generic]) -> NDArray[Any]:
    """Sums over `reach` frames to both sides; without an index for every frame, which hours have many of."""
    total = np.zeros(len(values) + 2 * reach + 1, dtype)
    inner = total[reach + 1 :][: len(values)]
    np.cumsum(values, dtype=dtype, out=inner)
    total[reach + 1 + len(values) :] = inner[-1] if len(inner) else 0
    return np.asarray(total[2 * reach + 1 :] - total[: len(values)])


def _lowest_ahead(values: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Least of every value and the ``frames - 1`` after it: the flattest of the windows that hold a frame."""
    padded = np.concatenate([values, np.full(frames - 1, np.inf, dtype=np.float32)])
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, frames).min(axis=1))


def _slope(level: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rise in dB per second over a quarter of a second around every frame."""
    reach = _SLOPE_REACH
    padded = np.pad(level, reach, mode="edge")
    rise = padded[2 * reach :] - padded[: len(level)]
    rise /= (_sums(np.ones(len(level), np.int8), reach, np.int32) - 1).clip(1) * FRAME_S
    return rise
