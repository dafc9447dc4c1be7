"""Measures how far the product's resampler is from another one, on signals like speech.

    python -m training.evaluation.resampling

The other is soxr (its highest quality), which the training environment has for `librosa`. The signals are pulse trains
of a moving pitch through formants, with noise, so that they reach the whole band, as speech does.
"""

import sys
from collections.abc import Callable

import numpy as np

from bonafide.audio.resample import resample
from bonafide.audio.waveform import Samples

PAIRS = ((22050, 16000), (24000, 16000), (44100, 16000), (48000, 16000), (16000, 8000), (8000, 16000), (16000, 22050))
SECONDS, EDGE_SECONDS = 4.0, 0.05
# Of the lower of both rates: the band up to which the product's resampler is flat.
FLAT = 0.43
FORMANTS = ((500, 80), (1500, 120), (2500, 160), (3500, 250))

type Resampler = Callable[[Samples, int, int], Samples]


def speech_like(rate: int, seed: int = 1) -> Samples:
    """Returns pulses of a moving pitch through formants, with a little noise, shape (n,), peak 0.5."""
    generator = np.random.default_rng(seed)
    count = int(SECONDS * rate)
    pitch = 140 + 50 * np.sin(2 * np.pi * 0.7 * np.arange(count) / rate)
    pulses = np.diff(np.floor(np.cumsum(pitch) / rate), prepend=0) + 0.02 * generator.standard_normal(count)
    hertz = np.fft.rfftfreq(count, 1 / rate)
    gain = sum(1 / (1 + ((hertz - center) / width) ** 2) for center, width in FORMANTS) + 0.01
    samples = np.fft.irfft(np.fft.rfft(pulses) * gain, count)
    return np.asarray(samples / np.abs(samples).max() / 2, np.float32)


def distance_db(first: Samples, second: Samples, rate: int, upto_hz: float) -> float:
    """Returns the power of the difference over that of the first, dB, below a frequency and away from the ends."""
    edge = int(EDGE_SECONDS * rate)
    count = min(len(first), len(second))
    inner = [each[:count][edge:-edge].astype(np.float64) for each in (first, second)]
    window = np.hanning(len(inner[0]))
    spectra = [np.fft.rfft(each * window) for each in inner]
    band = np.fft.rfftfreq(len(inner[0]), 1 / rate) < upto_hz
    power = [float(np.sum(np.abs(each[band]) ** 2)) for each in (spectra[0] - spectra[1], spectra[0])]
    return float(10 * np.log10(max(power[0], 1e-30) / power[1]))


def measured(other: Resampler) -> dict[tuple[int, int], tuple[float, float]]:
    """Returns for each pair of rates the distance in the flat band, and in the whole band, dB."""
    found = {}
    for given, wanted in PAIRS:
        samples = speech_like(given)
        both = resample(samples, given, wanted), other(samples, given, wanted)
        lower = min(given, wanted)
        found[given, wanted] = (
            distance_db(*both, wanted, FLAT * lower),
            distance_db(*both, wanted, wanted / 2),
        )
    return found


def main() -> None:
    """Prints the distances from soxr."""
    import soxr  # noqa: PLC0415 - only the training environment has it

    for (given, wanted), (flat, whole) in measured(lambda *each: soxr.resample(*each, quality="VHQ")).items():
        sys.stdout.write(
            f"{given:6} -> {wanted:6}  {flat:7.1f} dB below {FLAT:.2f} of the rate, {whole:6.1f} dB in all\n"
        )


if __name__ == "__main__":
    main()
