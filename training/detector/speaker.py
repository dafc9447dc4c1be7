"""The front of the bundle's speaker network (CAM++, Wang 2023), which responds to traces of vocoders too.

Two-dimensional convolutions over Kaldi's filter bank, and the first of the blocks of layers in time, with the weights
of the speaker graph. No other file of a bundle is needed, least of all a detector: `python -m layers.model.build
--graphs-only` makes the graph.
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

FRAME, HOP, SPECTRUM = 400, 160, 512
CHANNELS, BINS, WIDE_CHANNELS = 32, 80, 128
FLOOR = float(np.finfo(np.float32).eps)
# Of the block: layers, channels that each adds, and frames of a segment, whose average opens and shuts channels.
LAYERS, GROWTH, SEGMENT = 12, 32, 100
BLOCK = WIDE_CHANNELS + LAYERS * GROWTH
# Bands of each depth, times their channels.
DEPTHS = (CHANNELS * BINS // 2, CHANNELS * BINS // 4, CHANNELS * BINS // 4, WIDE_CHANNELS, BLOCK)


class SpeakerResidual(nn.Module):
    """Two convolutions and a shortcut, which is a convolution too where bands become fewer."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(CHANNELS, CHANNELS, 3, (stride, 1), 1)
        self.second = nn.Conv2d(CHANNELS, CHANNELS, 3, 1, 1)
        self.shortcut = nn.Conv2d(CHANNELS, CHANNELS, 1, (stride, 1)) if stride > 1 else nn.Identity()

    def forward(self, image: Tensor) -> Tensor:
        """Maps (batch, CHANNELS, bands, frames) to the same with fewer bands."""
        return torch.relu(self.shortcut(image) + self.second(torch.relu(self.first(image))))


class SpeakerLayer(nn.Module):
    """A layer in time, whose channels are opened and shut by what a segment and the whole contain."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Conv2d(channels, channels, 1, groups=channels)
        self.reduce = nn.Conv2d(channels, WIDE_CHANNELS, 1)
        self.local = nn.Conv2d(WIDE_CHANNELS, GROWTH, (1, 3), 1, (0, 1), bias=False)
        self.squeeze, self.excite = nn.Conv2d(WIDE_CHANNELS, 2 * GROWTH, 1), nn.Conv2d(2 * GROWTH, GROWTH, 1)
        self.leave = nn.Conv2d(GROWTH, GROWTH, 1, groups=GROWTH, bias=False)

    def forward(self, frames: Tensor, belongs: Tensor) -> Tensor:
        """Adds GROWTH channels to (batch, channels, 1, frames).

        Args:
            frames: what the layers before gave.
            belongs: to which segment a frame belongs, (frames, segments) of 0 and 1.
        """
        narrow = torch.relu(self.reduce(torch.relu(self.scale(frames))))
        average = belongs / belongs.sum(0) + 1 / belongs.sum()
        opened = torch.sigmoid(self.excite(torch.relu(self.squeeze(narrow @ average)))) @ belongs.T
        return torch.cat([frames, self.leave(self.local(narrow) * opened)], 1)


class SpeakerFront(nn.Module):
    """Samples (batch, n) at 16 kHz to frames at five depths, (batch, channels of all bands, frames)."""

    def __init__(self) -> None:
        super().__init__()
        self.spectrum = nn.Conv2d(1, SPECTRUM, (1, FRAME), (1, HOP), bias=False)
        self.bank = nn.Conv2d(SPECTRUM, BINS, 1, bias=False)
        self.enter = nn.Conv2d(1, CHANNELS, 3, 1, 1)
        self.blocks = nn.ModuleList([SpeakerResidual(stride) for stride in (2, 1, 2, 1)])
        self.leave = nn.Conv2d(CHANNELS, CHANNELS, 3, (2, 1), 1)
        self.join = nn.Conv2d(CHANNELS, WIDE_CHANNELS, (BINS // 8, 5), (1, 2), (0, 2))
        self.layers = nn.ModuleList([SpeakerLayer(WIDE_CHANNELS + each * GROWTH) for each in range(LAYERS)])
        self.scale = nn.Conv2d(BLOCK, BLOCK, 1, groups=BLOCK)

    def forward(self, samples: Tensor) -> list[Tensor]:
        """Returns frames after the first, the third and the last residual, where bands are joined, and of the block."""
        power = self.bank(self.spectrum(samples[:, None, None]).square())
        log = torch.log(power.clamp(min=FLOOR))
        image = torch.relu(self.enter((log - log.mean(3, keepdim=True)).transpose(1, 2)))
        images = []
        for block in self.blocks:
            image = block(image)
            images.append(image)
        joined = torch.relu(self.join(torch.relu(self.leave(image))))
        count = joined.shape[3]
        segments = torch.arange((count - 1) // SEGMENT + 1)
        belongs = (torch.arange(count)[:, None] // SEGMENT == segments[None]).float()
        frames = joined
        for layer in self.layers:
            frames = layer(frames, belongs)
        depths = (images[0], images[2], images[3], joined, torch.relu(self.scale(frames)))
        return [depth.flatten(1, 2) for depth in depths]


def speaker_front(graph: Path) -> SpeakerFront:
    """Builds the front with the weights of a speaker graph, whose first convolutions are its own.

    Raises:
        FileNotFoundError: there is no such graph.
        ValueError: the graph begins otherwise.
    """
    front = SpeakerFront()
    model = onnx.load(graph)
    held = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    nodes = (node for node in model.graph.node if node.op_type == "Conv")
    layers = [module for module in front.modules() if isinstance(module, nn.Conv2d)]
    for layer, node in zip(layers, nodes, strict=False):
        given = [torch.tensor(held[name]) for name in node.input[1:]]
        wanted = list(layer.parameters())
        if [each.shape for each in given] != [each.shape for each in wanted]:
            raise ValueError(f"{graph}: {node.output[0]} is not the convolution that was expected")
        for mine, theirs in zip(wanted, given, strict=True):
            mine.data.copy_(theirs)
    return front.requires_grad_(False).eval()
