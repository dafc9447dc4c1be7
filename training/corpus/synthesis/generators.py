"""Networks that make samples from a mel spectrogram by upsampling it, with or without a source of harmonics.

Transposed convolutions leave images and tones at the rates that they pass through, as HiFi-GAN (Kong 2020) and MelGAN
(Kumar 2019) do; the source makes it a neural source-filter model (Wang 2019).
"""

import numpy as np
import pyworld
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor, nn

RATE, MELS = 16000, 80
RATES = (10, 5, 4)  # their product is the hop
SLOPE = 0.1


class DilatedResidual(nn.Module):
    """Dilated convolutions beside a shortcut."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        spread = ((kernel - 1) // 2 * dilation for dilation in (1, 3, 5))
        self.layers = nn.ModuleList(
            [
                nn.Conv1d(width, width, kernel, padding=pad, dilation=dilation)
                for dilation, pad in zip((1, 3, 5), spread, strict=True)
            ]
        )

    def forward(self, frames: Tensor) -> Tensor:
        """Maps (batch, width, n) to the same shape."""
        for layer in self.layers:
            frames = frames + layer(F.leaky_relu(frames, SLOPE))
        return frames


class Upsampler(nn.Module):
    """Mel spectrogram (batch, MELS, frames) to samples (batch, frames * hop).

    Args:
        driven: whether a source of harmonics is added at every rate.
        width: before the first step, halved by each.
    """

    def __init__(self, driven: bool = False, width: int = 160) -> None:
        super().__init__()
        self.driven = driven
        self.enter = nn.Conv1d(MELS, width, 7, padding=3)
        widths = [width >> step for step in range(len(RATES) + 1)]
        self.ups = nn.ModuleList(
            [
                nn.ConvTranspose1d(before, after, 2 * rate, rate, (rate + 1) // 2, rate % 2)
                for before, after, rate in zip(widths, widths[1:], RATES, strict=False)
            ]
        )
        self.blocks = nn.ModuleList(
            [nn.ModuleList([DilatedResidual(after, 3), DilatedResidual(after, 7)]) for after in widths[1:]]
        )
        self.sources = nn.ModuleList(
            [nn.Conv1d(1, after, 2 * down + 1, down, down) for after, down in zip(widths[1:], (20, 4, 1), strict=True)]
        )
        self.leave = nn.Conv1d(widths[-1], 1, 7, padding=3)

    def forward(self, mel: Tensor, source: Tensor | None = None) -> Tensor:
        """Upsamples in steps; `source`, (batch, n), is the `excitation` of the speech that is copied."""
        frames = self.enter((mel + 5) / 2)  # log mel spectrograms of speech have about that mean and spread
        for up, blocks, enter in zip(self.ups, self.blocks, self.sources, strict=True):
            frames = up(F.leaky_relu(frames, SLOPE))
            if source is not None:
                frames = frames + enter(source[:, None])[..., : frames.shape[-1]]
            frames = torch.stack([block(frames) for block in blocks]).mean(0)
        return torch.tanh(self.leave(F.leaky_relu(frames, SLOPE)))[:, 0]


def excitation(samples: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Returns the harmonics of the pitch of speech (n,) at 16 kHz with a little noise; noise where it has no pitch."""
    pitch, times = pyworld.dio(samples.astype(np.float64), RATE)
    track = np.interp(np.arange(len(samples)) / RATE, times, pitch)
    voiced = track > 60
    turn = 2 * np.pi * np.cumsum(np.where(voiced, track, 0)) / RATE
    count = np.floor(RATE / 2 / np.maximum(track, 60))
    # The sum of `count` cosines of multiples of `turn`, in closed form.
    half = np.sin(turn / 2)
    steep = np.where(np.abs(half) < 1e-4, count, (np.sin((count + 0.5) * turn) / np.where(half == 0, 1, half) - 1) / 2)
    noise = generator.standard_normal(len(samples))
    return np.where(voiced, 0.1 * steep / np.sqrt(count) + 0.003 * noise, 0.03 * noise).astype(np.float32)
