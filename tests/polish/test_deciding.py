"""What is decided about breaths, sibilants, lost consonants and phrases, on voices of which all is known."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from scipy.signal import sosfiltfilt

from mediaclean.audio import Samples, Span, power_to_db
from mediaclean.polish.breath import BreathSettings, find_breaths
from mediaclean.polish.deess import DeessSettings, find_sibilants
from mediaclean.polish.frames import VoiceFrames, speech_level
from mediaclean.polish.gains import voice_gain
from mediaclean.polish.phrases import RAMP_S, PhraseSettings, phrase_loudness, ride_phrases, spread_lu, spread_note
from mediaclean.polish.presence import PresenceSettings, find_losses
from polish.speaking import RATE, Speaking, band, blocks_of, frames_of, joined

MS20 = RATE // 50


def level_db(sound: Samples) -> float:
    return float(power_to_db(np.mean(np.square(sound, dtype=np.float64))))


def whole(said: Speaking) -> list[Span]:
    return [Span(0, said.at)]


# Breaths


def breathing(breath_db: float, count: int = 4, seed: int = 0) -> tuple[Speaking, list[Span]]:
    said, breaths = Speaking.begin(seed), []
    for number in range(count):
        said.talk(4).pause(0.15)
        start = said.at
        said.breath(breath_db, 0.25 + 0.1 * number)
        breaths.append(Span(start, said.at))
        said.pause(0.08)
    return said.talk(4), breaths


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("breath_db", [-40.0, -46.0])
def test_every_breath_is_found_and_nothing_else(seed: int, breath_db: float) -> None:
    said, breaths = breathing(breath_db, seed=seed)
    found = find_breaths(frames_of(said.sound()), whole(said), BreathSettings())
    assert len(found) == len(breaths)
    for row, breath in zip(found, breaths, strict=True):
        assert abs(row.span.start - breath.start) < 0.06 * RATE
        assert abs(row.span.stop - breath.stop) < 0.06 * RATE


def test_a_loud_breath_is_lowered_by_the_amount_and_a_quiet_one_less() -> None:
    said, _ = breathing(-36.0)
    loud = find_breaths(frames_of(said.sound()), whole(said), BreathSettings(amount_db=8.0))
    assert [row.gain_db for row in loud] == [-8.0] * 4
    said, _ = breathing(-53.0)
    soft = find_breaths(frames_of(said.sound()), whole(said), BreathSettings(amount_db=8.0))
    assert len(soft) == 4
    assert all(-8.0 < row.gain_db < 0.0 for row in soft)
    said, _ = breathing(-60.0)
    assert not find_breaths(frames_of(said.sound()), whole(said), BreathSettings(amount_db=8.0))


def test_a_breath_never_sinks_under_the_room() -> None:
    said, _ = breathing(-44.0)
    room = np.random.default_rng(5).standard_normal(said.at) * 10 ** (-44.0 / 20)  # in the mid band some 5 dB less
    found = find_breaths(frames_of(said.sound() + room.astype(np.float32)), whole(said), BreathSettings(amount_db=12.0))
    assert all(row.gain_db > -8.0 for row in found)


@pytest.mark.parametrize("tail_db", [-26.0, -34.0])
def test_reverberation_is_no_breath(tail_db: float) -> None:
    said = Speaking.begin()
    for _ in range(4):
        said.talk(3).word().tail(tail_db).pause(0.2)
    assert not find_breaths(frames_of(said.sound()), whole(said), BreathSettings())


def test_consonants_between_words_are_no_breaths() -> None:
    said = Speaking.begin()
    for _ in range(4):
        said.talk(2).sibilant(-30.0, 0.15).pause(0.05).breath(-32.0, 0.06).talk(2)  # an s, and a k with its aspiration
    assert not find_breaths(frames_of(said.sound()), whole(said), BreathSettings())


def test_what_lies_far_from_any_phrase_is_left_alone() -> None:
    said = Speaking.begin().talk(4)
    spoken = [Span(0, said.at)]
    said.pause(0.5).breath(-40.0).pause(0.5)
    assert not find_breaths(frames_of(said.sound()), spoken, BreathSettings())


# Sibilants


def hissing(levels_db: list[float]) -> tuple[Speaking, list[Span]]:
    said, sibilants = Speaking.begin(), []
    for level in levels_db:
        said.talk(2)
        start = said.at
        said.sibilant(level)
        sibilants.append(Span(start, said.at))
    return said.talk(2), sibilants


def test_a_sibilant_is_lowered_to_where_it_no_longer_stands_out() -> None:
    """By what it has too much, and never by more than the amount."""
    said, spans = hissing([-20.0, -24.0, -40.0])
    frames = frames_of(said.sound())
    settings = DeessSettings(amount_db=4.0, under_lu=8.0)
    found = find_sibilants(frames, whole(said), settings)
    excess = [level_db(said.sound()[:, s.start : s.stop]) - speech_level(frames, whole(said)) + 8.0 for s in spans]
    assert excess[0] > 4.0 > excess[1] > 0.5
    assert [row.gain_db for row in found] == [-4.0, pytest.approx(-excess[1], abs=1.0)]
    for row, span in zip(found, spans, strict=False):
        assert row.span.start <= span.start + MS20
        assert span.stop - MS20 <= row.span.stop
        assert row.span.length < span.length + 4 * MS20


def test_vowels_and_breaths_are_no_sibilants() -> None:
    said, _ = breathing(-30.0)
    assert not find_sibilants(frames_of(said.sound()), whole(said), DeessSettings(amount_db=12.0, under_lu=30.0))


def test_without_a_band_of_sibilance_there_are_none() -> None:
    frames = frames_of(hissing([-10.0])[0].sound())
    names = "loud_db", "mid_db", "high_db", "voicing", "consonants_db", "mix_consonants_db"
    narrow = VoiceFrames(8_000, 80, 0, 80 * len(frames), *(getattr(frames, name) for name in names))
    assert not find_sibilants(narrow, [Span(0, 1 << 30)], DeessSettings())


# Presence


def thinned(loss_db: float, bed_db: float) -> tuple[Samples, Samples, list[Span]]:
    """A mix, and a voice that lost its consonants' band to the bed."""
    said = Speaking.begin()
    for _ in range(12):
        said.talk(1).sibilant(-30.0).breath(-34.0, 0.1)
    voice = said.sound()
    bed = sosfiltfilt(band((300.0, 9_000.0)), np.random.default_rng(9).standard_normal(said.at))
    mix = voice + (bed * 10 ** (bed_db / 20)).astype(np.float32)
    consonants = sosfiltfilt(band((2_000.0, 7_500.0)), voice, axis=1)
    return mix, np.asarray(voice - (1 - 10 ** (-loss_db / 20)) * consonants, dtype=np.float32), whole(said)


