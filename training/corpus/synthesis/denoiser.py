"""A small diffusion vocoder that starts from a recording with so much noise that little of it is left.

    python -m training.corpus.synthesis.denoiser --originals FOLDER --out denoiser.pt [--steps 1500]

The network gets the mel spectrogram and the level of the noise, and predicts the noise (DiffWave, Kong 2021; WaveGrad,
Chen 2021). Starting late (SDEdit, Meng 2022) leaves the traces of well-trained ones without their training.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bonafide.audio.waveform import Samples
from training.corpus.files import originals_at_full_scale
from training.corpus.synthesis.vocoder import HOP, MELS, LogMelSpectrogram, fast

WIDTH, LAYERS, BATCH, SEGMENT = 32, 10, 6, 24 * HOP
# Decimal logarithm of the noise's standard deviation over the speech's, range that is learned.
LOUDEST, FAINTEST = 1.5, -3.0
LEVEL = 0.1  # standard deviation that speech is brought to


class Denoiser(nn.Module):
    """Gated dilated convolutions over samples, as in WaveNet, each given the spectrogram and the level of the noise."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Conv1d(1, WIDTH, 3, padding=1)
        self.told = nn.Conv1d(MELS, 2 * WIDTH * LAYERS, 1)
        self.noise = nn.Sequential(nn.Linear(1, 64), nn.SiLU(), nn.Linear(64, WIDTH * LAYERS))
        spread = [2 ** (layer % 6) for layer in range(LAYERS)]
        self.layers = nn.ModuleList([nn.Conv1d(WIDTH, 2 * WIDTH, 3, padding=each, dilation=each) for each in spread])
        self.mixed = nn.ModuleList([nn.Conv1d(WIDTH, 2 * WIDTH, 1) for _ in spread])
        self.leave = nn.Sequential(nn.Conv1d(WIDTH, WIDTH, 1), nn.ReLU(), nn.Conv1d(WIDTH, 1, 1))

    def forward(self, noisy: Tensor, mel: Tensor, loudness: Tensor) -> Tensor:
        """Predicts the noise in `noisy`, (batch, n), of unit variance, given its `loudness`, (batch, 1)."""
        frames = self.enter(noisy[:, None])
        told = self.told((mel + 5) / 2).repeat_interleave(HOP, 2).chunk(LAYERS, 1)
        steps = self.noise(loudness)[..., None].chunk(LAYERS, 1)
        skipped = torch.zeros(())
        for layer, mixed, spectrum, step in zip(self.layers, self.mixed, told, steps, strict=True):
            value, gate = (layer(frames + step) + spectrum).chunk(2, 1)
            onward, skip = mixed(torch.tanh(value) * torch.sigmoid(gate)).chunk(2, 1)
            frames, skipped = (frames + onward) / 2**0.5, skipped + skip
        out: Tensor = self.leave(skipped / LAYERS**0.5)
        return out[:, 0]


def mixed(speech: Tensor, noise: Tensor, loudness: Tensor) -> Tensor:
    """Mixes speech and noise to unit variance together, (batch, n); `loudness` as a decimal logarithm."""
    scale = 10**loudness
    return (speech / LEVEL + scale * noise) / (1 + scale**2).sqrt()


def train(recordings: Sequence[Samples], steps: int, seed: int) -> Denoiser:
    """Trains on recordings at 16 kHz to predict the noise in noisy speech."""
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    mel, network = LogMelSpectrogram(), Denoiser()
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.5e-3, steps)
    for step in range(steps):
        drawn = (recordings[index] for index in generator.integers(len(recordings), size=BATCH))
        starts = ((each, generator.integers(len(each) - SEGMENT)) for each in drawn)
        speech = leveled(torch.tensor(np.stack([each[start : start + SEGMENT] for each, start in starts])))
        loudness, noise = torch.empty(BATCH, 1).uniform_(FAINTEST, LOUDEST), torch.randn_like(speech)
        with fast():
            guess = network(mixed(speech, noise, loudness), mel(speech), loudness).float()
        loss = (guess - noise).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        sys.stderr.write(f"\rdenoiser {step}/{steps} {loss.item():.3f} ")
    return network.eval()


def leveled(speech: Tensor) -> Tensor:
    """Brings speech (batch, n) to the level that the network was trained at."""
    return speech * (LEVEL / speech.std(1, keepdim=True).clamp(min=1e-4))


def diffused(network: Denoiser, samples: Samples, generator: np.random.Generator) -> Samples:
    """Adds noise to a recording (n,) and removes it in a few steps, each of which adds less noise than it removes."""
    speech = leveled(torch.tensor(samples[: len(samples) // HOP * HOP])[None])
    start, count = generator.uniform(-1.2, 0.6), int(generator.integers(2, 7))
    ladder = np.linspace(start, generator.uniform(-2.6, -1.8), count)
    drawn = torch.Generator().manual_seed(int(generator.integers(1 << 30)))
    mel, clean = LogMelSpectrogram()(speech), speech
    with torch.no_grad():
        for rung in ladder:
            loudness = torch.full((1, 1), float(rung))
            noisy = mixed(clean, torch.randn(speech.shape, generator=drawn), loudness)
            guess = network(noisy, mel, loudness)
            clean = LEVEL * (noisy * (1 + 10 ** (2 * loudness)).sqrt() - 10**loudness * guess)
    return np.asarray(clean[0].numpy(), np.float32)


def main() -> None:
    """Trains on the bona fide recordings and keeps the weights."""
    parser = argparse.ArgumentParser(description="Train the diffusion vocoder.")
    parser.add_argument("--originals", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=6)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    network = train(originals_at_full_scale(arguments.originals, SEGMENT + 1), arguments.steps, arguments.seed)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), arguments.out)


if __name__ == "__main__":
    main()
