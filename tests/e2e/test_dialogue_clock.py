"""The dialogue track and its cues begin where the film begins, whatever its timestamps count from."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import soxr

from e2e.conftest import Cli
from e2e.looking import decoded, lag
from e2e.making import Track, speech, write_media
from mediaclean import CleanOptions, clean, load_preset
from mediaclean.dialogue import _from_zero, write_dialogue
from mediaclean.media import decode, probe, write
from tests.media.films import Film, Sound, make, noise

BASE_S = 30
HOURS_20_S = 72_000
WRAPS_S = 95_442
"""The clock of 33 bits at 90 kHz begins anew 1.7 s later."""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sound that begins half a second after the picture, which is cut where the speech begins and ends."""
    path = tmp_path_factory.mktemp("plain") / "plain.ts"
    return write_media(path, Track(speech(4.0), start_s=0.5), cuts=[16, 101])


def counted_from(source: Path, path: Path, base_s: int) -> Path:
    """The same transport stream with a clock that is ahead by `base_s`."""
    with av.open(str(source)) as old, av.open(str(path), "w", options={"mpegts_copyts": "1"}) as new:
        streams = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        for packet in old.demux():
            if packet.size:
                packet.pts, packet.dts = (time + base_s * 90_000 for time in (packet.pts, packet.dts))
                packet.stream = streams[packet.stream.index]
                new.mux_one(packet)
    return path


def dialogue_of(source: Path, base: Path) -> tuple[np.ndarray, dict]:
    write_dialogue(source, base, load_preset("transcript"), CleanOptions(engine="none"))
    sound, rate = soundfile.read(f"{base}.dialogue.wav", dtype="float32", always_2d=True)
    assert rate == 16_000
    return sound.T, json.loads(Path(f"{base}.dialogue.json").read_text())


def late_s(path: Path) -> Fraction:
    """How long after the film's begin its sound begins, seen with PyAV alone."""
    with av.open(str(path)) as container:
        assert container.start_time is not None
        stream = container.streams.audio[0]
        frame = next(container.decode(stream))
        return frame.pts * stream.time_base - Fraction(container.start_time, 1_000_000)


@pytest.mark.parametrize("base_s", [0, BASE_S, HOURS_20_S, WRAPS_S])
def test_a_broadcast_stream_begins_at_its_own_begin(tmp_path: Path, plain: Path, base_s: int) -> None:
    source = counted_from(plain, tmp_path / "cast.ts", base_s)
    offset_s = late_s(source)
    assert 0.3 < offset_s < 0.7, "the file is made as it should be"
    heard, table = dialogue_of(source, tmp_path / "cast")
    old, rate = decoded(source)
    assert abs(heard.shape[1] - float(offset_s + Fraction(old.shape[1], rate)) * 16_000) <= 16
    reference = soxr.resample(old.mean(axis=0), rate, 16_000)
    assert abs(lag(reference[None], heard[:, round(offset_s * 16_000) :])) <= 1
    assert table["spans"]
    assert all(0 <= row["start_s"] < row["stop_s"] <= 5 for kind in ("spans", "cues") for row in table[kind])


def test_a_stream_and_the_film_made_of_it_have_the_same_dialogue_and_the_same_cues(tmp_path: Path, plain: Path) -> None:
    """The picture's cuts are on the clock that the cues are on."""
    source = counted_from(plain, tmp_path / "cast.ts", BASE_S)
    write(probe(source), tmp_path / "film.mkv")
    (sound, table), (other, wanted) = (
        dialogue_of(path, path.with_suffix("")) for path in (source, tmp_path / "film.mkv")
    )
    assert abs(sound.shape[1] - other.shape[1]) <= 16
    for kind in ("spans", "cues"):
        assert len(table[kind]) == len(wanted[kind]) > 0
        for row, expected in zip(table[kind], wanted[kind], strict=True):
            assert row["start_s"] == pytest.approx(expected["start_s"], abs=0.0015)
            assert row["stop_s"] == pytest.approx(expected["stop_s"], abs=0.0015)


def test_a_file_that_kept_a_stream_s_clock_begins_at_its_first_packet(tmp_path: Path, plain: Path) -> None:
    """As recorders of live streams write them: twelve hours in Matroska, of which no second is silence to be written.
    The file itself keeps its clock, and in a container of another kind it counts from zero."""
    late, film = tmp_path / "late.mkv", tmp_path / "film.mkv"
    write(probe(plain), film)
    with av.open(str(film)) as old, av.open(str(late), "w") as new:
        streams = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        for packet in old.demux():
            if packet.size:
                ticks = round(43_200 / packet.time_base)
                packet.pts, packet.dts = (None if time is None else time + ticks for time in (packet.pts, packet.dts))
                packet.stream = streams[packet.stream.index]
                new.mux_one(packet)
    (sound, table), (other, wanted) = (dialogue_of(path, path.with_suffix("")) for path in (late, film))
    assert abs(sound.shape[1] - other.shape[1]) <= 16
    assert [row["start_s"] for row in table["cues"]] == pytest.approx([row["start_s"] for row in wanted["cues"]])
    starts_s = {}
    for suffix in ("mkv", "mp4"):
        clean(late, tmp_path / f"clean.{suffix}", "documentary", CleanOptions(engine="none"))
        with av.open(str(tmp_path / f"clean.{suffix}")) as made:
            starts_s[suffix] = round((made.start_time or 0) / 1e6)
    assert starts_s == {"mkv": 43_200, "mp4": 0}


def test_hours_of_silence_before_the_sound_come_a_second_at_a_time() -> None:
    sound = np.full((2, 300), 0.5, np.float32)
    sizes, last = [], sound[:, :0]
    for last in _from_zero(iter([sound]), Fraction(36_001, 10), rate=100, channels=2):
        sizes.append(last.shape[1])
    assert sum(sizes) == 360_010 + 300
    assert max(sizes[:-1]) == 100
    assert np.array_equal(last, sound)


@pytest.mark.parametrize("codec", ["libmp3lame", "aac"])
def test_sound_without_a_picture_begins_at_zero(tmp_path: Path, cli: Cli, codec: str) -> None:
    """MP3 tells a start that is the delay of its encoder, and raw AAC too."""
    suffix = "mp3" if codec == "libmp3lame" else "aac"
    source = make(tmp_path / f"talk.{suffix}", Film((Sound(noise(3.0), codec),), video=""))
    assert cli("dialogue", source, "--engine", "none").code == 0
    media = probe(source)
    length = sum(block.shape[1] for block in decode(media, media.tracks[0])) / media.tracks[0].rate
    assert abs(soundfile.info(tmp_path / "talk.dialogue.wav").duration - length) < 1e-3
