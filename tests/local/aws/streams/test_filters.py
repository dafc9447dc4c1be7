"""Records that no filter of a mapping wants are not sent to its function, as on AWS."""

import json
from typing import Any

import pytest

from local.aws.streams.filters import is_wanted, patterns


def mapping(*wanted: dict[str, Any]) -> dict[str, Any]:
    return {"FilterCriteria": {"Filters": [{"Pattern": json.dumps(each)} for each in wanted]}}


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ([], ["INSERT", "MODIFY", "REMOVE"]),
        ([{"eventName": ["INSERT"]}], ["INSERT"]),
        ([{"eventName": ["INSERT", "REMOVE"]}], ["INSERT", "REMOVE"]),
        ([{"eventName": ["INSERT"]}, {"eventName": ["MODIFY"]}], ["INSERT", "MODIFY"]),
        ([{"eventName": ["INSERT"], "dynamodb": {"NewImage": {"domain": {"S": ["acme"]}}}}], ["INSERT"]),
        ([{"dynamodb": {"Keys": {"domain": {"S": ["acme"]}}}}], []),
    ],
)
def test_a_record_is_kept_that_one_of_the_patterns_matches(wanted: list[dict[str, Any]], kept: list[str]) -> None:
    image = {"NewImage": {"domain": {"S": "acme"}}}
    events = {
        name: json.dumps({"eventName": name, "dynamodb": image}).encode() for name in ("INSERT", "MODIFY", "REMOVE")
    }
    read = patterns(mapping(*wanted))
    assert [name for name, event in events.items() if is_wanted(event, read)] == kept


def test_a_filter_that_is_not_imitated_is_refused() -> None:
    with pytest.raises(NotImplementedError):
        is_wanted(b'{"eventName": "INSERT"}', patterns(mapping({"eventName": [{"prefix": "I"}]})))
