"""Gathering takes from a clone what is wanted, once each, in a form that `prepare` reads."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mediaclean.media import NewAudio, probe, write
from training.gather import Source, gather, gather_songs

RATE = 48_000


pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="gathering clones with git, which is not here")


def tone(hz: float, level: float = 0.3) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(RATE) / RATE)).astype(np.float32)[None]


def as_m4a(path: Path, sound: np.ndarray) -> None:
    raw = path.with_suffix(".wav")
    soundfile.write(raw, sound.T, RATE)
    write(probe(raw), path, replace={1: NewAudio([sound], RATE, "mono")})
    raw.unlink()


@pytest.fixture
def clones(tmp_path: Path) -> Path:
    """A folder with the clone of one repository."""
    root = tmp_path / "clones" / "someone+sounds"
    (root / "noise").mkdir(parents=True)
    (root / "songs" / "first").mkdir(parents=True)
    for name, hz in (("a", 200.0), ("same as a", 200.0), ("crowd", 300.0)):
        soundfile.write(root / "noise" / f"{name}.wav", tone(hz).T, RATE)
    as_m4a(root / "noise" / "b.m4a", tone(400.0))
    (root / "noise" / "notes.txt").write_text("no sound")
    (root / "noise" / "broken.m4a").write_bytes(b"no sound either")
    as_m4a(root / "songs" / "first" / "DRUMS.m4a", tone(500.0, 0.7))
    as_m4a(root / "songs" / "first" / "VOX lead.m4a", tone(500.0, 0.6))
    git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *words], check=True)
    return root.parent


def test_what_is_wanted_is_taken_once(clones: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = Source("someone/sounds", "noise", "hum", "^noise/", "crowd")
    assert gather(clones, tmp_path, source) == 2
    made = sorted((tmp_path / "noise" / "hum").iterdir())
    assert [path.name for path in made] == ["hum_0000.wav", "hum_0001.flac"]
    assert "broken.m4a is left out" in capsys.readouterr().out
    for path, hz in zip(made, (200.0, 400.0), strict=True):
        sound, rate = soundfile.read(path)
        assert rate == RATE
        assert abs(int(np.abs(np.fft.rfft(sound[:RATE])).argmax()) - hz) <= 1


def test_songs_are_mixed_with_and_without_their_voices(clones: Path, tmp_path: Path) -> None:
    assert gather_songs(clones, tmp_path, Source("someone/sounds", "music", "songs", "^songs/")) == 1
    whole, _ = soundfile.read(tmp_path / "music" / "songs_fullmix" / "songs_fullmix_0.flac")
    alone, _ = soundfile.read(tmp_path / "music" / "songs_instrumental" / "songs_instrumental_0.flac")
    assert np.abs(whole).max() == pytest.approx(1.0, abs=0.01)  # their sum would have clipped
    assert np.abs(alone).max() == pytest.approx(0.7, abs=0.05)
