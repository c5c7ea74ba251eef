"""The weights of the networks: which are known, where they are, and how to get them. Prints nothing.

Demucs weights are looked for in a folder of the user's (an argument, or ``MEDIACLEAN_MODELS``), then in the cache
of the hub, which the demucs package shares, then in PyTorch's cache, where older versions of that package put
them. They are fetched from the hub. A file whose hash is known is held against it each time that it is loaded.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediaclean.bags import VOCALS, bags
from mediaclean.errors import BackendError
from mediaclean.progress import Progress, Watch, ignore
from mediaclean.settings import suggest

_HUB = "adefossez"
_PINNED = {
    "955717e8": ("d9fa14133cfcc034a6758923bb3a8ca9f8dfd0b582134643bbf83f72c17576dd", 84_025_440),
    "04573f0d": ("68854b0d7c2b3274723b5761f6fd9f5aec5f1bcd3f0de7c1669546fdb7871b7c", 84_025_440),
    "5c90dfd2": ("d2a1745f0744721f6b8ca5bf469b67c651ea5ed1b52998cab033b2158609d411", 54_885_744),
}
"""SHA-256 and size of the hub's files NAME.safetensors."""

_SIGNATURE = re.compile(r"[0-9a-f]{8}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DEMUCS_LICENCE = "MIT"


@dataclass(frozen=True)
class WeightFile:
    """One network of a model.

    Attributes:
        signature: its name without an ending.
        share: how much its voice counts beside the model's other networks.
        path: where it lies, or None.
        sha256: what its hash must be, or "" where that is not known beforehand.
        size_bytes: of the file, or None where it is neither here nor known.
    """

    signature: str
    share: float
    path: Path | None
    sha256: str
    size_bytes: int | None


@dataclass(frozen=True)
class Model:
    """A model that an engine can run: one network, or several whose voices are averaged.

    Attributes:
        name: as in ``--set separate.model=NAME``.
        engine: which engine runs it.
        licence: of the weights.
        repo: where the hub has it, or "" for what comes with mediaclean or lies in a folder.
        files: only the networks that the voice needs.
        segment_s: window that the model asks for, or None.
        note: why it cannot be used, or "".
    """

    name: str
    engine: str
    licence: str
    repo: str
    files: tuple[WeightFile, ...]
    segment_s: float | None = None
    note: str = ""

    @property
    def present(self) -> bool:
        """Whether all files are here."""
        return all(file.path for file in self.files)


def known(folder: Path | None = None) -> list[Model]:
    """Our own network, then all that demucs knows by name, then what the folder adds, each with its state."""
    return [_dialogue(), *(_model(name, folder) for name in bags(_folder(folder)))]


def find(name: str, folder: Path | None = None) -> Model:
    """A model by its name, or the signature of one demucs network, with its state.

    Args:
        folder: looked through first; None stands for ``MEDIACLEAN_MODELS``.

    Raises:
        BackendError: if no such model is known.
    """
    if name == "dialogue":
        return _dialogue()
    described = bags(_folder(folder))
    if name not in described and not _SIGNATURE.fullmatch(name):
        raise BackendError(f"{name}: no such model{suggest(name, described)}", "mediaclean models list")
    return _model(name, folder)


def fetch(name: str, watch: Watch = ignore, folder: Path | None = None) -> Model:
    """Get what is missing of a model from the hub, to the folder or else to the hub's cache.

    Args:
        watch: hears of the stage ``download``, which counts megabytes instead of seconds.

    Raises:
        BackendError: if there is no such model, no way to the hub, or the file is not what it should be.
    """
    model = find(name, folder)
    if model.note:
        raise BackendError(f"{name} cannot be used: {model.note}", "mediaclean models list")
    for file in model.files:
        if file.path is None:
            _download(model, file, watch, _folder(folder))
    return find(name, folder)


def verify(path: Path, sha256: str) -> str:
    """Hold a file of weights against its hash, and return the hash it has.

    Args:
        sha256: what it must be; "" where it is not known. The old ``SIGNATURE-HASH.th`` files carry the first
            digits of theirs in their name.

    Raises:
        BackendError: if it differs or cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as exc:
        raise BackendError(f"{path} cannot be read: {exc.strerror}", "mediaclean models list") from exc
    _, _, named = path.stem.partition("-")
    expected = named if path.suffix == ".th" else sha256
    if not digest.hexdigest().startswith(expected):
        raise BackendError(
            f"{path} is damaged: its SHA-256 begins with {digest.hexdigest()[:8]} instead of {expected[:8]}",
            "delete it if it is still there, then: mediaclean models fetch",
        )
    return digest.hexdigest()


def _dialogue() -> Model:
    path = Path(__file__).parent / "backends" / "dialogue.safetensors"
    here = path.is_file()
    return Model(
        "dialogue",
        "dialogue",
        "MIT",
        "",
        (WeightFile("dialogue", 1.0, path if here else None, "", _size(path) if here else None),),
    )


def _model(name: str, folder: Path | None) -> Model:
    bag = bags(_folder(folder)).get(name, {"models": [name]})
    shares = [weights[VOCALS] for weights in bag.get("weights", [])] or [1.0] * len(bag["models"])
    hub = bags(_folder(None)).items()
    repo = next((_repo(other) for other, more in hub if set(bag["models"]) <= set(more["models"])), "")
    files = []
    for signature, share in zip(bag["models"], shares, strict=True):
        if share > 0:
            path = _locate(signature, repo, folder)
            legacy = path is not None and path.suffix == ".th"
            sha256, size = ("", 0) if legacy else _PINNED.get(signature, ("", 0))
            files.append(WeightFile(signature, share, path, sha256, _size(path) if path else size or None))
    quantised = "its weights are quantised, take the model without _q" if name.endswith("_q") else ""
    return Model(name, "demucs", _DEMUCS_LICENCE, repo, tuple(files), bag.get("segment"), quantised)


def _repo(name: str) -> str:
    """Where the hub keeps a model, by demucs's own rule for names."""
    if name == "htdemucs":
        return f"{_HUB}/HTDemucs"
    if name.startswith("htdemucs_"):
        return f"{_HUB}/HTDemucs-{name.removeprefix('htdemucs_')}"
    return f"{_HUB}/Demucs-{name}"


def _folder(folder: Path | None) -> Path | None:
    named = os.environ.get("MEDIACLEAN_MODELS")
    return folder or (Path(named).expanduser() if named else None)


def _locate(signature: str, repo: str, folder: Path | None) -> Path | None:
    return next((path for path in _places(signature, repo, folder) if path.is_file()), None)


def _places(signature: str, repo: str, folder: Path | None) -> Iterator[Path]:
    own = _folder(folder)
    if own:
        for pattern in (f"{signature}.safetensors", f"{signature}*.th"):
            yield from sorted([*own.glob(pattern), *own.glob(f"*/{pattern}")])
    if repo:
        from huggingface_hub import try_to_load_from_cache

        cached = try_to_load_from_cache(repo, f"{signature}.safetensors")
        if isinstance(cached, str):
            yield Path(cached)
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
    torch_home = Path(os.environ.get("TORCH_HOME", cache / "torch")).expanduser()
    yield from sorted((torch_home / "hub" / "checkpoints").glob(f"{signature}-*.th"))


def _size(path: Path) -> int:
    return path.stat().st_size


def _download(model: Model, file: WeightFile, watch: Watch, folder: Path | None) -> None:
    """One file from the hub, with progress, held against the hash that is known or that the hub tells."""
    if not model.repo:
        hint = "install mediaclean again" if model.name == "dialogue" else "put it into the folder"
        raise BackendError(f"{file.signature} of {model.name} is not here, and not on the hub", hint)
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    name, endpoint = f"{file.signature}.safetensors", os.environ.get("HF_ENDPOINT")
    place = folder / model.name if folder else None
    bar, stopped = _bar(model.name, watch)
    try:
        # Asked first, because this fails at once where there is no network; the download would try for half a minute.
        told = get_hf_file_metadata(hf_hub_url(model.repo, name, endpoint=endpoint), endpoint=endpoint)
        path = hf_hub_download(model.repo, name, local_dir=place, tqdm_class=bar, endpoint=endpoint)
    except Exception as exc:
        # The hub's client lets through errors of several libraries, and the watch may have stopped it.
        if stopped:
            raise stopped[0] from None
        raise BackendError(
            f"{model.name} cannot be had from the hub: {_first_line(exc)}",
            f"mediaclean models fetch {model.name} where there is a network, or --engine dialogue",
        ) from exc
    hub_sha256 = told.etag if told.etag and _SHA256.fullmatch(told.etag) else ""
    try:
        verify(Path(path), file.sha256 or hub_sha256)
    except BackendError:
        Path(path).resolve().unlink(missing_ok=True)
        Path(path).unlink(missing_ok=True)
        raise


def _bar(name: str, watch: Watch) -> tuple[Any, list[Exception]]:
    """A progress bar in the eyes of the hub's client, which tells the watch; and what the watch raised."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    stopped: list[Exception] = []

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            super().__init__(*args, **{**kwargs, "disable": True})
            self.n, self.total = kwargs.get("initial", 0), kwargs.get("total")
            watch(Progress("download", 0.0, None, f"fetching the weights of {name}"))

        def update(self, n: float | None = 1) -> None:
            self.n += n or 0
            total_mb = self.total / 1e6 if self.total else None
            try:
                watch(Progress("download", self.n / 1e6, total_mb))
            except Exception as exc:
                stopped.append(exc)
                raise

    return Bar, stopped


def _first_line(exc: BaseException) -> str:
    return (str(exc).strip() or type(exc).__name__).splitlines()[0]
