"""Well-trained vocoders, taken out of text-to-speech networks and driven by recordings.

    python -m training.corpus.synthesis.donors --packages FOLDER --texts sentences.txt --originals FOLDER --out FOLDER

The vocoder of a published voice is the end of its graph. The voice speaks, the latents that enter its end are recorded,
and a small network learns to predict them from the sound alone; so the end can speak any recording (Piper: HiFi-GAN,
Kong 2020; Kokoro: ISTFTNet, Kaneko 2022).
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import torch

from bonafide.audio.resample import resample
from bonafide.audio.waveform import Samples
from training.corpus.files import SPOOF, WIDE, CorpusFile, load, originals, write, write_list
from training.corpus.synthesis.latents import Floats, LatentPredictor, learn, sound_features
from training.corpus.synthesis.voices import (
    Inputs,
    OnnxNetwork,
    kokoro_graph,
    kokoro_inputs,
    piper_graph,
    piper_inputs,
    session,
    texts,
    trimmed,
)

LONGEST_SECONDS = 5
LOUDEST_SHAKE = 0.35


@dataclass(frozen=True, slots=True)
class DonorVoice:
    """A published voice whose vocoder is used.

    Attributes:
        family: of attacks.
        licence: of the voice.
        rate: of its speech.
        latents: tensors of its graph between the acoustic model and the vocoder, and samples to a frame of each.
        passed: inputs that the vocoder needs too, unchanged.
        utterances: spoken to learn from.
        copies: recordings spoken by the vocoder.
    """

    family: str
    licence: str
    rate: int
    latents: Mapping[str, int]
    passed: tuple[str, ...]
    utterances: int
    copies: int


DONORS: Mapping[str, DonorVoice] = {
    "piper": DonorVoice("vits", "MIT program, CC0-1.0 voice", 22050, {"/Mul_7_output_0": 256}, (), 90, 500),
    "kokoro": DonorVoice(
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
class DonorUtterance:
    """One utterance of a donor: its sound, the latents that entered its vocoder, and the inputs passed on."""

    samples: Samples
    latents: list[Floats]
    passed: Inputs


def ending(graph: onnx.ModelProto, donor: DonorVoice) -> onnx.ModelProto:
    """Cuts out the part of a graph from the latents to its output.

    Raises:
        ValueError: an input reaches the output by another way.
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


def speak(graph: onnx.ModelProto, donor: DonorVoice, inputs: Iterator[Inputs]) -> list[DonorUtterance]:
    """Speaks utterances and records the latents that enter the vocoder."""
    whole = onnx.ModelProto()
    whole.CopyFrom(graph)
    for name in donor.latents:
        whole.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    network = session(whole)
    spoken = []
    for _number, given in zip(range(donor.utterances), inputs, strict=False):
        sound, *latents = network.run(None, given)
        samples = resample(sound.ravel(), donor.rate, WIDE)
        kept = [each.reshape(-1, each.shape[-1]) for each in latents]
        spoken.append(DonorUtterance(samples, kept, {name: given[name] for name in donor.passed}))
        sys.stderr.write(f"\r{donor.family} {len(spoken)} ")
    return spoken


