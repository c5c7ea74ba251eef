"""How a wish is refused."""

from __future__ import annotations

from e2e.conftest import Ran

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
