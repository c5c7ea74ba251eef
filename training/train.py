"""Train the dialogue network for a given number of minutes, on CPU or GPU.

    python -m training.train --data training/data --minutes 60 --device auto

Resumes from the run's last checkpoint if there is one, else from --weights or those that ship (unless --fresh), which
get more blocks at half rate if more are asked for than they have.
The learning rate warms up, then falls along a cosine that ends with the minutes given.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn
from torch.utils.data import DataLoader

from mediaclean.backends import dialogue
from mediaclean.backends.dialogue_mask import analyse
from mediaclean.backends.dialogue_net import DialogueNet, NetConfig
from training import together, validation
from training.grow import deepened, widened
from training.loss import dialogue_loss
from training.mixing import Batches
from training.muon import Muon

CHECKPOINT_EVERY_S = 240.0
ROUND_S = 20.0  # of training alone, before several processes average their weights
CORE = ("before.", "blocks.", "half_rate.", "after.")


@dataclass(frozen=True)
class TrainSettings:
    """How to train. With which of them the shipped weights were made is in training/RUNS.md."""

    batch: int = 8
    frames: int = 191  # three seconds
    muon_rate: float = 0.015
    adam_rate: float = 2e-3
    weight_decay: float = 0.01
    warmup_steps: int = 60
    final_rate: float = 0.02  # of the peak
    clip_norm: float = 5.0
    ema: float = 0.998
    seed: int = 1
    bfloat16: bool = False  # the network's products on a CPU; on a GPU always


def split_parameters(net: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Matrices inside the blocks (for Muon), and all the rest (for AdamW)."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in net.named_parameters():
        (matrices if parameter.ndim == 2 and name.startswith(CORE) else others).append(parameter)
    return matrices, others


def make_optimisers(net: nn.Module, s: TrainSettings) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside, AdamW for the rest; a Muon rate of 0 leaves all to AdamW."""
    matrices, others = split_parameters(net)
    adam = torch.optim.AdamW(others, lr=s.adam_rate, weight_decay=s.weight_decay, betas=(0.9, 0.98))
    if s.muon_rate <= 0:
        adam.add_param_group({"params": matrices})
        return [adam]
    muon = Muon(matrices, rate=s.muon_rate, weight_decay=s.weight_decay)
    return [muon, adam]


def rate_at(step: int, progress: float, s: TrainSettings) -> float:
    """Share of the peak learning rate at a step, `progress` being the share of the time that is over."""
    warm = min(1.0, (step + 1) / s.warmup_steps)
    cosine = 0.5 * (1 + float(torch.cos(torch.tensor(torch.pi * min(1.0, progress)))))
    return warm * (s.final_rate + (1 - s.final_rate) * cosine)


