"""No foreign error escapes, and a target appears only when it is whole."""

from __future__ import annotations

import errno
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av.error
import pytest

from mediaclean.errors import MediacleanError, MediaError, OutputError
from mediaclean.media import probe, staged, write
from mediaclean.media.borders import open_input, reading, writing
from tests.media.films import Film, Sound, make, noise


def _foreign() -> list[BaseException]:
    classes = {c for c in vars(av.error).values() if isinstance(c, type) and issubclass(c, av.error.FFmpegError)}
    made: list[BaseException] = [cls(1, "words", "file") for cls in sorted(classes, key=lambda c: c.__name__)]
    plain = [
        OSError(errno.EIO, "io"),
        ValueError("v"),
        RuntimeError("r"),
        LookupError("l"),
        UnicodeDecodeError("u", b"", 0, 1, ""),
    ]
    return [*made, *plain]


@pytest.mark.parametrize("foreign", _foreign(), ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(("border", "ours"), [(reading, MediaError), (writing, OutputError)])
def test_every_foreign_error_becomes_one_of_ours(
    foreign: BaseException, border: object, ours: type[MediacleanError]
) -> None:
    with pytest.raises(ours) as caught, border(Path("film.mp4")):  # type: ignore[operator]
        raise foreign
    assert "film.mp4" in caught.value.message or caught.value.message.startswith(".")
    assert "\n" not in caught.value.message
    assert caught.value.__cause__ is foreign


@pytest.mark.parametrize(
    ("code", "says"),
    [(errno.ENOSPC, "no space"), (errno.EFBIG, "no space"), (errno.EROFS, "may not"), (errno.EACCES, "may not")],
)
def test_the_disk_is_named_where_it_is_the_disk(code: int, says: str) -> None:
    with pytest.raises(OutputError, match=says), writing(Path("film.mp4")):
        raise OSError(code, os.strerror(code))
    with pytest.raises(OutputError, match=says), writing(Path("film.mp4")):
        av.error.err_check(-code)


def test_a_staged_file_takes_its_name_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    with staged(target) as temporary:
        temporary.write_bytes(b"whole")
        assert not target.exists()
        assert temporary.suffix == ".mp4"
        assert temporary.parent == tmp_path
    assert target.read_bytes() == b"whole"
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), OutputError("y"), OSError(28, "full")])
def test_an_error_leaves_nothing_and_the_old_file_stays(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "out.mp4"
    target.write_bytes(b"old")

    def fail() -> None:
        with staged(target, overwrite=True) as temporary:
            temporary.write_bytes(b"half")
            raise error

    with pytest.raises(OutputError if isinstance(error, OSError) else type(error)):
        fail()
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_a_target_that_exists_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    target.write_bytes(b"old")
    with pytest.raises(OutputError, match="exists"), staged(target):
        pass
    target.unlink()

    def come_second() -> None:
        with staged(target) as temporary:
            temporary.write_bytes(b"new")
            target.write_bytes(b"another run was faster")

    with pytest.raises(OutputError, match="exists"):
        come_second()
    assert target.read_bytes() == b"another run was faster"


def test_errors_name_the_target_and_not_the_temporary_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught, staged(tmp_path / "out.mp4") as temporary:
        raise OutputError(f"{temporary}: no", f"see {temporary.stem}")
    assert caught.value.message == f"{tmp_path / 'out.mp4'}: no"
    assert "part" not in caught.value.hint


def test_what_a_dead_run_left_is_swept_and_a_living_one_is_not(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    dead, alive = tmp_path / f".out.{child.pid}.part.mp4", tmp_path / f".out.{os.getppid()}.part.mp4"
    stranger = tmp_path / ".out.part.mp4"
    for path in (dead, alive, stranger):
        path.write_bytes(b"x")
    with staged(tmp_path / "out.mp4") as temporary:
        temporary.write_bytes(b"y")
    assert not dead.exists()
    assert alive.exists()
    assert stranger.exists()


_RUN = """
import sys, resource
from pathlib import Path
from mediaclean.errors import MediacleanError
from mediaclean.media import NewAudio, decode, probe, staged, write
source, target, limit = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
media = probe(source)
def slow(progress):
    print("going", flush=True)
try:
    with staged(target) as temporary:
        new = NewAudio(decode(media, media.tracks[0], block=480), 48_000, "stereo")
        write(media, temporary, replace={1: new}, watch=slow)
except MediacleanError as error:
    print(error.message)
    sys.exit(error.exit_code)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".wav"])
@pytest.mark.parametrize("limit", [100, 20_000])
def test_a_full_disk_is_an_error_of_ours_and_leaves_nothing(tmp_path: Path, suffix: str, limit: int) -> None:
    film = Film((Sound(noise(4.0)),), 4.0, video="" if suffix == ".wav" else "libx264")
    source = make(tmp_path / "film.mkv", film)
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(source), str(tmp_path / f"clean{suffix}"), str(limit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == OutputError.exit_code, done.stderr
    assert "no space" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["film.mkv"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.2])
def test_a_killed_run_leaves_nothing_under_the_name(tmp_path: Path, after_s: float) -> None:
    source = make(tmp_path / "film.mkv", Film((Sound(noise(20.0)),), 20.0))
    target = tmp_path / "clean.mkv"
    command = [sys.executable, "-c", _RUN, str(source), str(target), "0"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    run.stdout.readline()
    time.sleep(after_s)
    run.send_signal(signal.SIGKILL)
    run.wait()
    run.stdout.close()
    assert not target.exists()
    with staged(target) as temporary:
        temporary.write_bytes(b"next run")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clean.mkv", "film.mkv"]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_source_that_fails_while_it_is_copied_is_named(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card is pulled out: not the target is at fault, and no other container would help."""
    source = make(tmp_path / f"film{suffix}", Film((Sound(noise(1.0)),), 1.0))

    class Failing:
        def __init__(self, container: Any) -> None:
            self._container = container

        def __getattr__(self, name: str) -> Any:
            return getattr(self._container, name)

        def __enter__(self) -> Failing:
            return self

        def __exit__(self, *_: object) -> None:
            self._container.close()

        def demux(self, *_: object) -> Iterator[Any]:
            yield from itertools.islice(self._container.demux(), 3)
            raise OSError(errno.EIO, "Input/output error")

    media = probe(source)
    monkeypatch.setattr("mediaclean.media.remux.open_input", lambda path: Failing(open_input(path)))
    with pytest.raises(MediaError, match="cannot be read as media") as caught, staged(tmp_path / "made.mkv") as part:
        write(media, part)
    assert source.name in caught.value.message
    assert not list(tmp_path.glob("*made*"))
