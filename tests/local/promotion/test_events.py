"""The bus that starts promotions, called as functions call it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest

from bonafide.adapters.eventbridge import REQUESTED
from bonafide.adapters.eventbridge import SOURCE as OWN_SOURCE
from local.promotion.events import DETAIL_TYPE, SOURCE, EventBus

ENTRY = {"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": json.dumps({"promotion": "1"})}


@pytest.fixture
def taken() -> list[Mapping[str, Any]]:
    return []


@pytest.fixture
def client(taken: list[Mapping[str, Any]]) -> Iterator[Any]:
    bus = EventBus(taken.append)
    (endpoint,) = bus.variables.values()
    keys: Any = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
    yield boto3.client("events", "us-east-1", endpoint_url=endpoint, **keys)
    bus.stop()


def test_what_the_registry_announces_starts_a_promotion(client: Any, taken: list[Mapping[str, Any]]) -> None:
    assert (SOURCE, DETAIL_TYPE) == (OWN_SOURCE, REQUESTED)
    answer = client.put_events(Entries=[ENTRY, ENTRY | {"Source": "somebody.else"}])
    assert answer["FailedEntryCount"] == 0
    assert taken == [{"promotion": "1"}]


def test_what_eventbridge_would_not_deliver_starts_nothing(client: Any, taken: list[Mapping[str, Any]]) -> None:
    odd: Any = [ENTRY | {"Detail": "no JSON"}, {"Source": SOURCE}, ENTRY | {"EventBusName": "another"}]
    answer = client.put_events(Entries=odd)
    assert answer["FailedEntryCount"] == 3
    assert taken == []
    with pytest.raises(client.exceptions.ClientError):
        client.list_rules()
