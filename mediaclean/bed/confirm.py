"""Is there speech in what was separated as voice? Music can pass for speech in a mix; alone, hardly anything can.

On a separated voice the WebRTC detector is good and almost free (two thousand times real time), while on a mix with
music it takes nearly everything for speech. So Silero hears the mix, and WebRTC has the last word on each dip.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from mediaclean.analysis import VAD_RATE, Detector
from mediaclean.audio import Block, Span, frames_of
from mediaclean.downmix import Downmix
from mediaclean.resample import Resampler
from mediaclean.series import Series


class VoiceEar:
    """Listens to the voice of blocks on their way.

    Args:
        rate: of the blocks in Hz.
        downmix: which channels are heard.
        detector: for mono sound at 16 kHz.
    """

    def __init__(self, rate: int, downmix: Downmix, detector: Detector) -> None:
        self._rate = rate
        self._downmix = downmix
        self._resampler = Resampler(rate, VAD_RATE)
        self._detector = detector
        self._heard = Series(np.float32)

    def listen(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Pass the blocks through."""
        for block in blocks:
            self._heard.add(self._detector.add(self._resampler.add(self._downmix(block.voice))))
            yield block
        for last in (self._detector.add(self._resampler.flush()), self._detector.flush()):
            self._heard.add(last)

    def shares(self, spans: Sequence[Span]) -> list[float]:
        """How much of each span is speech, 0 to 1; to be asked when all blocks are through."""
        probability = self._heard.result()
        found = [probability[frames_of(span, self._rate)] for span in spans]
        return [float(np.mean(part >= 0.5)) if part.size else 0.0 for part in found]
