"""Declip, declick, hum: what is broken on purpose is found and mended, and nothing else is touched."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from mediaclean.repair.chain import RepairSettings
from mediaclean.repair.clicks import DeclickSettings, prediction_errors
from mediaclean.repair.clipping import DeclipSettings
from mediaclean.repair.hum import HumSettings, notches
from mediaclean.repair.interpolate import fill
from mediaclean.repair.records import HumLine, Repairs
from tests.repair.breaking import ALL, RATE, clipped, found, hum, mend, sdr_db, speech, with_clicks


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

    def test_hum_is_found_where_one_channel_is_inverted(self) -> None:
        sound = speech(16.0, 2)
        sound = sound + hum(50.0, -45.0, sound.shape[1])
        as_it_is, turned = (
            found(each, RepairSettings(hum=HumSettings())).lines for each in (sound, sound * np.float32([[1], [-1]]))
        )
        assert as_it_is
        assert [line.frequency_hz for line in turned] == [line.frequency_hz for line in as_it_is]

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
