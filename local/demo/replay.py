"""Replay of the demo's decisions: each is judged again from its stored facts, and has to come out the same."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bonafide.adapters.bundle import BundleFiles
from bonafide.adapters.dynamodb.calibrations import DynamoCalibrationStore
from bonafide.adapters.dynamodb.decisions import DynamoDecisionStore
from bonafide.biometrics.scoring import Calibration, SpaceCalibrations
from bonafide.ports.stores import DecisionStore
from bonafide.records.decision import DecisionRecord
from bonafide.records.decision_page import DecisionFilter
from bonafide.records.ledger.replay import replayed
from bonafide.services.shared.calibration_book import calibrations_by_digest
from local.runner import Deployment

# The index of decisions is up to date about a second after the last one.
INDEX_LAG = timedelta(minutes=1)
PAGE = 100


@dataclass(frozen=True, slots=True)
class ReplayCount:
    """Result of a replay.

    Attributes:
        decisions: stored decisions.
        equal: of them, those whose judgement came out the same to the last bit.
    """

    decisions: int
    equal: int


def replay(running: Deployment, domains: Iterable[str]) -> ReplayCount:
    """Replays all decisions of some domains of a local run."""
    environment = running.functions["authenticate_caller"].definition.environment
    store = DynamoDecisionStore(running.emulator.client("dynamodb"), environment["BONAFIDE_DECISION_TABLE"])
    layer = Path(".build/layers/model/bundle")
    documents = BundleFiles.open(layer, environment["BONAFIDE_BUNDLE_DIGEST"]).calibrations()
    bases = SpaceCalibrations.parse(documents)
    own = DynamoCalibrationStore(running.emulator.client("dynamodb"), environment["BONAFIDE_DOMAIN_TABLE"])
    counts = [count(stored(store, domain), calibrations_by_digest(own, domain, bases)) for domain in domains]
    return ReplayCount(sum(each.decisions for each in counts), sum(each.equal for each in counts))


def count(records: Iterable[DecisionRecord], calibrations: Mapping[str, Calibration]) -> ReplayCount:
    """Judges decisions again, each by the calibration of its digest."""
    equal = [replayed(record, calibrations) == record.judgement for record in records]
    return ReplayCount(len(equal), sum(equal))


def stored(store: DecisionStore, domain: str) -> Iterator[DecisionRecord]:
    """Reads all decisions of a domain, page by page."""
    selection = DecisionFilter(datetime.min.replace(tzinfo=UTC), datetime.now(UTC) + INDEX_LAG)
    page = store.list(domain, selection, None, PAGE)
    yield from page.decisions
    while page.after:
        page = store.list(domain, selection, page.after, PAGE)
        yield from page.decisions
