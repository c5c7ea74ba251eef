"""The mixdown: decoded sound, the voices of the cuts, and a plan in; the new mix out.

    chunks -> split into voice and bed -> bed lowered -> room tone -> samples

Every stage is a generator over blocks and a function of the position alone, so the size of a block never matters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Block, Samples, Span, merge, within
from mediaclean.bed.duck import Dip, DuckSettings, GainCurve, curve, duck
from mediaclean.plan.make import Plan
from mediaclean.roomtone.fill import ToneFiller

Voices = Callable[[int], Samples]
"""The voice of a cut by its index: shape (channels, cut.length)."""


def trapezoid(spans: Sequence[Span], fade: int, start: int, length: int) -> NDArray[np.float32]:
    """1 inside the spans, 0 outside, with linear ramps of `fade` samples just inside their borders; shape (length,)."""
    weight = np.zeros(length, dtype=np.float32)
    for _, span in within(spans, start, start + length):
        inside = Span(max(span.start, start), min(span.stop, start + length))
        at = np.arange(inside.start, inside.stop)
        ramp = np.minimum(at - span.start + 0.5, span.stop - at - 0.5) / max(1, min(fade, span.length // 2))
        weight[inside.start - start : inside.stop - start] = np.clip(ramp, 0.0, 1.0)
    return weight


def split(chunks: Iterable[Samples], plan: Plan, voices: Voices, fade: int, *, start: int = 0) -> Iterator[Block]:
    """Tell the voice in the mix: the network's inside cuts, the whole mix in clean phrases, nothing elsewhere.

    Args:
        chunks: the track from its first sample on, (channels, n) each.
        plan: phrases and cuts.
        voices: gives each cut's voice.
        fade: samples over which the parts are joined.
        start: position of the first chunk, for a part of a track.
    """
    speech = [phrase.span for phrase in plan.phrases]
    spans = [cut.span for cut in plan.cuts]
    separated = merge(spans)  # cuts that touch are not faded: both hear the real sound on either side
    touching = [index for index in range(1, len(spans)) if spans[index - 1].stop == spans[index].start]
    for chunk in chunks:
        length = chunk.shape[1]
        voice = np.asarray(chunk * trapezoid(speech, fade, start, length), dtype=np.float32)
        weight = trapezoid(separated, fade, start, length)
        for index, span in within(spans, start, start + length):
            low, high = max(span.start, start), min(span.stop, start + length)
            here = slice(low - start, high - start)
            own = voices(index)[:, low - span.start : high - span.start]
            voice[:, here] += weight[here] * (own - voice[:, here])
        for index in touching:
            if abs(spans[index].start - start - length / 2) <= length / 2 + fade:
                _mend(voice, start, spans[index - 1 : index + 1], (voices(index - 1), voices(index)), fade)
        yield Block(start, chunk, voice)
        start += length


def _mend(voice: Samples, start: int, cuts: Sequence[Span], voices: tuple[Samples, Samples], fade: int) -> None:
    """Take out the step where two cuts touch, half of it to either side, fading over `fade` samples.

    Windows lie differently in the two cuts, so what the network answers meets some 10 to 20 dB under the voice, which
    clicks. The step is what is left of the jump without the voice's own movement, the mean of that before and after.
    """
    before, after = voices
    join, fade = cuts[0].stop, min(fade, *(cut.length // 2 for cut in cuts))
    if fade < 2:
        return
    moving = (before[:, -1] - before[:, -2] + after[:, 1] - after[:, 0]) / 2.0
    step = (after[:, 0] - before[:, -1] - moving)[:, None] / 2.0
    low, high = max(join - fade, start), min(join + fade, start + voice.shape[1])
    if low < high:
        at = np.arange(low, high) - join
        share = 0.5 + 0.5 * np.cos(np.pi * (np.abs(at + 0.5) - 0.5) / fade)
        voice[:, low - start : high - start] += (step * np.where(at < 0, share, -share)).astype(np.float32)


def bed_curve(plan: Plan, settings: DuckSettings | None, rate: int) -> GainCurve:
    """The gain curve of a plan whose dips all have their gains."""
    dips = [Dip(dip.span, dip.gain_db) for dip in plan.dips if dip.gain_db is not None and dip.gain_db < 0.0]
    return curve(dips, settings or DuckSettings(), rate)


@dataclass(frozen=True)
class CleanSpeech:
    """Where all that sounds counts as voice, as `split` has it: in phrases that are not separated there is no bed, so
    no gain of the bed takes anything of their room."""

    phrases: Sequence[Span]
    cuts: Sequence[Span]
    fade: int

    @classmethod
    def of(cls, plan: Plan, fade: int) -> CleanSpeech:
        """That of a plan."""
        return cls([phrase.span for phrase in plan.phrases], merge(cut.span for cut in plan.cuts), fade)

    def room_gain(self, gain: NDArray[np.float32], start: int) -> NDArray[np.float32]:
        """What is left of the room's amplitude from a position on, where the bed stands at a gain; shapes (n,)."""
        clean = trapezoid(self.phrases, self.fade, start, len(gain))
        clean *= 1.0 - trapezoid(self.cuts, self.fade, start, len(gain))
        return np.asarray(1.0 - (1.0 - gain) * (1.0 - clean), dtype=np.float32)


def mixdown(
    blocks: Iterable[Block], gains: GainCurve, filler: ToneFiller | None, clean: CleanSpeech
) -> Iterator[Samples]:
    """Lower the bed and give back what that takes of the room: samples of shape (channels, n), one chunk per block."""
    for block, gain, mixed in duck(blocks, gains):
        yield mixed if filler is None else filler.apply(mixed, block.start, clean.room_gain(gain, block.start))
