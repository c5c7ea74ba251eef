"""Songs with singers: `MEDIACLEAN_CORPUS=… python -m benchmarks.songs --songs FOLDER [--write]`.

Of every song of FOLDER the ten seconds in which the speech detector hears most are laid under ten seconds of the
corpus's speech at 0, 5 and 10 dB, and heard by themselves. SI-SDR in dB of the voice that the dialogue network finds,
and how far under the song what it takes for a voice lies where nobody speaks: a singer counts as music here, because
what is to be kept is the interview.

Then the minute of each song in which most is heard goes through the documentary preset, alone, as the scene of a film
in which nobody talks: how much of it is changed as it comes, and with `duck.singing=leave`. At the end the reverse: the
corpus's speech over every piece of its music, as loud as itself, and how many of its dips would be left out as songs.

The songs of the table are those of UltraStar-Deluxe/songs and f90/jamendolyrics up to 4 MB; most may not be sold or
changed, so they are measured with and never trained on.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.difficulty import si_sdr_db
from benchmarks.recordings import RATE, SUFFIXES, Sound, corpus_folder, mono, rms, sounds
from benchmarks.separator import dialogue
from benchmarks.talks import speech_probability
from mediaclean import CleanOptions, clean, load_preset
from mediaclean.audio import FRAME_S
from mediaclean.bed.singing import SINGS
from mediaclean.report import Report

TABLE = Path(__file__).parent / "SONGS.md"
LENGTH_S, SCENE_S, TALK_S = 10.0, 60.0, 60.0
LEVELS_DB = (0.0, 5.0, 10.0)


@dataclass(frozen=True)
class Heard:
    """How well a voice is found over one song at each of `LEVELS_DB`, what is left of the song alone, in dB, and which
    share of a scene with it is changed: as it comes, and with `duck.singing=leave`."""

    name: str
    si_sdr_db: tuple[float, ...]
    left_db: float
    changed: float
    changed_leaving: float


def sung(song: Sound, speech: NDArray[np.float32], seconds: float) -> Sound:
    """The part of a song in which the detector hears most speech, by what it says of each frame."""
    frames = round(seconds / FRAME_S)
    if len(speech) <= frames:
        return song
    start = int(np.convolve(speech, np.ones(frames), "valid").argmax() * FRAME_S * RATE)
    return song[start : start + round(seconds * RATE)]


def documentary(sound: Sound, *overrides: str) -> Report:
    """What the preset does to a mono sound."""
    preset = load_preset("documentary", ["loudness=off", "room_tone=off", *overrides])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.wav"
        soundfile.write(path, 0.5 * sound / np.abs(sound).max(), RATE, subtype="FLOAT")
        return clean(path, Path(folder) / "result.wav", preset, CleanOptions(engine="dialogue"))


def changed(report: Report) -> float:
    """The share of a scene that is no longer what it was."""
    return sum(stop - start for start, stop in report.changed_s) / report.duration_s


def judge(name: str, song: Sound, speech: Sound, voice: Callable[[Sound], Sound]) -> Heard:
    """What becomes of one song, with somebody who speaks over it and alone."""
    heard = speech_probability(song)
    part, scene = sung(song, heard, LENGTH_S), sung(song, heard, SCENE_S)
    spoken = np.resize(speech, len(part))
    bed = part * np.float32(rms(spoken) / rms(part))
    return Heard(
        name,
        tuple(si_sdr_db(voice(spoken + bed * np.float32(10 ** (-db / 20))), spoken) for db in LEVELS_DB),
        20 * float(np.log10(rms(voice(bed)) / rms(bed))),
        changed(documentary(scene)),
        changed(documentary(scene, "duck.singing=leave")),
    )


def talks(speech: Sequence[Sound], music: Sequence[Sound]) -> tuple[int, int]:
    """Over all pairs of speech and music: dips, and those that are left out as songs."""
    dips = []
    for spoken in speech:
        for piece in music:
            length = min(len(spoken), round(TALK_S * RATE))
            bed = np.resize(piece, length)
            mix = spoken[:length] + bed * np.float32(rms(spoken[:length]) / rms(bed))
            dips += [dip.reason for dip in documentary(mix, "duck.singing=leave").plan.dips]
    return len(dips), dips.count(SINGS)


def rows(heard: Sequence[Heard]) -> Iterator[str]:
    """The table."""
    levels = " | ".join(f"{db:g} dB" for db in LEVELS_DB)
    yield f"| song | {levels} | left of the song alone | changed where nobody talks | with `duck.singing=leave` |"
    yield "|---" * (4 + len(LEVELS_DB)) + "|"
    means = np.mean([(*one.si_sdr_db, one.left_db, one.changed, one.changed_leaving) for one in heard], axis=0)
    middle = Heard(f"mean of {len(heard)}", tuple(means[:-3].tolist()), *means[-3:].tolist())
    for one in (*heard, middle):
        found = " | ".join(f"{db:.1f}" for db in one.si_sdr_db)
        yield f"| {one.name} | {found} | {one.left_db:.1f} dB | {one.changed:.0%} | {one.changed_leaving:.0%} |"


def main() -> None:
    """Print the table, or write it to SONGS.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=Path, required=True, help="a folder of songs with singers")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    speech = sounds(corpus_folder() / "speech")
    paths = sorted(path for path in args.songs.rglob("*") if path.suffix in SUFFIXES)
    if not paths:
        raise SystemExit(f"no songs in {args.songs}")
    voice = dialogue()
    heard = []
    for number, path in enumerate(paths):
        heard.append(judge(path.stem, mono(path), speech[number % len(speech)], voice))
        print(heard[-1], flush=True)
    count, songs = talks(speech, sounds(corpus_folder() / "music"))
    lines = [*rows(heard), "", f"Of {count} dips under speech over music, {songs} would be left out as songs."]
    print("\n".join(lines))
    if args.write:
        command = "MEDIACLEAN_CORPUS=… python -m benchmarks.songs --songs FOLDER --write"
        notes = (__doc__ or "").split("\n\n", 1)[1].strip()
        TABLE.write_text(f"# Songs\n\n`{command}`\n\n{notes}\n\n" + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
