"""Float samples to the integers of a lossless codec."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from mediaclean.audio import Samples, reblock

# The dither's random numbers belong to the position, so that they do not depend on the size of blocks.
_STEP = 1 << 16
_SEED = 0x6D636C


def quantise(chunks: Iterable[Samples], bits: int) -> Iterator[NDArray[np.int32]]:
    """Chunks of shape (channels, n) as whole numbers of `bits` bits, clipped at full scale.

    Samples that already lie on the grid go through unchanged, so a neutral run is bit-identical. At 16 bits and
    below everything else gets triangular dither of two steps' width (Lipshitz, Wannamaker and Vanderkooy,
    "Quantization and Dither", JAES 40(5), 1992); at 24 bits the error is under -140 dBFS and needs none.
    """
    scale = np.float64(1 << (bits - 1))
    for index, chunk in enumerate(reblock(chunks, _STEP)):
        exact = chunk * scale
        whole = np.rint(exact)
        if bits <= 16 and not np.array_equal(exact, whole):
            random = np.random.default_rng([_SEED, index])
            noise = random.random(exact.shape, dtype=np.float32) - random.random(exact.shape, dtype=np.float32)
            whole = np.rint(exact + noise)
        yield np.clip(whole, -scale, scale - 1).astype(np.int32)
