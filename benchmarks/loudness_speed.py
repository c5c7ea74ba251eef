"""How fast the loudness stages are, and that their memory does not grow: a section of LOUDNESS.md.

Processor time of one thread, the least of several runs, so that what else the machine does hardly matters.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from mediaclean.audio import Samples
from mediaclean.loudness.limiter import limit
from mediaclean.loudness.meter import measure

RATE = 48000
SECONDS = 60
RUNS = 5

HEAD = f"""
## Speed and memory

{SECONDS} s of 48 kHz stereo in blocks of 1 s on one thread, processor time, the best of {RUNS} runs; times real time.
Memory is the peak of a process that meters so many hours made of one block.
"""


def speech_like(seconds: int) -> Samples:
    """Noise in syllables: its peaks keep on coming near the largest, which is the slow case of the true peak."""
    rng = np.random.default_rng(0)
    count = seconds * RATE
    syllables = np.abs(np.sin(2 * np.pi * 2 * np.arange(count) / RATE))
    return (0.1 * rng.standard_normal((2, count)) * syllables).astype(np.float32)


def blocks(sound: Samples) -> Iterator[Samples]:
    for start in range(0, sound.shape[1], RATE):
        yield sound[:, start : start + RATE]


def times_real_time(work: Callable[[], object]) -> float:
    def once() -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return SECONDS / min(once() for _ in range(RUNS))


def limited(sound: Samples, ceiling_dbtp: float) -> None:
    for _ in limit(blocks(sound), RATE, ceiling_dbtp=ceiling_dbtp):
        pass


def peak_mib(hours: float) -> int:
    """Peak memory of a fresh process that meters so many hours."""
    command = f"from benchmarks.loudness_speed import meter_hours; meter_hours({hours})"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    return int(done.stdout)


def meter_hours(hours: float) -> None:
    """Meter, then print the peak memory in MiB."""
    block = speech_like(1)
    measure((block for _ in range(round(hours * 3600))), RATE, "stereo")
    status = Path("/proc/self/status")
    if status.exists():  # unlike getrusage's, this peak does not count the process that started this one
        print(int(status.read_text().split("VmHWM:")[1].split()[0]) // 1024)
    else:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def speed_table() -> tuple[str, Iterator[str]]:
    """The section: its text, and the lines of its tables."""
    return HEAD, _rows()


def _rows() -> Iterator[str]:
    sound = speech_like(SECONDS)
    yield "| stage | times real time |"
    yield "|---|---|"
    yield f"| meter with true peak | {times_real_time(lambda: measure(blocks(sound), RATE, 'stereo')):.0f} |"
    peak = 20 * float(np.log10(np.abs(sound).max()))
    yield f"| limiter, nothing to limit | {times_real_time(lambda: limited(sound, peak + 9)):.0f} |"
    for over in (3, 10):
        speed = times_real_time(partial(limited, sound, peak - over))
        yield f"| limiter, peaks {over} dB over | {speed:.0f} |"
    yield ""
    yield "| metered | peak memory, MiB |"
    yield "|---|---|"
    for hours in (0.1, 1.0, 4.0):
        yield f"| {hours:g} h | {peak_mib(hours)} |"
