"""Every delivery spec met on encoded files, by an independent meter's word: writes LOUDNESS_DELIVERY.md.

    python -m benchmarks.loudness_delivery [--write]

The sample, the videos of the corpus (MEDIACLEAN_CORPUS) and a 5.1 mix made of the sample are brought to the aim of each
spec, encoded as AAC, decoded and judged: integrated loudness and true peak by FFmpeg's ebur128, all rules by our own
verdict. Only the level is treated here; nothing is separated.
"""

from __future__ import annotations

import argparse
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from benchmarks.loudness_gate import speech_probability
from mediaclean.audio import Samples
from mediaclean.loudness.delivery import Measured, Spec, load_spec, spec_names, verdict
from mediaclean.loudness.gate import DialogueLoudness, dialogue_loudness
from mediaclean.loudness.kweight import FrameLevels
from mediaclean.loudness.levels import LevelMeter
from mediaclean.loudness.meter import Loudness, LoudnessSeries, Meter
from mediaclean.loudness.normalise import correct, gain_to_target, normalise
from mediaclean.loudness.ride import plan_ride, ride
from mediaclean.speech import SpeechSettings, phrases
from tests.loudness.reference_meter import ebur128

SAMPLE = Path(__file__).parent.parent / "samples" / "interview.mp4"
TABLE = Path(__file__).parent / "LOUDNESS_DELIVERY.md"
RATE = 48000


@dataclass(frozen=True, eq=False)
class Heard:
    """A sound with all that is measured of it."""

    loudness: Loudness
    series: LoudnessSeries
    dialogue: DialogueLoudness
    measured: Measured

    @property
    def corrections(self) -> dict[str, float | None]:
        """What `gain_to_target` and `correct` want to know beside the loudness."""
        levels = self.measured.levels
        return {"dialogue_lufs": self.dialogue.gated_lufs, "rms_dbfs": levels.rms_dbfs if levels else None}


def decode(source: Path | io.BytesIO, layout: str = "stereo") -> Samples:
    """The first audio track at 48 kHz, shape (channels, n)."""
    with av.open(source if isinstance(source, io.BytesIO) else str(source), "r") as container:
        resampler = av.AudioResampler("flt", layout, RATE)
        packed = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        packed += resampler.resample(None)
        channels = len(av.AudioLayout(layout).channels)
        return np.ascontiguousarray(np.concatenate([f.to_ndarray().reshape(-1, channels) for f in packed]).T)


def encode(sound: Samples, layout: str) -> io.BytesIO:
    """AAC in MP4."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=RATE, layout=layout)
        stream.bit_rate = 96000 * sound.shape[0]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T.reshape(1, -1)), format="flt", layout=layout)
        frame.sample_rate = RATE
        container.mux([*stream.encode(frame), *stream.encode(None)])
    file.seek(0)
    return file


def listen(sound: Samples, layout: str, probability: np.ndarray) -> Heard:
    frames, levels = FrameLevels(RATE, layout, sound.shape[0]), LevelMeter(RATE)
    meter = Meter(RATE, layout, sound.shape[0], frames=frames)
    meter.add(sound)
    levels.add(sound)
    loudness = meter.result()
    dialogue = dialogue_loudness(probability, frames.result())
    return Heard(loudness, meter.series(), dialogue, Measured(loudness, sound.shape[0], dialogue, levels.result()))


def deliver(
    sound: Samples, before: Heard, layout: str, spec: Spec, probability: np.ndarray
) -> tuple[Samples, Heard, int]:
    """The decoded result, what is heard in it, and the rounds that it took."""
    settings = spec.aim
    loudness, moved = before.loudness, [sound]
    if settings.mode == "range":
        spans = phrases(probability, SpeechSettings(), RATE, sound.shape[1])
        plan = plan_ride(before.series.powers, spans, RATE, settings)
        loudness, moved = plan.expected(loudness), list(ride([sound], RATE, plan))
    gain = gain_to_target(loudness, settings, dialogue_share=before.dialogue.share, **before.corrections)
    while True:
        result = decode(encode(np.concatenate(list(normalise(moved, RATE, gain)), axis=1), layout), layout)
        after = listen(result, layout, probability)
        better = correct(gain, after.loudness, settings, **after.corrections)
        if better is None:
            return result, after, gain.tries + 1
        gain = better


def sounds() -> Iterator[tuple[str, Samples, str]]:
    stereo = decode(SAMPLE)
    yield SAMPLE.name, stereo, "stereo"
    rng = np.random.default_rng(0)
    rear = [0.3 * np.roll(stereo[i], 960) + 0.001 * rng.standard_normal(stereo.shape[1]) for i in (0, 1)]
    parts = [0.5 * stereo[0], 0.5 * stereo[1], stereo.mean(axis=0), 0.1 * stereo[0], *rear]
    yield "5.1 of the sample", np.stack(parts).astype(np.float32), "5.1"
    for path in sorted(Path(os.environ.get("MEDIACLEAN_CORPUS", "/none")).glob("video/*.mp4")):
        yield path.name, decode(path), "stereo"


def rows() -> Iterator[str]:
    yield "| spec | file | ebur128: LUFS | dBTP | gated dialogue | share | rules | rounds | verdict |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, sound, layout in sounds():
        probability = speech_probability(np.ascontiguousarray(sound[2] if layout == "5.1" else sound.mean(axis=0)))
        before = listen(sound, layout, probability)
        for spec in map(load_spec, spec_names()):
            result, heard, rounds = deliver(sound, before, layout, spec, probability)
            theirs = ebur128(result, RATE, layout)
            results = verdict(spec, heard.measured)
            missed = ", ".join(f"{r.name} {r.measured:.1f}" for r in results.rules if r.status in {"fail", "advice"})
            dialogue = heard.dialogue.gated_lufs
            yield (
                f"| {spec.name} | {name} | {theirs['integrated_lufs']:.1f} | {theirs['true_peak_dbtp']:.1f} | "
                f"{'' if dialogue is None else f'{dialogue:.1f}'} | {heard.dialogue.share:.0%} | {missed} | {rounds} | "
                f"{'pass' if results.ok else 'FAIL'} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.name}")
    options = parser.parse_args()
    lines = ["# Every delivery spec on encoded files\n", "Made by `python -m benchmarks.loudness_delivery --write`.\n"]
    for line in rows():
        print(line, flush=True)
        lines.append(line)
    if options.write:
        TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
