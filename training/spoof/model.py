"""The detector: samples in, a log-likelihood ratio for each window of four seconds out.

The front end and the first layers are Whisper's (Radford 2022, tiny.en), frozen, as Kawa 2023 uses them. Statistics
over time go through small networks trained here, in two views: what the first layer and cepstra hear, close to the
signal, finds more traces but is misled by lines that it does not know; what the third layer hears knows lines better.
Each errs where the other need not, and the sum of their scores is the detector's. All of it is one graph, so that
training, evaluation and serving cannot differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import librosa
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everyone knows it by
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.signal import firwin
from torch import Tensor, nn

WIDTH, HEADS = 384, 6
RATE, WINDOW = 16000, 64000
FFT, HOP = 400, 160
CEPSTRAL_FFT, BANDS = 512, 60
HALF_WIDTH = 10
# Statistics that each view has.
NEAR, FAR = 4 * WIDTH + 6 * BANDS, 2 * WIDTH
VIEWS = 2
Weights = Mapping[str, NDArray[np.floating]]


@dataclass(frozen=True, slots=True)
class Shape:
    """What is chosen of the network.

    Attributes:
        layers: of the encoder that are run, 2 or more.
        hidden: width of each head.
        heads: networks for each view, whose mean is its score.
    """

    layers: int = 3
    hidden: int = 128
    heads: int = 3


class LogMel(nn.Module):
    """Whisper's front end as convolutions, (batch, n) to (batch, 80, n // HOP), exportable as it is."""

    def __init__(self) -> None:
        super().__init__()
        phase = 2 * np.pi * np.arange(FFT // 2 + 1)[:, None] * np.arange(FFT) / FFT
        taper = np.hanning(FFT + 1)[:-1]
        kernels = np.concatenate([np.cos(phase), -np.sin(phase)]) * taper
        self.kernels = nn.Buffer(torch.tensor(kernels[:, None], dtype=torch.float32))
        self.bank = nn.Buffer(torch.tensor(librosa.filters.mel(sr=RATE, n_fft=FFT, n_mels=80)))

    def forward(self, samples: Tensor) -> Tensor:
        """The last frame is dropped and the range is 80 dB, as Whisper was trained."""
        padded = F.pad(samples[:, None], (FFT // 2, FFT // 2), mode="reflect")
        real, imaginary = F.conv1d(padded, self.kernels, stride=HOP)[..., :-1].chunk(2, 1)
        mel = torch.matmul(self.bank, real.square() + imaginary.square())
        log = torch.clamp(mel, min=1e-10).log10()
        return (torch.maximum(log, log.amax((1, 2), keepdim=True) - 8) + 4) / 4


class Cepstra(nn.Module):
    """Linear-frequency cepstral coefficients (Sahidullah 2015) and their changes, as statistics.

    Linear, since vocoders leave most traces where mel bands are wide. (batch, n) to (batch, 6 * BANDS).
    """

    def __init__(self) -> None:
        super().__init__()
        phase = 2 * np.pi * np.arange(CEPSTRAL_FFT // 2 + 1)[:, None] * np.arange(CEPSTRAL_FFT) / CEPSTRAL_FFT
        taper = np.pad(np.hanning(FFT + 1)[:-1], (CEPSTRAL_FFT - FFT) // 2)
        kernels = np.concatenate([np.cos(phase), -np.sin(phase)]) * taper
        self.kernels = nn.Buffer(torch.tensor(kernels[:, None], dtype=torch.float32))
        edges = np.linspace(0, CEPSTRAL_FFT // 2, BANDS + 2)
        bank = [np.interp(np.arange(CEPSTRAL_FFT // 2 + 1), edges[at : at + 3], [0, 1, 0]) for at in range(BANDS)]
        self.bank = nn.Buffer(torch.tensor(np.stack(bank), dtype=torch.float32))
        self.transform = nn.Buffer(torch.tensor(dct(np.eye(BANDS), norm="ortho", axis=0), dtype=torch.float32))

    def forward(self, samples: Tensor) -> Tensor:
        """Level is taken out first."""
        even = samples / samples.square().mean(1, keepdim=True).sqrt().clamp(min=1e-4)
        padded = F.pad(even[:, None], (CEPSTRAL_FFT // 2, CEPSTRAL_FFT // 2), mode="reflect")
        real, imaginary = F.conv1d(padded, self.kernels, stride=HOP).chunk(2, 1)
        bands = torch.matmul(self.bank, real.square() + imaginary.square())
        static = torch.matmul(self.transform, torch.log(bands + 1e-6)).transpose(1, 2)
        change = static[:, 2:] - static[:, :-2]
        again = change[:, 2:] - change[:, :-2]
        first = [static.mean(1), deviation(static), skewness(static)]
        return torch.cat([*first, deviation(change), skewness(change), deviation(again)], 1)


class Layer(nn.Module):
    """A transformer layer, (batch, frames, WIDTH) to the same."""

    def __init__(self) -> None:
        super().__init__()
        self.before_attention, self.before_body = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.project, self.merge = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.body = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, frames: Tensor) -> Tensor:
        """Attention, then the feed-forward body, each added."""
        count = frames.shape[1]
        parts = self.project(self.before_attention(frames)).view(-1, count, 3, HEADS, WIDTH // HEADS)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        weights = torch.softmax(query @ key.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5, -1)
        frames = frames + self.merge((weights @ value).transpose(1, 2).reshape(-1, count, WIDTH))
        return frames + self.body(self.before_body(frames))


class Whisper(nn.Module):
    """The start of Whisper's encoder, (batch, 80, frames) to the frames at each depth, (batch, frames / 2, WIDTH)."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(80, WIDTH, 3, padding=1)
        self.second = nn.Conv1d(WIDTH, WIDTH, 3, stride=2, padding=1)
        self.positions = nn.Buffer(torch.zeros(WINDOW // HOP // 2, WIDTH))
        self.layers = nn.ModuleList([Layer() for _ in range(layers)])

    def forward(self, mel: Tensor) -> list[Tensor]:
        """The convolutions' frames, then those after each layer."""
        frames = F.gelu(self.second(F.gelu(self.first(mel)))).transpose(1, 2)
        depths = [frames]
        frames = frames + self.positions[: frames.shape[1]]
        for layer in self.layers:
            frames = layer(frames)
            depths.append(frames)
        return depths


class Encoder(nn.Module):
    """What is frozen, and cepstra: statistics of a window, (batch, WINDOW) to (batch, NEAR + FAR)."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.mel = LogMel()
        self.whisper = Whisper(layers)
        self.cepstra = Cepstra()

    def forward(self, samples: Tensor) -> Tensor:
        """Before and after the first layer, and of cepstra, which are the near view; then after the last layer."""
        depths = self.whisper(self.mel(samples))
        near = [statistics(depths[0]), statistics(depths[1]), self.cepstra(samples)]
        return torch.cat([*near, statistics(depths[-1])], 1)


class Heads(nn.Module):
    """Small networks on standardised statistics, (batch, NEAR + FAR) to (batch, VIEWS, heads)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.centre, self.spread = nn.Buffer(torch.zeros(NEAR + FAR)), nn.Buffer(torch.ones(NEAR + FAR))
        self.views = nn.ModuleList(
            [nn.ModuleList([_head(width, shape.hidden) for _ in range(shape.heads)]) for width in (NEAR, FAR)]
        )

    def forward(self, features: Tensor) -> Tensor:
        """Scores of each view's networks; features beyond anything heard in training are held back."""
        standard = ((features - self.centre) / self.spread).clamp(-6, 6)
        views = zip(self.views, standard.split([NEAR, FAR], 1), strict=True)
        return torch.stack([torch.cat([head(part) for head in heads], 1) for heads, part in views], 1)


class Detector(nn.Module):
    """Encoder, heads and calibration in one: the graph that serves."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.encoder = Encoder(shape.layers)
        self.heads = Heads(shape)
        # line = offset + scale . scores, LLR = max(line + steepness * min(line - knee, 0), floor).
        self.scale, self.offset = nn.Buffer(torch.ones(VIEWS)), nn.Buffer(torch.zeros(()))
        self.steepness, self.knee = nn.Buffer(torch.zeros(())), nn.Buffer(torch.zeros(()))
        self.floor = nn.Buffer(torch.tensor(-np.inf))
        # The filter that training material was brought to 16 kHz with, since images above 4 kHz are heard as well.
        kernel = firwin(4 * HALF_WIDTH + 1, 0.5, window=("kaiser", 5.0))[1::2]
        self.between = nn.Buffer(torch.tensor((kernel / kernel.sum())[None, None], dtype=torch.float32))

    def forward(self, samples: Tensor, rate: Tensor) -> Tensor:
        """LLRs of the windows of a recording, shape (windows,).

        Args:
            samples: shape (n,), full scale 1.0.
            rate: int64 scalar, 8000 or 16000.
        """
        return self.windows_llr(self.windows(samples, rate))

    def windows_llr(self, windows: Tensor) -> Tensor:
        """(batch, WINDOW) at 16 kHz to (batch,)."""
        line = self.scores(windows) @ self.scale + self.offset
        return torch.maximum(line + self.steepness * torch.clamp(line - self.knee, max=0.0), self.floor)

    def scores(self, windows: Tensor) -> Tensor:
        """What the views say before they are calibrated, (batch, WINDOW) to (batch, VIEWS)."""
        return torch.as_tensor(self.heads(self.encoder(windows)).mean(2))

    def windows(self, samples: Tensor, rate: Tensor) -> Tensor:
        """As few windows as cover the recording, spread evenly; a shorter one is repeated. (windows, WINDOW), 16 kHz.

        Between samples at 8 kHz others are interpolated; at 16 kHz every other of those is left out again.
        """
        middle = F.conv1d(F.pad(samples[None, None], (HALF_WIDTH - 1, HALF_WIDTH)), self.between)[0, 0]
        doubled = torch.stack([samples, middle], 1).flatten()
        step = rate // 8000
        count = doubled.shape[0] // step
        windows = torch.clamp((count + WINDOW - 1) // WINDOW, min=1)
        spare = torch.clamp(count - WINDOW, min=0)
        starts = torch.arange(windows) * spare // torch.clamp(windows - 1, min=1)
        return doubled[(starts[:, None] + torch.arange(WINDOW)[None]) % count * step]


def statistics(frames: Tensor) -> Tensor:
    """Deviation over time of the frames and of their change, (batch, frames, width) to (batch, 2 * width).

    Means tell who speaks and over which line, which is not asked.
    """
    return torch.cat([deviation(frames), deviation(frames[:, 1:] - frames[:, :-1])], 1)


def deviation(frames: Tensor) -> Tensor:
    """Standard deviation over time, (batch, frames, width) to (batch, width)."""
    centred = frames - frames.mean(1, keepdim=True)
    return (centred.square().sum(1) / (frames.shape[1] - 1)).clamp(min=1e-10).sqrt()


def skewness(frames: Tensor) -> Tensor:
    """Third moment over time by the cube of the deviation, (batch, frames, width) to (batch, width)."""
    centred = frames - frames.mean(1, keepdim=True)
    return (centred * centred.square()).mean(1) / deviation(frames).clamp(min=1e-3).pow(3)


def pretrained(whisper: Whisper, weights: Weights) -> Whisper:
    """Fills the start of the encoder with Whisper's weights."""
    given = {name: torch.tensor(np.asarray(value, np.float32)) for name, value in weights.items() if value.ndim}
    state = whisper.state_dict()
    state["positions"] = given["encoder/position_encodings/encodings"][: WINDOW // HOP // 2]
    for mine, theirs in _names(len(whisper.layers)):
        for part, kind in (("weight", "weight"), ("bias", "bias")):
            place = f"{theirs}/{kind}" if f"{theirs}/{kind}" in given else f"{theirs}/{_NORM[part]}"
            state[f"{mine}.{part}"] = given[place]
    whisper.load_state_dict(state)
    return whisper


_NORM = {"weight": "gamma", "bias": "beta"}


def _names(layers: int) -> list[tuple[str, str]]:
    """Modules here and in the published file."""
    pairs = [("first", "encoder/conv1"), ("second", "encoder/conv2")]
    for number in range(layers):
        mine, theirs = f"layers.{number}", f"encoder/layer_{number}"
        pairs += [
            (f"{mine}.before_attention", f"{theirs}/self_attention/layer_norm"),
            (f"{mine}.project", f"{theirs}/self_attention/linear_0"),
            (f"{mine}.merge", f"{theirs}/self_attention/linear_1"),
            (f"{mine}.before_body", f"{theirs}/ffn/layer_norm"),
            (f"{mine}.body.0", f"{theirs}/ffn/linear_0"),
            (f"{mine}.body.2", f"{theirs}/ffn/linear_1"),
        ]
    return pairs


def _head(features: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Dropout(0.3), nn.Linear(features, hidden), nn.ReLU(), nn.Dropout(0.4), nn.Linear(hidden, 1))
