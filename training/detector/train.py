"""Trains the heads on the encoded corpus.

    python -m training.detector.train --features FOLDER --out FOLDER
    torchrun --nproc-per-node N -m training.detector.train --features FOLDER --out FOLDER

The same inputs give the same weights, however often a run was interrupted: batches are drawn from the seed and the
step, checkpoints hold all state, and sums are formed in one order. With N processes each takes its part of every batch.
"""

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F  # noqa: N812 - its usual name
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from training.corpus.draw import TELEPHONE
from training.corpus.files import BONAFIDE
from training.corpus.split import CONF, configuration, fraction
from training.detector.curves import TrainingCurves, held_out
from training.detector.features import read_features
from training.detector.model import FOLDS, DetectorHeads, DetectorShape
from training.parallel import end_with_parent

SMALLEST_SPREAD = 1e-3
MEASURE_EVERY = 10
HEADS = "heads.pt"
# Of crops that are not trained on.
NO_FOLD = -1


@dataclass(frozen=True, slots=True)
class EncodedMaterial:
    """Encoded crops.

    Attributes:
        features: shape (crops, features).
        human: whether bona fide, shape (crops,).
        weights: of each crop in the loss, shape (crops,).
        folds: which part each crop belongs to, shape (crops,); NO_FOLD for one that nothing is trained on.
        cells: collection, or family of attacks, and channel of each crop, shape (crops,).
        lines: band and condition of each crop, shape (crops,).
    """

    features: Tensor
    human: Tensor
    weights: Tensor
    folds: Tensor
    cells: NDArray[np.str_]
    lines: NDArray[np.str_]


def load(path: Path, settings: Mapping[str, Any]) -> EncodedMaterial:
    """Reads the side that is trained on; `settings` are those of the training."""
    file = read_features(path)
    chosen = file["split"] == "train"
    human, kinds = _kinds(file, chosen)
    emphasis = np.array(
        [1.0 if mine else settings["emphasis"].get(kind, 1.0) for mine, kind in zip(human, kinds, strict=True)]
    )
    weights = balanced(human, kinds, file["channel"][chosen], settings["rebalance"]) * emphasis
    return _material(file, chosen, weights, folds(human, kinds, file["speaker"][chosen], settings["left_out"]))


def load_held_out(path: Path) -> EncodedMaterial:
    """Reads the side that nothing was trained on."""
    file = read_features(path)
    chosen = file["split"] == "test"
    human, kinds = _kinds(file, chosen)
    weights = balanced(human, kinds, file["channel"][chosen], 0.0)
    return _material(file, chosen, weights, np.full(chosen.sum(), NO_FOLD))


def folds(
    human: NDArray[np.bool_], kinds: NDArray[np.str_], speakers: NDArray[np.str_], left_out: str
) -> NDArray[np.int64]:
    """Returns the part of each crop, by a digest of a name: what shares one is never on two sides.

    Args:
        human: whether bona fide, shape (crops,).
        kinds: collection, or family of attacks, shape (crops,).
        speakers: shape (crops,).
        left_out: what bona fide crops are parted by, `collection`, or `speaker` where collections are too few.
    """
    names = np.where(human, speakers, kinds) if left_out == "speaker" else kinds
    part = {name: int(fraction(f"fold {name}") * FOLDS) for name in set(names.tolist())}
    return np.array([part[name] for name in names.tolist()])


def _kinds(file: Mapping[str, Any], chosen: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.str_]]:
    human = file["label"][chosen] == BONAFIDE
    return human, np.where(human, file["group"][chosen], file["family"][chosen])


def _material(
    file: Mapping[str, Any], chosen: NDArray[np.bool_], weights: NDArray[np.float64], parts: NDArray[np.int64]
) -> EncodedMaterial:
    human, kinds = _kinds(file, chosen)
    band = np.where(np.isin(file["channel"][chosen], TELEPHONE), "telephone ", "wide ")
    return EncodedMaterial(
        features=torch.tensor(file["features"][chosen].astype(np.float32)),
        human=torch.tensor(human.astype(np.float32)),
        weights=torch.tensor(weights, dtype=torch.float32),
        folds=torch.tensor(parts),
        cells=np.char.add(np.char.add(kinds, " "), file["channel"][chosen]),
        lines=np.char.add(band, file["condition"][chosen]),
    )


def balanced(
    human: NDArray[np.bool_], kinds: NDArray[np.str_], channels: NDArray[np.str_], power: float
) -> NDArray[np.float64]:
    """Returns weights: both classes count alike in every channel, and small families and groups for more."""
    cells = list(zip(human.tolist(), kinds.tolist(), channels.tolist(), strict=True))
    counts = Counter(cells)
    weights = np.array([counts[cell] ** -power for cell in cells])
    for channel in sorted(set(channels.tolist())):
        for flag in (False, True):
            side = (channels == channel) & (human == flag)
            weights[side] /= weights[side].sum()
    return np.asarray(weights * len(weights) / weights.sum(), np.float64)


@dataclass(frozen=True, slots=True)
class TrainingMonitor:
    """Measures a training while it runs, which does not change it.

    Attributes:
        curves: where figures are kept.
        held: the side that is not trained on.
    """

    curves: TrainingCurves
    held: EncodedMaterial

    def measure(self, step: int, loss: float, heads: DetectorHeads) -> None:
        """Keeps the loss of a batch, and the errors of the heads on held-out crops."""
        found = held_out(scores(heads, self.held), self.held.human.numpy() > 0.5)
        heads.train()
        self.curves.add(step, loss=loss, **found)


