"""Speed and memory of whole runs: `python -m benchmarks.speed [--minutes 10 --long-minutes 120] [--write]`.

The files are made by repeating the packets of the sample's sound (and, for clean speech, of its clean passage), so any
length costs nothing to make. Every run is a process of its own; its peak memory is the operating system's figure.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from mediaclean.media import choose_track, decode, probe

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "samples" / "interview.mp4"
TABLE = Path(__file__).parent / "SPEED.md"
CLEAN_S = (1.2, 15.8)
"""The sample's passage of clean speech and room tone."""


@dataclass(frozen=True)
class Run:
    """One finished process."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    report: dict[str, Any]

    @property
    def speed(self) -> float:
        """Times real time, over the stages: the interpreter's start is paid once, whatever the length."""
        return float(self.report["duration_s"] / sum(self.report["timings_s"].values()))


def run(source: Path, target: Path, *options: str) -> Run:
    """`mediaclean clean` in a process of its own."""
    report = target.with_suffix(".json")
    command = [sys.executable, "-m", "mediaclean", "clean", str(source), "-o", str(target), "--overwrite"]
    start = time.perf_counter()
    process = subprocess.Popen([*command, "--report", str(report), *options], stderr=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL)  # fmt: skip
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return Run(
        time.perf_counter() - start,
        used.ru_utime + used.ru_stime,
        used.ru_maxrss / 1024.0,
        json.loads(report.read_text(encoding="utf-8")),
    )


def repeated(target: Path, minutes: float) -> Path:
    """The sample's AAC packets over and over in a file with sound only."""
    with av.open(str(SAMPLE)) as source, av.open(str(target), "w") as made:
        track = source.streams.audio[0]
        stream = made.add_stream_from_template(track)
        packets = [packet for packet in source.demux(track) if packet.size]
        step = sum(packet.duration for packet in packets)
        for round_ in range(max(1, round(minutes * 60 / float(step * track.time_base)))):
            for packet in packets:
                copy = av.Packet(bytes(packet))
                copy.stream, copy.time_base, copy.duration = stream, packet.time_base, packet.duration
                copy.pts = copy.dts = round_ * step + (packet.pts - packets[0].pts)
                made.mux(copy)
    return target


def clean_speech(target: Path, minutes: float) -> Path:
    """The sample's clean passage over and over, as 16-bit PCM."""
    media = probe(SAMPLE)
    sound = np.concatenate(list(decode(media, choose_track(media))), axis=1)
    passage = sound[:, round(CLEAN_S[0] * 48_000) : round(CLEAN_S[1] * 48_000)]
    with av.open(str(target), "w") as made:
        stream = made.add_stream("pcm_s16le", rate=48_000, layout="stereo")
        position = 0
        for _ in range(max(1, round(minutes * 60 * 48_000 / passage.shape[1]))):
            frame = av.AudioFrame.from_ndarray(_packed(passage), format="s16", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = 48_000, position, Fraction(1, 48_000)
            position += passage.shape[1]
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    return target


def _packed(sound: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.ascontiguousarray((sound.T * 32767.0).astype(np.int16).reshape(1, -1))


def cases(folder: Path, minutes: float) -> Iterator[tuple[str, Path, Path, tuple[str, ...]]]:
    """Name, source, target, options."""
    clear = clean_speech(folder / "clear.wav", minutes)
    mixed = repeated(folder / "mixed.m4a", minutes)
    yield "clean speech, WAV to WAV", clear, folder / "a.wav", ("--preset", "documentary")
    yield "clean speech, already on target (copied)", folder / "a.wav", folder / "b.wav", ("--preset", "documentary")
    yield "clean speech, WAV to AAC", clear, folder / "c.m4a", ("--preset", "documentary")
    yield "sample, AAC to FLAC, nothing separated", mixed, folder / "d.flac", ("--engine", "none")
    yield "sample, AAC to FLAC, dialogue network", mixed, folder / "e.flac", ("--engine", "dialogue")


def stages(timings_s: dict[str, float], duration_s: float) -> str:
    """Real-time factor per stage."""
    return ", ".join(f"{name} {duration_s / seconds:.0f}x" for name, seconds in timings_s.items() if seconds > 0.05)


def main() -> None:
    """Run all cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--long-minutes", type=float, default=0.0, help="also compare memory with a file this long")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    lines = ["| run | times real time | processor s per minute | peak MB | stages |", "|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title, source, target, options in cases(folder, args.minutes):
            lines.append(_line(title, [run(source, target, *options) for _ in range(args.runs)]))
            print(lines[-1], flush=True)
        if args.long_minutes:
            long = repeated(folder / "long.m4a", args.long_minutes)
            title = f"{args.long_minutes:.0f} min, AAC to FLAC, nothing separated"
            lines.append(_line(title, [run(long, folder / "f.flac", "--engine", "none")]))
            print(lines[-1], flush=True)
    if args.write:
        command = f"python -m benchmarks.speed --minutes {args.minutes:g} --long-minutes {args.long_minutes:g} --write"
        TABLE.write_text(f"{HEAD}`{command}`\n\n" + "\n".join(lines) + "\n", encoding="utf-8")


HEAD = """# Speed and memory

Two processor cores, no GPU; 48 kHz stereo. A stage's factor is seconds of sound per second of work; the detector runs
inside *listen*.

"""


def _line(title: str, runs: Sequence[Run]) -> str:
    middle = sorted(runs, key=lambda r: r.wall_s)[len(runs) // 2]
    minutes = middle.report["duration_s"] / 60
    peak = statistics.median(r.peak_mb for r in runs)
    parts = stages(middle.report["timings_s"], middle.report["duration_s"])
    return f"| {title} | {middle.speed:.0f} | {middle.cpu_s / minutes:.2f} | {peak:.0f} | {parts} |"


if __name__ == "__main__":
    main()
