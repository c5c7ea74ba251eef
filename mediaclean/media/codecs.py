"""Which codec and bit rate the new audio gets: the source's where that can be written, never less of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import av.error
from av.codec import Codec
from av.codec.codec import UnknownCodecError

from mediaclean.errors import OutputError
from mediaclean.media.formats import Format, format_of
from mediaclean.media.records import AudioTrack

# The codec's name -> FFmpeg's encoder, where the two differ.
_ENCODERS = {"mp3": "libmp3lame", "opus": "libopus"}
# Encoders that FFmpeg itself calls experimental; a source in such a codec gets the container's usual one.
_NOT_GOOD = {"vorbis", "dts", "truehd", "mlp", "sonic", "wmav1", "adpcm_ms"}
_LOSSLESS = {"flac", "alac", "wavpack", "tta"}
# Lowest and highest bits per second and channel that make sense: a second lossy generation needs room.
_FLOOR = {"aac": 96_000, "mp3": 96_000, "mp2": 128_000, "ac3": 96_000, "eac3": 96_000, "opus": 64_000}
_CEILING = {"aac": 288_000, "mp3": 160_000, "mp2": 192_000, "ac3": 320_000, "eac3": 640_000, "opus": 256_000}
_TOTAL = {"mp3": 320_000, "mp2": 384_000, "ac3": 640_000, "eac3": 6_144_000, "opus": 510_000}
# Layer II and III and AC-3 know only these totals (kb/s).
_STEPS = {
    "mp3": (64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    "mp2": (64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    "ac3": (96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640),
}

_USUAL = ("aac", "opus", "mp3", "ac3", "eac3", "mp2", "flac", "alac", "pcm_s16le", "pcm_s24le", "pcm_f32le")


@dataclass(frozen=True)
class AudioCodec:
    """How new audio is written. `bits` is the depth of lossless audio (32 for float), None for lossy codecs."""

    name: str
    encoder: str
    rate: int
    layout: str
    bit_rate: int | None
    bits: int | None

    @property
    def lossless(self) -> bool:
        return self.bits is not None


def resolve_codec(
    track: AudioTrack,
    target: Path,
    *,
    codec: str | None = None,
    bit_rate: int | None = None,
    rate: int | None = None,
    layout: str | None = None,
) -> AudioCodec:
    """The codec for what replaces `track` in `target`.

    Without `codec` the source's is followed where it can be encoded and the container holds it, else the
    container's usual one (the lossless one for lossless sources). Without `bit_rate` it is the source's, but at
    least about 96 kb/s per channel. Lossless stays lossless at its depth: float becomes 24 bit where the codec
    has no float. `rate` and `layout` are those of the new samples, the track's by default.

    Raises:
        OutputError: the container does not hold the codec, or nobody can encode it.
    """
    form = format_of(target)
    rate, layout = rate or track.rate, layout or track.layout
    if codec is not None:
        name = _asked(codec, form, target)
    else:
        name = _followed(track, form, layout)
    encoder = _ENCODERS.get(name, name)
    rate = _nearest_rate(encoder, rate)
    layout = _layout(name, encoder, layout, target)
    if name.startswith("pcm_") or name in _LOSSLESS:
        if bit_rate is not None:
            raise OutputError(f"{target.name}: {name} keeps every bit, so --bitrate has no effect", "leave it out")
        return AudioCodec(name, encoder, rate, layout, None, _depth(name, track))
    channels = av.AudioLayout(layout).nb_channels
    return AudioCodec(name, encoder, rate, layout, bit_rate or _bit_rate(name, track, rate, channels), None)


def encoder_names() -> list[str]:
    """The usual audio codecs that can be written here."""
    return [name for name in _USUAL if _encodes(_ENCODERS.get(name, name))]


def _asked(codec: str, form: Format, target: Path) -> str:
    name = {"libmp3lame": "mp3", "libopus": "opus", "pcm": "pcm_s24le"}.get(codec.lower(), codec.lower())
    usable = " | ".join(known for known in form.audio if _encodes(_ENCODERS.get(known, known)))
    if not _encodes(_ENCODERS.get(name, name)):
        raise OutputError(f"audio codec {codec!r}: nothing here encodes it", f"--audio-codec {usable}")
    if name not in form.audio:
        elsewhere = f", or -o {target.stem}.mkv" if name in format_of(Path("any.mkv")).audio else ""
        raise OutputError(
            f"{target.name}: a {form.muxer} file does not hold {name} audio", f"--audio-codec {usable}{elsewhere}"
        )
    return name


def _followed(track: AudioTrack, form: Format, layout: str) -> str:
    wishes = [track.codec]
    if track.bits_per_sample is not None:
        wishes += ["pcm_f32le"] if track.codec.startswith("pcm_f") else []
        wishes += [form.lossless, *(name for name in form.audio if _is_lossless(name))]
    for name in [*wishes, *form.audio]:
        encoder = _ENCODERS.get(name, name)
        if name in form.audio and name not in _NOT_GOOD and _encodes(encoder) and _carries(encoder, layout):
            return name
    return form.audio[0]


def _is_lossless(name: str) -> bool:
    return name in _LOSSLESS or (name.startswith("pcm_") and name not in {"pcm_alaw", "pcm_mulaw", "pcm_u8", "pcm_s8"})


def _encodes(encoder: str) -> bool:
    try:
        return Codec(encoder, "w").type == "audio"
    except UnknownCodecError:
        return False


def _carries(encoder: str, layout: str) -> bool:
    """Whether the encoder opens with this layout; tried, since FFmpeg's lists are incomplete."""
    context = av.CodecContext.create(encoder, "w")
    context.sample_rate = _nearest_rate(encoder, 48_000)  # type: ignore[attr-defined]
    context.layout = layout  # type: ignore[attr-defined]
    context.format = Codec(encoder, "w").audio_formats[0]  # type: ignore[attr-defined, index]
    context.bit_rate = 64_000 * av.AudioLayout(layout).nb_channels
    try:
        context.open()
    except (av.error.FFmpegError, ValueError):
        return False
    return True


