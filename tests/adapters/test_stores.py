"""One contract for each store, kept by the adapters of AWS and by their twins in memory alike."""

import json
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from bonafide.adapters.dynamodb.decisions import DynamoDecisionStore
from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from bonafide.adapters.dynamodb.items import domain_item, read_domain
from bonafide.adapters.memory.audio import MemoryAudioStore
from bonafide.adapters.memory.decisions import MemoryDecisionStore
from bonafide.adapters.memory.domains import MemoryDomainStore
from bonafide.adapters.s3 import S3AudioStore
from bonafide.biometrics.decision import Decision
from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.biometrics.evidence import Channel, Evidence, Quality
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.errors import Subject, TooLarge
from bonafide.ports.audio import AudioStore
from bonafide.ports.stores import DecisionStore, DomainChanged, DomainStore, VersionConflict
from bonafide.records.decision_page import DecisionFilter
from bonafide.records.domain import DomainRecord, DomainState, Retention
from bonafide.records.speaker import Consent, SpeakerRecord
from tests.decisions import decided, decision_record

KINDS = ("memory", "aws")
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)


@pytest.fixture(params=KINDS)
def domains(request: pytest.FixtureRequest) -> DomainStore:
    if request.param == "memory":
        return MemoryDomainStore()
    state = request.getfixturevalue("state")
    return DynamoDomainStore(state.dynamodb, state.name("Tenants"))


@pytest.fixture(params=KINDS)
def decisions(request: pytest.FixtureRequest) -> DecisionStore:
    if request.param == "memory":
        return MemoryDecisionStore()
    state = request.getfixturevalue("state")
    return DynamoDecisionStore(state.dynamodb, state.name("Decisions"))


@pytest.fixture(params=KINDS)
def audio(request: pytest.FixtureRequest) -> AudioStore:
    if request.param == "memory":
        return MemoryAudioStore()
    state = request.getfixturevalue("state")
    return S3AudioStore(state.s3, state.name("Audio"))


@pytest.fixture
def name() -> str:
    """A domain that no other test uses: they share one table."""
    return f"domain-{uuid.uuid4()}"


@pytest.fixture
def domain(domains: DomainStore, name: str) -> DomainRecord:
    record = a_domain(name)
    domains.put_domain(record)
    return record


def a_domain(name: str) -> DomainRecord:
    policy = Policy(impostor_prior=0.02, minimum_enrolment_seconds=12.5)
    return DomainRecord(name, policy, Retention(30, keep_audio=True), NOW, NOW, policy_version=3, version=1)


def a_speaker(domain: str, speaker: str = "ann") -> SpeakerRecord:
    return SpeakerRecord(domain, speaker, SpeakerStatus.PENDING, NOW, NOW, version=1)


def a_voiceprint() -> Voiceprint:
    vector = np.random.default_rng(0).standard_normal(192).astype(np.float32)
    evidence = Evidence(4.25, Channel.NARROWBAND, {Channel.NARROWBAND: vector}, Quality(-20.0, 0.0, None), "space-1")
    return Voiceprint.empty("space-1").add(evidence)


def test_a_domain_is_read_as_it_was_written(domains: DomainStore, domain: DomainRecord) -> None:
    assert domains.domain(domain.domain) == domain


def test_an_unknown_domain_and_an_unknown_speaker_are_none(domains: DomainStore, name: str) -> None:
    assert domains.domain(name) is None
    assert domains.find(name, "ann") == (None, None)


def test_a_domain_that_a_later_release_wrote_is_read_for_what_is_known_of_it() -> None:
    domain = a_domain("acme")
    item = domain_item(domain)
    document = json.loads(item["document"]["S"])
    for part in (document, document["policy"], document["retention"]):
        part["later"] = 1
    assert read_domain({**item, "later": {"N": "1"}, "document": {"S": json.dumps(document)}}) == domain


