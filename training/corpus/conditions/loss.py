"""Packets that are lost in bursts, and what the other end plays instead of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.waveform import Samples
from training.corpus.conditions.coding import coded_by_g729

PACKETS_PER_SECOND = 50
# Concealment as in G.711 Appendix I: the last period of the voice is repeated, fades, and is silent after a while.
SHORTEST_PERIOD, LONGEST_PERIOD, COMPARED = 0.005, 0.015, 0.02
FADES_AFTER, SILENT_AFTER = 0.01, 0.06
CROSSFADE = 0.004


def drawn_losses(count: int, share: float, generator: np.random.Generator) -> NDArray[np.bool_]:
    """Draws which packets are lost, shape (count,), by a Gilbert-Elliott chain of two states.

    The bad state loses all and lasts 1.5 to 4 packets on average; at least one packet is lost.
    """
    leaves = 1 / generator.uniform(1.5, 4)
    enters = leaves * share / (1 - share)
    lost, bad = np.zeros(count, bool), False
    for index, chance in enumerate(generator.random(count)):
        bad = chance >= leaves if bad else chance < enters
        lost[index] = bad
    if not lost.any():
        lost[int(generator.integers(count))] = True
    return lost


def lossy(samples: Samples, rate: int, generator: np.random.Generator, *, share: float, concealed: bool) -> Samples:
    """Loses packets of 20 ms; silence, or the period of the voice before them, is heard instead."""
    size = rate // PACKETS_PER_SECOND
    lost = drawn_losses(-(-len(samples) // size), share, generator)
    if not concealed:
        return np.asarray(samples * ~np.repeat(lost, size)[: len(samples)], np.float32)
    out = samples.copy()
    for start, end in _bursts(lost):
        _conceal(out, start * size, min(end * size, len(out)), rate)
    return out


def lossy_g729(samples: Samples, rate: int, generator: np.random.Generator, *, share: float) -> Samples:
    """Loses packets of 20 ms that G.729 coded; its decoder conceals them."""
    lost = drawn_losses(-(-len(samples) // (rate // PACKETS_PER_SECOND)), share, generator)
    return coded_by_g729(samples, rate, generator, lost=lost)


@dataclass(frozen=True, slots=True)
class _Voice:
    """The last of the voice before a loss: one period of it, shape (period,)."""

    period: Samples

    def continued(self, length: int, rate: int) -> Samples:
        """Repeats it, fading, shape (length,)."""
        time = np.arange(length) / rate
        fade = np.clip(1 - (time - FADES_AFTER) / (SILENT_AFTER - FADES_AFTER), 0, 1)
        return np.asarray(np.resize(self.period, length) * fade, np.float32)


def _bursts(lost: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], lost.astype(np.int8), [0]])))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def _conceal(samples: Samples, start: int, end: int, rate: int) -> None:
    """Overwrites a burst with what goes on from before it, and fades over into what follows."""
    voice = _voice_before(samples[:start], rate)
    over = min(round(CROSSFADE * rate), len(samples) - end)
    heard = voice.continued(end - start + over, rate) if voice else np.zeros(end - start + over, np.float32)
    samples[start:end] = heard[: end - start]
    fade = np.linspace(0, 1, over, dtype=np.float32)
    samples[end : end + over] = samples[end : end + over] * fade + heard[end - start :] * (1 - fade)


def _voice_before(history: Samples, rate: int) -> _Voice | None:
    """Finds the period by correlation; None where there is too little before the loss."""
    compared, longest = round(COMPARED * rate), round(LONGEST_PERIOD * rate)
    if len(history) < compared + longest:
        return None
    last = history[-compared:]
    lags = range(round(SHORTEST_PERIOD * rate), longest)
    before = [history[-compared - lag : -lag] for lag in lags]
    best = int(np.argmax([np.dot(last, each) / (np.linalg.norm(each) + 1e-6) for each in before]))
    return _Voice(history[-lags[best] :])
