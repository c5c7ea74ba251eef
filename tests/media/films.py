"""Films that tests make themselves: small pictures, known sound, and everything that remuxers lose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray

_ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
RATE = 48_000
FPS = 25


@dataclass(frozen=True)
class Sound:
    """One audio track: `samples` of shape (channels, n), starting at `start_s`."""

    samples: NDArray[np.float32]
    codec: str = "aac"
    rate: int = RATE
    layout: str = "stereo"
    start_s: float = 0.0
    language: str = ""
    title: str = ""
    disposition: int = 0


@dataclass(frozen=True)
class Film:
    """What goes into a film file."""

    sounds: Sequence[Sound] = ()
    seconds: float = 2.0
    video: str = "libx264"
    video_options: tuple[tuple[str, str], ...] = (
        ("preset", "ultrafast"),
        ("bf", "2"),
        ("g", "12"),
        ("b_strategy", "0"),
    )
    start_s: float = 0.0
    times: Sequence[int] | None = None
    fps: Fraction = Fraction(FPS)
    tags: tuple[tuple[str, str], ...] = ()
    video_tags: tuple[tuple[str, str], ...] = ()
    chapters: int = 0
    attachments: tuple[tuple[str, str, bytes], ...] = ()
    subtitles: str = ""
    options: tuple[tuple[str, str], ...] = ()
    tune: Callable[[Any], None] | None = None


def noise(seconds: float = 2.0, channels: int = 2, rate: int = RATE, seed: int = 1) -> NDArray[np.float32]:
    """Speech-like noise: smoothed, with syllables, different in every channel."""
    random = np.random.default_rng(seed)
    raw = random.standard_normal((channels, round(seconds * rate) + 16))
    smooth = np.stack([np.convolve(row, np.ones(6) / 6, "same") for row in raw])[:, : round(seconds * rate)]
    beat = 0.55 + 0.45 * np.sin(2 * np.pi * 3.7 * np.arange(smooth.shape[1]) / rate)
    return (0.25 * smooth * beat).astype(np.float32)


def make(path: Path, film: Film) -> Path:
    """Write the film; the muxer follows the suffix."""
    with av.open(str(path), "w", container_options=dict(film.options), metadata_errors="surrogateescape") as made:
        made.metadata.update(dict(film.tags))
        picture = _add_picture(made, film) if film.video else None
        sounds = [(_add_sound(made, sound), sound) for sound in film.sounds]
        words = _add_subtitles(made, film.subtitles) if film.subtitles else None
        for name, kind, data in film.attachments:
            made.add_attachment(name, kind, data)
        if film.chapters:
            made.set_chapters(_chapters(film))
        packets: list[tuple[float, Any]] = []
        if picture is not None:
            packets += _pictures(picture, film)
        for stream, sound in sounds:
            packets += _sound(stream, sound)
        made.start_encoding()
        if words is not None:
            packets += _cues(words)
        for _, packet in sorted(packets, key=lambda entry: entry[0]):
            made.mux(packet)
    return path


def _add_picture(made: Any, film: Film) -> Any:
    stream = made.add_stream(film.video, film.fps, options=dict(film.video_options))
    stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
    stream.codec_context.framerate = film.fps
    stream.codec_context.time_base = 1 / film.fps if film.times is None else Fraction(1, 1000)
    stream.metadata.update(dict(film.video_tags))
    if film.tune is not None:
        film.tune(stream)
    return stream


def _pictures(stream: Any, film: Film) -> list[tuple[float, Any]]:
    base = stream.codec_context.time_base
    times = film.times if film.times is not None else range(round(film.seconds * film.fps))
    packets = []
    for number, time in enumerate(times):
        frame = av.VideoFrame.from_ndarray(_card(number), "rgb24")
        frame.pts, frame.time_base = time + round(film.start_s / base), base
        packets += stream.encode(frame)
    packets += stream.encode(None)
    return [(float((packet.dts or 0) * base), packet) for packet in packets]


def _card(number: int) -> NDArray[np.uint8]:
    card = np.full((64, 96, 3), 40, dtype=np.uint8)
    card[8:56, (3 * number) % 90 : (3 * number) % 90 + 6] = 220
    return card


def _add_sound(made: Any, sound: Sound) -> Any:
    stream = made.add_stream(sound.codec, sound.rate)
    stream.layout = sound.layout
    stream.bit_rate = 96_000 * len(sound.samples)
    if sound.language:
        stream.metadata["language"] = sound.language
    if sound.title:
        stream.metadata["title"] = sound.title
    stream.disposition = sound.disposition
    return stream


def _sound(stream: Any, sound: Sound) -> list[tuple[float, Any]]:
    name = stream.codec_context.format.name.removesuffix("p")
    scale, kind = {"flt": (1.0, "f4"), "s16": (32768.0, "i2"), "s32": (2.0**31, "i4"), "dbl": (1.0, "f8")}[name]
    scaled = sound.samples.astype(np.float64) * scale
    if kind[0] == "i":
        scaled = np.clip(np.rint(scaled), -scale, scale - 1)
    packed = np.ascontiguousarray(scaled.T.astype(kind)).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(packed, name, sound.layout)
    frame.rate, frame.pts, frame.time_base = sound.rate, round(sound.start_s * sound.rate), Fraction(1, sound.rate)
    packets = [*stream.encode(frame), *stream.encode(None)]
    return [((packet.pts or 0) / sound.rate, packet) for packet in packets]


def _add_subtitles(made: Any, codec: str) -> Any:
    stream = made.add_stream(codec)
    stream.codec_context.subtitle_header = _ASS.replace("\n", "\r\n").encode()
    stream.metadata["language"] = "fra"
    return stream


def _cues(stream: Any) -> list[tuple[float, Any]]:
    packets = []
    for start, words in ((200, "Bonjour."), (900, "Où étions-nous ?")):
        text = words.encode()
        if stream.codec_context.name == "mov_text":
            text = len(text).to_bytes(2, "big") + text
        packet = av.Packet(text)
        packet.pts = packet.dts = start
        packet.duration, packet.time_base, packet.stream = 500, Fraction(1, 1000), stream
        packets.append((start / 1000, packet))
    return packets


def _chapters(film: Film) -> list[Any]:
    step = round(film.seconds * 1000 / film.chapters)
    return [
        {
            "id": n,
            "start": n * step,
            "end": (n + 1) * step,
            "time_base": Fraction(1, 1000),
            "metadata": {"title": f"Part {n}"},
        }
        for n in range(film.chapters)
    ]


def hevc(stream: Any) -> None:
    """HDR10 as Apple's devices write it: ten bits, BT.2020, PQ, tagged hvc1."""
    stream.pix_fmt = "yuv420p10le"
    context = stream.codec_context
    context.codec_tag = "hvc1"
    context.color_primaries, context.color_trc, context.colorspace, context.color_range = 9, 16, 9, 1


