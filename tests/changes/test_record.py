"""The change record tells the truth: of every preset, on the mixdown and on the file."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from e2e.conftest import Cli

from changes.conftest import HALF, ONLY_THERE, RATE, Made, read
from mediaclean import CleanOptions, clean, load_preset
from mediaclean.analysis import Analysis
from mediaclean.deciding import decide
from mediaclean.job import Job
from mediaclean.listening import listen, open_job
from mediaclean.media import decode
from mediaclean.mixing import make_mix
from mediaclean.preset import preset_names
from mediaclean.progress import ignore
from mediaclean.result.changes import declared, prove
from mediaclean.separate import separate_cuts


@pytest.fixture(scope="module")
def heard(spoken: Path) -> tuple[Job, Analysis]:
    job = open_job(spoken, "documentary", CleanOptions(), ignore)
    return job, listen(job)


MORE = {
    "documentary": ["breath.amount_db=9", "phrases.amount=1", "deess.amount_db=6"],
    "social": ["declick=on", "declip=on"],
    "transcript": ["duck.mode=reduce"],
}
"""Stages that the preset leaves off."""


@pytest.mark.parametrize("name", preset_names())
def test_the_null_test_of_every_preset(heard: tuple[Job, Analysis], name: str) -> None:
    """Every sample that differs lies in a declared change, and there are some that differ and some that do not."""
    from mediaclean.backends import fake

    job = replace(heard[0], preset=load_preset(name, ["ledger=off", *ONLY_THERE, *MORE.get(name, [])]))
    plan = decide(job, heard[1])
    cuts = [cut.span for cut in plan.cuts]
    assert cuts
    sound = separate_cuts(job.mending(plan).sound(), cuts, fake.load("half"), rate=RATE, length=plan.length)
    mix = make_mix(job, plan, dict(sound).__getitem__)
    proof = prove(decode(job.media, job.track), mix.chunks("prove"), mix.changes, job.rate)
    assert proof.ok, proof
    assert proof.samples == plan.length
    assert 0.1 < proof.changed / proof.samples <= sum(s.length for s in declared(mix.changes)) / plan.length
    middle = (cuts[0].start + cuts[0].stop) // 2
    hidden = [change for change in mix.changes if not change.span.start <= middle < change.span.stop]
    assert not prove(decode(job.media, job.track), mix.chunks("prove"), hidden, job.rate).ok, "the test can fail"


def test_the_null_test_with_the_real_network_down_to_the_file(spoken: Path, tmp_path: Path) -> None:
    """In the finished file, too: outside of the changes and of the limiter it is the source at the static gain."""
    target = tmp_path / "out.wav"
    preset = load_preset("social", ["ledger=off", "duck.mode=remove", "loudness.target_lufs=-9"])
    report = clean(spoken, target, preset, CleanOptions(engine="dialogue", record=True))
    assert report.proof is not None
    assert report.proof.ok
    assert report.engine is not None
    assert report.level is not None
    weights = Path(__file__).parents[2] / "mediaclean" / "backends" / "dialogue.safetensors"
    assert report.engine.weights == (hashlib.sha256(weights.read_bytes()).hexdigest(),)
    old, new = read(spoken), read(target)
    free = np.ones(old.shape[1], dtype=bool)
    for change in report.changes:
        free[change.span.start : change.span.stop] = False
    assert report.level.limiter_db > 0.1, "the limiter is at work here"
    for reduction in report.level.limited:
        free[reduction.start : reduction.stop] = False
    assert free.sum() > RATE
    off = np.abs(new - old * 10 ** (report.level.exact_db / 20))
    assert off[:, free].max() <= 2 * 2.0**-23
    assert off[:, ~free].max() > 0.01


def test_the_record_binds_both_files_and_says_what_lies_between(made: Made, cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "new.wav"
    words = ("remix", made.stems, "--source", made.source, "--only", "8-10", "--dose", "remove", "--engine", "none")
    assert cli(*words, "-o", out, "--record").code == 0
    record = json.loads((tmp_path / "new.changes.json").read_text(encoding="utf-8"))
    for name, path in (("source", made.source), ("result", out)):
        assert record[name]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert record[name]["bytes"] == path.stat().st_size
    assert record["proof"]["ok"]
    assert record["picture_lock"] is True
    assert record["network"]["identity"] == "fake:half"
    assert record["settings"]["duck"]["target_lu"] == 6.5
    assert record["versions"]["mediaclean"]
    assert record["level"]["gain_db"] == made.report.level.gain_db if made.report.level else None
    assert [row["spans_s"] for row in record["done_again"]] == [[[8.0, 10.0]]]
    text = (tmp_path / "new.changes.txt").read_text(encoding="utf-8")
    for value in (record["source"]["sha256"], record["result"]["sha256"], "bit by bit", "0:00:08.000 to 0:00:10.000"):
        assert value in text
    rows = re.findall(r"^  (\d+:\d\d:\d\d\.\d{3})  (\d+:\d\d:\d\d\.\d{3})  (.+?)  ", text, re.MULTILINE)
    assert len(rows) == len(record["changes"]) + len(record["level"]["limited"])


def test_no_record_unless_it_is_asked_for(made: Made) -> None:
    assert sorted(path.name for path in made.target.parent.iterdir()) == ["talk.clean.stems", "talk.clean.wav"]
    assert made.report.proof is None


def test_a_record_of_a_copy_says_that_nothing_changed(made: Made, tmp_path: Path) -> None:
    neutral = load_preset("documentary", ["duck=off", "separate=off", "room_tone=off", "loudness=off"])
    clean(made.source, tmp_path / "copy.wav", neutral, CleanOptions(engine=HALF, record=True))
    text = (tmp_path / "copy.changes.txt").read_text(encoding="utf-8")
    for line in ("Nothing but the level was changed.", "Level: as it was.", "none: nothing was separated"):
        assert line in text
    record = json.loads((tmp_path / "copy.changes.json").read_text(encoding="utf-8"))
    assert record["proof"]["changed"] == 0
