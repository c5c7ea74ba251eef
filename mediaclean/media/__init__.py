"""The border with containers and codecs: the only place that imports PyAV."""

from mediaclean.media.decode import decode, read_spans
from mediaclean.media.probe import choose_track, probe
from mediaclean.media.records import AudioTrack, Chapter, Fault, Media, StreamInfo

__all__ = [
    "AudioTrack",
    "Chapter",
    "Fault",
    "Media",
    "StreamInfo",
    "choose_track",
    "decode",
    "probe",
    "read_spans",
]