def fit(
    material: EncodedMaterial,
    conf: Mapping[str, Any],
    checkpoint: Path | None = None,
    monitor: TrainingMonitor | None = None,
) -> DetectorHeads:
    """Trains the heads, from a checkpoint if there is one.

    Args:
        material: the crops to train on.
        conf: `conf/spoof.yaml`.
        checkpoint: file of the state; None keeps none.
        monitor: measures every tenth step; None measures nothing.
    """
    settings = conf["training"]
    torch.manual_seed(conf["seed"])
    heads = DetectorHeads(DetectorShape(**conf["model"]))
    heads.center.copy_(material.features.mean(0))
    heads.spread.copy_(material.features.std(0) + SMALLEST_SPREAD)
    optimizer = torch.optim.AdamW(heads.parameters(), settings["learning_rate"], weight_decay=settings["weight_decay"])
    run = _run(material, conf)
    first = _restore(checkpoint, run, heads, optimizer)
    if monitor:
        monitor.curves.begin(first)
    model = DistributedDataParallel(heads) if dist.is_initialized() else heads
    for step in range(first, settings["steps"]):
        for group in optimizer.param_groups:
            group["lr"] = settings["learning_rate"] * (1 + np.cos(np.pi * step / settings["steps"])) / 2
        loss = _loss(model, material, conf["seed"], step, settings["batch"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if monitor and (step + 1) % MEASURE_EVERY == 0:
            monitor.measure(step + 1, float(loss.detach()), heads)
        if checkpoint and (step + 1) % settings["checkpoint_every"] == 0 and rank() == 0:
            _save(checkpoint, run, step + 1, heads, optimizer)
            sys.stderr.write(json.dumps({"step": step + 1, "loss": round(float(loss.detach()), 6)}) + "\n")
    return heads.eval()


def trained_heads(run: Path, conf: Mapping[str, Any]) -> DetectorHeads:
    """Reads the heads of a run."""
    heads = DetectorHeads(DetectorShape(**conf["model"]))
    heads.load_state_dict(torch.load(run / HEADS, weights_only=True))
    return heads


def scores(heads: DetectorHeads, material: EncodedMaterial) -> NDArray[np.float64]:
    """Returns means over the heads that were trained without the part that a crop belongs to, shape (crops,)."""
    with torch.no_grad():
        each = heads.eval()(material.features)
    counted = _counted(material.folds, each.shape[1], own=True)
    return np.asarray(((each * counted).sum(1) / counted.sum(1)).numpy(), np.float64)


def _counted(parts: Tensor, heads: int, *, own: bool) -> Tensor:
    """Tells which heads were trained without the part of each crop, or those with it, (crops, heads) of 0 and 1."""
    without = parts[:, None] == torch.arange(heads)[None] % FOLDS
    return (without | (parts == NO_FOLD)[:, None] if own else ~without).float()


def _loss(model: torch.nn.Module, material: EncodedMaterial, seed: int, step: int, batch: int) -> Tensor:
    """Returns the weighted cross entropy of this process's part of the batch, over the heads that hear each crop."""
    drawn = np.random.default_rng([seed, step]).integers(len(material.human), size=batch)
    mine = torch.tensor(drawn[rank() :: world()])
    torch.manual_seed(((seed * 1_000_003 + step) * 64 + rank()) % (1 << 62))
    found = model(material.features[mine])
    wanted = material.human[mine, None].expand_as(found)
    losses = F.binary_cross_entropy_with_logits(found, wanted, reduction="none")
    heard = _counted(material.folds[mine], found.shape[1], own=False)
    return (losses * heard * material.weights[mine, None]).mean(0).sum()


def _restore(checkpoint: Path | None, run: str, heads: DetectorHeads, optimizer: torch.optim.Optimizer) -> int:
    """Restores an interrupted run, if it was this one; returns the next step."""
    if checkpoint is None or not checkpoint.exists():
        return 0
    state = torch.load(checkpoint, weights_only=True)
    if state["run"] != run:
        return 0
    heads.load_state_dict(state["heads"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])


def _save(checkpoint: Path, run: str, step: int, heads: DetectorHeads, optimizer: torch.optim.Optimizer) -> None:
    scratch = checkpoint.with_suffix(".part")
    torch.save({"run": run, "step": step, "heads": heads.state_dict(), "optimizer": optimizer.state_dict()}, scratch)
    scratch.replace(checkpoint)


def _run(material: EncodedMaterial, conf: Mapping[str, Any]) -> str:
    """Returns the digest of everything that a run depends on."""
    digest = hashlib.sha256(json.dumps([conf, world()], sort_keys=True).encode())
    for part in (material.features, material.human, material.weights, material.folds):
        digest.update(np.ascontiguousarray(part.numpy()))
    return digest.hexdigest()


def rank() -> int:
    """Returns the number of this process."""
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    """Returns the number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def main() -> None:
    """Trains with as many processes as torchrun starts, or in this one."""
    parser = argparse.ArgumentParser(description="Train the detector's heads.")
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--conf", type=Path, default=CONF)
    parser.add_argument("--size", type=Path, help="file of a size, whose numbers are taken before those of --conf")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    conf, run = configuration(arguments.conf, arguments.size), arguments.out
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    if dist.is_torchelastic_launched():
        end_with_parent()
        dist.init_process_group("gloo")
    run.mkdir(parents=True, exist_ok=True)
    material = load(arguments.features, conf["training"])
    held = load_held_out(arguments.features)
    monitor = TrainingMonitor(TrainingCurves(run / "curves.jsonl"), held) if rank() == 0 else None
    heads = fit(material, conf, run / "checkpoint.pt", monitor)
    if rank() == 0:
        torch.save(heads.state_dict(), run / HEADS)
    if dist.is_initialized():
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
