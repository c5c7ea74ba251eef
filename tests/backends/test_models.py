"""Weights are found where they are, fetched where they are not, and held against their hash."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mediaclean import models
from mediaclean.errors import BackendError
from mediaclean.progress import Progress

WEIGHTS = bytes(range(256)) * 20_000
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()


class Hub(BaseHTTPRequestHandler):
    """Answers as the hub does for one repository."""

    asked: list[str] = []  # noqa: RUF012
    content = WEIGHTS

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        self.asked.append(f"{self.command} {self.path}")
        if not self.path.startswith("/adefossez/HTDemucs/resolve/"):
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("ETag", f'"{SHA256}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        if body:
            self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(models, "_PINNED", {"955717e8": (SHA256, len(WEIGHTS))})
    Hub.asked.clear()
    Hub.content = WEIGHTS
    yield Hub
    server.shutdown()
    server.server_close()
    thread.join()


def test_all_models_of_demucs_and_our_own_are_known() -> None:
    found = {model.name: model for model in models.known()}
    assert next(iter(found)) == "dialogue"
    assert {"htdemucs", "htdemucs_ft", "htdemucs_6s", "hdemucs_mmi", "mdx", "mdx_extra", "mdx_q"} <= set(found)
    assert found["htdemucs"].repo == "adefossez/HTDemucs"
    assert found["htdemucs_6s"].repo == "adefossez/HTDemucs-6s"
    assert found["mdx_extra"].repo == "adefossez/Demucs-mdx_extra"
    assert found["mdx_q"].note
    assert not found["htdemucs"].present
    assert found["htdemucs"].files[0].size_bytes == 84_025_440


def test_only_networks_with_a_say_in_the_voice_are_needed() -> None:
    assert [file.signature for file in models.find("htdemucs_ft").files] == ["04573f0d"]
    assert [(file.signature, file.share) for file in models.find("mdx").files] == [("c511e2ab", 1.0), ("7d865c68", 1.0)]


def test_a_folder_comes_before_the_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "torch" / "hub" / "checkpoints" / "955717e8-8726e21a.th"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"")
    assert models.find("htdemucs").files[0].path == old
    own = tmp_path / "own" / "htdemucs" / "955717e8.safetensors"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"")
    assert models.find("htdemucs", tmp_path / "own").files[0].path == own
    monkeypatch.setenv("MEDIACLEAN_MODELS", str(tmp_path / "own"))
    assert models.find("htdemucs").files[0].path == own
    assert models.find("955717e8").files[0].path == own.parent / own.name


def test_weights_are_fetched_once_with_progress(hub: type[Hub]) -> None:
    heard: list[Progress] = []
    model = models.fetch("htdemucs", heard.append)
    assert model.present
    path = model.files[0].path
    assert path is not None
    assert path.read_bytes() == WEIGHTS
    assert heard[0].message == "fetching the weights of htdemucs"
    done = [event.done_s for event in heard]
    assert done == sorted(done)
    assert done[-1] == pytest.approx(len(WEIGHTS) / 1e6)
    hub.asked.clear()
    assert models.fetch("htdemucs").files[0].path == path
    assert not hub.asked


def test_weights_go_to_the_folder_that_was_named(hub: type[Hub], tmp_path: Path) -> None:
    model = models.fetch("htdemucs", folder=tmp_path / "own")
    assert model.files[0].path == tmp_path / "own" / "htdemucs" / "955717e8.safetensors"


@pytest.mark.parametrize("own", [True, False])
def test_damaged_weights_are_refused_and_fetched_anew(hub: type[Hub], tmp_path: Path, own: bool) -> None:
    folder = tmp_path / "own" if own else None
    hub.content = WEIGHTS[:-1] + b"x"
    with pytest.raises(BackendError, match="is damaged"):
        models.fetch("htdemucs", folder=folder)
    assert not models.find("htdemucs", folder).present
    hub.content = WEIGHTS
    assert models.fetch("htdemucs", folder=folder).present


def test_without_a_pinned_hash_the_hubs_own_is_used(hub: type[Hub], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_PINNED", {})
    hub.content = WEIGHTS[:-1] + b"x"
    with pytest.raises(BackendError, match=f"instead of {SHA256[:8]}"):
        models.fetch("htdemucs")


def test_what_the_watch_raises_stops_the_download(hub: type[Hub]) -> None:
    def stop(progress: Progress) -> None:
        if progress.done_s > 0:
            raise RuntimeError("stopped by the user")

    with pytest.raises(RuntimeError, match="stopped by the user"):
        models.fetch("htdemucs", stop)
    assert not models.find("htdemucs").present


def test_no_network_is_a_backend_error() -> None:
    with pytest.raises(BackendError, match="htdemucs cannot be had from the hub: ") as offline:
        models.fetch("htdemucs")
    assert "where there is a network" in offline.value.hint


def test_what_the_hub_lacks_is_a_backend_error(hub: type[Hub]) -> None:
    with pytest.raises(BackendError, match="cannot be had"):
        models.fetch("mdx_extra")


@pytest.mark.parametrize(("name", "message"), [("htdemuks", "did you mean htdemucs"), ("mdx_q", "quantised")])
def test_names_that_cannot_be_fetched(name: str, message: str) -> None:
    with pytest.raises(BackendError, match=message):
        models.fetch(name)


def test_a_folder_may_describe_its_own_model(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("models: ['aaaaaaaa']\nsegment: 5\n")
    model = models.find("mine", tmp_path)
    assert (model.segment_s, model.present, model.repo) == (5, False, "")
    with pytest.raises(BackendError, match="is not here, and not on the hub"):
        models.fetch("mine", folder=tmp_path)


@pytest.mark.parametrize("text", ["models: [", "\xff"])
def test_a_description_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.yaml").write_bytes(text.encode("latin-1"))
    with pytest.raises(BackendError, match=r"mine\.yaml cannot be read"):
        models.find("mine", tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "models: 5",
        "models: aaaaaaaa",
        "models: [1, 2]",
        "models: [abc, def]\nweights: [[1, 1]]",
        "models: [abc]\nweights: [[1, 1, 1]]",
        "models: [abc]\nweights: [x]",
        "models: [abc]\nweights: 3",
    ],
)
def test_a_file_that_describes_something_else(tmp_path: Path, text: str) -> None:
    """Anybody's YAML may lie in the folder."""
    (tmp_path / "mine.yaml").write_text(text)
    for ask in (lambda: models.known(tmp_path), lambda: models.find("htdemucs", tmp_path)):
        with pytest.raises(BackendError, match=r"mine\.yaml describes no model of Demucs"):
            ask()


def test_our_own_network_needs_no_fetching() -> None:
    assert models.fetch("dialogue") == models.find("dialogue") == models.known()[0]
