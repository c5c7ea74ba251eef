"""Reports and plots: one for each result, never over media; several deliveries go on where they were stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2e.conftest import Cli
from e2e.looking import digest, names
from e2e.making import Track, film, speech, write_media
from mediaclean import CleanOptions, clean, load_preset
from tests.media.films import Film, Sound, make, noise
from tests.media.waves import packed, wave

SPECS = ["--engine", "none", "--spec", "ebu-r128", "--spec", "acx"]
FAILS = 1
"""The room of the sample is louder than acx allows."""


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return film(tmp_path / "talk.wav", seconds=3.0)


def test_every_delivery_has_a_report_of_its_own(tmp_path: Path, cli: Cli, sound: Path) -> None:
    ran = cli("clean", sound, *SPECS, "--report", tmp_path / "reports" / "talk.json")
    assert ran.code == FAILS, ran.err
    assert names(tmp_path / "reports") == ["talk.acx.json", "talk.ebu-r128.json"]
    for name in ("acx", "ebu-r128"):
        report = json.loads((tmp_path / "reports" / f"talk.{name}.json").read_text())
        assert report["verdict"]["spec"] == name


def test_every_track_has_a_report_of_its_own(tmp_path: Path, cli: Cli) -> None:
    source = tmp_path / "two.mkv"
    write_media(source, Track(speech(3.0)), Track(speech(3.0, music_db=-20.0)))
    words = ["--engine", "none", "--tracks", "all", "-o", tmp_path / "out.mkv", "--report"]
    assert cli("clean", source, *words, tmp_path / "report.json").code == 0
    found = [json.loads((tmp_path / f"report.track{n}.json").read_text())["options"]["track"] for n in (1, 2)]
    assert found == [1, 2]


def test_deliveries_go_on_where_they_were(cli: Cli, sound: Path) -> None:
    folder = sound.parent
    assert cli("clean", sound, *SPECS).code == FAILS
    (folder / "talk.clean.ebu-r128.wav").write_text("left alone")
    missing = folder / "talk.clean.acx.wav"
    before = digest(missing)
    missing.unlink()
    ran = cli("clean", sound, *SPECS)
    assert ran.code == FAILS, ran.err
    assert "talk.clean.ebu-r128.wav is there already, skipped" in " ".join(ran.err.split())
    assert (folder / "talk.clean.ebu-r128.wav").read_text() == "left alone"
    assert digest(missing) == before
    assert cli("clean", sound, *SPECS).code == 5


def test_a_folder_gives_its_sources_and_nothing_that_we_made(cli: Cli, sound: Path) -> None:
    folder = sound.parent
    own = ["talk.clean.wav", "talk.clean.ebu-r128.wav", "talk.dialogue.wav", "._talk.wav", ".talk.clean.12.part.wav"]
    for name in own:
        (folder / name).write_bytes(sound.read_bytes())
    (folder / "scene.mov").mkdir()
    (folder / "Mr. Clean.wav").write_bytes(sound.read_bytes())
    ran = cli("clean", folder, "--engine", "none", "--out-dir", folder / "out")
    assert ran.code == 0, ran.err
    assert names(folder / "out") == ["Mr. Clean.clean.wav", "talk.clean.wav"]


@pytest.mark.parametrize("command", ["clean", "measure"])
def test_what_is_written_beside_never_replaces_media(cli: Cli, sound: Path, command: str) -> None:
    before = digest(sound)
    ran = cli(command, sound, "--report" if command == "clean" else "--plot", sound)
    assert ran.code == 5
    assert "would replace the media" in ran.err
    assert digest(sound) == before


def test_a_plot_is_of_one_file(tmp_path: Path, cli: Cli, sound: Path) -> None:
    ran = cli("measure", sound, sound, "--plot", tmp_path / "plot.svg")
    assert ran.code == 2
    assert not (tmp_path / "plot.svg").exists()


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000])
def test_low_sample_rates_go_through_bed_and_ledger(tmp_path: Path, rate: int) -> None:
    source = film(tmp_path / "phone.wav", rate=rate, music_db=-3.0)
    report = clean(source, tmp_path / "out.wav", load_preset("documentary"), CleanOptions(engine="fake:half"))
    assert report.plan.rate == rate
    assert any(dip.gain_db for dip in report.plan.dips)
    assert report.ledger is not None


def test_what_was_converted_and_what_found_no_room_is_told_once(tmp_path: Path, cli: Cli) -> None:
    film_ = make(tmp_path / "talk.mkv", Film((Sound(noise(2.0), "aac"),), subtitles="subrip"))
    scene = wave(tmp_path / "take.wav", behind=packed(b"iXML", b"<BWFXML/>"))
    for source, suffix, told in ((film_, "mp4", "mov_text"), (scene, "flac", "iXML")):
        target, report = tmp_path / f"clean.{suffix}", tmp_path / f"{suffix}.json"
        ran = cli("clean", source, "-o", target, "--engine", "none", "--report", report)
        assert ran.code == 0, ran.err
        assert told in ran.out
        assert sum(told in note for note in json.loads(report.read_text())["notes"]) == 1
