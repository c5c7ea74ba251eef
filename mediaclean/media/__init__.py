"""The border with containers and codecs: the only place that imports PyAV."""

from mediaclean.media.codecs import AudioCodec, resolve_codec
from mediaclean.media.decode import decode, read_spans
from mediaclean.media.probe import choose_track, probe
from mediaclean.media.records import AudioTrack, Chapter, Fault, Media, StreamInfo
from mediaclean.media.remux import NewAudio, Written, write
from mediaclean.media.staged import staged

__all__ = [
    "AudioCodec",
    "AudioTrack",
    "Chapter",
    "Fault",
    "Media",
    "NewAudio",
    "StreamInfo",
    "Written",
    "choose_track",
    "decode",
    "probe",
    "read_spans",
    "resolve_codec",
    "staged",
    "write",
]
