"""Memory kept for blocks goes back where a pass over the sound ends, where one begins, and when its file is open."""

from __future__ import annotations

import pytest

from mediaclean.cli import memory
from mediaclean.progress import Progress


def test_memory_goes_back_at_both_ends_of_a_pass_and_once_its_file_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    trimmed: list[int] = []
    monkeypatch.setattr(memory, "_glibc", lambda name: trimmed.append)
    seen: list[float] = []
    watch = memory.between_passes(lambda progress: seen.append(progress.done_s))
    counts = []
    for second in (0.0, 1.0, 2.0, 3.0, 4.0, 4.0):
        watch(Progress("listen", second, 4.0))
        counts.append(len(trimmed))
    assert counts == [1, 2, 2, 2, 3, 4]
    watch(Progress("fetch", 1.0, None))  # not a pass over the sound
    assert len(trimmed) == 4
    assert seen == [0.0, 1.0, 2.0, 3.0, 4.0, 4.0, 1.0]


def test_other_c_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.platform, "libc_ver", lambda: ("", ""))
    assert memory._glibc("mallopt") is None
    memory.reuse_blocks()
    memory.between_passes(lambda progress: None)(Progress("listen", 0.0, 4.0))


def test_a_setting_of_the_users_has_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.platform, "libc_ver", lambda: ("glibc", "2.36"))
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    assert memory._glibc("malloc_trim") is None
