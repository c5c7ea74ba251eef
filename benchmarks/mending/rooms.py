"""Rooms by the image method, and what is left of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from benchmarks.mending.recordings import Recording, ratio_db
from mediaclean.audio import Samples
from mediaclean.repair.dereverb import DereverbSettings, dereverberated


def shoebox(rate: int, size_m: Sequence[float], t60_s: float, chance: np.random.Generator) -> NDArray[np.float64]:
    """A room's impulse response (Allen and Berkley, JASA 65, 1979): one absorption for all walls, after Sabine."""
    speed, sides = 343.0, np.array(size_m)
    volume, area = sides.prod(), 2.0 * (sides[0] * sides[1] + sides[0] * sides[2] + sides[1] * sides[2])
    reflection = np.sqrt(max(0.0, 1.0 - 0.161 * volume / (area * t60_s)))
    mouth, ear = (chance.uniform(0.25, 0.75, 3) * sides for _ in range(2))
    reach = speed * t60_s
    axes = []
    for side, here, there in zip(sides, mouth, ear, strict=True):
        number = np.arange(-int(reach / (2 * side)) - 1, int(reach / (2 * side)) + 2)
        away = np.concatenate([2 * number * side + here - there, 2 * number * side - here - there])
        bounces = np.concatenate([np.abs(2 * number), np.abs(2 * number - 1)])
        axes.append((away, bounces))
    (x, i), (y, j), (z, k) = axes
    out = np.zeros(round(t60_s * rate) + 1)
    for away, bounced in zip(x, i, strict=True):
        distance = np.sqrt(away**2 + y[:, None] ** 2 + z[None, :] ** 2)
        strength = reflection ** (bounced + j[:, None] + k[None, :]) / np.maximum(distance, 0.3)
        place = np.round(distance / speed * rate).astype(int)
        here = place < len(out)
        np.add.at(out, place[here], strength[here] * chance.choice([-1.0, 1.0], size=int(here.sum()), p=[0.1, 0.9]))
    first = int(np.flatnonzero(out)[0])
    return np.asarray(out[first:] / out[first])


def gated(sound: Samples, rate: int) -> tuple[Samples, list[int]]:
    """Two seconds of speech and one of silence in turn, and where the silences begin."""
    out, stops = sound.copy(), []
    ramp = np.linspace(1.0, 0.0, rate // 200)
    for start in range(2 * rate, sound.shape[1] - rate, 3 * rate):
        out[:, start - len(ramp) : start] *= ramp.astype(np.float32)
        out[:, start : start + rate] = 0.0
        stops.append(start)
    return out, stops


def tail_db(sound: Samples, stops: Sequence[int], rate: int) -> float:
    """Level from 50 to 400 ms after speech has stopped."""
    tails = [sound[:, stop + rate // 20 : stop + 2 * rate // 5] for stop in stops]
    return float(10.0 * np.log10(np.mean([np.mean(np.square(tail)) for tail in tails]) + 1e-20))


def srr_db(sound: Samples, wanted: Samples) -> float:
    share = (sound * wanted).sum() / np.square(wanted).sum()
    return ratio_db(share * wanted, sound - share * wanted)


ROOMS = {
    "office, 0.4 s": ((5.0, 4.0, 2.8), 0.4),
    "living room, 0.6 s": ((6.5, 5.0, 2.7), 0.6),
    "hall, 1.0 s": ((12.0, 9.0, 4.5), 1.0),
}


def reverb_rows(speech: Iterable[Recording]) -> Iterator[str]:
    for recording in speech:
        rate, dry = recording.rate, recording.sound[:, : 15 * recording.rate]
        spoken, stops = gated(dry, rate)
        for name, (size_m, t60_s) in ROOMS.items():
            response = shoebox(rate, size_m, t60_s, np.random.default_rng(4))
            first = response.copy()
            first[round(0.05 * rate) :] = 0.0
            wet, wanted = (
                fftconvolve(spoken[0], r)[None, : spoken.shape[1]].astype(np.float32) for r in (response, first)
            )
            start = time.process_time()
            whole = dereverberated(wet, rate, DereverbSettings())
            cost = (time.process_time() - start) / (wet.shape[1] / rate)
            part = wet + np.float32(DereverbSettings().amount) * (whole - wet)
            cells = [
                f"{srr_db(wet, wanted):.1f}",
                " / ".join(f"{srr_db(out, wanted) - srr_db(wet, wanted):+.1f}" for out in (part, whole)),
                " / ".join(f"{tail_db(out, stops, rate) - tail_db(wet, stops, rate):+.1f}" for out in (part, whole)),
                f"{cost:.2f}",
            ]
            yield f"| {recording.name} | {name} | {' | '.join(cells)} |"
        kept = dereverberated(dry, rate, DereverbSettings())
        part = dry + np.float32(DereverbSettings().amount) * (kept - dry)
        changed = " / ".join(f"{ratio_db(dry, out - dry):.1f}" for out in (part, kept))
        yield f"| {recording.name} | none: the recording as it is | | SDR {changed} dB | | |"
