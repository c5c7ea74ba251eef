"""Clicks that are put in, found and mended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pystoi import stoi

from benchmarks.mending.recordings import Recording, ratio_db, repaired
from mediaclean.audio import Samples
from mediaclean.repair.chain import RepairSettings
from mediaclean.repair.clicks import DeclickSettings

CLICK_LEVELS_DB = (-30.0, -24.0, -18.0, -12.0, -6.0)


def click(kind: str, rate: int, chance: np.random.Generator) -> NDArray[np.float64]:
    """A spike of up to three samples, a crackle of a millisecond, or the two resonances of a mouth."""
    if kind == "spike":
        return np.asarray(chance.choice([-1.0, 1.0]) * np.ones(int(chance.integers(1, 4))))
    at = np.arange(round((0.001 if kind == "crackle" else 0.004) * rate)) / rate
    if kind == "crackle":
        wave = chance.standard_normal(len(at)) * np.exp(-at / 0.00025)
    else:
        fade = np.exp(-at / chance.uniform(0.0004, 0.001))
        low, high = chance.uniform(1200.0, 4500.0), chance.uniform(4000.0, 7000.0)
        wave = np.sin(2.0 * np.pi * low * at) * fade + 0.5 * np.sin(2.0 * np.pi * high * at) * fade**1.5
    return np.asarray(wave / np.abs(wave).max())


def excess_db(clean: Samples, burst: NDArray[np.float64], at: int, rate: int) -> float:
    """By how much a click exceeds the speech in the third octave where it does so most, from 1 kHz on. Both are heard
    through windows of 10 ms; of the speech, the loudest of five: two before the click, one under it, two after it."""
    size = round(0.01 * rate)
    window = np.hanning(size)
    middle = at + len(burst) // 2
    alone = np.zeros(size)
    alone[size // 2 - len(burst) // 2 :][: len(burst)] = burst
    spectrum = np.abs(np.fft.rfft(alone * window)) ** 2
    around = [
        np.abs(np.fft.rfft(clean[0, middle + shift - size // 2 :][:size] * window)) ** 2
        for shift in (-size, -size // 2, 0, size // 2, size)
    ]
    edges = 1000.0 * 2.0 ** ((np.arange(0, 13) - 0.5) / 3.0)
    starts = np.searchsorted(np.fft.rfftfreq(size, 1.0 / rate), edges[edges < 0.45 * rate])
    bands = [np.add.reduceat(power, starts)[:-1] for power in (spectrum, np.max(around, axis=0))]
    return float(np.max(10.0 * np.log10((bands[0] + 1e-12) / (bands[1] + 1e-12))))


@dataclass
class Tally:
    """Clicks by how far they exceed the speech: how many there were, and how many were found."""

    there: int = 0
    found: int = 0

    def add(self, *, hit: bool) -> None:
        self.there += 1
        self.found += int(hit)

    def __str__(self) -> str:
        return f"{100.0 * self.found / self.there:.1f} % of {self.there}" if self.there else "none"


CLASSES_DB = (24.0, 12.0, 6.0, 0.0)
PLAIN_DB = 12.0


def click_rows(speech: Sequence[Recording]) -> Iterator[str]:
    settings, plain = RepairSettings(declick=DeclickSettings()), Tally()
    for kind in ("spike", "crackle", "mouth"):
        tallies = {low: Tally() for low in CLASSES_DB}
        gains, extra, minutes = [], 0, 0.0
        for recording in speech:
            rate = recording.rate
            chance = np.random.default_rng(3)
            sound, marks = recording.sound.copy(), []
            for index, start in enumerate(range(rate // 2, sound.shape[1] - rate // 2, rate // 4)):
                at = start + int(chance.integers(rate // 10))
                burst = 10.0 ** (CLICK_LEVELS_DB[index % 5] / 20.0) * click(kind, rate, chance)
                sound[0, at : at + len(burst)] += burst.astype(np.float32)
                marks.append((at, len(burst), excess_db(recording.sound, burst, at, rate)))
            out, repairs = repaired(sound, rate, settings)
            near = rate // 1000
            hits = [
                any(row.span.start < at + n + near and row.span.stop > at - near for row in repairs.rows)
                for at, n, _ in marks
            ]
            for (_, _, excess), hit in zip(marks, hits, strict=True):
                low = next((low for low in CLASSES_DB if excess >= low), None)
                if low is not None:
                    tallies[low].add(hit=hit)
                if excess >= PLAIN_DB:
                    plain.add(hit=hit)
            gains.append(
                ratio_db(recording.sound, out - recording.sound) - ratio_db(recording.sound, sound - recording.sound)
            )
            extra += sum(
                not any(row.span.start < at + n + near and row.span.stop > at - near for at, n, _ in marks)
                for row in repairs.rows
            )
            minutes += recording.seconds / 60.0
        cells = " | ".join(str(tallies[low]) for low in CLASSES_DB)
        yield f"| {kind} | {cells} | {np.mean(gains):.1f} | {extra / minutes:.1f} |"
    yield f"\nOf all clicks that exceed the speech by {PLAIN_DB:.0f} dB or more, {plain} are found."


def click_false(speech: Sequence[Recording]) -> Iterator[str]:
    for recording in speech:
        out, repairs = repaired(recording.sound, recording.rate, RepairSettings(declick=DeclickSettings()))
        heard = stoi(recording.sound[0], out[0], recording.rate)
        changed = 1000.0 * sum(row.span.length for row in repairs.rows) / recording.rate
        sdr = f"{ratio_db(recording.sound, out - recording.sound):.1f}" if repairs else "untouched"
        cells = f"{recording.seconds:.0f} | {len(repairs.rows)} | {changed:.1f} | {sdr} | {heard:.4f}"
        yield f"| {recording.name} | {cells} |"
