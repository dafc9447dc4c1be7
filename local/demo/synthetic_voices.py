"""Synthetic voices: text to speech, and clones of enrolled speakers by copy synthesis.

Copy synthesis resynthesizes a recording of the person from its parameters, so that the comparison of speakers alone
accepts it. The output is deterministic: each run makes the same calls.
"""

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import pyworld
from hibari import SAMPLE_RATE, Hibari
from numpy.typing import NDArray

from bonafide.audio.resample import resample
from bonafide.audio.waveform import Samples
from layers.golden.readers import RATE

type Wide = NDArray[np.float64]

PROGRAM = "hibari"
SENTENCES = (
    "Good morning, I am calling about my account. I would like to change the address that you have on file.",
    "Hello, I have lost my card on the train this morning. Could you please block it and send me a new one?",
    "I would like to transfer some money to my daughter before the end of the week, if that is possible.",
    "My invoice of last month is higher than usual, and nobody could tell me why. Can you look into it?",
)
PITCH_SECONDS = 0.005
LEAST_HERTZ = 60.0
# Speech is modeled as noise above this frequency, and where it has no pitch.
HARMONIC_BELOW_HERTZ = 4000.0
FRAME, HOP, ORDER = 480, 160, 20
NOISE_FRAME, NOISE_HOP = 256, round(PITCH_SECONDS * RATE)


@cache
def speech(number: int) -> Samples:
    """Returns a sentence in the single voice of a small neural text-to-speech program; at RATE, shape (n,)."""
    spoken = _program()(SENTENCES[number % len(SENTENCES)], speed=0.9 + 0.1 * (number % 3), seed=number)
    return resample(np.asarray(spoken, np.float32), SAMPLE_RATE, RATE)


def world(samples: Samples) -> Wide:
    """Resynthesizes with the WORLD vocoder (Morise 2016): pitch, spectral envelope and aperiodicity."""
    wide = samples.astype(np.float64)
    pitch, times, envelope = _parameters(samples)
    spoken: Wide = pyworld.synthesize(pitch, envelope, pyworld.d4c(wide, pitch, times, RATE), RATE)
    return spoken[: len(samples)]


def linear_prediction(samples: Samples) -> Wide:
    """Resynthesizes with pulses and noise through all-pole filters (Atal and Hanauer 1971)."""
    window = np.hanning(FRAME + 1)[:-1]
    source = _excitation(samples)
    spoken = np.zeros(len(samples))
    for start in range(0, len(samples) - FRAME, HOP):
        part = slice(start, start + FRAME)
        spoken[part] += window * _filtered(window * source[part], window * samples[part])
    return spoken


def harmonics_and_noise(samples: Samples) -> Wide:
    """Resynthesizes with harmonics of the pitch and noise shaped by the spectrum (Stylianou 2001)."""
    pitch, times, envelope = _parameters(samples)
    at = np.arange(len(samples)) / RATE
    turns = np.cumsum(2 * np.pi * np.interp(at, times, pitch) / RATE)
    spoken = _noise(pitch, envelope, len(samples))
    for number in range(1, int(HARMONIC_BELOW_HERTZ / LEAST_HERTZ)):
        spoken += np.interp(at, times, _amplitude(pitch, envelope, number)) * np.cos(number * turns)
    return spoken


COPIERS: Mapping[str, Callable[[Samples], Wide]] = {
    "world": world,
    "lpc": linear_prediction,
    "harmonics": harmonics_and_noise,
}


def copy(system: str, samples: Samples) -> Samples:
    """Returns the clone of a recording at RATE by a system, of equal length and level; shape (n,)."""
    spoken = COPIERS[system](samples)
    level = np.sqrt(np.mean(np.square(samples)) / np.mean(np.square(spoken)))
    return np.asarray(np.clip(level * spoken, -0.999, 0.999), np.float32)


@cache
def _program() -> Hibari:
    return Hibari()


def _parameters(samples: Samples) -> tuple[Wide, Wide, Wide]:
    """Returns pitch in hertz (0 if unvoiced) and times in seconds, (frames,), and power envelope, (frames, bins)."""
    wide = samples.astype(np.float64)
    rough, times = pyworld.dio(wide, RATE, frame_period=1000 * PITCH_SECONDS)
    pitch = pyworld.stonemask(wide, rough, times, RATE)
    return pitch, times, pyworld.cheaptrick(wide, pitch, times, RATE)


def _excitation(samples: Samples) -> Wide:
    """Returns pulses of unit power with some noise where voiced, noise elsewhere; shape (n,)."""
    pitch, times, _ = _parameters(samples)
    track = np.interp(np.arange(len(samples)) / RATE, times, pitch)
    voiced = track > LEAST_HERTZ
    turns = np.floor(np.cumsum(np.where(voiced, track, 0.0) / RATE))
    pulses = np.diff(turns, prepend=0.0) * np.sqrt(RATE / np.maximum(track, LEAST_HERTZ))
    noise = np.random.default_rng(0).standard_normal(len(samples))
    return np.where(voiced, 0.9 * pulses + 0.1 * noise, noise)


def _filtered(source: Wide, speech_frame: Wide) -> Wide:
    """Filters the source by linear prediction of the frame, with the frame's energy; shape (FRAME,)."""
    lags = np.correlate(speech_frame, speech_frame, "full")[FRAME - 1 : FRAME + ORDER]
    lags[0] = 1.0001 * lags[0] + 1e-9
    order = np.arange(ORDER)
    taps = np.linalg.solve(lags[np.abs(order[:, None] - order)], lags[1:])
    response = 1 / np.fft.rfft(np.r_[1.0, -taps], 4 * FRAME)
    spoken = np.fft.irfft(np.fft.rfft(source, 4 * FRAME) * response)[:FRAME]
    return np.asarray(spoken * np.sqrt(lags[0] / (np.sum(np.square(spoken)) + 1e-12)), np.float64)


def _amplitude(pitch: Wide, envelope: Wide, number: int) -> Wide:
    """Returns the amplitude of one harmonic in each frame, shape (frames,); 0 if unvoiced or too high."""
    hertz = number * pitch
    audible = (pitch > LEAST_HERTZ) & (hertz < HARMONIC_BELOW_HERTZ)
    bins = np.where(audible, np.rint(hertz * 2 / RATE * (envelope.shape[1] - 1)), 0).astype(int)
    power = envelope[np.arange(len(pitch)), bins] * pitch / RATE
    return np.where(audible, 2 * np.sqrt(power), 0.0)


def _noise(pitch: Wide, envelope: Wide, count: int) -> Wide:
    """Returns noise with the power of the envelope, attenuated below harmonics; shape (count,)."""
    magnitude = np.sqrt(envelope[:, :: 2 * (envelope.shape[1] - 1) // NOISE_FRAME])
    low = np.linspace(0, RATE / 2, magnitude.shape[1]) < HARMONIC_BELOW_HERTZ
    magnitude *= np.where((pitch > LEAST_HERTZ)[:, None] & low, 0.1, 1.0)
    phases = np.random.default_rng(0).uniform(0, 2 * np.pi, magnitude.shape)
    window = np.hanning(NOISE_FRAME + 1)[:-1]
    scale = np.sqrt(NOISE_FRAME * NOISE_HOP / np.sum(np.square(window)))
    spoken = np.zeros(len(pitch) * NOISE_HOP + NOISE_FRAME)
    for start, frame in enumerate(np.fft.irfft(magnitude * np.exp(1j * phases)) * window * scale):
        spoken[start * NOISE_HOP : start * NOISE_HOP + NOISE_FRAME] += frame
    return spoken[NOISE_FRAME // 2 :][:count]
