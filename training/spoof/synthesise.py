"""Copy synthesis of the bona fide recordings: by signal processing, and by the vocoder that was trained here.

python -m training.spoof.synthesise --material .build/spoof
"""

import argparse
import sys
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import librosa
import numpy as np
import soundfile
import torch
from scipy.ndimage import gaussian_filter

from training.spoof.channels import WIDE, Samples
from training.spoof.classic import SYSTEMS
from training.spoof.collect import Recording, keep, recall, remember
from training.spoof.vocoder import Mel, Vocoder

LONGEST_SECONDS = 7
SYSTEMS_PER_RECORDING = 3
NEURAL_SHARE = 0.7


def classic(folder: Path, recording: Recording) -> list[Recording]:
    """Puts one recording through some of the classic systems."""
    samples, generator = _start(folder, recording, 0)
    shares = [share for _, share, _ in SYSTEMS.values()]
    chosen = generator.choice(list(SYSTEMS), SYSTEMS_PER_RECORDING, replace=False, p=shares)
    return [written for name in chosen for written in _one(folder, recording, str(name), samples, generator)]


def neural(folder: Path, recording: Recording) -> list[Recording]:
    """Puts one recording through the trained vocoder, at times with blurred features or blended with the original.

    Acoustic models blur what vocoders are given; blends keep only part of the traces (after self-blended images,
    Shiohara and Yamasaki 2022).
    """
    samples, generator = _start(folder, recording, 4)
    if generator.random() > NEURAL_SHARE:
        return []
    torch.set_num_threads(1)
    vocoder = Vocoder()
    vocoder.load_state_dict(torch.load(folder / "vocoder.pt", weights_only=True))
    with torch.no_grad():
        mel = Mel()(torch.tensor(samples * np.float32(1.5))[None])
        if generator.random() < 0.35:
            blur = (0, *generator.uniform((0.3, 0.3), (1.2, 1.5)))
            mel = torch.tensor(gaussian_filter(mel.numpy(), blur, truncate=2.0), dtype=torch.float32)
        made = vocoder.eval()(mel)[0].numpy()
    if generator.random() < 0.35:
        made = _blended(samples, made, generator)
    return [_kept(folder, recording, "own-vocoder", "own-vocoder", made)]


def _start(folder: Path, recording: Recording, stream: int) -> tuple[Samples, np.random.Generator]:
    samples, rate = soundfile.read(folder / recording.path, dtype="float32")
    return samples[: LONGEST_SECONDS * rate], np.random.default_rng([zlib.crc32(recording.path.encode()), stream])


def _one(
    folder: Path, recording: Recording, name: str, samples: Samples, generator: np.random.Generator
) -> Iterator[Recording]:
    family, _, synthesis = SYSTEMS[name]
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


def main() -> None:
    """Synthesises with two processes and lists what was written."""
    parser = argparse.ArgumentParser(description="Copy-synthesise the bona fide recordings.")
    parser.add_argument("--material", type=Path, default=Path(".build/spoof"))
    arguments = parser.parse_args()
    originals = [each for each in recall(arguments.material, "bonafide") if each.rate == WIDE]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for stage, work in (("classic", classic), ("neural", neural)):
            made = pool.map(partial(work, arguments.material), originals, chunksize=4)
            remember(arguments.material, stage, [each for some in made for each in some])
            sys.stderr.write(f"{stage} done\n")


if __name__ == "__main__":
    main()
