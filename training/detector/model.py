"""The detector: samples in, a log-likelihood ratio for each window of four seconds out.

What is pretrained stays frozen: the first layers of Whisper (Radford 2022, tiny.en), as Kawa 2023 uses them, and the
front of the service's own speaker network. Statistics over time go through small networks trained here, in two views:
of Whisper and cepstra alone, which know text to speech and lines better; and of all, the speaker network among them,
which finds vocoders best. Each errs where the other need not, and the sum of their scores is the detector's. All of it
is one graph, so that training, evaluation and serving cannot differ.
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

from training.detector.speaker import DEPTHS, SpeakerFront, speaker_front

WIDTH, HEADS = 384, 6
RATE, WINDOW = 16000, 64000
# What is shorter is repeated: as it is, its LLRs fall the shorter it gets.
SHORTEST = 40000
FFT, HOP = 400, 160
CEPSTRAL_FFT, BANDS = 512, 60
HALF_WIDTH = 10
# Statistics of Whisper and cepstra, and with those of the speaker network; a view has the first so many.
WHISPER = 6 * WIDTH + 6 * BANDS
ALL = WHISPER + 2 * sum(DEPTHS)
VIEWS = (WHISPER, ALL)
Weights = Mapping[str, NDArray[np.floating]]
# The average spectrum of speech, Hz and dB: of the bona fide training recordings, rounded.
SPEECH = (
    (0, 60, 90, 120, 150, 200, 250, 300, 500, 700, 1000, 1400, 2000, 2800, 3400, 4000),
    (-10, -3, 3, 8, 12, 15.5, 16, 15, 14, 10, 5, 1, -3, -6.5, -8, -9.5),
)
# Of the equaliser: samples of a spectrum, how wide that is smoothed, and its gains up or down, in tens of dB.
LONG, SMOOTH_HERTZ, MOST_GAIN = 256, 70, 2.0


@dataclass(frozen=True, slots=True)
class Shape:
    """What is chosen of the network.

    Attributes:
        layers: of the encoder that are run, 2 or more.
        hidden: width of each head.
        heads: networks for each view, whose mean is its score.
    """

    layers: int = 2
    hidden: int = 20
    heads: int = 12


class Equaliser(nn.Module):
    """Takes out of telephone speech what its line did to the spectrum: brings the average over time to that of speech.

    Lines differ by filters that stay the same during a call, above all in how they cut what is low, and that was taken
    for a trace of synthesis.
    """

    def __init__(self) -> None:
        super().__init__()
        hertz = np.linspace(0, RATE / 4, LONG // 2 + 1)
        near = np.clip(1 - np.abs(hertz[:, None] - hertz) / SMOOTH_HERTZ, 0, None)
        voice = (hertz > 250) & (hertz < 3400)
        # What a response does to a sample, so many samples before or after it.
        turns = np.cos(2 * np.pi * np.arange(LONG // 2 + 1)[:, None] * np.arange(-LONG // 2, LONG // 2 + 1) / LONG)
        turns = turns * np.where(np.isin(np.arange(LONG // 2 + 1), (0, LONG // 2)), 1, 2)[:, None] / LONG
        self.kernels = _fourier(np.hanning(LONG + 1)[:-1])
        self.speech, self.smooth = _buffer(np.interp(hertz, *SPEECH) / 10), _buffer(near / near.sum(0))
        self.voice, self.turns = _buffer(voice / voice.sum()), _buffer(turns * np.hamming(LONG + 1))

    def forward(self, samples: Tensor) -> Tensor:
        """Samples at 8 kHz, shape (n,), to as many of the same level."""
        real, imaginary = F.conv1d(F.pad(samples, (0, LONG))[None, None], self.kernels, stride=LONG)[0].chunk(2)
        average = torch.log10((real.square() + imaginary.square()).mean(1) + 1e-9) @ self.smooth
        gain = self.speech - average
        gain = (gain - gain @ self.voice).clamp(-MOST_GAIN, MOST_GAIN)
        taps = torch.pow(10.0, gain / 2) @ self.turns
        even = F.conv1d(F.pad(samples, (LONG // 2, LONG // 2))[None, None], taps[None, None])[0, 0]
        return even * (_power(samples) / _power(even)).sqrt()


class LogMel(nn.Module):
    """Whisper's front end as convolutions, (batch, n) to (batch, 80, n // HOP), exportable as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels = _fourier(np.hanning(FFT + 1)[:-1])
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
        self.kernels = _fourier(np.pad(np.hanning(FFT + 1)[:-1], (CEPSTRAL_FFT - FFT) // 2))
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
        static = torch.matmul(self.transform, torch.log(bands + 1e-6))
        change = static[..., 2:] - static[..., :-2]
        again = change[..., 2:] - change[..., :-2]
        first = [static.mean(2), deviation(static), skewness(static)]
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
        # A window is twice as long at most.
        self.positions = nn.Buffer(torch.zeros(WINDOW // HOP, WIDTH))
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
    """What is frozen, and cepstra: statistics of a window, (batch, n) to (batch, ALL)."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.mel = LogMel()
        self.whisper = Whisper(layers)
        self.cepstra = Cepstra()
        self.speaker = SpeakerFront()

    def forward(self, samples: Tensor) -> Tensor:
        """Before and after the first layer, of cepstra, after the last layer, and of the speaker network."""
        depths = [depth.transpose(1, 2) for depth in self.whisper(self.mel(samples))]
        first = [statistics(depths[0]), statistics(depths[1]), self.cepstra(samples), statistics(depths[-1])]
        return torch.cat([*first, *map(statistics, self.speaker(samples))], 1)


class Heads(nn.Module):
    """Small networks on standardised statistics, (batch, ALL) to (batch, views, heads)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.centre, self.spread = nn.Buffer(torch.zeros(ALL)), nn.Buffer(torch.ones(ALL))
        self.views = nn.ModuleList(
            [nn.ModuleList([_head(width, shape.hidden) for _ in range(shape.heads)]) for width in VIEWS]
        )

    def forward(self, features: Tensor) -> Tensor:
        """Scores of each view's networks; features beyond anything heard in training are held back."""
        standard = ((features - self.centre) / self.spread).clamp(-6, 6)
        parts = [(heads, standard[:, :width]) for heads, width in zip(self.views, VIEWS, strict=True)]
        return torch.stack([torch.cat([head(part) for head in heads], 1) for heads, part in parts], 1)


class Detector(nn.Module):
    """Encoder, heads and calibration in one: the graph that serves."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.encoder = Encoder(shape.layers)
        self.heads = Heads(shape)
        self.equalise = Equaliser()
        # line = offset + scale . scores, LLR = max(line + steepness * min(line - knee, 0), floor).
        self.scale, self.offset = nn.Buffer(torch.ones(len(VIEWS))), nn.Buffer(torch.zeros(()))
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
        """(batch, n) at 16 kHz to (batch,)."""
        line = self.scores(windows) @ self.scale + self.offset
        return torch.maximum(line + self.steepness * torch.clamp(line - self.knee, max=0.0), self.floor)

    def scores(self, windows: Tensor) -> Tensor:
        """What the views say before they are calibrated, (batch, n) to (batch, views)."""
        return torch.as_tensor(self.heads(self.encoder(windows)).mean(2))

    def windows(self, samples: Tensor, rate: Tensor) -> Tensor:
        """As many windows of WINDOW as fit in, and so much longer that they cover all, (windows, at least SHORTEST).

        Less than one is one window. Speech at 8 kHz is equalised, and between its samples others are interpolated; at
        16 kHz every other of those is left out again.
        """
        samples = torch.where(rate < RATE, self.equalise(samples), samples)
        middle = F.conv1d(F.pad(samples[None, None], (HALF_WIDTH - 1, HALF_WIDTH)), self.between)[0, 0]
        doubled = torch.stack([samples, middle], 1).flatten()
        step = rate // 8000
        count = doubled.shape[0] // step
        windows = torch.clamp(count // WINDOW, min=1)
        length = torch.clamp(count // windows, min=SHORTEST)
        places = torch.arange(windows)[:, None] * length + torch.arange(length)[None]
        return doubled[places % count * step]


def _buffer(values: NDArray[np.floating]) -> nn.Buffer:
    return nn.Buffer(torch.tensor(values, dtype=torch.float32))


def _fourier(taper: NDArray[np.float64]) -> nn.Buffer:
    """Real parts, then imaginary ones, of as long a tapered spectrum, as kernels (size + 2, 1, size)."""
    size = len(taper)
    phase = 2 * np.pi * np.arange(size // 2 + 1)[:, None] * np.arange(size) / size
    return _buffer((np.concatenate([np.cos(phase), -np.sin(phase)]) * taper)[:, None])


def _power(samples: Tensor) -> Tensor:
    return samples.square().mean().clamp(min=1e-10)


def statistics(frames: Tensor) -> Tensor:
    """Deviation over time of the frames and of their change, (batch, width, frames) to (batch, 2 * width).

    Means tell who speaks and over which line, which is not asked.
    """
    return torch.cat([deviation(frames), deviation(frames[..., 1:] - frames[..., :-1])], 1)


def deviation(frames: Tensor) -> Tensor:
    """Standard deviation over time, (batch, width, frames) to (batch, width)."""
    centred = frames - frames.mean(2, keepdim=True)
    return (centred.square().sum(2) / (frames.shape[2] - 1)).clamp(min=1e-10).sqrt()


def skewness(frames: Tensor) -> Tensor:
    """Third moment over time by the cube of the deviation, (batch, width, frames) to (batch, width)."""
    centred = frames - frames.mean(2, keepdim=True)
    return (centred * centred.square()).mean(2) / deviation(frames).clamp(min=1e-3).pow(3)


def pretrained(encoder: Encoder, weights: Weights) -> Encoder:
    """Fills an encoder with Whisper's weights and those of the bundle's speaker network."""
    whisper = encoder.whisper
    given = {name: torch.tensor(np.asarray(value, np.float32)) for name, value in weights.items() if value.ndim}
    state = whisper.state_dict()
    state["positions"] = given["encoder/position_encodings/encodings"][: WINDOW // HOP]
    for mine, theirs in _names(len(whisper.layers)):
        for part, kind in (("weight", "weight"), ("bias", "bias")):
            place = f"{theirs}/{kind}" if f"{theirs}/{kind}" in given else f"{theirs}/{_NORM[part]}"
            state[f"{mine}.{part}"] = given[place]
    whisper.load_state_dict(state)
    encoder.speaker = speaker_front()
    return encoder


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
