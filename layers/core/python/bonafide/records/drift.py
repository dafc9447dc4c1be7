"""Baselines and windows of drift; they are counts and shares, and hold nothing about a person."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Self

from bonafide.biometrics.drift import DriftBaseline, DriftSignal, drifted
from bonafide.biometrics.populations import Difference, Distribution
from bonafide.records import Stored, StoredForm, known

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class DriftWindow:
    """One comparison of a domain's recent evidence with its baseline.

    Attributes:
        begin: earliest time of its decisions.
        end: latest time, which names the window.
        bundle: that most of its decisions were made with.
        calls: number of decisions.
        speakers: who made them.
        baseline: version of the baseline; 0 while there is none, and nothing is compared.
        differences: by signal.
    """

    domain: str
    begin: datetime
    end: datetime
    bundle: str
    calls: int
    speakers: int
    baseline: int
    differences: Mapping[DriftSignal, Difference]

    @property
    def drifted(self) -> list[DriftSignal]:
        """Signals that drifted."""
        return drifted(self.differences)

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        return {
            "schema": SCHEMA,
            "domain": self.domain,
            "begin": self.begin.isoformat(),
            "end": self.end.isoformat(),
            "bundle": self.bundle,
            "calls": self.calls,
            "speakers": self.speakers,
            "baseline": self.baseline,
            "differences": {str(signal): asdict(each) for signal, each in self.differences.items()},
        }

    @classmethod
    def from_document(cls, document: Stored) -> Self:
        """Reads a stored form of this or a later release."""
        return cls(
            domain=document["domain"],
            begin=datetime.fromisoformat(document["begin"]),
            end=datetime.fromisoformat(document["end"]),
            bundle=document["bundle"],
            calls=document["calls"],
            speakers=document["speakers"],
            baseline=document["baseline"],
            differences={
                DriftSignal(name): _read_difference(each)
                for name, each in document["differences"].items()
                if name in DriftSignal
            },
        )


def written_baseline(baseline: DriftBaseline) -> StoredForm:
    """Returns the stored form of a baseline."""
    return {
        "schema": SCHEMA,
        "bundle": baseline.bundle,
        "begin": baseline.begin.isoformat(),
        "end": baseline.end.isoformat(),
        "version": baseline.version,
        "signals": {
            str(signal): {band: each.to_document() for band, each in bands.items()}
            for signal, bands in baseline.signals.items()
        },
    }


def read_baseline(document: Stored) -> DriftBaseline:
    """Reads a stored form of this or a later release."""
    signals = {DriftSignal(name): each for name, each in document["signals"].items() if name in DriftSignal}
    return DriftBaseline(
        bundle=document["bundle"],
        begin=datetime.fromisoformat(document["begin"]),
        end=datetime.fromisoformat(document["end"]),
        signals={
            signal: {band: Distribution.from_document(each) for band, each in bands.items()}
            for signal, bands in signals.items()
        },
        version=document["version"],
    )


def _read_difference(document: Stored) -> Difference:
    shares = {name: tuple(document[name]) for name in ("expected", "found")}
    return Difference(**{**known(Difference, document), **shares})
