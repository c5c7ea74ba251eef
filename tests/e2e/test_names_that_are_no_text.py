"""Names of files are bytes; what is written about them is text all the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BYTES = os.fsencode("caf") + b"\xe9.wav"


@pytest.fixture
def odd(tmp_path: Path, song: Path) -> Path:
    name = Path(os.fsdecode(BYTES))
    try:
        return Path(shutil.copy(song, tmp_path / name.with_suffix(".mov")))
    except OSError:
        pytest.skip("this file system takes text alone")


@pytest.mark.parametrize("locale", ["strict", "surrogateescape"])
@pytest.mark.parametrize(
    "words",
    [
        ("clean", "--engine", "none", "--record", "--page", "--report", "report.json"),
        ("measure",),
        ("analyze",),
    ],
    ids=lambda words: str(words[0]),
)
def test_a_name_that_is_no_text_breaks_nothing(odd: Path, words: tuple[str, ...], locale: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": f"utf-8:{locale}", "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "mediaclean", words[0], os.fsencode(odd.name), *words[1:]]
    ran = subprocess.run(command, cwd=odd.parent, env=environment, capture_output=True, timeout=120, check=False)
    assert b"Traceback" not in ran.stderr
    assert ran.returncode == 0, ran.stderr
    made = [path for path in odd.parent.iterdir() if path.suffix in {".html", ".txt", ".json"}]
    assert len(made) == (4 if words[0] == "clean" else 0)
    for path in made:
        path.read_bytes().decode("utf-8")
