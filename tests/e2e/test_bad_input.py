"""Bad input and bad wishes: one sentence, a hint, the right exit code, and nothing left behind."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from e2e.conftest import Cli, Ran
from e2e.looking import decoded, digest, names
from e2e.making import Extras, Track, film, float_wav, speech, write_media

PRESET, MEDIA, BACKEND, OUTPUT = 2, 3, 4, 5


def refused(ran: Ran, code: int, *words: str) -> None:
    """The answer is one sentence and a hint, and nothing else but the log of what was done until then."""
    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err + ran.out
    assert ran.out == ""
    lines = [line for line in ran.err.splitlines() if line.strip() and " s of sound in " not in line]
    assert len(lines) == 2, ran.err
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("  try: ")
    assert len(lines[1]) > len("  try: ")
    for word in words:
        assert word in ran.err, ran.err


def nothing(path: Path) -> None:
    pass


def empty(path: Path) -> None:
    path.touch()


def some_text(path: Path) -> None:
    path.write_text("Dear diary, today I did not record anything.\n" * 50)


def a_picture(path: Path) -> None:
    with av.open(str(path), "w", format="image2") as made:
        stream = made.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "rgb24"
        made.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        made.mux(stream.encode(None))


def random_bytes(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(100_000))


def silent_film(path: Path) -> None:
    write_media(path, picture_s=1.0)


def cut_short(path: Path) -> None:
    whole = film(path)
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])


def no_samples(path: Path) -> None:
    soundfile.write(path, np.zeros((0, 1), np.float32), 48_000, subtype="PCM_16")


def no_samples_in_a_film(path: Path) -> None:
    write_media(path, Track(np.zeros((1, 0), np.float32)), picture_s=1.0)


def quad(path: Path) -> None:
    write_media(path, Track(speech(2.0, channels=4), layout="quad"))


SOURCES: list[tuple[str, Callable[[Path], None], str]] = [
    ("gone.mp4", nothing, "no such file"),
    ("empty.mp4", empty, "empty"),
    ("empty.wav", empty, "empty"),
    ("letter.txt", some_text, ""),
    ("letter.mp4", some_text, "not a media file"),
    ("still.png", a_picture, "no audio"),
    ("noise.mkv", random_bytes, "media"),
    ("silent.mp4", silent_film, "no audio"),
    ("short.mp4", cut_short, "index"),
    ("nothing.wav", no_samples, ""),
    ("nothing.mkv", no_samples_in_a_film, ""),
    ("quad.wav", quad, "quad"),
    ("quad.mkv", quad, "--engine none"),
]


@pytest.mark.parametrize(("name", "make", "word"), SOURCES, ids=[name for name, *_ in SOURCES])
@pytest.mark.parametrize("command", ["clean", "analyze", "dialogue", "measure"])
def test_inputs_that_cannot_be_cleaned(
    tmp_path: Path, cli: Cli, command: str, name: str, make: Callable[[Path], None], word: str
) -> None:
    if name.startswith("quad") and command in {"analyze", "measure"}:
        pytest.skip("only cleaning needs a centre")
    source = tmp_path / name
    make(source)
    before = names(tmp_path), source.exists() and digest(source)
    refused(cli(command, source), MEDIA, name, word)
    assert (names(tmp_path), source.exists() and digest(source)) == before


@pytest.mark.parametrize("name", ["empty", "text only"])
def test_a_folder_without_media(tmp_path: Path, cli: Cli, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    if name == "text only":
        (folder / "notes.txt").write_text("no")
    refused(cli("clean", folder), MEDIA, str(folder))
    refused(cli("analyze", folder), MEDIA, str(folder))


def test_a_quad_recording_passes_without_an_engine(tmp_path: Path, cli: Cli) -> None:
    source = write_media(tmp_path / "quad.mkv", Track(speech(2.0, channels=4), layout="quad"))
    assert cli("clean", source, "--engine", "none").code == 0


def fit(path: Path, rate: int, layout: str) -> Path:
    return film(path, rate=rate, layout=layout, seconds=3.0)


@pytest.mark.parametrize(
    ("name", "rate", "layout"),
    [
        ("low.wav", 8_000, "mono"),
        ("low.mp4", 8_000, "mono"),
        ("telephone.mkv", 16_000, "mono"),
        ("disc.flac", 44_100, "stereo"),
        ("disc.m4a", 44_100, "stereo"),
        ("high.wav", 192_000, "stereo"),
        ("high.mkv", 96_000, "mono"),
        ("cinema.mkv", 48_000, "5.1"),
        ("cinema.mp4", 48_000, "5.1"),
        ("wide.mkv", 48_000, "7.1"),
        ("wide.wav", 48_000, "7.1"),
        ("front.wav", 48_000, "3.0"),
    ],
)
def test_odd_rates_and_layouts_work(tmp_path: Path, cli: Cli, name: str, rate: int, layout: str) -> None:
    source = fit(tmp_path / name, rate, layout)
    ran = cli("clean", source, "--engine", "none", "-o", tmp_path / f"out{source.suffix}", "--json")
    assert ran.code == 0, ran.out + ran.err
    before, after = decoded(source), decoded(tmp_path / f"out{source.suffix}")
    assert after[1] == before[1] == rate
    assert after[0].shape[0] == before[0].shape[0]
    assert abs(after[0].shape[1] - before[0].shape[1]) <= (1024 if source.suffix in {".mp4", ".m4a"} else 0)


def test_samples_that_are_no_numbers_become_silence_and_are_reported(tmp_path: Path, cli: Cli) -> None:
    sound = speech(3.0).copy()
    sound[0, 60_000:60_100] = np.nan
    sound[0, 70_000] = np.inf
    source = float_wav(tmp_path / "nan.wav", sound)
    ran = cli("clean", source, "--engine", "none", "--json")
    assert ran.code == 0, ran.out
    assert any("not a number" in fault for fault in ran.events[-1]["faults"])
    assert np.isfinite(decoded(tmp_path / "nan.clean.wav")[0]).all()


def test_a_recording_that_breaks_off_is_cleaned_as_far_as_it_goes(tmp_path: Path, cli: Cli) -> None:
    source = film(tmp_path / "short.mkv", codec="aac")
    source.write_bytes(source.read_bytes()[: source.stat().st_size * 2 // 3])
    ran = cli("clean", source, "--engine", "none", "--json")
    assert ran.code == 0, ran.out
    assert ran.events[-1]["faults"]
    assert 1.0 < decoded(tmp_path / "short.clean.mkv")[0].shape[1] / 48_000 < 5.0


WISHES = [
    (["--preset", "podcats"], PRESET, "did you mean podcast"),
    (["--preset", "missing.toml"], PRESET, "missing.toml"),
    (["--preset", "missing.json"], PRESET, "missing.json"),
    (["--set", "duck.gian_db=3"], PRESET, "duck.gian_db"),
    (["--set", "duk.target_lu=3"], PRESET, "did you mean duck"),
    (["--set", "duck.target_lu=900"], PRESET, "0 to 40"),
    (["--set", "duck.target_lu=loud"], PRESET, "a number"),
    (["--set", "duck.target_lu=nan"], PRESET, "a number"),
    (["--set", "duck.mode=dukc"], PRESET, "duck"),
    (["--mode", "dukc"], PRESET, "did you mean duck"),
    (["--mode", "auto", "--plan", "plan.json"], PRESET, "the plan says what becomes of the bed"),
    (["--set", "duck"], PRESET, "stage.setting=value"),
    (["--set", "duck=maybe"], PRESET, "on or off"),
    (["--engine", "demuc"], PRESET, "did you mean demucs"),
    (["--engine", "fake:half"], PRESET, "no such engine"),
    (["--device", "gpu"], PRESET, "auto, cpu, cuda, mps"),
    (["--bitrate", "loud"], PRESET, "--bitrate"),
    (["--bitrate", "1"], PRESET, "--bitrate"),
    (["--bitrate", "inf"], PRESET, "--bitrate"),
    (["--plan", "missing.json"], PRESET, "missing.json"),
    (["--track", "7"], MEDIA, "--track 1"),
    (["--track", "ger"], MEDIA, "ger"),
    (["--track", "0"], MEDIA, "--track 1"),
    (["--audio-codec", "nope"], OUTPUT, "nope"),
    (["--audio-codec", "pcm_s16le"], OUTPUT, "pcm_s16le"),
    (["-o", "{there}/out.xyz"], OUTPUT, ".xyz"),
    (["-o", "{there}/out"], OUTPUT, "suffix"),
    (["-o", "{there}/no/such/folder/out.mp4"], OUTPUT, "mkdir -p"),
    (["-o", "{there}"], OUTPUT, "folder"),
    (["-o", "{there}/talk.mp4/out.mp4"], OUTPUT, ""),
    (["-o", "/proc/out.mp4"], OUTPUT, "/proc"),
    (["--out-dir", "{there}/talk.mp4"], OUTPUT, "--out-dir"),
    (["--out-dir", "/proc/out"], OUTPUT, "--out-dir"),
    (["-o", "{there}/a.mp4", "--out-dir", "{there}"], OUTPUT, "one of them"),
    (["--report", "{there}/talk.mp4"], OUTPUT, "report"),
    (["--report", "{there}/talk.clean.mp4"], OUTPUT, "report"),
]


@pytest.mark.parametrize(("words", "code", "said"), WISHES, ids=[" ".join(words) for words, *_ in WISHES])
def test_wishes_that_cannot_be_granted(
    tmp_path: Path, cli: Cli, talk: Path, words: list[str], code: int, said: str
) -> None:
    source = Path(shutil.copy(talk, tmp_path))
    before = digest(source)
    refused(cli("clean", source, *(word.replace("{there}", str(tmp_path)) for word in words)), code, said)
    assert names(tmp_path) == ["talk.mp4"]
    assert digest(source) == before


@pytest.mark.parametrize("words", [["--device", "cuda"], ["--device", "mps"]], ids=" ".join)
def test_a_device_that_is_not_here(tmp_path: Path, cli: Cli, song: Path, words: list[str]) -> None:
    import torch

    if torch.cuda.is_available() or torch.backends.mps.is_available():
        pytest.skip("it is here")
    ran = cli("clean", song, "-o", tmp_path / "out.mov", "--engine", "dialogue", *words)
    refused(ran, BACKEND, words[1])
    assert names(tmp_path) == []


def test_weights_that_are_not_here_and_cannot_be_had(tmp_path: Path, cli: Cli, song: Path) -> None:
    ran = cli("clean", song, "-o", tmp_path / "out.mov", "--engine", "demucs", "--models", tmp_path / "none")
    assert ran.code == BACKEND, ran.err
    assert "htdemucs" in ran.err
    assert "  try: " in ran.err
    assert "Traceback" not in ran.err
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[duck\ntarget_lu = 3", "not valid TOML"),
        ("[duck]\ngian = 3", "duck.gian"),
        ("[dukc]\n", "did you mean duck"),
        ("duck = 3", "expected a table"),
        ("[duck]\ntarget_lu = 'x'", "a number"),
        ("\x00\xff", "not valid TOML"),
    ],
)
def test_presets_that_are_malformed(tmp_path: Path, cli: Cli, talk: Path, text: str, said: str) -> None:
    preset = tmp_path / "own.toml"
    preset.write_bytes(text.encode("latin-1"))
    refused(cli("clean", talk, "-o", tmp_path / "out.mp4", "--preset", preset), PRESET, said)
    refused(cli("presets", preset), PRESET, said)
    assert names(tmp_path) == ["own.toml"]


def edited(text: str, **changes: object) -> str:
    return json.dumps({**json.loads(text), **changes})


BAD_PLANS: list[tuple[str, Callable[[str], str], str]] = [
    ("no JSON", lambda text: text[:-20], "JSON"),
    ("a list", lambda text: "[]", ""),
    ("nothing", lambda text: "", "JSON"),
    ("empty", lambda text: "{}", "missing"),
    ("version", lambda text: edited(text, version=99), "version"),
    ("unknown entry", lambda text: edited(text, cutz=[]), "did you mean cuts"),
    ("backwards", lambda text: edited(text, cuts=[{"span_s": [2, 1], "reason": ""}]), "cuts[0]"),
    ("outside", lambda text: edited(text, cuts=[{"span_s": [1, 99], "reason": ""}]), "cuts[0]"),
    ("overlap", lambda text: edited(text, cuts=[{"span_s": [1, 3], "reason": ""}, {"span_s": [2, 4], "reason": ""}]),
     "overlap"),
    ("raised bed", lambda text: edited(text, dips=[{"span_s": [1, 3], "gain_db": 6, "reason": ""}]), "gain_db"),
    ("rate", lambda text: edited(text, rate_hz=44_100), "44100"),
    ("another length", lambda text: edited(text, length_s=4.0, phrases=[], dips=[], cuts=[]), "samples"),
    ("level", lambda text: edited(text, level={"target_lufs": 5, "ceiling_dbtp": -1}), "target_lufs"),
    ("level without a ceiling", lambda text: edited(text, level={"target_lufs": -20}), "ceiling_dbtp"),
]  # fmt: skip


@pytest.fixture(scope="module")
def plan_text(talk: Path) -> str:
    from mediaclean import CleanOptions, dry_run
    from mediaclean.plan.as_json import to_json

    return to_json(dry_run(talk, "documentary", CleanOptions(engine="none")))


@pytest.mark.parametrize(("change", "said"), [case[1:] for case in BAD_PLANS], ids=[case[0] for case in BAD_PLANS])
def test_plans_that_are_malformed(
    tmp_path: Path, cli: Cli, talk: Path, plan_text: str, change: Callable[[str], str], said: str
) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(change(plan_text))
    refused(cli("clean", talk, "-o", tmp_path / "out.mp4", "--engine", "none", "--plan", plan), PRESET, said)
    assert names(tmp_path) == ["plan.json"]


@pytest.mark.parametrize("way", ["same", "symbolic", "hard", "dotted", "folder link"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_the_source_is_never_the_target(tmp_path: Path, cli: Cli, talk: Path, way: str, overwrite: bool) -> None:
    source = Path(shutil.copy(talk, tmp_path))
    target = tmp_path / "out.mp4"
    if way == "same":
        target = source
    elif way == "symbolic":
        target.symlink_to(source)
    elif way == "hard":
        os.link(source, target)
    elif way == "dotted":
        (tmp_path / "sub").mkdir()
        target = tmp_path / "sub" / ".." / "talk.mp4"
    else:
        (tmp_path / "sub").symlink_to(tmp_path, target_is_directory=True)
        target = tmp_path / "sub" / "talk.mp4"
    before = digest(source), names(tmp_path)
    ran = cli("clean", source, "-o", target, "--engine", "none", *(["--overwrite"] if overwrite else []))
    refused(ran, OUTPUT, "the source itself")
    assert (digest(source), names(tmp_path)) == before


@pytest.mark.parametrize("overwrite", [False, True])
def test_the_dialogue_files_never_replace_the_source(tmp_path: Path, cli: Cli, overwrite: bool) -> None:
    source = film(tmp_path / "talk.dialogue.wav", seconds=3.0)
    before = digest(source)
    ran = cli("dialogue", source, "-o", tmp_path / "talk", "--engine", "none", *(["--overwrite"] if overwrite else []))
    refused(ran, OUTPUT, "talk.dialogue.wav")
    assert digest(source) == before
    assert names(tmp_path) == ["talk.dialogue.wav"]


def test_a_target_that_exists_is_kept(tmp_path: Path, cli: Cli, talk: Path) -> None:
    target = tmp_path / "out.mp4"
    target.write_text("precious")
    refused(cli("clean", talk, "-o", target, "--engine", "none"), OUTPUT, "--overwrite")
    assert target.read_text() == "precious"
    assert names(tmp_path) == ["out.mp4"]
    assert cli("clean", talk, "-o", target, "--engine", "none", "--overwrite").code == 0
    assert decoded(target)[1] == 48_000


def test_a_dialogue_file_that_exists_is_kept(tmp_path: Path, cli: Cli, talk: Path) -> None:
    there = tmp_path / "talk.dialogue.srt"
    there.write_text("somebody's work")
    refused(cli("dialogue", talk, "-o", tmp_path / "talk", "--engine", "none"), OUTPUT, "--overwrite")
    assert there.read_text() == "somebody's work"
    assert names(tmp_path) == ["talk.dialogue.srt"]


def test_a_failed_overwrite_keeps_the_old_result(tmp_path: Path, cli: Cli, talk: Path) -> None:
    target = tmp_path / "out.mp4"
    target.write_text("precious")
    refused(cli("clean", talk, "-o", target, "--overwrite", "--track", "9"), MEDIA)
    assert target.read_text() == "precious"


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".wav"])
def test_what_the_container_cannot_hold_is_refused_before_work(tmp_path: Path, cli: Cli, suffix: str) -> None:
    """Chapters and words go from Matroska to MP4; a WAV file holds no picture."""
    source = write_media(
        tmp_path / "film.mkv", Track(speech(3.0)), extras=Extras(subtitles=[(0.5, 1.5, "Good morning")])
    )
    ran = cli("clean", source, "-o", tmp_path / f"out{suffix}", "--engine", "none")
    if suffix == ".wav":
        refused(ran, OUTPUT, "--drop-unsupported", "video")
        ran = cli("clean", source, "-o", tmp_path / "out.wav", "--engine", "none", "--drop-unsupported", "--json")
        assert ran.code == 0, ran.out
        assert ran.events[-1]["dropped"]
    assert ran.code == 0, ran.err


@pytest.mark.parametrize(
    ("number", "said"), [(errno.ENOSPC, "space"), (errno.EROFS, "read-only"), (errno.EACCES, "written")]
)
@pytest.mark.parametrize("command", ["clean", "dialogue"])
def test_a_full_or_read_only_disk(
    tmp_path: Path, cli: Cli, talk: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str, command: str
) -> None:
    """The disk gives out when the finished file is synced."""

    def full(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    out = tmp_path / "out.mp4" if command == "clean" else tmp_path / "out"
    refused(cli(command, talk, "-o", out, "--engine", "none"), OUTPUT, said)
    assert names(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 100 kB; skipped where it cannot be mounted."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(place)]
    try:
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("no right to mount a small disk")
    except FileNotFoundError:
        pytest.skip("no mount command")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_fills_up_while_writing(tmp_path: Path, cli: Cli, talk: Path, small_disk: Path) -> None:
    ran = cli("clean", talk, "-o", small_disk / "out.mkv", "--engine", "none", "--audio-codec", "flac")
    refused(ran, OUTPUT, "space")
    assert names(small_disk) == []


@pytest.mark.skipif(os.name != "posix", reason="modes of folders are a thing of POSIX")
def test_a_folder_that_may_not_be_written(
    tmp_path: Path, cli: Cli, talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shut"
    folder.mkdir(mode=0o500)
    if os.geteuid() == 0:  # to root every folder is open
        access = os.access
        monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != folder and access(path, mode))
    refused(cli("clean", talk, "-o", folder / "out.mp4"), OUTPUT, "read-only")
    assert names(folder) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["clean", "gone.mp4"], MEDIA),
        (["clean", "gone.mp4", "--preset", "podcats"], PRESET),
        (["measure", "gone.mp4"], MEDIA),
        (["clean", "--no-such-option"], PRESET),
        (["models", "fetch", "nobody"], BACKEND),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_the_process_answers_the_same(tmp_path: Path, words: list[str], code: int) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "mediaclean", *words], cwd=tmp_path, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert ran.returncode == code, ran.stderr
    assert "Traceback" not in ran.stderr
    assert names(tmp_path) == []


def test_errors_as_json_lines(cli: Cli) -> None:
    ran = cli("clean", "gone.mp4", "--json")
    assert ran.code == MEDIA
    assert ran.err == ""
    assert ran.events == [{"event": "error", "message": "gone.mp4: no such file", "hint": "check the path",
                           "exit_code": MEDIA}]  # fmt: skip
