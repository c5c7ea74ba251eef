"""Reverberation taken from a voice: weighted prediction error, WPE.

Late reverberation is what the past of the sound predicts of its present; speech itself is not predictable over more
than a few frames. In every frequency bin a filter over past frames is fitted that leaves the least error, each frame
weighted by the inverse of the power that the voice alone would have there, which is estimated anew in each round
(Nakatani et al., "Speech dereverberation based on variance-normalized delayed linear prediction", IEEE TASLP 18,
2010; several channels: Yoshioka and Nakatani, IEEE TASLP 20, 2012). All channels predict each channel, so that the
stereo image stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Block, Samples, Span, merge
from mediaclean.repair.records import Repair
from mediaclean.settings import Settings, setting

WINDOW_S, HOP_S = 0.032, 0.008
TOP_HZ = 12_000.0
"""Above, rooms swallow the sound by themselves."""
ROUNDS = 3
CONTEXT = 1
"""Frames on either side that the power of a frame is averaged over: one frame alone says little of it."""
FLOOR = 1e-6
"""Of the mean power of a bin: frames are not weighted by more than the inverse of this."""
LOAD = np.float32(3e-6)
"""Added to the diagonal of the filter's equations, as a share of it: more than the rounding of 32 bits, so that they
can be solved where both channels are the same sound."""
BINS = 32
"""Bins that are worked on at once, which bounds the memory."""

PART_S, OVERLAP_S = 10.0, 1.0
"""A filter is fitted to so much sound; the parts of a long row are joined by a cross-fade over the overlap."""
TAIL_S, JOIN_S, FADE_S = 0.6, 1.0, 0.02
"""Past its last word a voice still sounds in the room; rows closer together than `JOIN_S` are one."""
SHORTEST_S = 1.0
"""From less sound no filter can be learned."""


@dataclass(frozen=True)
class DereverbSettings(Settings):
    """Reverberation of the voice reduced."""

    amount: float = setting(
        0.7, "", "how much of the reverberation is taken away; 0 leaves all as it is", low=0.0, high=1.0
    )
    reach_s: float = setting(0.3, "s", "how far back the echoes of a sound are looked for", low=0.05, high=0.6)
    delay_s: float = setting(0.032, "s", "reflections earlier than this belong to the voice", low=0.016, high=0.1)


def reverberant(
    phrases: Sequence[Span], settings: DereverbSettings | None, rate: int, length: int
) -> tuple[Repair, ...]:
    """The rows of the plan: all speech with its tails, where the stage is on."""
    if settings is None or not settings.amount:
        return ()
    tail = round(TAIL_S * rate)
    spans = [Span(phrase.start, min(length, phrase.stop + tail)) for phrase in phrases]
    return tuple(
        Repair(span, "dereverb", settings.amount, "reverberation of the voice")
        for span in merge(spans, gap=round(JOIN_S * rate))
        if span.length >= SHORTEST_S * rate
    )


def wpe(spectra: NDArray[np.complex64], taps: int, delay: int, rounds: int = ROUNDS) -> NDArray[np.complex64]:
    """The spectra without what their past predicts.

    Args:
        spectra: (bins, channels, frames).
        taps: frames of the filter.
        delay: frames between the present and the youngest frame of the filter, at least 1.
        rounds: how often power and filter are estimated in turn.
    """
    from scipy.ndimage import uniform_filter1d

    bins, channels, frames = spectra.shape
    past = np.zeros((bins, taps * channels, frames), dtype=np.complex64)
    for tap in range(taps):
        shift = delay + tap
        if shift < frames:
            past[:, tap * channels : (tap + 1) * channels, shift:] = spectra[:, :, : frames - shift]
    mean = np.square(np.abs(spectra)).mean(axis=(1, 2), keepdims=True)
    clean = spectra
    for _ in range(rounds):
        power = np.square(np.abs(clean)).mean(axis=1, keepdims=True)
        power = uniform_filter1d(power, 2 * CONTEXT + 1, axis=2)
        weighted = past.conj() / np.maximum(power, FLOOR * mean + 1e-20)
        square = np.matmul(weighted, past.swapaxes(1, 2))
        cross = np.matmul(weighted, spectra.swapaxes(1, 2))
        diagonal = np.arange(square.shape[1])
        square[:, diagonal, diagonal] += LOAD * square[:, diagonal, diagonal].real + np.float32(1e-20)
        clean = spectra - np.matmul(np.linalg.solve(square, cross).swapaxes(1, 2), past)
    return clean


def dereverberated(sound: Samples, rate: int, settings: DereverbSettings) -> Samples:
    """All of the reverberation taken from a stretch of sound, (channels, n); same shape, no delay."""
    size, hop = 2 * round(WINDOW_S * rate / 2), round(HOP_S * rate)
    from scipy.fft import irfft, rfft

    window = np.sqrt(np.hanning(size + 1)[:-1]).astype(np.float32)
    count = -(-(sound.shape[1] + size) // hop)
    padded = np.pad(sound, ((0, 0), (size - hop, count * hop + size - (size - hop) - sound.shape[1])))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, ::hop]
    spectra = np.ascontiguousarray(rfft(frames * window, axis=2).transpose(2, 0, 1))
    taps, delay = max(1, round(settings.reach_s / HOP_S)), max(1, round(settings.delay_s / HOP_S))
    top = min(len(spectra), int(TOP_HZ * size / rate) + 1)
    for low in range(0, top, BINS):
        spectra[low : min(top, low + BINS)] = wpe(spectra[low : min(top, low + BINS)], taps, delay)
    parts = irfft(spectra.transpose(1, 2, 0), size, axis=2) * window
    out, weight = np.zeros(padded.shape), np.zeros(padded.shape[1])
    for number in range(parts.shape[1]):
        here = slice(number * hop, number * hop + size)
        out[:, here] += parts[:, number]
        weight[here] += np.square(window)
    inside = slice(size - hop, size - hop + sound.shape[1])
    return np.asarray(out[:, inside] / weight[inside], dtype=np.float32)


def dereverb(
    blocks: Iterable[Block],
    rows: Sequence[Repair],
    *,
    rate: int,
    settings: DereverbSettings,
    centre: int | None = None,
    cuts: Sequence[Span] = (),
    fade: int = 1,
) -> Iterator[Block]:
    """The blocks with the voice's reverberation lowered inside the rows; the bed stays what it was.

    What is worked on is the voice inside cuts, and outside of them all there is, for there nothing had to be
    separated. Rows are worked on in parts on a grid of their own, so that the sizes of the blocks do not matter; a
    row that reaches beyond the first or last block is worked on as far as it is there.

    Args:
        blocks: in order, from any position on.
        rows: sorted and disjoint.
        rate: in Hz.
        settings: reach and delay of the filter; the amount is the row's.
        centre: the channel of a surround layout that holds the voice; None works on all channels.
        cuts: what was separated.
        fade: samples over which cuts are joined to the rest.
    """
    from mediaclean.render import trapezoid

    separated = merge(cuts)
    channels = slice(None) if centre is None else slice(centre, centre + 1)
    worker = _Worker(rows, rate, settings, channels)
    held: list[Block] = []
    for block in blocks:
        weight = trapezoid(separated, fade, block.start, block.mix.shape[1])
        sound = (block.mix - weight * block.bed)[channels]
        worker.hear(block.start, np.asarray(sound, dtype=np.float32))
        held.append(block)
        while held and held[0].stop <= worker.ready:
            yield worker.changed(held.pop(0))
    worker.finish()
    for block in held:
        yield worker.changed(block)


@dataclass(frozen=True)
class _Part:
    """A piece of a row that gets a filter of its own; it is faded in and out over `fades` samples."""

    span: Span
    fades: tuple[int, int]
    amount: float


def _parts(row: Repair, rate: int) -> Iterator[_Part]:
    """Parts that overlap; where two are joined, their fades add up to 1."""
    edge, overlap, step = round(FADE_S * rate), round(OVERLAP_S * rate), round(PART_S * rate)
    span, count = row.span, max(1, round((row.span.length - OVERLAP_S * rate) / (PART_S * rate)))
    for number in range(count):
        start = span.start + number * step
        stop = span.stop if number == count - 1 else start + step + overlap
        fades = (edge if number == 0 else overlap, edge if number == count - 1 else overlap)
        yield _Part(Span(start, stop), fades, row.amount)


class _Worker:
    """Gathers the sound of each part, and keeps what is to be added to it until the blocks have gone by."""

    def __init__(self, rows: Sequence[Repair], rate: int, settings: DereverbSettings, channels: slice) -> None:
        self._parts = [part for row in rows for part in _parts(row, rate)]
        self._rate, self._settings, self._channels = rate, settings, channels
        self._sound: list[tuple[int, Samples]] = []
        self._added: list[tuple[int, Samples]] = []
        self._stop = 0

    @property
    def ready(self) -> int:
        """Up to here everything is known."""
        return min(self._parts[0].span.start, self._stop) if self._parts else self._stop

    def hear(self, start: int, sound: Samples) -> None:
        self._stop = start + sound.shape[1]
        self._sound.append((start, sound))
        while self._parts and self._parts[0].span.stop <= self._stop:
            self._work(self._parts.pop(0))
        self._forget()

    def finish(self) -> None:
        """Work on what there is of the parts that were not complete."""
        while self._parts:
            self._work(self._parts.pop(0))

    def changed(self, block: Block) -> Block:
        mix, voice = block.mix, block.voice
        for start, added in self._added:
            low, high = max(start, block.start), min(start + added.shape[1], block.stop)
            if low < high:
                if mix is block.mix:
                    mix, voice = mix.copy(), voice.copy()
                here, there = slice(low - block.start, high - block.start), slice(low - start, high - start)
                mix[self._channels, here] += added[:, there]
                voice[self._channels, here] += added[:, there]
        self._added = [(start, added) for start, added in self._added if start + added.shape[1] > block.stop]
        return block if mix is block.mix else Block(block.start, mix, voice)

    def _work(self, part: _Part) -> None:
        there = [
            (low, sound[:, low - at : high - at])
            for at, sound in self._sound
            if (low := max(at, part.span.start)) < (high := min(at + sound.shape[1], part.span.stop))
        ]
        if not there:
            return
        start, sound = there[0][0], np.concatenate([piece for _, piece in there], axis=1)
        if sound.shape[1] < SHORTEST_S * self._rate or not sound.any():
            return
        at = np.arange(start, start + sound.shape[1])
        rise, fall = (at - part.span.start + 0.5) / part.fades[0], (part.span.stop - at - 0.5) / part.fades[1]
        weight = np.clip(np.minimum(rise, fall), 0.0, 1.0) * part.amount
        less = weight * (dereverberated(sound, self._rate, self._settings) - sound)
        self._added.append((start, less.astype(np.float32)))

    def _forget(self) -> None:
        needed = self._parts[0].span.start if self._parts else self._stop
        self._sound = [(at, sound) for at, sound in self._sound if at + sound.shape[1] > needed]
