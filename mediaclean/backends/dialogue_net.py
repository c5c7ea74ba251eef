"""The compact dialogue-isolation network: a band-split, dual-path, bidirectional time-frequency masker.

It hears a mono spectrogram and answers with one mask, of the sum of all channels (`stereo.py` tells it apart).
Below 8 kHz, where music and voice interleave between harmonics, the mask is complex and makes every bin of 31 Hz from
itself and the eight around it (`dialogue_mask.py`); above, it is eight real gains. The whole window is seen at once (no
causality), which streaming networks cannot do.

Band-split front end and per-band decoder after Luo and Yu, "Music source separation with band-split RNN", 2023
(doi:10.1109/TASLP.2023.3271145); dual-path recurrence after Luo, Chen and Yoshioka, "Dual-path RNN", ICASSP 2020.
The depthwise-convolution layers and the saturating mask are our own choice.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mediaclean.backends.dialogue_mask import HIGH_BANDS, LOW_BINS, TAPS, Mask, high_power

LOW_GROUPS = ((12, 2), (8, 3), (6, 5), (5, 10), (4, 32))  # how many bands of how many bins
COMPRESS = 0.3


@dataclass(frozen=True)
class NetConfig:
    """Size of the network: everything that is needed to build it again from its weights."""

    channels: int = 48
    time_hidden: int = 32
    band_hidden: int = 32
    full_rate_blocks: int = 0
    half_rate_blocks: int = 6
    expand: int = 2
    decoder_hidden: int = 96
    taps: int = len(TAPS)  # factors of a bin below 8 kHz

    def as_metadata(self) -> dict[str, str]:
        """The fields as strings, for the header of a safetensors file."""
        return {name: str(value) for name, value in asdict(self).items()}

    @staticmethod
    def from_metadata(metadata: dict[str, str]) -> NetConfig:
        """The inverse of `as_metadata`; unknown keys are ignored, a missing or odd one raises KeyError/ValueError.

        Weights of before version 6 have one tap and do not say so.
        """
        known = {"taps": "1"} | metadata
        return NetConfig(**{name: int(known[name]) for name in NetConfig.__dataclass_fields__})


class Bands(nn.Module):
    """A linear map of its own for every band, as one batched product over bands padded to the widest."""

    def __init__(self, bands: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(bands, inputs, outputs) / inputs**0.5)
        self.bias = nn.Parameter(torch.zeros(bands, 1, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(bands, rows, inputs) -> (bands, rows, outputs)."""
        return torch.baddbmm(self.bias, x, self.weight)


