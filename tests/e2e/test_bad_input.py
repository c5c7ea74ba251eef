"""Bad input: one sentence, a hint, the right exit code, and nothing left behind."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from e2e.conftest import Cli
from e2e.looking import decoded, digest, names
from e2e.making import Track, film, float_wav, speech, write_media
from e2e.refusing import BACKEND, MEDIA, PRESET, refused


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
