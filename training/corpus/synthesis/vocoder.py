"""Small neural vocoders, trained here on the material's own bona fide speech, for copy synthesis by networks.

    python -m training.corpus.synthesis.vocoder --kind upsampling --originals FOLDER --out FOLDER [--steps 600]

Mel spectrogram to waveform, against discriminators of periods (HiFi-GAN, Kong 2020) and of spectrograms. They are meant
to be imperfect as networks are: their weights after half of the steps are kept too.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import librosa
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor, nn

from bonafide.audio.waveform import Samples
from training.corpus.files import originals_at_full_scale
from training.corpus.synthesis.generators import Upsampler, excitation

RATE, HOP, FFT, MELS = 16000, 200, 800, 80
SEGMENT, BATCH = 8000, 6
SIZES = (256, 512, 1024, 2048)


class LogMelSpectrogram(nn.Module):
    """Log mel spectrogram, (batch, n) to (batch, MELS, n // HOP)."""

    def __init__(self) -> None:
        super().__init__()
        self.bank = nn.Buffer(torch.tensor(librosa.filters.mel(sr=RATE, n_fft=FFT, n_mels=MELS)))
        self.window = nn.Buffer(torch.hann_window(FFT))

    def forward(self, samples: Tensor) -> Tensor:
        """Centers frames on the middle of each hop."""
        edge = (FFT - HOP) // 2
        padded = F.pad(samples[:, None], (edge, edge), mode="reflect")[:, 0]
        spectrum = torch.stft(padded, FFT, HOP, FFT, self.window, center=False, return_complex=True)
        return torch.log(torch.clamp(self.bank @ spectrum.abs(), min=1e-5))


class ConvNextBlock(nn.Module):
    """ConvNeXt block over frames."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.body = nn.Sequential(nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width))
        self.scale = nn.Parameter(torch.full((width,), 0.3))

    def forward(self, frames: Tensor) -> Tensor:
        """(batch, width, frames) to the same."""
        return frames + (self.scale * self.body(self.norm(self.depthwise(frames).transpose(1, 2)))).transpose(1, 2)


class InverseStftVocoder(nn.Module):
    """Mel spectrogram (batch, MELS, frames) to samples (batch, frames * HOP) by inverse STFT (Vocos, Siuzdak 2023)."""

    driven = False

    def __init__(self, width: int = 256, blocks: int = 6) -> None:
        super().__init__()
        self.enter = nn.Conv1d(MELS, width, 7, padding=3)
        self.blocks = nn.Sequential(*[ConvNextBlock(width) for _ in range(blocks)])
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, FFT + 2)
        self.window = nn.Buffer(torch.hann_window(FFT))

    def forward(self, mel: Tensor, _source: Tensor | None = None) -> Tensor:
        """Predicts magnitude and phase of each frame, and overlaps and adds."""
        frames = self.norm(self.blocks(self.enter(mel)).transpose(1, 2))
        magnitude, phase = self.leave(frames).float().transpose(1, 2).chunk(2, 1)
        spectrum = torch.polar(torch.exp(magnitude.clamp(max=6)), phase)
        return self._overlap(torch.fft.irfft(spectrum, n=FFT, dim=1) * self.window[None, :, None])

    def _overlap(self, frames: Tensor) -> Tensor:
        count = frames.shape[-1]
        shape = (1, (count - 1) * HOP + FFT)
        squared = (self.window**2)[None, :, None].expand(1, FFT, count)
        total = F.fold(frames, shape, (1, FFT), stride=(1, HOP))[:, 0, 0]
        weight = F.fold(squared.contiguous(), shape, (1, FFT), stride=(1, HOP))[:, 0, 0]
        edge = (FFT - HOP) // 2
        return (total / weight.clamp(min=1e-3))[:, edge : edge + count * HOP]


class Discriminator(nn.Module):
    """Judges samples folded by a period, or their log spectrogram when `period` is 0."""

    def __init__(self, period: int = 0, size: int = 512) -> None:
        super().__init__()
        self.period, self.size = period, size
        kernel, stride, padding = ((5, 1), (3, 1), (2, 0)) if period else ((3, 7), (1, 2), (1, 3))
        widths = (1, 12, 32, 48)
        self.layers = nn.ModuleList([nn.Conv2d(i, o, kernel, stride, padding) for i, o in pairwise(widths)])
        self.realness = nn.Conv2d(widths[-1], 1, 3, padding=1)

    def forward(self, samples: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Returns maps of realness and the features behind them, for samples (batch, n)."""
        image, features = self._image(samples), []
        for layer in self.layers:
            image = F.leaky_relu(layer(image), 0.1)
            features.append(image)
        return self.realness(image), features

    def _image(self, samples: Tensor) -> Tensor:
        if self.period:
            whole = samples.shape[-1] // self.period * self.period
            return samples[:, :whole].view(len(samples), 1, -1, self.period)
        window = torch.hann_window(self.size)
        spectrum = torch.stft(samples, self.size, self.size // 4, self.size, window, return_complex=True)
        return spectrum.abs().clamp(min=1e-5).log()[:, None].transpose(2, 3)


def spectral_distance(made: Tensor, real: Tensor) -> Tensor:
    """Returns convergence and log distance of spectrograms at several resolutions (Yamamoto 2020)."""
    total = torch.zeros(())
    for size in SIZES:
        window = torch.hann_window(size)
        pair = (torch.stft(each, size, size // 4, size, window, return_complex=True) for each in (made, real))
        first, second = (each.abs().clamp(min=1e-5) for each in pair)
        total = total + (first - second).norm() / second.norm() + (first.log() - second.log()).abs().mean()
    return total / len(SIZES)


KINDS: Mapping[str, Callable[[], InverseStftVocoder | Upsampler]] = {
    "inverse-stft": InverseStftVocoder,
    "upsampling": Upsampler,
    "source-filter": partial(Upsampler, driven=True),
}


def train(
    kind: str, recordings: Sequence[Samples], steps: int, seed: int, save: Callable[[int, nn.Module], None]
) -> None:
    """Trains on recordings at 16 kHz; the discriminators join for the last third.

    Args:
        kind: one of `KINDS`.
        recordings: each shape (n,), longer than SEGMENT.
        steps: of the optimizer.
        seed: of all randomness.
        save: is called with the network after half of the steps, and after all.
    """
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    mel, vocoder = LogMelSpectrogram(), KINDS[kind]()
    judges = nn.ModuleList(
        [*(Discriminator(period) for period in (2, 3, 5, 7)), Discriminator(), Discriminator(0, 1024)]
    )
    makers = torch.optim.AdamW(vocoder.parameters(), 5e-4 if kind == "inverse-stft" else 1e-3, (0.8, 0.99))
    critics = torch.optim.AdamW(judges.parameters(), 5e-4, (0.8, 0.99))
    for step in range(1, steps + 1):
        real = _segments(recordings, generator)
        spectrum = mel(real)
        with fast():
            made = vocoder(spectrum, sources(real, generator) if vocoder.driven else None).float()
        loss = 2 * spectral_distance(made, real) + 3 * (mel(made) - spectrum).abs().mean()
        sys.stderr.write(f"\r{kind} {step}/{steps} {loss.item():.3f} ")
        if step > 2 * steps / 3:
            with fast():
                judged = _discriminator_loss(judges, real, made.detach())
            _step(critics, judged)
            with fast():
                loss = loss + _generator_loss(judges, real, made)
        _step(makers, loss)
        if step in {steps // 2, steps}:
            save(step, vocoder)


def fast() -> torch.autocast:
    """Allows half precision where it is safe, which halves the time of a step."""
    return torch.autocast("cpu", torch.bfloat16)


def sources(speech: Tensor, generator: np.random.Generator) -> Tensor:
    """Returns the excitation of a source-filter network that copies speech, both (batch, n)."""
    return torch.tensor(np.stack([excitation(each, generator) for each in speech.numpy()]))


def _segments(recordings: Sequence[Samples], generator: np.random.Generator) -> Tensor:
    drawn = (recordings[index] for index in generator.integers(len(recordings), size=BATCH))
    starts = ((each, generator.integers(len(each) - SEGMENT)) for each in drawn)
    cut = [each[start : start + SEGMENT] * 10 ** (generator.uniform(-12, 0) / 20) for each, start in starts]
    return torch.tensor(np.stack(cut), dtype=torch.float32)


def _discriminator_loss(judges: nn.ModuleList, real: Tensor, made: Tensor) -> Tensor:
    pairs = [(judge(real)[0], judge(made)[0]) for judge in judges]
    return torch.stack([((1 - yes) ** 2).mean() + (no**2).mean() for yes, no in pairs]).sum()


def _generator_loss(judges: nn.ModuleList, real: Tensor, made: Tensor) -> Tensor:
    losses = []
    for judge in judges:
        with torch.no_grad():
            _, wanted = judge(real)
        realness, features = judge(made)
        losses.append(0.5 * ((1 - realness) ** 2).mean())
        losses += [(mine - theirs).abs().mean() for mine, theirs in zip(features, wanted, strict=True)]
    return torch.stack(losses).sum()


def _step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def main() -> None:
    """Trains on the bona fide recordings and keeps the weights, named for their steps."""
    parser = argparse.ArgumentParser(description="Train a neural vocoder.")
    parser.add_argument("--kind", choices=KINDS, default="inverse-stft")
    parser.add_argument("--originals", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seed", type=int, default=4)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)

    def save(step: int, vocoder: nn.Module) -> None:
        torch.save(vocoder.state_dict(), arguments.out / f"{step}.pt")

    train(
        arguments.kind, originals_at_full_scale(arguments.originals, SEGMENT + 1), arguments.steps, arguments.seed, save
    )


if __name__ == "__main__":
    main()
