"""The voice finished in a whole run: it changes what it declares, can be repeated and edited, and is off at zero."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from e2e.making import float_wav, speech
from scipy.signal import butter, sosfilt

from mediaclean import CleanOptions, load_preset
from mediaclean.audio import Samples, Span
from mediaclean.bed.duck import DuckSettings
from mediaclean.job import Job
from mediaclean.listening import listen, open_job
from mediaclean.mixing import Mix, make_mix
from mediaclean.plan.as_json import from_json, to_json
from mediaclean.plan.make import Plan, make_plan
from mediaclean.polish.records import PROCESSES
from mediaclean.progress import ignore
from mediaclean.render import Voices
from mediaclean.voices import separate_voices

RATE = 48_000
EAGER = [
    "breath.amount_db=9", "deess.amount_db=6", "deess.under_lu=20", "presence.amount=1", "phrases.amount=1",
    "phrases.within_lu=0", "phrases.most_db=6",
]  # fmt: skip
ZERO = ["breath.amount_db=0", "deess.amount_db=0", "presence.amount=0", "phrases.amount=0"]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clean sentences of two levels, a breath before one of them, and a third over music."""
    said = speech(6.0, RATE, 2)
    loud, soft = said, np.float32(0.6) * said
    breath = sosfilt(
        butter(4, (500, 3_000), "bandpass", fs=RATE, output="sos"), np.random.default_rng(1).standard_normal(RATE)
    )
    pause = np.zeros((2, 2 * RATE), np.float32)
    pause[:, -round(0.45 * RATE) : -round(0.1 * RATE)] += (0.015 * breath[: round(0.35 * RATE)]).astype(np.float32)
    over_music = speech(6.0, RATE, 2, music_db=0.0)
    folder = tmp_path_factory.mktemp("polish")
    return float_wav(folder / "talk.wav", np.concatenate([loud, pause, soft, pause, loud, pause, over_music], axis=1))


def opened(source: Path, *overrides: str) -> Job:
    options = CleanOptions(engine="fake:half")  # type: ignore[arg-type]
    return open_job(source, load_preset("documentary", overrides), options, ignore)


def mixed(job: Job, folder: Path, plan: Plan | None = None) -> tuple[Mix, Voices]:
    analysis = listen(job)
    plan = plan or make_plan(analysis, job.preset, engine=job.options.engine)
    voices, _ = separate_voices(job, plan, analysis.stats, folder / "spool", lambda _: None)
    return make_mix(job, plan, voices), voices


def sound(mix: Mix) -> Samples:
    return np.concatenate(list(mix.chunks("measure")), axis=1)


def original(job: Job) -> Samples:
    return np.concatenate(list(job.chunks("measure")), axis=1)


def test_every_changed_sample_lies_in_a_declared_interval(source: Path, tmp_path: Path) -> None:
    job = opened(source, *EAGER, "duck=off")
    mix, _ = mixed(job, tmp_path)
    found = {row.process for row in mix.plan.voice_gains or ()}
    assert found >= {"breath", "deess", "phrases"}
    assert mix.plan.changes_sound
    declared = np.zeros(mix.plan.length, dtype=bool)
    for span in mix.changed():
        declared[span.start : span.stop] = True
    differs = np.any(sound(mix) != original(job), axis=0)
    assert not np.any(differs & ~declared)
    assert np.mean(differs[declared]) > 0.5


def test_a_separated_voice_is_ridden_and_its_bed_is_not(source: Path, tmp_path: Path) -> None:
    """The fake takes half of all for the voice: with g on the voice, the mix is (1 + g) / 2 of what it was."""
    job = opened(source, "phrases.amount=1", "phrases.within_lu=0", "duck.floor_db=0")
    mix, _ = mixed(job, tmp_path)
    was, now, judged = original(job), sound(mix), 0
    for row in mix.plan.voice_gains or ():
        words = Span(row.span.start + RATE // 4, row.span.stop - RATE // 4)
        for cut in mix.plan.cuts:
            separated = Span(cut.span.start + RATE // 50, cut.span.stop - RATE // 50)
            if here := separated.clip(words.start, words.stop):
                share = np.float32(0.5 + 0.5 * 10 ** (row.gain_db / 20))
                part = slice(here.start, here.stop)
                np.testing.assert_allclose(now[:, part], was[:, part] * share, rtol=0, atol=1e-6)
                judged += here.length
    assert judged > 2 * RATE


def test_at_amount_zero_the_sound_is_the_decoder_s_own(source: Path, tmp_path: Path) -> None:
    job = opened(source, *ZERO, "duck=off", "room_tone=off")
    mix, _ = mixed(job, tmp_path)
    assert mix.plan.voice_gains == ()
    assert not mix.plan.changes_sound
    assert not mix.changed()
    assert np.array_equal(sound(mix), original(job))


def test_the_default_preset_leaves_the_voice_alone(source: Path) -> None:
    job = opened(source)
    assert make_plan(listen(job), job.preset, engine=job.options.engine).voice_gains == ()


def test_a_plan_repeats_its_run_and_is_followed_when_edited(source: Path, tmp_path: Path) -> None:
    """Whatever the preset says by then."""
    job = opened(source, *EAGER)
    mix, voices = mixed(job, tmp_path)
    read = from_json(to_json(mix.plan))
    assert read.voice_gains == mix.plan.voice_gains
    other = replace(job, preset=replace(load_preset("documentary"), duck=DuckSettings()))
    again = make_mix(other, read, voices)
    assert np.array_equal(sound(again), sound(mix))
    rows = tuple(row for row in read.voice_gains or () if row.process == "breath")
    edited = make_mix(other, replace(read, voice_gains=rows), voices)
    assert edited.plan.voice_gains == rows
    assert not np.array_equal(sound(edited), sound(mix))
    none = make_mix(job, replace(read, voice_gains=()), voices)  # taken out by hand, they do not come back
    assert none.plan.voice_gains == ()


def test_rows_are_in_order_and_do_not_overlap_within_a_process(source: Path, tmp_path: Path) -> None:
    mix, _ = mixed(opened(source, *EAGER), tmp_path)
    rows = mix.plan.voice_gains or ()
    assert list(rows) == sorted(rows, key=lambda row: (row.span, PROCESSES.index(row.process)))
    for process in PROCESSES:
        own = [row.span for row in rows if row.process == process]
        assert all(one.stop <= other.start for one, other in itertools.pairwise(own))
