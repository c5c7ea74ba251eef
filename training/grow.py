"""A deeper network that begins as the same function: new blocks whose output is zero until they have learnt.

As in Chen, Goodfellow and Shlens, "Net2Net", ICLR 2016 (deeper by identity), made simple here by the residual paths.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import torch

from mediaclean.backends.dialogue_net import Block, DialogueNet


def deepened(net: DialogueNet, half_rate_blocks: int) -> DialogueNet:
    """The network with blocks added behind those it has at half rate; what it answers stays the same.

    Raises:
        ValueError: if it has more blocks already.
    """
    present = net.config.half_rate_blocks
    if half_rate_blocks < present:
        raise ValueError(f"the network has {present} blocks at half rate: it cannot shrink to {half_rate_blocks}")
    deeper = DialogueNet(replace(net.config, half_rate_blocks=half_rate_blocks))
    deeper.load_state_dict(net.state_dict(), strict=False)
    with torch.no_grad():
        for block in list(deeper.half_rate.blocks)[present:]:
            for part in (cast(Block, block).time, cast(Block, block).band):
                part.project.weight.zero_()
                part.project.bias.zero_()
    return deeper
