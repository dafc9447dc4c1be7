"""Read units of a page of speakers, by the sizes of the items as DynamoDB counts them."""

import base64
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np

from benchmarks.metering import dynamodb_units
from bonafide.adapters.dynamodb.conditions import Item
from bonafide.adapters.dynamodb.items import speaker_item
from bonafide.biometrics.evidence import Channel, Evidence, Quality
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.records.speaker import Consent, SpeakerRecord
from tests.adapters.test_stores import NOW, a_speaker
from tests.stacks.conftest import OfKind

PAGE = 100


def enrolled(number: int) -> SpeakerRecord:
    vectors = {channel: np.ones(192, np.float32) for channel in (Channel.NARROWBAND, Channel.WIDEBAND)}
    evidence = Evidence(12.5, Channel.WIDEBAND, vectors, Quality(-20.0, 0.0, None), "space-1")
    return replace(
        a_speaker("acme-retail", f"customer-{number:08d}"),
        voiceprint=Voiceprint.empty("space-1").add(evidence),
        consent=Consent(f"receipt-{number:08d}", NOW - timedelta(days=1)),
        applied=tuple(f"{n:032x}" for n in range(3)),
    )


def sent(item: Item) -> Item:
    """The item as it goes over the wire."""
    return {**item, "voiceprint": {"B": base64.b64encode(item["voiceprint"]["B"]).decode()}}


def projected(data: OfKind) -> set[str]:
    tables = [each["Properties"] for each in data("AWS::DynamoDB::Table").values()]
    (index,) = [
        each for table in tables for each in table.get("GlobalSecondaryIndexes", []) if each["IndexName"] == "speakers"
    ]
    keys = {each["AttributeName"] for each in index["KeySchema"]}
    return keys | set(index["Projection"]["NonKeyAttributes"])


def test_a_page_of_the_index_costs_a_small_part_of_what_whole_items_cost(data: OfKind) -> None:
    items = [sent(speaker_item(enrolled(number))) for number in range(PAGE)]
    names = projected(data)
    rows: list[Any] = [{name: value for name, value in item.items() if name in names} for item in items]
    assert "voiceprint" not in names
    whole = dynamodb_units("Query", {"ConsistentRead": True}, {"Items": items})["dynamodb_reads"]
    listed = dynamodb_units("Query", {}, {"Items": rows})["dynamodb_reads"]
    assert (listed, whole) == (5.5, 68)
