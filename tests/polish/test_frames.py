"""What is heard of the voice: levels that are right, and the same for blocks of any size."""

from __future__ import annotations

import numpy as np
import pytest

from mediaclean.audio import Block, Samples, Span
from mediaclean.downmix import Downmix
from mediaclean.loudness.kweight import OFFSET_LU
from mediaclean.polish.frames import BATCH, HOP_S, VoiceFrames, heard, listen, speech_level
from polish.speaking import RATE, Speaking, blocks_of, frames_of

ARRAYS = ("loud_db", "mid_db", "high_db", "voicing", "consonants_db", "mix_consonants_db")


def tone(hz: float, seconds: float = 1.0, peak: float = 0.1) -> Samples:
    return (peak * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE))[None].astype(np.float32)


def inner(frames: VoiceFrames) -> slice:
    return slice(5, len(frames) - 5)


def test_a_sine_has_its_level_in_its_band_and_none_elsewhere() -> None:
    """0.1 peak is a mean square of -23.01 dB; K-weighting is 0.69 dB at 997 Hz, which the offset of LUFS takes back."""
    low, high = frames_of(tone(997.0)), frames_of(tone(8_000.0))
    assert np.allclose(low.mid_db[inner(low)], -23.01, atol=0.1)
    assert np.allclose(low.loud_db[inner(low)] + OFFSET_LU, -23.01, atol=0.1)
    assert np.allclose(high.high_db[inner(high)], -23.01, atol=0.1)
    assert low.high_db[inner(low)].max() < -80.0
    assert high.mid_db[inner(high)].max() < -80.0


@pytest.mark.parametrize("pitch_hz", [85.0, 120.0, 210.0, 350.0])
def test_voices_are_voiced_and_noise_is_not(pitch_hz: float) -> None:
    said = frames_of(Speaking.begin().word(seconds=1.0, pitch_hz=pitch_hz).sound())
    blown = frames_of(Speaking.begin().breath(-20.0, 1.0).sound())
    inside = slice(60, 140)
    assert np.median(said.voicing[inside]) > 0.85
    assert np.median(blown.voicing[inside]) < 0.65


@pytest.mark.parametrize("sizes", [[1], [777], [RATE, 13], [100_000]])
def test_blocks_of_any_size_are_heard_alike(sizes: list[int]) -> None:
    sound = Speaking.begin().talk(3).sound(2)[:, : 4_000 if sizes == [1] else None]
    voice = np.float32(0.5) * sound
    whole = frames_of(sound, voice, [Span(3_000, 9_000)])
    parts = listen(
        blocks_of(sound, voice, sizes), rate=RATE, downmix=Downmix(), cuts=[Span(3_000, 9_000)], fade=RATE // 50
    )
    assert all(np.array_equal(getattr(parts, name), getattr(whole, name)) for name in ARRAYS)


@pytest.mark.parametrize("count", [1, 239, 240, BATCH * 240, BATCH * 240 + 1])
def test_every_sample_lies_in_a_frame(count: int) -> None:
    assert len(frames_of(np.ones((1, count), np.float32))) == -(-count // round(HOP_S * RATE))


@pytest.mark.parametrize("count", [1, 239, 240, BATCH * 240, BATCH * 240 + 1])
def test_no_row_leaves_the_track(count: int) -> None:
    """The last frame is rarely whole; a plan with a row that ends behind the track is refused when it is read."""
    frames = frames_of(np.ones((1, count), np.float32))
    assert frames.span(0, len(frames)) == Span(0, count)
    assert frames.span(len(frames) - 1, len(frames)).length > 0


def test_frames_know_their_place() -> None:
    frames = frames_of(np.ones((1, RATE), np.float32))
    assert frames.span(10, 20) == Span(2_400, 4_800)
    assert frames.of(Span(2_400, 4_800)) == slice(10, 20)
    assert frames.of(Span(0, 10 * RATE)) == slice(0, 100)


def test_in_cuts_the_voice_is_heard_and_elsewhere_everything() -> None:
    mix, voice = np.full((2, 1000), 0.5, np.float32), np.full((2, 1000), 0.1, np.float32)
    sound = heard(Block(0, mix, voice), [Span(200, 800)], 20)
    assert np.array_equal(sound[:, :200], mix[:, :200])
    assert np.allclose(sound[:, 220:780], 0.1)
    assert np.array_equal(sound[:, 800:], mix[:, 800:])


def test_of_a_surround_track_the_centre_is_heard() -> None:
    sound = np.concatenate([tone(997.0, peak=p) for p in (0.5, 0.5, 0.1)])
    frames = listen(blocks_of(sound), rate=RATE, downmix=Downmix(2))
    assert np.allclose(frames.mid_db[inner(frames)], -23.01, atol=0.1)


def test_pauses_do_not_count_for_the_level_of_speech() -> None:
    said = Speaking.begin().word(seconds=1.0)
    level = speech_level(frames_of(said.sound()), [Span(0, said.at)])
    longer = said.pause(3.0)
    assert speech_level(frames_of(longer.sound()), [Span(0, longer.at)]) == pytest.approx(level, abs=0.05)
    assert speech_level(frames_of(np.zeros((1, RATE), np.float32)), [Span(0, RATE)]) == -np.inf
