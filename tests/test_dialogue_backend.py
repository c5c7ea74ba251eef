"""The compact network as an engine: what holds for any weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from mediaclean.audio import Span
from mediaclean.backends import dialogue
from mediaclean.backends.dialogue import DialogueSeparator, load
from mediaclean.backends.dialogue_mask import (
    BINS,
    HOP,
    LOW_BINS,
    TAPS,
    Mask,
    analyse,
    apply_mask,
    high_bands,
    high_power,
    synthesise,
)
from mediaclean.backends.dialogue_net import LOW_GROUPS, DialogueNet, NetConfig
from mediaclean.errors import BackendError
from mediaclean.separate import separate_cuts

RATE = 48_000
SHORT = 50 * HOP
SMALL = NetConfig(channels=16, time_hidden=8, band_hidden=8, half_rate_blocks=1, decoder_hidden=16)


def noise(*shape: int, seed: int = 0, level: float = 0.1) -> NDArray[np.float32]:
    return (level * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


@pytest.fixture(scope="module")
def small() -> DialogueSeparator:
    torch.manual_seed(3)
    return DialogueSeparator(DialogueNet(SMALL).eval(), "dialogue-test")


def heard(separator: DialogueSeparator, windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Windows of one length, their voices as one array."""
    return np.stack(separator.separate(windows))


def gated(opening: float) -> DialogueSeparator:
    """A network whose mask is the same everywhere: 1 for a large opening, 0 for a very negative one."""
    net = DialogueNet(SMALL).eval()
    with torch.no_grad():
        for layer in (*net.decode.groups, net.decode.high):
            layer.weight.zero_()
            layer.bias.fill_(opening)
    return DialogueSeparator(net, "dialogue-gated")


def test_synthesis_undoes_analysis() -> None:
    signal = torch.from_numpy(noise(2, 3, 40 * HOP))
    torch.testing.assert_close(synthesise(analyse(signal)), signal, atol=1e-6, rtol=0)


def test_analysis_keeps_the_mean_power() -> None:
    """White noise of power one has a mean power of one in every bin but the first and last, which are real."""
    spectrum = analyse(torch.from_numpy(noise(400 * HOP, level=1.0)))[2:-2, 1:-1]
    assert spectrum.abs().square().mean() == pytest.approx(1.0, abs=0.02)


def test_every_bin_belongs_to_one_band() -> None:
    assert sum(count * width for count, width in LOW_GROUPS) == LOW_BINS
    assert torch.equal(high_bands().sum(1), torch.ones(BINS - LOW_BINS))


def test_a_bin_hears_and_masks_its_own_band_first() -> None:
    """Without the layers between, a tone moves the embedding of its own band only, and a band's mask its own bins."""
    net = DialogueNet(SMALL).eval()
    widths = [width for count, width in LOW_GROUPS for _ in range(count)]
    quiet = torch.zeros(1, 3, BINS, dtype=torch.complex64)
    for band in (0, 13, 34):
        bins = slice(sum(widths[:band]), sum(widths[: band + 1]))
        tone = quiet.clone()
        tone[..., bins] = 1.0
        with torch.inference_mode():
            moved = (net.split(tone, high_power(tone)) - net.split(quiet, high_power(quiet))).abs().amax((1, 2, 3))
            assert moved.nonzero().flatten().tolist() == [band]
            tokens = torch.zeros(len(widths) + 1, 1, 3, SMALL.channels)
            other = tokens.clone()
            other[band] = torch.randn(SMALL.channels)
            changed = (net.decode(other)[0] - net.decode(tokens)[0]).abs().amax((0, 1, 2))
            assert changed.nonzero().flatten().tolist() == list(range(256))[bins]


@pytest.mark.parametrize("tap", range(len(TAPS)))
def test_a_mask_may_make_a_bin_of_those_beside_it(tap: int) -> None:
    """Below 8 kHz; before the beginning, after the end and below 0 Hz there is nothing to take."""
    spectrum = torch.randn(1, 9, BINS, dtype=torch.complex64)
    frames, bins = TAPS[tap]
    real = torch.zeros(1, 9, len(TAPS), LOW_BINS)
    real[:, :, tap] = 1.0
    found = apply_mask(Mask(real, torch.zeros_like(real), torch.zeros(1, 9, 8)), spectrum)
    expected = torch.zeros_like(spectrum)
    for frame in range(9):
        for number in range(LOW_BINS):
            if 0 <= frame + frames < 9 and 0 <= number + bins < LOW_BINS:
                expected[:, frame, number] = spectrum[:, frame + frames, number + bins]
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("seconds", [0.3, 8.0, 23.7])
def test_an_open_mask_gives_the_mix_back_through_windows_and_joins(seconds: float) -> None:
    spectrum = np.fft.rfft(noise(2, int(seconds * RATE)))
    spectrum[:, : round(120 * seconds)] = 0.0  # rumble is no voice, whatever the mask says
    mix = np.fft.irfft(spectrum, int(seconds * RATE)).astype(np.float32)
    cut = Span(0, mix.shape[1])
    ((_, voice),) = separate_cuts([mix], [cut], gated(60.0), rate=RATE, length=cut.stop)
    np.testing.assert_allclose(voice, mix, atol=2e-6)


def test_a_closed_mask_gives_silence() -> None:
    (voice,) = gated(-60.0).separate(noise(1, 2, SHORT))
    assert np.abs(voice).max() < 1e-12


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("length", [SHORT, SHORT - 1, 17])
def test_shape_and_type_are_kept_and_the_input_too(small: DialogueSeparator, channels: int, length: int) -> None:
    mix = noise(2, channels, length)
    before = mix.copy()
    voice = heard(small, mix)
    assert voice.shape == mix.shape
    assert voice.dtype == np.float32
    np.testing.assert_array_equal(mix, before)


