"""The dialogue gate on mixtures whose speech is known: a section of LOUDNESS.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from mediaclean.loudness.gate import DialogueLoudness, dialogue_loudness
from mediaclean.loudness.kweight import FrameLevels, Powers
from mediaclean.loudness.meter import measure

RATE = 48000
EDGE_S = 4
LONGEST_S = 30
RATIOS_LU = (20, 10, 5)

HEAD = """
## Dialogue gate

Speech of the corpus over its music, which also sounds alone for 4 s before and after, at three differences of
integrated loudness. Errors in LU against the integrated loudness of the clean speech, over {count} mixtures for each
difference: mean, largest, and how many lie within 0.5 LU. `gated` is the mix during speech, what a dialogue-gated
meter shows; `less bed` is the figure without separation and `bar` how often the truth lies on its error bar, give or
take 0.1 LU; `separated` is the figure with the voice and bed of the engine `dialogue`; `true voice` is given the clean
speech as its voice stem and the bed with it, so it is what is left of the error once separation is perfect. What
misses at 5 LU is music that is louder under the words than in the pauses.
"""


def load(path: Path) -> NDArray[np.float32]:
    """Mono at 48 kHz."""
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return np.asarray(soxr.resample(sound.mean(axis=1), rate, RATE), dtype=np.float32)


def frame_powers(sound: NDArray[np.float32]) -> Powers:
    levels = FrameLevels(RATE, "mono", 1)
    levels.add(sound[None])
    return levels.result()


def speech_probability(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    from mediaclean.backends.silero import load as load_silero

    detector = load_silero()
    heard = soxr.resample(sound, RATE, 16000)
    return np.concatenate([detector.add(heard), detector.flush()])


def loudness(sound: NDArray[np.float32]) -> float:
    level = measure([sound[None]], RATE, "mono").integrated_lufs
    assert level is not None
    return level


Separate = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def dialogue_network() -> Separate:
    """Our own separator, in its windows but without overlap, which levels do not need."""
    from mediaclean.backends.dialogue import load as load_network

    network = load_network()

    def separate(mix: NDArray[np.float32]) -> NDArray[np.float32]:
        windows = [mix[None, a : a + network.window] for a in range(0, len(mix), network.window)]
        return np.concatenate([voice[0] for voice in network.separate(windows)])

    return separate


def mixtures(corpus: Path) -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.float32], float]]:
    """Ratio, mix, clean speech and its loudness."""
    for path in sorted((corpus / "speech").iterdir()):
        clean = np.pad(load(path)[: LONGEST_S * RATE], EDGE_S * RATE)
        truth = loudness(clean)
        for music in sorted((corpus / "music").iterdir()):
            bed = np.resize(load(music)[5 * RATE :], len(clean))
            for ratio in RATIOS_LU:
                yield ratio, clean + bed * np.float32(10 ** ((truth - ratio - loudness(bed)) / 20)), clean, truth


def gate_table(corpus: str | None) -> tuple[str, Iterator[str]]:
    """The section: its text, and the lines of its table."""
    if corpus is None:
        return "\n## Dialogue gate\n", iter(["Not measured: MEDIACLEAN_CORPUS is not set."])
    count = len(list(Path(corpus).glob("speech/*"))) * len(list(Path(corpus).glob("music/*")))
    return HEAD.format(count=count), _rows(Path(corpus), dialogue_network())


def _rows(corpus: Path, separate: Separate) -> Iterator[str]:
    names = ["gated", "less bed", "separated", "true voice"]
    yield "| speech over music | " + " | ".join(names) + " | bar |"
    yield "|---|" + "---|" * (len(names) + 1)
    errors: dict[int, list[list[float]]] = {ratio: [] for ratio in RATIOS_LU}
    covered: dict[int, list[bool]] = {ratio: [] for ratio in RATIOS_LU}
    for ratio, mix, clean, truth in mixtures(corpus):
        probability, powers = speech_probability(mix), frame_powers(mix)
        plain = dialogue_loudness(probability, powers)
        voices = [_with_voice(probability, powers, mix, voice).lufs for voice in (separate(mix), clean)]
        readings = [plain.gated_lufs, plain.lufs, *voices]
        errors[ratio].append([(reading if reading is not None else -70.0) - truth for reading in readings])
        covered[ratio].append((plain.low_lufs or 0.0) - 0.1 <= truth <= (plain.high_lufs or 0.0) + 0.1)
    for ratio in RATIOS_LU:
        table, bar = np.array(errors[ratio]), covered[ratio]
        cells = " | ".join(_cell(column) for column in table.T)
        yield f"| {ratio} LU | {cells} | {sum(bar)}/{len(bar)} |"


def _cell(errors: NDArray[np.float64]) -> str:
    largest = errors[np.abs(errors).argmax()]
    return f"{errors.mean():+.2f}, {largest:+.2f}, {(np.abs(errors) <= 0.5).sum()}/{len(errors)}"


def _with_voice(
    probability: NDArray[np.float32], powers: Powers, mix: NDArray[np.float32], voice: NDArray[np.float32]
) -> DialogueLoudness:
    return dialogue_loudness(
        probability, powers, voice_powers=frame_powers(voice), bed_powers=frame_powers(mix - voice)
    )
