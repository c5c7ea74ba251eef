"""What the README says is so: its tables, its example, its commands."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def code(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    lines = (line.partition("  #")[0].strip() for block in code("sh") for line in block.splitlines())
    cells = re.findall(r"^\| .* \| `(mediaclean [^`]+)` \|$", README, re.MULTILINE)
    return [line for line in [*lines, *cells] if line.startswith("mediaclean ")]


@pytest.mark.parametrize("document", ["README.md", "docs/settings.md"])
def test_the_tables_are_the_generated_ones(monkeypatch: pytest.MonkeyPatch, document: str) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks.readme import PARTS, refreshed

    assert set(PARTS) == {"README.md", "docs/settings.md"}
    assert refreshed(document) == (ROOT / document).read_text(encoding="utf-8"), "python -m benchmarks.readme"


def test_make_demo_and_make_test_come_first() -> None:
    first = [line.split("#")[0].strip() for line in code("sh")[0].splitlines()]
    assert first == ["make demo", "make test"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert {"demo:", "test:"} <= {line.split(" ")[0] for line in makefile.splitlines()}


@pytest.mark.parametrize("line", commands())
def test_every_command_is_understood(line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The command line is parsed in full, its options included; only the work is left out."""
    from typer.main import get_command

    from mediaclean.cli.app import app

    monkeypatch.chdir(tmp_path)
    words = shlex.split(line.partition(">")[0])[1:]
    group = get_command(app)
    with group.make_context("mediaclean", list(words)) as context:
        name, command, rest = group.resolve_command(context, words)  # type: ignore[attr-defined]
        assert command is not None
        command.make_context(name, list(rest), parent=context)
    if "--preset" in words:
        from mediaclean import load_preset

        load_preset(words[words.index("--preset") + 1])
    if "--set" in words:
        from mediaclean import load_preset

        load_preset("documentary", [words[words.index("--set") + 1]])


def test_the_commands_are_all_of_them() -> None:
    from mediaclean.cli.app import app

    known = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    named = {shlex.split(line)[1] for line in commands()} | set(re.findall(r"`mediaclean (\w+)", README))
    assert named == known, "every command is in the README, and nothing else"


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On the first seconds of the sample, which are clean speech, so that nothing is separated."""
    import soundfile

    (example,) = code("python")
    voice, rate = soundfile.read(ROOT / "samples" / "stems" / "voice.flac", stop=6 * 48_000)
    room, _ = soundfile.read(ROOT / "samples" / "stems" / "room.flac", stop=6 * 48_000)
    soundfile.write(tmp_path / "interview.wav", voice + room.mean(axis=1), rate)
    shutil.move(tmp_path / "interview.wav", tmp_path / "interview.mkv")  # the name says mp4; the kind is looked at
    monkeypatch.chdir(tmp_path)
    names = example.replace("interview.mp4", "interview.mkv").replace("interview.clean.mp4", "interview.clean.mkv")
    exec(compile(names, "README.md", "exec"), {"__name__": "readme"})
    first, second = capsys.readouterr().out.splitlines()
    assert first.split()[0] == "leave", "clean speech"
    assert abs(float(second.split()[0]) + 16.0) <= 0.2
    assert (tmp_path / "interview.clean.mkv").exists()


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_links_lead_somewhere(link: str) -> None:
    if "://" in link:
        pytest.skip("outside")
    assert (ROOT / link).exists()


def test_this_python_is_one_that_the_readme_names() -> None:
    assert (3, 11) <= sys.version_info[:2] <= (3, 13)
    assert "Python 3.11 to 3.13" in README
