"""What no lighter dose helps is separated by another engine, heard in the passage alone, kept only if that helps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from backends.small_networks import save_safetensors, small_htdemucs
from numpy.typing import NDArray

from ledger.making import LENGTH, PHRASES, RATE, Case, hollow
from mediaclean import CleanOptions, load_preset
from mediaclean.analysis import TrackStats
from mediaclean.audio import Block, Span
from mediaclean.backends import fake
from mediaclean.backends.registry import load_other
from mediaclean.bed.duck import DuckSettings, duck
from mediaclean.errors import BackendError, PresetError
from mediaclean.job import Job
from mediaclean.ledger import LedgerSettings
from mediaclean.listening import open_job
from mediaclean.other_engine import OtherEngine, other_engine, passages_of, replaced
from mediaclean.plan.as_json import from_json, to_dict, to_json
from mediaclean.plan.make import Cut, Phrase, Plan, PlannedDip, SeparateSettings
from mediaclean.progress import ignore
from mediaclean.render import bed_curve
from mediaclean.selfrepair import heal
from mediaclean.separate import Separator

FADE = round(0.02 * RATE)
STUBBORN = LedgerSettings(steps=1, step_db=0.5)
"""A dose so little lighter that it helps nothing."""


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory, clean: Case) -> Job:
    path = tmp_path_factory.mktemp("other") / "mix.wav"
    soundfile.write(path, clean.voice + clean.bed, RATE, subtype="FLOAT")
    preset = replace(load_preset("podcast"), duck=DuckSettings(mode="remove", attack_s=0.2, release_s=0.3))
    return open_job(path, preset, CleanOptions(engine="none"), ignore)


PLAN = Plan(
    RATE,
    LENGTH,
    phrases=tuple(Phrase(span, 1.0, -23.0, -38.0) for span in PHRASES),
    cuts=(Cut(Span(0, LENGTH), "bed"),),
    dips=(PlannedDip(Span(0, LENGTH), -30.0, "bed removed"),),
)


def engine(job: Job, folder: Path, separator: Separator | None) -> OtherEngine:
    return OtherEngine(job, lambda: separator, LENGTH, folder / "spool", lambda _: None)


def truth(clean: Case) -> Separator:
    mix = (clean.voice + clean.bed)[None].astype(np.float32)
    return fake.oracle(mix, clean.voice[None].astype(np.float32), rate=RATE)


def blocks(case: Case):
    def start(_: str) -> Iterator[Block]:
        return (block for block, _, _ in case.heard())

    return start


def sound(job: Job, case: Case, plan: Plan, other: OtherEngine, size: int = 50_000) -> NDArray[np.float32]:
    source = replaced((block for block, _, _ in case.heard(size)), other.beds(passages_of(plan)), FADE)
    return np.concatenate([mixed[0] for _, _, mixed in duck(source, bed_curve(plan, job.preset.duck, RATE))])


def test_a_better_engine_is_kept_and_heard_in_the_passage_alone(job: Job, clean: Case, tmp_path: Path) -> None:
    case, other = hollow(clean), engine(job, tmp_path, truth(clean))
    _, before = heal(job, PLAN, blocks(case), STUBBORN)
    healed, after = heal(job, PLAN, blocks(case), STUBBORN, other=other)
    assert before is not None
    assert after is not None
    assert before.score > 0.0
    assert not any(repair.raised_db for repair in before.repairs)
    assert after.score == 0.0
    kept = [repair for repair in after.repairs if repair.engine]
    assert {repair.engine for repair in kept} == {"fake:oracle"}
    assert passages_of(healed) == [repair.span for repair in kept]
    old, new = sound(job, case, PLAN, other), sound(job, case, healed, other)
    inside = np.zeros(LENGTH, dtype=bool)
    for span in passages_of(healed):
        inside[span.start : span.stop] = True
    assert inside.mean() < 0.5
    assert np.array_equal(old[~inside], new[~inside])
    assert not np.array_equal(old[inside], new[inside])
    assert np.array_equal(new, sound(job, case, healed, other, size=7919)), "the size of a block does not matter"
    assert any("separated again by fake:oracle: hollow tone" in dip.reason for dip in healed.dips)


@pytest.mark.parametrize("name", ["silent", "none"])
def test_an_engine_that_does_not_help_is_rolled_back(job: Job, clean: Case, tmp_path: Path, name: str) -> None:
    other = engine(job, tmp_path, None if name == "none" else fake.load(name, rate=RATE))
    healed, ledger = heal(job, PLAN, blocks(hollow(clean)), STUBBORN, other=other)
    assert healed == PLAN
    assert ledger is not None
    assert ledger.repairs
    assert all(repair.engine == "" and repair.after == repair.before for repair in ledger.repairs)


def test_an_engine_that_fails_at_it_is_told_of_and_no_reason_to_stop(job: Job, clean: Case, tmp_path: Path) -> None:
    failing = fake.load("half", rate=RATE)
    failing.voice = lambda mix: mix * np.float32(np.nan)
    told: list[str] = []
    other = OtherEngine(job, lambda: failing, LENGTH, tmp_path / "spool", told.append)
    healed, ledger = heal(job, PLAN, blocks(hollow(clean)), STUBBORN, other=other)
    assert healed == PLAN
    assert ledger is not None
    assert ledger.repairs
    assert len(told) == 1
    assert "not numbers" in told[0]


def test_a_lighter_dose_that_helps_comes_first(job: Job, clean: Case, tmp_path: Path) -> None:
    tried = fake.load("identity", rate=RATE)
    healed, _ = heal(
        job, PLAN, blocks(hollow(clean)), LedgerSettings(steps=6, step_db=5.0), other=engine(job, tmp_path, tried)
    )
    assert any(dip.lighter_db for dip in healed.dips)
    assert tried.seen == []


def test_the_setting_turns_it_off(job: Job, clean: Case, tmp_path: Path) -> None:
    off = replace(STUBBORN, other_engine_s=0.0)
    assert other_engine(
        replace(job, preset=replace(job.preset, ledger=STUBBORN)), PLAN, None, tmp_path, main="dialogue-1", note=print
    )  # type: ignore[arg-type]
    quiet = replace(job, preset=replace(job.preset, ledger=off))
    assert other_engine(quiet, PLAN, None, tmp_path, main="dialogue-1", note=print) is None  # type: ignore[arg-type]
    healed, _ = heal(job, PLAN, blocks(hollow(clean)), off, other=engine(job, tmp_path, truth(clean)))
    assert healed == PLAN


def test_demucs_without_weights_is_no_other_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mediaclean import models

    def never(*_: object) -> None:
        raise AssertionError("nothing may be fetched")

    absent = models.Model("htdemucs", "demucs", "MIT", "", (models.WeightFile("x", 1.0, None, "", None),))
    monkeypatch.setattr(models, "find", lambda *_: absent)
    monkeypatch.setattr(models, "fetch", never)
    assert load_other("dialogue-1 sha256:0", stats=None, folder=tmp_path) is None  # type: ignore[arg-type]
    assert load_other("fake:half", stats=None, folder=tmp_path) is None  # type: ignore[arg-type]


def test_demucs_itself_is_heard_and_rolled_back(job: Job, clean: Case, tmp_path: Path) -> None:
    """The real engine with its real loading code, and weights that nobody trained: tried, of no help, so left out."""
    networks = tmp_path / "networks"
    networks.mkdir()
    save_safetensors(small_htdemucs(), networks / "aaaaaaaa.safetensors")
    (networks / "small.yaml").write_text("models: [aaaaaaaa]")
    preset = replace(job.preset, ledger=STUBBORN, separate=SeparateSettings(model="small"))
    job = replace(job, preset=preset, options=CleanOptions(models=networks, device="cpu"))
    told: list[str] = []
    other = other_engine(job, PLAN, TrackStats(0.0, 0.1), tmp_path / "spool", main="dialogue-1", note=told.append)
    assert other is not None
    healed, ledger = heal(job, PLAN, blocks(hollow(clean)), STUBBORN, other=other)
    assert "small" in other.name
    assert healed == PLAN
    assert ledger is not None
    assert ledger.repairs
    assert told == []
    tried = [repair.span for repair in ledger.repairs]
    heard = [bed() for bed in other.beds(tried).values()]
    assert [bed.shape[1] for bed in heard] == [span.length for span in tried]
    for span, bed in zip(tried, heard, strict=True):
        voice = (clean.voice + clean.bed)[span.start : span.stop] - bed[0]
        assert np.isfinite(voice).all()
        assert np.abs(voice).max() > 0.0, "a network of random weights answers something"


def test_a_mended_plan_says_so_and_is_only_judged(job: Job, clean: Case, tmp_path: Path) -> None:
    case, other = hollow(clean), engine(job, tmp_path, truth(clean))
    healed, first = heal(job, PLAN, blocks(case), STUBBORN, other=other)
    read = from_json(to_json(healed))
    assert read == healed
    assert read.mended
    again, second = heal(job, read, blocks(case), LedgerSettings(steps=6, step_db=5.0), other=other)
    assert again == read
    assert first is not None
    assert second is not None
    assert second.marks == first.marks
    assert second.repairs == ()


def test_a_plan_of_before_reads_as_not_mended() -> None:
    table = to_dict(PLAN)
    assert "mended" not in table
    assert all("engine" not in dip for dip in table["dips"])
    assert from_json(json.dumps(table)) == PLAN
    with pytest.raises(PresetError, match=r"plan\.mended"):
        from_json(json.dumps({**table, "mended": 1}))


def test_a_plan_that_wants_an_engine_that_is_not_here_is_refused(job: Job, tmp_path: Path) -> None:
    wanting = replace(PLAN, dips=(replace(PLAN.dips[0], engine="demucs-9"),))
    with pytest.raises(BackendError, match="demucs-9"):
        other_engine(job, wanting, None, tmp_path, main="fake:half", note=print)  # type: ignore[arg-type]
