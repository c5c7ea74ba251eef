"""From the name of an engine to a separator that is ready to run."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediaclean import models
from mediaclean.backends import demucs, fake
from mediaclean.backends.device import Notes, Steady, choose_device, no_notes
from mediaclean.errors import BackendError, PresetError
from mediaclean.progress import Watch, ignore
from mediaclean.settings import suggest

if TYPE_CHECKING:
    from mediaclean.separate import Separator

ENGINES = ("auto", "dialogue", "demucs", "none")


def load_separator(
    engine: str = "auto",
    *,
    stats: demucs.Stats,
    device: str = "auto",
    model: str = "htdemucs",
    folder: Path | None = None,
    notes: Notes = no_notes,
    watch: Watch = ignore,
) -> tuple[Steady, str]:
    """A separator that steps down by itself when memory runs out, and why it is this one.

    ``auto`` is demucs where there is a GPU and its weights are here or can be had, else our own network. It does not
    fail for want of a network: if none can be loaded, the mix counts as the voice.

    Args:
        engine: auto, dialogue, demucs, none, or fake:NAME.
        stats: of the track that will be separated.
        device: auto, cpu, cuda or mps.
        model: which network demucs runs.
        folder: where demucs weights are looked for first; None stands for ``MEDIACLEAN_MODELS``.
        notes: is told of each step down.
        watch: hears of downloads.

    Raises:
        PresetError: for an unknown engine.
        BackendError: if the engine that was asked for is not here and cannot be had.
        DeviceError: if the device is not here.
    """
    name, _, variant = engine.partition(":")
    if name == "fake":
        return Steady(lambda _: fake.load(variant), "cpu", notes), "a fake was asked for"
    if engine not in ENGINES:
        raise PresetError(f"{engine}: no such engine{suggest(engine, ENGINES)}", f"--engine {'|'.join(ENGINES)}")
    if engine == "none":
        return _none(), "no engine was asked for"
    where = choose_device(device)

    def take_demucs() -> Steady:
        if not models.find(model, folder).present:
            models.fetch(model, watch, folder)
        return _demucs(model, stats, folder, where, notes)

    if engine == "demucs":
        return take_demucs(), "demucs was asked for"
    if engine == "dialogue":
        return _dialogue(where, notes), "dialogue was asked for"
    reason = "there is no GPU, without which demucs is slow"
    if where != "cpu":
        try:
            return take_demucs(), f"there is a GPU ({where})"
        except BackendError as exc:
            reason = f"demucs is not to be had: {exc.message}"
    try:
        return _dialogue(where, notes), reason
    except BackendError as exc:
        return _none(), f"no network could be loaded, the mix counts as the voice: {reason}; {exc.message}"


def load_other(
    main: str,
    *,
    stats: demucs.Stats,
    device: str = "auto",
    model: str = "htdemucs",
    folder: Path | None = None,
    notes: Notes = no_notes,
) -> Steady | None:
    """Another separator than the main one: demucs after our own network, if its weights are here; never a download.

    Args:
        main: identity of the separator that was used; "" for none.
        stats, device, model, folder, notes: as in `load_separator`.

    Raises:
        BackendError: if its weights are damaged or cannot be run.
        DeviceError: if the device is not here.
    """
    if not main.startswith("dialogue") or not models.find(model, folder).present:
        return None
    return _demucs(model, stats, folder, choose_device(device), notes)


def _demucs(model: str, stats: demucs.Stats, folder: Path | None, device: str, notes: Notes) -> Steady:
    return Steady(lambda on: demucs.load(model, device=on, stats=stats, folder=folder), device, notes)


def _dialogue(device: str, notes: Notes) -> Steady:
    try:
        module: Any = import_module("mediaclean.backends.dialogue")
    except ImportError as exc:
        raise BackendError(f"the dialogue network cannot be imported: {exc}", "install mediaclean again") from exc

    def load(on: str) -> Separator:
        separator: Separator = module.load(on)
        return separator

    return Steady(load, device, notes)


def _none() -> Steady:
    def load(_: str) -> Separator:
        whole = fake.load("identity")
        whole.identity = "none"
        return whole

    return Steady(load, "cpu")
