"""What only the source's container tells, and the target must be told: the shape of pixels, the names of channels.

MP4 takes it from the codec's parameters. Other muxers take it from a place that PyAV does not reach; there it
goes into the usability information of the H.264 header (ISO/IEC 14496-10, E.2.1). The packets stay as they are.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from av import Packet
from av.bitstream import BitStreamFilterContext

from mediaclean.media.formats import Format

# AVI and MXF count the channels of PCM; MP4 has to name what they are.
PLAIN_LAYOUTS = {"1 channels": "mono", "2 channels": "stereo"}


def only_in_container(source: Any) -> bool:
    """Whether the picture has pixels that are not square, and its codec does not say so."""
    ratio: Fraction | None = source.sample_aspect_ratio
    return bool(ratio) and ratio != 1 and ratio != source.codec_context.sample_aspect_ratio


def can_keep(source: Any, form: Format) -> bool:
    """Whether the target can be told."""
    return form.family == "mp4" or source.codec_context.codec.canonical_name == "h264"


def keep_shape(stream: Any, source: Any, form: Format) -> None:
    """Tell the output stream the shape of the source's pixels."""
    ratio = source.sample_aspect_ratio
    if not ratio:
        return
    stream.codec_context.sample_aspect_ratio = ratio
    header = source.codec_context.extradata
    if form.family != "mp4" and only_in_container(source) and can_keep(source, form) and header:
        stream.codec_context.extradata = _with_ratio(source, header, ratio)


def _with_ratio(source: Any, header: bytes, ratio: Fraction) -> bytes:
    """The H.264 header with the ratio; filters write it with start codes, so it is packed again as avcC."""
    change = f"h264_metadata=sample_aspect_ratio={ratio.numerator}/{ratio.denominator}"
    if header[:1] != b"\x01":
        units = BitStreamFilterContext(change, in_stream=source).filter(_packet(header))
        return bytes(units[0])
    sets, names = _units(header)
    changed = []
    for unit in sets:
        packet = BitStreamFilterContext(change, in_stream="h264").filter(_packet(b"\x00\x00\x00\x01" + unit))
        changed.append(bytes(packet[0]).lstrip(b"\x00").removeprefix(b"\x01"))
    packed = [len(unit).to_bytes(2, "big") + unit for unit in changed]
    others = [len(unit).to_bytes(2, "big") + unit for unit in names]
    rest = header[_end_of_units(header) :]
    return header[:5] + bytes([0xE0 | len(packed)]) + b"".join(packed) + bytes([len(others)]) + b"".join(others) + rest


def _packet(data: bytes) -> Packet[Any]:
    return Packet(data)


def _units(header: bytes) -> tuple[list[bytes], list[bytes]]:
    """The sequence and picture parameter sets of an avcC header."""
    place, found = 5, []
    for mask in (31, 255):
        count, units = header[place] & mask, []
        place += 1
        for _ in range(count):
            size = int.from_bytes(header[place : place + 2], "big")
            units.append(header[place + 2 : place + 2 + size])
            place += 2 + size
        found.append(units)
    return found[0], found[1]


def _end_of_units(header: bytes) -> int:
    sets, names = _units(header)
    return 7 + sum(2 + len(unit) for unit in (*sets, *names))
