"""What no voice holds: rumble.

The deepest voices begin at 75 Hz, and what they have under 80 Hz is the skirt of their fundamental in the analysis
window. Rumble, wind and drums there are easily taken for voice by a network that has heard few of them. So where the
bins up to 62 Hz are as loud as a voice, they may have no more than a quarter of the power that the voice has from 94
to 500 Hz in the same frames.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mediaclean.backends.dialogue_mask import Mask, apply_mask

RUMBLE_BINS = 3
"""Bins of 31.25 Hz: 0, 31 and 62 Hz."""
VOICED_BINS = 17
"""From the bins of rumble up to 500 Hz."""
SHARE = 0.25
"""-6 dB: a bass voice of 80 Hz, close to a microphone that lifts it, stays under it."""
LOUD = 0.5
"""Of the voice's mean power from 94 to 500 Hz. Rumble that stays 3 dB under the voice, as that of most rooms does, is
left alone, so that clean speech is."""
FRAMES = 5
"""Mean over so many frames (80 ms), so that the gain does not flutter."""


def without_rumble(mask: Mask, spectrum: Tensor) -> Mask:
    """The mask of `DialogueNet` with its lowest bins turned down where they would let through rumble.

    Args:
        mask: of the voice.
        spectrum: what the mask is for, (batch, frames, bins).
    """
    sound = apply_mask(mask, spectrum[..., : VOICED_BINS + 1])[..., :VOICED_BINS]
    power = sound.real.square() + sound.imag.square()
    low, voiced = _smooth(power[..., :RUMBLE_BINS].sum(-1)), _smooth(power[..., RUMBLE_BINS:].sum(-1))
    allowed = torch.maximum(SHARE * voiced, LOUD * voiced.mean(-1, keepdim=True))
    gain = (allowed / (low + 1e-12)).clamp(max=1.0).sqrt()[..., None, None]
    real, imag = (
        torch.cat([part[..., :RUMBLE_BINS] * gain, part[..., RUMBLE_BINS:]], -1) for part in (mask.real, mask.imag)
    )
    return Mask(real, imag, mask.gains)


def _smooth(power: Tensor) -> Tensor:
    """Mean over frames, of (batch, frames)."""
    edge = FRAMES // 2
    padded = F.pad(power[:, None], (edge, edge), mode="replicate")
    return F.avg_pool1d(padded, FRAMES, 1)[:, 0]
