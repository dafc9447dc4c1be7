"""Disturbances by equipment: offset, hum, a wrong level, and music or ringing before anybody talks."""

import numpy as np

from bonafide.audio.waveform import Samples
from training.corpus.conditions.activity import active_rms
from training.corpus.filters import Numbers, amplitude, band_passed, rms

FRONT_SECONDS = 8.0
# Music and ringing are at most so far from the active level of the voice, dB.
FRONT_DB = 6.0
# Chords by semitones over the root of a major key.
CHORDS = ((0, 4, 7, 12), (-3, 0, 4, 9), (5, 9, 12, 17), (7, 11, 14, 19))
# Tones, Hz, and seconds on and off, of ringing in North America, Europe, and the United Kingdom.
RINGING = (((440, 480), (2.0, 4.0)), ((425,), (1.0, 4.0)), ((400, 450), (0.4, 0.2, 0.4, 2.0)))


def with_offset(samples: Samples, _rate: int, generator: np.random.Generator, *, offset: float) -> Samples:
    """Adds a constant of either sign, in full scale."""
    return np.asarray(samples + np.float32(offset * generator.choice([-1, 1])), np.float32)


def with_hum(samples: Samples, rate: int, generator: np.random.Generator, *, hertz: float, below_db: float) -> Samples:
    """Adds the hum of the mains with some harmonics, so far below the active level of the voice."""
    time = np.arange(len(samples)) / rate
    strengths = [1.0, *(generator.uniform(0, 0.3) / harmonic for harmonic in range(2, 6))]
    phases = generator.uniform(0, 2 * np.pi, len(strengths))
    turns = [
        strength * np.sin(2 * np.pi * hertz * number * time + phase)
        for number, (strength, phase) in enumerate(zip(strengths, phases, strict=True), 1)
    ]
    hum = np.sum(turns, axis=0)
    gain = active_rms(samples, rate) * float(amplitude(-below_db)) / rms(hum)
    return np.asarray(samples + hum * gain, np.float32)


def at_level(samples: Samples, rate: int, _generator: np.random.Generator, *, dbfs: float) -> Samples:
    """Brings the active level to so many dB below full scale and rounds to 16 bits; what is beyond is clipped."""
    leveled = samples * (amplitude(dbfs) / np.float32(active_rms(samples, rate)))
    return np.asarray(np.rint(np.clip(leveled, -1, 32767 / 32768) * 32768) / 32768, np.float32)


def after_music(samples: Samples, rate: int, generator: np.random.Generator) -> Samples:
    """Puts hold music before the speech: chords with a melody over them."""
    return _after(_music(rate, generator), samples, rate, generator)


def after_ringing(samples: Samples, rate: int, generator: np.random.Generator) -> Samples:
    """Puts the ringing that a caller hears before the speech."""
    tones, cadence = RINGING[int(generator.integers(len(RINGING)))]
    time = np.arange(round(FRONT_SECONDS * rate)) / rate
    starts = np.cumsum((0.0, *cadence))
    at = time % starts[-1]
    heard = ((np.searchsorted(starts, at, side="right") - 1) % 2) == 0
    ringing = np.sum([np.sin(2 * np.pi * hertz * time) for hertz in tones], axis=0) * heard
    return _after(np.asarray(ringing, np.float32), samples, rate, generator)


def _after(front: Samples, samples: Samples, rate: int, generator: np.random.Generator) -> Samples:
    loud = active_rms(samples, rate) * float(amplitude(generator.uniform(-FRONT_DB, FRONT_DB)))
    front = front * np.float32(loud / active_rms(front, rate))
    return np.concatenate([front, samples]).astype(np.float32)


def _music(rate: int, generator: np.random.Generator) -> Samples:
    beat = round(generator.uniform(0.25, 0.5) * rate)
    root = 220 * 2 ** (generator.integers(-6, 6) / 12)
    music = np.zeros(round(FRONT_SECONDS * rate) + 5 * beat)
    for number in range(-(-len(music) // beat) - 4):
        chord = CHORDS[number // 4 % len(CHORDS)]
        notes = (
            [*chord, 12 + chord[int(generator.integers(len(chord)))]]
            if number % 4 == 0
            else [12 + int(generator.choice(chord))]
        )
        for semitones in notes:
            _add_note(music[number * beat :][: 4 * beat], root * 2 ** (semitones / 12), rate)
    return band_passed(music[: round(FRONT_SECONDS * rate)].astype(np.float32), rate, 150, 3400, 1)


def _add_note(part: Numbers, hertz: float, rate: int) -> None:
    """Adds a plucked note to part of the music."""
    time = np.arange(len(part)) / rate
    sound = sum(np.sin(2 * np.pi * hertz * number * time) / number**1.5 for number in range(1, 5))
    part += sound * np.exp(-2.5 * time) * np.minimum(1, time / 0.01)
