"""Stored forms come back as they went, and this release and the first one read each other's rows."""

import json
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given

from bonafide.adapters.dynamodb.decisions import DynamoDecisionStore
from bonafide.adapters.dynamodb.items import (
    brake_attributes,
    domain_item,
    read_brake,
    read_domain,
    read_speaker,
    read_staging,
    speaker_item,
    staging_attributes,
)
from bonafide.adapters.dynamodb.session_items import evidence_item, read_row, read_session, session_item
from bonafide.biometrics.case import BrakeScope
from bonafide.biometrics.evidence import Channel, Evidence, Quality
from bonafide.biometrics.policy import Factor, Policy, RejectingAlert
from bonafide.biometrics.session import ChunkEvidence
from bonafide.contracts.authentications import decision_view
from bonafide.contracts.sessions import evaluation_view
from bonafide.records.brake import BrakeRecord
from bonafide.records.decision import DecisionRecord
from bonafide.records.domain import DomainRecord, DomainState
from bonafide.records.policies.staged import Staging
from bonafide.records.policies.stored import read_policy, written_policy
from bonafide.records.session import EvidenceRow, SessionRecord
from bonafide.records.speaker import SpeakerRecord
from tests.decisions import decision_record
from tests.records.first_release import (
    AT,
    AUTHENTICATION,
    DOMAIN,
    DOMAIN_DOCUMENT,
    DOMAIN_ITEM,
    EVALUATION,
    LATER_AT,
    ROW_DOCUMENT,
    ROW_ITEM,
    SESSION,
    SESSION_DOCUMENT,
    SESSION_ITEM,
    SILENT_AUTHENTICATION,
    SILENT_EVALUATION,
    SPEAKER,
    SPEAKER_ITEM,
    VOICEPRINT,
)
from tests.records.first_release_contract import FirstAuthenticationDecision, FirstSessionEvaluation
from tests.records.strategies import AUTHENTICATIONS, BRAKES, DOMAINS, EVALUATIONS, ROWS, SESSIONS, SPEAKERS, STAGINGS


def through_json(document: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(document))


@given(DOMAINS)
def test_a_domain_comes_back(record: DomainRecord) -> None:
    assert DomainRecord.from_document(through_json(record.to_document())) == record
    assert read_domain(domain_item(record)) == record


@given(BRAKES)
def test_a_brake_comes_back(record: BrakeRecord) -> None:
    assert BrakeRecord.from_document(record.domain, through_json(record.to_document())) == record
    assert read_brake(record.domain, brake_attributes(record)) == record


def test_a_decision_without_brakes_of_the_release_before_comes_back_without_any() -> None:
    record = decision_record()
    stored = record.to_document()
    del stored["facts"]["brakes"]
    assert DecisionRecord.from_document(stored) == record


def test_a_brake_that_a_later_release_adds_is_read_over() -> None:
    stored = decision_record().to_document()
    stored["facts"]["brakes"] = ["region", "stage"]
    assert DecisionRecord.from_document(stored).case.brakes == (BrakeScope.STAGE,)


@given(STAGINGS)
def test_a_staged_policy_comes_back(staging: Staging) -> None:
    assert Staging.from_document(staging.domain, through_json(staging.to_document())) == staging
    assert read_staging(staging.domain, staging_attributes(staging)) == staging


def test_policies_of_other_releases_are_read() -> None:
    """What an earlier one did not know is off; a factor that a later one requires is one that this one does not see."""
    later = written_policy(Policy())
    assert read_policy({**later, "requires": ["iris"], "reject_on": ["HICCUP", "AUDIO_REPLAYED"]}) == Policy(
        requires=(Factor.ANOTHER,), reject_on=(RejectingAlert.AUDIO_REPLAYED,)
    )
    earlier = {
        name: value for name, value in later.items() if name not in {"requires", "uncertain_margin", "reject_on"}
    }
    assert read_policy(earlier) == Policy()


