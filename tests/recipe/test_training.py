"""Loss, optimisers, runs and validation: what they promise, on material made here."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mediaclean.backends import dialogue
from mediaclean.backends.dialogue_mask import HOP, LOW_BINS, TAPS, Mask, analyse, apply_mask, high_power, synthesise
from mediaclean.backends.dialogue_net import DialogueNet, NetConfig
from training import train, validation
from training.export import export, in_order
from training.grow import deepened, widened
from training.loss import KEPT, LossWeights, dialogue_loss
from training.mixing import Mixer
from training.muon import orthogonalise
from training.train import Trainer, TrainSettings, rate_at, split_parameters

RATE = 48_000
FRAMES = 21
SMALL = NetConfig(channels=16, time_hidden=8, band_hidden=8, half_rate_blocks=1, decoder_hidden=16)


def spectra(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    voice = torch.randn(2, 20 * HOP, generator=generator)
    return analyse(voice), analyse(voice + torch.randn(2, 20 * HOP, generator=generator))


WIDE = torch.tensor([30_000.0, 30_000.0])


def ideal(voice: torch.Tensor, mix: torch.Tensor, gain: float = 1.0) -> Mask:
    """The mask that gives the voice, times a gain."""
    low = gain * voice[..., :LOW_BINS] / mix[..., :LOW_BINS]
    high = gain * (high_power(voice) / high_power(mix)).sqrt()
    return Mask(low.real[:, :, None], low.imag[:, :, None], high)


def test_the_true_voice_has_the_least_loss() -> None:
    voice, mix = spectra()
    least = dialogue_loss(ideal(voice, mix), voice, mix, WIDE)[0]
    for gain in (0.9, 1.1):
        assert dialogue_loss(ideal(voice, mix, gain), voice, mix, WIDE)[0] > least
    assert dialogue_loss(ideal(mix, mix), voice, mix, WIDE)[0] > least


@pytest.mark.parametrize("silent", ["voice", "mix"])
def test_silence_can_be_learned_from(silent: str) -> None:
    """An example without any sound once made a batch worthless: its error over nothing is no number."""
    voice, mix = (spectrum.clone() for spectrum in spectra())
    voice[0] = 0.0
    if silent == "mix":
        mix[0] = 0.0
    net = DialogueNet(SMALL)
    loss, terms = dialogue_loss(net(mix), voice, mix, WIDE)
    torch.autograd.backward(loss)
    assert np.isfinite(list(terms.values())).all()
    assert all(torch.isfinite(weight.grad).all() for weight in net.parameters() if weight.grad is not None)


def test_what_is_never_heard_costs_nothing() -> None:
    """Frames overlap by half, so that most of what a mask can do to a spectrogram cancels in the sound."""
    voice, mix = spectra()
    least = dialogue_loss(ideal(voice, mix), voice, mix, WIDE)[0]
    anything = torch.zeros_like(voice)
    anything[..., 20 : LOW_BINS - 20] = spectra(seed=1)[0][..., 20 : LOW_BINS - 20]
    anything[:, ::2] *= -1
    unheard = anything - analyse(synthesise(anything))
    assert unheard.abs().square().mean() > 0.3 * anything.abs().square().mean()
    torch.testing.assert_close(
        dialogue_loss(ideal(voice + unheard, mix), voice, mix, WIDE)[0], least, atol=0.02, rtol=0
    )
    assert dialogue_loss(ideal(voice + anything, mix), voice, mix, WIDE)[0] > least + 0.2


def test_weak_parts_of_a_voice_count_like_loud_ones() -> None:
    """Half of the frames are 20 dB weaker: 6 dB too little of them is hardly an error in power, but still is 6 dB."""
    voice, mix = spectra()
    frames = voice.shape[1]
    weak = torch.arange(frames) >= frames // 2
    voice, mix = (torch.where(weak[:, None], 0.1, 1.0) * x for x in (voice, mix))
    costs = []
    for low in (torch.zeros_like(weak), weak, ~weak):
        gain = torch.where(low, 0.5, 1.0)[:, None]
        costs.append(dialogue_loss(ideal(gain * voice, mix), voice, mix, WIDE)[1])
    least, weaker, louder = costs
    assert weaker["snr"] - least["snr"] < 0.3 * (louder["snr"] - least["snr"])
    rise = weaker["bands"] - least["bands"]
    assert rise == pytest.approx(louder["bands"] - least["bands"], rel=0.2)
    assert rise > 0.7 * LossWeights().bands * 6.02 / 2


def test_lost_voice_costs_more_than_bed_left_over() -> None:
    """Equal errors of compressed magnitude: the one that takes from the voice weighs more."""
    voice, mix = spectra()
    less, more = (dialogue_loss(ideal(voice, mix, gain), voice, mix, WIDE)[1] for gain in (0.8, 1.214))
    assert less["magnitude"] == pytest.approx(more["magnitude"], rel=0.2)
    assert less["lost_voice"] > 0.3 * less["magnitude"]
    assert more["lost_voice"] < 0.01 * less["lost_voice"]  # the cut at 8 kHz leaves a trace


def test_a_word_that_is_gone_costs_what_no_other_error_does() -> None:
    """A quarter of a second of nothing is counted; 2 dB less everywhere is not, nor a word under a bed."""
    generator = torch.Generator().manual_seed(2)
    voice, bed = (analyse(torch.randn(1, 63 * HOP, generator=generator)) for _ in range(2))
    mix = voice + 0.3 * bed
    word = (torch.arange(64) >= 24) & (torch.arange(64) < 40)

    def cost(kept: float, where: torch.Tensor, among: torch.Tensor) -> float:
        gain = torch.where(where, kept, 1.0)[:, None]
        return dialogue_loss(ideal(gain * voice, among), voice, among, WIDE[:1])[1]["gone"]

    weight, quarters = LossWeights().gone, 7
    assert cost(1.0, word, mix) == pytest.approx(0.0, abs=1e-6)
    assert cost(0.8, torch.ones_like(word), mix) == pytest.approx(0.0, abs=1e-6)
    whole, halves = KEPT, 2 * (KEPT - 0.5)
    assert cost(0.0, word, mix) == pytest.approx(weight * (whole + halves) / quarters, rel=0.15)
    assert cost(0.0, word, voice + 1.2 * bed) == pytest.approx(0.0, abs=1e-6)


def test_errors_above_a_voices_bandwidth_do_not_count_while_it_speaks() -> None:
    voice, mix = spectra()
    right = ideal(voice, mix)
    wrong = right._replace(gains=right.gains * 0.1)
    narrow = torch.tensor([8_000.0, 8_000.0])
    same = dialogue_loss(right, voice, mix, narrow)[0]
    torch.testing.assert_close(dialogue_loss(wrong, voice, mix, narrow)[0], same)
    assert dialogue_loss(wrong, voice, mix, WIDE)[0] > same
    silence = torch.zeros_like(voice)
    closed = Mask(*(torch.zeros_like(part) for part in right))
    left_over = closed._replace(gains=torch.ones_like(right.gains))
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


def test_the_same_weights_have_one_hash(tmp_path: Path) -> None:
    """The library writes its metadata in an order of chance, so that a reader of the hash would see two networks."""
    Trainer(DialogueNet(SMALL), tmp_path, "cpu", TrainSettings()).save("1.pt")
    digest = export([tmp_path / "1.pt"], tmp_path / "one.safetensors")
    content = (tmp_path / "one.safetensors").read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    entries = list(json.loads(content[8:start]).items())
    header = json.dumps(dict(reversed(entries)), indent=1).encode()
    other = len(header).to_bytes(8, "little") + header + content[start:]
    assert other != content
    assert in_order(other) == content
    assert hashlib.sha256(in_order(other)).hexdigest() == digest
    assert len(content[8:start]) % 8 == 0


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


def test_taps_begin_as_nothing_and_learn() -> None:
    torch.manual_seed(0)
    net = DialogueNet(replace(SMALL, taps=1))
    spectrum = analyse(torch.randn(1, FRAMES * HOP))
    wider = widened(net, len(TAPS))
    found = wider(spectrum)
    torch.testing.assert_close(apply_mask(found, spectrum), apply_mask(net(spectrum), spectrum))
    assert found.real.shape[2] == len(TAPS)
    found.real[:, :, 1:].sum().backward()
    assert all(bool(layer.weight.grad.any()) for layer in wider.decode.groups)
    with pytest.raises(ValueError, match="cannot do with"):
        widened(wider, 1)


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
