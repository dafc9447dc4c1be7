"""An archived decision is compared with what the table holds, as far as it has to be there."""

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from bonafide.biometrics.policy import Policy
from bonafide.records.decision import DecisionRecord
from bonafide.records.domain import DomainRecord, DomainState, ErasedDecisions, Retention
from bonafide.records.ledger import entry
from bonafide.records.ledger.comparison import TableComparison
from bonafide.records.ledger.entry import ArchivedDecision, StoredContent, StoredDecision, personal_part
from bonafide.records.ledger.verification import Fault
from tests.decisions import DECIDED_AT, decision_record

UNTIL = DECIDED_AT + timedelta(days=30)
NOW = DECIDED_AT + timedelta(hours=20)
DAY = DECIDED_AT.date()
RECORD = decision_record(decision_id="d1", speaker="ann", caller="keyed")
DOMAIN = DomainRecord(RECORD.domain, Policy(), Retention(), DECIDED_AT, DECIDED_AT, version=1)


def stored(record: DecisionRecord = RECORD, **changes: Any) -> StoredDecision:
    return StoredDecision({**json.loads(json.dumps(record.to_document())), **changes}, UNTIL)


def archived(decision: StoredDecision, name: str = "d1") -> StoredContent:
    personal = personal_part(decision.document).decode()
    return StoredContent(name, ArchivedDecision.of(decision, personal, DECIDED_AT).to_bytes())


def fault(
    found: StoredContent, table: StoredDecision | None, domain: DomainRecord | None = DOMAIN, day: date = DAY
) -> Fault | None:
    return TableComparison(domain, NOW).fault(day, found, table)


def test_an_entry_is_what_the_table_holds_or_is_named() -> None:
    assert fault(archived(stored()), stored()) is None
    assert fault(archived(stored(decision="REJECT")), stored()) is Fault.CHANGED
    assert fault(archived(stored(), "d2"), stored()) is Fault.CHANGED
    assert fault(archived(stored()), stored(), day=DAY + timedelta(days=1)) is Fault.CHANGED
    assert fault(archived(replace(stored(), until=UNTIL + timedelta(days=1))), stored()) is Fault.CHANGED
    assert fault(archived(stored()), None) is Fault.INSERTED


def test_what_a_release_with_other_lists_archived_is_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    written = stored(staged={"decision": "REJECT"}, later=1)
    monkeypatch.setattr(entry, "PLAIN", entry.PLAIN - {"staged"})
    before = archived(written)
    monkeypatch.setattr(entry, "PLAIN", entry.PLAIN | {"staged", "later"})
    after = archived(written)
    monkeypatch.undo()
    assert b"REJECT" not in json.dumps(json.loads(before.content or b"")["decision"]).encode()
    assert [fault(each, written) for each in (before, archived(written), after)] == [None] * 3
    assert fault(after, stored(staged={"decision": "REJECT"}, later=2)) is Fault.CHANGED
    monkeypatch.setattr(entry, "PLAIN", entry.PLAIN - {"thresholds"})
    assert fault(archived(written), written) is Fault.CHANGED
    monkeypatch.setattr(entry, "PLAIN", entry.PLAIN | {"thresholds", "caller"})
    assert fault(archived(written), written) is Fault.CHANGED


def test_a_time_that_no_calendar_has_and_a_name_that_is_empty_are_named() -> None:
    body = archived(stored()).content or b""
    endless = body.replace(UNTIL.isoformat().encode(), b"9999-12-31T23:59:59-10:00")
    assert endless != body
    assert fault(StoredContent("d1", endless), None, None) is Fault.INSERTED
    assert fault(StoredContent("", body.replace(b'"d1"', b'""')), None, None) is Fault.INSERTED


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"decision": 1}', b"1", b"[" * 100_000])
def test_what_is_no_entry_is_named(content: bytes) -> None:
    assert fault(StoredContent("d1", content), stored()) is Fault.CHANGED
    assert fault(StoredContent("d1", content), None) is Fault.INSERTED
    assert fault(StoredContent("d1", None), stored()) is Fault.UNREADABLE


def test_what_an_erasure_wrote_anew_is_no_difference_whichever_release_did() -> None:
    written_before = stored(timings_ms={}, later=1)
    facts = {name: each for name, each in written_before.document["facts"].items() if name != "alerts"}
    written_before = replace(written_before, document={**written_before.document, "facts": facts})
    unlinked = stored(DecisionRecord.from_document(written_before.document).unlinked())
    assert fault(archived(written_before), unlinked) is None
    assert fault(archived(replace(written_before, document={**written_before.document, "bundle": "x"})), unlinked)


@pytest.mark.parametrize(
    "domain",
    [
        None,
        replace(DOMAIN, state=DomainState.DELETING),
        replace(DOMAIN, retention=Retention(erased_decisions=ErasedDecisions.ERASE)),
        replace(DOMAIN, created_at=DECIDED_AT + timedelta(hours=1)),
    ],
    ids=["deleted", "being deleted", "erases decisions", "made anew"],
)
def test_what_may_have_been_deleted_is_not_missed(domain: DomainRecord | None) -> None:
    assert fault(archived(stored()), None, domain) is None


def test_a_decision_of_days_before_its_domain_was_made_is_missed() -> None:
    domain = replace(DOMAIN, created_at=DECIDED_AT + timedelta(hours=1))
    late = ArchivedDecision.of(stored(), None, DECIDED_AT + timedelta(days=1))
    found = StoredContent("d1", late.to_bytes())
    assert fault(found, None, domain, late.day) is Fault.INSERTED
