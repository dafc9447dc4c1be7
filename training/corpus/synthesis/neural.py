"""Copies of the bona fide recordings by the vocoders that are trained here.

python -m training.corpus.synthesis.neural --kind neural --network FOLDER ... --originals FOLDER --out FOLDER
python -m training.corpus.synthesis.neural --kind diffusion --network denoiser.pt --originals FOLDER --out FOLDER
"""

from pathlib import Path

import librosa
import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from bonafide.audio.waveform import Samples
from training.corpus.files import WIDE, CorpusFile
from training.corpus.synthesis.copies import CopyJob, make
from training.corpus.synthesis.denoiser import Denoiser, diffused
from training.corpus.synthesis.vocoder import KINDS, LogMelSpectrogram, sources

NEURAL_SHARE = 0.4
DIFFUSION_SHARE = 0.25


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


if __name__ == "__main__":
    make({"neural": neural, "diffusion": diffusion})
