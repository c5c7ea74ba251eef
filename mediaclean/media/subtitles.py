"""The words of text subtitles, in whatever form a container holds them: SubRip, MP4 timed text, WebVTT."""

from __future__ import annotations


def text_of(codec: str, payload: bytes) -> str:
    """The text of one cue: what stands in a packet of `codec`."""
    if codec == "mov_text":
        length = int.from_bytes(payload[:2], "big")
        raw = payload[2 : 2 + length]
        if raw[:2] == b"\xfe\xff":
            return raw[2:].decode("utf-16-be", "replace")
        return raw.decode("utf-8", "replace")
    return payload.decode("utf-8", "replace").replace("\r\n", "\n").strip("\n")
