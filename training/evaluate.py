"""Score weights on the validation set, and show per condition what the network leaves to be wished.

    python -m training.evaluate --data training/data
    python -m training.evaluate --data training/data --weights my.safetensors

SI-SDR from 94 Hz to 8 kHz in dB; "gain" is how much of the voice is left at 0 dB (1: all of it).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mediaclean.backends import dialogue
from training import validation


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="default: those that ship")
    parser.add_argument("--clips", type=int, default=10, help="per condition")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    separator = dialogue.load(args.device, args.weights)
    print(separator.identity)
    for condition, value in validation.measure(
        separator.net, validation.build(args.data, args.clips), args.device
    ).items():
        print(f"{condition:12} {value:6.2f}")


if __name__ == "__main__":
    main()
