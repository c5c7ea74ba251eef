"""Several deliveries of one file, finished side by side: each is what it would be alone."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import pytest

import mediaclean.side_by_side as side_by_side
from mediaclean import CleanOptions, load_preset
from mediaclean.errors import OutputError
from mediaclean.loudness.delivery import load_spec
from mediaclean.media import packet_hashes
from mediaclean.progress import Progress
from mediaclean.run import Delivery, deliver

SPECS = ("ebu-r128", "atsc-a85", "apple-podcasts")
HALF = CleanOptions(engine="fake:half")


def digest(path: Path) -> str:
    """Of all packets of all streams; some muxers draw random identifiers around them."""
    return " ".join(stream.sha256 for stream in packet_hashes(path).values())


def deliveries(folder: Path, suffix: str) -> list[Delivery]:
    return [Delivery(folder / f"{name}{suffix}", load_spec(name)) for name in SPECS]


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_each_is_what_it_would_be_alone(
    tmp_path: Path, song: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    threads = set(threading.enumerate())  # of libraries that other tests used
    preset = load_preset("podcast")
    options = dataclasses.replace(HALF, codec="pcm_s24le" if suffix == ".mov" else None)
    alone = tmp_path / "alone"
    alone.mkdir()
    expected = [deliver(song, [one], preset, options)[0] for one in deliveries(alone, suffix)]
    for cores in (1, 3):
        monkeypatch.setattr(side_by_side, "cores", lambda cores=cores: cores)
        folder = tmp_path / str(cores)
        folder.mkdir()
        heard: list[Progress] = []
        reports = deliver(song, deliveries(folder, suffix), preset, options, watch=heard.append)
        assert [report.target.name for report in reports] == [f"{name}{suffix}" for name in SPECS]
        for report, other in zip(reports, expected, strict=True):
            assert digest(report.target) == digest(other.target)
            assert report.after == other.after
            assert report.level == other.level
            assert report.verdict == other.verdict
        written = [progress.done_s for progress in heard if progress.stage == "write"]
        assert written == sorted(written)
        assert len([progress for progress in heard if progress.stage == "measure" and progress.done_s == 0.0]) == 1
    assert len({digest(one.target) for one in deliveries(alone, suffix)}) == len(SPECS)
    assert set(threading.enumerate()) <= threads


def test_a_result_that_never_will_match_leaves_nothing_at_all(
    tmp_path: Path, song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mediaclean.run as run

    receipt = type("Receipt", (), {"ok": False, "failures": ["the picture differs"]})
    monkeypatch.setattr(run, "verify", lambda *_, **__: receipt)
    with pytest.raises(OutputError, match="would not match its source: the picture differs"):
        deliver(song, deliveries(tmp_path, ".mp4")[:1], load_preset("podcast"), HALF)
    assert list(tmp_path.iterdir()) == []


def test_one_that_fails_leaves_nothing_under_its_name_and_the_spool_for_the_next_run(
    tmp_path: Path, song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mediaclean.run as run

    real = run._proven

    def proven(takes: object, target: Path, *rest: object) -> object:
        if target.stem == SPECS[1]:
            raise OutputError("would not match its source", "")
        return real(takes, target, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(run, "_proven", proven)
    monkeypatch.setattr(side_by_side, "cores", lambda: 2)
    preset = load_preset("podcast")
    with pytest.raises(OutputError, match="would not match"):
        deliver(song, deliveries(tmp_path, ".mp4"), preset, HALF)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert f"{SPECS[0]}.mp4" in names, "it had begun, so it was finished"
    assert f"{SPECS[1]}.mp4" not in names
    left = [name for name in names if not name.endswith((".mp4", ".mediaclean"))]
    assert not left
