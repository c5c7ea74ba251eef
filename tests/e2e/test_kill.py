"""A run may die at any moment: nothing lies under the target's name, and the same command goes on where it was."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

import mediaclean.voices as voices
from e2e.conftest import Cli
from e2e.looking import digest, names
from e2e.making import INTERVIEW, film
from mediaclean import CleanOptions, clean, load_preset
from mediaclean.errors import OutputError
from mediaclean.spool import Spool

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and signals")

HALF = CleanOptions(engine="fake:half")
PRESET = load_preset("podcast", ["separate.longest_s=5"])


@pytest.fixture(scope="module")
def long_song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Speech over loud music, in cuts of at most five seconds. PCM, so that files repeat."""
    return film(tmp_path_factory.mktemp("song") / "song.wav", seconds=8.0, rate=16_000, music_db=3.0)


def test_killed_at_twenty_random_moments(tmp_path: Path, long_song: Path) -> None:
    driver = Path(__file__).parent / "killing.py"
    ran = subprocess.run(
        [sys.executable, str(driver), str(long_song), str(tmp_path), "20"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["killed"] >= 8, "most runs were caught alive"
    assert found["same"]
    assert found["left"] == ["out.wav"], "the last run swept away what the killed ones had left"


def is_spool(name: str) -> bool:
    """The hidden folder in which the voices of a stopped run wait for the next."""
    return name.startswith(".") and name.endswith(".mediaclean")


class Power(BaseException):
    """The power fails: nothing may catch this and go on."""


def test_a_rerun_takes_up_the_voices_that_are_there(
    tmp_path: Path, long_song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = clean(long_song, tmp_path / "whole.wav", PRESET, HALF)
    cuts = len(whole.plan.cuts)
    assert cuts >= 2
    put, kept = Spool.put, []

    def counting(spool: Spool, index: int, voice: object) -> None:
        put(spool, index, voice)  # type: ignore[arg-type]
        kept.append(index)
        if len(kept) == 1:
            raise Power

    monkeypatch.setattr(Spool, "put", counting)
    with pytest.raises(Power):
        clean(long_song, tmp_path / "stopped.wav", PRESET, HALF)
    assert [name for name in names(tmp_path) if not is_spool(name)] == ["whole.wav"]
    assert any(map(is_spool, names(tmp_path)))
    first = list(kept)
    kept[:] = [-1]  # what follows does not stop it
    clean(long_song, tmp_path / "stopped.wav", PRESET, HALF)
    assert sorted([*first, *kept[1:]]) == list(range(cuts)), "every cut is separated once"
    assert digest(tmp_path / "stopped.wav") == digest(tmp_path / "whole.wav")
    assert names(tmp_path) == ["stopped.wav", "whole.wav"]


@pytest.mark.parametrize("change", ["engine", "plan", "none"])
def test_voices_of_another_run_are_not_taken(
    tmp_path: Path, long_song: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise Power

    with monkeypatch.context() as patch:
        import mediaclean.rendering as rendering

        patch.setattr(rendering, "make_mix", stopped)
        with pytest.raises(Power):
            clean(long_song, tmp_path / "out.wav", PRESET, HALF)
    assert names(tmp_path)
    assert all(map(is_spool, names(tmp_path)))
    engine = {"engine": "fake:silent", "plan": "fake:half", "none": "none"}[change]
    preset = load_preset("podcast", ["separate.longest_s=7"]) if change == "plan" else PRESET
    clean(long_song, tmp_path / "out.wav", preset, CleanOptions(engine=engine))
    clean(long_song, tmp_path / "fresh.wav", preset, CleanOptions(engine=engine))
    assert digest(tmp_path / "out.wav") == digest(tmp_path / "fresh.wav")
    assert names(tmp_path) == ["fresh.wav", "out.wav"]


def test_the_engine_is_not_asked_for_what_is_there(
    tmp_path: Path, long_song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mediaclean.rendering as rendering

    def stopped(*_: object, **__: object) -> None:
        raise Power

    with monkeypatch.context() as patch:
        patch.setattr(rendering, "make_mix", stopped)
        with pytest.raises(Power):
            clean(long_song, tmp_path / "out.wav", PRESET, HALF)
    seen = []
    load = voices.load_separator

    def watched(*words: object, **named: object) -> object:
        separator, reason = load(*words, **named)  # type: ignore[arg-type]
        real = separator.separate
        monkeypatch.setattr(separator, "separate", lambda mix: (seen.append(mix.shape), real(mix))[1])
        return separator, reason

    monkeypatch.setattr(voices, "load_separator", watched)
    clean(long_song, tmp_path / "out.wav", PRESET, HALF)
    assert seen == []


@pytest.mark.parametrize("json_lines", [False, True])
def test_ctrl_c_gives_130_and_cleans_up(tmp_path: Path, json_lines: bool) -> None:
    """The sample takes some seconds to separate; the signal comes while that is being done."""
    target = tmp_path / "out.mp4"
    words = [sys.executable, "-m", "mediaclean", "clean", str(INTERVIEW), "-o", str(target), "--engine", "dialogue"]
    running = subprocess.Popen(
        [*words, *(["--json"] if json_lines else [])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # whoever runs the tests in the background may have had this signal ignored, and a child inherits that
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    limit = time.monotonic() + 60
    while not any(tmp_path.glob(".*.mediaclean")) and running.poll() is None and time.monotonic() < limit:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert "Traceback" not in err
    if json_lines:
        last = json.loads(out.splitlines()[-1])
        assert (last["event"], last["exit_code"]) == ("error", 130)
        assert err == ""
    else:
        assert "interrupted" in err
    assert all(map(is_spool, names(tmp_path)))


def test_stopped_between_the_result_and_its_stems_is_said_and_taken_up(
    tmp_path: Path, long_song: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    target = tmp_path / "song.clean.wav"
    shutil.copy(long_song, tmp_path / "song.wav")
    keeping = replace(HALF, residual=True)

    def power_fails(*_: object, **__: object) -> None:
        raise Power

    with monkeypatch.context() as patched:
        patched.setattr("mediaclean.result.keep.write_stems", power_fails)
        with pytest.raises(Power):
            clean(tmp_path / "song.wav", target, PRESET, keeping)
    result = digest(target)
    with pytest.raises(OutputError, match="a run for it was stopped before its end") as refused:
        clean(tmp_path / "song.wav", target, PRESET, HALF)  # without stems is another wish
    assert "--overwrite" in refused.value.hint
    said = cli("clean", tmp_path, "--engine", "none").err
    assert f"{target} is there already, but a run for it was stopped" in said
    assert digest(target) == result
    monkeypatch.setattr(Spool, "put", power_fails)  # nothing is separated again
    clean(tmp_path / "song.wav", target, PRESET, keeping)
    assert digest(target) == result
    assert {"song.clean.wav", "song.clean.stems", "song.wav"} == set(names(tmp_path))
    with pytest.raises(OutputError, match=r"exists already$"):
        clean(tmp_path / "song.wav", target, PRESET, keeping)


def test_a_stopped_delivery_is_not_taken_up_for_another_one(
    tmp_path: Path, long_song: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    """A master of -23 LUFS lies there; the podcast's -16 does not take its place."""
    for name in ("song.wav", "other.wav"):
        shutil.copy(long_song, tmp_path / name)
    master = tmp_path / "song.clean.wav"
    words = ("clean", tmp_path / "song.wav", "--engine", "none", "--record", "--spec")

    def disk_is_full(*_: object, **__: object) -> None:
        raise OutputError("no space", "elsewhere")

    with monkeypatch.context() as patched:
        patched.setattr("mediaclean.result.keep.write_record", disk_is_full)
        assert cli(*words, "ebu-r128").code == 5
    before = digest(master)
    for inputs in ((), (tmp_path / "other.wav",)):  # alone, and in a batch
        ran = cli(*words, "apple-podcasts", *inputs)
        assert "a run for it was stopped" in ran.err
        assert digest(master) == before
    assert cli(*words, "ebu-r128").code == 0
    assert digest(master) == before
    assert (tmp_path / "song.clean.changes.json").exists()


def test_what_somebody_else_put_there_since_is_not_replaced(
    tmp_path: Path, long_song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, keeping = tmp_path / "out.wav", replace(HALF, record=True)

    def power_fails(*_: object, **__: object) -> None:
        raise Power

    with monkeypatch.context() as patched:
        patched.setattr("mediaclean.result.keep.write_record", power_fails)
        with pytest.raises(Power):
            clean(long_song, target, PRESET, keeping)
    made = target.read_bytes()
    target.write_bytes(b"somebody's own work")
    with pytest.raises(OutputError, match="a run for it was stopped"):
        clean(long_song, target, PRESET, keeping)
    assert target.read_bytes() == b"somebody's own work"
    target.write_bytes(made)
    clean(long_song, target, PRESET, keeping)
    assert names(tmp_path) == ["out.changes.json", "out.changes.txt", "out.wav"]


def test_a_batch_goes_on_with_what_is_missing_beside_a_result(
    tmp_path: Path, long_song: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    shutil.copy(long_song, tmp_path / "song.wav")
    words = ("clean", tmp_path, "--engine", "none", "--page")

    def disk_is_full(*_: object, **__: object) -> None:
        raise OutputError("no space", "elsewhere")

    with monkeypatch.context() as patched:
        patched.setattr("mediaclean.result.keep.write_page", disk_is_full)
        assert cli(*words).code == 5
    assert (tmp_path / "song.clean.wav").exists()
    assert not (tmp_path / "song.clean.html").exists()
    ran = cli(*words)
    assert ran.code == 0
    assert "skipped" not in ran.err
    assert names(tmp_path) == ["song.clean.html", "song.clean.wav", "song.wav"]
    assert "1 skipped" in cli(*words).err
