"""Which tracks can be cleaned does not depend on how they were asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.conftest import Cli
from e2e.looking import names
from e2e.making import Track, speech, write_media
from mediaclean import MediaError
from mediaclean.job import CleanOptions, Job
from mediaclean.listening import open_jobs
from mediaclean.progress import ignore


@pytest.fixture(scope="module", params=["quad first", "quad second"])
def mixed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A file with a stereo track and one of four channels without a centre, and the number of the latter."""
    quad, stereo = Track(speech(1.0, channels=4), layout="quad"), Track(speech(1.0, channels=2), layout="stereo")
    first = request.param == "quad first"
    path = tmp_path_factory.mktemp("mixed") / "film.mkv"
    return write_media(path, *((quad, stereo) if first else (stereo, quad))), 1 if first else 2


def opened(path: Path, **options: object) -> list[Job]:
    return open_jobs(path, "podcast", CleanOptions(**options), ignore)  # type: ignore[arg-type]


@pytest.mark.parametrize("way", ["track", "tracks", "both", "all"])
def test_a_track_without_a_centre_is_refused_however_it_is_chosen(mixed: tuple[Path, int], way: str) -> None:
    path, quad = mixed
    options = {
        "track": {"track": str(quad)},
        "tracks": {"tracks": (str(quad),)},
        "both": {"tracks": ("1", "2")},
        "all": {"tracks": ("all",)},
    }[way]
    with pytest.raises(MediaError, match=f"track {quad}, quad has no centre"):
        opened(path, **options)
    assert opened(path, engine="none", **options)


@pytest.mark.parametrize("way", ["track", "tracks"])
def test_a_track_that_was_not_chosen_refuses_nothing(mixed: tuple[Path, int], way: str) -> None:
    path, quad = mixed
    stereo = str(3 - quad)
    (job,) = opened(path, **({"track": stereo} if way == "track" else {"tracks": (stereo,)}))
    assert job.track.layout == "stereo"


def test_the_command_refuses_before_it_writes(mixed: tuple[Path, int], cli: Cli) -> None:
    path, quad = mixed
    ran = cli("clean", path, "--tracks", "all", "--engine", "dialogue")
    assert ran.code == 3
    assert f"track {quad}, quad has no centre" in ran.err
    assert names(path.parent) == [path.name]
