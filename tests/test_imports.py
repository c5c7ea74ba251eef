"""Imports point down, and nothing heavy is loaded before it is needed. Read from the sources, so no path is missed."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "mediaclean"
LONGEST = 300

OWNERS = {
    "av": "mediaclean.media",
    "torch": "mediaclean.backends",
    "onnxruntime": "mediaclean.backends",
    "demucs": "mediaclean.backends",
    "webrtcvad": "mediaclean.backends",
    "silero_vad": "mediaclean.backends",
    "typer": "mediaclean.cli",
    "rich": "mediaclean.cli",
}
"""Which part alone may import what."""

HEAVY = ("torch", "av", "scipy", "onnxruntime", "soxr", "pyloudnorm", "demucs", "soundfile")

GROUND = ("ahead", "audio", "errors", "progress", "settings")
RUN = (
    "deciding", "dialogue", "doctor", "doses", "finish", "job", "level", "listening", "measuring", "mixing",
    "other_engine", "preview", "rendering", "report", "run", "selfrepair", "side_by_side", "sources", "unfinished",
    "voices",
    "result.again", "result.base", "result.keep", "result.page", "result.record", "result.stems", "result.tables",
)  # fmt: skip
"""The story of a run, above the stages; it alone opens files and calls networks."""


@dataclass(frozen=True)
class Import:
    """One imported module: where it stands, and when it happens."""

    name: str
    line: int
    is_lazy: bool
    is_for_types: bool


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()
STAGES = [
    name
    for name in MODULES
    if name.partition(".")[2] not in {"", "__main__", *RUN}
    and name.split(".")[1] not in {"cli", "media", "backends"}
]  # fmt: skip
"""What decides and computes: every module beside the run, the terminal, the files and the networks."""


@cache
def imports_of(module: str) -> tuple[Import, ...]:
    path = MODULES[module]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return tuple(_walk(tree, module if path.name == "__init__.py" else module.rpartition(".")[0]))


def _walk(node: ast.AST, package: str, *, is_lazy: bool = False, is_for_types: bool = False) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        lazy = is_lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        types = is_for_types or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test))
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, lazy, types) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - child.level + 1] if child.level else []
            base = ".".join([*above, *([child.module] if child.module else [])])
            for alias in child.names:
                full = f"{base}.{alias.name}"
                yield Import(full if full in MODULES else base, child.lineno, lazy, types)
        else:
            yield from _walk(child, package, is_lazy=lazy, is_for_types=types)


def inside(module: str, part: str) -> bool:
    return module == part or module.startswith(f"{part}.")


def test_the_reader_sees_every_kind_of_import() -> None:
    """A checker that sees nothing forbids nothing."""
    assert {"mediaclean.plan.make", "mediaclean.render", "mediaclean.analysis", "mediaclean.separate"} <= set(STAGES)
    seen = {module: {found.name for found in imports_of(module)} for module in MODULES}
    assert "mediaclean.audio" in seen["mediaclean.bed.level"]
    assert any(found.is_for_types and found.name == "mediaclean.preset" for found in imports_of("mediaclean.plan.make"))
    assert any(found.is_lazy and found.name == "soxr" for found in imports_of("mediaclean.resample"))
    for package in ("av", "torch", "onnxruntime", "webrtcvad", "typer", "rich"):
        users = [module for module, names in seen.items() if any(inside(name, package) for name in names)]
        assert users, f"nothing imports {package}: the rule below would prove nothing"


@pytest.mark.parametrize("module", MODULES)
def test_foreign_packages_stay_behind_their_door(module: str) -> None:
    for found in imports_of(module):
        owner = OWNERS.get(found.name.split(".")[0])
        assert owner is None or inside(module, owner), f"{module}:{found.line} imports {found.name}, which is {owner}'s"


@pytest.mark.parametrize("module", MODULES)
def test_nothing_imports_the_terminal(module: str) -> None:
    if inside(module, "mediaclean.cli") or module == "mediaclean.__main__":
        return
    assert not [found for found in imports_of(module) if inside(found.name, "mediaclean.cli")]


@pytest.mark.parametrize("module", STAGES)
def test_plan_and_stages_know_no_file_network_or_run(module: str) -> None:
    above = ("mediaclean.media", "mediaclean.backends", "mediaclean.cli", *(f"mediaclean.{name}" for name in RUN))
    for found in imports_of(module):
        assert not any(inside(found.name, part) for part in above), f"{module}:{found.line} imports {found.name}"


@pytest.mark.parametrize("module", [f"mediaclean.{name}" for name in GROUND])
def test_the_ground_stands_on_itself_alone(module: str) -> None:
    for found in imports_of(module):
        if inside(found.name, "mediaclean"):
            assert found.name in {f"mediaclean.{name}" for name in GROUND}, f"{module}:{found.line}: {found.name}"


@pytest.mark.parametrize(("part", "other"), [("media", "backends"), ("backends", "media")])
def test_media_and_backends_do_not_know_each_other_nor_the_run(part: str, other: str) -> None:
    above = (f"mediaclean.{other}", "mediaclean.cli", *(f"mediaclean.{name}" for name in RUN))
    for module in MODULES:
        if inside(module, f"mediaclean.{part}"):
            for found in imports_of(module):
                assert not any(inside(found.name, name) for name in above), f"{module}:{found.line}: {found.name}"


def test_imports_make_no_circle() -> None:
    graph = {
        module: {
            f.name
            for f in imports_of(module)
            if f.name in MODULES and f.name != module and not f.is_lazy and not f.is_for_types
        }
        for module in MODULES
    }
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"a circle: {' -> '.join(error.args[1])}")
    assert order.index("mediaclean.audio") < order.index("mediaclean.plan.make") < order.index("mediaclean.run")


@pytest.mark.parametrize("module", MODULES)
def test_heavy_packages_are_imported_where_they_are_used(module: str) -> None:
    """At the top of a module only behind the doors, which are opened late themselves."""
    if inside(module, "mediaclean.media") or inside(module, "mediaclean.backends"):
        return
    for found in imports_of(module):
        if found.name.split(".")[0] in HEAVY:
            assert found.is_lazy or found.is_for_types, f"{module}:{found.line} imports {found.name} at once"


@pytest.mark.parametrize("module", MODULES)
def test_no_module_is_too_long(module: str) -> None:
    lines = len(MODULES[module].read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST, f"{MODULES[module].name} has {lines} lines"


@pytest.mark.parametrize("module", MODULES)
def test_exported_names_are_sorted_and_exist(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names = ast.literal_eval(node.value)
            assert names == sorted(set(names), key=_order)
            loaded = importlib.import_module(module)
            assert all(hasattr(loaded, name) for name in names)


def _order(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, each by the alphabet: the order that ruff keeps."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2), name


@pytest.mark.parametrize("module", [name for name in MODULES if name != "mediaclean.__main__"])
def test_every_module_can_be_imported_and_says_what_it_is(module: str) -> None:
    assert importlib.import_module(module).__doc__


@pytest.mark.parametrize("module", ["mediaclean", "mediaclean.cli.app"])
def test_nothing_heavy_is_loaded_before_a_command_runs(module: str) -> None:
    """In an interpreter of its own, for here everything may have been loaded already."""
    code = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert "mediaclean" in loaded
    assert not loaded & {*HEAVY, "numpy"}


def test_the_library_s_names_are_there_and_load_late() -> None:
    """Asked for `clean`, the library is ready, but no network is: most runs need none."""
    code = "import sys; from mediaclean import analyze, clean, load_preset; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "False"
