"""What vocoders leave behind, laid over a recording: one trace at a time, from hardly there to plain.

A good network leaves far less than classic copy synthesis does. Like self-blended images (Shiohara and Yamasaki 2022),
a recording that has only the trace shows what is to be found and nothing else. Samples are at 16 kHz, shape (n,).
"""

from collections.abc import Callable

import librosa
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from scipy.signal import resample_poly

from training.spoof.channels import Samples
from training.spoof.classic import RATE, griffin_lim, world

Residue = Callable[[Samples, np.random.Generator], NDArray[np.floating]]
FRAME_RATES = (16000 / 200, 16000 / 256, 22050 / 256, 22050 / 512, 24000 / 300, 24000 / 256, 16000 / 160)
SHORT, HOP = 512, 128
PARTIAL_SECONDS = 4.5


def following_noise(samples: Samples, generator: np.random.Generator) -> NDArray[np.floating]:
    """Noise that follows the envelope of the spectrum, as diffusion leaves it, and flows with a period of 8 samples."""
    spectrum = librosa.stft(samples, n_fft=SHORT, hop_length=HOP)
    envelope = gaussian_filter(np.abs(spectrum), generator.uniform((2, 0.5), (12, 3)))
    envelope = envelope ** generator.uniform(0.5, 1.0) * np.abs(spectrum).max() ** 0.2
    noise = generator.standard_normal(len(samples))
    if generator.random() < 0.4:
        noise *= np.resize(generator.uniform(0.2, 1.8, 8), len(samples))
    shaped = librosa.stft(noise, n_fft=SHORT, hop_length=HOP) * envelope
    return _added(samples, librosa.istft(shaped, hop_length=HOP, length=len(samples)), generator.uniform(-34, -14))


