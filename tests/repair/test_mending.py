"""Declip, declick, hum: what is broken on purpose is found and mended, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from mediaclean.audio import Samples, Span
from mediaclean.repair.chain import Finder, RepairSettings, mended
from mediaclean.repair.clicks import DeclickSettings, prediction_errors
from mediaclean.repair.clipping import DeclipSettings
from mediaclean.repair.hum import HumSettings, notches
from mediaclean.repair.interpolate import fill
from mediaclean.repair.patches import patched
from mediaclean.repair.records import HumLine, Repair, Repairs

RATE = 48_000
VOICE = Path(__file__).parents[2] / "samples" / "stems" / "voice.flac"
ALL = RepairSettings(DeclipSettings(), DeclickSettings(), HumSettings())


def speech(seconds: float = 12.0, channels: int = 1) -> Samples:
    sound, rate = soundfile.read(VOICE, dtype="float32", always_2d=True, frames=round((1.2 + seconds) * RATE))
    assert rate == RATE
    rng = np.random.default_rng(5)
    room = 10.0 ** (-65.0 / 20.0) * rng.standard_normal((channels, round(seconds * RATE)))
    return np.asarray(sound.T[:, round(1.2 * RATE) :] + room, dtype=np.float32)


def cut(sound: Samples, sizes: int) -> Iterator[Samples]:
    for start in range(0, sound.shape[1], sizes):
        yield sound[:, start : start + sizes]


def found(sound: Samples, settings: RepairSettings, sizes: int = RATE, rate: int = RATE) -> Repairs:
    finder = Finder(rate, settings)
    for chunk in cut(sound, sizes):
        for listen in finder.listeners:
            listen(chunk)
    return finder.result()


def mend(sound: Samples, repairs: Repairs, settings: RepairSettings = ALL, sizes: int = RATE) -> Samples:
    return np.concatenate(list(mended(cut(sound, sizes), repairs, settings, RATE)), axis=1)


def sdr_db(reference: Samples, sound: Samples) -> float:
    error = np.square(reference - sound, dtype=np.float64).sum()
    return float(10.0 * np.log10(np.square(reference, dtype=np.float64).sum() / max(error, 1e-30)))


def clipped(over_db: float, channels: int = 1) -> tuple[Samples, Samples]:
    """Speech that is `over_db` too loud, and what a converter makes of it."""
    loud = speech(6.0, channels)
    loud = np.asarray(loud / np.abs(loud).max() * 10.0 ** (over_db / 20.0), dtype=np.float32)
    return loud, np.clip(loud, -1.0, 1.0)


def with_clicks(sound: Samples, level: float = 0.3) -> tuple[Samples, list[int]]:
    """Bursts of half a millisecond, four in a second."""
    rng = np.random.default_rng(7)
    places = [int(at) for at in np.arange(0.4, sound.shape[1] / RATE - 0.3, 0.25) * RATE]
    out = sound.copy()
    for at in places:
        burst = rng.choice([-1.0, 1.0]) * level * np.exp(-np.arange(24) / 6.0) * np.cos(np.arange(24) * 1.1)
        out[:, at : at + 24] += burst.astype(np.float32)
    return out, places


def hum(base_hz: float, level_db: float, count: int, numbers: tuple[int, ...] = (1, 2, 3, 5)) -> NDArray[np.float32]:
    time = np.arange(count) / RATE
    waves = [np.sin(2.0 * np.pi * base_hz * number * time + number) / number for number in numbers]
    return np.asarray(10.0 ** (level_db / 20.0) * np.sum(waves, axis=0), dtype=np.float32)


def broken() -> Samples:
    """Clipped, with clicks and hum."""
    _, sound = clipped(6.0)
    sound, _ = with_clicks(np.tile(sound, 2) * np.float32(1.0), 0.4)
    return np.clip(sound + hum(50.03, -40.0, sound.shape[1]), -1.0, 1.0)


class TestIdentity:
    def test_a_clean_recording_has_nothing_to_mend(self) -> None:
        repairs = found(speech(), ALL)
        assert not repairs
        assert repairs == Repairs()

    def test_without_rows_the_sound_passes_as_it_is(self) -> None:
        chunks = list(cut(broken(), 7000))
        assert all(a is b for a, b in zip(mended(chunks, Repairs(), ALL, RATE), chunks, strict=True))

    @pytest.mark.parametrize(
        "settings",
        [
            RepairSettings(declip=DeclipSettings(amount=0.0)),
            RepairSettings(declick=DeclickSettings(amount=0.0)),
            RepairSettings(hum=HumSettings(reduce_db=0.0)),
            RepairSettings(),
        ],
    )
    def test_an_amount_of_zero_finds_nothing_to_do(self, settings: RepairSettings) -> None:
        assert not found(broken(), settings)

    def test_rows_of_amount_zero_change_nothing(self) -> None:
        rows = (Repair(Span(48_000, 48_100), "declick", 0.0, ""), Repair(Span(0, 9_000), "declip", 0.0, ""))
        repairs = Repairs(rows, (HumLine(50.0, 0.0, ""),))
        assert not repairs
        assert np.array_equal(mend(broken(), repairs), broken())

    def test_half_of_the_amount_is_half_of_the_way(self) -> None:
        sound, _ = with_clicks(speech(3.0))
        rows = found(sound, RepairSettings(declick=DeclickSettings())).rows
        half = mend(sound, Repairs(tuple(Repair(r.span, r.process, 0.5, r.reason) for r in rows)))
        assert rows
        assert np.allclose(half, (sound + mend(sound, Repairs(rows))) / 2.0, atol=1e-3)


class TestPromises:
    def test_everything_outside_the_rows_is_the_source(self) -> None:
        sound = broken()
        repairs = found(sound, RepairSettings(DeclipSettings(), DeclickSettings()))
        assert {row.process for row in repairs.rows} == {"declip", "declick"}
        inside = np.zeros(sound.shape[1], dtype=bool)
        for row in repairs.rows:
            inside[row.span.start : row.span.stop] = True
        out = mend(sound, repairs)
        assert out.shape == sound.shape
        assert out.dtype == np.float32
        assert np.array_equal(out[:, ~inside], sound[:, ~inside])
        assert (out != sound).any()

    @pytest.mark.parametrize("sizes", [997, 20_011, 10**7])
    def test_neither_finding_nor_mending_depends_on_the_blocks(self, sizes: int) -> None:
        sound = broken()
        repairs = found(sound, ALL)
        assert repairs.rows
        assert repairs.hum
        assert found(sound, ALL, sizes) == repairs
        assert np.array_equal(mend(sound, repairs, sizes=sizes), mend(sound, repairs))

    def test_the_source_is_not_written_to(self) -> None:
        sound = broken()
        before = sound.copy()
        sound.setflags(write=False)
        mend(sound, found(sound, ALL), sizes=5000)
        assert np.array_equal(sound, before)

    def test_each_channel_is_mended_by_itself(self) -> None:
        loud, torn = clipped(6.0, channels=2)
        torn[1] = loud[1] / 4.0
        repairs = found(torn, RepairSettings(declip=DeclipSettings()))
        out = mend(torn, repairs)
        assert np.array_equal(out[1], torn[1])
        assert np.array_equal(out[:1], mend(torn[:1], repairs))

    def test_rows_beyond_the_end_are_left_out(self) -> None:
        sound = speech(1.0)
        repairs = Repairs((Repair(Span(RATE + 5, RATE + 90), "declick", 1.0, ""),))
        assert np.array_equal(mend(sound, repairs), sound)

    def test_a_patch_sees_its_surroundings_and_nothing_is_lost(self) -> None:
        sound = np.arange(1000, dtype=np.float32)[None]
        seen = []

        def look(number: int, around: Samples, here: slice) -> Samples:
            seen.append((number, around[0, 0], around[0, -1], around[0, here.start]))
            return -around[:, here]

        spans = [Span(5, 10), Span(100, 130), Span(990, 1000)]
        out = np.concatenate(list(patched(cut(sound, 33), spans, 20, look)), axis=1)[0]
        assert seen == [(0, 0, 29, 5), (1, 80, 149, 100), (2, 970, 999, 990)]
        assert [int(at) for at in np.flatnonzero(out != sound[0])] == [
            *range(5, 10),
            *range(100, 130),
            *range(990, 1000),
        ]


class TestClipping:
    @pytest.mark.parametrize("over_db", [3.0, 6.0, 10.0])
    def test_peaks_come_nearer_to_what_they_were(self, over_db: float) -> None:
        loud, torn = clipped(over_db)
        out = mend(torn, found(torn, RepairSettings(declip=DeclipSettings())))
        assert sdr_db(loud, out) > sdr_db(loud, torn) + 6.0

    def test_a_peak_is_never_made_smaller(self) -> None:
        _, torn = clipped(8.0)
        out = mend(torn, found(torn, RepairSettings(declip=DeclipSettings())))
        full = np.abs(torn) >= 0.9999
        assert (np.abs(out)[full] >= np.abs(torn)[full] - 1e-6).all()
        assert (np.sign(out) == np.sign(torn))[full].all()

    def test_what_was_turned_down_after_clipping_is_found_at_its_level(self) -> None:
        loud, torn = clipped(6.0)
        low = np.float32(10.0 ** (-3.0 / 20.0))
        assert not found(torn * low, RepairSettings(declip=DeclipSettings()))
        settings = RepairSettings(declip=DeclipSettings(level_dbfs=-3.0))
        out = mend(torn * low, found(torn * low, settings), settings)
        assert sdr_db(loud * low, out) > sdr_db(loud * low, torn * low) + 6.0

    def test_a_peak_that_just_fits_is_none(self) -> None:
        sound = speech(1.0)
        sound[0, [100, 5000, 5001]] = 1.0
        assert not found(sound, RepairSettings(declip=DeclipSettings()))

    def test_a_square_wave_at_full_scale_is_what_somebody_wanted(self) -> None:
        sound = np.sign(np.sin(np.arange(RATE) * 2.0 * np.pi * 20.0 / RATE) + 1e-3).astype(np.float32)[None]
        assert not found(sound, RepairSettings(declip=DeclipSettings()))

    def test_rows_of_two_channels_stay_apart(self) -> None:
        """A run over the end of a chunk began before the last row of the other channel, and ends behind it."""
        sound = np.zeros((2, 3 * RATE), np.float32)
        for at in [*range(0, RATE - 60, 480), RATE - 45, RATE + 20]:
            sound[0, at : at + 5] = 1.0
        sound[1, RATE - 50 : RATE + 200] = 1.0
        rows = found(sound, RepairSettings(declip=DeclipSettings()), sizes=RATE + 100).rows
        assert rows[0].span.start == 0
        assert rows[-1].span.stop == RATE + 200
        assert all(a.span.stop <= b.span.start for a, b in pairwise(rows))

    def test_rows_stay_short_however_much_is_clipped(self) -> None:
        _, torn = clipped(20.0)
        rows = found(torn, RepairSettings(declip=DeclipSettings())).rows
        assert max(row.span.length for row in rows) <= 1.02 * RATE


class TestClicks:
    def test_clicks_are_found_where_they_are_and_nowhere_else(self) -> None:
        sound, places = with_clicks(speech())
        rows = found(sound, RepairSettings(declick=DeclickSettings())).rows
        hit = [any(row.span.start <= at + 6 and row.span.stop >= at for row in rows) for at in places]
        assert np.mean(hit) >= 0.95
        assert len(rows) <= len(places) + 1
        assert max(row.span.length for row in rows) <= 0.008 * RATE

    @pytest.mark.parametrize("seed", [0, 1, 2])
    def test_weak_clicks_are_found_as_well(self, seed: int) -> None:
        """Spikes of one sample that lie about as high as the speech around them is loud."""
        rng = np.random.default_rng(seed)
        sound = speech()
        starts = (np.arange(0.4, sound.shape[1] / RATE - 0.3, 0.25) * RATE).astype(int) + rng.integers(0, 4000)
        levels = [float(np.sqrt(np.mean(np.square(sound[0, at - 480 : at + 480])))) for at in starts]
        spoken = [(int(at), level) for at, level in zip(starts, levels, strict=True) if level > 0.005]
        assert len(spoken) >= 30
        for at, level in spoken:
            sound[0, at] += rng.choice([-1.0, 1.0]) * level * 10.0 ** (rng.uniform(-6.0, 3.0) / 20.0)
        rows = found(sound, RepairSettings(declick=DeclickSettings())).rows
        hit = [any(row.span.start <= at < row.span.stop for row in rows) for at, _ in spoken]
        assert np.mean(hit) >= 0.9
        assert len(rows) <= len(spoken) + 1

    def test_clean_speech_has_none(self) -> None:
        """Neither plosives nor pulses of the voice."""
        assert not found(speech(12.0), RepairSettings(declick=DeclickSettings()))

    def test_a_click_is_gathered_again_by_the_model_turned_round(self) -> None:
        """A model of 1, -1.6, 0.9 spreads a spike over samples whose squares add up to 4.4: so much power is gained."""
        rng = np.random.default_rng(8)
        hop = 768
        noise = rng.standard_normal(11 * hop)
        for at in range(2, len(noise)):
            noise[at] += 1.6 * noise[at - 1] - 0.9 * noise[at - 2]
        spike = np.zeros_like(noise)
        spike[5 * hop + hop // 2] = 12.0
        over = []
        for plain, clicked in zip(prediction_errors(noise, hop), prediction_errors(noise + spike, hop), strict=True):
            assert len(plain) == 10 * hop
            over.append(abs(clicked[5 * hop]) / plain.std())
        forward, backward, matched = over
        assert backward == pytest.approx(forward, rel=0.1)
        assert 1.8 < matched / forward < 2.2

    def test_mended_sound_is_far_nearer_to_the_clean_one(self) -> None:
        clean = speech()
        sound, _ = with_clicks(clean)
        out = mend(sound, found(sound, RepairSettings(declick=DeclickSettings())))
        assert sdr_db(clean, out) > sdr_db(clean, sound) + 12.0

    def test_a_step_of_level_is_no_click(self) -> None:
        """What begins and goes on is a sound."""
        rng = np.random.default_rng(3)
        sound = (0.001 * rng.standard_normal((1, 2 * RATE))).astype(np.float32)
        sound[:, RATE:] *= 100.0
        assert not found(sound, RepairSettings(declick=DeclickSettings()))

    def test_silence_holds_no_clicks(self) -> None:
        assert not found(np.zeros((2, RATE), np.float32), ALL)

    @pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
    def test_other_rates(self, rate: int) -> None:
        rng = np.random.default_rng(4)
        sound = (0.002 * rng.standard_normal((1, 3 * rate))).astype(np.float32)
        for second in (0.5, 1.2, 2.4):
            sound[0, round(second * rate)] += 0.5
        rows = found(sound, RepairSettings(declick=DeclickSettings()), rate, rate).rows
        assert [round((row.span.start + row.span.stop) / 2 / rate, 2) for row in rows] == [0.5, 1.2, 2.4]

    def test_a_missing_piece_of_a_model_s_own_sound_comes_back(self) -> None:
        """Exactly, but for rounding: two tones obey a model of four coefficients."""
        time = np.arange(2000)
        sound = np.sin(0.11 * time) + 0.5 * np.sin(0.31 * time + 1.0)
        missing = np.zeros(2000, dtype=bool)
        missing[1000:1030] = True
        out = fill(np.where(missing, 0.0, sound), missing, 24, steps=6)
        assert np.abs(out - sound)[missing].max() < 0.02


class TestHum:
    @pytest.mark.parametrize("base_hz", [49.96, 50.0, 50.04, 59.94, 60.0])
    def test_the_lines_are_found_to_a_fiftieth_of_a_hertz(self, base_hz: float) -> None:
        sound = speech(16.0)
        lines = found(sound + hum(base_hz, -45.0, sound.shape[1]), RepairSettings(hum=HumSettings())).lines
        numbers = [round(line.frequency_hz / base_hz) for line in lines]
        assert {1, 2, 3} <= set(numbers)
        assert all(abs(line.frequency_hz - n * base_hz) < 0.02 * n for line, n in zip(lines, numbers, strict=True))

    def test_hum_goes_down_by_what_was_asked_from_the_first_second_on(self) -> None:
        settings = HumSettings(reduce_db=30.0)
        only = hum(50.02, -30.0, 12 * RATE)[None]
        lines = [HumLine(50.02 * number, 30.0, "") for number in (1, 2, 3, 5)]
        out = mend(only, Repairs(hum=tuple(lines)), RepairSettings(hum=settings))
        for start in range(0, 12 * RATE, RATE):
            here = np.s_[:, start : start + RATE]
            assert sdr_db(only[here], only[here] - out[here]) == pytest.approx(30.0, abs=1.5)

    def test_a_notch_touches_its_line_alone(self) -> None:
        from scipy.signal import sosfreqz

        sections = notches([HumLine(50.0, 40.0, ""), HumLine(100.0, 40.0, "")], HumSettings(), RATE)
        frequency = np.array([20.0, 45.0, 50.0, 55.0, 100.0, 106.0, 1000.0])
        gain_db = 20.0 * np.log10(np.abs(sosfreqz(sections, frequency, fs=RATE)[1]))
        assert gain_db[[2, 4]] == pytest.approx([-40.0, -40.0], abs=0.1)
        assert np.abs(gain_db[[0, 1, 3, 5, 6]]).max() < 0.15

    def test_a_held_note_is_no_hum(self) -> None:
        sound = speech(16.0)
        notes = sum(hum(base_hz, -30.0, sound.shape[1], (1, 2, 3)) for base_hz in (55.0, 65.41, 98.0))
        assert not found(sound + notes, RepairSettings(hum=HumSettings()))

    def test_hum_in_one_of_two_shots_is_found_and_placed(self) -> None:
        sound = speech(44.0)
        there = hum(50.0, -40.0, sound.shape[1])
        there[: sound.shape[1] // 2] = 0.0
        lines = found(np.tile(sound + there, 2), RepairSettings(hum=HumSettings())).lines
        assert lines
        assert all(abs(line.frequency_hz - 50.0 * round(line.frequency_hz / 50.0)) < 0.06 for line in lines)

    def test_too_little_sound_to_know(self) -> None:
        assert not found(hum(50.0, -40.0, 5 * RATE)[None], RepairSettings(hum=HumSettings()))
