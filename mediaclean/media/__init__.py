"""The border with containers and codecs: the only place that imports PyAV."""

from mediaclean.media.codecs import AudioCodec, encoder_names, resolve_codec
from mediaclean.media.decode import decode
from mediaclean.media.evidence import Evidence, Hashing, Packets
from mediaclean.media.fields import Field
from mediaclean.media.fingerprint import fingerprint
from mediaclean.media.frame_rate import constant_rate
from mediaclean.media.lag import Lag, measure_lag
from mediaclean.media.lag_ear import LagEar, Landmarks
from mediaclean.media.packets import PacketEar, StreamPackets, packet_hashes
from mediaclean.media.probe import choose_track, probe
from mediaclean.media.receipt import Proof, Receipt, TrackLag
from mediaclean.media.records import AudioTrack, Chapter, Fault, Media, StreamInfo
from mediaclean.media.remux import write
from mediaclean.media.shots import picture_cuts
from mediaclean.media.staged import staged
from mediaclean.media.target import check_target
from mediaclean.media.verify import verify
from mediaclean.media.written import NewAudio, Written

__all__ = [
    "AudioCodec",
    "AudioTrack",
    "Chapter",
    "Evidence",
    "Fault",
    "Field",
    "Hashing",
    "Lag",
    "LagEar",
    "Landmarks",
    "Media",
    "NewAudio",
    "PacketEar",
    "Packets",
    "Proof",
    "Receipt",
    "StreamInfo",
    "StreamPackets",
    "TrackLag",
    "Written",
    "check_target",
    "choose_track",
    "constant_rate",
    "decode",
    "encoder_names",
    "fingerprint",
    "measure_lag",
    "packet_hashes",
    "picture_cuts",
    "probe",
    "resolve_codec",
    "staged",
    "verify",
    "write",
]
