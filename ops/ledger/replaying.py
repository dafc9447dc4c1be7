"""Replay of archived decisions from their stored scores."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Self

from bonafide.adapters.bundle import BundleFiles
from bonafide.biometrics.scoring import Calibration, SpaceCalibrations
from bonafide.records.decision import DecisionRecord
from bonafide.records.ledger.entry import ArchivedDecision, StoredContent
from bonafide.records.ledger.replay import difference, replayed
from bonafide.services.shared.calibration_book import calibrations_by_digest
from ops.ledger.stage import LedgerOfStage

BUNDLE = Path(".build/layers/model/bundle")
# Of arithmetic on another processor, or in another runtime.
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Replay:
    """Judges archived decisions of a domain again.

    Attributes:
        ledger: of the stage.
        domain: of the decisions.
        calibrations: by digest: of the bundle, and all that were ever proposed for the domain.
    """

    ledger: LedgerOfStage
    domain: str
    calibrations: Mapping[str, Calibration]

    @classmethod
    def of(cls, ledger: LedgerOfStage, domain: str, bundle: Path) -> Self:
        """Reads the calibrations of a bundle, and the domain's own.

        Raises:
            BundleCorrupt: the folder has no bundle.
        """
        bases = SpaceCalibrations.parse(BundleFiles.open(bundle).calibrations())
        return cls(ledger, domain, calibrations_by_digest(ledger.calibrations, domain, bases))

    def run(self, days: Sequence[date] | None, decision: str | None, count: int) -> tuple[str, bool]:
        """Replays up to `count` decisions; returns the report, and whether all that could be came out the same."""
        equal, within, left_out, other = 0, 0, 0, list[str]()
        for name, record in islice(records_of(self.ledger, self.domain, days, decision), count):
            again = replayed(record, self.calibrations) if record else None
            apart = difference(record.judgement, again) if record and again else None
            if record is None:
                other.append(f"unreadable: decision {name}")
            elif apart is None:
                left_out += 1
            elif apart == 0:
                equal += 1
            elif apart <= TOLERANCE:
                within += 1
            else:
                other.append(f"different: decision {name} by {apart:g}")
        lines = [*other, f"{equal} decisions are equal to the last bit, {within} within {TOLERANCE:g}"]
        if left_out:
            lines.append(f"{left_out} were left out: their calibration is not of this bundle, or not of this domain")
        return "\n".join(lines), not other and equal + within > 0


def records_of(
    ledger: LedgerOfStage, domain: str, days: Sequence[date] | None, decision: str | None
) -> Iterator[tuple[str, DecisionRecord | None]]:
    """Yields archived decisions by name, the newest days first; None for what is none."""
    for day in sorted(days or ledger.archive.days(domain), reverse=True):
        for each in ledger.archive.contents(domain, day):
            if decision in {None, each.name}:
                yield each.name, _record(each)


def _record(found: StoredContent) -> DecisionRecord | None:
    """Returns an archived decision; None of what is none, whatever it is."""
    try:
        return ArchivedDecision.from_bytes(found.content or b"").record()
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
