"""Copy synthesis without learning: a recording is analyzed into parameters and synthesized from them again.

A copy keeps the speaker's identity, as a perfect clone would, so that only the traces of synthesis remain.
"""

from collections.abc import Callable

import librosa
import numpy as np
import pyworld
from numpy.typing import NDArray
from scipy.linalg import solve_toeplitz
from scipy.ndimage import gaussian_filter
from scipy.signal import get_window, lfilter

from bonafide.audio.waveform import Samples
from training.corpus.effects import colored, distorted, reverberant
from training.corpus.filters import band_passed

RATE = 16000
PARTIAL_SECONDS = 4.5
Wide = NDArray[np.float64]
Synthesis = Callable[[Samples, np.random.Generator], NDArray[np.floating]]
System = tuple[str, float, Synthesis]


def world(samples: Samples, generator: np.random.Generator) -> Wide:
    """WORLD (Morise 2016), at times through coded or smoothed parameters, as statistical synthesis has them."""
    pitch, envelope, aperiodicity = _parameters(samples)
    return _built(pitch, _reduced(envelope, generator), aperiodicity)


def world_conversion(samples: Samples, generator: np.random.Generator) -> Wide:
    """WORLD with another pitch and another length of vocal tract, as voice conversion gives."""
    pitch, envelope, aperiodicity = _parameters(samples)
    bins = np.arange(envelope.shape[1])
    warp = generator.uniform(0.86, 1.16)
    envelope = np.stack([np.interp(bins * warp, bins, frame) for frame in envelope])
    return _built(pitch * 2 ** (generator.uniform(-5, 5) / 12), _reduced(envelope, generator), aperiodicity)


def griffin_lim(samples: Samples, generator: np.random.Generator) -> Samples:
    """Phase from magnitudes (Griffin and Lim 1984; fast version Perraudin 2013), mostly by way of a mel spectrogram."""
    size = int(generator.choice([512, 1024, 2048]))
    hop = size // int(generator.choice([4, 4, 8]))
    magnitude = np.abs(librosa.stft(samples, n_fft=size, hop_length=hop))
    if generator.random() < 0.7:
        bank = librosa.filters.mel(sr=RATE, n_fft=size, n_mels=int(generator.choice([60, 80, 100, 128])))
        mel = bank @ magnitude
        if generator.random() < 0.4:
            mel = np.exp(gaussian_filter(np.log(mel + 1e-6), generator.uniform(0.3, 1.5, 2)))
        magnitude = np.maximum(np.linalg.pinv(bank) @ mel, 1e-8)
    rounds, momentum = int(generator.choice([8, 16, 32, 60])), float(generator.choice([0, 0.99]))
    seed = int(generator.integers(1 << 30))
    voice: Samples = librosa.griffinlim(magnitude, n_iter=rounds, hop_length=hop, momentum=momentum, random_state=seed)
    return voice


def linear_prediction(samples: Samples, generator: np.random.Generator) -> Wide:
    """Pulses and noise through all-pole filters (Atal and Hanauer 1971)."""
    frame, hop, order = 480, 160, int(generator.choice([12, 16, 20, 24]))
    window = get_window("hann", frame)
    source = _pulses(samples, generator)
    out = np.zeros(len(samples) + frame)
    for start in range(0, len(samples) - frame, hop):
        part = samples[start : start + frame] * window
        if np.abs(part).max() > 1e-4:
            filtered = _all_pole(part, source[start : start + frame] * window, order)
            out[start : start + frame] += filtered * window * (2 / 3)
    return out[: len(samples)]


def harmonics_and_noise(samples: Samples, generator: np.random.Generator) -> Wide:
    """Sinusoids at multiples of the pitch, and noise in the shape of the spectrum (Stylianou 2001)."""
    pitch, envelope, _ = _parameters(samples)
    edge = generator.uniform(2500, 7500)
    count = len(samples)
    at = np.arange(count) / RATE
    times = np.arange(len(pitch)) * 0.005
    turn = np.cumsum(2 * np.pi * np.interp(at, times, pitch) / RATE)
    offsets = generator.uniform(0, 2 * np.pi, 128) * (generator.random() < 0.5)
    voiced = np.zeros(count)
    for number in range(1, int(edge / 80)):
        size = _harmonic(pitch, envelope, number, edge)
        voiced += np.interp(at, times, size) * np.cos(number * turn + offsets[number]) * 2 / np.sqrt(RATE)
    return voiced + _shaped_noise(pitch, envelope, edge, count, generator)


def phase_vocoder(samples: Samples, generator: np.random.Generator) -> Samples:
    """Another pitch or tempo (Laroche and Dolson 1999), as speech edits and voice changers give."""
    if generator.random() < 0.5:
        steps = float(generator.choice([-1, 1]) * generator.uniform(1.5, 5))
        shifted: Samples = librosa.effects.pitch_shift(samples, sr=RATE, n_steps=steps, n_fft=1024)
        return shifted
    rate = float(generator.choice([generator.uniform(0.72, 0.88), generator.uniform(1.15, 1.4)]))
    stretched: Samples = librosa.effects.time_stretch(samples, rate=rate, n_fft=1024)
    return stretched


def _parameters(samples: Samples) -> tuple[Wide, Wide, Wide]:
    """Returns pitch (frames,), envelope and aperiodicity (frames, bins), each 5 ms."""
    wide = samples.astype(np.float64)
    pitch, times = pyworld.dio(wide, RATE)
    pitch = pyworld.stonemask(wide, pitch, times, RATE)
    return pitch, pyworld.cheaptrick(wide, pitch, times, RATE), pyworld.d4c(wide, pitch, times, RATE)


