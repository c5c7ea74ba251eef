"""Cover art in Ogg: no stream of its own, but FLAC's picture block in a tag of the sound.

Source: Xiph.Org, VorbisComment, "METADATA_BLOCK_PICTURE"; RFC 9639, section 8.8, for the block.
"""

from __future__ import annotations

import base64
import struct
from pathlib import Path
from typing import Any

from av.container import OutputContainer

from mediaclean.media.borders import codec_of
from mediaclean.media.header import picture

TAG = "METADATA_BLOCK_PICTURE"
_MEDIA_TYPES = {"mjpeg": "image/jpeg"}
_DEPTH_BITS = 24
_FRONT = 3
# ID3v2.4, section 4.14; a picture's `comment` has these words.
_KINDS = (
    *("other", "32x32 pixels 'file icon'", "other file icon", "cover (front)", "cover (back)", "leaflet page"),
    *("media (e.g. label side of cd)", "lead artist/lead performer/soloist", "artist/performer", "conductor"),
    *("band/orchestra", "composer", "lyricist/text writer", "recording location", "during recording"),
    *("during performance", "movie/video screen capture", "a bright coloured fish", "illustration"),
    *("band/artist logotype", "publisher/studio logotype"),
)


def tag_picture(made: OutputContainer, path: Path, source: Any) -> None:
    """The cover picture of `path` in the stream `source`, as a tag of the only sound of an Ogg file."""
    context, tags = source.codec_context, {key.lower(): value for key, value in source.metadata.items()}
    codec, word = codec_of(source), tags.get("comment", "").lower()
    block = picture_block(
        picture(path, source.index),
        media_type=_MEDIA_TYPES.get(codec, f"image/{codec}"),
        kind=_KINDS.index(word) if word in _KINDS else _FRONT,
        title=tags.get("title", ""),
        size=(context.width, context.height),
    )
    made.streams.audio[0].metadata[TAG] = base64.b64encode(block).decode("ascii")


def picture_block(data: bytes, *, media_type: str, kind: int, title: str, size: tuple[int, int]) -> bytes:
    """FLAC's picture block around the bytes of a picture of `size` (width, height)."""
    mime, words = media_type.encode("ascii"), title.encode("utf-8", "surrogateescape")
    return b"".join(
        (
            struct.pack(">II", kind, len(mime)) + mime,
            struct.pack(">I", len(words)) + words,
            struct.pack(">IIIII", *size, _DEPTH_BITS, 0, len(data)) + data,
        )
    )
