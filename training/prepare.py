"""Pack a folder of recordings for training: decoded once, at 48 kHz, mono, 16 bits, with an index.

    python -m training.prepare --material MATERIAL --data training/data --renders 8

MATERIAL holds any of these folders, with files that libsndfile reads (wav, flac, ogg, opus, mp3), in subfolders or not:

    speech/       clean voices            speech_val/   other voices, for validation only
    music/        without voices          noise/        ambience, without near voices
    midi/         pieces to render        rir/          measured room impulse responses

The name of a file up to its number is its family, which packs.py can give a weight. Every eleventh MIDI file, and the
files named in packs.HELD_OUT, are kept for validation. Of a folder that is missing or empty no pack is written, and one
from before stays. A pack is replaced whole, so that a training run that has the old one open goes on with it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from mediaclean.backends.dialogue_mask import RATE
from training.midi import render, vary

KINDS = ("speech", "speech_val", "music", "noise")
ENDINGS = (".wav", ".flac", ".ogg", ".opus", ".mp3")
SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
RENDER_S, RENDER_FILES = 45.0, 25  # of each piece, and pieces in a pack
FULL_SCALE = 24_000

Piece: TypeAlias = tuple[str, NDArray[np.int16], int]
"""Name, mono sound at 48 kHz, and the rate that it truly had."""


def write_pack(data: Path, name: str, pieces: Iterable[Piece]) -> float:
    """Write NAME.i16, then NAME.json with (name, start, length, true rate) of each piece; returns the minutes.

    Both under another name first: whoever has the old samples mapped keeps them. The old index goes before the samples
    that it belongs to and the new one comes last, so that none ever points into another's samples. Without a single
    sample nothing is written.
    """
    index, position = [], 0
    sound_file, index_file = data / f"{name}.i16", data / f"{name}.json"
    new_sound, new_index = data / f"{name}.i16.part", data / f"{name}.json.part"
    try:
        with new_sound.open("wb") as file:
            for piece, sound, true_rate in pieces:
                if len(sound):
                    file.write(sound.tobytes())
                    index.append((piece, position, len(sound), true_rate))
                    position += len(sound)
        if index:
            new_index.write_text(json.dumps(index), encoding="utf-8")
            index_file.unlink(missing_ok=True)
            new_sound.replace(sound_file)
            new_index.replace(index_file)
    finally:
        new_sound.unlink(missing_ok=True)
        new_index.unlink(missing_ok=True)
    return position / RATE / 60


def decode(folder: Path) -> Iterator[Piece]:
    """Every sound file below a folder."""
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS):
        sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
        mono = soxr.resample(sound.mean(1), rate, RATE)
        yield path.stem, np.clip(mono * 32768, -32768, 32767).astype(np.int16), rate


def render_all(files: Iterable[Path], rng: np.random.Generator, prefix: str) -> Iterator[Piece]:
    """Every MIDI file in a variation of its own; what does not sound, or not for four seconds, is left out."""
    for path in files:
        try:
            sound = render(vary(path.read_bytes(), rng), SOUNDFONT, RENDER_S).astype(np.float32)
        except (ValueError, IndexError) as exc:
            print(f"{path.name} is left out: {exc}")
            continue
        if len(sound) >= 4 * RATE and np.abs(sound).max() > 200:
            yield f"{prefix}_{path.stem}", (sound * (FULL_SCALE / np.abs(sound).max())).astype(np.int16), RATE


def pack_midi(folder: Path, data: Path, renders: int) -> None:
    """One pack for validation, then as many for training as asked, each of other pieces in other variations."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".mid")
    held_out, rest = files[3::11], [path for index, path in enumerate(files) if index % 11 != 3]
    if not rest:
        return
    minutes = write_pack(data, "music_midi_val", render_all(held_out, np.random.default_rng(1), "midi_val"))
    print(f"music_midi_val: {minutes:.1f} min")
    order = np.random.default_rng(5)
    for number in range(renders):
        chosen = [rest[index] for index in order.permutation(len(rest))[:RENDER_FILES]]
        name = f"music_midi_{number}"
        minutes = write_pack(data, name, render_all(chosen, np.random.default_rng(100 + number), "midi"))
        print(f"{name}: {minutes:.1f} min")


def pack_rooms(folder: Path, data: Path) -> None:
    """Impulse responses as arrays at 48 kHz that begin just before the direct sound."""
    (data / "rir").mkdir(exist_ok=True)
    for path in sorted(folder.glob("*.wav")):
        sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
        first = sound[max(0, int(np.abs(sound[:, 0]).argmax()) - rate // 1000) :, 0]
        np.save(data / "rir" / f"{path.stem}.npy", soxr.resample(first, rate, RATE).astype(np.float32))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--material", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("training/data"))
    parser.add_argument("--renders", type=int, default=8, help="packs of MIDI renderings")
    args = parser.parse_args()
    args.data.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        minutes = write_pack(args.data, kind, decode(args.material / kind))
        print(f"{kind}: {minutes:.1f} min" if minutes else f"{kind}: nothing in {args.material / kind}")
    pack_rooms(args.material / "rir", args.data)
    pack_midi(args.material / "midi", args.data, args.renders)


if __name__ == "__main__":
    main()
