"""Simulated lines of domains, each far from the mild ones that the global calibration was fitted on. Numpy alone.

Everything that differs between calls over one line is drawn; what is the line's own is fixed.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.resample import resample
from bonafide.audio.telephone import NARROWBAND_RATE, through_line
from bonafide.audio.waveform import Samples, Waveform
from training.corpus.effects import colored, reverberant
from training.corpus.filters import amplitude, band_passed, noise, rms
from training.corpus.telephone import telephone

WIDE = 16000
FRAME, HOP = 256, 128
PACKET = 160

type Generator = np.random.Generator
type DomainLine = Callable[[Waveform, Generator], Waveform]


def noisy_call(waveform: Waveform, generator: Generator) -> Waveform:
    """A call out of a loud place: pink noise 6 to 14 dB below the speech, which nothing suppresses."""
    return through_line(_leveled(_noisy(_narrow(waveform), 1.0, (6, 14), generator), generator))


def suppressed_call(waveform: Waveform, generator: Generator) -> Waveform:
    """The same place over a handset that suppresses noise and a codec of few bits."""
    samples = suppressed(_noisy(_narrow(waveform), 1.0, (4, 12), generator))
    return through_line(_leveled(coarse(samples, 6.0), generator))


def lossy_call(waveform: Waveform, generator: Generator) -> Waveform:
    """A voice-over-IP call: a codec of few bits, and one packet of twenty lost and concealed by a fading copy."""
    samples = coarse(_narrow(waveform), 9.0)
    packets = samples[: len(samples) // PACKET * PACKET].reshape(-1, PACKET).copy()
    for index in np.flatnonzero(generator.random(len(packets)) < 0.05):
        packets[index] = packets[index - 1] * np.float32(0.5) if index else 0
    return through_line(_leveled(packets.ravel(), generator))


def loudspeaker_call(waveform: Waveform, generator: Generator) -> Waveform:
    """A hands-free telephone in a room; handset and room differ from call to call."""
    samples = colored(reverberant(resample(waveform.samples, waveform.rate, WIDE), generator), generator)
    narrow = band_passed(resample(samples, WIDE, NARROWBAND_RATE), NARROWBAND_RATE, 300, 3300, 2.0)
    return through_line(_leveled(_noisy(narrow, 0.5, (15, 30), generator), generator))


def narrow_call(waveform: Waveform, generator: Generator) -> Waveform:
    """An old analog line: 400 to 2800 Hz, with hiss."""
    narrow = band_passed(_narrow(waveform), NARROWBAND_RATE, 400, 2800, 3.0)
    return through_line(_leveled(_noisy(narrow, 0.0, (18, 30), generator), generator))


def wide_app(waveform: Waveform, generator: Generator) -> Waveform:
    """An application in a room, wideband: noise, its suppression and a codec of few bits."""
    samples = reverberant(resample(waveform.samples, waveform.rate, WIDE), generator)
    return Waveform(coarse(suppressed(_noisy(samples, 1.0, (8, 20), generator)), 6.0), WIDE)


def wide_noise(waveform: Waveform, generator: Generator) -> Waveform:
    """A wideband microphone in a loud place."""
    return Waveform(_noisy(resample(waveform.samples, waveform.rate, WIDE), 1.0, (6, 16), generator), WIDE)


def plain_call(waveform: Waveform, _: Generator) -> Waveform:
    """The line that evaluations simulate; mild, as those of the global calibration."""
    return telephone(waveform)


LINES: Mapping[str, DomainLine] = {
    each.__name__: each
    for each in (
        noisy_call,
        suppressed_call,
        lossy_call,
        loudspeaker_call,
        narrow_call,
        wide_app,
        wide_noise,
        plain_call,
    )
}
# Lines that the shrinkage was chosen on; the rest only measure what was chosen.
CHOOSING = ("noisy_call", "lossy_call", "wide_noise", "plain_call")


def suppressed(samples: Samples) -> Samples:
    """Subtracts a noise spectrum, each frequency's tenth percentile over the recording, and keeps a floor of 0.1."""
    spectrum = _spectrum(samples)
    power = np.abs(spectrum) ** 2
    floor = 3.0 * np.quantile(power, 0.1, axis=0)
    gain = np.maximum(1.0 - np.sqrt(floor / np.maximum(power, 1e-12)), 0.1)
    return _samples(spectrum * gain, len(samples))


def coarse(samples: Samples, step_db: float) -> Samples:
    """Quantizes a spectrum as codecs of few bits do: magnitudes in steps, and nothing 30 dB below its frame's peak."""
    spectrum = _spectrum(samples)
    size = np.maximum(np.abs(spectrum), 1e-9)
    steps = 10 ** (np.rint(20 * np.log10(size) / step_db) * step_db / 20)
    kept = size > size.max(axis=1, keepdims=True) * 10 ** (-30 / 20)
    return _samples(spectrum / size * steps * kept, len(samples))


def _narrow(waveform: Waveform) -> Samples:
    samples = resample(waveform.samples, waveform.rate, NARROWBAND_RATE)
    return band_passed(samples, NARROWBAND_RATE, 250, 3400, 2.0)


def _noisy(samples: Samples, slope: float, snr_db: tuple[float, float], generator: Generator) -> Samples:
    hiss = noise(len(samples), NARROWBAND_RATE, slope, generator)
    return samples + hiss * (rms(samples) / rms(hiss) * amplitude(-generator.uniform(*snr_db)))


def _leveled(samples: Samples, generator: Generator) -> Samples:
    return np.asarray(samples / rms(samples) * amplitude(generator.uniform(-32, -18)), np.float32)


def _spectrum(samples: Samples) -> NDArray[np.complexfloating]:
    """Returns a short-time spectrum with half-overlapping Hann windows, shape (frames, FRAME / 2 + 1)."""
    padded = np.pad(samples, (FRAME, FRAME + -len(samples) % HOP))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    return np.fft.rfft(frames * np.sqrt(_window()))


def _samples(spectrum: NDArray[np.complexfloating], length: int) -> Samples:
    frames = np.fft.irfft(spectrum, FRAME) * np.sqrt(_window())
    out = np.zeros(FRAME + HOP * (len(frames) - 1))
    for index, frame in enumerate(frames):
        out[index * HOP : index * HOP + FRAME] += frame
    return np.asarray(out[FRAME:][:length], np.float32)


def _window() -> NDArray[np.float64]:
    """Returns a periodic Hann window: halves of it overlapping add up to one."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME), np.float64)
