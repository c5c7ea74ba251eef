"""The compact dialogue-isolation network: a band-split, dual-path, bidirectional time-frequency masker.

It hears a mono spectrogram and answers with one mask, applied to every channel alike, so that the stereo image stays.
Below 8 kHz, where music and voice interleave between harmonics, the mask is complex and has one value per 31 Hz bin;
above, it is eight real gains. The whole window is seen at once (no causality), which streaming networks cannot do.

Band-split front end and per-band decoder after Luo and Yu, "Music source separation with band-split RNN", 2023
(doi:10.1109/TASLP.2023.3271145); dual-path recurrence after Luo, Chen and Yoshioka, "Dual-path RNN", ICASSP 2020.
The depthwise-convolution layers and the saturating mask are our own choice.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

RATE = 48_000
FFT = 1536
HOP = 768
BINS = FFT // 2 + 1
LOW_BINS = 256  # below 8 kHz: one complex mask value per bin
LOW_WIDTHS = (2,) * 12 + (3,) * 8 + (5,) * 6 + (10,) * 5 + (32,) * 4
HIGH_EDGES = (256, 288, 320, 368, 416, 480, 560, 656, 769)  # eight real gains above 8 kHz
COMPRESS = 0.3


@dataclass(frozen=True)
class NetConfig:
    """Size of the network: everything that is needed to build it again from its weights."""

    channels: int = 48
    time_hidden: int = 32
    band_hidden: int = 32
    full_rate_blocks: int = 0
    half_rate_blocks: int = 3
    expand: int = 2
    decoder_hidden: int = 96

    def as_metadata(self) -> dict[str, str]:
        """The fields as strings, for the header of a safetensors file."""
        return {name: str(value) for name, value in asdict(self).items()}

    @staticmethod
    def from_metadata(metadata: dict[str, str]) -> NetConfig:
        """The inverse of `as_metadata`; unknown keys are ignored, a missing or odd one raises KeyError/ValueError."""
        return NetConfig(**{name: int(metadata[name]) for name in NetConfig.__dataclass_fields__})


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


class DialogueNet(nn.Module):
    """Spectrogram in, mask out; see the module's text."""

    gather: Tensor
    scatter: Tensor
    pool: Tensor
    spread: Tensor

    def __init__(self, config: NetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or NetConfig()
        bands, widest = len(LOW_WIDTHS), max(LOW_WIDTHS)
        starts = [0, *accumulate(LOW_WIDTHS)]
        gather = torch.full((bands, widest), LOW_BINS)  # LOW_BINS: the index of a zero that is appended
        scatter = torch.zeros(LOW_BINS, dtype=torch.long)
        for band, (start, width) in enumerate(zip(starts, LOW_WIDTHS, strict=False)):
            gather[band, :width] = torch.arange(start, start + width)
            scatter[start : start + width] = band * widest + torch.arange(width)
        pool = torch.zeros(BINS - LOW_BINS, len(HIGH_EDGES) - 1)
        for band, (start, stop) in enumerate(pairwise(HIGH_EDGES)):
            pool[start - LOW_BINS : stop - LOW_BINS, band] = 1.0
        self.register_buffer("gather", gather, persistent=False)
        self.register_buffer("scatter", scatter, persistent=False)
        self.register_buffer("pool", pool / pool.sum(0), persistent=False)
        self.register_buffer("spread", pool.t().contiguous(), persistent=False)
        high = pool.shape[1]
        self.split = Bands(bands, 3 * widest, config.channels)
        self.high_in = nn.Linear(high, config.channels)
        self.entry = nn.LayerNorm(config.channels)
        self.before = LocalConv(config.channels, config.expand, 5)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.full_rate_blocks))
        self.half_rate = HalfRate(config)
        self.after = LocalConv(config.channels, config.expand, 3)
        self.exit = nn.LayerNorm(config.channels)
        self.decode_in = Bands(bands, config.channels, config.decoder_hidden)
        self.decode_out = Bands(bands, config.decoder_hidden, 3 * widest)
        self.high_out = nn.Linear(2 * config.channels, high)
        with torch.no_grad():
            self.decode_out.weight.mul_(0.2)
            self.decode_out.bias[:, :, :widest] = 1.0  # start by letting most through

    def _embed(self, spectrum: Tensor) -> Tensor:
        """(batch, frames, BINS) complex -> (batch, frames, bands + 1, channels)."""
        batch, frames, _ = spectrum.shape
        real, imag = spectrum[..., :LOW_BINS].real, spectrum[..., :LOW_BINS].imag
        power = real.square() + imag.square() + 1e-8
        turn = power ** ((COMPRESS - 1) / 2)
        features = torch.stack((power ** (COMPRESS / 2), real * turn, imag * turn))
        features = F.pad(features, (0, 1)).reshape(3, batch * frames, LOW_BINS + 1)
        banded = features[..., self.gather]  # 3, rows, bands, widest
        low = self.split(banded.permute(2, 1, 0, 3).flatten(2))
        top = spectrum[..., LOW_BINS:]
        level = (top.real.square() + top.imag.square()) @ self.pool
        high = self.high_in((level + 1e-8).pow(COMPRESS / 2).view(1, batch * frames, -1))
        joined = torch.cat((low, high)).view(-1, batch, frames, low.shape[-1])
        entry: Tensor = self.entry(joined.permute(1, 2, 0, 3))
        return entry

    def forward(self, spectrum: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mask of a level-normalised spectrogram (mean power per bin near 1 where it is loud).

        (batch, frames, BINS) complex -> real part and imaginary part (batch, frames, LOW_BINS), and the gains of the
        bins above (batch, frames, BINS - LOW_BINS).
        """
        x = self.before(self._embed(spectrum)).permute(1, 2, 0, 3).contiguous()
        for block in self.blocks:
            x = block(x)
        x = self.after(self.half_rate(x).permute(2, 0, 1, 3))
        batch, frames, tokens, channels = x.shape
        x = self.exit(x).permute(2, 0, 1, 3).reshape(tokens, batch * frames, channels)
        hidden = F.gelu(self.decode_in(x[:-1]))
        out = self.decode_out(hidden).view(tokens - 1, batch, frames, 3, -1).permute(3, 1, 2, 0, 4).flatten(3)
        gate, tilt, turn = out[..., self.scatter].unbind(0)
        # Exact at both ends: a gate of 0 or 1 silences or passes the bin untouched; between, the phase may turn.
        gate = torch.sigmoid(gate)
        freedom = 4 * gate * (1 - gate)
        gains = torch.sigmoid(self.high_out(torch.cat((x[-1], x[-2]), -1))) @ self.spread
        return (
            gate + freedom * torch.tanh(tilt),
            freedom * torch.tanh(turn),
            gains.view(batch, frames, -1),
        )


def window(like: Tensor) -> Tensor:
    """The square root of a periodic Hann window: its square sums to one at half overlap (Princen-Bradley)."""
    hann: Tensor = torch.hann_window(FFT, periodic=True, dtype=like.dtype, device=like.device)
    return hann.sqrt()


def analyse(signal: Tensor) -> Tensor:
    """(..., samples), samples a multiple of HOP -> (..., samples / HOP + 1, BINS), scaled to keep the mean power."""
    framed = F.pad(signal, (HOP, HOP)).unfold(-1, FFT, HOP)
    spectrum: Tensor = torch.fft.rfft(framed * window(signal))
    return spectrum / HOP**0.5


def synthesise(spectrum: Tensor) -> Tensor:
    """The inverse of `analyse`: (..., frames, BINS) -> (..., (frames - 1) * HOP)."""
    frames: Tensor = torch.fft.irfft(spectrum, FFT)
    frames = frames * (window(frames) * HOP**0.5)
    joined = frames[..., :-1, HOP:] + frames[..., 1:, :HOP]
    signal: Tensor = joined.flatten(-2)
    return signal


def apply_mask(mask: tuple[Tensor, Tensor, Tensor], spectrum: Tensor) -> Tensor:
    """The voice's spectrogram: mask (as from the network) times spectrum (..., frames, BINS)."""
    real, imag, gains = mask
    low = torch.complex(real.float(), imag.float()) * spectrum[..., :LOW_BINS]
    return torch.cat((low, gains.float() * spectrum[..., LOW_BINS:]), -1)
