"""Write the averaged weights of a checkpoint as safetensors, and set the package's hash if they are to ship.

    python -m training.export --checkpoint training/runs/main/last.pt --target my.safetensors
    python -m training.export --checkpoint training/runs/main/last.pt --ship
    python -m training.export --checkpoint before.pt after.pt --ship

Of several checkpoints of one line of runs the mean of the weights is written (Wortsman et al., "Model soups", 2022).
Half precision halves the file; the rounding (2^-11) lies far below what the network leaves in the voice.
"""

from __future__ import annotations

import argparse
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file

from mediaclean.backends import dialogue
from mediaclean.backends.dialogue_net import DialogueNet, NetConfig


def export(checkpoints: Sequence[Path], target: Path) -> str:
    """Write the file; returns its SHA-256.

    Raises:
        OSError: if a checkpoint cannot be read.
        RuntimeError: if they are of different networks.
        ValueError: if a weight is no number, or too large for half precision.
    """
    states = [torch.load(path, map_location="cpu", weights_only=True) for path in checkpoints]
    config = NetConfig.from_metadata(states[0]["config"])
    net = DialogueNet(config)
    sums = {name: torch.zeros_like(tensor) for name, tensor in net.state_dict().items()}
    for state in states:
        net.load_state_dict(state["average"])
        for name, tensor in net.state_dict().items():
            sums[name] += tensor
    tensors = {name: (total / len(states)).half().contiguous() for name, total in sums.items()}
    odd = [name for name, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())]
    if odd:
        raise ValueError(f"not finite in half precision: {', '.join(odd)}")
    save_file(tensors, target, metadata=config.as_metadata())
    return hashlib.sha256(target.read_bytes()).hexdigest()


def ship(digest: str) -> None:
    """Write the hash of the shipped weights into the engine's source."""
    source = Path(dialogue.__file__)
    text = source.read_text(encoding="utf-8")
    line = re.compile(r'^WEIGHTS_SHA256 = ".*"$', re.MULTILINE)
    source.write_text(line.sub(f'WEIGHTS_SHA256 = "{digest}"', text), encoding="utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, nargs="+", required=True)
    parser.add_argument("--target", type=Path, default=dialogue.WEIGHTS)
    parser.add_argument("--ship", action="store_true", help="put them into the package, with their hash")
    args = parser.parse_args()
    target = dialogue.WEIGHTS if args.ship else args.target
    digest = export(args.checkpoint, target)
    if args.ship:
        ship(digest)
    print(f"{target}: {target.stat().st_size} bytes, sha256 {digest}")


if __name__ == "__main__":
    main()
