"""A browser without a window: opens a page from disk, and hears back what a script in it found out."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--mute-audio",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)  # fmt: skip


def ask(page: Path, script: str, folder: Path, *, timeout_s: float = 90.0) -> dict[str, Any]:
    """What `script`, the body of an async function, returns when it runs in the page; errors of the page fail.

    The page's policy forbids a foreign script, so a copy is asked whose policy is taken out.
    """
    answers: list[dict[str, Any]] = []
    heard = threading.Event()

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()
            heard.set()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Ear)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    answer_to = f"http://127.0.0.1:{server.server_port}/"
    asked = folder / "asked.html"
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    before = """<script>window.faults = [];
      addEventListener("error", (event) => faults.push(String(event.message)));
      addEventListener("unhandledrejection", (event) => faults.push(String(event.reason)));
      for (const kind of ["error", "warn"]) console[kind] = (...words) => faults.push(words.join(" "));</script>"""
    after = f"""<script>(async () => {{
      let found;
      try {{ found = await (async () => {{ {script} }})(); }}
      catch (error) {{ found = {{ fault: String(error.stack) }}; }}
      await fetch("{answer_to}", {{ method: "POST", mode: "no-cors", body: JSON.stringify({{ ...found, faults }}) }});
    }})();</script>"""
    asked.write_text(
        text.replace("<title>", before + "<title>").replace("</body>", after + "</body>"), encoding="utf-8"
    )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-port=0", asked.as_uri()]
        browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            assert heard.wait(timeout_s), "the browser gave no answer"
        finally:
            browser.terminate()
            browser.wait(20)
            server.shutdown()
            server.server_close()
    return answers[0]


def dump(page: Path) -> str:
    """The page's document after its script ran, with its policy in force."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
        done = subprocess.run(command, capture_output=True, timeout=90, check=True)
    return done.stdout.decode("utf-8")
