"""Speed and memory of whole runs: `python -m benchmarks.speed [--minutes 10 --long-minutes 120] [--write]`.

The files are made by repeating the packets of the sample's sound (and, for clean speech, of its clean passage), so any
length costs nothing to make. Every run is a process of its own; its peak memory is the operating system's figure.
"""

from __future__ import annotations

import argparse
import json
import math
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

from benchmarks.demucs_compare import NAME, make_network
from mediaclean.media import choose_track, decode, probe, resolve_codec
from mediaclean.media.encode import set_up

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


def run(source: Path, target: Path, *options: str, program: str = "mediaclean") -> Run:
    """`mediaclean clean` in a process of its own, or that of another program with its command line."""
    report = target.with_suffix(".json")
    command = [sys.executable, "-m", program, "clean", str(source), "-o", str(target), "--overwrite"]
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


def repeated(target: Path, minutes: float, passage_s: tuple[float, float] = (0.0, math.inf)) -> Path:
    """The AAC packets of the sample, or of a passage of it, over and over in a file with sound only."""
    first_s, last_s = passage_s
    with av.open(str(SAMPLE)) as source, av.open(str(target), "w") as made:
        track = source.streams.audio[0]
        stream = made.add_stream_from_template(track)
        packets: list[Any] = [
            packet
            for packet in source.demux(track)
            if packet.size and first_s <= float((packet.pts or 0) * packet.time_base) < last_s
        ]
        step = sum(packet.duration for packet in packets)
        for round_ in range(max(1, round(minutes * 60 / float(step * packets[0].time_base)))):
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


DELIVERIES = ("ebu-r128", "atsc-a85", "apple-podcasts", "aes-td1008-speech", "netflix")


def several(title: str, source: Path, target: Path, *options: str) -> Iterator[str]:
    """One delivery and five of the same file, by wall clock, which counts the interpreter's start too."""
    command = [sys.executable, "-m", "mediaclean", "clean", str(source), "-o", str(target), "--overwrite", *options]
    took_s = []
    for count in (1, len(DELIVERIES)):
        specs = [word for spec in DELIVERIES[:count] for word in ("--spec", spec)]
        start = time.perf_counter()
        subprocess.run([*command, *specs], check=True, capture_output=True)
        took_s.append(time.perf_counter() - start)
    one_s, five_s = took_s
    yield f"| {title} | {one_s:.1f} | {five_s:.1f} | {five_s / one_s:.2f} |"


def bare(source: Path, target: Path) -> float:
    """Times real time of FFmpeg's own decoder and encoder at the target's bit rate, without anything in between."""
    media, made = probe(source), probe(target)
    codec = resolve_codec(choose_track(media), target)
    start = time.perf_counter()
    with av.open(str(source)) as reader, av.open(str(target.with_suffix(f".bare{target.suffix}")), "w") as writer:
        stream: Any = writer.add_stream(codec.encoder, codec.rate)
        set_up(stream.codec_context, codec)
        resampler = av.AudioResampler(format=stream.codec_context.format, layout=codec.layout, rate=codec.rate)
        for frame in reader.decode(audio=0):
            for part in resampler.resample(frame):
                writer.mux(stream.encode(part))
        writer.mux(stream.encode(None))
    return (made.duration_s or 0.0) / (time.perf_counter() - start)


def stages(timings_s: dict[str, float], duration_s: float) -> str:
    """Real-time factor per stage."""
    return ", ".join(f"{name} {duration_s / seconds:.0f}x" for name, seconds in timings_s.items() if seconds > 0.05)


def main() -> None:
    """Run all cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--long-minutes", type=float, default=0.0, help="also compare memory with a file this long")
    parser.add_argument(
        "--delivery-minutes", type=float, default=3.0, help="length of the file that is delivered often"
    )
    parser.add_argument("--htdemucs", action="store_true", help="also deliver a minute with HTDemucs (random weights)")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    head = "| run | times real time | FFmpeg alone | processor s per minute | peak MB | stages |"
    lines = [head, "|---|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title, source, target, options in cases(folder, args.minutes):
            lines.append(_line(title, [run(source, target, *options) for _ in range(args.runs)], bare(source, target)))
            print(lines[-1], flush=True)
        if args.long_minutes:
            long = repeated(folder / "long.m4a", args.long_minutes)
            title = f"{args.long_minutes:.0f} min, AAC to FLAC, nothing separated"
            flac = folder / "f.flac"
            lines.append(_line(title, [run(long, flac, "--engine", "none")], bare(long, flac)))
            print(lines[-1], flush=True)
        lines += DELIVERED
        short = repeated(folder / "short.m4a", min(args.minutes, args.delivery_minutes))
        for suffix in (".flac", ".m4a"):
            name = f"AAC to five of {suffix[1:]}, dialogue network"
            lines += several(name, short, folder / f"g{suffix}", "--engine", "dialogue", "--preset", "documentary")
            print(lines[-1], flush=True)
        if args.htdemucs:
            make_network(folder)
            demucs = ("--engine", "demucs", "--models", str(folder), "--set", f"separate.model={NAME}")
            minute, name = repeated(folder / "minute.m4a", 1.0), "one minute of AAC to five of m4a, HTDemucs"
            lines += several(name, minute, folder / "h.m4a", *demucs, "--preset", "documentary")
            print(lines[-1], flush=True)
    if args.write:
        command = f"python -m benchmarks.speed {' '.join(sys.argv[1:])}"
        TABLE.write_text(f"{HEAD}`{command}`\n\n" + "\n".join(lines) + "\n", encoding="utf-8")


HEAD = """# Speed and memory

Two processor cores, no GPU; 48 kHz stereo. A stage's factor is seconds of sound per second of work; the detector runs
inside *listen*. *FFmpeg alone* decodes the source and encodes it as the result is encoded, with nothing in between: no
run that encodes can be faster, and one that must encode twice (a lossy codec lifted a peak over the ceiling) reaches
half of it at best. It also tells the machine's pace: the first row was 66 to 92 where FFmpeg alone made 1100, 97 to 136
where it made 1900, and 151 to 172 on processors with AVX-512, where it makes 2500 and more.

"""


DELIVERED = ["", "| deliveries | one, s | five, s | ratio |", "|---|---|---|---|"]


def _line(title: str, runs: Sequence[Run], bare_speed: float) -> str:
    middle = sorted(runs, key=lambda r: r.wall_s)[len(runs) // 2]
    minutes = middle.report["duration_s"] / 60
    peak = statistics.median(r.peak_mb for r in runs)
    parts = stages(middle.report["timings_s"], middle.report["duration_s"])
    level = middle.report.get("level") or {}
    if level.get("tries", 1) > 1:
        title += f" ({level['tries']} tries)"
    alone = "–" if middle.report["copied"] else f"{bare_speed:.0f}"
    return f"| {title} | {middle.speed:.0f} | {alone} | {middle.cpu_s / minutes:.2f} | {peak:.0f} | {parts} |"


if __name__ == "__main__":
    main()
