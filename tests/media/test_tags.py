"""Tags of a file are in the result, whichever container keeps them where; no run ends at one of them."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from mediaclean.media import NewAudio, Receipt, Written, decode, probe, verify, write
from mediaclean.media.tags import global_tags
from tests.media.films import Film, Sound, make, noise, with_cover

EPISODE = {"title": "Folge 12 — Käse", "artist": "Ich", "album": "Podcast", "date": "2024", "comment": "notes"}
CODECS = {".mp3": "libmp3lame", ".opus": "libopus", ".flac": "flac", ".wav": "pcm_s16le"}
SOUNDS = (".mp3", ".m4a", ".opus", ".flac", ".wav", ".mka")


def tagged(path: Path, tags: dict[str, str]) -> Path:
    """Half a second with tags: a film where the container is one of films."""
    video = "libx264" if path.suffix in {".mp4", ".mov"} else ""
    sound = Sound(noise(0.5), CODECS.get(path.suffix, "aac"))
    return make(path, Film((sound,), seconds=0.5, video=video, tags=tuple(tags.items())))


def written(source: Path, target: Path) -> Written:
    media = probe(source)
    return write(media, target, replace={1: NewAudio(decode(media, media.tracks[0]), 48_000, "stereo")})


def cleaned(source: Path, target: Path) -> Receipt:
    written(source, target)
    return verify(source, target)


def tags_of(path: Path) -> dict[str, str]:
    with av.open(str(path)) as container:
        return {key.lower(): value for key, value in global_tags(container).items()}


@pytest.mark.parametrize("target", SOUNDS)
@pytest.mark.parametrize("source", SOUNDS)
def test_an_episode_keeps_its_tags_in_every_container(tmp_path: Path, source: str, target: str) -> None:
    receipt = cleaned(tagged(tmp_path / f"episode{source}", EPISODE), tmp_path / f"clean{target}")
    assert receipt.ok, receipt.failures
    assert tags_of(tmp_path / f"clean{target}") == EPISODE


@pytest.mark.parametrize(
    ("source", "target", "tags"),
    [
        (".mp4", ".mov", {"track": "3/12", "album_artist": "Wir", "show": "S"}),
        (".mov", ".mp4", {"make": "Apple", "model": "iPhone"}),
        (".mov", ".mov", {"make": "Apple", "model": "iPhone"}),
        (".mp4", ".mp4", {"track": "3/12", "lyrics": "la", "media_type": "9"}),
        (".m4a", ".m4a", {"title": "T", "mood": "calm"}),
    ],
)
def test_relatives_keep_what_the_other_has_no_name_for(
    tmp_path: Path, source: str, target: str, tags: dict[str, str]
) -> None:
    path = tagged(tmp_path / f"film{source}", tags)
    known = tags_of(path)
    receipt = cleaned(path, tmp_path / f"clean{target}")
    assert receipt.ok, receipt.failures
    assert {key: tags_of(tmp_path / f"clean{target}").get(key) for key in known} == known


def test_the_name_of_a_file_goes_before_that_of_its_track_where_there_is_room_for_one(tmp_path: Path) -> None:
    sound = Sound(noise(0.5), "aac", title="Camera", language="deu")
    source = make(tmp_path / "talk.mka", Film((sound,), seconds=0.5, video="", tags=(("title", "Interview"),)))
    receipt = cleaned(source, tmp_path / "clean.opus")
    assert receipt.ok, receipt.failures
    assert tags_of(tmp_path / "clean.opus")["title"] == "Interview"
    assert probe(tmp_path / "clean.opus").tracks[0].language == "deu"


@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".opus", ".mka", ".m4a"])
def test_gains_that_players_obey_do_not_outlive_the_sound_that_they_are_for(tmp_path: Path, suffix: str) -> None:
    source = tagged(
        tmp_path / f"talk{suffix}", {"title": "T", "REPLAYGAIN_TRACK_GAIN": "-7.2 dB", "R128_TRACK_GAIN": "5"}
    )
    assert {"replaygain_track_gain", "r128_track_gain"} <= tags_of(source).keys() or suffix == ".m4a"
    done = written(source, tmp_path / f"clean{suffix}")
    assert tags_of(tmp_path / f"clean{suffix}") == {"title": "T"}
    assert any("REPLAYGAIN_TRACK_GAIN" in note for note in done.notes) or suffix == ".m4a"
    receipt = verify(source, tmp_path / f"clean{suffix}")
    assert receipt.ok, receipt.failures
    write(probe(source), tmp_path / f"copy{suffix}")
    assert tags_of(tmp_path / f"copy{suffix}") == tags_of(source)


@pytest.mark.parametrize("target", [".m4a", ".mp4", ".flac", ".mp3", ".mka"])
def test_a_cover_goes_before_tags_that_mp4_has_no_name_for(tmp_path: Path, target: str) -> None:
    plain = tagged(tmp_path / "plain.mp3", {**EPISODE, "mood": "calm"})
    source = with_cover(plain, tmp_path / "episode.mp3")
    done = written(source, tmp_path / f"clean{target}")
    receipt = verify(source, tmp_path / f"clean{target}")
    assert receipt.ok, receipt.failures
    found = tags_of(tmp_path / f"clean{target}")
    assert found == {**EPISODE, **({} if target in {".m4a", ".mp4"} else {"mood": "calm"})}
    assert any("mood left out" in note for note in done.notes) == ("mood" not in found)
