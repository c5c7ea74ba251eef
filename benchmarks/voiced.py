"""The command line with an HTDemucs that finds voices: `python -m benchmarks.voiced clean|preview …`.

Random weights cost what trained ones do, but what they answer is noise. The ledger objects to all of that, and repairs
are tried everywhere, which no real voice asks for. So HTDemucs computes, and the answers are the dialogue network's.
What that costs beside it is counted as HTDemucs's, a few per cent.
"""

from __future__ import annotations

from collections.abc import Sequence

from mediaclean.audio import Samples, Span
from mediaclean.backends import demucs, dialogue
from mediaclean.cli import main
from mediaclean.separate import separate_cuts


def heard(window: Samples, rate: int, network: dialogue.DialogueSeparator) -> Samples:
    """The voice in a window (channels, n) at `rate`, by a network that has another rate."""
    length = window.shape[1]
    ((_, voice),) = separate_cuts([window], [Span(0, length)], network, rate=rate, length=length)
    return voice


def let_htdemucs_answer(network: dialogue.DialogueSeparator) -> None:
    """Replace what every HTDemucs of this process answers; what it costs stays."""
    compute = demucs.Demucs.separate

    def separate(self: demucs.Demucs, windows: Sequence[Samples]) -> Sequence[Samples]:
        compute(self, windows)
        return [heard(window, self.rate, network) for window in windows]

    demucs.Demucs.separate = separate  # type: ignore[method-assign]


if __name__ == "__main__":
    let_htdemucs_answer(dialogue.load("cpu"))
    main()