def scrambled_phase(samples: Samples, generator: np.random.Generator) -> Samples:
    """The phase drawn anew, more or less, above an edge: networks that never saw it make it up."""
    size = int(generator.choice([256, 512, 1024]))
    spectrum = librosa.stft(samples, n_fft=size, hop_length=size // 4)
    turn = generator.standard_normal(spectrum.shape) * generator.uniform(0.3, 2.5)
    spectrum *= np.exp(1j * turn * _above(size, generator.uniform(300, 5000)))
    return _inverse(spectrum, size // 4, len(samples))


def blurred(samples: Samples, generator: np.random.Generator) -> Samples:
    """Magnitudes as they are after a mel spectrogram, with harmonics run together, at times smoothed over time."""
    size = int(generator.choice([512, 800, 1024]))
    spectrum = librosa.stft(samples, n_fft=size, hop_length=size // 4)
    bank = librosa.filters.mel(sr=RATE, n_fft=size, n_mels=int(generator.choice([40, 60, 80, 100])))
    magnitude = np.abs(spectrum) + 1e-7
    coarse = np.maximum(np.linalg.pinv(bank) @ (bank @ magnitude), 1e-7)
    if generator.random() < 0.5:
        coarse = gaussian_filter1d(coarse, generator.uniform(0.4, 1.5), axis=1)
    share = generator.uniform(0.4, 1.0) * _above(size, generator.uniform(0, 3500))
    spectrum *= (coarse / magnitude) ** share
    return _inverse(spectrum, size // 4, len(samples))


def images(samples: Samples, generator: np.random.Generator) -> NDArray[np.floating]:
    """The low band mirrored upwards, as upsampling with filters that are learnt leaves it."""
    step = int(generator.choice([2, 4, 5, 8]))
    low = resample_poly(samples, 1, step)
    stuffed = np.zeros(len(low) * step)
    stuffed[::step] = low
    if generator.random() < 0.5:
        stuffed = np.convolve(stuffed, np.ones(step), "same")  # held, not filtered
    stuffed -= resample_poly(low, step, 1)
    return _added(samples, np.resize(stuffed, len(samples)), generator.uniform(-36, -12))


def tones(samples: Samples, generator: np.random.Generator) -> NDArray[np.floating]:
    """Tones at multiples of a rate of frames or of a step of upsampling, and a level that pulses with it."""
    base = float(generator.choice(FRAME_RATES)) * float(generator.choice([1, 1, 4, 8, 32]))
    time = np.arange(len(samples)) / RATE
    made = np.zeros(len(samples))
    for number in generator.integers(1, max(2, int(RATE / 2 / base)), 12):
        made += generator.exponential() * np.cos(2 * np.pi * (base * number * time + generator.random()))
    level = gaussian_filter1d(np.abs(samples), RATE * 0.02) ** generator.uniform(0, 1)
    pulsing = 1 + generator.uniform(0, 0.05) * np.cos(2 * np.pi * base * time)
    return _added(np.asarray(samples * pulsing, np.float32), made * level, generator.uniform(-44, -24))


def noisy_top(samples: Samples, generator: np.random.Generator) -> Samples:
    """Noise in the shape of the spectrum instead of what was above an edge."""
    spectrum = librosa.stft(samples, n_fft=SHORT, hop_length=HOP)
    envelope = gaussian_filter(np.abs(spectrum), generator.uniform((1, 0), (6, 1.5)))
    noise = librosa.stft(generator.standard_normal(len(samples)), n_fft=SHORT, hop_length=HOP)
    noise *= envelope / np.sqrt(np.mean(np.abs(noise) ** 2))
    share = _above(SHORT, generator.uniform(2000, 6000)) * generator.uniform(0.5, 1)
    return _inverse(spectrum * np.sqrt(1 - share**2) + noise * share, HOP, len(samples))


def unsteady(samples: Samples, generator: np.random.Generator) -> NDArray[np.floating]:
    """Periods of pitch that come a little early or late, by a smooth random shift of time."""
    smooth = RATE / generator.uniform(40, 250) / 2
    shift = gaussian_filter1d(generator.standard_normal(len(samples)), smooth)
    shift *= generator.uniform(0.3, 2.5) / shift.std()
    at = np.arange(len(samples))
    return np.interp(at + shift, at, samples)


def patches(samples: Samples, generator: np.random.Generator) -> Samples:
    """Patches of a copy in time and frequency, the recording elsewhere."""
    copy = _copy(samples, generator)
    length = min(len(samples), len(copy))
    real, made = (librosa.stft(each[:length], n_fft=SHORT, hop_length=HOP) for each in (samples, copy))
    mask = gaussian_filter(generator.standard_normal(real.shape), generator.uniform((8, 5), (40, 25)))
    mask = 1 / (1 + np.exp(-8 * (mask / mask.std() - generator.uniform(-0.6, 0.6))))
    return _inverse(real * (1 - mask) + made * mask, HOP, length)


def partial(samples: Samples, generator: np.random.Generator) -> NDArray[np.floating]:
    """A phrase of a copy within the recording."""
    samples = samples[: int(PARTIAL_SECONDS * RATE)]
    copy = np.resize(_copy(samples, generator), len(samples))
    copy = copy * (np.sqrt(np.mean(samples**2)) / max(float(np.sqrt(np.mean(copy**2))), 1e-6))
    share = generator.uniform(0.35, 0.7)
    start = generator.uniform(0, 1 - share) * len(samples)
    at = np.arange(len(samples))
    edges = np.clip((at - start) / 160, 0, 1) * np.clip((start + share * len(samples) - at) / 160, 0, 1)
    return samples * (1 - edges) + copy * edges


def _copy(samples: Samples, generator: np.random.Generator) -> Samples:
    return np.asarray((world if generator.random() < 0.5 else griffin_lim)(samples, generator), np.float32)


def _above(size: int, edge: float) -> NDArray[np.float64]:
    """A gentle step over the bins of a spectrum, shape (bins, 1)."""
    hertz = np.linspace(0, RATE / 2, size // 2 + 1)[:, None]
    return 1 / (1 + np.exp(-(hertz - edge) / 150))


def _added(samples: Samples, extra: NDArray[np.floating], level_db: float) -> NDArray[np.floating]:
    """`extra` at a level below that of the samples."""
    scale = np.sqrt(np.mean(samples**2) / max(float(np.mean(extra**2)), 1e-12)) * 10 ** (level_db / 20)
    return samples + extra * scale


def _inverse(spectrum: NDArray[np.complexfloating], hop: int, length: int) -> Samples:
    voice: Samples = librosa.istft(spectrum, hop_length=hop, length=length)
    return voice


# By system: its family, its share, and how it is made; each trace is a family, so that each can be left out.
RESIDUES: dict[str, tuple[str, float, Residue]] = {
    "following-noise": ("residue-noise", 0.14, following_noise),
    "scrambled-phase": ("residue-phase", 0.14, scrambled_phase),
    "blurred": ("residue-blur", 0.12, blurred),
    "images": ("residue-images", 0.12, images),
    "tones": ("residue-tones", 0.10, tones),
    "noisy-top": ("residue-top", 0.10, noisy_top),
    "unsteady": ("residue-jitter", 0.08, unsteady),
    "patches": ("residue-patches", 0.12, patches),
    "partial": ("partial", 0.08, partial),
}
