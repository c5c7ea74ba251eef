import numpy as np
import pytest

from mediaclean.loudness.gate import GateSettings, dialogue_loudness
from mediaclean.loudness.kweight import lufs_to_power, power_to_lufs

FRAMES = 3000


def programme(ratio_lu, speech_lufs=-23.0, seed=0, pause=(25, 60)):
    """Powers per frame of phrases with pauses between them over a steady bed, and who speaks when."""
    rng = np.random.default_rng(seed)
    speaks = np.zeros(FRAMES, dtype=bool)
    position = 40
    while position < FRAMES - 200:
        length = int(rng.integers(60, 150))
        speaks[position : position + length] = True
        position += length + int(rng.integers(*pause))
    voice = speaks * lufs_to_power(speech_lufs) * rng.gamma(4, 1 / 4, FRAMES)
    voice *= lufs_to_power(speech_lufs) / voice[speaks].mean()
    bed = lufs_to_power(speech_lufs - ratio_lu) * rng.gamma(8, 1 / 8, FRAMES)
    probability = np.clip(np.where(speaks, 0.95, 0.02) + rng.normal(0, 0.02, FRAMES), 0, 1).astype(np.float32)
    return probability, voice, bed


@pytest.mark.parametrize("ratio_lu", [40, 20, 10, 5, 2])
def test_the_bed_is_taken_off(ratio_lu):
    probability, voice, bed = programme(ratio_lu)
    found = dialogue_loudness(probability, voice + bed)
    assert found.source == "less-bed"
    assert found.lufs == pytest.approx(-23, abs=0.3)
    assert found.low_lufs <= found.lufs <= found.high_lufs
    assert found.bed_lufs == pytest.approx(-23 - ratio_lu, abs=0.5)


def test_the_gated_figure_holds_what_sounds_during_speech():
    probability, voice, bed = programme(5)
    found = dialogue_loudness(probability, voice + bed)
    assert found.gated_lufs == pytest.approx(-23 + 10 * np.log10(1 + 10**-0.5), abs=0.4)


def test_a_voice_stem_is_taken_as_it_is():
    probability, voice, bed = programme(0)
    found = dialogue_loudness(probability, voice + bed, voice_powers=voice)
    assert found.source == "voice"
    assert found.lufs == pytest.approx(-23, abs=0.3)


@pytest.mark.parametrize("kept", [1.0, 0.8, 0.6])
def test_a_dampened_voice_counts_by_its_product_with_the_programme(kept):
    """A mask `kept` on the whole mix: the product with the mix loses `kept`, the square loses twice that in dB."""
    probability, voice, _ = programme(60)
    square = dialogue_loudness(probability, voice, voice_powers=kept**2 * voice)
    product = dialogue_loudness(probability, voice, voice_powers=kept**2 * voice, bed_powers=(1 - kept) ** 2 * voice)
    assert square.lufs == pytest.approx(-23 + 20 * np.log10(kept), abs=0.3)
    # the mean of the product's figure and of the pauses', which here show no bed
    assert product.lufs == pytest.approx(-23 + 5 * np.log10(kept), abs=0.3)
    assert product.low_lufs == pytest.approx(-23 + 10 * np.log10(kept), abs=0.3)


def test_a_detector_that_fires_on_music_does_not_pull_the_voice_down():
    probability, voice, bed = programme(20)
    fooled = probability.copy()
    fooled[(voice == 0) & (np.arange(FRAMES) % 500 > 250)] = 0.9
    naive = power_to_lufs(voice[fooled > 0.5].mean())
    found = dialogue_loudness(fooled, voice + bed, voice_powers=voice)
    assert naive < -23.3
    assert found.lufs == pytest.approx(-23, abs=0.3)


def test_without_pauses_the_figure_is_an_upper_bound_and_says_so():
    _, voice, bed = programme(10, pause=(0, 1))
    found = dialogue_loudness(np.ones(FRAMES, np.float32), voice + bed)
    assert found.source == "mix"
    assert found.lufs > -23.5
    assert found.low_lufs <= found.lufs - 2.9


def test_a_wider_doubt_of_the_detector_widens_the_bar():
    probability, voice, _ = programme(10)
    doubtful = probability.copy()
    doubtful[voice > 0] = np.random.default_rng(1).uniform(0.2, 1.0, int((voice > 0).sum()))
    narrow, wide = (
        dialogue_loudness(doubtful, voice, voice_powers=voice * doubtful, settings=GateSettings(spread=spread))
        for spread in (0.05, 0.4)
    )
    assert narrow.high_lufs - narrow.low_lufs < wide.high_lufs - wide.low_lufs


@pytest.mark.parametrize("frames", [0, 5, 400])
def test_no_speech_has_no_loudness(frames):
    found = dialogue_loudness(np.zeros(frames, np.float32), np.full(frames, 0.01))
    assert (found.lufs, found.gated_lufs, found.share) == (None, None, 0.0)


def test_the_share_counts_blocks_of_speech():
    probability = np.zeros(1000, np.float32)
    probability[200:450] = 1
    assert dialogue_loudness(probability, np.full(1000, 0.01)).share == pytest.approx(0.25, abs=0.01)


def test_louder_all_over_is_louder_by_as_much():
    probability, voice, bed = programme(8)
    plain, lifted = (dialogue_loudness(probability, (voice + bed) * gain) for gain in (1.0, 10**0.6))
    for name in ("lufs", "gated_lufs", "low_lufs", "high_lufs", "bed_lufs"):
        assert getattr(lifted, name) - getattr(plain, name) == pytest.approx(6, abs=1e-6)