def test_in_a_domain_of_a_release_without_liveness_accepting_a_spoof_costs_what_an_impostor_does() -> None:
    domain = a_domain("acme")
    item = domain_item(replace(domain, policy=replace(domain.policy, false_accept_cost=40.0)))
    document = json.loads(item["document"]["S"])
    for later in ("spoof_prior", "spoof_accept_cost"):
        del document["policy"][later]
    found = read_domain({**item, "document": {"S": json.dumps(document)}}).policy
    assert (found.spoof_prior, found.spoof_accept_cost) == (Policy().spoof_prior, 40.0)


def test_a_domain_that_is_being_emptied_is_read_as_such(domains: DomainStore, domain: DomainRecord) -> None:
    closed = replace(domain, version=2, state=DomainState.EMPTYING)
    domains.put_domain(closed)
    assert domains.domain(domain.domain) == closed


def test_a_domain_follows_only_the_version_before_it(domains: DomainStore, domain: DomainRecord) -> None:
    domains.put_domain(replace(domain, version=2))
    for version in (1, 2, 4):
        with pytest.raises(VersionConflict):
            domains.put_domain(replace(domain, version=version))
    assert domains.domain(domain.domain) == replace(domain, version=2)


def test_a_domain_that_is_not_there_has_no_second_version(domains: DomainStore, name: str) -> None:
    with pytest.raises(VersionConflict):
        domains.put_domain(replace(a_domain(name), version=2))
    assert domains.domain(name) is None


def test_only_the_version_that_was_read_is_deleted(domains: DomainStore, domain: DomainRecord) -> None:
    with pytest.raises(VersionConflict):
        domains.delete_domain(replace(domain, version=2))
    domains.delete_domain(domain)
    assert domains.domain(domain.domain) is None
    with pytest.raises(VersionConflict):
        domains.delete_domain(domain)


def test_a_speaker_is_read_with_everything_that_was_written(domains: DomainStore, domain: DomainRecord) -> None:
    written = replace(
        a_speaker(domain.domain),
        voiceprint=a_voiceprint(),
        consent=Consent("receipt", NOW - timedelta(days=1)),
        opted_out_at=NOW,
        applied=("one", "two"),
    )
    domains.put_speaker(domain, written)
    found_domain, found = domains.find(domain.domain, "ann")
    assert found_domain == domain
    assert found is not None
    assert found.voiceprint is not None
    assert found.voiceprint.to_bytes() == a_voiceprint().to_bytes()
    assert replace(found, voiceprint=None) == replace(written, voiceprint=None)


def test_a_speaker_follows_only_the_version_before_it(domains: DomainStore, domain: DomainRecord) -> None:
    speaker = a_speaker(domain.domain)
    with pytest.raises(VersionConflict):
        domains.put_speaker(domain, replace(speaker, version=2))
    domains.put_speaker(domain, speaker)
    for version in (1, 3):
        with pytest.raises(VersionConflict):
            domains.put_speaker(domain, replace(speaker, version=version))
    domains.put_speaker(domain, replace(speaker, version=2))


def test_of_writers_at_the_same_time_one_wins_each_version(domains: DomainStore, domain: DomainRecord) -> None:
    together = threading.Barrier(8)

    def write(version: int) -> int:
        together.wait()
        try:
            domains.put_speaker(domain, replace(a_speaker(domain.domain), version=version))
        except VersionConflict:
            return 0
        return 1

    with ThreadPoolExecutor(8) as threads:
        for version in (1, 2, 3):
            assert sum(threads.map(write, [version] * 8)) == 1


@pytest.mark.parametrize("state_of_domain", ["absent", DomainState.DELETING, DomainState.EMPTYING])
def test_no_speaker_is_written_into_a_domain_that_is_gone_or_going(
    domains: DomainStore, name: str, state_of_domain: str
) -> None:
    if state_of_domain != "absent":
        domains.put_domain(replace(a_domain(name), state=DomainState(state_of_domain)))
    with pytest.raises(DomainChanged):
        domains.put_speaker(a_domain(name), a_speaker(name))
    assert domains.find(name, "ann")[1] is None


