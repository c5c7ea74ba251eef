"""Draw the learning curve of a run from its log.

python -m training.curve --log training/runs/main/log.jsonl --target training/curve.png
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def read(log: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The training records and the validation records of a log."""
    records = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return [r for r in records if "loss" in r], [r for r in records if "validation" in r]


def draw(log: Path, target: Path) -> None:
    """Loss and validation scores over the hours of sound heard."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    training, checks = read(log)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    left.plot([r["heard_h"] for r in training], [r["loss"] for r in training], linewidth=0.8)
    left.set(xlabel="hours of mixtures heard", ylabel="loss (mean of 25 steps)", title="Training")
    conditions = [name for name in checks[0]["validation"] if name not in {"gain", "clean"}] if checks else []
    for name in conditions:
        right.plot([r["heard_h"] for r in checks], [r["validation"][name] for r in checks], marker=".", label=name)
    right.set(
        xlabel="hours of mixtures heard", ylabel="SI-SDR, 94 Hz to 8 kHz (dB)", title="Validation, averaged weights"
    )
    right.legend(loc="center right")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.savefig(target, dpi=110)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--target", type=Path, default=Path("training/curve.png"))
    args = parser.parse_args()
    draw(args.log, args.target)


if __name__ == "__main__":
    main()
