"""Stems add up, and a result made again from them is the result."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from e2e.conftest import Cli
from e2e.looking import decoded
from e2e.making import film, float_wav

from changes.conftest import HALF, ONLY_THERE, RATE, Made, read
from mediaclean import CleanOptions, MediacleanError, MediaError, PresetError, clean, load_preset
from mediaclean.audio import Span
from mediaclean.result.base import load_base
from mediaclean.result.stem_files import Grid, grid_for
from mediaclean.result.stems import uncovered

WORD = 2.0**-23


def stems(folder: Path) -> tuple[dict[str, np.ndarray], float]:
    """The files at the source's level, and a step of their grid there."""
    scale = 2.0 ** json.loads((folder / "stems.json").read_text(encoding="utf-8"))["headroom_bits"]
    return {name: scale * read(folder / f"{name}.flac") for name in ("voice", "bed", "residue")}, scale * WORD


@pytest.mark.parametrize("peak_dbfs", [-60.0, -12.1, -12.0, -6.0, -0.1, 0.0, 3.0, 9.5])
def test_the_grid_leaves_room_for_the_voice_and_for_the_bed(peak_dbfs: float) -> None:
    grid, peak = grid_for(peak_dbfs), 10 ** (peak_dbfs / 20)
    assert grid.full_scale >= 4 * peak * (1 - 1e-9)
    assert grid.headroom_bits == 0 or grid.full_scale < 8 * peak * (1 + 1e-9)
    wild = np.random.default_rng(0).normal(0, 10 * peak, (1, 10_000)).astype(np.float32)
    mix = np.clip(wild, -peak, peak)
    voice = grid.voice(wild)
    assert np.array_equal(grid.onto(voice), voice), "the grid's values stay"
    assert np.abs(voice).max() <= grid.full_scale / 2
    assert np.abs(grid.onto(mix) - voice).max() <= grid.full_scale * (1 - WORD)
    assert np.abs(grid.onto(mix) - mix).max() <= 0.5 * grid.full_scale * WORD


def test_cuts_that_are_not_covered_are_found() -> None:
    known = [Span(0, 10), Span(10, 20), Span(30, 40)]
    assert uncovered([Span(5, 15), Span(30, 40)], known) == []
    assert uncovered([Span(15, 21), Span(25, 26)], known) == [Span(15, 21), Span(25, 26)]


def test_voice_and_bed_add_up_to_the_source_and_result_and_residue_too(made: Made) -> None:
    parts, step = stems(made.stems)
    source, report = read(made.source), made.report
    assert np.abs(parts["voice"] + parts["bed"] - source).max() <= step / 2
    assert np.abs(parts["residue"]).max() > 0.01
    untouched = np.ones(source.shape[1], dtype=bool)
    for start, stop in report.changed_s:
        untouched[round(start * RATE) : round(stop * RATE)] = False
    assert untouched.sum() > RATE
    assert not parts["residue"][:, untouched].any(), "where nothing changed nothing was taken away"
    assert report.level is not None
    again = (source - parts["residue"]) * 10 ** (report.level.exact_db / 20)
    assert np.abs(again - read(made.target)).max() <= 2 * step, "the limiter had nothing to do"


def test_a_stem_has_no_click_where_a_cut_begins_or_ends(made: Made) -> None:
    """No step at a border is larger than what a few samples around it do by themselves."""
    parts, _ = stems(made.stems)
    for cut in made.report.plan.cuts:
        for at in {cut.span.start, cut.span.stop} - {0, made.report.plan.length}:
            for name in ("voice", "bed"):
                steps = np.abs(np.diff(parts[name][:, at - 2_000 : at + 2_000], axis=1)).max(axis=0)
                assert steps[1_997:2_002].max() <= steps.max() * 0.9


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".wav", ".opus"])
def test_whatever_the_source_is_its_stems_add_up(tmp_path: Path, suffix: str) -> None:
    """Lossy, 16 bit, and floats beyond full scale."""
    layout = "stereo" if suffix != ".mkv" else "5.1"
    source = film(tmp_path / f"talk{suffix}", layout=layout, music_db=-3.0, seconds=4.0)
    if suffix == ".wav":
        sound, rate = soundfile.read(source, dtype="float32", always_2d=True)
        source = float_wav(tmp_path / "loud.wav", 1.9 / np.abs(sound).max() * sound.T, rate)
    target = tmp_path / f"out{suffix}"
    clean(source, target, load_preset("podcast"), CleanOptions(engine=HALF, residual=True))
    parts, step = stems(tmp_path / "out.stems")
    there = decoded(source)[0].astype(np.float64)[:, : parts["bed"].shape[1]]
    assert np.abs(parts["voice"] + parts["bed"] - there).max() <= 1.01 * step / 2 + 1e-9
    assert step / WORD >= 4 * np.abs(there).max() / (1 + 1e-6) or step == WORD


