"""A larger network that begins as the same function: new blocks and taps are zero until they have learnt.

As in Chen, Goodfellow and Shlens, "Net2Net", ICLR 2016 (deeper by identity), made simple here by the residual paths.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import torch

from mediaclean.backends.dialogue_net import Bands, Block, DialogueNet


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


def widened(net: DialogueNet, taps: int) -> DialogueNet:
    """The network with more of the taps (`dialogue_mask.TAPS`); what it answers stays the same.

    Raises:
        ValueError: if it has more already.
    """
    present = net.config.taps
    if taps < present:
        raise ValueError(f"the network has {present} taps: it cannot do with {taps}")
    wider = DialogueNet(replace(net.config, taps=taps))
    before = net.state_dict()
    inner = {name: value for name, value in before.items() if not name.startswith("decode.groups.")}
    wider.load_state_dict(inner, strict=False)
    with torch.no_grad():
        for old, new in zip(net.decode.groups, wider.decode.groups, strict=True):
            for narrow, wide in zip(cast(Bands, old).parameters(), cast(Bands, new).parameters(), strict=True):
                wide.zero_()
                wide[..., : narrow.shape[-1]] = narrow
    return wider
