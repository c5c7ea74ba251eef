"""Several training processes, one thread each, that work alone for a while and then average their weights.

Local stochastic gradient descent (Stich 2019, "Local SGD converges fast and communicates little"): where other work
keeps one core busy, no process waits for another at every step, only at the end of a round of some seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor, nn


def first_value(value: float) -> float:
    """The first process's value, in every process."""
    if not dist.is_initialized():
        return value
    shared = torch.tensor([value], dtype=torch.float64)
    dist.broadcast(shared, 0)
    return float(shared)


def total(value: float) -> float:
    """The sum over the processes, in every process."""
    if not dist.is_initialized():
        return value
    shared = torch.tensor([value], dtype=torch.float64)
    dist.all_reduce(shared)
    return float(shared)


@torch.no_grad()
def average_weights(nets: Sequence[nn.Module], steps: int) -> None:
    """Make each network the mean over the processes, weighted by the steps that each has done since the last time."""
    if not dist.is_initialized():
        return
    everyone = total(steps)
    if not everyone:
        return
    share = steps / everyone
    parameters: list[Tensor] = [p for net in nets for p in net.parameters()]
    flat = torch.cat([p.flatten() for p in parameters]) * share
    dist.all_reduce(flat)
    for parameter, mean in zip(parameters, torch.split(flat, [p.numel() for p in parameters]), strict=True):
        parameter.copy_(mean.view_as(parameter))
