"""Text subtitles from one container's form to another's: SubRip, MP4 timed text, WebVTT.

Only where it is lossless and conventional: the words stay, and of the marks those that both forms know.
"""

from __future__ import annotations

import re

_STYLED = re.compile(r"</?(?:b|i|u|font|c|v|lang|ruby|rt)\b[^>]*>|\{\\[^}]*\}", re.IGNORECASE)


def text_of(codec: str, payload: bytes) -> str:
    """The text of one cue: what stands in a packet of `codec`."""
    if codec == "mov_text":
        length = int.from_bytes(payload[:2], "big")
        raw = payload[2 : 2 + length]
        if raw[:2] == b"\xfe\xff":
            return raw[2:].decode("utf-16-be", "replace")
        return raw.decode("utf-8", "replace")
    return payload.decode("utf-8", "replace").replace("\r\n", "\n").strip("\n")


def payload_of(codec: str, text: str) -> bytes:
    """A packet of `codec` with this text."""
    if codec == "mov_text":
        raw = _STYLED.sub("", text).encode("utf-8")[:65535]
        return len(raw).to_bytes(2, "big") + raw
    return text.encode("utf-8")


def has_styles(text: str) -> bool:
    """Whether the text has marks that MP4 timed text, as written here, does not carry."""
    return bool(_STYLED.search(text))
