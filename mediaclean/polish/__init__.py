"""What is done to the voice between separation and mixdown, each stage in a module of its own.

A stage is a generator over blocks. It changes the voice, and the mix by the same difference, so that the bed stays what
it was and samples that a stage leaves alone pass bit by bit. Stages run in the order in which the list holds them:
what takes noise away before what moves levels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from mediaclean.audio import Block

BlockStage: TypeAlias = Callable[[Iterator[Block]], Iterator[Block]]
"""Takes the blocks of a track in order and gives them back, changed or not, as a function of the position alone."""


def through(blocks: Iterable[Block], stages: Sequence[BlockStage]) -> Iterator[Block]:
    """The blocks after every stage, in order; the same blocks where there is none."""
    flow = iter(blocks)
    for stage in stages:
        flow = stage(flow)
    return flow
