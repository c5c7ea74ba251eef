"""Speech that is made to sing stays on its scale, keeps its consonants and its order."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training import singing
from training.packs import MUSIC_WEIGHTS, chances, training_clips
from training.prepare import write_pack
from training.singing import STEP_S, VOCODER_RATE, Singer, Spoken, Studio, melodic, notes, score, sing, vowels

SINGER = Singer(beat_s=0.25, scale=(0, 4, 7), root=2, lift=0.0, throat=1.0, glide_s=0.02, vibrato_hz=5.0, vibrato=0.5)


def spoken() -> np.ndarray:
    """Which steps are voiced: two syllables after a long pause, then a blip, too short for a note."""
    voiced = np.zeros(600, bool)
    voiced[300:330] = voiced[350:380] = voiced[500:503] = True
    return voiced


@pytest.mark.parametrize("root", range(12))
def test_a_melody_stays_on_its_scale_and_near_the_voice(root: int) -> None:
    melody = notes(replace(SINGER, root=root), 60.0, 500, np.random.default_rng(root))
    assert {int(note - root) % 12 for note in melody} <= set(SINGER.scale)
    assert len(set(melody)) > 3
    assert np.abs(melody - 60.0).max() <= 24  # four steps of three notes in an octave


def test_vowels_are_long_enough_and_short_enough_for_a_note() -> None:
    assert vowels(spoken()) == [(300, 330), (350, 380)]
    long = vowels(np.ones(200, bool))
    assert long[0][0] == 0
    assert long[-1][1] == 200
    assert all(a[1] == b[0] for a, b in itertools.pairwise(long))
    assert all(singing.SHORTEST_VOWEL_S <= (b - a) * STEP_S <= 0.45 for a, b in long)
    assert vowels(np.zeros(100, bool)) == []


@pytest.mark.parametrize("seed", range(8))
def test_consonants_keep_their_pace_and_vowels_are_held(seed: int) -> None:
    voiced = spoken()
    steps, sung = score(voiced, np.full(600, 60.0), SINGER, np.random.default_rng(seed))
    assert len(steps) == len(sung)
    assert (np.diff(steps) > 0).all()  # in its order, nothing twice
    between = (steps >= 330) & (steps < 350)
    np.testing.assert_array_equal(steps[between], np.arange(330, 350))
    assert int((steps < 300).sum()) * STEP_S <= singing.LONGEST_PAUSE_S + STEP_S  # the pause of 1.5 s is cut
    vowel = (steps >= 300) & (steps < 330)
    assert int(vowel.sum()) >= 30
    assert len(set(sung[vowel])) == 1  # one syllable, one note


def test_vibrato_grows_while_a_note_is_held_and_leaves_its_mean() -> None:
    calm = replace(SINGER, vibrato=0.0)
    rng = np.random.default_rng
    swing = melodic(np.full(400, 60.0), SINGER, rng(1)) - melodic(np.full(400, 60.0), calm, rng(1))
    assert np.abs(swing[:30]).max() < 1e-9  # 0.15 s
    assert np.abs(swing[120:]).max() == pytest.approx(0.5, abs=0.01)
    assert abs(swing[200:].mean()) < 0.01  # whole periods of 40 steps


def voice() -> np.ndarray:
    """Two seconds at 24 kHz of a voice that glides from 110 to 150 Hz, with a pause in the middle."""
    t = np.arange(2 * VOCODER_RATE) / VOCODER_RATE
    phase = 2 * np.pi * np.cumsum(110 + 20 * t) / VOCODER_RATE
    sound = sum(np.sin(k * phase) / k for k in range(1, 30))
    return np.asarray(0.1 * sound * ((t < 0.9) | (t > 1.1)))


def test_a_glide_is_sung_in_steps() -> None:
    pyworld = pytest.importorskip("pyworld", reason="pyworld comes with the extra [songs]")
    singer = replace(SINGER, vibrato=0.0, glide_s=0.005, throat=1.1)
    sung = sing(Spoken.of(voice()), singer, np.random.default_rng(3))
    assert np.isfinite(sung).all()
    hz, times = pyworld.harvest(sung, VOCODER_RATE, frame_period=5.0)
    pitch = 69 + 12 * np.log2(hz[hz > 0] / 440)
    off = np.abs((pitch - singer.root)[:, None] % 12 - np.array([*singer.scale, 12]))  # 12: the next octave's root
    assert np.mean(off.min(axis=1) < 0.6) > 0.8  # of all notes half would be, by chance
    assert len(times) * STEP_S > 1.0


def test_silence_is_not_sung() -> None:
    pytest.importorskip("pyworld", reason="pyworld comes with the extra [songs]")
    assert not len(sing(Spoken.of(np.zeros(VOCODER_RATE)), SINGER, np.random.default_rng(0)))


def test_a_song_is_the_same_each_time_and_never_made_of_songs(tmp_path: Path) -> None:
    pytest.importorskip("pyworld", reason="pyworld comes with the extra [songs]")
    spoken = np.tile((20_000 * np.repeat(voice(), 2)).astype(np.int16), 3)
    band = (3000 * np.random.default_rng(0).standard_normal(len(spoken))).astype(np.int16)
    write_pack(tmp_path, "speech", [("a_00", spoken, 48_000)])
    write_pack(tmp_path, "music", [("sung_00", band, 48_000), ("m_00", band, 48_000)])
    first, second = (list(Studio(tmp_path, 5).pieces(2, 3.0)) for _ in range(2))
    assert [name for name, _, _ in first] == ["sung_000", "sung_001"]
    for (_, sound, rate), (_, again, _) in zip(first, second, strict=True):
        assert rate == 48_000
        assert 0 < len(sound) <= 3 * rate
        np.testing.assert_array_equal(sound, again)
    assert [clip.name for clip in Studio(tmp_path, 5)._music] == ["m_00"]
    songs = training_clips(tmp_path, "music")
    assert chances(songs, MUSIC_WEIGHTS)[0] == pytest.approx(MUSIC_WEIGHTS["sung"] / (MUSIC_WEIGHTS["sung"] + 1))
