"""Declip, declick, hum: what is whole stays as it is, bit by bit, however the sound is cut."""

from __future__ import annotations

import numpy as np
import pytest

from mediaclean.audio import Samples, Span
from mediaclean.repair.chain import RepairSettings, mended
from mediaclean.repair.clicks import DeclickSettings
from mediaclean.repair.clipping import DeclipSettings
from mediaclean.repair.hum import HumSettings
from mediaclean.repair.patches import patched
from mediaclean.repair.records import HumLine, Repair, Repairs
from tests.repair.breaking import ALL, RATE, broken, clipped, cut, found, mend, speech, with_clicks


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
