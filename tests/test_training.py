"""The training recipe: what its parts promise, on material made here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from mediaclean.backends import dialogue
from mediaclean.backends.dialogue_net import HOP, LOW_BINS, DialogueNet, NetConfig, analyse
from training import midi, noises, train, validation
from training.export import export
from training.grow import deepened
from training.loss import Mask, dialogue_loss
from training.mixing import Mixer, MixSettings, extend
from training.muon import orthogonalise
from training.packs import load_packs
from training.prepare import decode, write_pack
from training.train import Trainer, TrainSettings, rate_at, split_parameters

RATE = 48_000
FRAMES = 21
SMALL = NetConfig(channels=16, time_hidden=8, band_hidden=8, half_rate_blocks=1, decoder_hidden=16)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """These networks are so small that threads would mostly wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packs: tones as voices, noises as beds."""
    folder = tmp_path_factory.mktemp("packed")
    rng = np.random.default_rng(0)
    t = np.arange(8 * RATE) / RATE
    voice = (8000 * np.sin(2 * np.pi * 200 * t) * (np.sin(2 * np.pi * 3 * t) > 0)).astype(np.int16)
    bed = (3000 * rng.standard_normal(8 * RATE)).astype(np.int16)
    write_pack(folder, "speech", [("a_00", voice, 16_000), ("b_00", voice[::-1].copy(), 48_000)])
    write_pack(folder, "speech_val", [("c_00", voice, 16_000), ("d_00", voice, 16_000)])
    write_pack(folder, "music", [("m_00", bed, 48_000), ("tuxemon_04", bed, 48_000)])
    write_pack(folder, "noise", [("n_00", bed, 48_000), ("esc10_03", bed, 48_000)])
    return folder


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
    settings = MixSettings(snr_db=(7.0, 7.0), clean_chance=0, background_chance=0, gap_chance=0)
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


def spectra(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    voice = torch.randn(2, 20 * HOP, generator=generator)
    return analyse(voice), analyse(voice + torch.randn(2, 20 * HOP, generator=generator))


WIDE = torch.tensor([30_000.0, 30_000.0])


def ideal(voice: torch.Tensor, mix: torch.Tensor, gain: float = 1.0) -> Mask:
    """The mask that gives the voice, times a gain."""
    low = gain * voice[..., :LOW_BINS] / mix[..., :LOW_BINS]
    net = DialogueNet(SMALL)
    return low.real, low.imag, gain * (net.high_power(voice) / net.high_power(mix)).sqrt()


def test_the_true_voice_has_the_least_loss() -> None:
    voice, mix = spectra()
    least = dialogue_loss(ideal(voice, mix), voice, mix, WIDE)[0]
    for gain in (0.9, 1.1):
        assert dialogue_loss(ideal(voice, mix, gain), voice, mix, WIDE)[0] > least
    assert dialogue_loss(ideal(mix, mix), voice, mix, WIDE)[0] > least


def test_lost_voice_costs_more_than_bed_left_over() -> None:
    """Equal errors of compressed magnitude: the one that takes from the voice weighs more."""
    voice, mix = spectra()
    less, more = (dialogue_loss(ideal(voice, mix, gain), voice, mix, WIDE)[1] for gain in (0.8, 1.214))
    assert less["magnitude"] == pytest.approx(more["magnitude"], rel=0.2)
    assert less["lost_voice"] > 0.3 * less["magnitude"]
    assert more["lost_voice"] == pytest.approx(0, abs=1e-6)


def test_errors_above_a_voices_bandwidth_do_not_count_while_it_speaks() -> None:
    voice, mix = spectra()
    right = ideal(voice, mix)
    wrong = (right[0], right[1], right[2] * 0.1)
    narrow = torch.tensor([8_000.0, 8_000.0])
    same = dialogue_loss(right, voice, mix, narrow)[0]
    torch.testing.assert_close(dialogue_loss(wrong, voice, mix, narrow)[0], same)
    assert dialogue_loss(wrong, voice, mix, WIDE)[0] > same
    silence = torch.zeros_like(voice)
    closed = tuple(torch.zeros_like(part) for part in right)
    left_over = (closed[0], closed[1], torch.ones_like(right[2]))
    assert dialogue_loss(left_over, silence, mix, narrow)[0] > dialogue_loss(closed, silence, mix, narrow)[0]


@pytest.mark.parametrize("shape", [(3, 24, 16), (2, 16, 24)])
def test_muon_updates_have_singular_values_near_one(shape: tuple[int, ...]) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(1)) * 1e-3
    values = torch.linalg.svdvals(orthogonalise(matrices))
    assert values.min() > 0.5
    assert values.max() < 1.3


def test_the_learning_rate_rises_then_falls_to_its_end() -> None:
    s = TrainSettings(warmup_steps=10, final_rate=0.05)
    warm = [rate_at(step, 0.0, s) for step in range(10)]
    assert warm == sorted(warm)
    assert warm[-1] == pytest.approx(1.0)
    falling = [rate_at(1000, progress, s) for progress in np.linspace(0, 1, 20)]
    assert falling == sorted(falling, reverse=True)
    assert falling[-1] == pytest.approx(0.05)


def test_every_parameter_has_one_optimiser() -> None:
    net = DialogueNet(SMALL)
    matrices, others = split_parameters(net)
    assert {id(p) for p in (*matrices, *others)} == {id(p) for p in net.parameters()}
    assert len(matrices) + len(others) == len(list(net.parameters()))
    assert matrices


def test_training_lowers_the_loss_and_goes_on_where_it_stopped(data: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    settings = TrainSettings(batch=2, frames=FRAMES, warmup_steps=3)
    trainer = Trainer(DialogueNet(SMALL), tmp_path, "cpu", settings)
    drawn = [Mixer(data, 1, FRAMES).draw() for _ in range(2)]
    mix, voice = (torch.from_numpy(np.stack(x)) for x in list(zip(*drawn, strict=True))[:2])
    width = torch.tensor([pair[2] for pair in drawn])
    losses = [trainer.train_step(mix, voice, width, 0.2)["loss"] for _ in range(10)]
    assert losses[-1] < losses[0] - 0.02
    trainer.save("last.pt")
    again = Trainer(DialogueNet(SMALL), tmp_path, "cpu", settings)
    again.restore(tmp_path / "last.pt")
    assert again.step == 10
    target = tmp_path / "own.safetensors"
    export([tmp_path / "last.pt"], target)
    exported = dialogue.load(weights=target).net
    for kept, found in zip(again.average.parameters(), exported.parameters(), strict=True):
        torch.testing.assert_close(kept, found, atol=1e-4, rtol=1e-3)
    a, b = (t.train_step(mix, voice, width, 0.2)["loss"] for t in (trainer, again))
    assert a == pytest.approx(b, rel=1e-4)


def test_of_two_checkpoints_the_mean_is_written(tmp_path: Path) -> None:
    nets = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        nets.append(DialogueNet(SMALL))
        Trainer(nets[-1], tmp_path, "cpu", TrainSettings()).save(f"{seed}.pt")
    target = tmp_path / "mean.safetensors"
    export([tmp_path / "1.pt", tmp_path / "2.pt"], target)
    for one, two, found in zip(*(net.parameters() for net in (*nets, dialogue.load(weights=target).net)), strict=True):
        torch.testing.assert_close((one + two) / 2, found, atol=1e-4, rtol=1e-3)
    exported = tmp_path / "one.safetensors"
    export([tmp_path / "1.pt"], exported)
    export([exported, tmp_path / "2.pt"], tmp_path / "again.safetensors")
    mixed = dialogue.load(weights=tmp_path / "again.safetensors").net
    for one, two, found in zip(*(net.parameters() for net in (*nets, mixed)), strict=True):
        torch.testing.assert_close((one + two) / 2, found, atol=1e-3, rtol=1e-2)
    Trainer(
        DialogueNet(replace(SMALL, half_rate_blocks=SMALL.half_rate_blocks + 1)), tmp_path, "cpu", TrainSettings()
    ).save("3.pt")
    with pytest.raises(RuntimeError, match="different networks"):
        export([tmp_path / "1.pt", tmp_path / "3.pt"], target)


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


def test_a_deeper_network_begins_as_the_same_function_and_every_new_weight_learns() -> None:
    torch.manual_seed(0)
    net, spectrum = DialogueNet(SMALL), analyse(torch.randn(1, FRAMES * HOP))
    deeper = deepened(net, SMALL.half_rate_blocks + 2)
    for before, after in zip(net(spectrum), deeper(spectrum), strict=True):
        torch.testing.assert_close(before, after, rtol=0, atol=0)
    optimiser = torch.optim.SGD(deeper.parameters(), lr=0.1)
    for _ in range(2):  # the first step can only reach the projections, which are zero
        optimiser.zero_grad()
        sum(part.square().mean() for part in deeper(spectrum)).backward()  # type: ignore[union-attr]
        optimiser.step()
    assert all(bool(p.grad.any()) for p in deeper.half_rate.blocks[-1].parameters() if p.grad is not None)
    with pytest.raises(ValueError, match="cannot shrink"):
        deepened(deeper, SMALL.half_rate_blocks)


def test_a_run_writes_a_log_and_a_checkpoint(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "CLIP_FRAMES", 31)
    trainer = Trainer(DialogueNet(SMALL), tmp_path, "cpu", TrainSettings(batch=1, frames=FRAMES))
    train.fit(trainer, data, minutes=0.02)
    records = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert set(records[-1]["validation"]) == {"gain", *(name for name, _ in validation.CONDITIONS)}
    assert records[-1]["step"] == trainer.step > 0
    assert (tmp_path / "last.pt").exists()


def test_the_validation_score_knows_the_ratio_of_a_plain_mix(data: Path) -> None:
    """A mask of one everywhere scores the ratio at which voice and bed were mixed, below 8 kHz."""
    net = DialogueNet(SMALL).eval()
    with torch.no_grad():
        for layer in (*net.decode.groups, net.decode.high):
            layer.weight.zero_()
            layer.bias.fill_(60.0)
    scores = validation.measure(net, validation.build(data, clips=4), "cpu")
    assert scores["clean"] > 60
    assert scores["music 5 dB"] - scores["music 0 dB"] == pytest.approx(5.0, abs=0.1)
    assert scores["gain"] == pytest.approx(1.0, abs=0.1)


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
