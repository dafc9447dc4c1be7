"""Copies of the bona fide recordings: by signal processing, of a phrase only, replayed, and by trained vocoders.

python -m training.corpus.synthesis.copies --kind classic|partial|replay --originals FOLDER --out FOLDER
python -m training.corpus.synthesis.copies --kind neural --network FOLDER ... --originals FOLDER --out FOLDER
python -m training.corpus.synthesis.copies --kind diffusion --network denoiser.pt --originals FOLDER --out FOLDER
"""

import argparse
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import librosa
import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from bonafide.audio.waveform import Samples
from training.corpus.files import WIDE, CorpusFile, copy_of, load, originals, write, write_list
from training.corpus.split import CONF, CorpusSplit
from training.corpus.synthesis.classic import EDITS, REPLAYS, SYSTEMS, System
from training.corpus.synthesis.denoiser import Denoiser, diffused
from training.corpus.synthesis.vocoder import KINDS, LogMelSpectrogram, sources
from training.parallel import in_parallel

LONGEST_SECONDS = 7
NEURAL_SHARE = 0.4
DIFFUSION_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class CopyJob:
    """The work of one stage.

    Attributes:
        folder: of the originals.
        out: where copies go.
        split: by which a copy has a side or none.
        networks: weights of trained vocoders: a file, or a folder of files whose name is the kind.
    """

    folder: Path
    out: Path
    split: CorpusSplit
    networks: Sequence[Path] = ()

    def begin(self, original: CorpusFile, stream: int) -> tuple[Samples, np.random.Generator]:
        """Reads a recording, and makes the source of randomness that belongs to it and the stage."""
        samples = load(self.folder, original)[: LONGEST_SECONDS * original.rate]
        return samples, np.random.default_rng([zlib.crc32(original.path.encode()), stream])

    def write(self, original: CorpusFile, family: str, system: str, made: Samples) -> CorpusFile:
        """Writes a copy."""
        return write(self.out, copy_of(original, family, system), made)


def copied(systems: Mapping[str, System], most: float, job: CopyJob, original: CorpusFile) -> list[CorpusFile]:
    """Copies a recording by some systems: as many as `most`, whose fraction is a chance of one more."""
    samples, generator = job.begin(original, len(systems))
    fit = [name for name, (family, _, _) in systems.items() if job.split.fits(family, original.speaker)]
    shares = np.array([systems[name][1] for name in fit])
    count = min(int(most + generator.random()), len(fit))
    chosen = generator.choice(len(fit), count, replace=False, p=shares / shares.sum()).tolist() if fit else []
    made = ((fit[index], systems[fit[index]], samples, generator) for index in chosen)
    return [written for each in made for written in _one(job, original, *each)]


def neural(job: CopyJob, original: CorpusFile) -> list[CorpusFile]:
    """Copies a recording by trained vocoders, at times with blurred features or blended with the original.

    Acoustic models blur the input of vocoders; blends keep only part of the traces (after self-blended images, Shiohara
    and Yamasaki 2022).
    """
    samples, generator = job.begin(original, 4)
    torch.set_num_threads(1)
    made = []
    for folder in job.networks:
        system = f"own-{folder.name}"
        if generator.random() < NEURAL_SHARE and job.split.fits(system, original.speaker):
            saved = sorted(folder.glob("*.pt"))
            copy = _vocoded(folder.name, saved[generator.integers(len(saved))], samples, generator)
            if generator.random() < 0.35:
                copy = _blended(samples, copy, generator)
            made.append(job.write(original, system, system, copy))
    return made


def diffusion(job: CopyJob, original: CorpusFile) -> list[CorpusFile]:
    """Copies some recordings by the diffusion vocoder."""
    samples, generator = job.begin(original, 6)
    if generator.random() > DIFFUSION_SHARE or not job.split.fits("own-diffusion", original.speaker):
        return []
    torch.set_num_threads(1)
    network = Denoiser()
    network.load_state_dict(torch.load(job.networks[0], weights_only=True))
    made = diffused(network.eval(), samples[: 5 * WIDE], generator)
    return [job.write(original, "own-diffusion", "own-diffusion", made)]


def _one(
    job: CopyJob, original: CorpusFile, name: str, system: System, samples: Samples, generator: np.random.Generator
) -> Iterator[CorpusFile]:
    family, _, synthesis = system
    made = np.asarray(synthesis(samples, generator), np.float32)
    if np.isfinite(made).all() and np.abs(made).max() > 1e-4:
        yield job.write(original, family, name, made)


def _vocoded(kind: str, saved: Path, samples: Samples, generator: np.random.Generator) -> Samples:
    vocoder = KINDS[kind]()
    vocoder.load_state_dict(torch.load(saved, weights_only=True))
    speech = torch.tensor(samples * np.float32(1.5))[None]
    with torch.no_grad():
        mel = LogMelSpectrogram()(speech)
        if generator.random() < 0.35:
            blur = (0, *generator.uniform((0.3, 0.3), (1.2, 1.5)))
            mel = torch.tensor(gaussian_filter(mel.numpy(), blur, truncate=2.0), dtype=torch.float32)
        made = vocoder.eval()(mel, sources(speech, generator) if vocoder.driven else None)
    return np.asarray(made[0].numpy(), np.float32)


def _blended(real: Samples, made: Samples, generator: np.random.Generator) -> Samples:
    """Puts part of the real spectrum in place of the made one: a mixture, or one side of an edge."""
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


MAKERS: Mapping[str, Callable[[CopyJob, CorpusFile], list[CorpusFile]]] = {
    "classic": partial(copied, SYSTEMS, 1.2),
    "partial": partial(copied, EDITS, 1.0),
    "replay": partial(copied, REPLAYS, 1.0),
    "neural": neural,
    "diffusion": diffusion,
}


def main() -> None:
    """Copies the recordings and lists the copies."""
    parser = argparse.ArgumentParser(description="Copy-synthesize the bona fide recordings.")
    parser.add_argument("--kind", choices=MAKERS, required=True)
    parser.add_argument("--originals", type=Path, required=True)
    parser.add_argument("--network", type=Path, action="append", default=[])
    parser.add_argument("--conf", type=Path, default=CONF)
    parser.add_argument("--size", type=Path, help="file of a size, whose numbers are taken before those of --conf")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    job = CopyJob(
        arguments.originals, arguments.out, CorpusSplit.read(arguments.conf, arguments.size), arguments.network
    )
    make = partial(MAKERS[arguments.kind], job)
    made = in_parallel(arguments.kind, make, originals(arguments.originals), arguments.processes)
    write_list(arguments.out, [each for some in made for each in some])


if __name__ == "__main__":
    main()