@given(SPEAKERS)
def test_a_speaker_comes_back_with_the_voiceprint(record: SpeakerRecord) -> None:
    voiceprint = record.voiceprint.to_bytes() if record.voiceprint else None
    document = through_json(record.to_document())
    for found in (SpeakerRecord.from_document(document, voiceprint), read_speaker(speaker_item(record))):
        assert replace(found, voiceprint=None) == replace(record, voiceprint=None)
        assert (found.voiceprint.to_bytes() if found.voiceprint else None) == voiceprint


@given(SESSIONS)
def test_a_session_comes_back(record: SessionRecord) -> None:
    assert SessionRecord.from_document(through_json(record.to_document())) == record
    assert read_session(session_item(record)) == record


@given(SESSIONS, ROWS)
def test_evidence_comes_back_to_the_last_bit(session: SessionRecord, row: EvidenceRow) -> None:
    embeddings = dict(row.chunk.evidence.embeddings)
    assert EvidenceRow.from_document(through_json(row.to_document()), embeddings) == row
    found = read_row(evidence_item(session, row))
    assert bare(found) == bare(row)
    assert vectors(found) == vectors(row)


def bare(row: EvidenceRow) -> EvidenceRow:
    return replace(row, chunk=replace(row.chunk, evidence=replace(row.chunk.evidence, embeddings={})))


def vectors(row: EvidenceRow) -> dict[Channel, bytes]:
    return {band: each.tobytes() for band, each in row.chunk.evidence.embeddings.items()}


@given(AUTHENTICATIONS | EVALUATIONS)
def test_a_decision_comes_back(record: DecisionRecord) -> None:
    assert DecisionRecord.from_document(through_json(record.to_document())) == record


def test_a_domain_of_the_first_release_is_read() -> None:
    assert read_domain(DOMAIN_ITEM) == DOMAIN


@pytest.mark.parametrize(
    ("tentative", "state"),
    [({"tentative": True}, DomainState.EMPTYING), ({"tentative": False}, DomainState.DELETING)],
)
def test_a_domain_that_the_first_release_was_deleting_is_read_as_such(
    tentative: dict[str, bool], state: DomainState
) -> None:
    document = {"S": json.dumps(DOMAIN_DOCUMENT | tentative)}
    assert read_domain({**DOMAIN_ITEM, "deleting": {"BOOL": True}, "document": document}).state is state


def test_a_speaker_of_the_first_release_is_read() -> None:
    found = read_speaker(SPEAKER_ITEM)
    assert replace(found, voiceprint=None) == SPEAKER
    assert found.voiceprint is not None
    assert found.voiceprint.to_bytes() == VOICEPRINT
    bare_item = {name: value for name, value in SPEAKER_ITEM.items() if name != "voiceprint"}
    assert read_speaker(bare_item) == SPEAKER


def test_a_session_of_the_first_release_is_read() -> None:
    assert read_session(SESSION_ITEM) == SESSION
    without_id = {name: value for name, value in SESSION_ITEM.items() if name != "request_id"}
    assert read_session(without_id) == replace(SESSION, request_id=None)


def test_evidence_of_the_first_release_is_read() -> None:
    row = read_row(ROW_ITEM)
    evidence = Evidence(1.4375, Channel.NARROWBAND, {}, Quality(-21.5, 0.0001, None), "space-1", 2.5)
    assert bare(row) == EvidenceRow(ChunkEvidence(3, "ab" * 32, evidence), "d" * 64, AT, LATER_AT, "request-1")
    assert row.chunk.evidence.embeddings[Channel.NARROWBAND].tolist() == [1.0, -2.0]


def read_decision(document: Mapping[str, Any]) -> DecisionRecord:
    """The decision that the store finds in an item of the first release."""
    item = {
        "domain": {"S": document["domain"]},
        "decision_id": {"S": document["decision_id"]},
        "decision": {"S": document["decision"]},
        "document": {"S": json.dumps(document)},
        "expires_at": {"N": str(1 << 40)},
    }
    client: Any = SimpleNamespace(get_item=lambda **_: {"Item": item})
    record = DynamoDecisionStore(client, "decisions").read(document["domain"], document["decision_id"])
    assert record is not None
    return record