def test_no_speaker_is_written_into_a_domain_that_was_made_anew_after_the_writer_read_it(
    domains: DomainStore, domain: DomainRecord
) -> None:
    anew = replace(domain, created_at=NOW + timedelta(microseconds=1))
    domains.delete_domain(domain)
    domains.put_domain(anew)
    with pytest.raises(DomainChanged):
        domains.put_speaker(domain, a_speaker(domain.domain))
    assert domains.find(domain.domain, "ann") == (anew, None)
    domains.put_speaker(anew, a_speaker(domain.domain))


def test_a_closed_domain_takes_later_versions_of_the_speakers_that_it_has_only(
    domains: DomainStore, domain: DomainRecord
) -> None:
    speaker = a_speaker(domain.domain)
    domains.put_speaker(domain, speaker)
    domains.put_domain(replace(domain, version=2, state=DomainState.DELETING))
    domains.put_speaker(domain, replace(speaker, version=2))
    domains.delete_speaker(replace(speaker, version=2))
    with pytest.raises(VersionConflict):
        domains.put_speaker(domain, replace(speaker, version=3))


def test_only_the_version_of_a_speaker_that_was_read_is_deleted(domains: DomainStore, domain: DomainRecord) -> None:
    speaker = a_speaker(domain.domain)
    domains.put_speaker(domain, speaker)
    for other in (replace(speaker, version=2), replace(speaker, created_at=NOW + timedelta(microseconds=1))):
        with pytest.raises(VersionConflict):
            domains.delete_speaker(other)
    domains.delete_speaker(speaker)
    assert domains.find(domain.domain, "ann") == (domain, None)
    with pytest.raises(VersionConflict):
        domains.delete_speaker(speaker)


def test_what_is_stored_is_read_for_a_deletion_in_order_and_no_more_than_wanted(
    domains: DomainStore, domain: DomainRecord
) -> None:
    for each in ("c", "a", "b"):
        domains.put_speaker(domain, a_speaker(domain.domain, each))
    assert [each.speaker for each in domains.stored_speakers(domain.domain, 2)] == ["a", "b"]
    assert domains.stored_speakers(domain.domain, 10)[2] == a_speaker(domain.domain, "c")


def test_a_list_shows_of_a_speaker_what_the_record_says(domains: DomainStore, domain: DomainRecord) -> None:
    written = replace(
        a_speaker(domain.domain),
        voiceprint=a_voiceprint(),
        consent=Consent("receipt", NOW - timedelta(days=1)),
        opted_out_at=NOW,
    )
    domains.put_speaker(domain, written)
    page = domains.list_speakers(domain.domain, None, 10)
    assert (list(page.speakers), page.after) == ([written.summary], None)
    assert page.speakers[0].speech_seconds == 4.25


def test_a_deleted_speaker_begins_again_at_the_first_version(domains: DomainStore, domain: DomainRecord) -> None:
    for _ in range(2):
        domains.put_speaker(domain, a_speaker(domain.domain))
        domains.delete_speaker(a_speaker(domain.domain))


def test_a_speaker_who_was_deleted_and_came_back_is_not_written_over_by_who_read_the_first(
    domains: DomainStore, domain: DomainRecord
) -> None:
    first = a_speaker(domain.domain)
    second = replace(first, created_at=NOW + timedelta(microseconds=1))
    domains.put_speaker(domain, first)
    domains.delete_speaker(first)
    domains.put_speaker(domain, second)
    with pytest.raises(VersionConflict):
        domains.put_speaker(domain, replace(first, version=2))
    domains.put_speaker(domain, replace(second, version=2))


def test_a_domain_that_was_deleted_and_made_again_is_touched_by_nobody_who_read_the_first(
    domains: DomainStore, domain: DomainRecord
) -> None:
    second = replace(domain, created_at=NOW + timedelta(microseconds=1))
    domains.delete_domain(domain)
    domains.put_domain(second)
    with pytest.raises(VersionConflict):
        domains.put_domain(replace(domain, version=2))
    with pytest.raises(VersionConflict):
        domains.delete_domain(domain)
    domains.delete_domain(second)


