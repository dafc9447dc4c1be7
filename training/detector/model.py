"""The detector: samples in, a log-likelihood ratio for each window of four seconds out.

What is pretrained stays frozen: the first layers of Whisper (Radford 2022, tiny.en), as Kawa 2023 uses them, and the
front of the service's own speaker network. Statistics over time go through small networks trained here, in two views:
of Whisper and cepstra alone, which is better at text to speech and at lines; and of all, with the speaker network,
which detects vocoders best. Their errors differ, and the sum of their scores is the detector's. All of it is one graph,
so that training, evaluation and serving cannot differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from numpy.typing import NDArray
from torch import Tensor, nn

from layers.model.filterbank import HALF_WIDTH, halfway_kernel
from training.detector.frontend import BANDS, HOP, RATE, Cepstra, Equalizer, WhisperMel, statistics
from training.detector.rounding import LARGE, rounded
from training.detector.speaker import DEPTHS, SpeakerFront, speaker_front

WIDTH, HEADS = 384, 6
WINDOW = 64000
# Shorter recordings are repeated: without that, their LLRs fall the shorter they are.
SHORTEST = 40000
# Statistics of Whisper and cepstra, and with those of the speaker network; a view has the first so many.
WHISPER = 6 * WIDTH + 6 * BANDS
ALL = WHISPER + 2 * sum(DEPTHS)
VIEWS = (WHISPER, ALL)
Weights = Mapping[str, NDArray[np.floating]]


@dataclass(frozen=True, slots=True)
class DetectorShape:
    """The chosen sizes of the network.

    Attributes:
        layers: of the encoder, 2 or more.
        hidden: width of each head.
        heads: networks for each view, whose mean is its score.
    """

    layers: int = 2
    hidden: int = 20
    heads: int = 12


class TransformerLayer(nn.Module):
    """A transformer layer, (batch, frames, WIDTH) to the same."""

    def __init__(self) -> None:
        super().__init__()
        self.before_attention, self.before_feed_forward = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.project, self.output = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.feed_forward = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, frames: Tensor) -> Tensor:
        """Applies attention, then the feed-forward body, each added."""
        count = frames.shape[1]
        qkv = self.project(self.before_attention(frames)).view(-1, count, 3, HEADS, WIDTH // HEADS)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        weights = torch.softmax(query @ key.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5, -1)
        frames = frames + self.output((weights @ value).transpose(1, 2).reshape(-1, count, WIDTH))
        return frames + self.feed_forward(self.before_feed_forward(frames))


class WhisperFront(nn.Module):
    """The start of Whisper's encoder, (batch, 80, frames) to the frames at each depth, (batch, frames / 2, WIDTH)."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(80, WIDTH, 3, padding=1)
        self.second = nn.Conv1d(WIDTH, WIDTH, 3, stride=2, padding=1)
        # A window is twice as long at most.
        self.positions = nn.Buffer(torch.zeros(WINDOW // HOP, WIDTH))
        self.layers = nn.ModuleList([TransformerLayer() for _ in range(layers)])

    def forward(self, mel: Tensor) -> list[Tensor]:
        """Returns the frames of the convolutions, then those after each layer."""
        frames = F.gelu(self.second(F.gelu(self.first(mel)))).transpose(1, 2)
        depths = [frames]
        frames = frames + self.positions[: frames.shape[1]]
        for layer in self.layers:
            frames = layer(frames)
            depths.append(frames)
        return depths


class FrozenEncoder(nn.Module):
    """The frozen networks, and cepstra: statistics of a window, (batch, n) to (batch, ALL)."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.mel = WhisperMel()
        self.whisper = WhisperFront(layers)
        self.cepstra = Cepstra()
        self.speaker = SpeakerFront()

    def forward(self, samples: Tensor) -> Tensor:
        """Joins statistics around the first layer, of cepstra, after the last layer, and of the speaker network."""
        depths = [depth.transpose(1, 2) for depth in self.whisper(self.mel(samples))]
        first = [statistics(depths[0]), statistics(depths[1]), self.cepstra(samples), statistics(depths[-1])]
        return torch.cat([*first, *map(statistics, self.speaker(samples))], 1)


class DetectorHeads(nn.Module):
    """Small networks on standardized statistics, (batch, ALL) to (batch, views, heads)."""

    def __init__(self, shape: DetectorShape) -> None:
        super().__init__()
        self.center, self.spread = nn.Buffer(torch.zeros(ALL)), nn.Buffer(torch.ones(ALL))
        self.views = nn.ModuleList(
            [nn.ModuleList([_head(width, shape.hidden) for _ in range(shape.heads)]) for width in VIEWS]
        )

    def forward(self, features: Tensor) -> Tensor:
        """Scores by each view's networks; features far beyond those of the training are clamped."""
        standard = ((features - self.center) / self.spread).clamp(-6, 6)
        parts = [(heads, standard[:, :width]) for heads, width in zip(self.views, VIEWS, strict=True)]
        return torch.stack([torch.cat([head(part) for head in heads], 1) for heads, part in parts], 1)


class SpoofDetector(nn.Module):
    """Encoder, heads and calibration in one: the graph that serves."""

    def __init__(self, shape: DetectorShape) -> None:
        super().__init__()
        self.encoder = FrozenEncoder(shape.layers)
        self.heads = DetectorHeads(shape)
        self.equalize = Equalizer()
        # line = offset + scale . scores, LLR = max(line + steepness * min(line - knee, 0), floor).
        self.scale, self.offset = nn.Buffer(torch.ones(len(VIEWS))), nn.Buffer(torch.zeros(()))
        self.steepness, self.knee = nn.Buffer(torch.zeros(())), nn.Buffer(torch.zeros(()))
        self.floor = nn.Buffer(torch.tensor(-np.inf))
        # The interpolator of the speaker graph: images above 4 kHz are the same in training and in serving.
        self.between = nn.Buffer(torch.tensor(halfway_kernel()[None, None], dtype=torch.float32))

    def forward(self, samples: Tensor, rate: Tensor) -> Tensor:
        """Returns the LLRs of the windows of a recording, shape (windows,).

        Args:
            samples: shape (n,), full scale 1.0.
            rate: int64 scalar, 8000 or 16000.
        """
        return self.windows_llr(self.windows(samples, rate))

    def windows_llr(self, windows: Tensor) -> Tensor:
        """Maps (batch, n) at 16 kHz to LLRs (batch,)."""
        line = self.scores(windows) @ self.scale + self.offset
        return torch.maximum(line + self.steepness * torch.clamp(line - self.knee, max=0.0), self.floor)

    def scores(self, windows: Tensor) -> Tensor:
        """Returns the scores of the views before calibration, (batch, n) to (batch, views)."""
        return torch.as_tensor(self.heads(self.encoder(windows)).mean(2))

    def windows(self, samples: Tensor, rate: Tensor) -> Tensor:
        """Cuts as many windows of WINDOW as fit in, lengthened to cover all, (windows, at least SHORTEST).

        Speech of less than WINDOW is one window. Speech at 8 kHz is equalized, and others are interpolated between its
        samples; at 16 kHz every other of those is left out again.
        """
        samples = torch.where(rate < RATE, self.equalize(samples), samples)
        middle = F.conv1d(F.pad(samples[None, None], (HALF_WIDTH - 1, HALF_WIDTH)), self.between)[0, 0]
        doubled = torch.stack([samples, middle], 1).flatten()
        step = rate // 8000
        count = doubled.shape[0] // step
        windows = torch.clamp(count // WINDOW, min=1)
        length = torch.clamp(count // windows, min=SHORTEST)
        places = torch.arange(windows)[:, None] * length + torch.arange(length)[None]
        return doubled[places % count * step]


def pretrained(encoder: FrozenEncoder, weights: Weights, speaker: Path) -> FrozenEncoder:
    """Fills an encoder with the weights of Whisper and of a speaker graph."""
    whisper = encoder.whisper
    given = {name: torch.tensor(np.asarray(value, np.float32)) for name, value in weights.items() if value.ndim}
    state = whisper.state_dict()
    state["positions"] = given["encoder/position_encodings/encodings"][: WINDOW // HOP]
    for mine, theirs in _names(len(whisper.layers)):
        for part, kind in (("weight", "weight"), ("bias", "bias")):
            place = f"{theirs}/{kind}" if f"{theirs}/{kind}" in given else f"{theirs}/{_NORM[part]}"
            state[f"{mine}.{part}"] = given[place]
    whisper.load_state_dict(state)
    encoder.speaker = speaker_front(speaker)
    return encoder


def round_frozen(model: SpoofDetector) -> None:
    """Rounds every large tensor but those of the heads to what is kept of it in 16 bits, in place."""
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.dtype == torch.float32 and tensor.numel() >= LARGE and not name.startswith("heads."):
                tensor.copy_(torch.tensor(rounded(tensor.numpy())))


_NORM = {"weight": "gamma", "bias": "beta"}


def _names(layers: int) -> list[tuple[str, str]]:
    """Returns the names of modules here and in the published file."""
    pairs = [("first", "encoder/conv1"), ("second", "encoder/conv2")]
    for number in range(layers):
        mine, theirs = f"layers.{number}", f"encoder/layer_{number}"
        pairs += [
            (f"{mine}.before_attention", f"{theirs}/self_attention/layer_norm"),
            (f"{mine}.project", f"{theirs}/self_attention/linear_0"),
            (f"{mine}.output", f"{theirs}/self_attention/linear_1"),
            (f"{mine}.before_feed_forward", f"{theirs}/ffn/layer_norm"),
            (f"{mine}.feed_forward.0", f"{theirs}/ffn/linear_0"),
            (f"{mine}.feed_forward.2", f"{theirs}/ffn/linear_1"),
        ]
    return pairs


def _head(features: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Dropout(0.3), nn.Linear(features, hidden), nn.ReLU(), nn.Dropout(0.4), nn.Linear(hidden, 1))
