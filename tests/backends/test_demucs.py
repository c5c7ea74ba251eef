"""The demucs engine agrees with the package, reads both of its formats, and runs nothing that a file holds."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from demucs.api import Separator as Upstream
from demucs.apply import apply_model
from small_networks import save_pickle, save_safetensors, small_hdemucs, small_htdemucs

from mediaclean.audio import Span
from mediaclean.backends import demucs
from mediaclean.errors import BackendError
from mediaclean.separate import separate_cuts

RATE = 44_100


@dataclass(frozen=True)
class Stats:
    mean: float = 0.0
    deviation: float = 1.0


def bag(folder: Path, name: str, signatures: list[str], **more: object) -> None:
    (folder / f"{name}.yaml").write_text(yaml.safe_dump({"models": signatures, **more}))


def half(module):
    """What is left of the weights after they were saved in half precision."""
    return module.half().float()


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, shape).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_safetensors(small_htdemucs(), tmp_path / "aaaaaaaa.safetensors")
    bag(tmp_path, "small", ["aaaaaaaa"])
    return tmp_path


def test_the_voice_is_that_of_the_package(folder: Path) -> None:
    """One cut over the whole track is the same as demucs's own overlap-add, up to windows cut short by the end."""
    mix = noise(2, 40_000) + np.float32(0.05)
    mono = mix.mean(axis=0)
    stats = Stats(float(mono.mean()), float(mono.std(ddof=1)))
    separator = demucs.load("small", device="cpu", stats=stats, folder=folder)
    assert (separator.rate, separator.window, separator.step) == (RATE, RATE // 5, RATE // 5)
    voice = dict(separate_cuts([mix], [Span(0, 40_000)], separator, rate=RATE, length=40_000))[0]

    upstream = Upstream.__new__(Upstream)
    upstream._model = half(small_htdemucs())
    upstream._audio_channels, upstream._samplerate = 2, RATE
    upstream.update_parameter(
        device="cpu",
        shifts=0,
        overlap=0.25,
        split=True,
        segment=None,
        jobs=0,
        progress=False,
        callback=None,
        callback_arg=None,
    )
    _, sources = upstream.separate_tensor(torch.from_numpy(mix), RATE)
    same = next(at for at in range(0, 40_000, separator.hop) if at + separator.window > 40_000)
    np.testing.assert_allclose(voice[:, :same], sources["vocals"].numpy()[:, :same], atol=2e-6)
    assert np.abs(voice).max() > 1e-3


def test_a_mono_track_is_separated_as_both_sides_of_a_stereo_one(folder: Path) -> None:
    separator = demucs.load("small", device="cpu", stats=Stats(), folder=folder)
    mono = noise(1, 1, separator.window)
    (stereo,) = separator.separate(np.repeat(mono, 2, axis=1))
    np.testing.assert_allclose(separator.separate(mono)[0], stereo.mean(axis=0, keepdims=True), atol=1e-6)


def test_the_voice_scales_with_the_track(folder: Path) -> None:
    mix = noise(1, 2, RATE // 5)
    soft = demucs.load("small", device="cpu", stats=Stats(0.0, 0.1), folder=folder).separate(mix * np.float32(0.1))
    loud = demucs.load("small", device="cpu", stats=Stats(0.0, 1.0), folder=folder).separate(mix)
    np.testing.assert_allclose(soft[0], loud[0] * 0.1, atol=1e-5)


def test_silence_of_a_silent_track_stays_finite(folder: Path) -> None:
    separator = demucs.load("small", device="cpu", stats=Stats(0.0, 0.0), folder=folder)
    assert np.abs(separator.separate(np.zeros((1, 2, separator.window), np.float32))).max() < 1e-6


def test_a_bag_weighs_its_networks_and_leaves_out_those_without_a_say(tmp_path: Path) -> None:
    modules = {signature: small_htdemucs(seed) for seed, signature in enumerate(["aaaaaaaa", "bbbbbbbb"])}
    for signature, module in modules.items():
        save_safetensors(module, tmp_path / f"{signature}.safetensors")
    bag(tmp_path, "both", ["aaaaaaaa", "bbbbbbbb", "cccccccc"], weights=[[1, 0, 0, 1], [0, 1, 0, 3], [1, 1, 1, 0]])
    separator = demucs.load("both", device="cpu", stats=Stats(), folder=tmp_path)
    mix = noise(2, 2, separator.window)
    own = [
        apply_model(half(module), torch.from_numpy(mix), shifts=0, split=False)[:, 3].detach().numpy()
        for module in modules.values()
    ]
    np.testing.assert_allclose(separator.separate(mix), own[0] / 4 + own[1] * 3 / 4, atol=2e-6)


def test_a_segment_in_the_bag_shortens_the_window(tmp_path: Path) -> None:
    save_safetensors(small_htdemucs(), tmp_path / "aaaaaaaa.safetensors")
    bag(tmp_path, "short", ["aaaaaaaa"], segment=0.1)
    separator = demucs.load("short", device="cpu", stats=Stats(), folder=tmp_path)
    assert separator.window == 4_410
    assert separator.separate(noise(1, 2, 4_410))[0].shape == (2, 4_410)


def test_networks_without_a_fixed_window_take_short_ones(tmp_path: Path) -> None:
    save_safetensors(small_hdemucs(), tmp_path / "aaaaaaaa.safetensors")
    bag(tmp_path, "free", ["aaaaaaaa"], segment=44)
    separator = demucs.load("free", device="cpu", stats=Stats(), folder=tmp_path)
    assert (separator.window, separator.step) == (10 * RATE, RATE)
    assert separator.separate(noise(1, 2, RATE))[0].shape == (2, RATE)


def test_the_old_format_gives_the_same_network(folder: Path, tmp_path: Path) -> None:
    path = save_pickle(small_htdemucs(), tmp_path / "bbbbbbbb.th")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.rename(tmp_path / f"bbbbbbbb-{digest[:8]}.th")
    new = demucs.load("small", device="cpu", stats=Stats(), folder=folder)
    old = demucs.load("bbbbbbbb", device="cpu", stats=Stats(), folder=tmp_path)
    mix = noise(1, 2, new.window)
    np.testing.assert_array_equal(new.separate(mix), old.separate(mix))
    assert new.identity != old.identity


class Bomb:
    """Runs a command when an ordinary unpickler reads it."""

    def __init__(self, trace: Path) -> None:
        self._trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self._trace),)


