"""The front of the bundle's speaker network (CAM++, Wang 2023), which responds to traces of vocoders too.

Two-dimensional convolutions over Kaldi's filter bank, with the weights of the speaker graph. No other file of a bundle
is needed, least of all a detector: `python -m layers.model.build --graphs-only` makes the graph.
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
# Bands of each depth, times their channels.
DEPTHS = (CHANNELS * BINS // 2, CHANNELS * BINS // 4, WIDE_CHANNELS)


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


class SpeakerFront(nn.Module):
    """Samples (batch, n) at 16 kHz to frames at three depths, (batch, channels of all bands, frames)."""

    def __init__(self) -> None:
        super().__init__()
        self.spectrum = nn.Conv2d(1, SPECTRUM, (1, FRAME), (1, HOP), bias=False)
        self.bank = nn.Conv2d(SPECTRUM, BINS, 1, bias=False)
        self.enter = nn.Conv2d(1, CHANNELS, 3, 1, 1)
        self.blocks = nn.ModuleList([SpeakerResidual(stride) for stride in (2, 1, 2, 1)])
        self.leave = nn.Conv2d(CHANNELS, CHANNELS, 3, (2, 1), 1)
        self.join = nn.Conv2d(CHANNELS, WIDE_CHANNELS, (BINS // 8, 5), (1, 2), (0, 2))

    def forward(self, samples: Tensor) -> list[Tensor]:
        """Returns frames after the first and the third block, and where the bands are joined."""
        power = self.bank(self.spectrum(samples[:, None, None]).square())
        log = torch.log(power.clamp(min=FLOOR))
        image = torch.relu(self.enter((log - log.mean(3, keepdim=True)).transpose(1, 2)))
        images = []
        for block in self.blocks:
            image = block(image)
            images.append(image)
        joined = torch.relu(self.join(torch.relu(self.leave(image))))
        return [depth.flatten(1, 2) for depth in (images[0], images[2], joined)]


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
