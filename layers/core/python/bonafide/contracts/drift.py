"""Drift of a domain's evidence, as the watch found it."""

from collections.abc import Sequence
from dataclasses import asdict

from pydantic import AwareDatetime, Field

from bonafide.biometrics.drift import DriftBaseline, DriftSignal
from bonafide.biometrics.populations import Distribution
from bonafide.contracts.base import Answer
from bonafide.records.drift import DriftWindow


class SignalDistribution(Answer):
    """Distribution of one signal of a domain."""

    points: list[float] = Field(description="Values, ascending.")
    below: list[float] = Field(description="Share of the speakers at or below each.")
    count: int = Field(description="Readings.")
    speakers: int


class Baseline(Answer):
    """Baseline that a domain's evidence is compared with."""

    version: int
    bundle: str = Field(description="Bundle that made the signals of models.")
    begin: AwareDatetime
    end: AwareDatetime
    signals: dict[DriftSignal, dict[str, SignalDistribution]] = Field(
        description="By signal and band of the calls, `all` for a signal that is compared over all bands."
    )


class SignalDifference(Answer):
    """Difference of one signal of a window: it drifted where distance and index, shift, or tail exceed bounds."""

    ks: float = Field(description="Kolmogorov-Smirnov distance.")
    ks_bound: float
    psi: float = Field(description="Population stability index.")
    psi_bound: float
    shift: float = Field(description="Probability that a speaker of the window is above one of the baseline, less 0.5.")
    shift_bound: float
    tail: float = Field(description="Mean probability that a speaker of the window is an attack, by the LLR.")
    tail_bound: float = Field(description="1 where low values tell of no attack.")
    count: int = Field(description="Readings.")
    speakers: int
    expected: list[float] = Field(description="Shares of the baseline in its bins.")
    found: list[float] = Field(description="Shares of the window in them.")


class Window(Answer):
    """One comparison of a day with the baseline."""

    begin: AwareDatetime
    end: AwareDatetime
    bundle: str = Field(description="Bundle of most of its decisions; empty without decisions.")
    calls: int
    speakers: int
    baseline: int = Field(description="Version of the baseline; 0 while none is learned.")
    drifted: list[DriftSignal] = Field(description="Signals beyond their bounds.")
    differences: dict[DriftSignal, SignalDifference]


class DriftReport(Answer):
    """Baseline and windows of a domain, the oldest window first."""

    domain: str
    baseline: Baseline | None = Field(description="Null while none is learned.")
    windows: list[Window]


def drift_report(domain: str, baseline: DriftBaseline | None, windows: Sequence[DriftWindow]) -> DriftReport:
    """Returns the view of what the watch found."""
    return DriftReport(
        domain=domain, baseline=_baseline(baseline) if baseline else None, windows=[_window(each) for each in windows]
    )


def _baseline(baseline: DriftBaseline) -> Baseline:
    return Baseline(
        version=baseline.version,
        bundle=baseline.bundle,
        begin=baseline.begin,
        end=baseline.end,
        signals={
            signal: {band: _distribution(each) for band, each in bands.items()}
            for signal, bands in baseline.signals.items()
        },
    )


def _distribution(found: Distribution) -> SignalDistribution:
    return SignalDistribution(
        points=found.points.tolist(), below=found.below.tolist(), count=found.count, speakers=found.speakers
    )


def _window(window: DriftWindow) -> Window:
    return Window(
        begin=window.begin,
        end=window.end,
        bundle=window.bundle,
        calls=window.calls,
        speakers=window.speakers,
        baseline=window.baseline,
        drifted=window.drifted,
        differences={signal: SignalDifference(**asdict(each)) for signal, each in window.differences.items()},
    )