@pytest.mark.parametrize("shape", [(SHORT,), (0, SHORT), (1, 2, SHORT)])
def test_a_window_has_channels_and_samples(small: DialogueSeparator, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="channels, n"):
        small.separate([noise(1, SHORT), noise(*shape)])


def test_windows_of_unlike_lengths_share_the_threads_and_keep_their_order(small: DialogueSeparator) -> None:
    windows = [noise(2, length, seed=length) for length in (SHORT // 2, SHORT, 17, SHORT, SHORT - 1)]
    alone = [small.separate([window])[0] for window in windows]
    for together, own in zip(replace(small, threads=3).separate(windows), alone, strict=True):
        np.testing.assert_array_equal(together, own)


def test_silence_in_is_exact_silence_out(small: DialogueSeparator) -> None:
    mix = noise(2, 2, SHORT)
    mix[0] = 0
    assert not heard(small, mix)[0].any()


@pytest.mark.parametrize(
    "mix",
    [
        pytest.param(np.full((1, 2, SHORT), 1e-41, np.float32), id="denormal"),
        pytest.param(np.full((1, 2, SHORT), 0.7, np.float32), id="DC"),
        pytest.param(np.sign(noise(1, 2, SHORT)), id="full scale"),
        pytest.param(np.eye(1, SHORT, 999, dtype=np.float32)[None], id="one sample"),
        pytest.param(noise(1, 1, SHORT, level=1e-8), id="-160 dBFS"),
        pytest.param(noise(1, 1, SHORT, level=1e4), id="far over full scale"),
    ],
)
def test_no_input_gives_what_is_not_a_number(small: DialogueSeparator, mix: NDArray[np.float32]) -> None:
    voice = heard(small, mix)
    assert np.isfinite(voice).all()
    loud, limit = (np.linalg.norm(sound.astype(np.float64) + 1e-30) for sound in (voice, mix))
    assert loud < 10 ** (6 / 20) * limit


@pytest.mark.parametrize("gain", [1e-3, 8.0])
def test_a_louder_mix_gives_a_louder_voice_and_nothing_else(small: DialogueSeparator, gain: float) -> None:
    mix = noise(1, 2, SHORT)
    voice = heard(small, mix)
    np.testing.assert_allclose(heard(small, mix * np.float32(gain)) / gain, voice, atol=2e-6)


def test_the_result_is_the_same_each_time_and_in_any_company(small: DialogueSeparator) -> None:
    mix = noise(3, 2, SHORT)
    mix[1] *= 30
    together = heard(small, mix)
    np.testing.assert_array_equal(together, heard(small, mix))
    alone = np.concatenate([heard(small, mix[i : i + 1]) for i in range(3)])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_channels_share_one_mask(small: DialogueSeparator) -> None:
    """A mono sound panned by gains comes out panned by the same gains."""
    gains = np.array([1.0, 0.25, 0.0, 0.7], np.float32)
    mono = noise(1, 1, SHORT)
    voice = heard(small, mono * gains[:, None])
    np.testing.assert_allclose(voice, voice[:, :1] * gains[:, None], atol=1e-6)


def test_an_inverted_channel_does_not_cancel_what_the_network_hears(small: DialogueSeparator) -> None:
    mono = noise(1, 1, SHORT)
    expected = heard(small, np.concatenate([mono, mono], 1))
    turned = heard(small, np.concatenate([mono, -mono], 1))
    np.testing.assert_allclose(turned[:, 0], expected[:, 0], atol=1e-6)
    np.testing.assert_allclose(turned[:, 1], -expected[:, 1], atol=1e-6)


def test_the_number_of_threads_is_left_alone(small: DialogueSeparator) -> None:
    before = torch.get_num_threads()
    heard(small, noise(1, 1, SHORT))
    assert torch.get_num_threads() == before


def test_a_network_goes_to_a_file_and_back(tmp_path: Path, small: DialogueSeparator) -> None:
    path = tmp_path / "own.safetensors"
    save_file(small.net.state_dict(), path, metadata=SMALL.as_metadata())
    again = load(weights=path)
    assert again.net.config == SMALL
    mix = noise(1, 1, SHORT)
    np.testing.assert_array_equal(again.separate(mix), heard(small, mix))
    assert again.identity.startswith(f"dialogue-{dialogue.VERSION} sha256:")


def test_weights_of_a_network_of_one_tap_still_load(tmp_path: Path) -> None:
    old = replace(SMALL, taps=1)
    metadata = {name: value for name, value in old.as_metadata().items() if name != "taps"}
    path = tmp_path / "old.safetensors"
    save_file(DialogueNet(old).state_dict(), path, metadata=metadata)
    separator = load(weights=path)
    assert separator.net.config == old
    assert separator.separate(noise(1, 2, SHORT))[0].shape == (2, SHORT)


def test_missing_weights_say_so(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="cannot be read") as caught:
        load(weights=tmp_path / "none.safetensors")
    assert caught.value.hint


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_file_that_is_no_network_says_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.safetensors"
    path.write_bytes(content)
    with pytest.raises(BackendError, match="fit no dialogue network"):
        load(weights=path)


def test_weights_of_another_size_say_so(tmp_path: Path, small: DialogueSeparator) -> None:
    path = tmp_path / "other.safetensors"
    save_file(small.net.state_dict(), path, metadata=NetConfig().as_metadata())
    with pytest.raises(BackendError, match="fit no dialogue network"):
        load(weights=path)


def test_damaged_package_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(dialogue.WEIGHTS.read_bytes())
    data[-1] ^= 1
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(data)
    monkeypatch.setattr(dialogue, "WEIGHTS", path)
    with pytest.raises(BackendError, match="damaged"):
        load()
