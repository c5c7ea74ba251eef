"""Mutated and truncated files through probe, decode, remux and verify; counts crashes, hangs and tracebacks.

    MEDIACLEAN_CORPUS=... python -m benchmarks.fuzz [--files 2000] [--minutes 20] [--seed 1] [--write]

The seeds are the corpus's containers and the films that the tests make themselves. Every file goes through a worker
process that dies and hangs alone: the parent counts that and starts another.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

TIMEOUT_S = 30.0
LARGEST = 400_000


def flip(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice([1, 4, 16, 64, 256])):
        data[rng.randrange(len(data))] = rng.randrange(256)


def flip_head(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice([1, 2, 4, 16])):
        data[rng.randrange(min(len(data), 3000))] = rng.randrange(256)


def flip_tail(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice([1, 2, 4, 16])):
        data[-1 - rng.randrange(min(len(data), 6000))] = rng.randrange(256)


def extremes(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice([1, 3])):
        place = rng.randrange(max(1, len(data) - 8))
        width = rng.choice([2, 4, 8])
        data[place : place + width] = rng.choice([b"\xff", b"\x00", b"\x7f", b"\x80"]) * width


def truncate(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(1, len(data)) :]


def cut(data: bytearray, rng: random.Random) -> None:
    place = rng.randrange(len(data))
    del data[place : place + rng.choice([1, 7, 188, 1000, 20_000])]


def double(data: bytearray, rng: random.Random) -> None:
    place, size = rng.randrange(len(data)), rng.choice([1, 188, 1000, 20_000])
    data[place:place] = data[place : place + size]


def blank(data: bytearray, rng: random.Random) -> None:
    place, size = rng.randrange(len(data)), rng.choice([16, 1000, 20_000])
    data[place : place + size] = bytes(len(data[place : place + size]))


MUTATIONS: list[Callable[[bytearray, random.Random], None]] = [
    *(flip, flip_head, flip_head, flip_tail, extremes, truncate, cut, double, blank)
]


def seeds(folder: Path) -> list[Path]:
    """Small real files and self-made films."""
    from tests.media.films import make, torture

    corpus = Path(os.environ.get("MEDIACLEAN_CORPUS", "nowhere"))
    found = [path for path in sorted(corpus.glob("containers/*")) if path.stat().st_size <= LARGEST]
    for number, (suffix, film) in enumerate(torture().values()):
        found.append(make(folder / f"film{number:02}{suffix}", film))
    return found


def work() -> None:
    """The worker: one path per line in, one verdict per line out."""
    import resource

    from mediaclean.errors import MediacleanError, OutputError
    from mediaclean.media import NewAudio, check_target, choose_track, decode, probe, staged, verify, write

    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    print("ready", flush=True)
    for line in sys.stdin:
        source = Path(line.strip())
        target = source.with_name(f"clean{source.suffix}")
        target.unlink(missing_ok=True)
        try:
            media = probe(source)
            track = choose_track(media)
            check_target(media, target, replace=[track.number], drop_unsupported=True)
            with staged(target) as temporary:
                new = NewAudio((chunk * 0.5 for chunk in decode(media, track)), track.rate, track.layout)
                written = write(media, temporary, replace={track.number: new}, drop_unsupported=True)
                receipt = verify(source, temporary, cleaned=[track.number], dropped=written.dropped)
                if not receipt.ok:
                    raise OutputError("the receipt refused it: " + receipt.failures[0])
            verdict = "verified" if target.exists() else "traceback no file"
        except MediacleanError as error:
            kind = "refused by the receipt" if "receipt" in error.message else f"refused ({type(error).__name__})"
            verdict = f"traceback left {target.name}" if target.exists() else kind
        except Exception as error:
            verdict = f"traceback {type(error).__name__}: {error}".replace("\n", " ")[:200]
        print(verdict, flush=True)


class Worker:
    """A process that takes files one after the other."""

    def __init__(self) -> None:
        self.process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        command = ["nice", sys.executable, "-m", "benchmarks.fuzz", "--work"]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1
        )
        assert process.stdout is not None
        process.stdout.readline()
        return process

    def send(self, path: Path) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        self.since = time.monotonic()

    def answer(self) -> str:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, self.since + TIMEOUT_S - time.monotonic()))
        if not ready:
            self.process.kill()
            verdict = "hang"
        else:
            line = self.process.stdout.readline()
            if line:
                return line.strip()
            verdict = f"crash (signal {-self.process.wait()})"
        self.process.wait()
        self.process = self._start()
        return verdict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for files with a bad verdict")
    parser.add_argument("--write", action="store_true", help="write benchmarks/FUZZ.md")
    parser.add_argument("--work", action="store_true", help="be a worker")
    options = parser.parse_args()
    if options.work:
        work()
        return
    verdicts: collections.Counter[str] = collections.Counter()
    bad: list[str] = []
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = seeds(folder)
        workers = [Worker(), Worker()]
        places = [folder / "a", folder / "b"]
        for place in places:
            place.mkdir()
        done = 0
        while done < options.files and time.monotonic() - begun < options.minutes * 60:
            pending = []
            for worker, place in zip(workers, places, strict=True):
                seed = found[done % len(found)]
                rng = random.Random(options.seed * 1_000_003 + done)
                mutation = rng.choice(MUTATIONS)
                data = bytearray(seed.read_bytes())
                mutation(data, rng)
                path = place / f"bent{seed.suffix}"
                path.write_bytes(data)
                worker.send(path)
                pending.append((worker, path, f"file {done}: {seed.name}, {mutation.__name__}"))
                done += 1
            for worker, path, what in pending:
                verdict = worker.answer()
                verdicts[verdict.split(":")[0] if verdict.startswith("traceback") else verdict] += 1
                if verdict.startswith(("traceback", "crash", "hang")):
                    bad.append(f"{what}: {verdict}")
                    print(bad[-1], file=sys.stderr, flush=True)
                    if options.keep:
                        options.keep.mkdir(parents=True, exist_ok=True)
                        (options.keep / f"{len(bad):03}{path.suffix}").write_bytes(path.read_bytes())
        for worker in workers:
            worker.process.kill()
            worker.process.wait()
    lines = ["# Damaged files\n", "`MEDIACLEAN_CORPUS=… python -m benchmarks.fuzz --write`\n"]
    minutes = (time.monotonic() - begun) / 60
    lines.append(
        f"{sum(verdicts.values())} mutated files from {len(found)} seeds through probe, decode, remux and verify, "
        f"random seed {options.seed}, {minutes:.1f} minutes on two processes.\n"
    )
    lines += [
        "| verdict | files |",
        "|---|---|",
        *(f"| {verdict} | {count} |" for verdict, count in verdicts.most_common()),
    ]
    lines.append(
        "\nA file is bad if a process dies, takes over 30 s, shows an error that is not ours, or leaves an unverified "
        f"file under the target's name. Bad files: {len(bad)}."
    )
    lines += [f"- {line}" for line in bad[:40]]
    print("\n".join(lines))
    if options.write:
        Path(__file__).with_name("FUZZ.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
