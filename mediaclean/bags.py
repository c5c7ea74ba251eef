"""What makes up a model of Demucs: the networks of a bag, and how much of each source every one of them gives."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mediaclean.errors import BackendError

VOCALS = 3
"""Where the vocals are among demucs's sources: drums, bass, other, vocals."""


def bags(own: Path | None) -> dict[str, dict[str, Any]]:
    """The models that demucs and a folder describe, by name.

    Args:
        own: the folder of the user's weights, if there is one.

    Raises:
        BackendError: for a description that cannot be read, or is none.
    """
    import yaml  # type: ignore[import-untyped]

    spec = find_spec("demucs")
    places = [Path(place) / "remote" for place in spec.submodule_search_locations or ()] if spec else []
    found = {}
    for place in [*places, *([own] if own else [])]:
        for path in sorted(place.glob("*.yaml")) + sorted(place.glob("*/*.yaml")):
            try:
                bag = yaml.safe_load(path.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
                raise BackendError(f"{path} cannot be read: {exc}", "mend or delete the file") from exc
            if isinstance(bag, dict) and bag.get("models"):
                found[path.stem] = _checked(bag, path)
    return found


def _checked(bag: dict[str, Any], path: Path) -> dict[str, Any]:
    """A description in demucs's own form: signatures, and for each a share for every source.

    Raises:
        BackendError: if it is none; the file may be anybody's.
    """
    models, weights = bag["models"], bag.get("weights") or []
    fits = isinstance(models, list) and all(isinstance(each, str) for each in models)
    fits = fits and isinstance(weights, list) and len(weights) in {0, len(models)}
    if not fits or not all(_is_share(row) for row in weights):
        raise BackendError(f"{path} describes no model of Demucs", "mend it, or move it out of the folder")
    return {**bag, "weights": weights}


def _is_share(row: Any) -> bool:
    return isinstance(row, list) and len(row) > VOCALS and all(isinstance(each, int | float) for each in row)
