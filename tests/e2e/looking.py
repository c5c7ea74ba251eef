"""What is in a file, seen with PyAV alone: nothing here trusts mediaclean."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from scipy.signal import correlate

from e2e.making import Sound


@dataclass(frozen=True)
class Level:
    integrated_lufs: float
    true_peak_dbtp: float


def packets(path: Path, kind: str = "video", number: int = 0) -> list[tuple[str, object]]:
    """Hash and time in seconds of every packet of one stream."""
    with av.open(str(path)) as container:
        stream = [stream for stream in container.streams if stream.type == kind][number]
        return [
            (hashlib.sha256(bytes(packet)).hexdigest(), packet.pts * packet.time_base)
            for packet in container.demux(stream)
            if packet.size
        ]


def payloads(path: Path, kind: str = "audio", number: int = 0) -> list[str]:
    return [digest for digest, _ in packets(path, kind, number)]


def decoded(path: Path, number: int = 0) -> tuple[Sound, int]:
    """A track as FFmpeg plays it: (channels, n) and its rate."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[number]
        resampler = av.AudioResampler(format="flt")
        parts = [part.to_ndarray()[0] for frame in container.decode(stream) for part in resampler.resample(frame)]
        return np.concatenate(parts).reshape(-1, stream.channels).T, stream.rate


def start_s(path: Path, number: int = 0) -> float:
    """When the first sample of a track is played."""
    with av.open(str(path)) as container:
        frame = next(frame for frame in container.decode(container.streams.audio[number]) if frame.samples)
        return max(0.0, float(frame.pts * frame.time_base))


def ebur128(path: Path, number: int = 0) -> Level:
    """Loudness and true peak by FFmpeg's own filter."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[number]
        graph = av.filter.Graph()
        source, meter = graph.add_abuffer(template=stream), graph.add("ebur128", "metadata=1:peak=true")
        sink = graph.add("abuffersink")
        source.link_to(meter)
        meter.link_to(sink)
        graph.configure()
        last: dict[str, str] = {}
        for frame in [*container.decode(stream), None]:
            source.push(frame)
            while True:
                try:
                    last = dict(sink.pull().metadata) or last
                except (av.error.BlockingIOError, av.error.EOFError):
                    break
    peaks = [float(value) for key, value in last.items() if "true_peaks_ch" in key]
    return Level(float(last["lavfi.r128.I"]), float(20.0 * np.log10(max(*peaks, 1e-6))))


def lag(before: Sound, after: Sound, *, reach: int = 4096) -> int:
    """By how many samples `after` is late."""
    length = min(before.shape[1], after.shape[1])
    a, b = (np.diff(sound[:, :length].mean(axis=0)) for sound in (before, after))
    whole = correlate(b, a, mode="full", method="fft")
    centre = len(a) - 1
    return int(np.argmax(whole[centre - reach : centre + reach + 1])) - reach


def streams(path: Path) -> list[tuple[str, str, str]]:
    """Kind, codec and language of every stream, in order."""
    with av.open(str(path)) as container:
        return [
            (stream.type, stream.codec_context.codec.canonical_name if stream.codec_context else "",
             stream.metadata.get("language", ""))
            for stream in container.streams
        ]  # fmt: skip


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def names(folder: Path) -> list[str]:
    """Everything in a folder, hidden files too."""
    return sorted(path.name for path in folder.iterdir())
