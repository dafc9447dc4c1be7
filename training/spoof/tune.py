"""Tunes the start of Whisper on the crops: `torchrun --nproc-per-node N -m training.spoof.tune`, after `train`.

Half of a batch is spoofed, drawn so that small families count for more; the other half are the recordings that those
are copies of, through the same channels, as far as there are any. A copy has to be ranked below its original, which
nothing but how it was made can tell from it. What is kept is a moving average of the weights.

As in `train`, the same inputs give the same weights, however often a run was broken off.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F  # noqa: N812 - the name that everyone knows it by
import yaml
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from training.spoof.assemble import CONF
from training.spoof.curves import Curves, held_out
from training.spoof.features import CROPS, FEATURES, FULL_SCALE
from training.spoof.manifest import BONAFIDE
from training.spoof.model import LogMel, Shape, Tuned, pretrained
from training.spoof.train import balanced, rank, world
from training.spoof.whisper import weights

MASKED_BANDS, MASKED_FRAMES = 12, 25
MOST_GRADIENT = 5.0


@dataclass(frozen=True, slots=True)
class Cut:
    """Crops of one side of the split.

    Attributes:
        samples: shape (crops, WINDOW), 16-bit; read from the file as they are used.
        rows: which of them belong to the side, shape (chosen,); all that follows is of those.
        human: whether bona fide.
        chances: of being drawn among those of the class.
        originals: where the recording is that each is a copy of, through the same channel; -1 for none.
    """

    samples: NDArray[np.int16]
    rows: NDArray[np.intp]
    human: NDArray[np.bool_]
    chances: NDArray[np.float64]
    originals: NDArray[np.intp]

    @classmethod
    def load(cls, material: Path, rebalance: float, split: str) -> Self:
        """Reads one side of the split."""
        file = np.load(material / FEATURES)
        rows = np.flatnonzero(file["split"] == split)
        traits = {name: file[name][rows] for name in ("label", "group", "family", "channel", "origin")}
        human = traits["label"] == BONAFIDE
        kinds = np.where(human, traits["group"], traits["family"])
        places = list(zip(traits["origin"].tolist(), traits["channel"].tolist(), strict=True))
        where = {place: at for at, place in enumerate(places) if human[at]}
        originals = [-1 if human[at] else where.get(place, -1) for at, place in enumerate(places)]
        chances = balanced(human, kinds, traits["channel"], rebalance)
        return cls(np.load(material / CROPS, mmap_mode="r"), rows, human, chances, np.array(originals))

    def drawn(self, human: bool, count: int, generator: np.random.Generator) -> NDArray[np.intp]:
        """So many of a class, by their chances."""
        chances = np.where(self.human == human, self.chances, 0.0)
        return generator.choice(len(self.rows), count, p=chances / chances.sum())

    def windows(
        self, chosen: NDArray[np.intp], starts: NDArray[np.intp] | int = 0, length: int | None = None
    ) -> Tensor:
        """Cuts of so many samples, or whole crops, shape (chosen, length)."""
        firsts = np.broadcast_to(starts, chosen.shape)
        length = length or self.samples.shape[1]
        cuts = [self.samples[self.rows[at], first : first + length] for at, first in zip(chosen, firsts, strict=True)]
        return torch.tensor(np.stack(cuts).astype(np.float32) / FULL_SCALE)


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows, of which the first half is spoofed; `paired` tells which of them has its original in the second half."""

    windows: Tensor
    paired: Tensor


class Learner(nn.Module):
    """The network with the loss of a batch, so that DDP sees one call."""

    def __init__(self, shape: Shape, conf: Mapping[str, Any]) -> None:
        super().__init__()
        self.mel, self.tuned, self.conf = LogMel(), Tuned(shape), conf
        pretrained(self.tuned.whisper, weights())

    def forward(self, batch: Batch, generator: np.random.Generator) -> Tensor:
        """Cross entropy with softened labels, and how little originals are above their copies."""
        mel = masked(self.mel(batch.windows), generator)
        with torch.autocast("cpu", torch.bfloat16):
            spoofed, human = self.tuned(mel).float().chunk(2)
        scores, soft = torch.cat([spoofed, human]), self.conf["softened"]
        wanted = torch.cat([torch.full_like(spoofed, soft), torch.full_like(human, 1 - soft)])
        ranked = (F.softplus(spoofed - human) * batch.paired).mean()
        return F.binary_cross_entropy_with_logits(scores, wanted) + self.conf["ranking"] * ranked


def draw(cut: Cut, step: int, conf: Mapping[str, Any]) -> Batch:
    """This process's part of the batch of a step."""
    generator = np.random.default_rng([conf["seed"], step])
    half, length = conf["batch"] // 2, conf["samples"]
    spoofed = cut.drawn(human=False, count=half, generator=generator)
    others = cut.drawn(human=True, count=half, generator=generator)
    starts = generator.integers(cut.samples.shape[1] - length + 1, size=half)
    paired = (cut.originals[spoofed] >= 0) & (generator.random(half) < conf["paired"])
    human = np.where(paired, cut.originals[spoofed], others)
    mine = slice(rank(), None, world())
    halves = [cut.windows(side[mine], starts[mine], length) for side in (spoofed, human)]
    return Batch(torch.cat(halves), torch.tensor(paired[mine].astype(np.float32)))


