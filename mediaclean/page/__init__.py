"""Pages of a preview and of a result: one HTML file with all in it, from real files of HTML, CSS and JavaScript and
one block of data.

The page may load nothing: its content security policy allows the style and the script in it, by their hashes, and no
connection at all. All text reaches the page as data, through `textContent`; only its title is HTML, and is escaped.
"""

from __future__ import annotations

import html
import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from string import Template
from typing import Any, Literal

SCRIPTS = ("words.js", "player.js", "pictures.js", "preview.js")
"""One after the other in one function: each may use what those before it name."""

_HERE = Path(__file__).parent


def fill(title: str, data: Mapping[str, Any], kind: Literal["preview", "result"] = "preview") -> str:
    """The page with its data.

    Args:
        title: of the document, any text.
        data: what words.js reads, and result.js for a result; plain JSON values.
        kind: a result has an overview and tables beside its passages.
    """
    style, script, above, below = _part("preview.css"), _function(*map(_part, SCRIPTS)), "", ""
    if kind == "result":
        style, script = style + _part("result.css"), script + _part("result.js")
        above, below = _part("result.html").split("<!-- passages -->")
    return Template(_part("preview.html")).substitute(
        title=html.escape(title),
        kind=kind,
        above=above,
        below=below,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        data=_in_script(data),
    )


def data_uri(kind: str, content: bytes) -> str:
    """Bytes as an address that needs no file."""
    return f"data:{kind};base64,{b64encode(content).decode()}"


def _part(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _function(*parts: str) -> str:
    """Scripts with a scope of their own."""
    return '"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n"


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _in_script(data: Mapping[str, Any]) -> str:
    """JSON that cannot end the script element it stands in, whatever the text."""
    text = json.dumps(data, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
