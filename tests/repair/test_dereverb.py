"""De-reverberation: the late echoes of a voice go, the voice, the bed and the stereo image stay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import fftconvolve

from mediaclean.audio import Block, Samples, Span
from mediaclean.repair.dereverb import DereverbSettings, dereverb, dereverberated, reverberant, wpe
from mediaclean.repair.records import Repair

RATE = 48_000
VOICE = Path(__file__).parents[2] / "samples" / "stems" / "voice.flac"
EARLY_S = 0.05


def speech(seconds: float = 8.0) -> Samples:
    sound, _ = soundfile.read(VOICE, dtype="float32", always_2d=True, frames=round((1.2 + seconds) * RATE))
    return np.ascontiguousarray(sound.T[:, round(1.2 * RATE) :])


def room(t60_s: float, channels: int = 1, seed: int = 0) -> Samples:
    """Impulse responses: the direct sound, and noise that decays by 60 dB in `t60_s`."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(1.2 * t60_s * RATE)) / RATE
    tail = rng.standard_normal((channels, len(time))) * np.exp(-6.908 * time / t60_s) * (time > 0.003)
    tail /= np.sqrt(np.square(tail).sum(axis=1, keepdims=True))
    tail[:, 0] = 1.0
    return tail.astype(np.float32)


def played(sound: Samples, responses: Samples) -> Samples:
    length = sound.shape[1]
    return np.stack([fftconvolve(sound[0], response)[:length] for response in responses]).astype(np.float32)


def early(responses: Samples) -> Samples:
    cut = responses.copy()
    cut[:, round(EARLY_S * RATE) :] = 0.0
    return cut


def speech_to_reverberation_db(sound: Samples, wanted: Samples) -> float:
    """The part of a sound that is the wanted one, over all the rest."""
    share = (sound * wanted).sum() / np.square(wanted).sum()
    return float(10.0 * np.log10(np.square(share * wanted).sum() / np.square(sound - share * wanted).sum()))


def blocks(mix: Samples, voice: Samples, sizes: int, start: int = 0) -> Iterator[Block]:
    for at in range(0, mix.shape[1], sizes):
        yield Block(start + at, mix[:, at : at + sizes], voice[:, at : at + sizes])


def run(mix: Samples, voice: Samples, rows: list[Repair], sizes: int = RATE, start: int = 0) -> tuple[Samples, Samples]:
    cuts = [Span(start, start + mix.shape[1])]
    out = list(dereverb(blocks(mix, voice, sizes, start), rows, rate=RATE, settings=DereverbSettings(), cuts=cuts))
    assert [block.start for block in out] == list(range(start, start + mix.shape[1], sizes))
    return np.concatenate([b.mix for b in out], axis=1), np.concatenate([b.voice for b in out], axis=1)


@pytest.mark.parametrize("t60_s", [0.4, 0.8])
def test_the_voice_gains_on_its_reverberation(t60_s: float) -> None:
    responses = room(t60_s)
    wet, wanted = played(speech(), responses), played(speech(), early(responses))
    out = dereverberated(wet, RATE, DereverbSettings())
    assert out.shape == wet.shape
    assert speech_to_reverberation_db(out, wanted) > speech_to_reverberation_db(wet, wanted) + 1.0


def test_a_dry_voice_stays_nearly_as_it_is() -> None:
    dry = speech()
    assert speech_to_reverberation_db(dereverberated(dry, RATE, DereverbSettings()), dry) > 18.0


def test_there_is_no_delay() -> None:
    wet = played(speech(), room(0.5))
    out = dereverberated(wet, RATE, DereverbSettings())
    likeness = fftconvolve(out[0], wet[0, ::-1])
    assert int(np.argmax(likeness)) == wet.shape[1] - 1


def test_what_cannot_be_predicted_is_left_alone() -> None:
    """In noise the past says nothing of what comes."""
    rng = np.random.default_rng(1)
    spectra = (rng.standard_normal((4, 1, 4000)) + 1j * rng.standard_normal((4, 1, 4000))).astype(np.complex64)
    taken = spectra - wpe(spectra, taps=8, delay=3)
    assert np.square(np.abs(taken)).mean() < 0.02 * np.square(np.abs(spectra)).mean()


def test_an_echo_of_known_delay_is_taken_away() -> None:
    rng = np.random.default_rng(2)
    loud = np.repeat(rng.uniform(0.01, 1.0, 400), 10)  # speech comes and goes, by which it is known
    noise = rng.standard_normal((3, 1, 4000)) + 1j * rng.standard_normal((3, 1, 4000))
    dry = (loud * noise).astype(np.complex64)
    wet = dry.copy()
    wet[:, :, 5:] += 0.5 * dry[:, :, :-5]
    rest = wpe(wet, taps=24, delay=4) - dry
    assert np.square(np.abs(rest)).mean() < 0.1 * np.square(np.abs(wet - dry)).mean()


def test_channels_keep_their_places() -> None:
    """A voice at the left stays at the left: levels between the channels move by less than 1 dB."""
    responses = room(0.5, channels=2)
    responses[1] *= 0.4
    wet = played(speech(), responses)
    out = dereverberated(wet, RATE, DereverbSettings())

    def image_db(sound: Samples) -> float:
        left, right = np.square(sound).sum(axis=1)
        return float(10.0 * np.log10(left / right))

    assert image_db(out) == pytest.approx(image_db(wet), abs=1.0)


