"""Runs `clean` again and again in children that are killed at random moments: `python killing.py SOURCE FOLDER KILLS`.

One process loads everything once and forks, so that a kill costs a fraction of a second. Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from mediaclean import CleanOptions, load_preset
from mediaclean.run import clean

HALF = CleanOptions(engine="fake:half")
PRESET = load_preset("podcast", ["separate.longest_s=5"])


def child(source: Path, target: Path) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            clean(source, target, PRESET, HALF)
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
    return pid


def whole(source: Path, target: Path) -> float:
    start = time.perf_counter()
    _, status = os.waitpid(child(source, target), 0)
    assert status == 0, f"the run failed: {status}"
    return time.perf_counter() - start


def main() -> None:
    source, folder, kills = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    reference, target = folder / f"reference{source.suffix}", folder / f"out{source.suffix}"
    length_s = max(whole(source, reference), 0.1)
    expected = reference.read_bytes()
    reference.unlink()
    moments = random.Random(5)
    killed = resumed = 0
    for _ in range(kills):
        if any(folder.glob(".*.mediaclean/cut-*.npy")):
            resumed += 1
        pid = child(source, target)
        time.sleep(moments.random() * length_s)
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):
            killed += 1
        if target.exists():
            assert target.read_bytes() == expected, "a file under the target's name that is not the result"
            target.unlink()
    whole(source, target)
    print(
        json.dumps(
            {
                "killed": killed,
                "resumed": resumed,
                "same": target.read_bytes() == expected,
                "left": sorted(path.name for path in folder.iterdir()),
            }
        )
    )


if __name__ == "__main__":
    main()
