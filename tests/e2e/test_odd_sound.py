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
