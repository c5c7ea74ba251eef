"""Mixtures to train on: voices, beds made and recorded, pieces of music, each as it was asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from mediaclean.backends.dialogue_mask import HOP
from mediaclean.backends.dialogue_net import NetConfig
from training import midi, noises
from training.mixing import Mixer, MixSettings, extend
from training.packs import load_packs
from training.prepare import decode, write_pack

RATE = 48_000
FRAMES = 21
SMALL = NetConfig(channels=16, time_hidden=8, band_hidden=8, half_rate_blocks=1, decoder_hidden=16)


def test_the_same_seed_draws_the_same_mixtures(data: Path) -> None:
    one, two, other = (Mixer(data, seed, FRAMES) for seed in (4, 4, 5))
    for _ in range(5):
        a, b, c = one.draw(), two.draw(), other.draw()
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_array_equal(a[1], b[1])
        assert not np.array_equal(a[0], c[0])


def test_recordings_are_packed_at_48_khz_with_the_rate_they_had(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    tone = 0.5 * np.sin(2 * np.pi * 500 * np.arange(16_000) / 16_000)
    soundfile.write(tmp_path / "deep" / "voice_00.wav", np.stack([tone, tone], 1), 16_000)
    assert write_pack(tmp_path, "speech", decode(tmp_path / "deep")) == pytest.approx(1 / 60)
    (clip,) = load_packs(tmp_path, "speech")
    assert (clip.name, clip.true_rate, len(clip.samples)) == ("voice_00", 16_000, 48_000)
    expected = 16_384 * np.sin(2 * np.pi * 500 * np.arange(48_000) / 48_000)
    np.testing.assert_allclose(clip.samples[2_000:-2_000], expected[2_000:-2_000], atol=60)


def test_held_out_material_is_never_drawn_from(data: Path) -> None:
    mixer = Mixer(data, 1, FRAMES)
    names = {clip.name for clip in (*mixer.speech, *mixer.music, *mixer.noise)}
    assert names == {"a_00", "b_00", "m_00", "n_00"}


def test_a_mixture_has_the_ratio_asked_for(data: Path) -> None:
    settings = MixSettings(snr_db=(7.0, 7.0), clean_chance=0, background_chance=0, gap_chance=0, limit_chance=0)
    mixer = Mixer(data, 2, FRAMES, settings)
    for _ in range(8):
        mix, voice, bandwidth = mixer.draw()
        bed = mix - voice
        assert 10 * np.log10((voice @ voice) / (bed @ bed)) == pytest.approx(7.0, abs=0.05)
        assert len(mix) == (FRAMES - 1) * HOP
        assert 5_000 < bandwidth < 32_000


def test_background_alone_has_no_voice(data: Path) -> None:
    mixer = Mixer(data, 3, FRAMES, MixSettings(clean_chance=0, background_chance=1.0))
    mix, voice, _ = mixer.draw()
    assert not voice.any()
    assert mix.any()


def test_a_crowd_is_a_bed_of_voices_that_nobody_is_to_hear(data: Path) -> None:
    """With a crowd as the only bed and recorded noise away, something still lies under the voice; dull, and many."""
    settings = MixSettings(
        snr_db=(0.0, 0.0), clean_chance=0, background_chance=0, music_chance=0, noise_chance=1, crowd_chance=1
    )
    mixer = Mixer(data, 4, FRAMES, settings)
    mixer.noise.clear()
    mix, voice, _ = mixer.draw()
    bed = mix - voice
    power = np.abs(np.fft.rfft(bed)) ** 2
    top = power[len(power) // 2 :].sum()  # above 12 kHz
    assert np.isfinite(bed).all()
    assert bed @ bed > 0.0
    assert top < 1e-3 * power.sum()


def test_some_recordings_end_below_12_khz_voice_and_bed_alike(data: Path) -> None:
    """What lies above is silent in both, and so is not to be learned from a voice that went further."""
    mixer = Mixer(data, 5, FRAMES, MixSettings(clean_chance=0, background_chance=0, limit_chance=1))
    hz = np.fft.rfftfreq((FRAMES - 1) * HOP, 1 / 48_000)
    limits = []
    for mix, voice, bandwidth in (mixer.draw() for _ in range(12)):
        for sound in (mix, voice):
            power = np.abs(np.fft.rfft(sound)) ** 2
            assert power[hz > 12_000].sum() < 1e-6 * power.sum()
        assert bandwidth <= 12_000
        power = np.abs(np.fft.rfft(mix - voice)) ** 2
        limits.append(float(hz[np.flatnonzero(power > 1e-6 * power.max())[-1]]))
    assert min(limits) < 8_100
    assert len({round(limit, -2) for limit in limits}) > 3


@pytest.mark.parametrize("kind", noises.KINDS)
def test_noise_by_formula_sounds_and_is_never_the_same_but_for_the_same_seed(kind: Callable[..., Any]) -> None:
    drawn = [kind(np.random.default_rng(seed), 96_000) for seed in (1, 1, *range(2, 12))]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    for sound in drawn:
        assert sound.shape == (96_000,)
        assert sound.dtype == np.float32
        assert np.isfinite(sound).all()
        assert np.sqrt(np.mean(sound**2)) > 1e-4
    assert not np.array_equal(drawn[1], drawn[2])


def piece() -> bytes:
    """Two channels with running status: a melody and drums, a tempo and a program change."""
    events = bytes([0, 0xFF, 0x51, 3, 0x07, 0xA1, 0x20, 0, 0xC0, 5, 0, 0x90, 60, 100, 48, 60, 0])
    events += bytes([0, 0x99, 36, 100, 48, 36, 0, 0, 0xFF, 0x2F, 0])
    header = b"MThd" + (6).to_bytes(4, "big") + bytes([0, 0, 0, 1, 0, 48])
    return header + b"MTrk" + len(events).to_bytes(4, "big") + events


@pytest.mark.parametrize("seed", range(5))
def test_a_varied_piece_is_moved_as_a_whole_but_for_its_drums(seed: int) -> None:
    varied = midi.vary(piece(), np.random.default_rng(seed), change=1.0)
    track = varied[22:]
    assert int.from_bytes(varied[18:22], "big") == len(track)
    at = track.index(bytes([0, 0x90])) + 2
    first, second = track[at], track[at + 4]  # after velocity, time and the status, written out again
    assert first == second
    assert -6 <= first - 60 <= 6
    assert bytes([0x99, 36, 100]) in track
    tempo = int.from_bytes(track[4:7], "big") / 500_000
    assert 0.79 < tempo < 1.26


def test_what_is_no_midi_file_says_so() -> None:
    with pytest.raises(ValueError, match="Standard MIDI"):
        midi.vary(b"RIFF", np.random.default_rng(0))


def test_a_voice_with_an_extended_top_keeps_its_band_and_its_moments() -> None:
    rng = np.random.default_rng(3)
    count = 48_000
    bins, edge = count // 2 + 1, 8_000
    burst = np.zeros(count, np.float32)
    burst[20_000:24_000] = rng.standard_normal(4_000)
    spectrum = np.fft.rfft(burst).astype(np.complex64)
    spectrum[edge:] = 0
    before = spectrum.copy()
    extend(spectrum, edge, 15_000.0, -6.0)
    assert len(spectrum) == bins
    np.testing.assert_array_equal(spectrum[: int(0.94 * edge)], before[: int(0.94 * edge)])
    assert not spectrum[15_001:].any()
    top = spectrum.copy()
    top[:edge] = 0
    sound = np.fft.irfft(top, count)
    inside = np.sum(sound[19_500:24_500] ** 2)
    assert inside > 0.95 * np.sum(sound**2) > 0
    levels = [np.sum(np.abs(spectrum[low : low + 2_000]) ** 2) for low in (7_600, 11_200)]
    assert 10 * np.log10(levels[0] / levels[1]) == pytest.approx(6.0, abs=1.0)
