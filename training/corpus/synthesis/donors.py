"""Well-trained vocoders, taken out of text-to-speech networks and driven by recordings.

    python -m training.corpus.synthesis.donors --packages .build/spoof/packages --material .build/spoof

The vocoder of a published voice is the end of its graph. The voice speaks, what enters its end is recorded, and a small
network learns to say that from the sound alone; so the end speaks what any recording says (Piper: HiFi-GAN, Kong 2020;
Kokoro: ISTFTNet, Kaneko 2022).
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import pyworld
import soundfile
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.corpus.channels import WIDE, Samples
from training.corpus.collect import Recording, keep, recall, remember
from training.corpus.synthesis.vocoder import HOP, MELS, Mel
from training.corpus.synthesis.voices import (
    Inputs,
    Session,
    kokoro_graph,
    kokoro_inputs,
    piper_graph,
    piper_inputs,
    session,
    texts,
    trimmed,
)

CROP, BATCH, STEPS = 96, 16, 900
LONGEST_SECONDS = 5
LOUDEST_SHAKE = 0.35
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Donor:
    """A published voice whose vocoder is used.

    Attributes:
        family: of attacks.
        licence: of the voice.
        rate: of what it speaks.
        latents: tensors of its graph between the acoustic model and the vocoder, and samples to a frame of each.
        passed: inputs that the vocoder needs too, as they were.
        utterances: that are spoken to learn from.
        copies: recordings that are spoken by the vocoder.
    """

    family: str
    licence: str
    rate: int
    latents: Mapping[str, int]
    passed: tuple[str, ...]
    utterances: int
    copies: int


DONORS: Mapping[str, Donor] = {
    "piper": Donor("vits", "MIT program, CC0-1.0 voice", 22050, {"/Mul_7_output_0": 256}, (), 90, 500),
    "kokoro": Donor(
        "kokoro",
        "Apache-2.0",
        24000,
        {
            "/encoder/MatMul_1_output_0": 600,
            "/decoder/decoder/Unsqueeze_output_0": 300,
            "/decoder/decoder/Unsqueeze_1_output_0": 300,
        },
        ("style",),
        54,
        220,
    ),
}


@dataclass(frozen=True, slots=True)
class Spoken:
    """One utterance of a donor: its sound, what entered its vocoder, and what was passed on."""

    samples: Samples
    latents: list[Floats]
    passed: Inputs


class Ear(nn.Module):
    """Sound features (batch, MELS + 2, frames) to what enters a vocoder, standardised, (batch, channels, frames)."""

    def __init__(self, channels: int, width: int = 256) -> None:
        super().__init__()
        self.enter = nn.Conv1d(MELS + 2, width, 5, padding=2)
        self.layers = nn.ModuleList([nn.Conv1d(width, width, 5, padding=2 * step, dilation=step) for step in (1, 2, 4)])
        self.leave = nn.Conv1d(width, channels, 1)

    def forward(self, heard: Tensor) -> Tensor:
        """Residual convolutions."""
        frames = self.enter(heard)
        for layer in self.layers:
            frames = frames + layer(nn.functional.gelu(frames))
        out: Tensor = self.leave(nn.functional.gelu(frames))
        return out


def ending(graph: onnx.ModelProto, donor: Donor) -> onnx.ModelProto:
    """The part of a graph that leads from the latents to its output.

    Raises:
        ValueError: an input leads there by another way.
    """
    made = {name: node for node in graph.graph.node for name in node.output}
    known = {each.name for each in graph.graph.initializer} | {*donor.latents, *donor.passed, ""}
    wanted: list[str] = [graph.graph.output[0].name]
    kept: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in known:
            continue
        if name not in made:
            raise ValueError(f"{name} leads to the vocoder past its latents")
        known.add(name)
        kept |= set(made[name].output)
        wanted += made[name].input
    part = onnx.ModelProto()
    part.CopyFrom(graph)
    del part.graph.input[:], part.graph.node[:], part.graph.value_info[:]
    part.graph.node.extend(node for node in graph.graph.node if set(node.output) & kept)
    weights = [each for each in part.graph.initializer if each.name in known]
    del part.graph.initializer[:]
    part.graph.initializer.extend(weights)
    part.graph.input.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        for name in (*donor.latents, *donor.passed)
    )
    return part


def speak(graph: onnx.ModelProto, donor: Donor, inputs: Iterator[Inputs]) -> list[Spoken]:
    """Speaks utterances and records what enters the vocoder."""
    whole = onnx.ModelProto()
    whole.CopyFrom(graph)
    for name in donor.latents:
        whole.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    network = session(whole)
    spoken = []
    for _number, given in zip(range(donor.utterances), inputs, strict=False):
        sound, *latents = network.run(None, given)
        samples = np.asarray(soxr.resample(sound.ravel(), donor.rate, WIDE), np.float32)
        kept = [each.reshape(-1, each.shape[-1]) for each in latents]
        spoken.append(Spoken(samples, kept, {name: given[name] for name in donor.passed}))
        sys.stderr.write(f"\r{donor.family} {len(spoken)} ")
    return spoken


def heard(samples: Samples, frames: int) -> Floats:
    """Mel spectrogram without the mean of each band, pitch, and whether there is one: shape (MELS + 2, frames)."""
    mel = Mel()(torch.tensor(samples * np.float32(0.5 / max(float(np.abs(samples).max()), 1e-4)))[None])[0].numpy()
    pitch, times = pyworld.dio(samples.astype(np.float64), WIDE, frame_period=1000 * HOP / WIDE)
    pitch = np.resize(pyworld.stonemask(samples.astype(np.float64), pitch, times, WIDE), mel.shape[1])
    loud = mel.mean(0) > mel.mean()
    rows = np.concatenate([mel - mel[:, loud].mean(1, keepdims=True), pitch[None] / 100, pitch[None] > 0])
    at = np.linspace(0, mel.shape[1] - 1, frames)
    return np.stack([np.interp(at, np.arange(mel.shape[1]), row) for row in rows]).astype(np.float32)


def aligned(spoken: Spoken, donor: Donor) -> tuple[Floats, Floats]:
    """What is heard of an utterance, and what entered the vocoder, frame by frame of the finest latent."""
    finest = min(donor.latents.values())
    repeated = [
        np.repeat(each, hop // finest, 1) for each, hop in zip(spoken.latents, donor.latents.values(), strict=True)
    ]
    frames = min(each.shape[1] for each in repeated)
    return heard(spoken.samples, frames), np.concatenate([each[:, :frames] for each in repeated])


def learn(pairs: Sequence[tuple[Floats, Floats]], seed: int = 5) -> tuple[Ear, Floats, Floats]:
    """Fits an ear by least squares; returns it with the mean and the scale that turn what it says into latents.

    The mean of what is possible varies less than what is: the scale gives back the variance that averaging takes.
    """
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    whole = np.concatenate([target for _, target in pairs], 1)
    mean = np.asarray(whole.mean(1, keepdims=True), np.float32)
    scale = np.asarray(whole.std(1, keepdims=True) + 1e-4, np.float32)
    ear = Ear(len(whole))
    optimiser = torch.optim.AdamW(ear.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, STEPS)
    for _step in range(STEPS):
        batch = [_cut(pairs[index], generator) for index in generator.integers(len(pairs), size=BATCH)]
        features, target = (torch.tensor(np.stack(each)) for each in zip(*batch, strict=True))
        loss = (ear(features) - (target - torch.tensor(mean)) / torch.tensor(scale)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    sys.stderr.write(f"\rloss {loss.item():.3f}\n")
    with torch.no_grad():
        said = torch.cat([ear(torch.tensor(features)[None])[0] for features, _ in pairs], 1).numpy()
    widened = np.asarray(scale / np.maximum(said.std(1, keepdims=True), 0.3), np.float32)
    return ear.eval(), mean, widened


def _cut(pair: tuple[Floats, Floats], generator: np.random.Generator) -> tuple[Floats, Floats]:
    """A crop of a pair, heard through noise."""
    features, target = (np.pad(each, ((0, 0), (0, max(0, CROP - each.shape[1])))) for each in pair)
    start = int(generator.integers(features.shape[1] - CROP + 1))
    features, target = features[:, start : start + CROP].copy(), target[:, start : start + CROP]
    features[:MELS] = np.logaddexp(features[:MELS], generator.uniform(-9, -3))
    return features, target


def copy(samples: Samples, donor: Donor, ear: tuple[Ear, Floats, Floats], end: Session, passed: Inputs) -> Samples:
    """What a recording says, spoken by the donor's vocoder."""
    network, mean, scale = ear
    finest, coarsest = min(donor.latents.values()), max(donor.latents.values())
    frames = int(len(samples) / WIDE * donor.rate / coarsest) * (coarsest // finest)
    with torch.no_grad():
        said = network(torch.tensor(heard(samples, frames))[None])[0].numpy() * scale + mean
    given, row = dict(passed), 0
    for name, hop in donor.latents.items():
        count = 1 if "Unsqueeze" in name else len(said) - len(donor.latents) + 1
        part = said[row : row + count].reshape(count, -1, hop // finest).mean(2)
        given[name] = part[None].astype(np.float32)
        row += count
    return _spoken(end, given, donor)


def shaken(spoken: Spoken, donor: Donor, end: Session, generator: np.random.Generator) -> Samples:
    """An utterance whose latents are disturbed or damped before the vocoder, as a worse acoustic model would."""
    given = dict(spoken.passed)
    for name, latent in zip(donor.latents, spoken.latents, strict=True):
        spread = latent.std(1, keepdims=True) * (len(latent) > 1)
        noise = generator.standard_normal(latent.shape) * spread * generator.uniform(0, LOUDEST_SHAKE)
        damped = latent.mean(1, keepdims=True) + (latent - latent.mean(1, keepdims=True)) * generator.uniform(
            0.75, 1.05
        )
        given[name] = (np.where(spread > 0, damped, latent) + noise)[None].astype(np.float32)
    return _spoken(end, given, donor)


def _spoken(end: Session, given: Inputs, donor: Donor) -> Samples:
    return np.asarray(soxr.resample(end.run(None, given)[0].ravel(), donor.rate, WIDE), np.float32)


def work(packages: Path, folder: Path, name: str, sentences: Path) -> list[Recording]:
    """Learns to drive one donor, and speaks recordings and disturbed utterances with it."""
    donor, generator = DONORS[name], np.random.default_rng([7, *name.encode()])
    text = texts(sentences, generator)
    graph, inputs = (
        (piper_graph(packages), piper_inputs(packages, text, generator))
        if name == "piper"
        else (kokoro_graph(packages), kokoro_inputs(packages, text, 1, generator))
    )
    spoken = speak(graph, donor, (given for _, given in inputs))
    end = session(ending(graph, donor))
    written = []
    for number, each in enumerate(spoken):
        row = _row(name, f"{number:04d}.wav", f"{name}:donor", "shaken")
        written.append(keep(folder, row, trimmed(shaken(each, donor, end, generator), WIDE)))
    ear = learn([aligned(each, donor) for each in spoken])
    originals = [each for each in recall(folder, "bonafide") if each.rate == WIDE]
    for index in generator.permutation(len(originals))[: donor.copies]:
        original = originals[index]
        samples, _ = soundfile.read(folder / original.path, dtype="float32")
        passed = spoken[int(generator.integers(len(spoken)))].passed
        row = _row(name, Path(original.path).name, original.speaker, "copy")
        row = replace(row, group=original.group, source=original.path)
        written.append(keep(folder, row, copy(samples[: LONGEST_SECONDS * WIDE], donor, ear, end, passed)))
        sys.stderr.write(f"\r{name} {len(written)} ")
    return written


def _row(name: str, file: str, speaker: str, how: str) -> Recording:
    path, system, donor = f"spoof/{name}-{how}_{file}", f"{name}-{how}", DONORS[name]
    return Recording(path, "spoof", donor.family, system, speaker, name, "train", donor.licence, name, WIDE, 0.0)


def main() -> None:
    """Lets the donors speak, and lists what was written."""
    parser = argparse.ArgumentParser(description="Speak recordings by the vocoders of published voices.")
    parser.add_argument("--packages", type=Path, default=Path(".build/spoof/packages"))
    parser.add_argument("--material", type=Path, default=Path(".build/spoof"))
    parser.add_argument("--texts", type=Path, default=Path("training/conf/sentences.txt"))
    parser.add_argument("--donor", choices=DONORS, action="append")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name in arguments.donor or DONORS:
        written = work(arguments.packages, arguments.material, name, arguments.texts)
        remember(arguments.material, f"donor-{name}", written)


if __name__ == "__main__":
    main()
