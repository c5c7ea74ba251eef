"""Our separators as plain functions: mono 48 kHz float32 in, the voice of the same length out.

For benchmarks that know nothing of mediaclean, with `benchmarks.separator:dialogue` as the name of the factory. They
run through the package's own windows and overlap-add, so that what is measured is what the tool does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Span
from mediaclean.separate import Separator, separate_cuts

RATE = 48_000
Voice: TypeAlias = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Stats:
    """Mean and standard deviation of the whole mix, which demucs normalises by."""

    mean: float
    deviation: float


def wrap(separator: Separator) -> Voice:
    """A separator as a function of a whole mono signal at 48 kHz."""

    def voice(mix: NDArray[np.float32]) -> NDArray[np.float32]:
        chunk = np.ascontiguousarray(mix, np.float32)[None]
        cut = Span(0, chunk.shape[1])
        ((_, found),) = separate_cuts([chunk], [cut], separator, rate=RATE, length=cut.stop)
        mono: NDArray[np.float32] = found[0]
        return mono

    return voice


def dialogue(device: str = "cpu") -> Voice:
    """The compact network that comes with the package."""
    from mediaclean.backends.dialogue import load

    return wrap(load(device))


def demucs(name: str = "htdemucs", device: str = "cpu") -> Voice:
    """A Demucs model by its name; its weights must be there (mediaclean models fetch)."""
    from mediaclean.backends.demucs import load

    def voice(mix: NDArray[np.float32]) -> NDArray[np.float32]:
        stats = Stats(float(mix.mean()), float(mix.std()))
        return wrap(load(name, device=device, stats=stats))(mix)

    return voice


def main() -> None:
    """How fast the compact network is on this machine, and how much memory the process takes at its peak.

    python -m benchmarks.separator --threads 1 --seconds 120
    """
    import argparse
    import resource
    import time

    import torch

    from mediaclean.backends.dialogue import load

    parser = argparse.ArgumentParser(description=main.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=120.0, help="of 48 kHz stereo")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    separator = load(args.device)
    length = int(args.seconds * RATE)
    mix = (0.1 * np.random.default_rng(0).standard_normal((2, length))).astype(np.float32)
    separator.separate([mix[:, : separator.window]])
    begin, begin_cpu = time.perf_counter(), time.process_time()
    for _ in separate_cuts([mix], [Span(0, length)], separator, rate=RATE, length=length):
        pass
    took, took_cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{separator.identity}, {args.device}, {args.threads} threads: {args.seconds / took:.1f} times real time "
        f"({args.seconds / took_cpu:.1f} per second of CPU time), peak memory {peak_mb:.0f} MB"
    )


if __name__ == "__main__":
    main()