def test_the_same_dose_gives_the_same_bits_without_a_network(made: Made, again: Callable) -> None:
    report, sound = again()
    assert np.array_equal(sound, read(made.target))
    assert report.plan == made.report.plan
    assert report.level == made.report.level
    assert report.engine == made.report.engine


@pytest.mark.parametrize("dose", ["leave", "remove"])
def test_another_dose_is_that_of_a_full_run(made: Made, again: Callable, tmp_path: Path, dose: str) -> None:
    """Bit by bit that of a run that keeps stems; of any other within the stems' word length."""
    _, sound = again(f"duck.mode={dose}")
    preset = load_preset("documentary", ["ledger=off", f"duck.mode={dose}", *ONLY_THERE])
    for keeps, name in ((True, "kept.wav"), (False, "plain.wav")):
        report = clean(made.source, tmp_path / name, preset, CleanOptions(engine=HALF, residual=keeps))
        off = np.abs(read(tmp_path / name) - sound).max()
        step = 2.0 ** grid_for(report.before.sample_peak_dbfs).headroom_bits * WORD
        gain = 10 ** (report.level.exact_db / 20) if report.level else 1.0
        assert off <= (0.0 if keeps and dose != "leave" else 2 * gain * step + 2 * WORD)


def test_a_result_made_again_can_be_made_again(made: Made, again: Callable, tmp_path: Path) -> None:
    """Its folder holds its own residue and points to the first one's voice and bed."""
    again("duck.mode=remove", name="first.wav")
    assert sorted(path.name for path in (tmp_path / "first.stems").iterdir()) == ["residue.flac", "stems.json"]
    _, sound = again("duck.mode=duck", start=tmp_path / "first.wav", name="second.wav")
    assert np.array_equal(sound, read(made.target))
    with pytest.raises(MediacleanError, match="exists already"):
        again("duck.mode=reduce", name="first.wav")


def copied(made: Made, folder: Path) -> Made:
    """The source and its result, to be spoilt."""
    source = Path(shutil.copy(made.source, folder / "source.wav"))
    target = Path(shutil.copy(made.target, folder / made.target.name))
    shutil.copytree(made.stems, folder / made.stems.name)
    table = folder / made.stems.name / "stems.json"
    report = json.loads(table.read_text(encoding="utf-8"))
    report["report"]["options"] |= {"source": str(source), "source_from_target": "source.wav"}
    table.write_text(json.dumps(report), encoding="utf-8")
    return Made(source, target, made.preset, made.report)


def test_another_source_is_refused(made: Made, again: Callable, tmp_path: Path) -> None:
    spoilt = copied(made, tmp_path)
    with spoilt.source.open("ab") as file:
        file.write(b"more")
    with pytest.raises(MediaError, match="it has changed") as caught:
        again("duck.mode=remove", start=spoilt.target)
    assert "--source" in caught.value.hint
    assert load_base(spoilt.target, made.source).source == made.source


def test_a_source_that_sounds_otherwise_in_the_middle_is_refused(made: Made, again: Callable, tmp_path: Path) -> None:
    """Its size and its ends are the same: only the samples tell."""
    spoilt = copied(made, tmp_path)
    with spoilt.source.open("r+b") as file:
        file.seek(4 * RATE * 6)
        file.write(b"\0" * 600)
    with pytest.raises(MediaError, match=r"sounds otherwise than its stems from 3\.99|from 4\.0") as caught:
        again("duck.mode=remove", start=spoilt.target)
    assert "--residual" in caught.value.hint
    assert not (tmp_path / "again.wav").exists()


