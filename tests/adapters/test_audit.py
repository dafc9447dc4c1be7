"""One contract for audit trails: acts are appended, never changed, and read page by page with their outcome."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bonafide.access.audit import AdministrativeAct
from bonafide.access.authorization import AccessRules, authorized
from bonafide.access.operations import OPERATIONS, Role
from bonafide.access.principal import Principals
from bonafide.adapters.dynamodb.audit import DynamoAuditTrail, partition
from bonafide.adapters.memory.audit import MemoryAuditTrail
from bonafide.adapters.memory.callers import MemoryCallerHashes
from bonafide.contracts.access.audit import is_position
from bonafide.errors import StoreUnavailable
from bonafide.ports.audit import AuditTrail
from bonafide.services.audit import ActRequested, Audit
from tests.services.parts import World

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ANN = "arn:aws:sts::123456789012:assumed-role/Administrator/ann"
ROLE = "arn:aws:iam::123456789012:role/Administrator"
READ = next(each for each in OPERATIONS.by_route.values() if each.name == "listAuditEntries")


@pytest.fixture(params=["memory", "aws"])
def trail(request: pytest.FixtureRequest) -> AuditTrail:
    if request.param == "memory":
        return MemoryAuditTrail()
    state = request.getfixturevalue("state")
    return DynamoAuditTrail(state.dynamodb, state.name("Tenants"))


@pytest.fixture
def name() -> str:
    return f"domain-{uuid.uuid4()}"


def act(domain: str | None, number: int) -> AdministrativeAct:
    at = NOW + timedelta(seconds=number)
    return AdministrativeAct(domain, at, f"request-{number}", "putDomain", ANN, {"version": "3"}, "ab12")


def test_acts_are_read_newest_first_with_their_outcome_if_there_is_one(trail: AuditTrail, name: str) -> None:
    acts = [act(name, number) for number in range(7)]
    for each in acts:
        trail.append(each)
        if each is not acts[3]:
            trail.append(each.ended(200, None))
    wanted = [each if each is acts[3] else each.ended(200, None) for each in reversed(acts)]
    for limit in (1, 2, 3, 7, 50):
        read: list[AdministrativeAct] = []
        before: str | None = None
        while True:
            page = trail.acts(name, before, limit)
            assert len(page.acts) <= limit
            read += page.acts
            before = page.before
            if before is None:
                break
            assert is_position(before)
        assert read == wanted
    assert trail.acts(f"{name}x", None, 10).acts == []


def test_an_act_is_never_changed(trail: AuditTrail, name: str) -> None:
    asked = act(name, 1)
    for each in (asked, asked.ended(409, "domain_not_empty"), replace(asked, principal="somebody else"),
                 asked.ended(200, None)):  # fmt: skip
        trail.append(each)
    assert trail.acts(name, None, 10).acts == [asked.ended(409, "domain_not_empty")]


def test_the_trail_of_the_stage_is_that_of_no_domain(trail: AuditTrail, name: str) -> None:
    trail.append(act(None, 1))
    assert trail.acts(None, None, 1).acts == [act(None, 1)]
    assert trail.acts(name, None, 1).acts == []
    assert partition(None) == "audit#"


def test_a_speaker_is_named_by_a_digest_only() -> None:
    world, hashes = World(), MemoryCallerHashes()
    world.put_domain()

    def named(speaker: str, domain: str = "acme", keys: MemoryCallerHashes = hashes) -> str | None:
        trail = MemoryAuditTrail()
        asked = ActRequested("deleteSpeaker", {"domain": domain, "speaker": speaker}, "request-1", ANN, "")
        Audit(trail, world.store, AccessRules(Principals()), hashes=keys).begin(asked)
        (only,) = trail.acts(domain, None, 9).acts
        assert set(only.subject) <= {"speaker_digest"}
        return only.subject.get("speaker_digest")

    digest = named("ann")
    assert digest
    assert digest == named("ann")
    # Whoever has the trail, but not the domain's key, cannot try names; nor is it the digest of a caller.
    assert len({digest, named("bob"), named("ann", keys=MemoryCallerHashes()), hashes.hashed("acme", "ann")}) == 4
    assert named("ann", "unknown") is None
    assert hashes.known("unknown", "ann") is None


def test_nothing_is_done_that_is_not_on_record() -> None:
    class Failing(MemoryAuditTrail):
        def append(self, act: AdministrativeAct) -> None:
            raise StoreUnavailable

    audit = Audit(Failing(), World().store, AccessRules(Principals()))
    with pytest.raises(StoreUnavailable):
        audit.begin(ActRequested("putDomain", {"domain": "acme"}, "request-1", ANN, "{}"))


def test_golden_calls_are_no_administrative_acts() -> None:
    trail = MemoryAuditTrail()
    audit = Audit(trail, World().store, AccessRules(Principals(), probe_domain="probe"))
    audit.begin(ActRequested("putDomain", {"domain": "probe"}, "request-1", ANN, "{}"))(200, None)
    assert trail.acts("probe", None, 10).acts == []


def test_a_new_domain_does_not_show_what_happened_under_its_name_before(name: str) -> None:
    world, trail = World(), MemoryAuditTrail()
    world.put_domain()
    made = world.store.domain("acme")
    assert made
    owned = replace(made, version=made.version + 1, principals=Principals({Role.AUDITOR: (ROLE,)}))
    world.store.put_domain(owned)
    audit = Audit(trail, world.store, AccessRules(Principals({Role.AUDITOR: (f"{ROLE}OfStage",)})))
    for days in (-1, 1):
        at = made.created_at + timedelta(days=days)
        trail.append(AdministrativeAct("acme", at, f"request-{days}", "putDomain", ANN).ended(200, None))

    def seen(arn: str, domain: str = "acme") -> list[Any]:
        rules = AccessRules(Principals({Role.AUDITOR: (f"{ROLE}OfStage",)}))
        with authorized(rules.authorize(arn, READ, domain)):
            return [each.request_id for each in audit.acts(domain, None, 10).acts]

    assert seen(ANN) == ["request-1"]
    assert seen(f"{ROLE}OfStage") == ["request-1", "request--1"]
    assert seen(f"{ROLE}OfStage", "deleted") == []