def _layout(name: str, encoder: str, layout: str, target: Path) -> str:
    """The layout as the encoder names it: side and rear pairs are one pair in codecs that know only one."""
    for candidate in (layout, layout.replace("(side)", "")):
        if _carries(encoder, candidate):
            return candidate
    hint = "-o NAME.mkv --audio-codec flac keeps every layout"
    raise OutputError(f"{target.name}: {name} cannot hold the layout {layout}", hint)


def _nearest_rate(encoder: str, rate: int) -> int:
    """The rate itself where the encoder knows it, else its next higher one, else its highest."""
    rates = Codec(encoder, "w").audio_rates
    if not rates or rate in rates:
        return rate
    higher = [known for known in rates if known > rate]
    return min(higher) if higher else max(rates)


def _depth(name: str, track: AudioTrack) -> int:
    if name.startswith("pcm_f"):
        return 32
    if name.startswith("pcm_"):
        digits = "".join(letter for letter in name if letter.isdecimal())
        return int(digits) if digits else 16
    return 16 if track.bits_per_sample is not None and track.bits_per_sample <= 16 else 24


def _bit_rate(name: str, track: AudioTrack, rate: int, channels: int) -> int:
    per_channel = _FLOOR.get(name, 96_000) if channels <= 2 else _FLOOR.get(name, 96_000) * 2 // 3
    wanted = max(per_channel * channels, track.bit_rate or 0 if track.bits_per_sample is None else 0)
    wanted = min(wanted, _CEILING.get(name, 320_000) * channels, _TOTAL.get(name, 10**9))
    if name == "aac":
        wanted = min(wanted, 6 * rate * channels)  # the format's bit reservoir ends here
    steps = [step * 1000 for step in _STEPS.get(name, ()) if step * 1000 >= wanted]
    return steps[0] if steps else wanted
