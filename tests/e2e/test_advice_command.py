"""What `analyze` advises can be typed."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

from e2e.conftest import Cli


def test_the_command_that_is_advised_does_as_advised(tmp_path: Path, cli: Cli, song: Path) -> None:
    source = Path(shutil.copy(song, tmp_path / "a song's 1st [take].mov"))
    said = cli("analyze", source)
    assert said.code == 0, said.err
    (line,) = [line for line in said.out.splitlines() if line.startswith("  try: ")]
    words = shlex.split(line.partition("try: ")[2])
    assert words[:3] == ["mediaclean", "clean", str(source)]
    planned = cli(*words[1:], "--plan-only")
    assert planned.code == 0, planned.err
    plan = json.loads(planned.out)
    advised = cli("analyze", source, "--json").events[-1]
    treated = [phrase for phrase in advised["phrases"] if phrase["treatment"] != "leave"]
    assert bool(plan["dips"]) == bool(treated)
    for phrase in treated:
        assert f"{phrase['treatment']}: speech" in said.out