class Trainer:
    """One run: network, its running average, optimisers, checkpoints and log."""

    def __init__(self, net: DialogueNet, run: Path, device: str, settings: TrainSettings) -> None:
        self.net, self.run, self.device, self.settings = net.to(device), run, device, settings
        self.average = copy.deepcopy(net).eval()
        self.optimisers = make_optimisers(net, settings)
        self.peaks = [[g["lr"] for g in o.param_groups] for o in self.optimisers]
        self.step, self.heard_s = 0, 0.0
        run.mkdir(parents=True, exist_ok=True)

    def save(self, name: str) -> None:
        """Write a checkpoint, atomically."""
        state = {
            "config": self.net.config.as_metadata(),
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimisers": [o.state_dict() for o in self.optimisers],
            "step": self.step,
            "heard_s": self.heard_s,
        }
        torch.save(state, self.run / (name + ".tmp"))
        (self.run / (name + ".tmp")).rename(self.run / name)

    def restore(self, path: Path) -> None:
        """Continue from a checkpoint of the same configuration."""
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.step, self.heard_s = state["step"], state["heard_s"]

    def train_step(self, mix: Tensor, voice: Tensor, bandwidth: Tensor, progress: float) -> dict[str, float]:
        """One update; returns the loss terms and the gradient norm."""
        s = self.settings
        for optimiser, peaks in zip(self.optimisers, self.peaks, strict=True):
            for group, peak in zip(optimiser.param_groups, peaks, strict=True):
                group["lr"] = peak * rate_at(self.step, progress, s)
        mix, voice, bandwidth = (x.to(self.device, non_blocking=True) for x in (mix, voice, bandwidth))
        with torch.no_grad():
            mix_spectrum, voice_spectrum = analyse(mix), analyse(voice)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.device == "cuda" or s.bfloat16):
            mask = self.net(mix_spectrum)
        loss, terms = dialogue_loss(mask, voice_spectrum, mix_spectrum, bandwidth)
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        norm = nn.utils.clip_grad_norm_(self.net.parameters(), s.clip_norm)
        if bool(torch.isfinite(norm)):
            for optimiser in self.optimisers:
                optimiser.step()
        self.step += 1
        self.heard_s += mix.numel() / 48_000
        decay = min(s.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for kept, new in zip(self.average.parameters(), self.net.parameters(), strict=True):
                kept.lerp_(new, 1 - decay)
        return terms | {"loss": float(loss.detach()), "norm": float(norm)}


def fit(
    trainer: Trainer, data: Path, minutes: float, validate_every_s: float = 300.0, rank: int = 0, start: float = 0.0
) -> None:
    """Train until the time is over; the first process logs, validates and saves on the way.

    The learning rate begins where `start` (0 to 1) of its cosine is over: not 0 where an interrupted run goes on.
    """
    s = trainer.settings
    stream = Batches(data, (s.seed + trainer.step) * 16 + rank, s.batch, s.frames)
    workers = 0 if trainer.device == "cpu" else 14
    loader = iter(DataLoader(stream, batch_size=None, num_workers=workers, prefetch_factor=6 if workers else None))
    begin = together.first_value(time.monotonic())
    journal = Journal(trainer, data, begin, validate_every_s) if rank == 0 else None
    length_s = minutes * 60
    for number in range(math.ceil(length_s / ROUND_S)):
        round_end_s = min((number + 1) * ROUND_S, length_s)
        step, heard_s = trainer.step, trainer.heard_s
        while (elapsed_s := time.monotonic() - begin) < round_end_s:
            mix, voice, bandwidth = next(loader)
            terms = trainer.train_step(mix, voice, bandwidth, start + (1 - start) * elapsed_s / length_s)
            if journal:
                journal.after_step(terms)
        together.average_weights((trainer.net, trainer.average), trainer.step - step)
        trainer.heard_s = heard_s + together.total(trainer.heard_s - heard_s)
        if journal:
            journal.after_round()
    if journal:
        journal.finish()


class Journal:
    """Log, validation and checkpoints of a run."""

    def __init__(self, trainer: Trainer, data: Path, begin: float, validate_every_s: float) -> None:
        self.trainer, self.begin, self.validate_every_s = trainer, begin, validate_every_s
        self.sets = validation.build(data)
        self.saved = self.validated = time.monotonic()
        self.sums: dict[str, float] = {}
        self.count = 0

    def write(self, record: dict[str, object]) -> None:
        """Append a line to the run's log."""
        trainer = self.trainer
        head = {"step": trainer.step, "minutes": round((time.monotonic() - self.begin) / 60, 2)}
        with (trainer.run / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(head | record | {"heard_h": round(trainer.heard_s / 3600, 3)}) + "\n")

    def validate(self) -> None:
        """Measure the averaged weights on the validation set."""
        self.write({"validation": validation.measure(self.trainer.average, self.sets, self.trainer.device)})
        self.validated = time.monotonic()

    def after_step(self, terms: dict[str, float]) -> None:
        """Collect the terms; now and then log them."""
        self.count += 1
        for name, value in terms.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        if self.count == 25:
            self.write({name: round(value / self.count, 4) for name, value in self.sums.items()})
            self.sums, self.count = {}, 0

    def after_round(self) -> None:
        """Now and then validate and save; only here do all processes have the same weights."""
        if time.monotonic() - self.validated > self.validate_every_s:
            self.validate()
        if time.monotonic() - self.saved > CHECKPOINT_EVERY_S:
            self.trainer.save("last.pt")
            self.saved = time.monotonic()

    def finish(self) -> None:
        """The end of the run."""
        self.validate()
        self.trainer.save("last.pt")


def work(rank: int, args: argparse.Namespace, device: str) -> None:
    """One training process of `args.processes`, which average their weights after every round."""
    if args.processes > 1:
        torch.set_num_threads(1)
        meeting = (args.run / "rendezvous").resolve().as_uri()
        dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=args.processes)
    torch.manual_seed(args.seed)
    batch = args.batch // args.processes
    settings = TrainSettings(
        batch=batch, muon_rate=args.muon_rate, adam_rate=args.adam_rate, seed=args.seed, bfloat16=args.bfloat16
    )
    last = args.run / "last.pt"
    going_on = last.exists() and not args.fresh
    net = DialogueNet(NetConfig(half_rate_blocks=args.half_rate_blocks))
    if (args.weights or dialogue.WEIGHTS.exists()) and not (args.fresh or going_on):
        net = deepened(dialogue.load("cpu", args.weights).net, args.half_rate_blocks)
        net = widened(net, NetConfig.taps)
    trainer = Trainer(net, args.run, device, settings)
    if going_on:
        trainer.restore(last)
    fit(trainer, args.data, args.minutes, args.validate_every, rank, args.start)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--run", type=Path, default=Path("training/runs/main"))
    parser.add_argument("--weights", type=Path, help="safetensors to start a new run from (those that ship)")
    parser.add_argument("--fresh", action="store_true", help="start from random weights")
    parser.add_argument("--half-rate-blocks", type=int, default=NetConfig.half_rate_blocks, help="depth of the network")
    parser.add_argument("--batch", type=int, default=TrainSettings.batch, help="over all processes")
    parser.add_argument("--muon-rate", type=float, default=TrainSettings.muon_rate)
    parser.add_argument("--adam-rate", type=float, default=TrainSettings.adam_rate)
    parser.add_argument("--seed", type=int, default=TrainSettings.seed)
    parser.add_argument(
        "--bfloat16",
        action="store_true",
        help="on a CPU with instructions for it (avx512_bf16, amx): half again as fast",
    )
    parser.add_argument(
        "--start", type=float, default=0.0, help="share of the cosine that is over, to go on with a run"
    )
    parser.add_argument("--validate-every", type=float, default=300.0, help="seconds")
    parser.add_argument("--processes", type=int, default=1, help="CPU only: one thread each, see training/together.py")
    args = parser.parse_args()
    device = args.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    args.run.mkdir(parents=True, exist_ok=True)
    (args.run / "rendezvous").unlink(missing_ok=True)
    if args.processes > 1:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the processes end with this one
        spawn(work, (args, device), nprocs=args.processes, daemon=True)  # type: ignore[no-untyped-call]
    else:
        work(0, args, device)


if __name__ == "__main__":
    main()
