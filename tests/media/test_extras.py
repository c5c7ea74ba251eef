"""An added track is in sync with the track that it goes with, and the receipt knows which is which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from mediaclean.audio import Samples
from mediaclean.media import NewAudio, Receipt, Written, decode, probe, verify, write
from mediaclean.media.pairing import DIALOGUE
from tests.media.films import Film, Sound, make, noise

LATE_S = 1.5
EXTRA_RATE = 16_000


def extra(beside: int | None = None) -> NewAudio:
    sound = noise(1.0, 1, EXTRA_RATE, seed=9)
    return NewAudio([sound], EXTRA_RATE, "mono", title=DIALOGUE, role="dialogue", beside=beside)


def starts_s(path: Path) -> list[float]:
    """When the first sample of every audio track is played, seen with PyAV alone."""
    found = []
    with av.open(str(path)) as container:
        count = len(container.streams.audio)
    for number in range(count):
        with av.open(str(path)) as container:
            stream = container.streams.audio[number]
            frame = next(frame for frame in container.decode(stream) if frame.samples)
            found.append(max(0.0, float(frame.pts * stream.time_base)))
    return found


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [(".mkv", "flac"), (".mkv", "aac"), (".mov", "pcm_s16le"), (".mp4", "aac"), (".ts", "aac"), (".webm", "libopus")],
)
def test_it_starts_with_its_track(tmp_path: Path, suffix: str, codec: str) -> None:
    sounds = (Sound(noise(3.0), codec), Sound(noise(1.5, seed=2), codec, start_s=LATE_S))
    webm = {"video": "libvpx", "video_options": (("cpu-used", "8"),)} if suffix == ".webm" else {}
    source = make(tmp_path / f"film{suffix}", Film(sounds, 3.0, **webm))
    media = probe(source)
    new = NewAudio(decode(media, media.tracks[1]), 48_000, "stereo")
    for beside in (1, 2):
        target = tmp_path / f"beside{beside}{suffix}"
        written = write(media, target, replace={2: new}, extra=[extra(beside)])
        first, second, added = starts_s(target)
        assert second - first == pytest.approx(LATE_S, abs=0.03)
        assert added == pytest.approx((first, second)[beside - 1], abs=0.001)
        assert written.extras == {2: beside}
        for claimed in (1, 2):
            receipt = verify(source, target, cleaned=[2], positions=written.positions, extras={2: claimed})
            assert receipt.ok == (claimed == beside), receipt.failures
        new = replace(new, samples=decode(media, media.tracks[1]))


def test_it_follows_the_default_track_where_none_is_named(tmp_path: Path) -> None:
    sounds = (Sound(noise(3.0), "flac"), Sound(noise(1.5, seed=2), "libopus", start_s=LATE_S, disposition=1))
    media = probe(make(tmp_path / "film.mkv", Film(sounds, 3.0)))
    written = write(media, tmp_path / "more.mkv", extra=[extra()])
    made = probe(tmp_path / "more.mkv").tracks[2]
    assert [codec.name for codec in written.audio] == ["opus"]
    assert float(made.start_s) == pytest.approx(LATE_S, abs=0.001)


def test_its_codec_follows_its_track(tmp_path: Path) -> None:
    media = probe(make(tmp_path / "film.mkv", Film((Sound(noise(), "flac"), Sound(noise(seed=2), "libopus")))))
    for beside, name in ((1, "flac"), (2, "opus")):
        assert write(media, tmp_path / f"{name}.mkv", extra=[extra(beside)]).audio[0].name == name


def cleaned(
    source: Path, gains: Iterable[float], *, dialogue: bool = False, keep: bool = False
) -> tuple[Path, Written]:
    """Every track at its gain, lossless; 1.0 gives the packets that were there."""
    media, target = probe(source), source.with_stem("clean")

    def louder(number: int, gain: float) -> Iterable[Samples]:
        return (chunk * np.float32(gain) for chunk in decode(media, media.tracks[number - 1]))

    new = {n: NewAudio(louder(n, gain), 48_000, "stereo") for n, gain in enumerate(gains, 1) if gain}
    written = write(media, target, replace=new, extra=[extra(1)] if dialogue else [], keep_original=keep)
    return target, written


def proven(source: Path, target: Path, written: Written, how: str) -> Receipt:
    numbers = list(written.positions)
    if how == "told":
        return verify(source, target, cleaned=numbers, positions=written.positions, extras=written.extras)
    return verify(source, target, cleaned=numbers if how == "named" else None)


@pytest.fixture
def two(tmp_path: Path) -> Path:
    return make(tmp_path / "film.mov", Film((Sound(noise(), "pcm_s16le"), Sound(noise(seed=2), "pcm_s16le"))))


@pytest.mark.parametrize("how", ["told", "named", "found"])
@pytest.mark.parametrize("keep", [False, True], ids=["alone", "kept"])
@pytest.mark.parametrize("dialogue", [False, True], ids=["", "dialogue"])
@pytest.mark.parametrize("gains", [(1.0, 0.5), (0.5, 1.0), (0.5, 0.25), (1.0, 1.0)])
def test_tracks_whose_packets_came_out_the_same_are_their_own(
    two: Path, gains: tuple[float, float], dialogue: bool, keep: bool, how: str
) -> None:
    target, written = cleaned(two, gains, dialogue=dialogue, keep=keep)
    receipt = proven(two, target, written, how)
    assert receipt.ok, receipt.failures
    lags = {lag.track: {each.samples for each in lag.lags} for lag in receipt.lags}
    changed = {number for number, gain in enumerate(gains, 1) if gain != 1.0}
    assert lags.keys() == ({1, 2} if how != "found" else changed)
    assert all(found == {0} for found in lags.values()), "each is compared with its own source"


@pytest.mark.parametrize("gains", [(0.5, 0.0), (0.0, 0.5)])
@pytest.mark.parametrize("how", ["told", "named", "found"])
@pytest.mark.parametrize("keep", [False, True], ids=["alone", "kept"])
def test_a_twin_of_the_cleaned_track_is_still_there(
    tmp_path: Path, gains: tuple[float, float], keep: bool, how: str
) -> None:
    """Cameras write one microphone to two tracks."""
    twin = Sound(noise(), "pcm_s16le")
    source = make(tmp_path / "film.mov", Film((twin, twin)))
    target, written = cleaned(source, gains, keep=keep)
    receipt = proven(source, target, written, how)
    assert receipt.ok, receipt.failures


def test_a_track_in_another_s_place_is_noticed(two: Path) -> None:
    target, written = cleaned(two, (0.5, 0.25))
    swapped = {1: written.positions[2], 2: written.positions[1]}
    assert all(
        each.samples is None for lag in verify(two, target, cleaned=[1, 2], positions=swapped).lags for each in lag.lags
    )


@pytest.mark.parametrize("numbers", [(1, 2), (2,)], ids=["both", "late"])
@pytest.mark.parametrize("suffix", [".mka", ".m4a"])
def test_sound_without_a_picture_keeps_its_tracks_in_step(
    tmp_path: Path, suffix: str, numbers: tuple[int, ...]
) -> None:
    sounds = (Sound(noise(3.0)), Sound(noise(1.5, seed=2), start_s=LATE_S))
    source, target = make(tmp_path / "film.mka", Film(sounds, video="")), tmp_path / f"clean{suffix}"
    media = probe(source)
    new = {n: NewAudio(decode(media, media.tracks[n - 1]), 48_000, "stereo") for n in numbers}
    written = write(media, target, replace=new, extra=[extra(2)])
    first, second, added = starts_s(target)
    before = starts_s(source)
    assert second - first == pytest.approx(before[1] - before[0], abs=0.03)
    assert added == pytest.approx(second, abs=0.001)
    receipt = verify(source, target, cleaned=numbers, positions=written.positions, extras=written.extras)
    assert not [line for line in receipt.failures if "start" in line or "late" in line]


def test_the_receipt_of_new_sound_alone_notices_tracks_out_of_step(tmp_path: Path) -> None:
    first, second = Sound(noise(3.0), "flac"), Sound(noise(1.5, seed=2), "flac", start_s=LATE_S)
    source = make(tmp_path / "film.mka", Film((first, second), video=""))
    quieter = [replace(sound, samples=sound.samples / 2) for sound in (first, second)]
    for start_s, ok in ((LATE_S, True), (0.0, False)):
        film = Film((quieter[0], replace(quieter[1], start_s=start_s)), video="")
        receipt = verify(source, make(tmp_path / "made.mka", film))
        assert any("track 2 start" in line for line in receipt.failures) is not ok
