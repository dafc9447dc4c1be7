"""Recognition of audio that is not what its label says: another rate, encoding, byte order or number of channels.

Read by a wrong label, speech is distorted, or too fast or too slow, and still is speech to a network. Two tests find
that: the order of samples tells interleaved channels by itself, and a linear model of general features of speech tells
the rest. Its weights are those of `labels.json`, which `training.labels.fit` makes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.refusal import refuse
from bonafide.errors import UnsupportedAudio

type Floats = NDArray[np.float64]

OTHER_RATE = "another sampling rate"
OTHER_LAW = "the other law of G.711"
OTHER_BYTES = "another width or order of bytes"
# Log odds from which on a mistake is taken for one. On people and lines that nothing was fitted on, with 2 to 4 s each,
# one of 687 readings by the right label was beyond it, and 92 to 99 % of those by a wrong one.
MOST_ODDS = 3.0
# At most so much of a recording is looked at, from its middle.
LONGEST_SECONDS = 15.0
# Models are of rates near these; another rate is brought to the next lower one by the caller.
RATES = (8000, 16000)

BANDS = 24
LOWEST_HZ = 60.0
FRAME_SECONDS = 0.032
HOP_SECONDS = 0.01
PITCH_FRAME_SECONDS = 0.05
PITCH_HZ = (35.0, 600.0)
ACTIVE_DB = 30.0
LAGS = (1, 2, 4, 8)
AMPLITUDE_PERCENTS = (5, 15, 30, 50, 70, 85, 95, 99)
STEP_PERCENTS = (5, 25, 50, 75, 95, 99)
MODULATIONS_HZ = (0.5, 1.5, 3.0, 5.0, 8.0, 13.0, 20.0, 35.0)

# Of neighboring samples, in natural logarithms: in 900 recordings as they are, sums of squares at even and odd places
# differ by 0.09 at most, those of their differences by 0.94, and the second autocorrelation is above the first by 0.46;
# in interleaved pairs of channels one of them is beyond these bounds but for two of 900.
MOST_UNEVEN = 0.25
MOST_UNEVEN_STEPS = 2.0
MOST_ALTERNATING = 0.6


@dataclass(frozen=True, slots=True)
class LabelModel:
    """Linear model of one rate.

    Attributes:
        offset: mean of each feature, shape (features,).
        scale: standard deviation of each feature, shape (features,).
        weights: of the scaled features and of a constant, for each kind of mistake, shape (kinds, features + 1).
        kinds: of mistakes.
    """

    offset: Floats
    scale: Floats
    weights: Floats
    kinds: tuple[str, ...]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "LabelModel":
        """Reads what `labels.json` holds for a rate."""
        offset, scale, weights = (np.asarray(document[name], np.float64) for name in ("offset", "scale", "weights"))
        return cls(offset, scale, weights, tuple(document["kinds"]))

    def mistake(self, found: Floats, law: bool) -> str | None:
        """Returns the likeliest kind of mistake, if it is likely.

        Args:
            found: features, shape (features,).
            law: whether the label is a law of G.711; no other has the other law for a mistake.
        """
        scores = self.weights @ np.append((found - self.offset) / self.scale, 1.0)
        odds = {kind: score for kind, score in zip(self.kinds, scores, strict=True) if law or kind != OTHER_LAW}
        likeliest = max(odds, key=odds.__getitem__)
        return likeliest if odds[likeliest] > MOST_ODDS else None


@cache
def models() -> Mapping[int, LabelModel]:
    """Reads the models, by rate."""
    document = json.loads(Path(__file__).with_name("labels.json").read_text())
    return {int(rate): LabelModel.read(each) for rate, each in document["models"].items()}


def require_interleaving(samples: NDArray[np.float32]) -> None:
    """Refuses samples of which every second one belongs to another signal.

    Args:
        samples: as they are read by their label, shape (n,), n >= 4.

    Raises:
        UnsupportedAudio: more than one channel is interleaved, or two bytes are one sample.
    """
    if is_interleaved(samples):
        raise _mislabeled("interleaved channels, or samples of another width")


def require_label(samples: NDArray[np.float32], rate: int, *, law: bool) -> None:
    """Refuses speech that is not what its label says.

    Args:
        samples: shape (n,).
        rate: one of RATES.
        law: whether the label is a law of G.711.

    Raises:
        UnsupportedAudio: it is likelier to be of another rate or encoding.
    """
    if found := models()[rate].mistake(features(samples, rate), law):
        raise _mislabeled(found)


def is_interleaved(samples: NDArray[np.float32]) -> bool:
    """Tells whether every second sample belongs to another signal."""
    centered = samples.astype(np.float64) - samples.mean()
    even, odd = centered[: len(centered) // 2 * 2].reshape(-1, 2).T
    within, across = odd - even, even[1:] - odd[:-1]
    power = _power(centered)
    # R(2) - R(1), by the powers of differences: E(x(n) - x(n - k))^2 = 2 R(0) - 2 R(k).
    alternating = (_power(np.diff(centered)) - _power(centered[2:] - centered[:-2])) / (2.0 * power)
    return (
        abs(np.log(_power(even) / _power(odd))) > MOST_UNEVEN
        or abs(np.log(_power(within) / _power(across))) > MOST_UNEVEN_STEPS
        or bool(alternating > MOST_ALTERNATING)
    )


def features(samples: NDArray[np.float32], rate: int) -> Floats:
    """Returns general features of speech, which do not depend on its level, shape (BANDS * 2 + 33,).

    They are the mean spectrum and its spread, the pace at which the spectrum changes, the spectrum of the envelope, the
    pitch, and the distribution of amplitudes and of steps from sample to sample.
    """
    signal = _middle(samples.astype(np.float64), rate)
    size, bank = _bank(rate)
    spectra = np.abs(np.fft.rfft(_frames(signal, size, round(HOP_SECONDS * rate)) * np.hanning(size))) ** 2
    loudness = _decibels(spectra.sum(axis=1))
    levels = _decibels(spectra @ bank.T)
    active = loudness > np.percentile(loudness, 95) - ACTIVE_DB
    mean = levels[active].mean(axis=0)
    shape = (mean - mean.mean(), levels[active].std(axis=0), _pace(levels, active))
    return np.concatenate([*shape, _modulations(loudness), _pitch(signal, rate), _waves(signal)])


def _mislabeled(found: str) -> UnsupportedAudio:
    return refuse("audio_mislabeled", "The audio is not what its encoding, rate and channel say.", found=found)


def _middle(signal: Floats, rate: int) -> Floats:
    """Returns at most LONGEST_SECONDS of it, without its mean and at a peak of 1."""
    spare = max(0, len(signal) - round(LONGEST_SECONDS * rate)) // 2
    middle = signal[spare : len(signal) - spare]
    centered = middle - middle.mean()
    return np.asarray(centered / max(float(np.abs(centered).max()), 1e-9))


def _frames(signal: Floats, size: int, hop: int) -> Floats:
    padded = np.pad(signal, (0, max(0, size - len(signal))))
    return np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]


@cache
def _bank(rate: int) -> tuple[int, Floats]:
    """Returns the length of a frame and triangles on the mel scale, shape (BANDS, length // 2 + 1)."""
    size = round(FRAME_SECONDS * rate)
    place = _mel(np.fft.rfftfreq(size, 1 / rate))
    edges = np.linspace(_mel(np.float64(LOWEST_HZ)), _mel(np.float64(0.49 * rate)), BANDS + 2)
    low, center, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    return size, np.maximum(0.0, np.minimum((place - low) / (center - low), (high - place) / (high - center)))


def _mel(hertz: Any) -> Any:
    """Converts Hz to mel (O'Shaughnessy, Speech Communication, 1987)."""
    return 2595.0 * np.log10(1.0 + hertz / 700.0)


def _decibels(power: Floats) -> Floats:
    return 10.0 * np.log10(power + 1e-9)


def _power(signal: Floats) -> float:
    return float(np.mean(np.square(signal))) + 1e-12


def _pace(levels: Floats, active: NDArray[np.bool_]) -> Floats:
    """Returns the logarithm of the mean change of levels after each of LAGS, shape (len(LAGS),)."""
    return np.array([_change(levels, active, lag) for lag in LAGS])


def _change(levels: Floats, active: NDArray[np.bool_], lag: int) -> float:
    both = active[lag:] & active[:-lag]
    changes = np.abs(levels[lag:] - levels[:-lag])[both]
    return float(np.log(changes.mean() + 1e-3)) if changes.size else 0.0


def _modulations(loudness: Floats) -> Floats:
    """Returns logarithms of the shares of the envelope's spectrum in MODULATIONS_HZ, shape (7,)."""
    envelope = np.maximum(loudness, np.percentile(loudness, 95) - ACTIVE_DB - 10.0)
    spectrum = np.abs(np.fft.rfft((envelope - envelope.mean()) * np.hanning(len(envelope)))) ** 2
    places = np.digitize(np.fft.rfftfreq(len(envelope), HOP_SECONDS), MODULATIONS_HZ)
    sums = np.bincount(places, spectrum, len(MODULATIONS_HZ) + 1)[1:-1]
    return np.log(sums / (sums.sum() + 1e-9) + 1e-4)


def _pitch(signal: Floats, rate: int) -> Floats:
    """Returns three quantiles of the logarithm of the pitch in louder frames, and the strength of it, shape (4,)."""
    size = round(PITCH_FRAME_SECONDS * rate)
    frames = _frames(signal, size, round(2 * HOP_SECONDS * rate))
    powers = np.square(frames).sum(axis=1)
    spectra = np.abs(np.fft.rfft(frames[powers >= np.percentile(powers, 60)], 2 * size)) ** 2
    correlation = np.fft.irfft(spectra)[:, :size]
    shortest, longest = round(rate / PITCH_HZ[1]), round(rate / PITCH_HZ[0])
    lags = np.arange(shortest, longest)
    # Longer lags have less to correlate; of equal peaks the shorter one is the pitch.
    seen = correlation[:, shortest:longest] / (correlation[:, :1] + 1e-9) * (1.0 - 0.3 * lags / size)
    strength = seen.max(axis=1)
    pitches = np.log(rate / lags[seen.argmax(axis=1)])[strength >= np.median(strength)]
    return np.append(np.percentile(pitches, [20, 50, 80]), strength.mean())


def _waves(signal: Floats) -> Floats:
    """Returns quantiles of amplitudes and steps, relative to the level, and four autocorrelations, shape (18,)."""
    level = np.sqrt(_power(signal))
    sizes = np.percentile(np.abs(signal - np.median(signal)), AMPLITUDE_PERCENTS) / level
    steps = np.percentile(np.abs(np.diff(signal)), STEP_PERCENTS) / level
    lags = [float(np.dot(signal[lag:], signal[:-lag])) / (len(signal) * level**2) for lag in (1, 2, 3, 4)]
    return np.concatenate([np.log(sizes + 1e-4), np.log(steps + 1e-4), lags])
