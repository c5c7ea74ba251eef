"""One recording and its page for all tests; the engine is a fake whose voice is half of the mix at every sample."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mediaclean import CleanOptions
from mediaclean.preview import Previewed, preview
from preview.making import page_data, talk

HOSTILE = "a'b\"<script>alert(1)<&amp;>$title.wav"


@dataclass(frozen=True)
class Shown:
    """A page with what it was made from."""

    source: Path
    page: Path
    made: Previewed

    @property
    def text(self) -> str:
        return self.page.read_text(encoding="utf-8")

    @property
    def data(self) -> dict[str, Any]:
        return page_data(self.text)


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """Forty seconds: clear, with loud music, with quiet music, with music at the level of the voice, clear."""
    folder = tmp_path_factory.mktemp("shown")
    source = talk(folder / HOSTILE, music_db=(-99.0, 0.0, -12.0, 6.0, -99.0))
    page = folder / "page.html"
    made = preview(source, page, "documentary", CleanOptions(engine="fake:half"), seconds=8.0)  # type: ignore[arg-type]
    return Shown(source, page, made)
