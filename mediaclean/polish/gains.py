"""Rows of gains brought to sound: on the whole voice, or on a band of it by a filter without phase.

Everything here is a function of the position. The voice changes, and the mix by the same difference, so outside the
rows' spans every sample is the one that came in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Block, Samples, Span, within
from mediaclean.polish import BlockStage
from mediaclean.polish.frames import heard
from mediaclean.polish.records import VoiceGain

GRID = 16_384
"""Filters work on stretches that begin at multiples of this, whatever the size of the blocks that come in."""


def envelope(rows: Sequence[VoiceGain], ramp: int, start: int, length: int) -> NDArray[np.float32] | None:
    """The linear gain for `length` samples from `start`, shape (length,); None where it is 1 throughout.

    Inside a row's span it comes up over `ramp` samples by a raised cosine in dB, stands, and goes down again.

    Args:
        rows: sorted, disjoint.
        ramp: samples; at most half of each span.
    """
    spans = [row.span for row in rows]
    gain: NDArray[np.float32] | None = None
    for index, span in within(spans, start, start + length):
        if gain is None:
            gain = np.ones(length, dtype=np.float32)
        low, high = max(span.start, start), min(span.stop, start + length)
        at = np.arange(low, high)
        depth = np.minimum(at - span.start + 0.5, span.stop - at - 0.5) / max(1, min(ramp, span.length // 2))
        share = 0.5 - 0.5 * np.cos(np.pi * np.clip(depth, 0.0, 1.0))
        gain[low - start : high - start] = 10.0 ** (rows[index].gain_db * share / 20.0)
    return gain


def voice_gain(rows: Sequence[VoiceGain], ramp: int, centre: int | None) -> BlockStage:
    """The voice at the rows' gains.

    Args:
        rows: sorted, disjoint.
        ramp: samples.
        centre: the channel of a surround layout that holds the voice; None for all alike.
    """

    def stage(blocks: Iterator[Block]) -> Iterator[Block]:
        for block in blocks:
            gain = envelope(rows, ramp, block.start, block.mix.shape[1])
            yield block if gain is None else _moved(block, (gain - 1.0) * block.voice, centre)

    return stage


def heard_gain(
    rows: Sequence[VoiceGain], ramp: int, centre: int | None, *, cuts: Sequence[Span], fade: int
) -> BlockStage:
    """The same on what is heard: in cuts the voice, outside of them all that there is, for there a breath before a
    phrase is no part of the voice."""

    def stage(blocks: Iterator[Block]) -> Iterator[Block]:
        for block in blocks:
            gain = envelope(rows, ramp, block.start, block.mix.shape[1])
            if gain is None:
                yield block
                continue
            change = (gain - 1.0) * heard(block, cuts, fade)
            mix, voice = _added(block.mix, change, centre), _added(block.voice, (gain - 1.0) * block.voice, centre)
            yield Block(block.start, mix, voice)

    return stage


def band_gain(rows: Sequence[VoiceGain], ramp: int, centre: int | None, taps: NDArray[np.float64]) -> BlockStage:
    """A band of the voice at the rows' gains.

    Args:
        rows: sorted, disjoint.
        ramp: samples.
        centre: as in `voice_gain`.
        taps: the band's filter, symmetric, of odd length.
    """
    reach = len(taps) // 2
    spans = [row.span for row in rows]

    def stage(blocks: Iterator[Block]) -> Iterator[Block]:
        before: Samples | None = None
        held: list[Block] = []
        for block in _on_grid(blocks):
            held.append(block)
            if len(held) == 2:
                yield from work(before, held[0], held[1])
                before, held = held[0].voice[:, -reach:], held[1:]
        for block in held:
            yield from work(before, block, None)

    def work(before: Samples | None, block: Block, after: Block | None) -> Iterator[Block]:
        if not any(True for _ in within(spans, block.start, block.stop)):
            yield block
            return
        gain = envelope(rows, ramp, block.start, block.mix.shape[1])
        assert gain is not None
        tail = after.voice[:, :reach] if after is not None else block.voice[:, :0]
        padded = np.zeros((block.voice.shape[0], GRID + 2 * reach), dtype=np.float32)
        if before is not None:
            padded[:, reach - before.shape[1] : reach] = before
        whole = np.concatenate([block.voice, tail], axis=1)
        padded[:, reach : reach + whole.shape[1]] = whole
        band = _filtered(padded, taps)[:, : block.voice.shape[1]]
        yield _moved(block, (gain - 1.0) * band, centre)

    return stage


def _filtered(padded: Samples, taps: NDArray[np.float64]) -> Samples:
    """Valid part of the convolution, (channels, n - taps + 1)."""
    from scipy.signal import oaconvolve

    return np.asarray(oaconvolve(padded, taps[None], mode="valid", axes=1), dtype=np.float32)


def _on_grid(blocks: Iterator[Block]) -> Iterator[Block]:
    """The same sound in blocks that end at multiples of `GRID`."""
    held: list[Block] = []
    for block in blocks:
        while block.mix.shape[1]:
            room = GRID - (block.start % GRID)
            held.append(_part(block, 0, room))
            if held[-1].stop % GRID == 0:
                yield _joined(held)
                held = []
            block = _part(block, room, block.mix.shape[1])
    if held:
        yield _joined(held)


def _part(block: Block, low: int, high: int) -> Block:
    return Block(block.start + min(low, block.mix.shape[1]), block.mix[:, low:high], block.voice[:, low:high])


def _joined(parts: Sequence[Block]) -> Block:
    if len(parts) == 1:
        return parts[0]
    mix = np.concatenate([part.mix for part in parts], axis=1)
    return Block(parts[0].start, mix, np.concatenate([part.voice for part in parts], axis=1))


def _moved(block: Block, change: Samples, centre: int | None) -> Block:
    return Block(block.start, _added(block.mix, change, centre), _added(block.voice, change, centre))


def _added(sound: Samples, change: Samples, centre: int | None) -> Samples:
    """The sound with a change to all channels or to one; a change of exactly nothing leaves the sample as it is."""
    if centre is None:
        return np.asarray(sound + change, dtype=np.float32)
    moved = sound.copy()
    moved[centre] += change[centre]
    return moved


def high_pass(hz: float, reach: int, rate: int) -> NDArray[np.float64]:
    """A linear-phase high pass at half height at `hz`, of 2 * reach + 1 taps (windowed sinc, Hamming)."""
    taps = -_low_pass(hz, reach, rate)
    taps[reach] += 1.0
    return taps


def band_pass(low_hz: float, high_hz: float, reach: int, rate: int) -> NDArray[np.float64]:
    """A linear-phase bell between two frequencies, 1 at its height."""
    taps = _low_pass(min(high_hz, 0.45 * rate), reach, rate) - _low_pass(low_hz, reach, rate)
    return np.asarray(taps / np.abs(np.fft.rfft(taps, 8192)).max())


def _low_pass(hz: float, reach: int, rate: int) -> NDArray[np.float64]:
    at = np.arange(-reach, reach + 1)
    taps = np.sinc(2.0 * hz / rate * at) * np.hamming(2 * reach + 1)
    return np.asarray(taps / taps.sum())
