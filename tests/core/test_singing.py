"""Who sings holds notes, who speaks does not; and a song that nobody talks over is left as it is."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mediaclean import load_preset
from mediaclean.audio import Block, Samples, Span
from mediaclean.bed.auto import SINGS, Measured, settle
from mediaclean.bed.dips import DipLevels, is_song
from mediaclean.bed.duck import DuckSettings
from mediaclean.bed.singing import RATE, WINDOW, NoteEar, pitches
from mediaclean.downmix import Downmix
from mediaclean.job import CleanOptions
from mediaclean.listening import open_job
from mediaclean.mixing import make_mix
from mediaclean.plan.make import Cut, Plan, PlannedDip
from mediaclean.plan.notes import song_notes

from .making import noise, pieces

FULL = 48_000
STEMS = Path(__file__).parents[2] / "samples" / "stems"


def voiced(semitones: np.ndarray, rate: int = FULL) -> Samples:
    """A buzzing voice of a pitch given sample by sample, with syllables five times a second, (1, n)."""
    phase = 2 * np.pi * np.cumsum(440.0 * 2.0 ** ((semitones - 69) / 12)) / rate
    buzz = sum(np.sin(k * phase) / k for k in range(1, 12))
    syllables = 0.6 + 0.4 * np.sin(2 * np.pi * 5.0 * np.arange(len(semitones)) / rate)
    return np.asarray(0.1 * buzz * syllables, np.float32)[None]


def sung(seconds: float, rate: int = FULL) -> Samples:
    """Notes of half a second with a vibrato of a quarter of a semitone."""
    t = np.arange(round(seconds * rate)) / rate
    melody = np.random.default_rng(4).choice([57, 59, 60, 62, 64], len(t) * 2 // rate + 1)
    return voiced(melody[(t * 2).astype(int)] + 0.25 * np.sin(2 * np.pi * 5.5 * t), rate)


def spoken(seconds: float, rate: int = FULL) -> Samples:
    """A pitch that glides by six semitones from syllable to syllable."""
    t = np.arange(round(seconds * rate)) / rate
    return voiced(48 + 3 * np.sin(2 * np.pi * 2.3 * t) + np.sin(2 * np.pi * 0.7 * t), rate)


def sings(heard: NoteEar, start_s: float, stop_s: float, length_s: float, rate: int = FULL) -> bool:
    """Of a sound that was separated from end to end."""
    return heard.sings(Span(round(start_s * rate), round(stop_s * rate)), Span(0, round(length_s * rate)))


def ear(sound: Samples, sizes: tuple[int, ...] = (FULL,), rate: int = FULL) -> NoteEar:
    found, start = NoteEar(rate, Downmix()), 0
    blocks = []
    for piece in pieces(sound, sizes):
        blocks.append(Block(start, piece, piece))
        start += piece.shape[1]
    assert len(list(found.listen(blocks))) == len(blocks)
    return found


@pytest.mark.parametrize("hz", [80.0, 110.0, 196.3, 440.0])
def test_the_pitch_of_a_voice_is_found(hz: float) -> None:
    t = np.arange(RATE) / RATE
    buzz = sum(np.sin(2 * np.pi * k * hz * t) / k for k in range(1, int(3600 / hz)))
    windows = np.lib.stride_tricks.sliding_window_view(buzz.astype(np.float32), WINDOW)[::1000]
    pitch, power = pitches(windows)
    np.testing.assert_allclose(pitch, 69 + 12 * np.log2(hz / 440), atol=0.1)
    assert (power > 0.1).all()


def test_noise_and_silence_have_no_pitch() -> None:
    hiss = noise(1, 20 * FULL, 3)
    assert not sings(ear(hiss), 5, 15, 20)
    assert ear(hiss).held(Span(0, 20 * FULL)).voiced_s < 0.2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        silent = ear(np.zeros((1, 5 * FULL), np.float32))
        assert silent.held(Span(0, 5 * FULL)).share == 0.0
        assert not sings(silent, 0, 1, 5)
        assert not sings(ear(np.zeros((1, 100), np.float32)), 0, 1, 2)


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_notes_are_sung_and_glides_are_spoken(rate: int) -> None:
    assert sings(ear(sung(20.0, rate), rate=rate), 8, 12, 20, rate)
    assert not sings(ear(spoken(20.0, rate), rate=rate), 8, 12, 20, rate)


def test_a_talk_between_two_songs_is_a_talk() -> None:
    heard = ear(np.concatenate([sung(20.0), spoken(20.0), sung(20.0)], axis=1))
    said = [sings(heard, start, start + 5, 60) for start in range(0, 60, 5)]
    assert said[:3] == said[-3:] == [True] * 3  # the lines beside the talk may be taken for either
    assert said[4:8] == [False] * 4


def test_who_talks_on_one_tone_does_not_sing() -> None:
    t = np.arange(20 * FULL) / FULL
    monotone = ear(voiced(50 + 0.7 * np.sin(2 * np.pi * 0.3 * t)))
    assert monotone.held(Span(0, 20 * FULL)).share > 0.3
    assert not sings(monotone, 8, 12, 20)


def test_what_was_not_separated_is_not_heard() -> None:
    """Beyond a cut the voice is the mix, and what holds notes there may be a piano."""
    heard = ear(np.concatenate([sung(8.0), noise(1, 4 * FULL, 1, 0.01), sung(8.0)], axis=1))
    part = Span(9 * FULL, 11 * FULL)
    assert heard.sings(part, Span(0, 20 * FULL))
    assert not heard.sings(part, Span(8 * FULL, 12 * FULL))


def test_one_long_vowel_is_no_song() -> None:
    vowel = voiced(np.full(FULL, 50.0))
    heard = ear(np.concatenate([spoken(8.0), vowel, spoken(8.0)], axis=1))
    assert not sings(heard, 8, 9, 17)


def test_the_voice_of_the_sample_speaks() -> None:
    voice, rate = soundfile.read(STEMS / "voice.flac", dtype="float32", always_2d=True)
    heard = ear(np.ascontiguousarray(voice.mean(axis=1)[None]), rate=rate)
    assert not any(sings(heard, at, at + 4, len(voice) / rate, rate) for at in range(0, len(voice) // rate - 4, 2))


@pytest.mark.parametrize("sizes", [(480,), (1_000, 70_000), (FULL * 30,)])
def test_notes_do_not_depend_on_blocks(sizes: tuple[int, ...]) -> None:
    sound = np.concatenate([sung(6.0), spoken(5.0)], axis=1)
    span = Span(FULL, 9 * FULL)
    assert ear(sound, sizes).held(span) == ear(sound).held(span)


def test_only_a_riding_bed_is_left_to_a_singer() -> None:
    level = DipLevels(-20.0, -22.0, sung=True)
    assert is_song(level, DuckSettings(mode="duck"))
    assert is_song(level, DuckSettings(mode="auto"))
    assert not is_song(level, DuckSettings(mode="remove"))
    assert not is_song(replace(level, sung=False), DuckSettings(mode="duck"))
    assert not is_song(replace(level, speech_share=0.0), DuckSettings(mode="duck"))


def test_auto_leaves_a_song_and_says_why() -> None:
    span, measured = Span(0, FULL), Measured(0.0, 8.0, sung=True)
    left = settle(None, span, measured, DuckSettings(mode="auto", singing="leave"))
    assert (left.treatment, left.gain_db, left.reason) == ("leave", 0.0, SINGS)
    assert settle(None, span, measured, DuckSettings(mode="auto")).gain_db < 0.0


def test_a_song_comes_out_as_it_was_if_that_is_asked_for_and_is_told_if_not(tmp_path: Path) -> None:
    voice, bed = sung(12.0), noise(1, 12 * FULL, 2, 0.1)
    path = tmp_path / "song.wav"
    soundfile.write(path, (voice + bed)[0], FULL, subtype="FLOAT")
    whole = Span(0, 12 * FULL)
    plan = Plan(FULL, 12 * FULL, cuts=(Cut(whole, ""),), dips=(PlannedDip(Span(FULL, 11 * FULL), None, "rides"),))
    for singing, told in (("leave", "left alone"), ("duck", "--set duck.singing=leave")):
        preset = load_preset("documentary", ["ledger=off", "room_tone=off", f"duck.singing={singing}"])
        job = open_job(path, preset, CleanOptions(), lambda _: None)
        mix = make_mix(job, plan, {0: voice}.__getitem__)
        result = np.concatenate(list(mix.chunks("write")), axis=1)
        assert np.array_equal(result, voice + bed) == (singing == "leave")
        assert [told in note for note in mix.plan.notes if "seems to sing" in note] == [True]
        assert {dip.reason for dip in mix.plan.dips} == ({SINGS} if singing == "leave" else {"rides"})


def test_a_note_names_the_first_place_and_counts_the_others() -> None:
    assert list(song_notes([], FULL, "duck")) == []
    lines = [Span(n * FULL, (n + 4) * FULL) for n in (20, 28, 100, 200)]  # the first two are one song
    for singing, told in (("leave", "left alone, as you asked"), ("duck", "--set duck.singing=leave keeps songs")):
        (note,) = song_notes(lines, FULL, singing)  # type: ignore[arg-type]
        assert note.startswith(f"somebody seems to sing from 0:20.0 to 0:32.0 and at 2 more places: {told}")
