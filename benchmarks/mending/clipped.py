"""Speech that is clipped and mended."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np

from benchmarks.mending.recordings import Recording, ratio_db, repaired
from mediaclean.audio import Samples
from mediaclean.repair.chain import RepairSettings
from mediaclean.repair.clipping import DeclipSettings


def adeclip(sound: Samples, rate: int) -> Samples:
    """FFmpeg's filter with its defaults, on mono sound."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate, format="fltp", layout="mono", time_base=Fraction(1, rate))
    chain = [source, graph.add("adeclip", ""), graph.add("aformat", "sample_fmts=fltp"), graph.add("abuffersink")]
    for left, right in pairwise(chain):
        left.link_to(right)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout="mono")
    frame.sample_rate, frame.pts = rate, 0
    graph.push(frame)
    graph.push(None)
    parts = []
    while True:
        try:
            parts.append(graph.pull().to_ndarray())
        except (av.error.BlockingIOError, av.error.EOFError):
            return np.concatenate(parts, axis=1)


def clip_rows(speech: Iterable[Recording]) -> Iterator[str]:
    gains = []
    for recording in speech:
        for over_db in (3.0, 6.0, 10.0):
            loud = recording.sound / np.abs(recording.sound).max() * np.float32(10.0 ** (over_db / 20.0))
            torn = np.clip(loud, -1.0, 1.0).astype(np.float32)
            start = time.process_time()
            out, repairs = repaired(torn, recording.rate, RepairSettings(declip=DeclipSettings()))
            ours_s, start = time.process_time() - start, time.process_time()
            theirs = adeclip(torn, recording.rate)
            theirs_s = time.process_time() - start
            before = ratio_db(loud, torn - loud)
            inside = np.zeros(torn.shape[1], dtype=bool)
            for row in repairs.rows:
                inside[row.span.start : row.span.stop] = True
            same = np.array_equal(out[:, ~inside], torn[:, ~inside])
            gains.append([ratio_db(loud, sound - loud) - before for sound in (out, theirs)])
            yield (
                f"| {recording.name} | {over_db:.0f} | {100.0 * np.mean(np.abs(torn) >= 0.9999):.2f} | {before:.1f} | "
                f"{gains[-1][0]:+.1f} | {gains[-1][1]:+.1f} | "
                f"{ours_s:.1f} / {theirs_s:.1f} | {'yes' if same else 'NO'} |"
            )
    mean = np.mean(gains, axis=0)
    yield f"| mean | | | | {mean[0]:+.1f} | {mean[1]:+.1f} | | |"
