"""Predicts from the sound of speech the latents that enter the vocoder of a published voice."""

import sys
from collections.abc import Sequence

import numpy as np
import pyworld
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bonafide.audio.waveform import Samples
from training.corpus.files import WIDE
from training.corpus.synthesis.vocoder import HOP, MELS, LogMelSpectrogram

CROP, BATCH, STEPS = 96, 16, 900
Floats = NDArray[np.float32]


class LatentPredictor(nn.Module):
    """Maps sound features (batch, MELS + 2, frames) to standardized latents, (batch, channels, frames)."""

    def __init__(self, channels: int, width: int = 256) -> None:
        super().__init__()
        self.enter = nn.Conv1d(MELS + 2, width, 5, padding=2)
        self.layers = nn.ModuleList([nn.Conv1d(width, width, 5, padding=2 * step, dilation=step) for step in (1, 2, 4)])
        self.leave = nn.Conv1d(width, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Applies residual convolutions."""
        frames = self.enter(features)
        for layer in self.layers:
            frames = frames + layer(nn.functional.gelu(frames))
        out: Tensor = self.leave(nn.functional.gelu(frames))
        return out


def sound_features(samples: Samples, frames: int) -> Floats:
    """Returns a mel spectrogram without its means, pitch, and whether there is one: shape (MELS + 2, frames)."""
    mel = LogMelSpectrogram()(torch.tensor(samples * np.float32(0.5 / max(float(np.abs(samples).max()), 1e-4)))[None])[
        0
    ].numpy()
    pitch, times = pyworld.dio(samples.astype(np.float64), WIDE, frame_period=1000 * HOP / WIDE)
    pitch = np.resize(pyworld.stonemask(samples.astype(np.float64), pitch, times, WIDE), mel.shape[1])
    loud = mel.mean(0) > mel.mean()
    rows = np.concatenate([mel - mel[:, loud].mean(1, keepdims=True), pitch[None] / 100, pitch[None] > 0])
    at = np.linspace(0, mel.shape[1] - 1, frames)
    return np.stack([np.interp(at, np.arange(mel.shape[1]), row) for row in rows]).astype(np.float32)


def learn(pairs: Sequence[tuple[Floats, Floats]], seed: int = 5) -> tuple[LatentPredictor, Floats, Floats]:
    """Fits a predictor by least squares; returns it with the mean and the scale that turn its output into latents.

    Predicted means vary less than latents do: the scale gives back the variance that averaging takes.
    """
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    whole = np.concatenate([target for _, target in pairs], 1)
    mean = np.asarray(whole.mean(1, keepdims=True), np.float32)
    scale = np.asarray(whole.std(1, keepdims=True) + 1e-4, np.float32)
    network = LatentPredictor(len(whole))
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, STEPS)
    for _step in range(STEPS):
        batch = [_cut(pairs[index], generator) for index in generator.integers(len(pairs), size=BATCH)]
        features, target = (torch.tensor(np.stack(each)) for each in zip(*batch, strict=True))
        loss = (network(features) - (target - torch.tensor(mean)) / torch.tensor(scale)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    sys.stderr.write(f"\rloss {loss.item():.3f}\n")
    with torch.no_grad():
        predicted = torch.cat([network(torch.tensor(features)[None])[0] for features, _ in pairs], 1).numpy()
    widened = np.asarray(scale / np.maximum(predicted.std(1, keepdims=True), 0.3), np.float32)
    return network.eval(), mean, widened


def _cut(pair: tuple[Floats, Floats], generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Cuts a crop of a pair, with noise in its features."""
    features, target = (np.pad(each, ((0, 0), (0, max(0, CROP - each.shape[1])))) for each in pair)
    start = int(generator.integers(features.shape[1] - CROP + 1))
    features, target = features[:, start : start + CROP].copy(), target[:, start : start + CROP]
    features[:MELS] = np.logaddexp(features[:MELS], generator.uniform(-9, -3))
    return features, target
