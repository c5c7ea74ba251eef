"""HTDemucs through our windows against the demucs command, on one file and the same network: writes DEMUCS.md.

    python -m benchmarks.demucs_compare [--seconds 40] [--threads 1] [--write]

The network has HTDemucs's full size and random weights, which cost the same time as trained ones and need no download.
Every run is a process of its own, start and loading included; time is processor time, so that a busy machine does not
matter, and memory is the peak of the process. Ours separates cuts of 5 s spread over a share of the file, and writes
the voice to a spool; the command separates the whole file, as it always does, without random shifts.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile

from mediaclean.audio import Samples, Span

RATE = 48_000
NAME = "random"
CUT_S = 5
SHARES = (25, 50, 100)


@dataclass(frozen=True)
class Stats:
    """Mean and deviation of the mono mix."""

    mean: float
    deviation: float


@dataclass(frozen=True)
class Cost:
    """What a process took."""

    cpu_s: float
    wall_s: float
    peak_mb: float


def main() -> None:
    """Run all, print the table; with --write, into DEMUCS.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=40, help="length of the file")
    parser.add_argument("--threads", type=int, default=1, help="threads of PyTorch in both")
    parser.add_argument("--write", action="store_true", help="write DEMUCS.md beside this file")
    parser.add_argument("--share", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.share:
        separate_share(wanted.folder, wanted.share)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make_network(folder)
        make_sound(folder / "mix.wav", wanted.seconds)
        table = "\n".join(compare(folder, wanted.seconds, wanted.threads))
    print(table)
    if wanted.write:
        assert __doc__ is not None
        head = f"# HTDemucs: ours against the demucs command\n\n{__doc__.split(chr(10), 1)[1].strip(chr(10))}\n\n"
        Path(__file__).with_name("DEMUCS.md").write_text(head + table + "\n", encoding="utf-8")


def compare(folder: Path, seconds: int, threads: int) -> Iterator[str]:
    """The rows of the table."""
    yield f"{seconds} s of stereo at 48 kHz, {threads} thread(s):"
    yield ""
    yield "| | processor time, s | share of the command's | peak memory, MB | wall clock, s |"
    yield "|---|---|---|---|---|"
    demucs = ["-m", "demucs", "-n", NAME, "--repo", str(folder), "--shifts", "0", "--two-stems", "vocals", "--float32"]
    theirs = run([*demucs, "-o", str(folder / "theirs"), str(folder / "mix.wav")], threads)
    yield f"| demucs, whole file | {theirs.cpu_s:.0f} | 1.00 | {theirs.peak_mb:.0f} | {theirs.wall_s:.0f} |"
    for share in SHARES:
        ours = run(["-m", "benchmarks.demucs_compare", "--share", str(share), "--folder", str(folder)], threads)
        yield (
            f"| ours, {share} % separated | {ours.cpu_s:.0f} | {ours.cpu_s / theirs.cpu_s:.2f} "
            f"| {ours.peak_mb:.0f} | {ours.wall_s:.0f} |"
        )
    yield ""
    what = "Difference between the two voices (100 %, below 15 kHz, away from the ends)"
    yield f"{what}: {difference_db(folder):.0f} dB of the voice."


def separate_share(folder: Path, share: int) -> None:
    """What our side does, in a process of its own: read in blocks, separate the cuts, write the spool."""
    import torch

    from mediaclean.backends import demucs
    from mediaclean.separate import separate_cuts
    from mediaclean.spool import Spool

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    source = folder / "mix.wav"
    length = soundfile.info(source).frames
    every = CUT_S * RATE * 100 // share
    cuts = [Span(at, min(length, at + CUT_S * RATE)) for at in range(0, length, every)]
    mono = np.concatenate([chunk.mean(axis=0) for chunk in _chunks(source)])
    separator = demucs.load(NAME, device="cpu", stats=Stats(float(mono.mean()), float(mono.std())), folder=folder)
    spool = Spool.open(folder / f"ours-{share}", {"share": share})
    if share == 100:
        cuts = [Span(0, length)]
    for index, voice in separate_cuts(_chunks(source), cuts, separator, rate=RATE, length=length):
        spool.put(index, voice)


def difference_db(folder: Path) -> float:
    """Energy of the difference between our voice and theirs below 15 kHz, relative to theirs.

    A network with random weights fills its output up to 22 kHz, where the way back to 48 kHz begins to cut.
    """
    (path,) = (folder / "theirs").rglob("vocals.wav")
    theirs, rate = soundfile.read(path, dtype="float32", always_2d=True)
    from mediaclean.resample import ratio, resample
    from mediaclean.spool import Spool

    here, _ = ratio(RATE, rate)
    ours = Spool(folder / "ours-100").get(0)
    ours = resample(np.ascontiguousarray(ours[:, : ours.shape[1] // here * here]), RATE, rate)
    inside = slice(rate, ours.shape[1] - 10 * rate)
    left, right = (np.fft.rfft(sound[:, inside], axis=1) for sound in (ours, theirs.T))
    low = slice(0, left.shape[1] * 15_000 * 2 // rate)
    return float(10 * np.log10(np.sum(np.abs((left - right)[:, low]) ** 2) / np.sum(np.abs(right[:, low]) ** 2)))


def run(arguments: list[str], threads: int) -> Cost:
    """A Python process with a count of threads, measured."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    begun = time.monotonic()
    process = subprocess.Popen([sys.executable, "-W", "ignore", *arguments], env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed with {process.returncode}")
    return Cost(usage.ru_utime + usage.ru_stime, time.monotonic() - begun, usage.ru_maxrss / 1024)


def make_network(folder: Path) -> None:
    """HTDemucs as it is published (41,984,456 parameters), with random weights, laid out as a local repository."""
    import torch
    from demucs.htdemucs import HTDemucs

    torch.manual_seed(0)
    args, kwargs = (
        (["drums", "bass", "other", "vocals"],),
        {"segment": Fraction(39, 5), "bottom_channels": 512, "dconv_mode": 3},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        state = {key: value.half() for key, value in HTDemucs(*args, **kwargs).state_dict().items()}
    package = {"klass": HTDemucs, "args": args, "kwargs": kwargs, "state": state, "training_args": {}}
    torch.save(package, folder / "01234567.th")
    (folder / f"{NAME}.yaml").write_text("models: ['01234567']\n", encoding="utf-8")


def make_sound(path: Path, seconds: int) -> None:
    """Stereo noise up to 15 kHz: above, the two sides' resamplers differ, which is no matter of windows."""
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal((seconds * RATE, 2)), axis=0)
    spectrum[15_000 * seconds :] = 0
    noise = np.fft.irfft(spectrum, axis=0)
    soundfile.write(path, (0.1 * noise / noise.std()).astype(np.float32), RATE, "FLOAT")


def _chunks(path: Path) -> Iterator[Samples]:
    for block in soundfile.blocks(path, RATE, dtype="float32", always_2d=True):
        yield np.ascontiguousarray(block.T)


if __name__ == "__main__":
    main()