def test_a_part_of_the_amount_is_that_part_of_the_change() -> None:
    wet = played(speech(4.0), room(0.5))
    span = Span(0, wet.shape[1])
    whole, _ = run(wet, wet, [Repair(span, "dereverb", 1.0, "")])
    part, _ = run(wet, wet, [Repair(span, "dereverb", 0.25, "")])
    assert np.allclose(part, wet + 0.25 * (whole - wet), atol=1e-6)


def test_the_bed_stays_and_nothing_outside_the_rows_moves() -> None:
    rng = np.random.default_rng(3)
    voice = played(speech(6.0), room(0.5))
    bed = (0.05 * rng.standard_normal(voice.shape)).astype(np.float32)
    rows = [Repair(Span(RATE, 3 * RATE), "dereverb", 0.8, ""), Repair(Span(4 * RATE, 5 * RATE), "dereverb", 0.8, "")]
    mix, clean = run(voice + bed, voice, rows)
    assert np.allclose(mix - clean, bed, atol=1e-6)
    inside = np.zeros(voice.shape[1], dtype=bool)
    for row in rows:
        inside[row.span.start : row.span.stop] = True
    assert np.array_equal(mix[:, ~inside], (voice + bed)[:, ~inside])
    assert np.array_equal(clean[:, ~inside], voice[:, ~inside])
    assert all((mix != voice + bed)[:, row.span.start : row.span.stop].any() for row in rows)


@pytest.mark.parametrize("sizes", [4001, 100_003, 10**8])
def test_the_size_of_a_block_does_not_matter(sizes: int) -> None:
    wet = played(speech(7.0), room(0.5))
    rows = [Repair(Span(1000, 6 * RATE), "dereverb", 0.8, "")]
    for got, wanted in zip(run(wet, wet, rows, sizes), run(wet, wet, rows), strict=True):
        assert np.array_equal(got, wanted)


def test_parts_of_a_long_row_are_joined_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every part would be halved, the whole row is halved: the cross-fades add up to 1."""
    monkeypatch.setattr("mediaclean.repair.dereverb.dereverberated", lambda sound, *_: np.float32(0.5) * sound)
    rng = np.random.default_rng(4)
    sound = rng.standard_normal((1, 43 * RATE)).astype(np.float32)
    out, _ = run(sound, sound, [Repair(Span(0, 43 * RATE), "dereverb", 1.0, "")])
    middle = slice(RATE // 10, -RATE // 10)
    assert np.allclose(out[:, middle], 0.5 * sound[:, middle], atol=1e-5)


def test_a_part_of_a_track_is_worked_on_as_far_as_it_is_there() -> None:
    wet = played(speech(4.0), room(0.5))
    start = 20 * RATE
    rows = [Repair(Span(start - 5 * RATE, start + 60 * RATE), "dereverb", 1.0, "")]
    mix, _ = run(wet, wet, rows, start=start)
    assert mix.shape == wet.shape
    assert (mix != wet).any()


def test_of_a_surround_track_the_centre_alone_is_worked_on() -> None:
    wet = np.tile(played(speech(3.0), room(0.5)), (6, 1))
    rows = [Repair(Span(0, wet.shape[1]), "dereverb", 1.0, "")]
    out = list(dereverb(blocks(wet, wet, RATE), rows, rate=RATE, settings=DereverbSettings(), centre=2))
    mix = np.concatenate([block.mix for block in out], axis=1)
    assert (mix[2] != wet[2]).any()
    assert np.array_equal(np.delete(mix, 2, axis=0), np.delete(wet, 2, axis=0))


def test_rows_cover_the_speech_and_its_tails() -> None:
    spans = [Span(RATE, 3 * RATE), Span(4 * RATE, 6 * RATE), Span(20 * RATE, 20 * RATE + 100)]
    rows = reverberant(spans, DereverbSettings(amount=0.5), RATE, 30 * RATE)
    assert [row.amount for row in rows] == [0.5]
    assert rows[0].span == Span(RATE, round(6.6 * RATE))


@pytest.mark.parametrize("settings", [None, DereverbSettings(amount=0.0)])
def test_off_or_zero_is_no_row(settings: DereverbSettings | None) -> None:
    assert reverberant([Span(0, 9 * RATE)], settings, RATE, 10 * RATE) == ()


def test_silence_stays_silence() -> None:
    nothing = np.zeros((2, 3 * RATE), np.float32)
    mix, voice = run(nothing, nothing, [Repair(Span(0, 3 * RATE), "dereverb", 1.0, "")])
    assert not mix.any()
    assert not voice.any()


@pytest.mark.parametrize("right", [1.0, -1.0])
def test_channels_with_one_and_the_same_sound_are_treated_as_one(right: float) -> None:
    """The equations of two equal channels are singular but for what is added to their diagonal."""
    sound = played(speech(5.0), room(0.5))
    mono = dereverberated(sound, RATE, DereverbSettings())
    both = dereverberated(np.concatenate([sound, np.float32(right) * sound]), RATE, DereverbSettings())
    assert np.abs(both[0] - np.float32(right) * both[1]).max() < 1e-6
    assert np.square(both[0] - mono[0]).mean() < 1e-4 * np.square(mono).mean()
