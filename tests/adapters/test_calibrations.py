"""One contract for stores of calibrations and for signatures, in memory and in AWS."""

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.config import Config

from bonafide.adapters.dynamodb.calibrations import DynamoCalibrationStore
from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from bonafide.adapters.kms import KmsSignatures
from bonafide.adapters.memory.calibrations import MemorySignatures
from bonafide.adapters.memory.domains import MemoryDomainStore
from bonafide.biometrics.scoring import CalibratedRange, Calibration
from bonafide.errors import Conflict, StoreUnavailable
from bonafide.ports.signatures import Signatures
from bonafide.ports.stores import CalibrationStore, DomainStore, VersionConflict
from bonafide.records.calibration import (
    CalibrationAction,
    CalibrationChange,
    CalibrationsRecord,
    CalibrationState,
    SignedCalibration,
)
from bonafide.services.calibrations import Calibrations
from tests.adapters.test_stores import a_domain
from tests.calibrations import a_calibration, with_condition

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
BASE = Calibration("space", {}, CalibratedRange(1.0, 0.01, -45.0, 15.0), digest="c" * 64)
OPERATORS = 16


@pytest.fixture(params=["memory", "aws"])
def stores(request: pytest.FixtureRequest) -> tuple[DomainStore, CalibrationStore]:
    if request.param == "memory":
        domains = MemoryDomainStore()
        return domains, domains.calibrations
    state = request.getfixturevalue("state")
    table = state.name("Tenants")
    return DynamoDomainStore(state.dynamodb, table), DynamoCalibrationStore(state.dynamodb, table)


@pytest.fixture
def store(stores: tuple[DomainStore, CalibrationStore]) -> CalibrationStore:
    return stores[1]


@pytest.fixture
def name() -> str:
    return f"domain-{uuid.uuid4()}"


def signed(version: int = 1, domain: str = "acme") -> SignedCalibration:
    document = a_calibration(BASE, domain).to_document()
    return SignedCalibration(version, NOW, document, created_by="ann", created_at=NOW)


def proposed(record: CalibrationsRecord) -> CalibrationsRecord:
    version = record.proposed + 1
    change = CalibrationChange(CalibrationAction.PROPOSED, version, "new headsets", "ann", NOW)
    return record.next(change, canary=signed(version), proposed=version, canary_share=0.25)


def test_what_was_never_proposed_is_empty(store: CalibrationStore, name: str) -> None:
    assert store.calibrations(name) == CalibrationsRecord(name)
    assert store.calibration_changes(name, None, 10) == []


def test_calibrations_are_read_as_they_were_written_and_their_changes_newest_first(
    store: CalibrationStore, name: str
) -> None:
    records = [proposed(CalibrationsRecord(name))]
    for _ in range(11):
        records.append(proposed(records[-1]))
    for each in records:
        store.put_calibrations(each)
    assert store.calibrations(name) == records[-1]
    assert store.calibration_changes(name, None, 3) == records[:-4:-1]
    assert store.calibration_changes(name, 3, 10) == records[1::-1]


def test_a_version_is_written_once(store: CalibrationStore, name: str) -> None:
    first = proposed(CalibrationsRecord(name))
    store.put_calibrations(first)
    for stale in (replace(first, canary=None), replace(first, version=3)):
        with pytest.raises(VersionConflict):
            store.put_calibrations(stale)
    assert store.calibration_changes(name, None, 10) == [first]


def test_a_domain_is_read_together_with_its_calibrations(
    stores: tuple[DomainStore, CalibrationStore], name: str
) -> None:
    domains, store = stores
    domains.put_domain(a_domain(name))
    found, _, _ = domains.find_with_brake(name, "ann")
    assert found
    assert found.calibrations == CalibrationsRecord(name)
    record = proposed(CalibrationsRecord(name))
    store.put_calibrations(record)
    found, _, _ = domains.find_with_brake(name, "ann")
    assert found
    assert found.calibrations == record


def test_of_many_who_promote_and_revoke_at_once_each_change_is_one_of_a_history(
    stores: tuple[DomainStore, CalibrationStore], name: str
) -> None:
    domains, store = stores
    domains.put_domain(a_domain(name))
    service = Calibrations(store, domains, MemorySignatures())
    own = a_calibration(BASE, name)
    start = threading.Barrier(OPERATORS)

    def operate(number: int) -> None:
        start.wait()
        for act in _acts(service, name, with_condition(own, {"shift": number / 10}), number):
            try:
                act()
            except Conflict as error:
                assert error.code.startswith("calibration_")  # noqa: PT017, each operator meets another conflict

    with ThreadPoolExecutor(OPERATORS) as pool:
        list(pool.map(operate, range(OPERATORS)))
    changes = list(store.calibration_changes(name, None, 1000))[::-1]
    assert [each.version for each in changes] == list(range(1, len(changes) + 1))
    state = CalibrationsRecord(name)
    for each in changes:
        assert _follows(state, each)
        state = each
    assert store.calibrations(name) == state


def _acts(service: Calibrations, name: str, own: Any, number: int) -> list[Callable[[], object]]:
    def newest() -> int:
        return service.history(name).current.proposed or 1

    return [
        lambda: service.propose(name, own, 0.1, f"by {number}", None),
        lambda: service.promote(name, newest(), f"by {number}", None),
        lambda: service.revoke(name, newest(), f"by {number}", None),
    ]


def _follows(before: CalibrationsRecord, after: CalibrationsRecord) -> bool:
    """Whether a change is one of those that the state before allowed."""
    assert after.change
    target = after.change.calibration
    match after.change.action:
        case CalibrationAction.PROPOSED:
            return (before.canary, target, after.active) == (None, before.proposed + 1, before.active)
        case CalibrationAction.PROMOTED:
            return (before.state(target), after.active) == (CalibrationState.CANARY, before.canary)
        case _:
            return before.state(target) != after.state(target) == CalibrationState.REVOKED


@pytest.fixture(params=["memory", "aws"])
def signatures(request: pytest.FixtureRequest) -> Signatures:
    if request.param == "memory":
        return MemorySignatures()
    client = request.getfixturevalue("state").client("kms")
    return KmsSignatures(lambda: client, client.create_key()["KeyMetadata"]["Arn"])


def test_a_signature_is_good_for_what_was_signed_and_for_nothing_else(signatures: Signatures) -> None:
    good = replace(signed(), signature=signatures.sign("acme", signed()))
    assert signatures.is_genuine("acme", good)
    assert not signatures.is_genuine("other", good)
    others = [
        replace(good, version=2),
        replace(good, created_by="mallory"),
        replace(good, document={**good.document, "base": "0" * 64}),
        replace(good, signature=""),
        replace(good, signature="AAAA"),
        replace(good, signature="not base64"),
    ]
    assert not any(signatures.is_genuine("acme", each) for each in others)


def test_a_key_that_does_not_answer_is_no_wrong_signature() -> None:
    calls = Config(connect_timeout=0.1, read_timeout=0.1, retries={"total_max_attempts": 1})
    session = boto3.Session("key", "secret", region_name="eu-west-1")
    client = session.client("kms", endpoint_url="http://127.0.0.1:9", config=calls)
    key = KmsSignatures(lambda: client, "key")
    with pytest.raises(StoreUnavailable):
        key.is_genuine("acme", replace(signed(), signature="AAAA"))
    with pytest.raises(StoreUnavailable):
        key.sign("acme", signed())
