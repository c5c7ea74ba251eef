"""What the page plays is what `clean` would make of that place, sample by sample."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mediaclean import CleanOptions, PresetError, load_preset
from mediaclean.audio import Span
from mediaclean.bed.duck import DuckSettings
from mediaclean.doses import DOSES, REACH, check_doses, render_doses, with_dose
from mediaclean.job import Job
from mediaclean.listening import listen, open_job
from mediaclean.mixing import make_mix
from mediaclean.plan.make import make_plan
from mediaclean.preset import Preset
from mediaclean.progress import ignore
from mediaclean.voices import separate_voices
from preview.making import ONLY_THERE, RATE, talk

HALF = CleanOptions(engine="fake:half")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return talk(tmp_path_factory.mktemp("doses") / "talk.wav", music_db=(-99.0, 0.0, -9.0, 6.0))


@pytest.fixture(scope="module")
def job(source: Path) -> Job:
    return open_job(source, load_preset("documentary", ONLY_THERE), HALF, ignore)


SPANS = (Span(0, 3 * RATE), Span(5 * RATE + 7, 21 * RATE))
"""The bed rides from 3.5 to 24.4 s: behind the first passage, and within reach of the second."""


LOUDER = (Span(0, 3 * RATE), Span(18 * RATE + 7, 31 * RATE))
"""Where even by this engine there is something to be won."""


@pytest.mark.parametrize("dose", DOSES)
def test_a_dose_is_what_clean_makes_of_the_place(job: Job, dose: str, tmp_path: Path) -> None:
    spans = SPANS
    if dose == "auto":  # which leaves what half of a voice would be lost in
        job = replace(job, options=CleanOptions(engine="fake:positive"))  # type: ignore[arg-type]
        spans = LOUDER
    analysis = listen(job)
    dosing = render_doses(job, analysis, spans, [dose])
    whole_job = replace(job, preset=with_dose(job.preset, dose))
    plan = make_plan(analysis, whole_job.preset, engine=job.options.engine)
    voices, _ = separate_voices(whole_job, plan, analysis.stats, tmp_path / "spool", lambda _: None)
    whole = np.concatenate(
        list(make_mix(whole_job, plan, voices, ledger=whole_job.preset.ledger).chunks("measure")), axis=1
    )
    passages = list(dosing.passages)
    for passage, span in zip(passages, spans, strict=True):
        # windows of the fake lie elsewhere, so its sums of halves round elsewhere: -130 dBFS
        np.testing.assert_allclose(passage.mixes[dose], whole[:, span.start : span.stop], rtol=0, atol=3e-7)
    changed = any(not np.array_equal(passage.mixes[dose], passage.original) for passage in passages)
    assert changed == (dose != "leave")


def test_auto_does_nothing_where_separation_would_cost_as_much_as_it_gains(job: Job) -> None:
    for passage in render_doses(job, listen(job), SPANS, ["auto"]).passages:
        np.testing.assert_array_equal(passage.mixes["auto"], passage.original)


def test_one_separation_serves_all_doses(job: Job) -> None:
    analysis = listen(job)
    together = render_doses(job, analysis, SPANS, DOSES)
    alone = render_doses(job, analysis, SPANS, ["remove"])
    for both, one in zip(together.passages, alone.passages, strict=True):
        np.testing.assert_allclose(both.mixes["remove"], one.mixes["remove"], rtol=0, atol=3e-7)
    most = sum(span.length for span in SPANS) / RATE * (1 + 2 * REACH)
    assert 0.0 < together.separated_s <= most


def test_an_hour_costs_a_twentieth_at_most() -> None:
    """Three passages of thirty seconds with their reach, against an hour that is separated throughout."""
    assert 3 * 30.0 * (1 + 2 * REACH) <= 0.05 * 3600.0


def test_a_preset_without_ducking_gets_the_dose() -> None:
    assert with_dose(Preset("bare"), "remove").duck == DuckSettings(mode="remove")
    strict = load_preset("documentary", ["duck.target_lu=17"])
    assert strict.duck is not None
    assert with_dose(strict, "duck").duck == replace(strict.duck, mode="duck")


@pytest.mark.parametrize(
    ("doses", "said"),
    [(["ducks"], "did you mean duck?"), (["leave", "remov"], "did you mean remove?"), ([], "no dose")],
)
def test_unknown_doses_are_refused(doses: list[str], said: str) -> None:
    with pytest.raises(PresetError, match=said.replace("?", r"\?")):
        check_doses(doses)


def test_doses_keep_their_order_once() -> None:
    assert check_doses(["remove", "duck", "remove"]) == ("remove", "duck")
