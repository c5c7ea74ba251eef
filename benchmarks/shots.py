"""Are cuts found, and what does looking cost? `python -m benchmarks.shots [--cuts N] [--write]`.

Films of known cuts are made from stretches of the corpus' videos and the sample (MEDIACLEAN_CORPUS), at 360 and 720
lines, coded in four ways. A stretch is 2 to 6 s, joined hard to the next one, which does not look like it (so that it
is a cut to the eye). Where the source itself is cut inside a stretch, as told by looking at every frame of it before
it was coded, that cut counts as true. Found: within one frame. Cost: the film's length against processor time, and
the share of frames that were looked at; films that are cut every few seconds are the dear case, still cameras the
cheap one.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from mediaclean.media import picture_cuts, probe, shots
from mediaclean.media.shot_changes import ShotFinder, Thumb, looks_alike

TABLE = Path(__file__).parent / "SHOTS.md"
SAMPLE = Path(__file__).parent.parent / "samples" / "interview.mp4"
FPS = 25
CODINGS = {
    "key frames at cuts, at most 10 s apart": {},
    "a key frame every 2 s": {"g": "50", "sc_threshold": "0"},
    "a key frame every 10 s": {"g": "250", "sc_threshold": "0"},
    "key frames alone": {"g": "1"},
}


@dataclass(frozen=True)
class Row:
    """One film."""

    true: int
    found: int
    invented: int
    seconds: float
    spent_s: float
    looked: float


def stretches(path: Path, start: float, seconds: float, lines: int) -> Iterator[tuple[av.VideoFrame, Thumb]]:
    """Pictures of a video, 25 in a second, in a frame of 16 to 9."""
    with av.open(str(path), metadata_errors="ignore") as container:
        container.seek(round(start * 1e6))
        wanted, count = Fraction(start), 0
        for frame in container.decode(video=0):
            while frame.time is not None and frame.time >= wanted and count < round(seconds * FPS):
                size = frame.reformat(width=lines * 16 // 9 // 2 * 2, height=lines, format="yuv420p")
                yield size, shots._thumb(frame)
                wanted, count = wanted + Fraction(1, FPS), count + 1
            if count >= round(seconds * FPS):
                return


def film(path: Path, videos: list[Path], cuts: int, lines: int, options: dict[str, str], seed: int) -> list[Fraction]:
    """A film with that many joins, and the times of all its cuts."""
    chance, number = np.random.default_rng(seed), 0
    true: list[Fraction] = []
    last: Thumb | None = None
    with av.open(str(path), "w") as made:
        video = made.add_stream("libx264", FPS, options={"preset": "veryfast", "crf": "26", **options})
        video.width, video.height, video.pix_fmt = lines * 16 // 9 // 2 * 2, lines, "yuv420p"
        audio = made.add_stream("aac", 16_000, layout="mono")
        while len(true) <= cuts:
            source = videos[int(chance.integers(len(videos)))]
            length = float(probe(source).duration_s or 0.0)
            seconds = float(chance.uniform(2.0, 6.0))
            pictures = list(stretches(source, float(chance.uniform(1.0, length - 8.0)), seconds, lines))
            if len(pictures) < 2 * FPS or (last is not None and looks_alike(last, pictures[0][1])):
                continue
            true.append(Fraction(number, FPS))
            finder, first = ShotFinder(), number
            for picture, thumb in pictures:
                finder.push(Fraction(number, FPS), thumb)
                picture.pts, picture.time_base = number, Fraction(1, FPS)
                made.mux(video.encode(picture))
                number, last = number + 1, thumb
            true += [cut for cut in finder.cuts() if cut > Fraction(first, FPS)]
        made.mux(video.encode(None))
        block = av.AudioFrame.from_ndarray(np.zeros((1, number * 16_000 // FPS), np.float32), "fltp", "mono")
        block.rate, block.pts = 16_000, 0
        made.mux(audio.encode(block))
        made.mux(audio.encode(None))
    return sorted(true)[1:]


def judge(path: Path, true: list[Fraction]) -> Row:
    looked, thumb = [0], shots._thumb

    def counted(frame: av.VideoFrame) -> Thumb:
        looked[0] += 1
        return thumb(frame)

    media = probe(path)
    shots._thumb = counted
    began = time.process_time()
    try:
        found = picture_cuts(media)
    finally:
        spent, shots._thumb = time.process_time() - began, thumb
    near = [cut for cut in true if any(abs(cut - other) <= Fraction(1, FPS) for other in found)]
    odd = [cut for cut in found if not any(abs(cut - other) <= Fraction(1, FPS) for other in true)]
    seconds = float(media.duration_s or 0.0)
    return Row(len(true), len(near), len(odd), seconds, spent, looked[0] / (seconds * FPS))


def line(name: str, rows: list[Row]) -> str:
    true, found, odd = (sum(getattr(row, what) for row in rows) for what in ("true", "found", "invented"))
    seconds, spent = sum(row.seconds for row in rows), sum(row.spent_s for row in rows)
    looked = np.average([row.looked for row in rows], weights=[row.seconds for row in rows])
    score = 2 * found / max(1, true + found + odd)
    return f"| {name} | {true} | {found} | {odd} | {score:.2f} | {seconds / spent:.0f} | {min(looked, 1.0):.0%} |"


def main() -> None:
    """Print the table, or write it to SHOTS.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=8)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    corpus = os.environ.get("MEDIACLEAN_CORPUS")
    videos = [SAMPLE, *(sorted((Path(corpus) / "video").glob("*.mp4")) if corpus else [])]
    lines = [
        "| picture | cuts | found | invented | F1 | times real time | frames looked at |",
        "|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for height in (360, 720):
            for seed, (name, options) in enumerate(CODINGS.items()):
                path = Path(folder) / f"{height}_{seed}.mp4"
                true = film(path, videos, args.cuts, height, options, seed)
                lines.append(line(f"{height} lines, {name}", [judge(path, true)]))
                print(lines[-1], flush=True)
                path.unlink()
    lines += ["", "The videos as they are:", "", "| video | times real time | cuts found |", "|---|---|---|"]
    for video in videos:
        row = judge(video, [])
        lines.append(f"| {video.name} | {row.seconds / row.spent_s:.0f} | {row.invented} |")
    print("\n".join(lines[-len(videos) :]))
    if args.write:
        command = f"MEDIACLEAN_CORPUS=… python -m benchmarks.shots --cuts {args.cuts} --write"
        notes = (__doc__ or "").split("\n\n", 1)[1].strip()
        TABLE.write_text(f"# Picture cuts\n\n`{command}`\n\n{notes}\n\n" + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