def _reduced(envelope: Wide, generator: np.random.Generator) -> Wide:
    if generator.random() < 0.6:
        dimensions = int(generator.choice([20, 25, 40, 60]))
        coded = pyworld.code_spectral_envelope(np.ascontiguousarray(envelope), RATE, dimensions)
        envelope = pyworld.decode_spectral_envelope(coded, RATE, (envelope.shape[1] - 1) * 2)
    if generator.random() < 0.3:
        envelope = np.exp(gaussian_filter(np.log(envelope), (generator.uniform(0.5, 3), 0)))
    return envelope


def _built(pitch: Wide, envelope: Wide, aperiodicity: Wide) -> Wide:
    voice: Wide = pyworld.synthesize(pitch, np.ascontiguousarray(envelope), np.ascontiguousarray(aperiodicity), RATE)
    return voice


def _pulses(samples: Samples, generator: np.random.Generator) -> Wide:
    """Returns an excitation: pulses at the pitch mixed with noise where there is one, noise elsewhere."""
    pitch, times = pyworld.dio(samples.astype(np.float64), RATE)
    track = np.interp(np.arange(len(samples)) / RATE, times, pitch)
    voiced = track > 60
    turns = np.floor(np.cumsum(np.where(voiced, track, 0) / RATE))
    pulses = np.diff(turns, prepend=0) * np.sqrt(RATE / np.maximum(track, 60))
    if generator.random() < 0.5:
        pulses = lfilter([1], [1, -0.9], pulses) * 0.5
    noise, share = generator.standard_normal(len(samples)), generator.uniform(0.05, 0.4)
    return np.where(voiced, pulses * (1 - share) + share * noise, noise)


def _all_pole(part: Wide, source: Wide, order: int) -> Wide:
    """Sends the source through the filter that predicts the windowed part, with its energy."""
    lags = np.correlate(part, part, "full")[len(part) - 1 : len(part) + order]
    lags[0] = lags[0] * 1.0001 + 1e-9
    taps = solve_toeplitz(lags[:order], lags[1 : order + 1])
    gain = np.sqrt(max(1e-12, lags[0] - taps @ lags[1 : order + 1]))
    source = source / max(1e-6, float(np.linalg.norm(source)))
    return np.asarray(lfilter([gain], np.r_[1, -taps], source), np.float64)


def _harmonic(pitch: Wide, envelope: Wide, number: int, edge: float) -> Wide:
    """Returns the amplitude of one harmonic in each frame, zero where there is no pitch or it lies above the edge."""
    hertz = np.linspace(0, RATE / 2, envelope.shape[1])
    power = np.array([np.interp(base * number, hertz, frame) for base, frame in zip(pitch, envelope, strict=True)])
    return np.where((pitch > 60) & (pitch * number < edge), np.sqrt(power * pitch), 0.0)


def _shaped_noise(pitch: Wide, envelope: Wide, edge: float, count: int, generator: np.random.Generator) -> Wide:
    noise = librosa.stft(generator.standard_normal(count), n_fft=1024, hop_length=80)
    frames = min(noise.shape[1], len(envelope))
    low = np.linspace(0, RATE / 2, envelope.shape[1])[:, None] < edge
    mask = np.where((pitch[:frames] > 0)[None] & low, generator.uniform(0.05, 0.3), 1.0)
    shaped = noise[:, :frames] * np.sqrt(envelope[:frames].T / RATE) * mask
    voice: Wide = librosa.istft(shaped, hop_length=80, length=count)
    return voice


def spliced(samples: Samples, generator: np.random.Generator) -> NDArray[np.floating]:
    """Makes a partial spoof: a phrase of a copy, as loud as the recording, within it."""
    samples = samples[: int(PARTIAL_SECONDS * RATE)]
    make = world if generator.random() < 0.5 else griffin_lim
    copy = np.resize(np.asarray(make(samples, generator), np.float32), len(samples))
    copy = copy * (np.sqrt(np.mean(samples**2)) / max(float(np.sqrt(np.mean(copy**2))), 1e-6))
    share = generator.uniform(0.35, 0.7)
    start = generator.uniform(0, 1 - share) * len(samples)
    at = np.arange(len(samples))
    edges = np.clip((at - start) / 160, 0, 1) * np.clip((start + share * len(samples) - at) / 160, 0, 1)
    return samples * (1 - edges) + copy * edges


def replayed(samples: Samples, generator: np.random.Generator) -> Samples:
    """Plays a recording through a small loudspeaker in a room and records it again; the speech itself is human."""
    low, high = generator.uniform((150, 5000), (600, 7500))
    played = band_passed(samples, RATE, low, high, 1.0)
    return colored(reverberant(distorted(played, generator), generator), generator)


# By system: its family, which is the unit that is held out, its share, and its synthesis.
SYSTEMS: dict[str, System] = {
    "world": ("world", 0.20, world),
    "world-conversion": ("world", 0.15, world_conversion),
    "griffin-lim": ("griffin-lim", 0.25, griffin_lim),
    "linear-prediction": ("linear-prediction", 0.15, linear_prediction),
    "harmonics-and-noise": ("harmonics-and-noise", 0.12, harmonics_and_noise),
    "phase-vocoder": ("phase-vocoder", 0.13, phase_vocoder),
}
# Edits of a recording rather than copies of all of it.
EDITS: dict[str, System] = {"partial": ("partial", 1.0, spliced)}
# Human speech that does not come from a human at that moment.
REPLAYS: dict[str, System] = {"replay": ("replay", 1.0, replayed)}
