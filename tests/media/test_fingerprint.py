"""Reports and unfinished runs on disk hold fingerprints, so their value stays what it was."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest

from mediaclean.media import fingerprint

END = 65_536


def content(size: int) -> bytes:
    return bytes(place * 7 % 251 for place in range(size))


@pytest.mark.parametrize("size", [0, 10, END, END + 1, 2 * END, 300_000])
def test_size_time_and_both_ends(tmp_path: Path, size: int) -> None:
    path, whole = tmp_path / "file", content(size)
    path.write_bytes(whole)
    os.utime(path, ns=(5, 1_700_000_000_123_456_700))
    ends = sha256(whole[:END] + whole[max(0, size - END) :]).hexdigest()
    assert fingerprint(path) == {"bytes": size, "modified_ns": path.stat().st_mtime_ns, "ends_sha256": ends}


def test_a_value_that_older_reports_have(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content(300_000))
    assert fingerprint(path)["ends_sha256"] == "7fb1dc829612642eeff3ddd5c4c8ba2f7c35ca5e54c3bd5bafc7b54d21e79c2a"


@pytest.mark.parametrize(("at", "seen"), [(0, True), (END - 1, True), (150_000, False), (299_999, True)])
def test_a_change_is_seen_at_the_ends_and_by_time_alone_between(tmp_path: Path, at: int, seen: bool) -> None:
    path, whole = tmp_path / "file", bytearray(content(300_000))
    path.write_bytes(whole)
    os.utime(path, ns=(1, 1))
    before = fingerprint(path)
    whole[at] ^= 1
    path.write_bytes(whole)
    after = fingerprint(path)
    assert (after["ends_sha256"] != before["ends_sha256"]) is seen
    assert after["modified_ns"] != before["modified_ns"]
