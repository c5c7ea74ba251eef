"""What is inside a file, and one clear sentence where nothing is."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from mediaclean import CleanOptions
from mediaclean.errors import MediaError
from mediaclean.listening import left_out, open_jobs
from mediaclean.media import Media, choose_track, probe
from mediaclean.progress import ignore
from tests.media.films import Film, Sound, make, noise


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Media:
    sounds = (
        Sound(noise(0.5), language="eng", title="Set"),
        Sound(noise(0.5), language="deu", title="Studio", disposition=1),
        Sound(noise(0.5), language="deu", title="Comment"),
    )
    return probe(make(tmp_path_factory.mktemp("several") / "several.mkv", Film(sounds, seconds=0.5)))


def test_a_film_is_listed(tmp_path: Path) -> None:
    film = Film(
        (Sound(noise(channels=6), "ac3", layout="5.1(side)", language="eng"),), chapters=2, tags=(("title", "T"),)
    )
    media = probe(make(tmp_path / "film.mp4", film))
    track = media.tracks[0]
    assert (track.codec, track.rate, track.channels, track.layout) == ("ac3", 48_000, 6, "5.1(side)")
    assert track.centre == 2
    assert track.bits_per_sample is None
    assert media.video is not None
    assert media.video.frame_rate == Fraction(25)
    assert [chapter.title for chapter in media.chapters] == ["Part 0", "Part 1"]
    assert media.tags["title"] == "T"
    assert media.duration_s == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(
    ("choice", "number"), [(None, 2), ("1", 1), ("3", 3), ("eng", 1), ("ENG", 1), ("Studio", 2), (" comment ", 3)]
)
def test_tracks_are_chosen_by_number_language_title_or_default(several: Media, choice: str | None, number: int) -> None:
    assert choose_track(several, choice).number == number


@pytest.mark.parametrize("choice", ["0", "4", "fra", "deu", "no such title"])
def test_a_wrong_or_ambiguous_track_is_refused_with_the_list(several: Media, choice: str) -> None:
    with pytest.raises(MediaError) as caught:
        choose_track(several, choice)
    assert all(name in caught.value.hint for name in ("Set", "Studio", "Comment"))


def _truncated(folder: Path) -> Path:
    whole = make(folder / "whole.mp4", Film((Sound(noise()),))).read_bytes()
    path = folder / "cut.mp4"
    path.write_bytes(whole[: len(whole) // 2])
    return path


def _written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("case", "says"),
    [
        (lambda folder: folder / "missing.mp4", "no such file"),
        (lambda folder: folder, "is a folder"),
        (lambda folder: _written(folder, "empty.mp4", b""), "is empty"),
        (lambda folder: _written(folder, "text.mp4", b"hello, this is no film\n" * 40), "not a media file"),
        (lambda folder: _written(folder, "zeros.mkv", bytes(4096)), "not a media file"),
        (_truncated, "without its index"),
        (lambda folder: make(folder / "mute.mp4", Film()), "no audio track"),
    ],
)
def test_unusable_files_are_refused_in_one_sentence(tmp_path: Path, case: object, says: str) -> None:
    path = case(tmp_path)  # type: ignore[operator]
    with pytest.raises(MediaError) as caught:
        probe(path)
    assert says in caught.value.message
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message


def test_names_that_look_like_addresses_are_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "plain.mkv", Film((Sound(noise(0.3)),), seconds=0.3)).rename("pipe:0")
    assert probe(Path("pipe:0")).tracks


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_track_that_comes_in_late_is_a_track(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A narration behind as many packets as are looked at for all tracks at once."""
    monkeypatch.setattr("mediaclean.media.heads.HEAD_PACKETS", 20)
    late = Sound(noise(1.0, 1), layout="mono", start_s=3.0)
    media = probe(make(tmp_path / f"film{suffix}", Film((Sound(noise(4.0)), late), 4.0)))
    first, second = media.tracks
    assert (second.rate, second.channels) == (48_000, 1)
    assert float(second.start_s - first.start_s) == pytest.approx(3.0, abs=0.03)
    alone = probe(make(tmp_path / f"alone{suffix}", Film((late,), 4.0)))
    assert [track.rate for track in alone.tracks] == [48_000]


def test_a_track_that_never_decodes_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediaclean.media.heads.HEAD_PACKETS", 20)
    film = make(tmp_path / "film.mkv", Film((Sound(noise(3.0)), Sound(noise(3.0), "flac")), 3.0))
    deaf = tmp_path / "deaf.mkv"
    with av.open(str(film)) as source, av.open(str(deaf), "w") as made:
        streams = {stream.index: made.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is None:
                continue
            if packet.stream.type == "audio" and packet.stream.index == 2:
                broken = av.Packet(b"\x00" * 64)
                broken.pts, broken.dts, broken.time_base = packet.pts, packet.dts, packet.time_base
                packet = broken
                packet.stream = streams[2]
            else:
                packet.stream = streams[packet.stream.index]
            made.mux(packet)
    assert [bool(track.rate) for track in probe(deaf).tracks] == [True, False]
    job, *others = open_jobs(deaf, "documentary", CleanOptions(tracks=("all",), engine="none"), ignore)
    assert not others
    assert left_out([job]) == ("track 2 (flac) cannot be decoded and stays as it is",)
