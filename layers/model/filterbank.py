"""Kaldi's log mel filter bank as a few ONNX operators.

Everything up to the spectrum (mean removal, pre-emphasis, window, Fourier transform) is linear in the samples of a
frame, so that it is one matrix; one strided convolution applies it to all frames. Definition: Kaldi's
feat/feature-fbank.cc with 80 bins of 20 Hz to 8 kHz, frames of 25 ms each 10 ms that lie inside the signal
(snip_edges), Povey window, no dither, power spectrum, natural log; samples in [-1, 1], as the speaker network was
trained (its log floor is then about the quantization noise of 16 bits).
"""

import numpy as np
from numpy.typing import NDArray

from layers.model.graph import Graph

VERSION = 1
RATE = 16000
FRAME = 400
HOP = 160
FFT = 512
BINS = 80
LOWEST_HZ = 20.0
PREEMPHASIS = 0.97
FLOOR = float(np.finfo(np.float32).eps)
HALF_WIDTH = 32

Matrix = NDArray[np.float64]


def povey_window() -> Matrix:
    """Shape (FRAME,): a Hann window to the power of 0.85."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / (FRAME - 1))
    return np.power(hann, 0.85)


def spectrum_matrix() -> Matrix:
    """Shape (2 * FFT / 2, FRAME): a frame's samples to real, then imaginary parts of its spectrum below Nyquist.

    Written out element by element: a product of matrices differs in its last bits between processors and numbers of
    threads, and with it would the bundle's digest.
    """
    angle = 2 * np.pi * (np.outer(np.arange(FFT // 2), np.arange(FRAME)) % FFT) / FFT
    waves = np.vstack([np.cos(angle), -np.sin(angle)]) * povey_window()
    emphasized = waves.copy()
    emphasized[:, :-1] -= PREEMPHASIS * waves[:, 1:]
    emphasized[:, 0] -= PREEMPHASIS * waves[:, 0]  # the first sample is its own predecessor
    mean: Matrix = emphasized.mean(axis=1, keepdims=True)
    return emphasized - mean


def mel_matrix() -> Matrix:
    """Shape (BINS, FFT / 2): triangles that are equally wide on the mel scale 1127 ln(1 + f / 700)."""
    edges = np.linspace(_mel(np.array(LOWEST_HZ)), _mel(np.array(RATE / 2)), BINS + 2)
    left, center, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    mels = _mel(np.arange(FFT // 2) * RATE / FFT)[None]
    rising = (mels - left) / (center - left)
    falling = (right - mels) / (right - center)
    return np.maximum(0.0, np.minimum(rising, falling))


def _mel(frequency: Matrix) -> Matrix:
    return 1127.0 * np.log1p(frequency / 700.0)


def filterbank(graph: Graph, samples: str) -> str:
    """Adds the front end.

    Args:
        graph: that grows.
        samples: shape (1, 1, 1, n), 16 kHz, full scale 1.0.

    Returns:
        Features of shape (1, 1, 80, frames), the mean over frames removed from each bin.
    """
    spectrum = graph.op("Conv", samples, _kernel(graph, spectrum_matrix()[:, None]), strides=[1, HOP])
    energy = graph.op("Mul", spectrum, spectrum)
    mel = mel_matrix()
    power = graph.op("Conv", energy, _kernel(graph, np.hstack([mel, mel])[:, :, None]))
    log = graph.op("Log", graph.op("Max", power, graph.floats(FLOOR)))
    centered = graph.op("Sub", log, graph.op("ReduceMean", log, graph.ints([3]), keepdims=1))
    return graph.op("Transpose", centered, perm=[0, 2, 1, 3])


def _kernel(graph: Graph, taps: Matrix) -> str:
    """One-dimensional kernels (out, in, taps) as 2-D ones, which the runtime computes faster."""
    return graph.floats(taps[:, :, None, :])


def halfway_kernel() -> Matrix:
    """Shape (2 * HALF_WIDTH,): Kaiser-windowed sinc that interpolates in the middle between two samples."""
    offset = np.arange(-HALF_WIDTH, HALF_WIDTH) + 0.5
    kernel: Matrix = np.sinc(offset) * np.kaiser(2 * HALF_WIDTH, 8.0)
    return kernel / kernel.sum()


def double_rate(graph: Graph, samples: str) -> str:
    """Adds 8 kHz to 16 kHz resampling: (1, 1, 1, n) to (1, 1, 1, 2n). Every other sample stays as it is."""
    kernel = _kernel(graph, halfway_kernel()[None, None])
    between = graph.op("Conv", samples, kernel, pads=[0, HALF_WIDTH - 1, 0, HALF_WIDTH])
    pairs = graph.op("Transpose", graph.op("Concat", samples, between, axis=1), perm=[0, 2, 3, 1])
    return graph.op("Reshape", pairs, graph.ints([1, 1, 1, -1]))
