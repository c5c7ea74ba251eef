"""A band of consonants that is taken away, or lost, and given back."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import soxr
from scipy.signal import butter, sosfiltfilt

from benchmarks.polishing.recordings import Recording, band_db, finished, frames, level_db, load, table
from mediaclean.analysis import TrackStats
from mediaclean.audio import Span, db_to_gain
from mediaclean.backends.registry import load_separator
from mediaclean.polish.frames import speech_level
from mediaclean.polish.presence import PresenceSettings, find_losses
from mediaclean.progress import ignore
from mediaclean.separate import separate_cuts

PAIRS = (
    ("pairs/dfn48k_clean.wav", "music/hungarian_dance_5.ogg"),
    ("pairs/dfn48k_clean.wav", "music/lets_go_fishin_vocals.ogg"),
    ("speech/librispeech_198.ogg", "music/hungarian_dance_5.ogg"),
    ("speech/librispeech_198.ogg", "music/lets_go_fishin_vocals.ogg"),
)


def presence(recordings: Sequence[Recording]) -> str:
    rows = []
    for recording in recordings[:4]:
        rate, voice = recording.rate, recording.sound
        whole = [Span(0, voice.shape[1])]
        heard = speech_level(frames(recording, voice), recording.spans)
        noise = np.random.default_rng(1).standard_normal(voice.shape)
        mix = voice + (noise * db_to_gain(heard - 45.0)).astype(np.float32)
        band = sosfiltfilt(butter(2, (2_500.0, min(6_000.0, 0.45 * rate)), "bandpass", fs=rate, output="sos"), voice)
        for lost in (0.0, 1.5, 3.0, 6.0):
            thin = np.asarray(voice - (1.0 - db_to_gain(-lost)) * band, dtype=np.float32)
            found = find_losses(frames(recording, mix, thin, whole), recording.spans, whole, PresenceSettings())
            after = finished(recording, found, mix, thin, whole)
            inner = (3_000.0, 5_500.0)
            was, now = (
                band_db(sound, recording.spans, rate, *inner) - band_db(voice, recording.spans, rate, *inner)
                for sound in (thin, after)
            )
            gain = f"{found[0].gain_db:+.1f}" if found else "none"
            rows.append([recording.name, f"{lost:g}", gain, f"{was:+.2f}", f"{now:+.2f}"])
    head = ["recording", "taken from 2.5 to 6 kHz (dB)", "decided (dB)", "3 to 5.5 kHz before (dB)", "after (dB)"]
    return table(head, rows)


def separated(corpus: Path) -> str:
    """The loss that the shipped network really makes, as it is measured from the mix and as it is."""
    stats = TrackStats(0.0, 0.1)
    network, _ = load_separator("dialogue", device="cpu", model="", stats=stats, folder=None, notes=print, watch=ignore)
    rows = []
    for (name, music), over_db in product(PAIRS, (5.0, 12.0)):
        recording, tune = load(corpus / name), load(corpus / music)
        voice, rate = recording.sound, recording.rate
        bed = soxr.resample(tune.sound.mean(axis=0), tune.rate, rate)[5 * rate :][: voice.shape[1]][None]
        bed = bed * db_to_gain(level_db(voice) - level_db(bed) - over_db)
        mix, whole = np.asarray(voice + bed, dtype=np.float32), [Span(0, voice.shape[1])]
        ((_, found),) = separate_cuts(
            iter([mix]), whole, network, rate=rate, length=voice.shape[1], centre=None, watch=ignore
        )
        gains = find_losses(frames(recording, mix, found, whole), recording.spans, whole, PresenceSettings())
        inner = (3_000.0, 5_500.0)
        lost, after = (
            band_db(sound, recording.spans, rate, *inner) - band_db(voice, recording.spans, rate, *inner)
            for sound in (found, finished(recording, gains, mix, found, whole))
        )
        gain = f"{gains[0].gain_db:+.1f}" if gains else "none"
        rows.append([recording.name, Path(music).stem, f"{over_db:g}", f"{lost:+.2f}", gain, f"{after:+.2f}"])
    head = [
        "recording", "music", "speech over it (dB)", "3 to 5.5 kHz after separation (dB)", "decided (dB)", "after (dB)",
    ]  # fmt: skip
    return table(head, rows)
