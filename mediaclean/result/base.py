"""A finished result to start from: its report, and its stems where it has some."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Any

from mediaclean.errors import MediaError, PresetError
from mediaclean.loudness.delivery import spec_names
from mediaclean.media.fingerprint import is_same
from mediaclean.plan.as_json import from_dict
from mediaclean.plan.make import Plan
from mediaclean.preset import Preset, from_tables
from mediaclean.report import EngineUse
from mediaclean.result.patch import Patch
from mediaclean.result.stem_files import AGAIN, TABLE, Grid, Stems, from_table, stems_folder
from mediaclean.unfinished import is_made_from


@dataclass(frozen=True, eq=False)
class Base:
    """What a result was made with.

    Attributes:
        source, target: the files, as far as they are known.
        preset, plan: what holds outside the patches.
        patches: spans that were done again, in the order in which they were.
        gain_db, ceiling_dbtp: its level; a gain of None where it was left alone.
        engine: the network that separated the voice.
        options: what the run was told beside its preset.
        stems: its voice and bed on disk; None where it has only a report.
        table: the file that all this was read from.
    """

    source: Path
    target: Path
    preset: Preset
    plan: Plan
    patches: tuple[Patch, ...]
    gain_db: float | None
    ceiling_dbtp: float
    engine: EngineUse | None
    options: Mapping[str, Any]
    stems: Stems | None
    table: Path

    @property
    def grid(self) -> Grid | None:
        """The grid that its voices lie on; None where they were mixed as they came from the network."""
        bits = self.options.get("headroom_bits")
        return None if bits is None else Grid(int(bits))


def load_base(path: Path, source: Path | None = None) -> Base:
    """The result at `path`.

    Args:
        path: the result itself, with its stems beside it; the folder of stems; or a report in JSON.
        source: where its source is, if it moved.

    Raises:
        PresetError: if there are neither stems nor a report, or they are not mediaclean's.
        MediaError: if the source is not there, or is another file now; if a stem is missing.
    """
    file = _table_of(path)
    table = _read(file)
    report = table.get("report", table) if isinstance(table, dict) else {}
    try:
        base = _base(report, table, file)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PresetError(f"{file} is no report of a finished run: {error}", HINT) from error
    if file.name == TABLE and path not in {file, file.parent}:
        _check_result(path, file, base, table.get("result"))
    _check_alone(base)
    _check_stems(base)
    found = _source(base, file, source)
    _check_source(found, report.get("fingerprint", {}), path)
    return Base(**{**vars(base), "source": found})


HINT = "mediaclean clean INPUT --residual keeps stems beside the result; --report FILE writes its report"


def _table_of(path: Path) -> Path:
    if path.is_dir():
        return path / TABLE
    if path.suffix.lower() == ".json":
        return path
    if not path.exists():
        raise MediaError(f"{path}: no such file", "give a result of mediaclean clean")
    beside = stems_folder(path) / TABLE
    if not beside.is_file():
        raise PresetError(f"{path.name} has no stems beside it ({beside.parent.name}/)", _first_of(path) or HINT)
    return beside


def _first_of(path: Path) -> str:
    """Of several deliveries of one run the first has the stems, which do for all of them."""
    name, _, spec = path.stem.rpartition(".")
    for folder in sorted(path.parent.glob(f"{escape(name)}.*.stems")) if name and spec in spec_names() else ():
        if (folder / TABLE).is_file():
            words = f"{shlex.quote(str(folder))} --spec {spec} -o {shlex.quote(str(path))} --overwrite"
            return f"the stems of its run: mediaclean remix {words}"
    return ""


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise PresetError(f"{file} cannot be read: {error.strerror}", HINT) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise PresetError(f"{file} is not JSON: {error}", HINT) from error


def _base(report: Mapping[str, Any], table: Mapping[str, Any], file: Path) -> Base:
    tables, level, engine = dict(report["preset"]), report["level"], report["engine"]
    return Base(
        source=Path(report["source"]),
        target=Path(report["target"]),
        preset=from_tables(tables, str(tables.pop("name"))),
        plan=from_dict(report["plan"]),
        patches=tuple(Patch.from_json(row) for row in report["patches"]),
        gain_db=None if level is None else float(level["exact_db"]),
        ceiling_dbtp=0.0 if level is None else float(level["ceiling_dbtp"]),
        engine=None if engine is None else EngineUse(**{**engine, "weights": tuple(engine["weights"])}),
        options=dict(report["options"]),
        stems=from_table(table, file.parent) if "files" in table else None,
        table=file,
    )


def _source(base: Base, file: Path, given: Path | None) -> Path:
    """The source: where it is said to be, where it was, or at the same place as seen from the result."""
    if given is not None:
        return given
    options = base.options
    places = [Path(options["source"])] if "source" in options else []
    if "source_from_target" in options:
        beside = file.parent.parent if base.stems else file.parent
        places.insert(0, beside / options["source_from_target"])
    places.append(base.source)
    for place in places:
        if place.is_file():
            return place
    raise MediaError(f"{base.source}, the source of {base.target.name}, is not there any more", "--source FILE")


def _check_result(path: Path, file: Path, base: Base, known: Mapping[str, Any] | None) -> None:
    """Stems are found by the name of a result alone, which another one may have by now."""
    if is_same(path, known) if known else path.name == base.target.name:
        return
    if is_made_from(path, file):  # in its own place, and stopped before the table told of it
        return
    folder = shlex.quote(str(file.parent))
    raise MediaError(
        f"{file.parent.name} beside it holds the stems of another result than {path.name}",
        f"mediaclean remix {folder} --dose remove -o NEW{path.suffix} makes that one again; "
        "mediaclean clean INPUT --residual keeps stems of this one",
    )


def _check_alone(base: Base) -> None:
    """A result is made again from its source, so what else was cleaned in it would be the source's again."""
    tracks = [str(number) for number in base.options.get("tracks", ())]
    if len(tracks) > 1:
        raise PresetError(
            f"{base.target.name} has {len(tracks)} clean tracks, of which a remix would undo all but one",
            f"mediaclean clean INPUT --tracks {','.join(tracks)}, with other settings",
        )


def _check_stems(base: Base) -> None:
    """Results that were made from stems name those of the first one, which may have moved or gone since."""
    for path in (base.stems.voice, base.stems.bed) if base.stems else ():
        if not path.is_file():
            place = Path(os.path.normpath(path.parent))
            lacking = f"{path.name} is missing in it" if place.is_dir() else "that folder is not there"
            raise MediaError(
                f"{base.target.name} was made from the stems in {place}, but {lacking}",
                f"put it back; else {AGAIN}",
            )


def _check_source(path: Path, known: Mapping[str, Any], result: Path) -> None:
    if not path.is_file():
        raise MediaError(f"{path}: no such file", "--source FILE")
    if not known:
        return
    if not is_same(path, known):
        raise MediaError(
            f"{path} is not the file that {result.name} was made from: it has changed",
            "give the original with --source FILE, or clean it anew: mediaclean clean INPUT --residual",
        )