class LocalConv(nn.Module):
    """A depthwise convolution over time and bands and a pointwise network, with a residual path."""

    def __init__(self, channels: int, expand: int, taps: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, taps, padding=taps // 2, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.widen = nn.Linear(channels, expand * channels)
        self.narrow = nn.Linear(expand * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, frames, bands, channels) -> the same."""
        y: Tensor = self.depthwise(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        out: Tensor = self.narrow(F.gelu(self.widen(self.norm(y))))
        return x + out


class Recurrent(nn.Module):
    """A bidirectional LSTM along the first axis, with normalisation before, a projection after, and a residual path."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.rnn = nn.LSTM(channels, hidden, bidirectional=True)
        self.project = nn.Linear(2 * hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(steps, ..., channels) -> the same; every index between is a sequence of its own."""
        flat = self.norm(x).reshape(x.shape[0], -1, x.shape[-1])
        out: Tensor = self.project(self.rnn(flat)[0])
        return x + out.view(x.shape)


class Block(nn.Module):
    """Along time for every band, then across bands for every frame."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.time = Recurrent(config.channels, config.time_hidden)
        self.band = Recurrent(config.channels, config.band_hidden)

    def forward(self, x: Tensor) -> Tensor:
        """(frames, bands, batch, channels) -> the same."""
        across: Tensor = self.band(self.time(x).transpose(0, 1).contiguous())
        return across.transpose(0, 1).contiguous()


class HalfRate(nn.Module):
    """Blocks run on pairs of frames joined into one, at half the cost; what they find is added to the full rate."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.join = nn.Linear(2 * config.channels, config.channels)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.half_rate_blocks))
        self.norm = nn.LayerNorm(config.channels)
        self.part = nn.Linear(config.channels, 2 * config.channels)

    def forward(self, x: Tensor) -> Tensor:
        """(frames, bands, batch, channels) -> the same."""
        frames, bands, batch, channels = x.shape
        even = F.pad(x, (0, 0, 0, 0, 0, 0, 0, frames % 2)).view(-1, 2, bands, batch, channels)
        y = self.join(torch.cat((even[:, 0], even[:, 1]), -1))
        for block in self.blocks:
            y = block(y)
        parts: Tensor = self.part(self.norm(y)).unflatten(-1, (2, channels)).permute(0, 3, 1, 2, 4)
        return x + parts.reshape(-1, bands, batch, channels)[:frames]


class Split(nn.Module):
    """From bins to bands: each band's compressed magnitude, real and imaginary parts, by a linear map of its own."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.groups = nn.ModuleList(Bands(count, 3 * width, channels) for count, width in LOW_GROUPS)
        self.high = nn.Linear(HIGH_BANDS, channels)

    def forward(self, spectrum: Tensor, high_power: Tensor) -> Tensor:
        """(batch, frames, BINS) complex and (batch, frames, HIGH_BANDS) -> (bands + 1, batch, frames, channels)."""
        batch, frames, _ = spectrum.shape
        real, imag = spectrum[..., :LOW_BINS].real, spectrum[..., :LOW_BINS].imag
        power = real.square() + imag.square() + 1e-8
        magnitude = power ** (COMPRESS / 2)
        turn = magnitude * power.rsqrt()
        features = torch.stack((magnitude, real * turn, imag * turn)).view(3, batch * frames, LOW_BINS)
        tokens, start = [], 0
        for group, (count, width) in zip(self.groups, LOW_GROUPS, strict=True):
            banded = features[..., start : start + count * width].reshape(3, batch * frames, count, width)
            tokens.append(group(banded.permute(2, 1, 0, 3).flatten(2)))
            start += count * width
        tokens.append(self.high((high_power + 1e-8).pow(COMPRESS / 2)).view(1, batch * frames, -1))
        return torch.cat(tokens).view(-1, batch, frames, tokens[0].shape[-1])


class Decoder(nn.Module):
    """From bands to the mask's numbers for every bin, by a small network of its own for each band."""

    def __init__(self, channels: int, hidden: int, taps: int) -> None:
        super().__init__()
        self.numbers = 1 + 2 * taps
        self.enter = Bands(sum(count for count, _ in LOW_GROUPS), channels, hidden)
        self.groups = nn.ModuleList(Bands(count, hidden, self.numbers * width) for count, width in LOW_GROUPS)
        self.high = nn.Linear(2 * channels, HIGH_BANDS)
        with torch.no_grad():
            for module, (_, width) in zip(self.groups, LOW_GROUPS, strict=True):
                group = cast(Bands, module)
                group.weight.mul_(0.2)
                group.bias[:, :, :width] = 1.0  # start by letting most through

    def forward(self, x: Tensor) -> Mask:
        """(bands + 1, batch, frames, channels) -> the mask."""
        _, batch, frames, channels = x.shape
        hidden = F.gelu(self.enter(x[:-1].reshape(-1, batch * frames, channels)))
        values, band = [], 0
        for group, (count, width) in zip(self.groups, LOW_GROUPS, strict=True):
            banded = group(hidden[band : band + count]).unflatten(-1, (self.numbers, width))
            values.append(banded.permute(2, 1, 0, 3).flatten(2))
            band += count
        answer = torch.cat(values, -1).view(self.numbers, batch, frames, LOW_BINS)
        del values, hidden  # as large as the answer
        # Exact at both ends: a gate of 0 or 1 silences or passes the bin untouched; between, the phase may turn and
        # the bins around it may help.
        gate = torch.sigmoid(answer[0])
        freedom = 4 * gate * (1 - gate)
        parts = freedom * torch.tanh(answer[1:])
        real, imag = parts[0::2], parts[1::2]
        real = torch.cat((gate[None] + real[:1], real[1:]))
        gains = torch.sigmoid(self.high(torch.cat((x[-1], x[-2]), -1)))
        return Mask(real.permute(1, 2, 0, 3), imag.permute(1, 2, 0, 3), gains)


class DialogueNet(nn.Module):
    """Spectrogram in, mask out; see the module's text."""

    pool: Tensor

    def __init__(self, config: NetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or NetConfig()
        self.split = Split(config.channels)
        self.entry = nn.LayerNorm(config.channels)
        self.before = LocalConv(config.channels, config.expand, 5)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.full_rate_blocks))
        self.half_rate = HalfRate(config)
        self.after = LocalConv(config.channels, config.expand, 3)
        self.exit = nn.LayerNorm(config.channels)
        self.decode = Decoder(config.channels, config.decoder_hidden, config.taps)

    def forward(self, spectrum: Tensor) -> Mask:
        """Mask of a spectrogram (batch, frames, BINS), level-normalised: mean power per bin near 1 where it is loud."""
        x: Tensor = self.split(spectrum, high_power(spectrum))
        x = self.before(self.entry(x.permute(1, 2, 0, 3))).permute(1, 2, 0, 3).contiguous()
        for block in self.blocks:
            x = block(x)
        x = self.after(self.half_rate(x).permute(2, 0, 1, 3))
        mask: Mask = self.decode(self.exit(x).permute(2, 0, 1, 3))
        return mask
