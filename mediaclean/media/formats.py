"""What each output container usually holds. The container follows the target's suffix."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from mediaclean.errors import OutputError


@dataclass(frozen=True)
class Format:
    """One output container.

    `muxer` is FFmpeg's name. `audio` are the codecs that players expect in it, the usual one first, `lossless`
    the one for lossless sources ("" where there is none). `subtitles` are the text codecs that it holds; `video`
    and `pictures` whether it holds moving pictures and cover art; `timestamps` whether a stream can start late;
    `several` whether it holds more than one track; `streams` all codecs, for muxers that would take anything.
    """

    muxer: str
    audio: tuple[str, ...]
    lossless: str = ""
    subtitles: tuple[str, ...] = ()
    video: bool = True
    pictures: bool = False
    timestamps: bool = True
    several: bool = True
    streams: tuple[str, ...] = ()
    brand: str = ""

    @property
    def family(self) -> str:
        """The container without its dialect: MP4 and MOV are one, Matroska and WebM are one."""
        return family_of(self.muxer)


_FAMILIES = {
    "mov,mp4,m4a,3gp,3g2,mj2": "mp4",
    "mov": "mp4",
    "3gp": "mp4",
    "matroska,webm": "matroska",
    "webm": "matroska",
    "opus": "ogg",
    "aac": "adts",
}
# What a family has no place for: chapters, the picture's rotation, tags of the file, titles, languages and
# dispositions of streams. Chapters and rotation are refused; the rest is said in the receipt.
_WITHOUT: dict[str, set[str]] = {
    "matroska": set(),
    "mp4": set(),
    "mpegts": {"chapters", "rotation", "tags", "titles", "dispositions"},
    "avi": {"chapters", "rotation", "titles", "languages", "dispositions"},
    "flv": {"chapters", "rotation", "titles", "languages", "dispositions"},
    "ogg": {"titles", "dispositions"},
    "mp3": {"titles", "languages", "dispositions"},
    "flac": {"chapters", "titles", "languages", "dispositions"},
    "wav": {"chapters", "titles", "languages", "dispositions"},
    "aiff": {"chapters", "titles", "languages", "dispositions"},
    "adts": {"chapters", "tags", "titles", "languages", "dispositions"},
    "ac3": {"chapters", "tags", "titles", "languages", "dispositions"},
}


def family_of(name: str) -> str:
    """The family of a muxer's or demuxer's name."""
    return _FAMILIES.get(name, name)


def without(family: str) -> set[str]:
    """What a family of containers has no place for."""
    return _WITHOUT.get(family, set())


_PCM = ("pcm_s24le", "pcm_s16le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_u8", "pcm_alaw", "pcm_mulaw")
_PCM_BE = ("pcm_s24be", "pcm_s16be", "pcm_s32be", "pcm_f32be", "pcm_s8")
_MP4_AUDIO = ("aac", "ac3", "eac3", "mp3", "alac", "flac", "opus", "mp2", "dts", "truehd")
_TS_CODECS = (
    *("mpeg1video", "mpeg2video", "h264", "hevc", "vvc", "mpeg4", "vc1", "cavs", "dirac"),
    *("aac", "aac_latm", "ac3", "eac3", "mp2", "mp3", "dts", "truehd", "opus", "s302m", "pcm_bluray"),
    *("dvb_subtitle", "dvb_teletext", "klv", "timed_id3", "smpte_2038", "scte_35"),
)
_AVI_CODECS = (
    *("mpeg4", "msmpeg4v3", "msmpeg4v2", "mjpeg", "dvvideo", "huffyuv", "ffvhuff", "ffv1", "rawvideo", "cinepak"),
    *("mp3", "ac3", "mp2", "pcm_s16le", "pcm_s24le", "pcm_u8", "pcm_f32le", "adpcm_ms"),
)

_MP4 = Format("mp4", _MP4_AUDIO, "alac", ("mov_text",), pictures=True)
_M4A = Format("mp4", ("aac", "alac", "ac3"), "alac", video=False, pictures=True, brand="M4A ")
_MOV = Format("mov", ("aac", *_PCM, *_PCM_BE, "ac3", "eac3", "mp3", "alac"), "pcm_s24le", ("mov_text",))
_MATROSKA = Format(
    *("matroska", ("aac", "opus", "flac", "ac3", "eac3", "mp3", "mp2", "alac", "dts", "truehd", *_PCM), "flac"),
    subtitles=("subrip", "ass", "webvtt"),
    pictures=True,
)
_TS = Format("mpegts", ("aac", "ac3", "eac3", "mp2", "mp3"), streams=_TS_CODECS)  # which cannot tell Opus its priming
_OGG = Format("ogg", ("opus", "flac"), "flac", video=False, several=False, pictures=True)

_FORMATS: dict[str, Format] = {
    ".mp4": _MP4,
    ".m4v": _MP4,
    ".m4a": _M4A,
    ".m4b": replace(_M4A, brand="M4B "),
    ".mov": _MOV,
    ".qt": _MOV,
    ".3gp": Format("3gp", ("aac",)),
    ".mkv": _MATROSKA,
    ".mka": _MATROSKA,
    ".webm": Format("webm", ("opus",), subtitles=("webvtt",)),
    ".ts": _TS,
    ".m2ts": _TS,
    ".mts": _TS,
    ".avi": Format("avi", ("mp3", "ac3", "mp2", *_PCM[:2]), "pcm_s24le", timestamps=False, streams=_AVI_CODECS),
    ".flv": Format("flv", ("aac", "mp3")),
    ".wav": Format("wav", _PCM, "pcm_s24le", video=False, several=False, timestamps=False),
    ".aiff": Format("aiff", _PCM_BE, "pcm_s24be", video=False, several=False, timestamps=False),
    ".aif": Format("aiff", _PCM_BE, "pcm_s24be", video=False, several=False, timestamps=False),
    ".flac": Format("flac", ("flac",), "flac", video=False, several=False, pictures=True, timestamps=False),
    ".mp3": Format("mp3", ("mp3",), video=False, several=False, pictures=True, timestamps=False),
    ".aac": Format("adts", ("aac",), video=False, several=False, timestamps=False),
    ".ac3": Format("ac3", ("ac3",), video=False, several=False, timestamps=False),
    ".ogg": _OGG,
    ".oga": _OGG,
    ".opus": Format("opus", ("opus",), video=False, several=False, pictures=True),
}

_INSTEAD = {
    **dict.fromkeys((".mxf", ".dv"), ".mov"),
    **dict.fromkeys((".mpg", ".mpeg", ".vob", ".ogv", ".wtv", ".f4v", ".3g2"), ".mkv"),
    **dict.fromkeys((".wmv", ".asf"), ".mkv"),  # which moves the start of every track by what it buffers
    **dict.fromkeys((".wv", ".tta", ".ape", ".tak", ".shn"), ".flac"),
    **dict.fromkeys((".w64", ".rf64", ".bwf", ".caf", ".au", ".snd", ".voc"), ".wav"),
    **dict.fromkeys((".wma", ".amr", ".awb", ".mpc"), ".m4a"),
    **dict.fromkeys((".mp2", ".mpa", ".eac3", ".ec3", ".dts", ".thd", ".mlp"), ".mka"),
}
"""What to write for a source in a container that is only read: one that editors open, and that holds the same."""


def written_suffix(suffix: str) -> str:
    """The suffix of a result whose source has this one: the same, or that of a container which can hold it.

    >>> written_suffix(".MOV"), written_suffix(".mxf"), written_suffix(".xyz")
    ('.MOV', '.mov', '.xyz')
    """
    return _INSTEAD.get(suffix.lower(), suffix)


def format_of(target: Path) -> Format:
    """The container that a target's suffix asks for.

    Raises:
        OutputError: no suffix, or one that mediaclean does not write.
    """
    found = _FORMATS.get(target.suffix.lower())
    if found is None:
        what = f"writes no {target.suffix} files" if target.suffix else "needs a suffix to know the container"
        instead = _INSTEAD.get(target.suffix.lower())
        named = f"-o {target.stem}{instead or '.mkv'}"
        hint = named if instead else f"one of {' '.join(_FORMATS)}, for example {named}"
        raise OutputError(f"{target}: mediaclean {what}", hint)
    return found
