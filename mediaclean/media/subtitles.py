"""The words of text subtitles, in whatever form a container holds them: SubRip, MP4 timed text, WebVTT."""

from __future__ import annotations

import html
import re

_MARKUP = re.compile(r"</?(?:b|i|u|s|font|c|v|lang|ruby|rt)\b[^>]*>|\{\\[^}]*\}", re.IGNORECASE)
"""How SubRip and WebVTT write style and place, which MP4 keeps beside the text."""


def text_of(codec: str, payload: bytes) -> str:
    """The text of one cue, what stands in a packet of `codec`, without its style."""
    if codec == "mov_text":
        length = int.from_bytes(payload[:2], "big")
        raw = payload[2 : 2 + length]
        wide = raw[:2] == b"\xfe\xff"
        text = raw[2:].decode("utf-16-be", "replace") if wide else raw.decode("utf-8", "replace")
    else:
        text = payload.decode("utf-8", "replace").replace("\r\n", "\n").strip("\n")
    text = _MARKUP.sub("", text)
    return html.unescape(text) if codec == "webvtt" else text
