"""A small diffusion vocoder that starts from a recording that is almost, but not quite, drowned in noise.

    python -m training.corpus.synthesis.denoiser --material .build/spoof --steps 1500

The network is told the mel spectrogram and how much noise there is, and takes the noise away (DiffWave, Kong 2021;
WaveGrad, Chen 2021). Starting late (SDEdit, Meng 2022) makes what well-trained ones leave, without their training.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from training.corpus.channels import Samples
from training.corpus.synthesis.vocoder import HOP, MELS, Mel, fast

WIDTH, LAYERS, BATCH, SEGMENT = 32, 10, 6, 24 * HOP
LOUDEST, FAINTEST = (
    1.5,
    -3.0,
)  # decimal logarithm of the noise's standard deviation over the speech's, range that is learnt
LEVEL = 0.1  # standard deviation that speech is brought to


class Denoiser(nn.Module):
    """Gated dilated convolutions over samples, as WaveNet has them, each told the spectrogram and the noise."""

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
        """The noise in `noisy`, (batch, n), of unit variance, given its `loudness`, (batch, 1)."""
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
    """Speech and noise at unit variance together, (batch, n); `loudness` as a decimal logarithm."""
    scale = 10**loudness
    return (speech / LEVEL + scale * noise) / (1 + scale**2).sqrt()


def train(recordings: Sequence[Samples], steps: int, seed: int) -> Denoiser:
    """Trains on recordings at 16 kHz to tell the noise from the speech."""
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    mel, network = Mel(), Denoiser()
    optimiser = torch.optim.AdamW(network.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1.5e-3, steps)
    for step in range(steps):
        drawn = (recordings[index] for index in generator.integers(len(recordings), size=BATCH))
        starts = ((each, generator.integers(len(each) - SEGMENT)) for each in drawn)
        speech = levelled(torch.tensor(np.stack([each[start : start + SEGMENT] for each, start in starts])))
        loudness, noise = torch.empty(BATCH, 1).uniform_(FAINTEST, LOUDEST), torch.randn_like(speech)
        with fast():
            guess = network(mixed(speech, noise, loudness), mel(speech), loudness).float()
        loss = (guess - noise).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        sys.stderr.write(f"\rdenoiser {step}/{steps} {loss.item():.3f} ")
    return network.eval()


def levelled(speech: Tensor) -> Tensor:
    """Speech (batch, n) at the level that the network knows."""
    return speech * (LEVEL / speech.std(1, keepdim=True).clamp(min=1e-4))


def diffused(network: Denoiser, samples: Samples, generator: np.random.Generator) -> Samples:
    """A recording (n,) drowned in noise and recovered in a few steps, each of which adds less noise than it takes."""
    speech = levelled(torch.tensor(samples[: len(samples) // HOP * HOP])[None])
    start, count = generator.uniform(-1.2, 0.6), int(generator.integers(2, 7))
    ladder = np.linspace(start, generator.uniform(-2.6, -1.8), count)
    drawn = torch.Generator().manual_seed(int(generator.integers(1 << 30)))
    mel, clean = Mel()(speech), speech
    with torch.no_grad():
        for rung in ladder:
            loudness = torch.full((1, 1), float(rung))
            noisy = mixed(clean, torch.randn(speech.shape, generator=drawn), loudness)
            guess = network(noisy, mel, loudness)
            clean = LEVEL * (noisy * (1 + 10 ** (2 * loudness)).sqrt() - 10**loudness * guess)
    return np.asarray(clean[0].numpy(), np.float32)


def main() -> None:
    """Trains on the material's bona fide recordings and keeps the weights."""
    from training.corpus.collect import recordings  # noqa: PLC0415 - reads audio, which the tests of this module need not

    parser = argparse.ArgumentParser(description="Train the diffusion vocoder.")
    parser.add_argument("--material", type=Path, default=Path(".build/spoof"))
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=6)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    network = train(recordings(arguments.material, SEGMENT + 1), arguments.steps, arguments.seed)
    torch.save(network.state_dict(), arguments.material / "denoiser.pt")


if __name__ == "__main__":
    main()