def aligned(spoken: DonorUtterance, donor: DonorVoice) -> tuple[Floats, Floats]:
    """Returns sound features of an utterance and its latents, frame by frame of the finest latent."""
    finest = min(donor.latents.values())
    repeated = [
        np.repeat(each, hop // finest, 1) for each, hop in zip(spoken.latents, donor.latents.values(), strict=True)
    ]
    frames = min(each.shape[1] for each in repeated)
    return sound_features(spoken.samples, frames), np.concatenate([each[:, :frames] for each in repeated])


def copy(
    samples: Samples,
    donor: DonorVoice,
    trained: tuple[LatentPredictor, Floats, Floats],
    end: OnnxNetwork,
    passed: Inputs,
) -> Samples:
    """Speaks a recording by the donor's vocoder."""
    network, mean, scale = trained
    finest, coarsest = min(donor.latents.values()), max(donor.latents.values())
    frames = int(len(samples) / WIDE * donor.rate / coarsest) * (coarsest // finest)
    with torch.no_grad():
        predicted = network(torch.tensor(sound_features(samples, frames))[None])[0].numpy() * scale + mean
    given, row = dict(passed), 0
    for name, hop in donor.latents.items():
        count = 1 if "Unsqueeze" in name else len(predicted) - len(donor.latents) + 1
        part = predicted[row : row + count].reshape(count, -1, hop // finest).mean(2)
        given[name] = part[None].astype(np.float32)
        row += count
    return _spoken(end, given, donor)


def with_disturbed_latents(
    spoken: DonorUtterance, donor: DonorVoice, end: OnnxNetwork, generator: np.random.Generator
) -> Samples:
    """Speaks an utterance with disturbed or damped latents, as those of a worse acoustic model are."""
    given = dict(spoken.passed)
    for name, latent in zip(donor.latents, spoken.latents, strict=True):
        spread = latent.std(1, keepdims=True) * (len(latent) > 1)
        noise = generator.standard_normal(latent.shape) * spread * generator.uniform(0, LOUDEST_SHAKE)
        damped = latent.mean(1, keepdims=True) + (latent - latent.mean(1, keepdims=True)) * generator.uniform(
            0.75, 1.05
        )
        given[name] = (np.where(spread > 0, damped, latent) + noise)[None].astype(np.float32)
    return _spoken(end, given, donor)


def _spoken(end: OnnxNetwork, given: Inputs, donor: DonorVoice) -> Samples:
    return resample(end.run(None, given)[0].ravel(), donor.rate, WIDE)


def work(arguments: argparse.Namespace, name: str) -> list[CorpusFile]:
    """Learns to drive one donor, and speaks recordings and disturbed utterances with it."""
    donor, generator = DONORS[name], np.random.default_rng([7, *name.encode()])
    graph, inputs = _open(arguments.packages, name, texts(arguments.texts, generator), generator)
    spoken = speak(graph, donor, inputs)
    end = session(ending(graph, donor))
    written = []
    for number, each in enumerate(spoken):
        file = _described(name, f"{number:04d}.wav", f"{name}:donor", "shaken")
        written.append(write(arguments.out, file, trimmed(with_disturbed_latents(each, donor, end, generator), WIDE)))
    trained = learn([aligned(each, donor) for each in spoken])
    recordings = originals(arguments.originals)
    for index in generator.permutation(len(recordings))[: donor.copies]:
        original = recordings[index]
        samples = load(arguments.originals, original)[: LONGEST_SECONDS * WIDE]
        passed = spoken[int(generator.integers(len(spoken)))].passed
        file = _described(name, Path(original.path).name, original.speaker, "copy")
        file = replace(file, group=original.group, source=original.path)
        written.append(write(arguments.out, file, copy(samples, donor, trained, end, passed)))
        sys.stderr.write(f"\r{name} {len(written)} ")
    return written


def _open(
    packages: Path, name: str, text: Callable[[], str], generator: np.random.Generator
) -> tuple[onnx.ModelProto, Iterator[Inputs]]:
    """Opens the graph of a donor, with inputs for utterances."""
    if name == "piper":
        graph, inputs = piper_graph(packages), piper_inputs(packages, text, generator)
    else:
        graph, inputs = kokoro_graph(packages), kokoro_inputs(packages, text, 1, generator)
    return graph, (given for _, given in inputs)


def _described(name: str, file: str, speaker: str, how: str) -> CorpusFile:
    donor = DONORS[name]
    return CorpusFile(
        path=f"{name}-{how}_{file}",
        label=SPOOF,
        family=donor.family,
        system=f"{name}-{how}",
        speaker=speaker,
        group=name,
        use="train",
        licence=donor.licence,
        source=name,
        rate=WIDE,
    )


def main() -> None:
    """Speaks with every donor, and lists the files."""
    parser = argparse.ArgumentParser(description="Speak recordings by the vocoders of published voices.")
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--originals", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    write_list(arguments.out, [each for name in DONORS for each in work(arguments, name)])


if __name__ == "__main__":
    main()
