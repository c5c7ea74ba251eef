"""A disturbance is what is heard of it: at any level the same, more of what was added, nothing of what is masked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from mediaclean.backends.dialogue_mask import LOW_BINS, RATE, analyse
from training.perception import Disturbance

STEMS = Path(__file__).parent.parent.parent / "samples" / "stems"
ALL = torch.ones(1, 1, LOW_BINS)
SECONDS = 6


def stem(name: str) -> np.ndarray:
    samples, _ = soundfile.read(STEMS / f"{name}.flac", dtype="float32", start=33 * RATE, frames=SECONDS * RATE)
    return samples if samples.ndim == 1 else samples.mean(1)


def power(signal: np.ndarray) -> torch.Tensor:
    return analyse(torch.from_numpy(signal)[None])[..., :LOW_BINS].abs().square()


def disturbance(got: np.ndarray, voice: np.ndarray, known: torch.Tensor = ALL) -> float:
    return float(Disturbance()(power(got), power(voice), known))


def over(snr_db: float, bed: np.ndarray, voice: np.ndarray) -> np.ndarray:
    ratio = np.sqrt((voice @ voice) / (bed @ bed)) * 10 ** (-snr_db / 20)
    return (voice + bed * ratio).astype(np.float32)


def test_the_voice_itself_disturbs_nobody_at_any_level() -> None:
    voice = stem("voice")
    assert disturbance(voice, voice) < 0.01
    assert disturbance(voice * np.float32(0.1), voice) < 0.01


def test_a_louder_bed_disturbs_more_and_a_masked_one_does_not() -> None:
    voice, music = stem("voice"), stem("music")
    found = [disturbance(over(snr_db, music, voice), voice) for snr_db in (0.0, 5.0, 10.0, 20.0, 60.0)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 2.0
    assert found[-1] < 0.3


def test_what_was_added_disturbs_more_than_what_is_missing() -> None:
    """The same two frequencies, once only in the result and once only in the voice."""
    t = np.arange(SECONDS * RATE) / RATE
    low, high = (np.sin(2 * np.pi * hz * t).astype(np.float32) for hz in (500.0, 2000.0))
    assert disturbance(low + high, low) > 1.5 * disturbance(low, low + high)


def test_what_is_unknown_does_not_count() -> None:
    voice, got = power(stem("voice")), power(stem("voice"))
    got[:, ::2, LOW_BINS // 2 :] += got.mean()
    known = ALL.clone()
    known[..., LOW_BINS // 2 :] = 0
    measure = Disturbance()
    assert float(measure(got, voice, known)) < 0.01
    assert float(measure(got, voice, ALL)) > 0.1


@pytest.mark.parametrize("frames", [3, 191])
def test_silence_has_a_gradient_that_is_a_number(frames: int) -> None:
    got = torch.zeros(2, frames, LOW_BINS, requires_grad=True)
    voice = torch.zeros(2, frames, LOW_BINS)
    voice[1] = torch.rand(frames, LOW_BINS)
    Disturbance()(got, voice, ALL).sum().backward()  # type: ignore[no-untyped-call]
    assert got.grad is not None
    assert torch.isfinite(got.grad).all()


def test_it_orders_results_as_pesq_does() -> None:
    """Against the reference implementation: beds at several levels, and the voice itself with bands taken away."""
    pesq = pytest.importorskip("pesq", reason="pesq comes with the extra [bench]").pesq
    soxr = pytest.importorskip("soxr")
    voice, music = stem("voice"), stem("music")
    noise = np.random.default_rng(0).standard_normal(len(voice)).astype(np.float32)
    results = [over(snr_db, bed, voice) for bed in (music, noise) for snr_db in (0.0, 6.0, 12.0, 18.0, 24.0, 36.0)]
    spectrum = np.fft.rfft(voice)
    for hz in (1000, 2000, 4000):
        cut = spectrum.copy()
        cut[hz * SECONDS :] = 0
        results.append(np.fft.irfft(cut, len(voice)).astype(np.float32))
    ours = np.array([4.5 - disturbance(result, voice) for result in results])
    at_16k = [soxr.resample(signal, RATE, 16_000) for signal in (voice, *results)]
    theirs = np.array([pesq(16_000, at_16k[0], signal, "wb") for signal in at_16k[1:]])
    raw = (3.8224 - np.log(4.0 / (theirs - 0.999) - 1.0)) / 1.3669  # P.862.2, equation 1, undone
    assert np.corrcoef(ours, raw)[0, 1] > 0.95
