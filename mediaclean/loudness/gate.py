"""The dialogue gate: how loud the speech of a programme is, with an error bar.

The loudness of the 400 ms blocks that a speech detector marks, after BS.1770-1, that is without a relative gate. Two
figures come of it. `gated_lufs` is what a dialogue-gated meter shows: everything that sounds during speech. `lufs` is
the speech itself: from the voice stem where a separation made one, else with the power of the bed taken off, which is
learnt in the pauses around each block, and without blocks in which hardly any voice is left. With music 5 dB under the
speech the first lies 1.2 LU over the second.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import FRAME_S
from mediaclean.loudness.kweight import Powers, lufs_to_power, power_to_lufs
from mediaclean.loudness.meter import ABSOLUTE_GATE_LUFS, window_means
from mediaclean.settings import Settings, setting

_BLOCK, _HOP = 12, 3
"""Blocks of 384 ms with 75 % overlap, the nearest that whole frames allow to 400 ms."""

_WINDOW = 94
"""Frames of a short-term window of 3 s."""

_PAUSE = 16.0
"""A block 12 dB below the speech is none; on clean speech this lands within 0.2 LU of its integrated loudness."""

_BED_DOUBT = (0.5, 2.0)
"""How far the bed in the pauses may be off the bed under the words, as factors of power, for the error bar."""

_UNHEARD_BED = 0.5
"""The least share of the programme's power that is taken for speech where no pause shows the bed."""


@dataclass(frozen=True)
class GateSettings(Settings):
    """Which blocks count as dialogue."""

    threshold: float = setting(0.5, "probability", "a frame is speech from here on", low=0.01, high=0.99)
    spread: float = setting(0.3, "probability", "how far the error bar moves the threshold", low=0.0, high=0.49)
    bed_below: float = setting(0.1, "probability", "frames below tell the level of the bed", low=0.0, high=0.5)
    bed_reach_s: float = setting(8.0, "s", "how far around a block the bed is looked for", low=0.5, high=60)


@dataclass(frozen=True)
class DialogueLoudness:
    """What the gate found. Loudness is None where no block is speech.

    Attributes:
        lufs: loudness of the speech itself.
        gated_lufs: loudness of everything during speech, as a dialogue-gated meter reads it.
        share: speech blocks among all blocks, 0 to 1.
        low_lufs, high_lufs: the error bar of `lufs` over the detector's threshold and, where a bed was taken off, its
            uncertainty.
        range_lu: loudness range of the dialogue: 10th to 95th percentile over the 3 s windows that are mostly speech.
        bed_lufs: the bed under the speech; None where it was not heard.
        source: what `lufs` rests on: the separated ``voice`` (where its bed is given and pauses are heard, the mean in
            decibels of its figure and that of ``less-bed``), the mix ``less-bed``, or the whole ``mix`` because
            no pause lets the bed be heard, so that it is an upper bound.
    """

    lufs: float | None
    gated_lufs: float | None
    share: float
    low_lufs: float | None
    high_lufs: float | None
    range_lu: float | None
    bed_lufs: float | None
    source: Literal["voice", "less-bed", "mix"]

    def to_json(self) -> dict[str, Any]:
        """Plain data, rounded to a thousandth."""
        return {key: round(v, 3) if isinstance(v, float) else v for key, v in asdict(self).items()}


