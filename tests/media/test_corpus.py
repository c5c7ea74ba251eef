"""Real files that nobody here made (set MEDIACLEAN_CORPUS)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mediaclean.errors import MediaError
from mediaclean.media import NewAudio, check_target, choose_track, decode, probe, staged, verify, write

CORPUS = Path(os.environ.get("MEDIACLEAN_CORPUS", "nowhere"))
FILES = sorted([*CORPUS.glob("containers/*"), *CORPUS.glob("video/*.mp4")])
MUTE = {"delayed_start.mp4"}

pytestmark = [pytest.mark.corpus, pytest.mark.skipif(not FILES, reason="MEDIACLEAN_CORPUS is not set")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_is_verified_or_refused(tmp_path: Path, path: Path) -> None:
    if path.name in MUTE:
        with pytest.raises(MediaError, match="no audio track"):
            probe(path)
        return
    media = probe(path)
    track = choose_track(media)
    target = tmp_path / f"clean{path.suffix}"
    check_target(media, target, replace=[track.number])
    with staged(target) as temporary:
        written = write(
            media, temporary, replace={track.number: NewAudio(decode(media, track), track.rate, track.layout)}
        )
        receipt = verify(path, temporary, cleaned=[track.number], dropped=written.dropped)
    assert receipt.ok, receipt.failures
    assert all(lag.samples in {0, None} for lag in receipt.lags[0].lags)
