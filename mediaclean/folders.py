"""Where the data lie that come with mediaclean."""

from __future__ import annotations

from pathlib import Path


def preset_folder() -> Path:
    """The folder of the presets, with the delivery specs in its subfolder ``delivery``.

    A wheel carries it inside the package; in a checkout it lies beside the package.
    """
    inside = Path(__file__).parent / "presets"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "presets"
