"""The detector: samples in, a log-likelihood ratio for each window of four seconds out.

What is pretrained stays frozen: the front of the service's own speaker network. Statistics over time of its frames, and
of cepstra, go through small networks trained here. Each of them is trained without a part of the collections and of the
families of attacks, so that everything is scored by networks that were not trained on its kind, too; their mean is the
detector's score. All of it is one graph, so that training, evaluation and serving cannot differ.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor, nn

from layers.model.filterbank import HALF_WIDTH, halfway_kernel
from training.detector.frontend import BANDS, RATE, Cepstra, Equalizer, statistics
from training.detector.rounding import LARGE, rounded
from training.detector.speaker import DEPTHS, SpeakerFront, speaker_front

WINDOW = 64000
# Shorter recordings are repeated: without that, their LLRs fall the shorter they are.
SHORTEST = 40000
# Statistics of the speaker network's front, and of cepstra.
ALL = 2 * sum(DEPTHS) + 6 * BANDS
# Parts of the material, by collections and families of attacks. Head h is trained without part h modulo FOLDS.
FOLDS = 6


@dataclass(frozen=True, slots=True)
class DetectorShape:
    """The chosen sizes of the network.

    Attributes:
        hidden: width of each head.
        heads: networks, a multiple of FOLDS.
    """

    hidden: int = 20
    heads: int = 12


class FrozenEncoder(nn.Module):
    """The frozen network, and cepstra: statistics of a window, (batch, n) to (batch, ALL)."""

    def __init__(self) -> None:
        super().__init__()
        self.cepstra = Cepstra()
        self.speaker = SpeakerFront()

    def forward(self, samples: Tensor) -> Tensor:
        """Joins statistics of the speaker network's depths and of cepstra."""
        return torch.cat([*map(statistics, self.speaker(samples)), self.cepstra(samples)], 1)


class DetectorHeads(nn.Module):
    """Small networks on standardized statistics, (batch, ALL) to (batch, heads)."""

    def __init__(self, shape: DetectorShape) -> None:
        super().__init__()
        self.center, self.spread = nn.Buffer(torch.zeros(ALL)), nn.Buffer(torch.ones(ALL))
        self.heads = nn.ModuleList([_head(ALL, shape.hidden) for _ in range(shape.heads)])

    def forward(self, features: Tensor) -> Tensor:
        """Scores by each network; features far beyond those of the training are clamped."""
        standard = ((features - self.center) / self.spread).clamp(-6, 6)
        return torch.cat([head(standard) for head in self.heads], 1)


class SpoofDetector(nn.Module):
    """Encoder, heads and calibration in one: the graph that serves."""

    def __init__(self, shape: DetectorShape) -> None:
        super().__init__()
        self.encoder = FrozenEncoder()
        self.heads = DetectorHeads(shape)
        self.equalize = Equalizer()
        # line = offset + scale * score, LLR = max(line + steepness * min(line - knee, 0), floor).
        self.scale, self.offset = nn.Buffer(torch.ones(())), nn.Buffer(torch.zeros(()))
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
        line = self.scores(windows) * self.scale + self.offset
        return torch.maximum(line + self.steepness * torch.clamp(line - self.knee, max=0.0), self.floor)

    def scores(self, windows: Tensor) -> Tensor:
        """Returns the scores before calibration, (batch, n) to (batch,)."""
        return torch.as_tensor(self.heads(self.encoder(windows)).mean(1))

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


def detector(shape: DetectorShape, speaker: Path) -> SpoofDetector:
    """Builds a detector whose heads are not trained yet, with the front of a speaker graph, rounded as it is kept."""
    model = SpoofDetector(shape)
    model.encoder.speaker = speaker_front(speaker)
    round_frozen(model)
    return model.eval()


def round_frozen(model: SpoofDetector) -> None:
    """Rounds every large tensor but those of the heads to what is kept of it in 16 bits, in place."""
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.dtype == torch.float32 and tensor.numel() >= LARGE and not name.startswith("heads."):
                tensor.copy_(torch.tensor(rounded(tensor.numpy())))


def _head(features: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Dropout(0.3), nn.Linear(features, hidden), nn.ReLU(), nn.Dropout(0.4), nn.Linear(hidden, 1))
