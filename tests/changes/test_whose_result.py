"""A remix is of the result that it names: of no other with the same name, nor another network's."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from e2e.conftest import Cli

from changes.conftest import HALF, RATE, Made, read
from mediaclean import CleanOptions, MediaError, OutputError, PresetError, load_preset
from mediaclean.preset import override
from mediaclean.report import to_report_json
from mediaclean.result.base import load_base
from mediaclean.run import Delivery, clean, deliver
from tests.media.films import Film, Sound, make, noise

PLAIN = load_preset("documentary", ["ledger=off", "room_tone=off", "duck.mode=remove"])


def copied(made: Made, folder: Path) -> Path:
    """The result with its stems, and its source, where they may be changed."""
    target = Path(shutil.copy(made.target, folder))
    shutil.copytree(made.stems, folder / made.stems.name)
    return target


def test_a_result_that_took_the_name_is_not_remixed_from_the_old_stems(made: Made, tmp_path: Path, cli: Cli) -> None:
    target = copied(made, tmp_path)
    load_base(target, made.source)
    clean(made.source, target, PLAIN, CleanOptions(engine=HALF, overwrite=True))
    after = target.read_bytes()
    ran = cli("remix", target, "--source", made.source, "--dose", "leave", "--overwrite")
    assert ran.code == 3
    assert "stems of another result" in ran.err
    assert target.read_bytes() == after
    folder = target.with_name("talk.clean.stems")
    assert load_base(folder, made.source).target.name == made.target.name, "the hint works"


def test_a_film_is_not_remixed_from_the_stems_of_a_sound(made: Made, tmp_path: Path) -> None:
    target = copied(made, tmp_path)
    film = make(target.with_suffix(".mp4"), Film((Sound(noise()),)))
    with pytest.raises(MediaError, match="stems of another result"):
        load_base(film)


def test_a_remix_in_place_that_was_stopped_after_it_had_the_name_goes_on(
    made: Made, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stems' table tells of the result before it until the very end; of a new run over it, it never tells."""
    target = copied(made, tmp_path)
    words = ("remix", target, "--source", made.source, "--dose", "leave", "--engine", "none", "--overwrite")

    def disk_is_full(*_: object, **__: object) -> None:
        raise OutputError("no space", "elsewhere")

    with monkeypatch.context() as patched:
        patched.setattr("mediaclean.result.keep.write_stems", disk_is_full)
        assert cli(*words).code == 5
        stopped = target.read_bytes()
        assert stopped != made.target.read_bytes()
    ran = cli(*words)
    assert ran.code == 0, ran.err
    assert target.read_bytes() == stopped
    assert load_base(target, made.source).preset.duck != made.preset.duck, "the table tells of it now"
    with monkeypatch.context() as patched:
        patched.setattr("mediaclean.result.keep.write_stems", disk_is_full)
        with pytest.raises(OutputError):
            clean(made.source, target, PLAIN, CleanOptions(engine=HALF, residual=True, overwrite=True))
    with pytest.raises(MediaError, match="stems of another result"):
        load_base(target, made.source)


def test_a_result_may_be_renamed_with_its_stems(made: Made, tmp_path: Path) -> None:
    target = copied(made, tmp_path)
    new = target.rename(tmp_path / "final.wav")
    (tmp_path / "talk.clean.stems").rename(tmp_path / "final.stems")
    assert load_base(new, made.source).plan == made.report.plan


def test_several_clean_tracks_are_not_undone_by_a_remix_of_one(tmp_path: Path) -> None:
    sounds = Sound(noise(3.0), "flac"), Sound(noise(3.0, seed=2), "flac")
    source = make(tmp_path / "two.mkv", Film(sounds, 3.0))
    options = CleanOptions(engine="none", tracks=("1", "2"))
    reports = deliver(source, [Delivery(tmp_path / "two.clean.mkv")], PLAIN, options)
    for number, report in enumerate(reports):
        path = tmp_path / f"{number}.json"
        path.write_text(to_report_json(report))
        with pytest.raises(PresetError, match="2 clean tracks") as caught:
            load_base(path)
        assert "--tracks 1,2" in caught.value.hint


def test_spans_without_stems_are_done_by_the_network_of_the_result_or_not_at_all(spoken: Path, tmp_path: Path) -> None:
    report = clean(spoken, tmp_path / "first.wav", PLAIN, CleanOptions(engine=HALF))
    (tmp_path / "first.json").write_text(to_report_json(report))
    base = load_base(tmp_path / "first.json")
    other: Any = "fake:positive"
    preset = override(base.preset, ["duck.mode=leave"])

    def again(engine: Any, name: str) -> None:
        options = CleanOptions(base=base, only=("8-8.5",), engine=engine)
        deliver(base.source, [Delivery(tmp_path / name)], preset, options)

    with pytest.raises(PresetError, match="more than the spans would change"):
        again(other, "other.wav")
    assert not (tmp_path / "other.wav").exists()
    again(HALF, "same.wav")
    changed = np.flatnonzero((read(tmp_path / "first.wav") != read(tmp_path / "same.wav")).any(axis=0)) / RATE
    assert 7.97 < changed[0] <= changed[-1] < 8.53


def test_a_span_from_the_first_sample_on_changes_nothing_that_is_not_declared(tmp_path: Path) -> None:
    from preview.making import talk

    source = talk(tmp_path / "talk.wav", music_db=(3.0, -99.0), part_s=4.0)
    options = CleanOptions(engine=HALF, record=True)
    report = clean(source, tmp_path / "first.wav", PLAIN, options)
    assert report.proof is not None
    assert report.proof.undeclared == 0
    (tmp_path / "first.json").write_text(to_report_json(report))
    base = load_base(tmp_path / "first.json")
    preset = override(base.preset, ["duck.mode=leave"])
    (again,) = deliver(
        base.source, [Delivery(tmp_path / "second.wav")], preset, replace(options, base=base, only=("0-2",))
    )
    assert again.proof is not None
    assert again.proof.changed < report.proof.changed
    assert again.proof.undeclared == 0


def test_a_second_delivery_is_remixed_from_the_stems_of_the_first(tmp_path: Path, made: Made, cli: Cli) -> None:
    """The advice is run as it stands."""
    source = Path(shutil.copy(made.source, tmp_path / "talk.wav"))
    specs = ("--spec", "ebu-r128", "--spec", "apple-podcasts")
    assert cli("clean", source, *specs, "--residual", "--engine", "none").code in {0, 1}
    second = tmp_path / "talk.clean.apple-podcasts.wav"
    if not (tmp_path / "talk.clean.ebu-r128.stems").exists():
        (tmp_path / "talk.clean.ebu-r128.stems").mkdir()
        shutil.copy(made.stems / "stems.json", tmp_path / "talk.clean.ebu-r128.stems")
    ran = cli("remix", second, "--dose", "remove", "--overwrite")
    assert ran.code == 2
    advice = ran.err.split("the stems of its run: mediaclean ")[1].splitlines()[0]
    words = shlex.split(advice)
    assert words[:2] == ["remix", str(tmp_path / "talk.clean.ebu-r128.stems")]
    assert words[2:] == ["--spec", "apple-podcasts", "-o", str(second), "--overwrite"]
