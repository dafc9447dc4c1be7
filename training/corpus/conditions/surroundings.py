"""Sound that reaches the microphone or the line besides the voice: other people, a street, an echo, the agent."""

from collections.abc import Sequence

import numpy as np

from bonafide.audio.resample import resample
from bonafide.audio.waveform import Samples, Waveform
from training.corpus.conditions.activity import active_rms
from training.corpus.filters import amplitude, band_passed, convolved, noise, rms

MOST_TALKERS = 8


def with_babble(
    samples: Samples, rate: int, generator: np.random.Generator, *, snr_db: float, others: Sequence[Waveform]
) -> Samples:
    """Adds four to eight other people who talk at once.

    Args:
        samples: shape (n,).
        rate: of the samples, Hz.
        generator: chooses people and where in their recordings they begin.
        snr_db: active level of the voice over the level of the babble.
        others: recordings of people who are not the speaker, one or more of each, at any rate.
    """
    count = min(len(others), int(generator.integers(4, MOST_TALKERS + 1)))
    chosen = generator.choice(len(others), count, replace=False)
    voices = [_talking(others[index], len(samples), rate, generator) for index in chosen]
    return _mixed(samples, rate, np.sum(voices, axis=0), -snr_db)


def with_agent(
    samples: Samples, rate: int, generator: np.random.Generator, *, below_db: float, others: Sequence[Waveform]
) -> Samples:
    """Adds the other party of the call, who bleeds in so far below the voice."""
    agent = _talking(others[int(generator.integers(len(others)))], len(samples), rate, generator)
    return _mixed(samples, rate, agent, -below_db)


def with_echo(samples: Samples, rate: int, generator: np.random.Generator, *, below_db: float) -> Samples:
    """Adds the voice itself, later by 80 to 300 ms and colored by a hybrid or a room."""
    late = int(generator.uniform(0.08, 0.3) * rate)
    tail = generator.standard_normal(rate // 50) * np.exp(-np.arange(rate // 50) / (rate / 300))
    echo = convolved(np.concatenate([np.zeros(late), samples])[: len(samples)], tail)[: len(samples)]
    return _mixed(samples, rate, band_passed(echo, rate, 250, 3200, 1.5), -below_db)


def with_street(samples: Samples, rate: int, generator: np.random.Generator, *, snr_db: float) -> Samples:
    """Adds a street: a rumble that never stops, vehicles that pass, and at times a horn."""
    street = noise(len(samples), rate, 1.3, generator)
    street /= np.float32(rms(street))
    for _ in range(1 + int(len(samples) / rate / 4)):
        street += _vehicle(len(samples), rate, generator)
    if generator.random() < 0.3:
        street += _horn(len(samples), rate, generator)
    return _mixed(samples, rate, street, -snr_db)


def _talking(other: Waveform, length: int, rate: int, generator: np.random.Generator) -> Samples:
    """Returns somebody's speech from anywhere on, at an active level of 1."""
    speech = resample(other.samples, other.rate, rate)
    speech = np.resize(np.roll(speech, -int(generator.integers(len(speech)))), length)
    return np.asarray(speech / active_rms(speech, rate), np.float32)


def _mixed(samples: Samples, rate: int, other: Samples, decibels: float) -> Samples:
    """Adds sound whose RMS is so many decibels over the active level of the voice."""
    gain = active_rms(samples, rate) * float(amplitude(decibels)) / rms(other)
    return np.asarray(samples + other * np.float32(gain), np.float32)


def _vehicle(length: int, rate: int, generator: np.random.Generator) -> Samples:
    """Draws one that passes: noise that swells and fades, with the hum of its engine."""
    time = np.arange(length) / rate
    near, lasts = generator.uniform(0, length / rate), generator.uniform(0.7, 3)
    swell = 1 / (1 + ((time - near) / lasts) ** 2)
    tires = band_passed(noise(length, rate, 0.5, generator), rate, 200, generator.uniform(1200, 3000), 1)
    engine = np.sign(np.sin(2 * np.pi * generator.uniform(40, 110) * time))
    passing = tires / rms(tires) + 0.3 * band_passed(engine.astype(np.float32), rate, 60, 600, 1)
    return np.asarray(passing * swell * generator.uniform(0.5, 2), np.float32)


def _horn(length: int, rate: int, generator: np.random.Generator) -> Samples:
    time = np.arange(length) / rate
    starts, lasts = generator.uniform(0, length / rate), generator.uniform(0.2, 0.8)
    pitch = generator.uniform(350, 500)
    tones = np.sin(2 * np.pi * pitch * time) + np.sin(2 * np.pi * 1.26 * pitch * time)
    return np.asarray(np.tanh(2 * tones) * ((time >= starts) & (time < starts + lasts)), np.float32)