def masked(mel: Tensor, generator: np.random.Generator) -> Tensor:
    """Sets some bands and some frames of each crop to its mean (SpecAugment, Park 2019); the same for a pair."""
    mel, half = mel.clone(), len(mel) // 2
    for at in range(half):
        for axis, most in ((1, MASKED_BANDS), (2, MASKED_FRAMES)):
            width = int(generator.integers(most + 1))
            first = int(generator.integers(mel.shape[axis] - width))
            for one in (mel[at], mel[at + half]):
                one.narrow(axis - 1, first, width).fill_(float(one.mean()))
    return mel


def scores(tuned: Tuned, cut: Cut, size: int = 32) -> NDArray[np.float64]:
    """What is said of whole crops, shape (crops,)."""
    mel, parts = LogMel(), np.array_split(np.arange(len(cut.rows)), max(1, len(cut.rows) // size))
    with torch.no_grad():
        return np.concatenate([tuned.eval()(mel(cut.windows(part))).double().numpy() for part in parts])


@dataclass(frozen=True, slots=True)
class State:
    """All that a run is."""

    learner: Learner
    average: AveragedModel
    optimizer: torch.optim.Optimizer

    @classmethod
    def fresh(cls, conf: Mapping[str, Any]) -> Self:
        """As a run begins: Whisper's weights, and random ones behind them."""
        settings = conf["tuning"]
        torch.manual_seed(conf["seed"])
        learner = Learner(Shape(**conf["model"]), settings)
        rates = (
            (learner.tuned.whisper, "whisper_rate"),
            (learner.tuned.pooling, "rate"),
            (learner.tuned.judge, "rate"),
        )
        groups = [{"params": part.parameters(), "lr": settings[rate], "most": settings[rate]} for part, rate in rates]
        average = AveragedModel(learner.tuned, multi_avg_fn=get_ema_multi_avg_fn(settings["averaged"]))
        return cls(learner, average, torch.optim.AdamW(groups, weight_decay=settings["weight_decay"]))

    def restore(self, path: Path) -> int:
        """Takes up where a run was broken off; the step that comes next."""
        if not path.exists():
            return 0
        state = torch.load(path, weights_only=True)
        for part, name in ((self.learner, "learner"), (self.average, "average"), (self.optimizer, "optimizer")):
            part.load_state_dict(state[name])
        return int(state["step"])

    def save(self, path: Path, step: int) -> None:
        """Keeps a run."""
        parts = {"learner": self.learner, "average": self.average, "optimizer": self.optimizer}
        scratch = path.with_suffix(".part")
        torch.save({"step": step, **{name: part.state_dict() for name, part in parts.items()}}, scratch)
        scratch.replace(path)


def fit(state: State, cut: Cut, held: Cut, material: Path, conf: Mapping[str, Any]) -> Tuned:
    """Tunes, from a checkpoint if there is one."""
    settings = conf["tuning"] | {"seed": conf["seed"]}
    checkpoint, curves = material / "tuning.pt", Curves(material / "tuning.jsonl")
    first = state.restore(checkpoint)
    curves.begin(first)
    model = DistributedDataParallel(state.learner) if dist.is_initialized() else state.learner
    for step in range(first, settings["steps"]):
        loss = _step(model, state, cut, step, settings)
        if (step + 1) % settings["checkpoint_every"] == 0 and rank() == 0:
            state.save(checkpoint, step + 1)
            found = held_out(scores(state.average.module, held), held.human)
            curves.add(step + 1, loss=loss, **found)
            sys.stderr.write(json.dumps({"step": step + 1, "loss": loss, **found}) + "\n")
    return state.average.module.eval()


def _step(model: nn.Module, state: State, cut: Cut, step: int, settings: Mapping[str, Any]) -> float:
    part = min(1.0, (step + 1) / settings["warm_up"]) * (1 + np.cos(np.pi * step / settings["steps"])) / 2
    for group in state.optimizer.param_groups:
        group["lr"] = group["most"] * part
    torch.manual_seed(((settings["seed"] * 1_000_003 + step) * 64 + rank()) % (1 << 62))
    loss: Tensor = model.train()(draw(cut, step, settings), np.random.default_rng([settings["seed"], step, rank()]))
    state.optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(state.learner.parameters(), MOST_GRADIENT)
    state.optimizer.step()
    state.average.update_parameters(state.learner.tuned)
    return float(loss.detach())


def main() -> None:
    """Tunes with as many processes as torchrun starts, or in this one."""
    parser = argparse.ArgumentParser(description="Tune the start of Whisper.")
    parser.add_argument("--material", type=Path, default=Path(".build/spoof"))
    material: Path = parser.parse_args().material
    conf = yaml.safe_load(CONF.read_text(encoding="utf-8"))
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    if dist.is_torchelastic_launched():
        dist.init_process_group("gloo")
    cut, held = (Cut.load(material, conf["tuning"]["rebalance"], side) for side in ("train", "test"))
    tuned = fit(State.fresh(conf), cut, held, material, conf)
    if rank() == 0:
        torch.save(tuned.state_dict(), material / "tuned.pt")
    if dist.is_initialized():
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
