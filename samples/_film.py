"""Picture and container of the sample: a lighthouse at night, muxed with sound, words and chapters."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from _sound import RATE
from av.subtitles.subtitle import SubtitleSet
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

FPS = 25
FRAME = RATE // FPS
"""Samples per frame of the picture."""
WIDTH, HEIGHT = 640, 360
LAMP = (500, 122)
SEA_Y = 262
PCM = NDArray[np.int16]


@dataclass(frozen=True)
class Cue:
    """A stretch of time in samples with its words: a caption, a chapter or a passage."""

    start: int
    stop: int
    text: str


@dataclass(frozen=True)
class Film:
    """All that goes into the file: PCM (2, n), flashes as frame numbers, cues."""

    title: str
    sound: PCM
    flashes: frozenset[int]
    passages: tuple[Cue, ...]
    chapters: tuple[Cue, ...]
    captions: tuple[Cue, ...]


def write_film(path: Path, film: Film) -> None:
    """Encode H.264, AAC at 192 kb/s and mov_text into an MP4 whose index comes first."""
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        container.metadata.update(
            {"title": film.title, "artist": "mediaclean", "comment": "Synthetic sample, MIT licence"}
        )
        container.set_chapters(
            [
                {
                    "id": i,
                    "start": c.start,
                    "end": c.stop,
                    "time_base": Fraction(1, RATE),
                    "metadata": {"title": c.text},
                }
                for i, c in enumerate(film.chapters)
            ]
        )
        video = container.add_stream("libx264", rate=FPS, options={"crf": "23", "preset": "slow", "threads": "1"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.codec_context.gop_size = 2 * FPS
        audio = container.add_stream("aac", rate=RATE, layout="stereo", bit_rate=192_000)
        words = container.add_stream("mov_text")
        words.codec_context.subtitle_header = _SUBTITLE_HEADER
        words.codec_context.time_base = Fraction(1, 1000)
        for stream in (video, audio, words):
            stream.metadata["language"] = "eng"
        container.start_encoding()

        for caption in film.captions:
            packet = words.codec_context.encode_subtitle(_subtitle(caption))
            packet.stream = words
            packet.time_base = Fraction(1, 1000)
            container.mux(packet)
        for i, picture in enumerate(draw(film)):
            frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
            frame.pts = i
            frame.time_base = Fraction(1, FPS)
            container.mux(video.encode(frame))
            pcm = np.ascontiguousarray(film.sound[:, i * FRAME : (i + 1) * FRAME].T).reshape(1, -1)
            sound = av.AudioFrame.from_ndarray(pcm, format="s16", layout="stereo")
            sound.sample_rate, sound.pts, sound.time_base = RATE, i * FRAME, Fraction(1, RATE)
            container.mux(audio.encode(sound))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


def write_flac(path: Path, pcm: PCM) -> None:
    """Write (channels, n) 16-bit samples, one or two channels, as FLAC."""
    layout = "mono" if len(pcm) == 1 else "stereo"
    with av.open(str(path), "w", format="flac", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(
            "flac", rate=RATE, layout=layout, format="s16", options={"compression_level": "12"}
        )
        for start in range(0, pcm.shape[1], RATE):
            block = np.ascontiguousarray(pcm[:, start : start + RATE].T).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


_SUBTITLE_HEADER = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, Alignment
Style: Default,Arial,16,&Hffffff,2

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def _subtitle(caption: Cue) -> SubtitleSet:
    """A caption of at most two lines, in milliseconds."""
    start, stop = (round(at * 1000 / RATE) for at in (caption.start, caption.stop))
    lines = r"\N".join(textwrap.wrap(caption.text, 42))
    return SubtitleSet.create(f"0,0,Default,,0,0,0,,{lines}".encode(), 0, stop - start, start)


def draw(film: Film) -> Iterator[Image.Image]:
    """Every frame of the film: one flash is one white frame."""
    scenery = _scenery(film.title)
    white = Image.new("RGB", (WIDTH, HEIGHT), "white")
    for i in range(film.sound.shape[1] // FRAME):
        passage = next(p for p in film.passages if p.start <= i * FRAME < p.stop)
        yield white if i in film.flashes else _picture(scenery, i, passage.text)


def _picture(scenery: Image.Image, i: int, label: str) -> Image.Image:
    picture = scenery.copy()
    canvas = ImageDraw.Draw(picture, "RGBA")
    angle = 2 * np.pi * i / (8 * FPS)
    reach, depth = 1100 * np.cos(angle), np.sin(angle)
    if depth > -0.2:
        half = 60 + 40 * max(depth, 0)
        far = (LAMP[0] + reach, LAMP[1] - 20)
        beam = [LAMP, (far[0], far[1] - half), (far[0], far[1] + half)]
        canvas.polygon(beam, fill=(255, 236, 170, int(60 + 50 * max(depth, 0))))
    glow = 9 + 5 * max(depth, 0)
    canvas.ellipse((LAMP[0] - glow, LAMP[1] - glow, LAMP[0] + glow, LAMP[1] + glow), fill=(255, 240, 190, 255))
    across = np.arange(0, WIDTH + 8, 8)
    for row in range(5):
        y = SEA_Y + 8 + row * 11 + (2 + row) * np.sin(across / (34 + 9 * row) + i / (11 + 2 * row) + row)
        canvas.line(list(zip(across.tolist(), y.tolist(), strict=True)), fill=(120, 150, 185, 150), width=1)
    seconds, frame = divmod(i, FPS)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{frame:02}"
    canvas.text((WIDTH - 24, 24), clock, font=_font(22), fill="white", anchor="ra")
    canvas.text((24, HEIGHT - 22), label, font=_font(26), fill=(255, 226, 140), anchor="ls")
    return picture


def _scenery(title: str) -> Image.Image:
    """What does not move: sky, stars, sea, rock, tower, title."""
    rows = np.linspace(0, 1, HEIGHT)[:, None, None]
    sky = np.array([14, 20, 44]) * (1 - rows) + np.array([62, 70, 112]) * rows
    picture = Image.fromarray(np.broadcast_to(sky, (HEIGHT, WIDTH, 3)).astype(np.uint8))
    canvas = ImageDraw.Draw(picture)
    for x, y in np.random.default_rng(7).integers((0, 60), (WIDTH, 220), (60, 2)).tolist():
        canvas.point((x, y), fill=(200, 205, 225))
    canvas.rectangle((0, SEA_Y, WIDTH, HEIGHT), fill=(20, 36, 62))
    canvas.polygon([(420, 290), (452, 250), (560, 248), (606, 290)], fill=(34, 32, 38))
    x, y = LAMP
    canvas.polygon([(x - 15, y + 16), (x + 15, y + 16), (x + 26, 252), (x - 26, 252)], fill=(222, 218, 208))
    for band in (148, 190, 230):
        canvas.polygon([(x - 20, band), (x + 20, band), (x + 22, band + 18), (x - 22, band + 18)], fill=(176, 52, 44))
    canvas.rectangle((x - 20, y + 12, x + 20, y + 16), fill=(40, 40, 46))
    canvas.rectangle((x - 13, y - 12, x + 13, y + 12), fill=(70, 66, 58))
    canvas.polygon([(x - 17, y - 12), (x + 17, y - 12), (x, y - 30)], fill=(176, 52, 44))
    canvas.text((24, 24), title, font=_font(24), fill="white")
    return picture


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
