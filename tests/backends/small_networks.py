"""Small demucs networks with weights that nobody trained, saved as the real ones are."""

from __future__ import annotations

import json
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

SOURCES = ["drums", "bass", "other", "vocals"]


def small_htdemucs(seed: int = 0, segment: Fraction = Fraction(1, 5), **changes: Any) -> Any:
    """An HTDemucs of some thousand parameters with a window of 0.2 s, its arguments, and random weights."""
    import torch
    from demucs.htdemucs import HTDemucs

    arguments = {"channels": 4, "nfft": 512, "depth": 2, "t_layers": 1, "t_heads": 2, "dconv_mode": 0, **changes}
    return _random(HTDemucs, {**arguments, "segment": segment}, seed, torch)


def small_hdemucs(seed: int = 0) -> Any:
    """An HDemucs, which takes windows of any length."""
    import torch
    from demucs.hdemucs import HDemucs

    return _random(HDemucs, {"channels": 4, "growth": 1, "dconv_mode": 0}, seed, torch)


def _random(kind: Any, kwargs: dict[str, Any], seed: int, torch: Any) -> Any:
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        torch.set_num_threads(1)  # they are too small to be worth more
        return kind(SOURCES, **kwargs).eval()


def save_safetensors(module: Any, path: Path, **header: str) -> Path:
    """As demucs 4.1 has its networks on the hub: arrays, and how to build the network in the header."""
    from safetensors.torch import save_file

    args, kwargs = module._init_args_kwargs
    told = {
        "klass": f"{type(module).__module__}.{type(module).__qualname__}",
        "args": json.dumps(list(args)),
        "kwargs": json.dumps(kwargs, default=_fraction),
    }
    save_file({key: value.half() for key, value in module.state_dict().items()}, path, {**told, **header})
    return path


def save_pickle(module: Any, path: Path, **more: Any) -> Path:
    """As demucs 4.0 had them: a pickled dictionary."""
    import torch

    args, kwargs = module._init_args_kwargs
    state = {key: value.half() for key, value in module.state_dict().items()}
    package = {"klass": type(module), "args": args, "kwargs": kwargs, "state": state, "training_args": {"lr": 0.1}}
    torch.save({**package, **more}, path)
    return path


def _fraction(value: Fraction) -> dict[str, Any]:
    return {"_type": "fraction", "numerator": value.numerator, "denominator": value.denominator}