@pytest.mark.parametrize("lost", ["voice.flac", "bed.flac", "stems.json", ""])
def test_stems_that_lack_are_refused(made: Made, again: Callable, tmp_path: Path, lost: str) -> None:
    spoilt = copied(made, tmp_path)
    if lost:
        (spoilt.stems / lost).unlink()
    else:
        shutil.rmtree(spoilt.stems)
    with pytest.raises(MediacleanError, match=r"missing|cannot be read|no stems beside it") as caught:
        again("duck.mode=remove", start=spoilt.target)
    assert "--residual" in caught.value.hint


def test_a_remix_names_the_stems_that_it_came_from_when_they_moved(made: Made, cli: Cli, tmp_path: Path) -> None:
    first = copied(made, tmp_path)
    second = tmp_path / "second.wav"
    assert cli("remix", first.target, "--dose", "remove", "--engine", "none", "-o", second).code == 0
    first.stems.rename(tmp_path / "moved")
    ran = cli("remix", second, "--dose", "leave", "--engine", "none", "-o", tmp_path / "third.wav")
    assert ran.code == MediaError.exit_code
    assert f"second.wav was made from the stems in {first.stems}, but that folder is not there" in " ".join(
        ran.err.split()
    )
    assert "put it back" in ran.err
    assert "--residual" in ran.err
    (tmp_path / "moved").rename(first.stems)
    assert cli("remix", second, "--dose", "leave", "--engine", "none", "-o", tmp_path / "third.wav").code == 0


def test_a_table_from_elsewhere_is_refused(made: Made, tmp_path: Path) -> None:
    for text in ("[]", "{}", "nonsense", '{"report": {"preset": 1}}', "null"):
        (tmp_path / "stems.json").write_text(text, encoding="utf-8")
        with pytest.raises(PresetError):
            load_base(tmp_path)


def test_more_than_was_separated_is_refused(made: Made, again: Callable) -> None:
    with pytest.raises(PresetError, match="the stems have no voice from"):
        again("separate.within_lu=40", "separate.noise_within_lu=40", "separate.bridge_s=30")


def test_the_command(made: Made, cli: Cli, tmp_path: Path) -> None:
    """Another preset keeps what was separated; a target that exists is not replaced unasked."""
    spoilt = copied(made, tmp_path)
    out = tmp_path / "podcast.wav"
    ran = cli("remix", spoilt.target, "--preset", "podcast", "--engine", "none", "-o", out, "--json")
    assert ran.code == 0, ran.out
    done = ran.events[-1]
    assert done["preset"]["name"] == "podcast"
    assert done["preset"]["separate"]["within_lu"] == 13.0
    assert abs(done["after"]["integrated_lufs"] + 16.0) <= 0.2
    assert done["receipt"]["ok"]
    assert cli("remix", spoilt.target, "--dose", "remove", "--engine", "none").code == 5
    assert cli("remix", spoilt.stems, "--dose", "remove", "--engine", "none", "--overwrite").code == 0
    assert not np.array_equal(read(spoilt.target), read(made.target))
    assert "duck.mode" in cli("remix", spoilt.target, "--dose", "drown", "--engine", "none").err
    assert cli("remix", spoilt.target, "--engine", "none").code == 2


def test_stems_are_of_one_track_and_are_not_replaced_unasked(made: Made, cli: Cli, tmp_path: Path) -> None:
    spoilt = copied(made, tmp_path)
    spoilt.target.unlink()
    with pytest.raises(MediacleanError, match="exists already"):
        clean(spoilt.source, spoilt.target, made.preset, CleanOptions(engine=HALF, residual=True))
    assert not spoilt.target.exists()


def test_the_grid_of_a_table(made: Made) -> None:
    base = load_base(made.stems)
    assert base.grid == grid_for(made.report.before.sample_peak_dbfs)
    assert isinstance(base.grid, Grid)
    assert base.plan == made.report.plan