def test_an_old_file_cannot_run_code(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    save_pickle(small_htdemucs(), tmp_path / "aaaaaaaa.th", training_args=Bomb(trace))
    with pytest.raises(BackendError, match="holds more than weights"):
        demucs.load("aaaaaaaa", device="cpu", stats=Stats(), folder=tmp_path)
    assert not trace.exists()


def test_a_header_cannot_name_other_code(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    path = tmp_path / "aaaaaaaa.safetensors"
    save_safetensors(small_htdemucs(), path, klass="os.mkdir", args=f'["{trace}"]', kwargs="{}")
    with pytest.raises(BackendError, match=r"names os\.mkdir"):
        demucs.load("aaaaaaaa", device="cpu", stats=Stats(), folder=tmp_path)
    assert not trace.exists()


@pytest.mark.parametrize("ending", ["safetensors", "th"])
@pytest.mark.parametrize("content", [b"", b"not weights at all", b"\x10\x00\x00\x00\x00\x00\x00\x00{}"])
def test_files_that_are_none_are_told_apart(tmp_path: Path, ending: str, content: bytes) -> None:
    (tmp_path / f"aaaaaaaa.{ending}").write_bytes(content)
    with pytest.raises(BackendError, match="is no file of a demucs network") as broken:
        demucs.load("aaaaaaaa", device="cpu", stats=Stats(), folder=tmp_path)
    assert broken.value.hint


def test_a_changed_old_file_is_damaged(tmp_path: Path) -> None:
    save_pickle(small_htdemucs(), tmp_path / "aaaaaaaa-00000000.th")
    with pytest.raises(BackendError, match="is damaged: its SHA-256 begins with"):
        demucs.load("aaaaaaaa", device="cpu", stats=Stats(), folder=tmp_path)


def test_a_pinned_file_must_be_the_real_one(tmp_path: Path) -> None:
    save_safetensors(small_htdemucs(), tmp_path / "955717e8.safetensors")
    with pytest.raises(BackendError, match="instead of d9fa1413"):
        demucs.load("htdemucs", device="cpu", stats=Stats(), folder=tmp_path)


def test_quantised_weights_are_refused_in_words(tmp_path: Path) -> None:
    save_safetensors(small_htdemucs(), tmp_path / "aaaaaaaa.safetensors", structure="{}")
    with pytest.raises(BackendError, match="quantised"):
        demucs.load("aaaaaaaa", device="cpu", stats=Stats(), folder=tmp_path)
    with pytest.raises(BackendError, match="quantised"):
        demucs.load("mdx_extra_q", device="cpu", stats=Stats(), folder=tmp_path)


def test_weights_of_another_size_do_not_fit(tmp_path: Path) -> None:
    wide = small_htdemucs(channels=8)
    wide._init_args_kwargs = small_htdemucs()._init_args_kwargs
    save_safetensors(wide, tmp_path / "aaaaaaaa.safetensors")
    with pytest.raises(BackendError, match="does not fit"):
        demucs.load("aaaaaaaa", device="cpu", stats=Stats(), folder=tmp_path)


def test_a_network_without_vocals_is_no_engine(tmp_path: Path) -> None:
    module = small_htdemucs()
    _, kwargs = module._init_args_kwargs
    module._init_args_kwargs = (["drums", "bass", "other", "noise"],), kwargs
    save_safetensors(module, tmp_path / "aaaaaaaa.safetensors")
    with pytest.raises(BackendError, match="separates drums, bass, other, noise"):
        demucs.load("aaaaaaaa", device="cpu", stats=Stats(), folder=tmp_path)


def test_missing_weights_tell_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="not here") as missing:
        demucs.load("htdemucs", device="cpu", stats=Stats(), folder=tmp_path)
    assert missing.value.hint == "mediaclean models fetch htdemucs"


def test_our_own_network_is_no_demucs_model() -> None:
    with pytest.raises(BackendError, match="no network of demucs") as other:
        demucs.load("dialogue", device="cpu", stats=Stats())
    assert other.value.hint == "--engine dialogue"


@pytest.mark.gpu
def test_a_gpu_gives_the_same_voice(folder: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    mix = noise(3, 2, RATE // 5)
    voices = [
        demucs.load("small", device=device, stats=Stats(), folder=folder).separate(mix) for device in ("cpu", "cuda")
    ]
    np.testing.assert_allclose(voices[1], voices[0], atol=1e-3)


def test_fractions_survive_the_header() -> None:
    coded = {"segment": {"_type": "fraction", "numerator": 39, "denominator": 5}, "rest": [1, {"a": None}]}
    assert demucs._fractions(coded) == {"segment": Fraction(39, 5), "rest": [1, {"a": None}]}
