"""Write the averaged weights of a checkpoint as safetensors, and set the package's hash if they are to ship.

    python -m training.export --checkpoint training/runs/main/last.pt --target my.safetensors
    python -m training.export --checkpoint training/runs/main/last.pt --ship
    python -m training.export --checkpoint before.pt after.pt --ship
    python -m training.export --checkpoint shipped.safetensors after.pt --ship

Of several checkpoints of one line of runs, or weights that were exported from it, the mean is written (Wortsman et al.,
"Model soups", 2022).
Half precision halves the file; the rounding (2^-11) lies far below what the network leaves in the voice.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save

from mediaclean.backends import dialogue
from mediaclean.backends.dialogue_net import DialogueNet, NetConfig


def export(checkpoints: Sequence[Path], target: Path) -> str:
    """Write the file; returns its SHA-256.

    Raises:
        OSError: if a checkpoint cannot be read.
        BackendError: if exported weights cannot be read, or fit no network.
        RuntimeError: if they are of different networks.
        ValueError: if a weight is no number, or too large for half precision.
    """
    nets = [_network(path) for path in checkpoints]
    config = nets[0].config
    if any(net.config != config for net in nets):
        raise RuntimeError("these weights are of different networks")
    states = [net.state_dict() for net in nets]
    means = {name: torch.stack([state[name] for state in states]).mean(0) for name in states[0]}
    tensors = {name: mean.half().contiguous() for name, mean in means.items()}
    odd = [name for name, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())]
    if odd:
        raise ValueError(f"not finite in half precision: {', '.join(odd)}")
    content = in_order(save(tensors, metadata=config.as_metadata()))
    target.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def in_order(content: bytes) -> bytes:
    """The same safetensors with its header sorted: the library leaves its order to chance, and one hash says one thing.

    The places of the tensors are counted from the end of the header, which begins with its own length (8 bytes, little
    end first) and is filled with spaces to a multiple of 8.
    """
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8:start]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[start:]


def _network(path: Path) -> DialogueNet:
    """The network of a checkpoint, with its averaged weights, or of exported weights."""
    if path.suffix == ".safetensors":
        return dialogue.load(weights=path).net
    state = torch.load(path, map_location="cpu", weights_only=True)
    net = DialogueNet(NetConfig.from_metadata(state["config"]))
    net.load_state_dict(state["average"])
    return net


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