@pytest.mark.parametrize("document", [AUTHENTICATION, SILENT_AUTHENTICATION], ids=["speech", "silence"])
def test_an_authentication_of_the_first_release_is_shown_as_it_was_answered(document: dict[str, Any]) -> None:
    record = read_decision(document)
    since = {"quality": {**document["quality"], "dominant_share": None}, "call_risk": None}
    assert decision_view(record).model_dump(mode="json") == document | since
    assert (record.schema, record.session, record.policy, record.case.comparison) == (1, None, None, None)


@pytest.mark.parametrize("document", [EVALUATION, SILENT_EVALUATION], ids=["speech", "silence"])
def test_an_evaluation_of_the_first_release_is_shown_as_it_was_answered(document: dict[str, Any]) -> None:
    record = read_decision(document)
    since = {"chunks": {**document["chunks"], "complete": None, "digest": None}, "call_risk": None}
    since |= {"quality": document["quality"] and {**document["quality"], "dominant_share": None}}
    assert evaluation_view(record).model_dump(mode="json") == document | since
    assert (record.schema, record.policy, record.case.comparison) == (1, None, None)


def holds(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Whether every attribute that the first release knows is there, with the same value of the same type."""
    return all(name in new and same(new[name], value) for name, value in old.items())


def same(new: Any, old: Any) -> bool:
    if isinstance(old, dict):
        return isinstance(new, dict) and holds(new, old)
    return new == old and (isinstance(new, str) or type(new) is type(old))


def document(item: Mapping[str, Any]) -> Any:
    return json.loads(item["document"]["S"])


def beside(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "document"}


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (domain_item(DOMAIN), DOMAIN_ITEM),
        (speaker_item(read_speaker(SPEAKER_ITEM)), SPEAKER_ITEM),
        (session_item(SESSION), SESSION_ITEM),
        (evidence_item(SESSION, read_row(ROW_ITEM)), ROW_ITEM),
    ],
    ids=["domain", "speaker", "session", "evidence"],
)
def test_the_first_release_finds_all_that_it_knows_in_what_is_stored_now(
    new: dict[str, Any], old: dict[str, Any]
) -> None:
    assert holds(beside(new), beside(old))
    assert holds(document(new), document(old))


@pytest.mark.parametrize("state", DomainState)
def test_the_first_release_reads_the_state_of_a_domain_from_two_flags(state: DomainState) -> None:
    item = domain_item(replace(DOMAIN, state=state))
    found = item["deleting"]["BOOL"], document(item)["tentative"]
    flags = {DomainState.OPEN: (False, False), DomainState.EMPTYING: (True, True), DomainState.DELETING: (True, False)}
    assert found == flags[state]


@given(SESSIONS, ROWS)
def test_where_the_first_release_takes_no_more_than_it_knows_there_is_no_more(
    session: SessionRecord, row: EvidenceRow
) -> None:
    assert document(session_item(session)).keys() == SESSION_DOCUMENT.keys()
    assert document(evidence_item(session, row))["quality"].keys() == ROW_DOCUMENT["quality"].keys()


@given(AUTHENTICATIONS)
def test_the_first_release_reads_an_authentication(record: DecisionRecord) -> None:
    stored = through_json(record.to_document())
    assert stored.keys() >= AUTHENTICATION.keys()
    answered = FirstAuthenticationDecision.model_validate(stored).model_dump(mode="json")
    # It stored no policy, told every score, and knew nothing of the call.
    shown = decision_view(replace(record, policy=None)).model_copy(update={"call_risk": None})
    assert decision_view(DecisionRecord.from_document(answered)) == shown


@given(EVALUATIONS)
def test_the_first_release_reads_an_evaluation(record: DecisionRecord) -> None:
    stored = through_json(record.to_document())
    assert stored.keys() >= EVALUATION.keys()
    answered = FirstSessionEvaluation.model_validate(stored).model_dump(mode="json")
    shown = evaluation_view(replace(record, policy=None))
    counts = shown.chunks.model_copy(update={"complete": None, "digest": None})
    known = shown.model_copy(update={"chunks": counts, "call_risk": None})
    assert evaluation_view(DecisionRecord.from_document(answered)) == known
