"""Make the pictures of the preview page from the sample: `python docs/make_pictures.py [--page PAGE]`, with Chromium.

It renders the preview anew, opens it without a window in light, in dark and at the width of a phone, and keeps what is
seen.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from mediaclean.preview import preview

HERE = Path(__file__).parent
ROOT = HERE.parent
SAMPLE = Path("samples/interview.mp4")
"""From the root, as it stands in the command line that the page shows."""
SECONDS = 12.0
SHOWN = "reduce"
"""The version that is chosen in the first passage of the pictures."""
SCHEMES = {"dark": 0, "light": 1}
"""As the browser numbers them."""
PICTURES = (
    ("preview-light.png", ("light",), 1200, 1560),
    ("preview-dark.png", ("dark",), 1200, 1560),
    ("preview-phone.png", ("light", "dark"), 390, 1420),
)
"""Name, schemes side by side, width of the page in each, height."""


def take(page: Path, target: Path, schemes: tuple[str, ...], width: int, height: int) -> None:
    """One picture. A window is never as narrow as a phone, so the page lies in frames of its width."""
    style = f"width:{width}px;height:{height}px;border:0;color-scheme"
    frames = "".join(f'<iframe src="{page.as_uri()}" style="{style}:{scheme}"></iframe>' for scheme in schemes)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        framed = Path(folder) / "framed.html"
        framed.write_text(f'<!doctype html><body style="margin:0;display:flex">{frames}', encoding="utf-8")
        browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=4000"]
        flags += [f"--user-data-dir={folder}/profile", f"--window-size={width * len(schemes)},{height}"]
        flags += [f"--blink-settings=preferredColorScheme={SCHEMES[schemes[0]]}", f"--screenshot={target}"]
        subprocess.run([browser, *flags, framed.as_uri()], check=True, capture_output=True, timeout=120)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--page", type=Path, help="a preview that is there already")
    asked.add_argument("--to", type=Path, default=HERE, help="the folder of the pictures")
    words = asked.parse_args()
    words.to = words.to.absolute()
    words.page = words.page and words.page.absolute()
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        page = words.page or preview(SAMPLE, Path(folder) / "preview.html", seconds=SECONDS).target
        text = page.read_text(encoding="utf-8")
        text = re.sub(
            r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text
        )  # or it would not hear of the choice
        choose = f"""<script>{{ const {{ player }} = mediacleanPreview.views[0];
          player.choose(player.passage.versions.findIndex(({{ name }}) => name === "{SHOWN}")); }}</script>"""
        chosen = Path(folder) / "chosen.html"
        chosen.write_text(text.replace("</body>", f"{choose}</body>"), encoding="utf-8")
        for name, schemes, width, height in PICTURES:
            take(chosen, words.to / name, schemes, width, height)


if __name__ == "__main__":
    main()
