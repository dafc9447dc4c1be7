"""Events of decisions reach whoever subscribes on the emulator's bus, and are counted where it does not take them."""

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from bonafide.adapters.eventbridge import EventBridgeDecisionEvents
from bonafide.contracts.published.decisions import DETAIL_TYPE, SOURCE, DecisionMade
from bonafide.observability import measurements
from bonafide.records.ledger.entry import StoredDecision
from tests.adapters.conftest import State
from tests.decisions import DECIDED_AT, decision_record

COUNT = 12


def stored(number: int) -> StoredDecision:
    record = decision_record(decision_id=f"d{number:02}")
    return StoredDecision(json.loads(json.dumps(record.to_document())), DECIDED_AT + timedelta(days=1))


def received(sqs: Any, queue: str) -> list[Any]:
    found: list[Any] = []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        found += [json.loads(each["Body"]) for each in messages]
    return found


def test_every_decision_reaches_who_subscribes(state: State) -> None:
    events, sqs = state.client("events"), state.client("sqs")
    queue = sqs.create_queue(QueueName="decisions")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="decisions", EventPattern=json.dumps({"source": [SOURCE], "detail-type": [DETAIL_TYPE]}))
    events.put_targets(Rule="decisions", Targets=[{"Id": "queue", "Arn": arn}])
    # More than one call takes.
    EventBridgeDecisionEvents(events, "dev").announce([stored(number) for number in range(COUNT)])
    details = [DecisionMade.model_validate(each["detail"]) for each in received(sqs, queue)]
    assert sorted(each.decision_id for each in details) == [f"d{number:02}" for number in range(COUNT)]


class Bus:
    """Refuses one of each ten events, or all."""

    def __init__(self, *, gone: bool) -> None:
        self._gone = gone

    def put_events(self, Entries: list[Any]) -> dict[str, int]:  # noqa: N803
        if self._gone:
            raise EndpointConnectionError(endpoint_url="events")
        return {"FailedEntryCount": 1}


@pytest.mark.parametrize(("gone", "lost"), [(False, 2), (True, COUNT)])
def test_what_the_bus_does_not_take_is_counted_and_harms_nobody(*, gone: bool, lost: int) -> None:
    measurements.write()
    later = StoredDecision({**stored(0).document, "decided_at": None}, DECIDED_AT)
    EventBridgeDecisionEvents(Bus(gone=gone), "dev").announce([*[stored(number) for number in range(COUNT)], later])
    assert measurements.pending()["EventsLost"] == [lost + 1]
    measurements.write()
