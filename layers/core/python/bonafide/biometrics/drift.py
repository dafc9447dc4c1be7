"""Drift of evidence: whether what callers bring, and what the models make of it, is distributed as it used to be.

What is compared is always evidence of one domain with a baseline of the same domain. Callers differ from any training
corpus from the first day on: a comparison with the distributions of a bundle is for people to read, and never alarms.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bonafide.biometrics.case import Case
from bonafide.biometrics.chance import Attack
from bonafide.biometrics.evidence import Channel
from bonafide.biometrics.judgement import Judgement
from bonafide.biometrics.populations import Difference, Distribution, Readings, differ

# With readings of fewer, nothing is said about a signal.
LEAST_SPEAKERS = 20
# Chosen on one corpus and confirmed on others: docs/drift.md.
CHANCE = 2e-4
RELEVANT_PSI = 0.2


class DriftSignal(StrEnum):
    """Signals that are watched."""

    SPEAKER_LLR = "speaker_llr"
    LIVENESS_LLR = "liveness_llr"
    EMBEDDING_NORM = "embedding_norm"
    DIRECTION_1 = "embedding_direction_1"
    DIRECTION_2 = "embedding_direction_2"
    DIRECTION_3 = "embedding_direction_3"
    DIRECTION_4 = "embedding_direction_4"
    SPEECH_SECONDS = "speech_seconds"
    LEVEL = "level_dbfs"
    SNR = "snr_db"
    DYNAMIC_RANGE = "dynamic_range_db"
    CLIPPED = "clipped"
    NARROWBAND = "narrowband"


# Of the embedding, in the order of the bundle's directions.
DIRECTIONS = (DriftSignal.DIRECTION_1, DriftSignal.DIRECTION_2, DriftSignal.DIRECTION_3, DriftSignal.DIRECTION_4)
# Made by the models: comparable between decisions of one bundle only.
OF_MODELS = frozenset({DriftSignal.SPEAKER_LLR, DriftSignal.LIVENESS_LLR, DriftSignal.EMBEDDING_NORM, *DIRECTIONS})

# What low values tell of: impostors, and synthetic voices. Most of the alarms that there may be without a change are
# left to the latter, since detectors miss many.
ATTACKS = {
    DriftSignal.SPEAKER_LLR: Attack(share=0.3, chance=CHANCE),
    DriftSignal.LIVENESS_LLR: Attack(share=0.3, chance=4e-3),
}

# Of one signal, by the band of the calls; ALL for one that is compared over all bands.
type BandDistributions = Mapping[str, Distribution]

ALL = "all"


@dataclass(frozen=True, slots=True)
class ObservedCall:
    """One call, as far as it is watched.

    Attributes:
        speaker: claimed speaker; calls without a claim are told apart by the decision.
        bundle: digest of the models.
        values: by signal; those that the call did not have are left out.
    """

    speaker: str
    bundle: str
    values: Mapping[DriftSignal, float]


@dataclass(frozen=True, slots=True)
class DriftBaseline:
    """Distributions of a domain's signals.

    Attributes:
        bundle: that made the signals of models.
        begin: from when on decisions were learned from.
        end: until when.
        signals: those that there were enough readings of, by the band of the calls: a telephone line changes most
            signals, so that calls are compared within their band. The mix of bands is a signal of its own.
        version: counts the baselines of a domain.
    """

    bundle: str
    begin: datetime
    end: datetime
    signals: Mapping[DriftSignal, BandDistributions]
    version: int = 1


def observed_values(case: Case, judgement: Judgement) -> dict[DriftSignal, float]:
    """Returns the signals of one decision that had evidence; empty for one without."""
    if case.channel is None or case.quality is None or not case.speech_seconds:
        return {}
    values = {
        DriftSignal.SPEAKER_LLR: judgement.speaker.llr if judgement.speaker else None,
        DriftSignal.LIVENESS_LLR: case.liveness,
        DriftSignal.EMBEDDING_NORM: case.embedding_norm,
        **dict(zip(DIRECTIONS, case.embedding_directions, strict=False)),
        DriftSignal.SPEECH_SECONDS: case.speech_seconds,
        DriftSignal.LEVEL: case.quality.level_dbfs,
        DriftSignal.SNR: case.quality.snr_db,
        DriftSignal.DYNAMIC_RANGE: case.quality.dynamic_range_db,
        DriftSignal.CLIPPED: case.quality.clipped,
        DriftSignal.NARROWBAND: float(case.channel is Channel.NARROWBAND),
    }
    return {signal: float(value) for signal, value in values.items() if value is not None}


def distributions(calls: Sequence[ObservedCall], bundle: str) -> dict[DriftSignal, BandDistributions]:
    """Sums up each signal that there are enough readings of; those of models only where the bundle made them."""
    found = {signal: _readings(calls, signal, bundle) for signal in DriftSignal}
    return {
        signal: made
        for signal, bands in found.items()
        if (made := {band: Distribution.of(each) for band, each in bands.items() if _is_enough([each])})
    }


def differences(baseline: DriftBaseline, calls: Sequence[ObservedCall]) -> dict[DriftSignal, Difference]:
    """Compares a window with the baseline, in each signal that both have enough readings of."""
    compared = {}
    for signal, bands in baseline.signals.items():
        found = _readings(calls, signal, baseline.bundle)
        strata = [(of, found[band]) for band, of in bands.items() if band in found]
        if _is_enough([readings for _, readings in strata]):
            compared[signal] = differ(strata, CHANCE, RELEVANT_PSI, attack=ATTACKS.get(signal))
    return compared


def drifted(found: Mapping[DriftSignal, Difference]) -> list[DriftSignal]:
    """Returns the signals that drifted."""
    return [signal for signal, each in found.items() if each.is_drift]


def _readings(calls: Iterable[ObservedCall], signal: DriftSignal, bundle: str) -> dict[str, Readings]:
    """Returns the readings of one signal by band; bands without any are left out."""
    wanted = [each for each in calls if signal in each.values and (signal not in OF_MODELS or each.bundle == bundle)]
    by_band: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for each in wanted:
        by_band[_band(each, signal)].append((each.speaker, each.values[signal]))
    return {band: Readings.of(pairs) for band, pairs in by_band.items()}


def _band(call: ObservedCall, signal: DriftSignal) -> str:
    if signal is DriftSignal.NARROWBAND:
        return ALL
    return Channel.NARROWBAND if call.values.get(DriftSignal.NARROWBAND) else Channel.WIDEBAND


def _is_enough(bands: Sequence[Readings]) -> bool:
    return sum(len(each.each) for each in bands) >= LEAST_SPEAKERS
