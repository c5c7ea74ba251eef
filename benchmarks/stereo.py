"""What stereo brings: `MEDIACLEAN_CORPUS=… python -m benchmarks.stereo [--write]`.

Ten seconds of every voice of the corpus over every stereo piece of its music, the voice in different places between the
channels. SI-SDR in dB of the voice that the dialogue network finds, over both channels, and by projection on the
true voice, how far its level is off (the mean of all mixtures) and the level difference between its channels (the
largest). *One mask*
applies the network's mask to both channels alike; *apart* is what ships (`backends/stereo.py`). Both hear a voice that
comes later in one channel a second time (`backends/in_step.py`); *once* is what ships without that.

- *centre*: the same in both channels, as voices are mixed.
- *two microphones*: 4 dB softer and 0.5 ms later in the right channel.
- *small room* and *room*: reverberation of its own in each channel, 14 and 6 dB under the direct sound, 0.4 s long.
- *microphones in a room*: the two microphones in the room.
- *two people*: one after the other, each softer and later in the channel of the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np
from scipy.signal import fftconvolve
from torch import Tensor

from benchmarks.recordings import RATE, Sound, corpus_folder, sounds, stereo_sounds
from benchmarks.sample import si_sdr
from benchmarks.tables import print_or_write
from mediaclean.audio import Samples
from mediaclean.backends import dialogue

TABLE = Path(__file__).parent / "STEREO.md"
LENGTH = 10 * RATE
LEVELS_DB = (0, 5, 10)
PLACES = ("centre", "two microphones", "small room", "room", "microphones in a room", "two people")
ECHO_DB = {"small room": -14.0, "room": -6.0, "microphones in a room": -6.0}
DECAY_S = 0.4


def placed(voice: Sound, place: str, chance: np.random.Generator) -> Samples:
    """A mono voice in two channels."""
    if place == "centre":
        return np.stack([voice, voice])
    apart = np.stack([voice, np.roll(voice, RATE // 2000) * np.float32(10 ** (-4 / 20))])
    if place == "two microphones":
        return apart
    if place == "two people":
        return np.where(np.arange(LENGTH) < LENGTH // 2, apart, apart[::-1])
    rooms = [room(ECHO_DB[place], chance) for _ in range(2)]
    dry = apart if place == "microphones in a room" else np.stack([voice, voice])
    return np.stack([fftconvolve(*pair)[:LENGTH] for pair in zip(dry, rooms, strict=True)]).astype(np.float32)


def room(echo_db: float, chance: np.random.Generator) -> Sound:
    """An impulse response: the direct sound, and from 4 ms on a tail that decays by 60 dB in DECAY_S."""
    at = np.arange(RATE // 2) / RATE
    tail = chance.standard_normal(len(at)) * np.exp(-6.9 * at / DECAY_S) * (at > 0.004)
    tail *= 10 ** (echo_db / 20) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return tail.astype(np.float32)


def alike(mask: Tensor, spectra: Tensor, _: Tensor, beside: Tensor) -> Tensor:
    """Every channel with the mask of their sum, in place of `told_apart`."""
    return spectra * mask[:, None] + beside


def never_late(voice: Tensor, _: object) -> list[int]:
    """No channel lags, in place of `lags_of`."""
    return [0] * len(voice)


def projection(found: Samples, true: Samples) -> float:
    return float(np.vdot(found, true) / np.vdot(true, true))


def level_db(found: Samples, true: Samples) -> float:
    return 20 * float(np.log10(abs(projection(found, true))))


def rows() -> Iterator[str]:
    """The table."""
    corpus = corpus_folder()
    network, chance = dialogue.load(), np.random.default_rng(0)
    music, speech = stereo_sounds(corpus / "music"), sounds(corpus / "speech")
    yield f"{len(speech)} voices over {len(music)} pieces.\n"
    yield "| voice | over music | one mask | once | apart | gain | level off, one mask / apart | between channels off |"
    yield "|---|---|---|---|---|---|---|---|"
    for place in PLACES:
        for level in LEVELS_DB:
            found: dict[str, list[float]] = {"one": [], "once": [], "apart": []}
            off: dict[str, list[float]] = {"one": [], "apart": [], "between": []}
            for voice in speech:
                for piece in music:
                    at, behind = (int(chance.integers(n)) for n in (len(voice), piece.shape[1] - LENGTH))
                    true = placed(np.take(voice, np.arange(at, at + LENGTH), mode="wrap"), place, chance)
                    bed = piece[:, behind : behind + LENGTH]
                    bed = bed * np.float32(np.linalg.norm(true) / np.linalg.norm(bed) * 10 ** (-level / 20))
                    with patch.object(dialogue, "told_apart", alike):
                        (one_mask,) = network.separate([true + bed])
                    with patch.object(dialogue, "lags_of", never_late):
                        (once,) = network.separate([true + bed])
                    (apart,) = network.separate([true + bed])
                    found["once"].append(si_sdr(once, true))
                    for name, answer in (("one", one_mask), ("apart", apart)):
                        found[name].append(si_sdr(answer, true))
                        off[name].append(level_db(answer, true))
                    off["between"].append(level_db(apart[0], true[0]) - level_db(apart[1], true[1]))
            one, once_only, two = (float(np.mean(found[name])) for name in ("one", "once", "apart"))
            levels = f"{np.mean(off['one']):+.2f} / {np.mean(off['apart']):+.2f} dB"
            yield (
                f"| {place} | {level} dB | {one:.2f} | {once_only:.2f} | {two:.2f} | {two - one:+.2f} | {levels} "
                f"| {np.abs(off['between']).max():.2f} dB |"
            )


def main() -> None:
    """Print the table, or write it to STEREO.md."""
    command = "MEDIACLEAN_CORPUS=… python -m benchmarks.stereo --write"
    print_or_write(rows(), TABLE, "What stereo brings", command, __doc__ or "")


if __name__ == "__main__":
    main()
