"""Sound that is wired, filled or levelled in an unusual way, through whole commands."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from e2e.conftest import Cli
from e2e.looking import decoded, ebur128
from e2e.making import float_wav, speech
from e2e.refusing import MEDIA, refused
from mediaclean import CleanOptions, clean, load_preset

RATE = 48_000


def over_noise(seconds: float = 8.0) -> np.ndarray:
    """Speech over a bed that is in both channels alike, (2, n)."""
    voice = speech(seconds)[0]
    rng = np.random.default_rng(1)
    bed = np.cumsum(rng.standard_normal(len(voice)))
    bed -= np.convolve(bed, np.ones(481) / 481, "same")
    one = voice + 0.6 * np.sqrt(np.mean(voice**2) / np.mean(bed**2)) * bed
    return np.stack([one, one]).astype(np.float32)


def test_a_channel_that_is_inverted_stays_so_and_changes_nothing_else(tmp_path: Path) -> None:
    """In the mean of the channels nothing is left of such a voice; it is found and treated as any other."""
    sound = over_noise()
    turned = sound * np.float32([[1.0], [-1.0]])
    preset = load_preset("documentary", ["room_tone=off", "ledger=off"])
    made = {}
    for name, source in (("plain", sound), ("turned", turned)):
        float_wav(tmp_path / f"{name}.wav", source)
        report = clean(tmp_path / f"{name}.wav", tmp_path / f"{name}.out.wav", preset, CleanOptions(engine="fake:half"))
        made[name] = decoded(tmp_path / f"{name}.out.wav")[0], report
    plain, inverted = made["plain"], made["turned"]
    assert plain[1].plan.dips
    assert any(dip.gain_db for dip in plain[1].plan.dips)
    assert [(dip.span, dip.gain_db) for dip in inverted[1].plan.dips] == [
        (dip.span, pytest.approx(dip.gain_db, abs=0.02)) for dip in plain[1].plan.dips
    ]
    assert np.abs(inverted[0][0] - plain[0][0]).max() < 1e-3
    assert np.abs(inverted[0][1] + plain[0][1]).max() < 1e-3


def test_inverted_channels_are_named_and_heard(tmp_path: Path, cli: Cli) -> None:
    voice = speech(6.0)
    float_wav(tmp_path / "a.wav", np.concatenate([voice, -voice]))
    ran = cli("analyze", tmp_path / "a.wav")
    assert "inverted against each other" in ran.out
    assert cli("dialogue", tmp_path / "a.wav", "--engine", "none").code == 0
    assert "-->" in (tmp_path / "a.dialogue.vtt").read_text()
    assert abs(ebur128(tmp_path / "a.dialogue.wav").integrated_lufs + 26.0) < 1.0, (
        "each of the channels has half of the programme"
    )


def test_samples_that_are_no_numbers_are_not_copied(tmp_path: Path) -> None:
    """Nothing else is to be done, but what is said to be silence is silence in the result."""
    sound = speech(4.0).copy()
    sound[0, 1000:1004] = np.nan
    float_wav(tmp_path / "a.wav", sound)
    off = load_preset("documentary", ["loudness=off", "room_tone=off", "duck=off", "separate=off"])
    report = clean(tmp_path / "a.wav", tmp_path / "b.wav", off)
    assert report.faults
    assert not report.copied
    made, _ = soundfile.read(tmp_path / "b.wav")
    assert np.isfinite(made).all()
    assert not made[1000:1004].any()


@pytest.mark.parametrize("channels", [2, 6])
def test_a_channel_without_sound_stays_without_when_a_floor_stands_in_for_the_room(
    tmp_path: Path, channels: int
) -> None:
    """Nothing was taken of a dead channel or of an LFE, so nothing is given back to it."""
    silent = 1 if channels == 2 else 3
    sound = np.stack([over_noise()[0]] * channels) * np.float32(0.5)
    sound[silent] = 0.0
    float_wav(tmp_path / "a.wav", sound)
    report = clean(tmp_path / "a.wav", tmp_path / "b.wav", load_preset("podcast"), CleanOptions(engine="fake:half"))
    assert report.plan.silent_channels == (silent,)
    assert not report.plan.tone_sources, "the room's own tone cannot be learned here"
    made, _ = decoded(tmp_path / "b.wav")
    assert not made[silent].any()
    assert made[0].any()


@pytest.fixture
def quiet_room(tmp_path: Path) -> Path:
    noise = np.random.default_rng(0).standard_normal((1, 6 * RATE)) * 10 ** (-62 / 20)
    float_wav(tmp_path / "room.wav", noise.astype(np.float32))
    return tmp_path / "room.wav"


def test_an_empty_room_keeps_its_level_whatever_it_is_delivered_to(quiet_room: Path, cli: Cli) -> None:
    ran = cli("clean", quiet_room, "--spec", "ebu-r128", "--json")
    assert ran.code == 1, "it fails the specification, and says so"
    result = quiet_room.with_name("room.clean.wav")
    assert abs(ebur128(result).integrated_lufs - ebur128(quiet_room).integrated_lufs) < 0.1
    assert cli("dialogue", quiet_room).code == 0
    made, _ = soundfile.read(quiet_room.with_name("room.dialogue.wav"))
    assert 20 * np.log10(made.std()) < -60.0


def test_a_dialogue_track_knows_every_way_to_set_a_level(tmp_path: Path, cli: Cli) -> None:
    float_wav(tmp_path / "a.wav", 0.1 * speech(6.0))
    words = ["--set", "loudness.mode=rms", "--set", "loudness.target_rms_dbfs=-24", "--engine", "none"]
    assert cli("dialogue", tmp_path / "a.wav", *words).code == 0
    made, _ = soundfile.read(tmp_path / "a.dialogue.wav")
    assert abs(20 * np.log10(np.sqrt(np.mean(made**2))) + 24.0) < 0.5
    assert json.loads((tmp_path / "a.dialogue.json").read_text())["preset"]


@pytest.mark.parametrize("command", ["clean", "analyze", "measure", "dialogue"])
def test_sound_too_slow_to_be_weighted_is_refused(tmp_path: Path, cli: Cli, command: str) -> None:
    float_wav(tmp_path / "a.wav", speech(2.0)[:, ::24], 2_000)
    refused(cli(command, tmp_path / "a.wav"), MEDIA, "2000 samples a second")


@pytest.mark.parametrize("mode", ["auto", "leave"])
def test_a_constant_is_its_own_copy(tmp_path: Path, mode: str) -> None:
    """It has no phase and no edge by which it could be recognised, and is nothing that could be missed."""
    float_wav(tmp_path / "dc.wav", np.full((1, 6 * RATE), 0.25, np.float32))
    preset = load_preset("documentary", [f"duck.mode={mode}"])
    report = clean(tmp_path / "dc.wav", tmp_path / "out.wav", preset, CleanOptions(engine="none"))
    assert report.receipt["ok"]


def test_dialogue_beside_the_centre_is_pointed_to(tmp_path: Path, cli: Cli) -> None:
    voice = speech(6.0)[0]
    sound = np.zeros((6, len(voice)), np.float32)
    sound[:2] = voice
    soundfile.write(tmp_path / "wide.wav", sound.T, RATE, subtype="PCM_24")
    ran = cli("clean", tmp_path / "wide.wav", "--engine", "none")
    assert "speech of 5.1 is looked for in the centre alone" in " ".join(ran.out.split())
    sound[2] = voice
    soundfile.write(tmp_path / "centre.wav", sound.T, RATE, subtype="PCM_24")
    assert "centre alone" not in " ".join(cli("clean", tmp_path / "centre.wav", "--engine", "none").out.split())


@pytest.mark.parametrize("wanted", ["WAV", "RF64"])
@pytest.mark.parametrize("odd", [0, 1])
def test_a_wave_file_that_breaks_off_says_where(tmp_path: Path, cli: Cli, wanted: str, odd: int) -> None:
    whole, half = tmp_path / "whole.wav", tmp_path / "half.wav"
    soundfile.write(whole, speech(8.0).T, RATE, subtype="PCM_24", format=wanted)
    size = whole.stat().st_size
    half.write_bytes(whole.read_bytes()[: size // 2 + odd])
    assert "could be read" not in cli("analyze", whole).out
    said = " ".join(cli("analyze", half).out.split())
    assert "only 0:03.9 of 0:08.0 could be read" in said


def test_a_wave_file_of_unknown_length_is_whole(tmp_path: Path, cli: Cli) -> None:
    """As programs write into a pipe."""
    path = tmp_path / "piped.wav"
    soundfile.write(path, speech(4.0).T, RATE, subtype="PCM_16")
    written = bytearray(path.read_bytes())
    at = written.index(b"data") + 4
    written[at : at + 4] = b"\xff" * 4
    path.write_bytes(written)
    assert "could be read" not in cli("analyze", path).out


def test_a_track_without_sound_is_not_said_to_be_undecodable(tmp_path: Path, cli: Cli) -> None:
    soundfile.write(tmp_path / "empty.wav", np.zeros((0, 2), np.float32), RATE)
    refused(cli("clean", tmp_path / "empty.wav"), MEDIA, "there is no sound in its audio track")
