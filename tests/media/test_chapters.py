"""Chapters keep their starts and names, also those that begin late or have no name, which MP4 takes otherwise."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from mediaclean.media import probe, verify, write
from tests.media.films import Film, Sound, make, noise

MS = Fraction(1, 1000)


def chapters(first_ms: int, names: tuple[str, str, str]) -> list[Any]:
    starts = (first_ms, 900, 1400)
    return [
        {"id": number, "start": start, "end": start + 300, "time_base": MS, "metadata": {"title": name} if name else {}}
        for number, (start, name) in enumerate(zip(starts, names, strict=True), start=1)
    ]


def film(path: Path, made: list[Any], *, codec: str = "aac") -> Path:
    """A film with these chapters; with Opus only the sound of one."""
    plain = make(
        path.with_name(f"plain{path.suffix}"),
        Film((Sound(noise(2.0), codec),), video="libx264" if codec == "aac" else ""),
    )
    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        streams = [target.add_stream_from_template(stream) for stream in source.streams]
        target.set_chapters(made)
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    return path


def found_in(path: Path) -> list[tuple[float, str]]:
    with av.open(str(path)) as container:
        return [
            (round(float(each["start"] * each["time_base"]), 3), each["metadata"].get("title", "").strip())
            for each in container.chapters()
        ]


@pytest.mark.parametrize("first_ms", [0, 400])
@pytest.mark.parametrize("names", [("One", "Two", "Three"), ("", "Two", "Three"), ("One", "", "Three"), ("", "", "")])
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".opus"])
def test_late_and_nameless_chapters(tmp_path: Path, suffix: str, first_ms: int, names: tuple[str, str, str]) -> None:
    made = chapters(first_ms, names)
    source = film(tmp_path / "film.mkv", made, codec="libopus" if suffix == ".opus" else "aac")
    target = tmp_path / f"clean{suffix}"
    write(probe(source), target)
    before = [(0.0, "")] if suffix in {".mp4", ".mov"} and first_ms else []
    assert found_in(target) == before + [(each["start"] / 1000, name) for each, name in zip(made, names, strict=True)]
    receipt = verify(source, target)
    assert receipt.ok, receipt.failures


def test_verify_misses_a_chapter_that_is_gone(tmp_path: Path) -> None:
    late = chapters(400, ("One", "Two", "Three"))
    receipt = verify(film(tmp_path / "film.mkv", late), film(tmp_path / "other.mkv", late[1:]))
    assert any("chapters" in failure for failure in receipt.failures)