def pages(domains: DomainStore, domain: str, limit: int) -> Iterator[list[str]]:
    after: str | None = None
    while True:
        page = domains.list_speakers(domain, after, limit)
        yield [speaker.speaker for speaker in page.speakers]
        after = page.after
        if after is None:
            return


@pytest.mark.parametrize("limit", [1, 3, 7, 8, 100])
def test_pages_hold_every_speaker_once_and_in_order(domains: DomainStore, domain: DomainRecord, limit: int) -> None:
    names = ["B", "a", "a-1", "a.1", "a1", "a_1", "z"]
    for each in reversed(names):
        domains.put_speaker(domain, a_speaker(domain.domain, each))
    found = list(pages(domains, domain.domain, limit))
    assert [each for page in found for each in page] == sorted(names)
    assert all(len(page) <= limit for page in found)


def test_a_page_goes_on_after_a_speaker_that_was_deleted_meanwhile(domains: DomainStore, domain: DomainRecord) -> None:
    for each in ("a", "b", "c"):
        domains.put_speaker(domain, a_speaker(domain.domain, each))
    first = domains.list_speakers(domain.domain, None, 2)
    assert first.after == "b"
    domains.delete_speaker(a_speaker(domain.domain, "b"))
    assert [each.speaker for each in domains.list_speakers(domain.domain, first.after, 2).speakers] == ["c"]


def test_a_domain_lists_its_own_speakers_only(domains: DomainStore, domain: DomainRecord) -> None:
    neighbor = a_domain(f"{domain.domain}-2")
    domains.put_domain(neighbor)
    domains.put_speaker(neighbor, a_speaker(neighbor.domain))
    assert list(pages(domains, domain.domain, 10)) == [[]]
    assert domains.find(domain.domain, "ann") == (domain, None)


ACCEPTED = decision_record()
KEPT_UNTIL = datetime(2999, 1, 1, tzinfo=UTC)
EXPIRED = datetime(2026, 1, 3, tzinfo=UTC)
REJECTED = decided(ACCEPTED, Decision.REJECT)


def test_a_decision_is_returned_and_read_as_it_was_appended(decisions: DecisionStore, name: str) -> None:
    decision = replace(ACCEPTED, domain=name)
    assert decisions.read(name, "decision-1") is None
    assert decisions.append(decision, KEPT_UNTIL) == decision
    assert decisions.read(name, "decision-1") == decision


def test_the_first_decision_of_an_identifier_stands(decisions: DecisionStore, name: str) -> None:
    accepted, rejected = (replace(each, domain=name) for each in (ACCEPTED, REJECTED))
    decisions.append(accepted, KEPT_UNTIL)
    assert decisions.append(rejected, KEPT_UNTIL) == accepted


def test_domains_do_not_share_decisions(decisions: DecisionStore, name: str) -> None:
    decisions.append(replace(ACCEPTED, domain=name), KEPT_UNTIL)
    other = replace(REJECTED, domain=f"{name}-2")
    assert decisions.append(other, KEPT_UNTIL) == other


def test_of_decisions_appended_together_everybody_gets_the_same(decisions: DecisionStore, name: str) -> None:
    records = [replace(each, domain=name) for each in (ACCEPTED, REJECTED)] * 4
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda record: decisions.append(record, KEPT_UNTIL).judgement.decision, records))
    assert len(set(answers)) == 1


def test_audio_is_fetched_as_it_was_kept(audio: AudioStore, name: str) -> None:
    content = bytes(range(256)) * 100
    audio.keep(f"kept/{name}/one", content)
    assert audio.fetch(f"kept/{name}/one", len(content)) == content


def test_audio_that_is_not_there_is_none(audio: AudioStore, name: str) -> None:
    assert audio.fetch(f"kept/{name}/none", 10) is None


def test_audio_over_the_limit_is_refused(audio: AudioStore, name: str) -> None:
    audio.keep(f"uploads/{name}/large", b"12345")
    with pytest.raises(TooLarge) as refusal:
        audio.fetch(f"uploads/{name}/large", 4)
    error = refusal.value
    assert (error.code, error.subject, error.limit, error.found) == ("audio_too_large", Subject.UPLOAD, 4, 5)