HDR10 = (
    ("preset", "ultrafast"),
    (
        "x265-params",
        "log-level=none:repeat-headers=1:hdr10=1:max-cll=1000,400:"
        "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)",
    ),
)


def torture() -> dict[str, tuple[str, Film]]:
    """Name to (suffix, film): what editors' files are like and remuxers stumble over."""
    stereo = Sound(noise())
    languages = ("eng", "deu", "fra", "ita", "spa")
    five = tuple(
        Sound(noise(seed=n), language=word, title=f"Ton {n}", disposition=int(n == 0))
        for n, word in enumerate(languages)
    )
    uneven = [0, 40, 73, 140, 141, 260, 300, 420, 421, 600, 700, 900, 1000, 1201, 1300, 1500, 1600, 1801, 1900]
    return {
        "b-frames in Matroska": (".mkv", Film((Sound(noise(), "pcm_s16le"),))),
        "variable frame rate": (".mp4", Film((stereo,), times=uneven)),
        "variable frame rate in Matroska": (".mkv", Film((stereo,), times=uneven)),
        "drop-frame timecode": (
            ".mov",
            Film((Sound(noise(), "pcm_s24le"),), fps=Fraction(30000, 1001), video_tags=(("timecode", "01:00:00;02"),)),
        ),
        "timecode in MP4": (".mp4", Film((stereo,), video_tags=(("timecode", "10:11:12:13"),))),
        "rotated": (".mp4", Film((stereo,), tune=lambda stream: stream.set_display_rotation(90))),
        "HDR10, hvc1": (".mp4", Film((stereo,), video="libx265", video_options=HDR10, tune=hevc)),
        "HDR10 in Matroska": (".mkv", Film((stereo,), video="libx265", video_options=HDR10, tune=hevc)),
        "five audio tracks": (".mp4", Film(five)),
        "five audio tracks in Matroska": (".mkv", Film(five)),
        "fonts attached": (
            ".mkv",
            Film(
                (stereo,),
                attachments=(("a.ttf", "font/ttf", bytes(range(256)) * 8), ("b.otf", "font/otf", b"OTTO" * 99)),
            ),
        ),
        "chapters in MP4": (".mp4", Film((stereo,), chapters=3)),
        "chapters in Matroska": (".mkv", Film((stereo,), chapters=3)),
        "late audio": (".mp4", Film((Sound(noise(1.5), start_s=0.4),))),
        "late audio in Matroska": (".mkv", Film((Sound(noise(1.5), start_s=0.4),))),
        "late audio in a transport stream": (".ts", Film((Sound(noise(1.5), start_s=0.4),), start_s=0.2)),
        "late picture": (".mp4", Film((stereo,), start_s=0.48)),
        "audio longer than the picture": (".mp4", Film((Sound(noise(4.0)),))),
        "audio shorter than the picture": (".mov", Film((Sound(noise(0.7)),))),
        "twelve hours in": (
            ".ts",
            Film((Sound(noise(), start_s=43_200.0),), start_s=43_200.0, options=(("mpegts_copyts", "1"),)),
        ),
        "twelve hours in Matroska": (".mkv", Film((Sound(noise(), start_s=43_200.0),), start_s=43_200.0)),
        "5.1": (".mp4", Film((Sound(noise(channels=6), "ac3", layout="5.1(side)"),))),
        "7.1": (".mkv", Film((Sound(noise(channels=8), "flac", layout="7.1"),))),
        "7.1 AAC": (".mp4", Film((Sound(noise(channels=8), layout="7.1"),))),
        "Opus in WebM": (
            ".webm",
            Film((Sound(noise(), "libopus"),), video="libvpx", video_options=(("cpu-used", "8"),)),
        ),
        "MP3 in AVI": (".avi", Film((Sound(noise(), "libmp3lame"),), video="mpeg4", video_options=())),
        "tags that are not UTF-8": (
            ".mkv",
            Film((stereo,), tags=(("comment", b"Caf\xe9 \xff".decode("utf-8", "surrogateescape")), ("title", "Été"))),
        ),
        "custom tags in MP4": (
            ".mp4",
            Film(
                (stereo,),
                tags=(("title", "T"), ("com.example.scene", "12b")),
                options=(("movflags", "use_metadata_tags"),),
            ),
        ),
        "subtitles in Matroska": (".mkv", Film((stereo,), subtitles="ass")),
    }


def with_cover(source: Path, target: Path) -> Path:
    """The same sound with a picture of one pixel."""
    with av.open(str(source)) as plain, av.open(str(target), "w") as made:
        made.metadata.update(plain.metadata)
        sound, cover = made.add_stream_from_template(plain.streams.audio[0]), made.add_stream("png")
        cover.width, cover.height, cover.pix_fmt, cover.disposition = 1, 1, "rgb24", Disposition.attached_pic
        for packet in (*cover.encode(av.VideoFrame(1, 1, "rgb24")), *cover.encode(None)):
            made.mux(packet)
        for packet in plain.demux(plain.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = sound
                made.mux(packet)
    return target
