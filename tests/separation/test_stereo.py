"""A mask is told apart by where voice and bed stand; where that says nothing, it stays what it was."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from mediaclean.backends import stereo  # noqa: E402

FRAMES, BINS = 300, 40
SUM = torch.ones(1, 2)
WIDE = torch.tensor([[1.0, 0.3], [-0.6, 1.0]]) + 0j
"""How two sounds of a bed lie in the channels."""


def noise(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.complex64, generator=torch.Generator().manual_seed(seed))


def cells(seed: int = 0) -> torch.Tensor:
    """Where a voice sounds: in half of all cells, as speech does; (1, FRAMES, BINS)."""
    return torch.rand(1, FRAMES, BINS, generator=torch.Generator().manual_seed(seed)).round()


def voice_of(places: torch.Tensor, seed: int = 0) -> torch.Tensor:
    """A sound that lies in the channels by factors (channels,)."""
    return (2 * noise(seed + 1, 1, FRAMES, BINS) * cells(seed))[:, None] * places[None, :, None, None]


def bed(seed: int = 10) -> torch.Tensor:
    return torch.einsum("sc,sbtf->bctf", WIDE, noise(seed, 2, 1, FRAMES, BINS))


def mask_of(voice: torch.Tensor, bed: torch.Tensor, seed: int = 0, downmix: torch.Tensor = SUM) -> torch.Tensor:
    """What a network would at best answer: the share of the voice's power in the sum of channels, where it sounds."""
    sums = [(sound * downmix[:, :, None, None]).sum(1).abs().square().mean() for sound in (voice, bed)]
    sounding = sums[0] / cells(seed).mean()
    return (cells(seed) * sounding / (sounding + sums[1])).to(torch.complex64)


def told_apart(mask: torch.Tensor, mix: torch.Tensor, downmix: torch.Tensor) -> torch.Tensor:
    """Of a mask that takes nothing from other frames."""
    return stereo.told_apart(mask, mix, downmix, torch.zeros_like(mix))


def error_db(found: torch.Tensor, true: torch.Tensor) -> float:
    gap = (found - true).abs().square().sum() / true.abs().square().sum()
    return float(10 * torch.log10(gap))


@pytest.mark.parametrize("places", [(1.0, 1.0), (1.0, 0.5), (0.2, 1.0), (1.0, 0.8 + 0.6j)])
def test_a_voice_in_one_place_is_found_better_than_by_one_mask(places: tuple[complex, complex]) -> None:
    voice, rest = voice_of(torch.tensor(places) + 0j), bed()
    mask = mask_of(voice, rest)
    alike = error_db(mask[:, None] * (voice + rest), voice)
    assert error_db(told_apart(mask, voice + rest, SUM), voice) < alike - 1.0


def test_a_voice_with_much_room_is_found_no_worse() -> None:
    """Its channels have nothing to do with each other, as far away from a microphone pair."""
    voice = 2 * noise(1, 1, 2, FRAMES, BINS) * cells()[:, None]
    rest = bed()
    mask = mask_of(voice, rest)
    alike = error_db(mask[:, None] * (voice + rest), voice)
    assert error_db(told_apart(mask, voice + rest, SUM), voice) < alike + 0.1


def test_voice_and_bed_in_one_place_get_the_mask_itself() -> None:
    one = torch.tensor([0.4, 1.0]) + 0j
    voice, rest = voice_of(one), noise(5, 1, 1, FRAMES, BINS) * one[None, :, None, None]
    mask = mask_of(voice, rest)
    assert error_db(told_apart(mask, voice + rest, SUM), mask[:, None] * (voice + rest)) < -60.0


@pytest.mark.parametrize("value", [0.0, 1.0, 1.3, 0.6 + 0.8j])
def test_a_mask_that_knows_for_certain_is_obeyed(value: complex) -> None:
    mix = bed() + voice_of(torch.ones(2))
    mask = torch.full((1, FRAMES, BINS), value, dtype=torch.complex64)
    torch.testing.assert_close(told_apart(mask, mix, SUM), value * mix, atol=1e-4, rtol=1e-4)


def test_channels_may_change_places_and_gains() -> None:
    """Nothing but the ratio of the powers in the sum goes in, so the answer follows what is done to the channels."""
    voice, rest = voice_of(torch.tensor([1.0, 0.5]) + 0j), bed()
    mask, gains = mask_of(voice, rest), torch.tensor([1.0, 0.25])
    found = told_apart(mask, voice + rest, SUM)
    swapped = told_apart(mask, (voice + rest).flip(1), SUM)
    assert error_db(swapped.flip(1), found) < -60.0
    scaled = told_apart(mask, (voice + rest) * gains[None, :, None, None], 1 / gains[None])
    assert error_db(scaled / gains[None, :, None, None], found) < -40.0


def test_silence_and_one_dead_channel() -> None:
    mask = mask_of(voice_of(torch.ones(2)), bed())
    assert not told_apart(mask, torch.zeros(1, 2, FRAMES, BINS, dtype=torch.complex64), SUM).any()
    mix = bed()
    mix[:, 1] = 0
    found = told_apart(mask, mix, SUM)
    assert not found[:, 1].any()
    torch.testing.assert_close(found[:, 0], mask * mix[:, 0], atol=1e-3, rtol=1e-3)


def test_windows_of_a_batch_do_not_hear_each_other() -> None:
    one, two = ((voice_of(torch.ones(2), seed), bed(seed + 3)) for seed in (0, 30))
    masks = [mask_of(*one), mask_of(*two, seed=30)]
    together = told_apart(torch.cat(masks), torch.cat([sum(one), sum(two)]), SUM.expand(2, 2))  # type: ignore[arg-type]
    alone = told_apart(masks[1], two[0] + two[1], SUM)
    torch.testing.assert_close(together[1:], alone)


def test_what_other_frames_add_is_added_where_voice_and_bed_stand_in_one_place() -> None:
    one = torch.tensor([0.4, 1.0]) + 0j
    voice, rest = voice_of(one), noise(5, 1, 1, FRAMES, BINS) * one[None, :, None, None]
    mask, added = mask_of(voice, rest), 0.1 * noise(6, 1, 1, FRAMES, BINS) * one[None, :, None, None]
    added = added * (mask != 0)[:, None]
    expected = mask[:, None] * (voice + rest) + added
    assert error_db(stereo.told_apart(mask, voice + rest, SUM, added), expected) < -60.0


def test_no_part_gets_more_of_other_frames_than_the_sum() -> None:
    """However much louder the voice is in a part: what other frames add was found for the bed of the sum."""
    voice, rest = voice_of(torch.tensor([1.0, 0.0]) + 0j), bed()
    mask, added = mask_of(voice, rest), noise(7, 1, 2, FRAMES, BINS)
    without = stereo.told_apart(mask, voice + rest, SUM, torch.zeros_like(added))
    gained = stereo.told_apart(mask, voice + rest, SUM, added) - without
    assert 0.0 < gained.abs().square().mean() < 1.5 * added.abs().square().mean()
