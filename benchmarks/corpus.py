"""Real videos, cleaned and checked by other means: `python -m benchmarks.corpus [--engine NAME] [--write]`.

For every video of the corpus (MEDIACLEAN_CORPUS) and the sample: the picture's packets compared byte by byte, loudness
and true peak of the finished file by FFmpeg's own ebur128 filter, length, and the lag of the sound in three places.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from scipy.signal import correlate

from mediaclean import CleanOptions, clean, load_preset
from mediaclean.audio import Samples
from mediaclean.media import choose_track, decode, probe

SAMPLE = Path(__file__).parent.parent / "samples" / "interview.mp4"
TABLE = Path(__file__).parent / "CORPUS.md"
HEAD = [
    "file", "preset", "sound", "picture packets", "LUFS (ebur128)", "dBTP (ebur128)", "length",
    "lag at start, middle, end (samples)", "separated",
]  # fmt: skip


def picture(path: Path) -> list[str]:
    """A hash for each packet of the first moving picture, with its place in time."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [
            hashlib.sha256(bytes(p) + str((p.pts, p.dts, p.is_keyframe)).encode()).hexdigest()
            for p in container.demux(stream)
            if p.size
        ]


def ebur128(path: Path) -> tuple[float, float]:
    """Integrated loudness in LUFS and true peak in dBTP by FFmpeg's filter."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        graph = av.filter.Graph()
        source = graph.add_abuffer(template=stream)
        meter = graph.add("ebur128", "metadata=1:peak=true")
        sink = graph.add("abuffersink")
        source.link_to(meter)
        meter.link_to(sink)
        graph.configure()
        last: dict[str, str] = {}
        for frame in container.decode(stream):
            source.push(frame)
            last = _drained(sink) or last
        source.push(None)
        last = _drained(sink) or last
    peaks = [float(value) for key, value in last.items() if "true_peaks_ch" in key]
    return float(last["lavfi.r128.I"]), 20.0 * np.log10(max(max(peaks), 1e-6))


def _drained(sink: av.filter.context.FilterContext) -> dict[str, str]:
    last: dict[str, str] = {}
    while True:
        try:
            last = dict(sink.pull().metadata) or last
        except (av.error.BlockingIOError, av.error.EOFError):
            return last


def lags(before: Samples, after: Samples, rate: int) -> list[int]:
    """By how many samples the result is late, at start, middle and end, by cross-correlation."""
    length = min(before.shape[1], after.shape[1])
    size, reach = min(8 * rate, length // 3), 2048
    found = []
    for start in (0, (length - size) // 2, length - size):
        a, b = (np.diff(sound[:, start : start + size].mean(axis=0)) for sound in (before, after))
        whole = correlate(b, a, mode="full", method="fft")
        centre = len(a) - 1
        found.append(int(np.argmax(whole[centre - reach : centre + reach + 1])) - reach)
    return found


def sound(path: Path) -> tuple[Samples, int]:
    media = probe(path)
    track = choose_track(media)
    return np.concatenate(list(decode(media, track)), axis=1), track.rate


def row(source: Path, name: str, suffix: str, options: CleanOptions, folder: Path) -> list[str]:
    target = folder / f"{source.stem}.{name}{suffix}"
    report = clean(source, target, load_preset(name), options)
    same = picture(source) == picture(target)
    loudness, peak = ebur128(target)
    (before, rate), (after, _) = sound(source), sound(target)
    return [
        source.name,
        name,
        report.codec,
        "identical" if same else "**DIFFERENT**",
        f"{loudness:.1f}",
        f"{peak:.1f}",
        "equal" if before.shape == after.shape else f"{after.shape[1] - before.shape[1]:+d} samples",
        ", ".join(map(str, lags(before, after, rate))),
        f"{report.separated_share:.0%}",
    ]


def cases() -> Iterator[tuple[Path, str, str, str | None]]:
    """Source, preset, suffix, codec."""
    corpus = os.environ.get("MEDIACLEAN_CORPUS")
    videos = sorted((Path(corpus) / "video").glob("*.mp4")) if corpus else []
    for video in [SAMPLE, *videos]:
        yield video, "documentary", ".mp4", None
        yield video, "podcast", ".mov", "pcm_s24le"


def main() -> None:
    """Print the table, or write it to CORPUS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="dialogue")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    with tempfile.TemporaryDirectory() as folder:
        for source, name, suffix, codec in cases():
            options = CleanOptions(engine=args.engine, codec=codec)
            lines.append("| " + " | ".join(row(source, name, suffix, options, Path(folder))) + " |")
            print(lines[-1], flush=True)
    if args.write:
        command = f"MEDIACLEAN_CORPUS=… python -m benchmarks.corpus --engine {args.engine} --write"
        TABLE.write_text(f"# Real videos\n\n`{command}`\n\n" + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