def dialogue_loudness(
    probability: NDArray[np.float32],
    powers: Powers,
    *,
    voice_powers: Powers | None = None,
    bed_powers: Powers | None = None,
    settings: GateSettings | None = None,
) -> DialogueLoudness:
    """Loudness of the dialogue.

    Args:
        probability: of speech per 32 ms frame, shape (frames,).
        powers: of the programme per frame, as `kweight.FrameLevels` gives them, shape (frames,).
        voice_powers: of the separated voice per frame, where there is one.
        bed_powers: of the separated bed, which is the programme less the voice. With it the voice's power is taken as
            its product with the programme, (mix + voice - bed) / 2: a separator dampens the voice where a bed covers
            it, which halves the error in decibels of the product against that of the square.
        settings: the gate's.
    """
    settings = settings or GateSettings()
    count = min(len(probability), len(powers))
    probability, powers = probability[:count], powers[:count]
    mix = _blocks(powers)
    speech = _speech_blocks(probability, settings.threshold) & (mix > lufs_to_power(ABSOLUTE_GATE_LUFS))
    if not speech.any():
        return DialogueLoudness(None, None, 0.0, None, None, None, None, "mix")
    bed = _bed(probability, powers, settings)
    doubtful = [_speech_blocks(probability, settings.threshold + by) for by in (-settings.spread, settings.spread)]
    readings = []
    if voice_powers is not None:
        product = voice_powers if bed_powers is None else (powers + voice_powers[:count] - bed_powers[:count]) / 2
        readings.append(_blocks(product[:count]))
    if bed is not None and (voice_powers is None or bed_powers is not None):
        readings.append(mix - bed)
    if not readings:
        readings.append(mix)
    figures = [_loudness(voice, mix, blocks) for voice in readings for blocks in (speech, *doubtful)]
    lufs = float(np.mean(figures[::3]))
    if voice_powers is None:
        doubts = [mix * _UNHEARD_BED] if bed is None else [mix - factor * bed for factor in _BED_DOUBT]
        figures += [_loudness(voice, mix, speech) for voice in doubts]
    return DialogueLoudness(
        lufs=lufs,
        gated_lufs=float(power_to_lufs(mix[speech].mean())),
        share=float(speech.mean()),
        low_lufs=min(figures),
        high_lufs=max(figures),
        range_lu=_range(probability, powers, settings.threshold),
        bed_lufs=None if bed is None else float(power_to_lufs(bed[speech].mean())),
        source="voice" if voice_powers is not None else "mix" if bed is None else "less-bed",
    )


def _blocks(frames: NDArray[Any]) -> NDArray[np.float64]:
    """Means over blocks; a programme shorter than one block is one block."""
    if len(frames) < _BLOCK:
        return np.array([frames.mean()]) if len(frames) else np.zeros(0)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(frames, _BLOCK)[::_HOP].mean(axis=1), dtype=np.float64)


def _speech_blocks(probability: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
    """Blocks at least half of whose frames are speech."""
    return _blocks(probability >= threshold) >= 0.5


def _range(probability: NDArray[np.float32], powers: Powers, threshold: float) -> float | None:
    windows = window_means(powers, _WINDOW)
    spoken = window_means((probability >= threshold).astype(np.float64), _WINDOW) >= 0.5
    levels = power_to_lufs(windows[spoken & (windows > lufs_to_power(ABSOLUTE_GATE_LUFS))])
    if not len(levels):
        return None
    low, high = np.percentile(levels, [10, 95], method="nearest")
    return float(high - low)


def _loudness(voice: Powers, mix: Powers, speech: NDArray[np.bool_]) -> float:
    """Mean of the voice over the speech blocks without those more than 12 LU below it, in which the detector was
    wrong or the speaker paused. What is taken off never leaves less than a hundredth of the mix."""
    if not speech.any():
        speech = np.ones(len(mix), dtype=bool)
    heard = voice[speech]
    floor = mix[speech].mean() / 100
    heard = heard[heard > max(heard.mean(), floor) / _PAUSE]
    return float(power_to_lufs(max(heard.mean(), floor) if len(heard) else floor))


def _bed(probability: NDArray[np.float32], powers: Powers, settings: GateSettings) -> Powers | None:
    """Power of the bed per block: the mean of the quiet frames within reach, farther ones where there are none;
    None where there are hardly any at all."""
    quiet = probability < settings.bed_below
    # the frames beside speech hold its onsets and its reverberation
    quiet &= ~_grown(probability >= settings.bed_below, before=3, after=8)
    if quiet.sum() < 16:
        return None
    sums = np.concatenate([[0.0], np.cumsum(np.where(quiet, powers, 0.0))])
    counts = np.concatenate([[0], np.cumsum(quiet)])
    centres = np.arange(len(_blocks(powers))) * _HOP + _BLOCK // 2
    bed = np.full(len(centres), np.nan)
    reach = round(settings.bed_reach_s / FRAME_S)
    while np.isnan(bed).any():
        low, high = np.maximum(centres - reach, 0), np.minimum(centres + reach, len(powers))
        heard = counts[high] - counts[low]
        found = np.isnan(bed) & (heard >= 16)
        bed[found] = (sums[high] - sums[low])[found] / heard[found]
        reach *= 2
    return bed


def _grown(marked: NDArray[np.bool_], *, before: int, after: int) -> NDArray[np.bool_]:
    """Marks spread over so many frames before and after."""
    padded = np.pad(marked, (after, before))
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, before + after + 1).any(axis=1))
