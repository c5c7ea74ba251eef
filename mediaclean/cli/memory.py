"""How the process uses the machine: memory and threads."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # --help answers before anything else is loaded
    from mediaclean.progress import Progress, Watch

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8
"""Parameters of mallopt(3)."""

MIB = 1 << 20


def reuse_blocks() -> None:
    """Keep the memory of blocks of sound for the next block, where the C library is glibc.

    It would map and unmap every array above 128 KiB, and each new page of it costs a fault: about a fifth of the time
    in which a file is written. What is larger than any block, such as a container's index, still goes back at once; and
    all threads share two arenas, because each keeps what its own freed. A setting of the user's own (MALLOC_…) has
    precedence.
    """
    mallopt = _glibc("mallopt")
    if mallopt is None:
        return
    mallopt(_MMAP_THRESHOLD, 2 * MIB)
    mallopt(_TRIM_THRESHOLD, 128 * MIB)
    mallopt(_TOP_PAD, 4 * MIB)
    mallopt(_ARENA_MAX, 2)


def between_passes(watch: Watch) -> Watch:
    """The watch, and at both ends of every pass over the sound the memory that was kept for its blocks goes back.

    At its end, because the next pass opens containers first, whose indices grow with the length, and needs other
    blocks; at its beginning what was still held when the last one ended, by threads and by what was made of it; and
    with its first block what was needed to open them, a third of what an index weighs.
    """
    trim = _glibc("malloc_trim")
    begins = False

    def told(progress: Progress) -> None:
        nonlocal begins
        watch(progress)
        if trim is None or progress.total_s is None:
            return
        if begins or not 0.0 < progress.done_s < progress.total_s:
            trim(0)
        begins = progress.done_s <= 0.0

    return told


def _glibc(name: str) -> Callable[..., object] | None:
    """A function of the C library; None where that is another one, or the user has settings of their own for it."""
    if platform.libc_ver()[0] != "glibc" or any(own.startswith(("MALLOC_", "GLIBC_TUNABLES")) for own in os.environ):
        return None
    import ctypes

    return getattr(ctypes.CDLL(None), name, None)


def one_thread_per_product() -> None:
    """Keep the linear algebra below numpy from waking threads of its own; call it before numpy is imported.

    The products here are small: its threads wait for the next one in a busy loop, and take half of the processor from
    the stages that run side by side. Torch, which does the heavy work, has its own. A setting of the user's has
    precedence.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
