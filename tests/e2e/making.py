"""Small media files for the tests, made with PyAV alone: a few seconds of the sample's voice and a tiny picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

Sound = NDArray[np.float32]

SAMPLES = Path(__file__).parent.parent.parent / "samples"
INTERVIEW = SAMPLES / "interview.mp4"
FPS = 25
SIZE = (64, 48)

CLEAN_S = 5.0
"""From here the sample's voice says "You have kept this lighthouse … What does a day look like?"."""

PICTURES = {".webm": "libvpx", ".avi": "mpeg4", ".ts": "libx264"}
SOUNDS = {
    ".mp4": "aac",
    ".mov": "pcm_s16le",
    ".mkv": "flac",
    ".webm": "libopus",
    ".avi": "libmp3lame",
    ".ts": "aac",
    ".wav": "pcm_s16le",
    ".flac": "flac",
    ".mp3": "libmp3lame",
    ".m4a": "aac",
    ".opus": "libopus",
}
SOUND_ONLY = {".wav", ".flac", ".mp3", ".m4a", ".opus"}


@cache
def _stem(name: str) -> Sound:
    sound, rate = soundfile.read(SAMPLES / "stems" / f"{name}.flac", dtype="float32", always_2d=True)
    assert rate == 48_000
    return sound.T


@cache
def speech(seconds: float = 5.0, rate: int = 48_000, channels: int = 1, *, music_db: float | None = None) -> Sound:
    """Two sentences in a quiet room, of shape (channels, n); with music under them if its gain is given.

    With more than two channels the voice is in the third, the front centre, and music and room are in the others.
    """
    at, count = round(1.2 * 48_000), round(seconds * 48_000)
    voice = _stem("voice")[:, at : at + count]
    room = _stem("room")[:, at : at + count]
    if music_db is not None:
        late = round(34.0 * 48_000)
        room = room + 10.0 ** (music_db / 20.0) * _stem("music")[:, late : late + count]
    if channels == 1:
        sound = voice + room.mean(axis=0)
    elif channels == 2:
        sound = voice + room
    else:
        sound = np.stack([room[channel % 2] for channel in range(channels)])
        sound[2] = voice[0] + 0.5 * room[0]
    if rate != 48_000:
        sound = soxr.resample(sound.T, 48_000, rate, "VHQ").T
    made = np.ascontiguousarray(sound[:, : round(seconds * rate)], dtype=np.float32)
    made.setflags(write=False)
    return made


@dataclass(frozen=True)
class Track:
    """An audio track to be written."""

    sound: Sound
    rate: int = 48_000
    layout: str = "mono"
    codec: str = ""
    bit_rate: int | None = None
    start_s: float = 0.0
    language: str = ""
    title: str = ""


@dataclass(frozen=True)
class Extras:
    """What a real film has beside picture and sound."""

    chapters: Sequence[tuple[float, float, str]] = ()
    subtitles: Sequence[tuple[float, float, str]] = ()
    tags: dict[str, str] = field(default_factory=dict)


def write_media(
    path: Path,
    *tracks: Track,
    picture_s: float | None = None,
    extras: Extras | None = None,
    cuts: Sequence[int] | None = None,
) -> Path:
    """Write a file; its suffix chooses container and codecs. Sound files have no picture. Without `cuts` the picture
    moves; with them it stands still and is another one from each of these frames on."""
    extras = extras or Extras()
    suffix = path.suffix.lower()
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"} if extras.tags else {}) as made:
        made.metadata.update(extras.tags)
        film = None if suffix in SOUND_ONLY else _picture_stream(made, suffix)
        streams = [_sound_stream(made, track, track.codec or SOUNDS[suffix]) for track in tracks]
        for stream in streams[:1]:
            stream.disposition = av.stream.Disposition.default
        words = _subtitle_stream(made) if extras.subtitles else None
        if extras.chapters:
            made.set_chapters(
                [
                    {
                        "id": number,
                        "start": round(start * 1000),
                        "end": round(stop * 1000),
                        "time_base": Fraction(1, 1000),
                        "metadata": {"title": title},
                    }
                    for number, (start, stop, title) in enumerate(extras.chapters)
                ]
            )
        if film is not None:
            length_s = max((t.start_s + t.sound.shape[1] / t.rate for t in tracks), default=2.0)
            _write_picture(made, film, picture_s if picture_s is not None else length_s, cuts)
        for stream, track in zip(streams, tracks, strict=True):
            _write_sound(made, stream, track)
        if words is not None:
            _write_subtitles(made, words, extras.subtitles)
    return path


def _picture_stream(made, suffix: str):
    stream = made.add_stream(PICTURES.get(suffix, "libx264"), rate=FPS)
    stream.width, stream.height = SIZE
    stream.pix_fmt = "yuv420p"
    stream.time_base = Fraction(1, FPS)
    return stream


def _write_picture(made, stream, seconds: float, cuts: Sequence[int] | None) -> None:
    columns = np.arange(SIZE[0])
    for number in range(round(seconds * FPS)):
        image = np.empty((SIZE[1], SIZE[0], 3), dtype=np.uint8)
        if cuts is None:
            image[...] = ((columns * 3 + number * 5) % 256).astype(np.uint8)[None, :, None]
        else:
            patches = np.random.default_rng(sum(number >= cut for cut in cuts)).integers(20, 235, (3, 4, 3))
            image[...] = patches.repeat(16, 0).repeat(16, 1)
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, FPS)
        made.mux(stream.encode(frame))
    made.mux(stream.encode(None))


def _sound_stream(made, track: Track, codec: str):
    stream = made.add_stream(codec, rate=track.rate, layout=track.layout)
    if track.bit_rate:
        stream.bit_rate = track.bit_rate
    if track.language:
        stream.metadata["language"] = track.language
    if track.title:
        stream.metadata["title"] = track.title
    return stream


def _write_sound(made, stream, track: Track) -> None:
    start = round(track.start_s * track.rate)
    for at in range(0, track.sound.shape[1], track.rate):
        chunk = np.ascontiguousarray(track.sound[:, at : at + track.rate].T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(chunk, format="flt", layout=track.layout)
        frame.sample_rate, frame.time_base, frame.pts = track.rate, Fraction(1, track.rate), start + at
        made.mux(stream.encode(frame))
    made.mux(stream.encode(None))


def _subtitle_stream(made):
    stream = made.add_stream("subrip")
    stream.codec_context.subtitle_header = b"[Script Info]\nScriptType: v4.00+\n"
    stream.time_base = Fraction(1, 1000)
    stream.metadata["language"] = "eng"
    return stream


def _write_subtitles(made, stream, cues: Sequence[tuple[float, float, str]]) -> None:
    for start, stop, text in cues:
        packet = av.Packet(text.encode())
        packet.stream, packet.time_base = stream, Fraction(1, 1000)
        packet.pts = packet.dts = round(start * 1000)
        packet.duration = round((stop - start) * 1000)
        made.mux(packet)


def film(path: Path, *, seconds: float = 5.0, rate: int = 48_000, layout: str = "mono", music_db: float | None = None,
         codec: str = "", start_s: float = 0.0) -> Path:  # fmt: skip
    """The usual test file: one track of speech, with a picture where the container has one."""
    channels = av.AudioLayout(layout).nb_channels
    return write_media(
        path, Track(speech(seconds, rate, channels, music_db=music_db), rate, layout, codec, start_s=start_s)
    )


def float_wav(path: Path, sound: Sound, rate: int = 48_000) -> Path:
    soundfile.write(path, sound.T, rate, subtype="FLOAT")
    return path
