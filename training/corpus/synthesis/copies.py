"""Copies of the bona fide recordings: by signal processing, of a phrase only, replayed, and by trained vocoders.

python -m training.corpus.synthesis.copies --material .build/spoof
"""

import argparse
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import soundfile
import torch
import yaml
from scipy.ndimage import gaussian_filter

from training.corpus.assemble import CONF, fraction
from training.corpus.channels import WIDE, Samples
from training.corpus.collect import Recording, keep, recall, remember
from training.corpus.synthesis.classic import EDITS, REPLAYS, SYSTEMS, Synthesis
from training.corpus.synthesis.denoiser import Denoiser, diffused
from training.corpus.synthesis.vocoder import KINDS, Mel, sources

LONGEST_SECONDS = 7
NEURAL_SHARE = 0.4
DIFFUSION_SHARE = 0.25


def copied(
    systems: Mapping[str, tuple[str, float, Synthesis]], most: float, folder: Path, recording: Recording
) -> list[Recording]:
    """Puts one recording through some systems: as many as `most`, whose fraction is a chance of one more."""
    samples, generator = _start(folder, recording, len(systems))
    fit = [name for name, (family, _, _) in systems.items() if fitting(family, recording)]
    shares = np.array([systems[name][1] for name in fit])
    count = min(int(most + generator.random()), len(fit))
    chosen = generator.choice(len(fit), count, replace=False, p=shares / shares.sum()).tolist() if fit else []
    names = [fit[index] for index in chosen]
    return [written for name in names for written in _one(folder, recording, systems[name], name, samples, generator)]


def fitting(family: str, recording: Recording) -> bool:
    """Whether a copy would have a side: families that are held out are copied from speakers who are, and only those."""
    held_out = fraction(recording.speaker) < _split()["held_out_speakers"]
    return (family in _split()["held_out_families"]) == held_out


@cache
def _split() -> dict[str, Any]:
    split: dict[str, Any] = yaml.safe_load(CONF.read_text(encoding="utf-8"))["split"]
    return split


def neural(folder: Path, recording: Recording) -> list[Recording]:
    """Puts one recording through trained vocoders, at times with blurred features or blended with the original.

    Acoustic models blur what vocoders are given; blends keep only part of the traces (after self-blended images,
    Shiohara and Yamasaki 2022).
    """
    samples, generator = _start(folder, recording, 4)
    torch.set_num_threads(1)
    made = []
    for kind in KINDS:
        if generator.random() < NEURAL_SHARE and fitting(f"own-{kind}", recording):
            saved = sorted(folder.glob(f"vocoder-{kind}-*.pt"))
            copy = _neural(kind, saved[generator.integers(len(saved))], samples, generator)
            if generator.random() < 0.35:
                copy = _blended(samples, copy, generator)
            made.append(_kept(folder, recording, f"own-{kind}", f"own-{kind}", copy))
    return made


def _neural(kind: str, saved: Path, samples: Samples, generator: np.random.Generator) -> Samples:
    vocoder = KINDS[kind]()
    vocoder.load_state_dict(torch.load(saved, weights_only=True))
    speech = torch.tensor(samples * np.float32(1.5))[None]
    with torch.no_grad():
        mel = Mel()(speech)
        if generator.random() < 0.35:
            blur = (0, *generator.uniform((0.3, 0.3), (1.2, 1.5)))
            mel = torch.tensor(gaussian_filter(mel.numpy(), blur, truncate=2.0), dtype=torch.float32)
        made = vocoder.eval()(mel, sources(speech, generator) if vocoder.driven else None)
    return np.asarray(made[0].numpy(), np.float32)


def diffusion(folder: Path, recording: Recording) -> list[Recording]:
    """Puts some recordings through the diffusion vocoder."""
    samples, generator = _start(folder, recording, 6)
    if generator.random() > DIFFUSION_SHARE or not fitting("own-diffusion", recording):
        return []
    torch.set_num_threads(1)
    network = Denoiser()
    network.load_state_dict(torch.load(folder / "denoiser.pt", weights_only=True))
    made = diffused(network.eval(), samples[: 5 * WIDE], generator)
    return [_kept(folder, recording, "own-diffusion", "own-diffusion", made)]


def _start(folder: Path, recording: Recording, stream: int) -> tuple[Samples, np.random.Generator]:
    samples, rate = soundfile.read(folder / recording.path, dtype="float32")
    return samples[: LONGEST_SECONDS * rate], np.random.default_rng([zlib.crc32(recording.path.encode()), stream])


def _one(
    folder: Path,
    recording: Recording,
    system: tuple[str, float, Synthesis],
    name: str,
    samples: Samples,
    generator: np.random.Generator,
) -> Iterator[Recording]:
    family, _, synthesis = system
    made = np.asarray(synthesis(samples, generator), np.float32)
    if np.isfinite(made).all() and np.abs(made).max() > 1e-4:
        yield _kept(folder, recording, family, name, made)


def _kept(folder: Path, recording: Recording, family: str, system: str, made: Samples) -> Recording:
    path = f"spoof/{system}_{Path(recording.path).name}"
    copy = replace(recording, path=path, label="spoof", family=family, system=system, source=recording.path)
    return keep(folder, copy, made)


def _blended(real: Samples, made: Samples, generator: np.random.Generator) -> Samples:
    """Part of the real spectrum in place of the made one: a mixture, or one side of an edge."""
    length = min(len(real), len(made))
    first, second = (librosa.stft(each[:length], n_fft=512, hop_length=128) for each in (real, made))
    edge = int(generator.uniform(30, 150))
    choice = generator.integers(4)
    if choice < 2:
        second = generator.uniform(0.3, 0.7) * (first - second) + second
    elif choice == 2:
        second[:edge] = first[:edge]
    else:
        second[edge:] = first[edge:]
    blended: Samples = librosa.istft(second, hop_length=128, length=length)
    return blended


STAGES: Mapping[str, Callable[[Path, Recording], list[Recording]]] = {
    "classic": partial(copied, SYSTEMS, 1.2),
    "partial": partial(copied, EDITS, 1.0),
    "replay": partial(copied, REPLAYS, 1.0),
    "neural": neural,
    "diffusion": diffusion,
}


def main() -> None:
    """Synthesises and lists what was written."""
    parser = argparse.ArgumentParser(description="Copy-synthesise the bona fide recordings.")
    parser.add_argument("--material", type=Path, default=Path(".build/spoof"))
    parser.add_argument("--stage", choices=STAGES, action="append")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    originals = [each for each in recall(arguments.material, "bonafide") if each.rate == WIDE]
    with ProcessPoolExecutor(arguments.processes, mp_context=get_context("spawn")) as pool:
        for stage in arguments.stage or STAGES:
            made = pool.map(partial(STAGES[stage], arguments.material), originals, chunksize=4)
            remember(arguments.material, stage, [each for some in made for each in some])
            sys.stderr.write(f"{stage} done\n")


if __name__ == "__main__":
    main()
