"""What the repair stages do to speech that was broken on purpose, and what they do to sound that was not.

    python -m benchmarks.finishing_repair [--write]

Speech is the sample's voice and, where MEDIACLEAN_CORPUS is set, its clean recordings, at -23 dBFS RMS with room
noise at -65 dBFS; 30 s of each at most. Rooms are shoeboxes by the image method, for want of measured ones. FFmpeg's
adeclip, with its default settings, stands beside declip.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.mending.clicks import click_false, click_rows
from benchmarks.mending.clipped import clip_rows
from benchmarks.mending.hums import hum_false, hum_rows
from benchmarks.mending.recordings import VOICE, recordings
from benchmarks.mending.rooms import reverb_rows
from mediaclean import CleanOptions, clean, load_preset
from mediaclean.repair.dereverb import DereverbSettings

HERE = Path(__file__).parent


def neutral() -> str:
    zero = ["declip.amount=0", "declick.amount=0", "hum.reduce_db=0", "dereverb.amount=0"]
    preset = load_preset("documentary", ["separate=off", "duck=off", "room_tone=off", "loudness=off", *zero])
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.wav", Path(folder) / "out.wav"
        sound, rate = soundfile.read(VOICE, frames=15 * 48_000)
        soundfile.write(source, np.clip(sound * 6.0, -1.0, 1.0), rate, subtype="FLOAT")
        report = clean(source, target, preset, CleanOptions())
        same = np.array_equal(soundfile.read(source)[0], soundfile.read(target)[0])
    return (
        "All four stages on with an amount of zero, on clipped speech: packets "
        f"{'copied' if report.copied else 'CHANGED'}, samples {'the same bit by bit' if same else 'DIFFERENT'}."
    )


def sections() -> Iterator[str]:
    speech = recordings()
    yield "# Repair stages: hum, clicks, clipping, reverberation\n"
    yield "`python -m benchmarks.finishing_repair --write`\n"
    yield "\n".join((__doc__ or "").split("\n\n")[2].splitlines()) + "\n"
    yield "## Hum\n"
    yield (
        "Lines found of those added, and others notched beside them; error of the fundamental; by how much the added\n"
        "hum went down: the least of its found lines, and all lines together, found or not; what changed in the\n"
        "speech more than 5 Hz beside the lines, as SDR. The levels are the fundamental's. A line that the speech\n"
        "covers in three quarters of the time is not found.\n"
    )
    yield "| recording | hum | lines found, others | error Hz | least line dB | all hum dB | speech elsewhere, SDR dB |"
    yield "|---|---|---|---|---|---|---|"
    yield from hum_rows(speech)
    yield "\n" + hum_false(speech) + "\n"
    yield "## Clicks\n"
    yield (
        "Four clicks a second with peaks of -30 to -6 dBFS, anywhere. They are told apart by how far they exceed the\n"
        "speech around them in their best third octave, which says how plainly they are heard. Mean gain of SDR by\n"
        "mending; rows where no click was put, per minute. Four in five of those missed from 12 to 24 dB lie within\n"
        "20 ms of a voice louder than -35 dBFS, whose pulses stand out as much. A limit of 8 dB would find 93 to 95 %\n"
        "of them, with three times as many false rows.\n"
    )
    yield "| click | found, from 24 dB | 12 to 24 dB | 6 to 12 dB | 0 to 6 dB | SDR gain dB | false / min |"
    yield "|---|---|---|---|---|---|---|"
    yield from click_rows(speech)
    yield "\nClean speech: what declick takes for clicks there (some are clicks of the mouth), and what that costs.\n"
    yield "| recording | s | rows | ms changed | SDR dB | STOI |"
    yield "|---|---|---|---|---|---|"
    yield from click_false(speech)
    yield "\n## Clipping\n"
    yield (
        "SDR of the clipped speech and what is gained, by declip and by FFmpeg's adeclip; processor seconds of both;\n"
        "whether every sample outside the rows of the plan is the source's.\n"
    )
    yield "| recording | clipped by dB | samples % | SDR dB | declip dB | adeclip dB | s, both | else untouched |"
    yield "|---|---|---|---|---|---|---|---|"
    yield from clip_rows(speech)
    yield "\n## Reverberation\n"
    yield (
        "Speech to reverberation in dB (the wanted part is the direct sound with its first 50 ms) and its gain, and\n"
        "the change of the level from 50 to 400 ms after speech has stopped; each at the default amount of "
        f"{DereverbSettings().amount:g}\n"
        "and at 1. Processor seconds per second. The last row of each: what it costs where there is no room.\n"
    )
    yield "| recording | room | speech to reverberation | gain | tail | cost |"
    yield "|---|---|---|---|---|---|"
    yield from reverb_rows(speech)
    yield "\n## Neutral\n"
    yield neutral()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write FINISHING_REPAIR.md")
    wanted = parser.parse_args()
    lines = []
    for line in sections():
        print(line)
        sys.stdout.flush()
        lines.append(line)
    if wanted.write:
        (HERE / "FINISHING_REPAIR.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