@pytest.mark.parametrize(("loss_db", "gain_db"), [(0.0, None), (0.5, None), (2.0, 2.0), (6.0, 3.0)])
def test_what_was_lost_is_given_back_and_nothing_else(loss_db: float, gain_db: float | None) -> None:
    mix, voice, spans = thinned(loss_db, bed_db=-80.0)
    found = find_losses(frames_of(mix, voice, spans), spans, spans, PresenceSettings())
    assert [row.gain_db for row in found] == ([] if gain_db is None else [pytest.approx(gain_db, abs=0.5)])
    assert not find_losses(frames_of(mix, voice, spans), spans, [], PresenceSettings())


def test_where_the_bed_covers_the_band_nothing_can_be_told() -> None:
    mix, voice, spans = thinned(6.0, bed_db=-20.0)
    assert not find_losses(frames_of(mix, voice, spans), spans, spans, PresenceSettings())


def test_the_beats_of_a_bed_are_no_lost_consonants() -> None:
    """Short noises that the network rightly took out of the voice."""
    mix, voice, spans = thinned(0.0, bed_db=-80.0)
    beats = np.random.default_rng(3).standard_normal(mix.shape[1]) * 0.05
    beats *= np.arange(len(beats)) % (RATE // 4) < RATE // 40
    assert not find_losses(frames_of(mix + beats.astype(np.float32), voice, spans), spans, spans, PresenceSettings())


# Phrases


def phrased(levels_db: list[float]) -> tuple[Speaking, list[Span]]:
    """Phrases with pads of a quarter second, and pauses between them."""
    said, spans = Speaking.begin(), []
    for level in levels_db:
        said.pause(0.3)
        start = said.at - round(RAMP_S * RATE)
        said.talk(6, level).pause(RAMP_S)
        spans.append(Span(start, said.at))
        said.pause(0.4)
    return said, spans


LEVELS = [-20.0, -26.0, -17.0, -23.0, -22.0]


@pytest.mark.parametrize("amount", [0.25, 0.5, 1.0])
def test_the_spread_of_phrases_shrinks_by_the_amount(amount: float) -> None:
    said, spans = phrased(LEVELS)
    frames, settings = frames_of(said.sound()), PhraseSettings(amount=amount, most_db=6.0, within_lu=0.0)
    rows = ride_phrases(frames, spans, [True] * 5, settings)
    ridden = joined(voice_gain(rows, round(RAMP_S * RATE), None)(blocks_of(said.sound()))).mix
    before, after = (phrase_loudness(frames_of(sound), spans) for sound in (said.sound(), ridden))
    assert spread_lu(before) > 2.0
    assert spread_lu(after) == pytest.approx((1.0 - amount) * spread_lu(before), abs=0.15)
    assert np.argsort(after).tolist() == np.argsort(before).tolist() or amount == 1.0
    foretold = [float(part) for part in re.findall(r"([\d.]+) LU", spread_note(frames_of(said.sound()), spans, rows))]
    assert foretold == pytest.approx([spread_lu(before), spread_lu(after)], abs=0.1)


def test_pauses_are_not_raised_and_words_are_not_reshaped() -> None:
    said, spans = phrased(LEVELS)
    rows = ride_phrases(frames_of(said.sound()), spans, [True] * 5, PhraseSettings(amount=1.0))
    assert any(row.gain_db > 0.0 for row in rows)
    sound = said.sound()
    ridden = joined(voice_gain(rows, round(RAMP_S * RATE), None)(blocks_of(sound))).mix
    for before, after in pairwise(spans):
        assert np.array_equal(ridden[:, before.stop : after.start], sound[:, before.stop : after.start])
    for row in rows:
        words = slice(row.span.start + round(RAMP_S * RATE), row.span.stop - round(RAMP_S * RATE))
        assert np.allclose(ridden[:, words], sound[:, words] * np.float32(10 ** (row.gain_db / 20)), rtol=1e-5)


def test_no_phrase_is_moved_further_than_asked() -> None:
    said, spans = phrased([-20.0, -20.0, -30.0])
    (row,) = ride_phrases(frames_of(said.sound()), spans, [True] * 3, PhraseSettings(amount=1.0, most_db=2.5))
    assert (row.span, row.gain_db) == (spans[2], 2.5)


def test_phrases_near_the_median_far_from_it_too_short_or_in_doubt_stay() -> None:
    said, spans = phrased([-20.0, -21.0, -20.0, -38.0, -26.0])
    short = said.pause(0.5).at
    spans.append(Span(short, said.word(-12.0, 0.3).pause(0.2).at))
    trusted = [True, True, True, True, False, True]
    assert not ride_phrases(frames_of(said.sound()), spans, trusted, PhraseSettings(amount=1.0))
    trusted[4] = True
    assert len(ride_phrases(frames_of(said.sound()), spans, trusted, PhraseSettings(amount=1.0))) == 1


@pytest.mark.parametrize("count", [0, 1])
def test_a_single_phrase_has_nothing_to_be_moved_towards(count: int) -> None:
    said, spans = phrased(LEVELS[:count] or [-20.0])
    assert not ride_phrases(frames_of(said.sound()), spans[:count], [True] * count, PhraseSettings(amount=1.0))


# Amounts


def test_at_amount_zero_nothing_is_decided() -> None:
    said, spans = phrased(LEVELS)
    said.talk(3).pause(0.15).breath(-36.0).pause(0.1).talk(3).sibilant(-15.0).talk(3)
    frames = frames_of(said.sound())
    assert find_breaths(frames, whole(said), BreathSettings())
    assert find_sibilants(frames, whole(said), DeessSettings())
    assert not find_breaths(frames, whole(said), BreathSettings(amount_db=0.0))
    assert not find_sibilants(frames, whole(said), DeessSettings(amount_db=0.0))
    assert not ride_phrases(frames, spans, [True] * 5, PhraseSettings(amount=0.0))
    mix, voice, cut = thinned(6.0, -80.0)
    assert not find_losses(frames_of(mix, voice, cut), cut, cut, PresenceSettings(amount=0.0))


def test_silence_is_left_alone() -> None:
    frames, spans = frames_of(np.zeros((1, 2 * RATE), np.float32)), [Span(0, RATE), Span(RATE, 2 * RATE)]
    assert not find_breaths(frames, spans, BreathSettings())
    assert not find_sibilants(frames, spans, DeessSettings())
    assert not find_losses(frames, spans, spans, PresenceSettings())
    assert not ride_phrases(frames, spans, [True, True], PhraseSettings())
