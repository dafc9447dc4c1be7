"""Front ends of the detector as convolutions, exportable as they are, and statistics of their frames over time."""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from numpy.typing import NDArray
from scipy.fft import dct
from torch import Tensor, nn

RATE = 16000
FFT, HOP = 400, 160
CEPSTRAL_FFT, BANDS = 512, 60
# The average spectrum of speech, Hz and dB: of the bona fide training recordings, rounded.
SPEECH = (
    (0, 60, 90, 120, 150, 200, 250, 300, 500, 700, 1000, 1400, 2000, 2800, 3400, 4000),
    (-10, -3, 3, 8, 12, 15.5, 16, 15, 14, 10, 5, 1, -3, -6.5, -8, -9.5),
)
# Of the equalizer: samples of a spectrum, how wide that is smoothed, and its gains up or down, in tens of dB.
LONG, SMOOTH_HERTZ, MOST_GAIN = 256, 70, 2.0


class Equalizer(nn.Module):
    """Removes the effect of a telephone line on the spectrum: brings the average over time to that of speech.

    Lines differ by filters that stay the same during a call, above all in their cut of low frequencies, which the
    detector took for a trace of synthesis.
    """

    def __init__(self) -> None:
        super().__init__()
        hertz = np.linspace(0, RATE / 4, LONG // 2 + 1)
        near = np.clip(1 - np.abs(hertz[:, None] - hertz) / SMOOTH_HERTZ, 0, None)
        voice = (hertz > 250) & (hertz < 3400)
        # From gains of a response to its taps, so many samples before or after the present one.
        turns = np.cos(2 * np.pi * np.arange(LONG // 2 + 1)[:, None] * np.arange(-LONG // 2, LONG // 2 + 1) / LONG)
        turns = turns * np.where(np.isin(np.arange(LONG // 2 + 1), (0, LONG // 2)), 1, 2)[:, None] / LONG
        self.kernels = _fourier(np.hanning(LONG + 1)[:-1])
        self.speech, self.smooth = _buffer(np.interp(hertz, *SPEECH) / 10), _buffer(near / near.sum(0))
        self.voice, self.turns = _buffer(voice / voice.sum()), _buffer(turns * np.hamming(LONG + 1))

    def forward(self, samples: Tensor) -> Tensor:
        """Maps samples at 8 kHz, shape (n,), to as many of the same level."""
        real, imaginary = F.conv1d(F.pad(samples, (0, LONG))[None, None], self.kernels, stride=LONG)[0].chunk(2)
        average = torch.log10((real.square() + imaginary.square()).mean(1) + 1e-9) @ self.smooth
        gain = self.speech - average
        gain = (gain - gain @ self.voice).clamp(-MOST_GAIN, MOST_GAIN)
        taps = torch.pow(10.0, gain / 2) @ self.turns
        even = F.conv1d(F.pad(samples, (LONG // 2, LONG // 2))[None, None], taps[None, None])[0, 0]
        return even * (_power(samples) / _power(even)).sqrt()


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
        """Removes the level first."""
        even = samples / samples.square().mean(1, keepdim=True).sqrt().clamp(min=1e-4)
        padded = F.pad(even[:, None], (CEPSTRAL_FFT // 2, CEPSTRAL_FFT // 2), mode="reflect")
        real, imaginary = F.conv1d(padded, self.kernels, stride=HOP).chunk(2, 1)
        bands = torch.matmul(self.bank, real.square() + imaginary.square())
        static = torch.matmul(self.transform, torch.log(bands + 1e-6))
        change = static[..., 2:] - static[..., :-2]
        again = change[..., 2:] - change[..., :-2]
        first = [static.mean(2), deviation(static), skewness(static)]
        return torch.cat([*first, deviation(change), skewness(change), deviation(again)], 1)


def _buffer(values: NDArray[np.floating]) -> nn.Buffer:
    return nn.Buffer(torch.tensor(values, dtype=torch.float32))


def _fourier(taper: NDArray[np.float64]) -> nn.Buffer:
    """Returns the windowed Fourier transform as convolution kernels, shape (size + 2, 1, size).

    The first half gives the real parts of the spectrum, the second half the imaginary ones.

    Args:
        taper: the window, shape (size,).
    """
    size = len(taper)
    phase = 2 * np.pi * np.arange(size // 2 + 1)[:, None] * np.arange(size) / size
    return _buffer((np.concatenate([np.cos(phase), -np.sin(phase)]) * taper)[:, None])


def _power(samples: Tensor) -> Tensor:
    return samples.square().mean().clamp(min=1e-10)


def statistics(frames: Tensor) -> Tensor:
    """Returns deviations over time of frames and of their change, (batch, width, frames) to (batch, 2 * width).

    Means tell speakers and lines apart, which must not matter.
    """
    return torch.cat([deviation(frames), deviation(frames[..., 1:] - frames[..., :-1])], 1)


def deviation(frames: Tensor) -> Tensor:
    """Returns standard deviations over time, (batch, width, frames) to (batch, width)."""
    centered = frames - frames.mean(2, keepdim=True)
    return (centered.square().sum(2) / (frames.shape[2] - 1)).clamp(min=1e-10).sqrt()


def skewness(frames: Tensor) -> Tensor:
    """Returns third moments over time by the cube of the deviation, (batch, width, frames) to (batch, width)."""
    centered = frames - frames.mean(2, keepdim=True)
    return (centered * centered.square()).mean(2) / deviation(frames).clamp(min=1e-3).pow(3)
