"""Progress only ever goes forward; every error has its place in the tree and its exit code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaclean import errors
from mediaclean.progress import Progress, ignore, watched

from .making import noise, pieces


@given(
    st.lists(st.integers(1, 400), min_size=1, max_size=5), st.integers(0, 1500), st.sampled_from([None, 0, 700, 9999])
)
def test_progress_rises_and_stays_within_the_total(sizes: list[int], length: int, total: int | None) -> None:
    seen: list[Progress] = []
    sound = noise(1, length)
    passed = list(watched(pieces(sound, sizes), "listen", 100, total, seen.append))
    assert sum(chunk.shape[1] for chunk in passed) == length
    done = [progress.done_s for progress in seen]
    assert done == sorted(done)
    assert done[0] == 0.0
    assert {progress.stage for progress in seen} == {"listen"}
    if total is not None:
        assert {progress.total_s for progress in seen} == {total / 100}
        assert max(done) <= total / 100
        assert done[-1] == total / 100
    else:
        assert done[-1] == length / 100


def test_chunks_pass_through_untouched() -> None:
    chunks = list(pieces(noise(2, 90), [40]))
    assert all(a is b for a, b in zip(chunks, watched(chunks, "mix", 10, 90, ignore), strict=True))


def test_a_watch_may_stop_the_run() -> None:
    def stop(progress: Progress) -> None:
        if progress.done_s > 1.0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(watched(pieces(noise(1, 1000), [100]), "mix", 100, 1000, stop))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.MediacleanError, 1),
        (errors.PresetError, 2),
        (errors.MediaError, 3),
        (errors.BackendError, 4),
        (errors.DeviceError, 4),
        (errors.OutputError, 5),
    ],
)
def test_every_error_is_one_of_ours_with_message_hint_and_exit_code(
    error: type[errors.MediacleanError], code: int
) -> None:
    made = error("what is wrong", "what to type")
    assert isinstance(made, errors.MediacleanError)
    assert (made.exit_code, made.message, made.hint, str(made)) == (
        code,
        "what is wrong",
        "what to type",
        "what is wrong",
    )
    assert error("no hint").hint == ""