def test_discarding_takes_what_is_below_the_prefix_and_nothing_else(audio: AudioStore, name: str) -> None:
    for key in ("ann/1", "ann/2", "anna/1"):
        audio.keep(f"kept/{name}/{key}", key.encode())
    assert [audio.discard(f"kept/{name}/ann/") for _ in range(2)] == [2, 0]
    left = [audio.fetch(f"kept/{name}/{key}", 10) for key in ("ann/1", "ann/2", "anna/1")]
    assert left == [None, None, b"anna/1"]


EARLIEST, LATEST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
ALL = DecisionFilter(EARLIEST, LATEST)


def a_ledger(decisions: DecisionStore, domain: str, number: int = 7) -> list[str]:
    """Appends decisions a minute apart, of two speakers and two results; returns their identifiers, newest first."""
    for place in range(number):
        record = decided(ACCEPTED, Decision.REJECT if place % 3 == 0 else Decision.ACCEPT)
        at = EARLIEST + timedelta(minutes=place)
        speaker = "bob" if place % 2 else "ann"
        decisions.append(
            replace(record, domain=domain, decision_id=f"d-{place}", decided_at=at, speaker=speaker), KEPT_UNTIL
        )
    return [f"d-{place}" for place in reversed(range(number))]


def listed(decisions: DecisionStore, domain: str, selection: DecisionFilter, limit: int = 3) -> list[str]:
    """Identifiers of all pages."""
    found: list[str] = []
    after = None
    while True:
        page = decisions.list(domain, selection, after, limit)
        assert len(page.decisions) <= limit
        found += [each.decision_id or "" for each in page.decisions]
        after = page.after
        if after is None:
            return found


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_pages_lead_through_all_decisions_the_newest_first(decisions: DecisionStore, name: str, limit: int) -> None:
    names = a_ledger(decisions, name)
    a_ledger(decisions, f"{name}-2", 2)
    assert listed(decisions, name, ALL, limit) == names


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        ({"begin": EARLIEST + timedelta(minutes=5)}, [6, 5]),
        ({"end": EARLIEST + timedelta(minutes=2)}, [1, 0]),
        ({"begin": EARLIEST - timedelta(days=2), "end": EARLIEST}, []),
        ({"speaker": "bob"}, [5, 3, 1]),
        ({"decision": Decision.REJECT}, [6, 3, 0]),
        ({"speaker": "bob", "decision": Decision.REJECT}, [3]),
        ({"speaker": "nobody"}, []),
    ],
)
def test_decisions_are_selected_by_time_speaker_and_result(
    decisions: DecisionStore, name: str, changes: dict[str, Any], places: list[int]
) -> None:
    a_ledger(decisions, name)
    assert listed(decisions, name, replace(ALL, **changes), 2) == [f"d-{place}" for place in places]


def test_decisions_of_one_moment_are_all_listed(decisions: DecisionStore, name: str) -> None:
    for place in range(5):
        decisions.append(replace(ACCEPTED, domain=name, decision_id=f"d-{place}", decided_at=EARLIEST), KEPT_UNTIL)
    assert sorted(listed(decisions, name, ALL, 2)) == [f"d-{place}" for place in range(5)]


def test_a_listed_decision_is_the_stored_one(decisions: DecisionStore, name: str) -> None:
    decisions.append(replace(ACCEPTED, domain=name), KEPT_UNTIL)
    (found,) = decisions.list(name, ALL, None, 10).decisions
    assert found == replace(ACCEPTED, domain=name)


def test_a_decision_whose_retention_is_over_is_neither_read_nor_listed(decisions: DecisionStore, name: str) -> None:
    record = replace(ACCEPTED, domain=name)
    decisions.append(record, EXPIRED)
    assert decisions.read(name, "decision-1") is None
    assert decisions.list(name, ALL, None, 10).decisions == []
    # It still stands: a repeated request is not decided again.
    assert decisions.append(replace(REJECTED, domain=name), KEPT_UNTIL) == record
