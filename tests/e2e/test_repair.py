"""The repair stages end to end: found, planned, declared, heard by every later stage, and neutral at zero."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from e2e.looking import decoded
from e2e.making import float_wav, speech
from mediaclean import CleanOptions, Preset, clean, load_preset
from mediaclean.errors import PresetError
from mediaclean.plan.as_json import from_json, to_json
from mediaclean.run import dry_run

OFF = ["separate=off", "duck=off", "room_tone=off", "loudness=off"]
ZERO = ["declip.amount=0", "declick.amount=0", "hum.reduce_db=0", "dereverb.amount=0"]
FLOAT = CleanOptions(codec="pcm_f32le")
RATE = 48_000
CLICKS_S = np.arange(0.3, 8.8, 0.5)


def preset(*overrides: str) -> Preset:
    return load_preset("documentary", [*OFF, *overrides])


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Speech and 3 s of pause, with clipped peaks, clicks and hum."""
    rng = np.random.default_rng(6)
    sound = np.pad(speech(9.0), ((0, 0), (0, 3 * RATE))) + 1e-4 * rng.standard_normal((1, 12 * RATE))
    sound = np.clip(sound * (2.0 / np.abs(sound).max()), -1.0, 1.0)
    for second in CLICKS_S:
        sound[:, round(second * RATE)] += 0.5
    time = np.arange(sound.shape[1]) / RATE
    hum = 0.01 * np.sin(2 * np.pi * 50.0 * time) + 0.005 * np.sin(2 * np.pi * 150.0 * time)
    sound = np.where(np.abs(sound) < 1.0, sound + hum, sound)
    return float_wav(tmp_path_factory.mktemp("broken") / "broken.wav", sound.astype(np.float32))


def test_at_zero_every_packet_is_copied(broken: Path, tmp_path: Path) -> None:
    report = clean(broken, tmp_path / "out.wav", preset(*ZERO), CleanOptions())
    assert report.copied
    assert report.changed_s == ()


def test_what_is_changed_is_declared(broken: Path, tmp_path: Path) -> None:
    report = clean(broken, tmp_path / "out.wav", preset("declip=on", "declick=on", "dereverb.amount=0.5"), FLOAT)
    before, after = decoded(broken)[0], decoded(tmp_path / "out.wav")[0]
    inside = np.zeros(before.shape[1], dtype=bool)
    for start_s, stop_s in report.changed_s:
        inside[round(start_s * RATE) : round(stop_s * RATE)] = True
    assert {row.process for row in report.plan.repairs.rows} == {"declip", "declick", "dereverb"}
    assert not inside.all()
    assert np.array_equal(before[:, ~inside], after[:, ~inside])
    assert (before != after).any()


def test_hum_is_declared_for_the_whole_track(broken: Path, tmp_path: Path) -> None:
    report = clean(broken, tmp_path / "out.wav", preset("hum=on"), FLOAT)
    assert {50, 150} <= {round(line.frequency_hz) for line in report.plan.repairs.hum}
    assert report.changed_s == ((0.0, 12.0),)
    before, after = decoded(broken)[0], decoded(tmp_path / "out.wav")[0]
    wave = np.exp(-2j * np.pi * 50.0 * np.arange(before.shape[1]) / RATE) * np.hanning(before.shape[1])
    assert abs((after[0] * wave).sum()) < 0.1 * abs((before[0] * wave).sum())


def test_an_edited_plan_is_what_is_done(broken: Path, tmp_path: Path) -> None:
    """The plan that --plan-only prints, with its repairs taken out of it, changes nothing."""
    wanted = preset("declip=on", "declick=on", "hum=on")
    plan = dry_run(broken, wanted)
    assert plan.changes_sound
    assert plan.repairs.rows
    assert from_json(to_json(plan)) == plan
    bare = dataclasses.replace(plan, repairs=dataclasses.replace(plan.repairs, rows=(), hum=()))
    report = clean(broken, tmp_path / "out.wav", wanted, CleanOptions(plan=bare))
    assert report.copied


def test_the_separator_hears_the_mended_sound(broken: Path, tmp_path: Path) -> None:
    """Half of everything is voice; no click comes back with the bed that is removed."""
    options = CleanOptions(codec="pcm_f32le", engine="fake:half")
    sounds = []
    for switch in ("on", "off"):
        wanted = load_preset(
            "podcast", ["loudness=off", "separate.within_lu=40", "separate.noise_within_lu=40", f"declick={switch}"]
        )
        report = clean(broken, tmp_path / f"{switch}.wav", wanted, options)
        assert report.engine is not None
        assert report.plan.cuts
        sounds.append(decoded(tmp_path / f"{switch}.wav")[0])
    steps = [[np.abs(np.diff(sound[:, round(at * RATE) - 9 :][:, :18])).max() for at in CLICKS_S] for sound in sounds]
    mended, clicked = np.array(steps)
    assert np.median(clicked) > 0.2
    assert np.mean(mended < 0.5 * clicked) >= 0.8


@pytest.mark.parametrize("text", ["declip.amont=1", "declick.amount=2", "hum.reduce_db=-3", "dereverb.amount=high"])
def test_unknown_and_impossible_settings_are_refused(text: str) -> None:
    with pytest.raises(PresetError) as caught:
        preset(text)
    assert text.split(".")[0] in caught.value.message
