"""A tone per shot: each sounds as its own ambience does, and the change lies at the cut and nowhere else."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mediaclean import CleanOptions, Preset, clean
from mediaclean.audio import Samples, Span, power_to_db, reblock
from mediaclean.media import choose_track, decode, probe
from mediaclean.roomtone.fill import ToneFiller
from mediaclean.roomtone.model import ToneSynth, floor_model, learn
from mediaclean.roomtone.shots import CUT_FADE_S, ShotSynth
from mediaclean.roomtone.sources import RoomToneSettings

RATE = 16_000
FADE = round(CUT_FADE_S * RATE)


def ambience(kind: str, seconds: float, seed: int = 0, rate: int = RATE) -> Samples:
    """A dull room, a hissing one, or one in between, (2, n)."""
    white = np.random.default_rng(seed).standard_normal((2, round(seconds * rate)))
    spectrum = np.fft.rfft(white)
    hz = np.maximum(np.fft.rfftfreq(white.shape[1], 1 / rate), 20.0)
    shape = {"dull": (150.0 / hz) ** 1.0, "hiss": (hz / 4000.0) ** 0.5, "even": np.ones_like(hz)}[kind]
    shaped = np.fft.irfft(spectrum * shape, white.shape[1])
    return (shaped * 1e-3 / shaped.std()).astype(np.float32)


def bands_db(sound: Samples, rate: int = RATE) -> NDArray[np.float64]:
    """Third octaves from 125 Hz to 6.3 kHz."""
    edges = 1000.0 * 2.0 ** ((np.arange(-9, 10) - 0.5) / 3.0)
    size = 2048
    frames = np.lib.stride_tricks.sliding_window_view(sound, size, axis=1)[:, :: size // 2]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(size), axis=2))).mean(axis=(0, 1))
    starts = np.searchsorted(np.fft.rfftfreq(size, 1 / rate), edges)
    return power_to_db(np.add.reduceat(power, starts)[:-1])


DULL, HISS = (ToneSynth(learn([ambience(kind, 10.0)], RATE), seed=3) for kind in ("dull", "hiss"))
EDGE = 5 * RATE
SHOTS = ShotSynth(DULL, [(Span(EDGE, 10 * RATE), HISS)])


def test_one_tone_is_read_bit_for_bit() -> None:
    alone = ShotSynth(DULL, [(Span(0, 100), DULL), (Span(100, 5000), DULL)])
    np.testing.assert_array_equal(alone.read(37, 9000), DULL.read(37, 9000))


def test_away_from_the_cut_every_shot_has_its_own_tone() -> None:
    whole = SHOTS.read(0, 12 * RATE)
    low, high = EDGE - FADE // 2, EDGE + FADE // 2
    np.testing.assert_array_equal(whole[:, :low], DULL.read(0, low))
    np.testing.assert_array_equal(whole[:, high : 9 * RATE], HISS.read(high, 9 * RATE - high))
    assert np.any(whole[:, low:high] != DULL.read(low, high - low))
    assert np.any(whole[:, low:high] != HISS.read(low, high - low))


@pytest.mark.parametrize("other_db", [0.0, 6.0])
def test_the_level_neither_dips_nor_rises_on_the_way(other_db: float) -> None:
    """Of two tones with one spectrum shape the level moves straight; unrelated noise would dip by 3 dB."""
    one = ToneSynth(floor_model(-60.0, RATE, 2), seed=1)
    other = ToneSynth(floor_model(-60.0 + other_db, RATE, 2), seed=1)
    edges = range(1000, 400 * FADE, 4 * FADE)
    spans = [Span(edge, edge + 2 * FADE) for edge in edges]
    sound = ShotSynth(one, [(span, other) for span in spans]).read(0, 401 * FADE).astype(np.float64)
    middle = np.concatenate([sound[:, edge - FADE // 8 : edge + FADE // 8] for edge in edges], axis=1)
    expected = 20 * np.log10((1 + 10 ** (other_db / 20)) / 2) - 60.0
    assert power_to_db(np.square(middle).mean()) == pytest.approx(expected, abs=0.4)


spans_of_shots = st.lists(st.integers(0, 6000), min_size=2, max_size=9, unique=True).map(sorted)


@settings(max_examples=15, deadline=None)
@given(spans_of_shots, st.integers(150, 3000), st.booleans())
def test_the_tone_does_not_depend_on_how_it_is_read(edges: list[int], size: int, touching: bool) -> None:
    """Even where shots are shorter than the fade."""
    pairs = pairwise(edges) if touching else zip(edges[::2], edges[1::2], strict=False)
    shots = [(Span(a, b), HISS if number % 2 else DULL) for number, (a, b) in enumerate(pairs)]
    tone = ShotSynth(DULL, shots)
    whole = tone.read(0, 7000)
    parts = [tone.read(at, min(size, 7000 - at)) for at in range(0, 7000, size)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)
    far = [at for at in range(7000) if all(abs(at - edge) > FADE for edge in edges)]
    if far:
        at = far[len(far) // 2]
        inside = [synth for span, synth in shots if span.start <= at < span.stop]
        np.testing.assert_array_equal(whole[:, at], (inside[0] if inside else DULL).read(at, 1)[:, 0])


def test_a_filler_takes_it_for_any_blocks() -> None:
    sound = ambience("even", 12.0, seed=5)
    holes = [Span(EDGE - 3000, EDGE + 3000), Span(11 * RATE, 11 * RATE + 500)]
    filler = ToneFiller(SHOTS, holes, RoomToneSettings())
    whole = filler.apply(sound, 0)
    parts, at = [], 0
    for part in reblock([sound], 1713):
        parts.append(filler.apply(part, at))
        at += part.shape[1]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)
    np.testing.assert_array_equal(whole[:, EDGE - 3000 : EDGE + 3000], SHOTS.read(EDGE - 3000, 6000))


# A film of shots with ambiences and holes, through a whole run

FPS = 25
SHOT_S = 6
HOLES = ((2.0, 2.6), (4.0, 4.5))


def film(path: Path, kinds: list[str], pictures: list[int], *, holes: list[tuple[float, float]]) -> Path:
    sound = np.concatenate([ambience(kind, SHOT_S, seed) for seed, kind in enumerate(kinds)], axis=1)
    for start, stop in holes:
        sound[:, round(start * RATE) : round(stop * RATE)] = 0.0
    with av.open(str(path), "w") as made:
        if pictures:
            video = made.add_stream("libx264", FPS, options={"preset": "ultrafast", "g": "250", "sc_threshold": "0"})
            video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        audio = made.add_stream("pcm_s24le", RATE, layout="stereo")
        for number, seed in enumerate(pictures):
            patches = np.random.default_rng(seed).integers(20, 235, (4, 6, 3)).repeat(16, 0).repeat(16, 1)
            for index in range(SHOT_S * FPS):
                frame = av.VideoFrame.from_ndarray(patches.astype(np.uint8), "rgb24")
                frame.pts, frame.time_base = number * SHOT_S * FPS + index, Fraction(1, FPS)
                made.mux(video.encode(frame))
        if pictures:
            made.mux(video.encode(None))
        wide = np.round(sound * 2.0**31).astype(np.int32)
        block = av.AudioFrame.from_ndarray(wide.T.reshape(1, -1).copy(), "s32", "stereo")
        block.rate, block.pts = RATE, 0
        made.mux(audio.encode(block))
        made.mux(audio.encode(None))
    return path


def filled(source: Path, *, same_shot: bool = True) -> tuple[Samples, object]:
    target = source.with_name(f"{source.stem}.{same_shot}.clean{source.suffix}")
    preset = Preset("tone", room_tone=RoomToneSettings(same_shot=same_shot))
    report = clean(source, target, preset, CleanOptions(codec="pcm_s24le"))
    media = probe(target)
    return np.concatenate(list(decode(media, choose_track(media))), axis=1), report


def every_hole(shots: int) -> list[tuple[float, float]]:
    return [(shot * SHOT_S + a, shot * SHOT_S + b) for shot in range(shots) for a, b in HOLES]


def inside(sound: Samples, spans: list[tuple[float, float]]) -> Samples:
    return np.concatenate([sound[:, round(a * RATE) : round(b * RATE)] for a, b in spans], axis=1)


def test_holes_get_the_ambience_of_their_own_shot(tmp_path: Path) -> None:
    kinds = ["dull", "hiss", "dull", "hiss"]
    source = film(tmp_path / "film.mov", kinds, [1, 2, 1, 2], holes=every_hole(4))
    sound, report = filled(source)
    assert [row.span.start for row in report.plan.shots[1:]] == [SHOT_S * RATE * n for n in (1, 2, 3)]
    assert report.tone.ambiences == 2
    for kind, shots in (("dull", (0, 2)), ("hiss", (1, 3))):
        spans = [(shot * SHOT_S + a, shot * SHOT_S + b) for shot in shots for a, b in HOLES]
        truth = bands_db(ambience(kind, 30.0, seed=99))
        assert np.abs(bands_db(inside(sound, spans)) - truth).max() <= 1.5, kind
    # Without the picture one tone is everywhere, and wrong in one of the two rooms by far.
    alone, _ = filled(source, same_shot=False)
    wrong = [
        np.abs(bands_db(inside(alone, [(shot * SHOT_S + a, shot * SHOT_S + b) for a, b in HOLES])) - truth).max()
        for shot, truth in ((0, bands_db(ambience("dull", 30.0, seed=99))), (1, truth))
    ]
    assert max(wrong) > 5.0


def test_in_a_hole_over_a_cut_the_tone_changes_at_the_cut(tmp_path: Path) -> None:
    at = float(SHOT_S)
    source = film(tmp_path / "film.mov", ["dull", "hiss"], [1, 2], holes=[(at - 1.5, at + 1.5)])
    sound, report = filled(source)
    truth = {kind: bands_db(ambience(kind, 30.0, seed=99)) for kind in ("dull", "hiss")}
    for kind, span in (("dull", (at - 1.5, at - 0.02)), ("hiss", (at + 0.02, at + 1.5))):
        assert np.abs(bands_db(inside(sound, [span])) - truth[kind]).mean() <= 1.5
    assert SHOT_S * RATE in {edge for row in report.plan.shots for edge in (row.span.start, row.span.stop)}
    assert all(edge in {0, SHOT_S * RATE, 2 * SHOT_S * RATE} for row in report.plan.shots for edge in _ends(row.span))


def _ends(span: Span) -> tuple[int, int]:
    return span.start, span.stop


@pytest.mark.parametrize(
    ("kinds", "pictures", "suffix"),
    [
        (["dull", "dull"], [1, 1], ".mov"),
        (["even", "even"], [1, 2], ".mov"),
        (["dull", "hiss"], [], ".mov"),
        (["dull", "hiss"], [1, 1], ".mov"),
        (["dull", "hiss"], [], ".wav"),
    ],
    ids=["one shot", "two shots in one room", "no picture", "no cut", "sound alone"],
)
def test_otherwise_all_is_as_without_it(tmp_path: Path, kinds: list[str], pictures: list[int], suffix: str) -> None:
    source = film(tmp_path / f"film{suffix}", kinds, pictures, holes=every_hole(2))
    (sound, report), (alone, _) = filled(source), filled(source, same_shot=False)
    assert not report.plan.shots
    np.testing.assert_array_equal(sound, alone)
    assert np.any(inside(sound, every_hole(2)))


def test_where_all_sounds_alike_the_picture_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mediaclean import deciding

    def refuse(*_: object) -> None:
        raise AssertionError("looked at the picture")

    monkeypatch.setattr(deciding, "picture_cuts", refuse)
    filled(film(tmp_path / "film.mov", ["even", "even"], [1, 2], holes=every_hole(2)))
    filled(film(tmp_path / "whole.mov", ["dull", "hiss"], [1, 2], holes=[]))
    with pytest.raises(AssertionError, match="looked"):
        filled(film(tmp_path / "two.mov", ["dull", "hiss"], [1, 2], holes=every_hole(2)))
